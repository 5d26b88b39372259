"""The client in each of its two colours, behind one blocking face, so that a table of faults has one shape.

Between two calls of an asynchronous client its event loop stands still: whatever happens on the network meanwhile is
seen by the next call at the earliest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar, Unpack

import httpx
import pytest

from webpubsub import GroupMember, WebPubSubServiceClient, aio
from webpubsub.options import ClientOptions
from webpubsub_rest import BinaryBody
from webpubsub_rest import v2024_12_01 as rest

from .server import Server

T = TypeVar("T")

KEY = "the access key that no log and no error may show"
HUB = "chat"
TURNS = 8
"""Turns of the event loop in which asyncio itself ends the nested iterations that were given up."""


class Calls(Protocol):
    """One client. `post` broadcasts; `get` lists a group, which is idempotent."""

    @property
    def service(self) -> WebPubSubServiceClient | aio.WebPubSubServiceClient: ...

    def post(self, message: str = "hello") -> None: ...

    def get(self) -> list[GroupMember]: ...

    def exists(self) -> bool: ...

    def call_raw(self, content: bytes) -> None:
        """Broadcast bytes of any size through the raw operation."""

    def post_to_group(self, group: str) -> None: ...

    def post_filtered(self, filter: str) -> None: ...

    def raw(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request through the HTTP client of the service client."""

    def pieces(self, *pieces: bytes) -> Any:
        """Return a body that can be iterated once, as this client wants it."""

    def post_in_background(self, server: Server) -> Callable[[], None]:
        """Start a broadcast, wait until the server has read it, and return what waits for its end."""

    def close(self) -> None: ...


class BlockingCalls:
    """The blocking client."""

    def __init__(self, endpoint: str, credential: object = KEY, **options: Unpack[ClientOptions]) -> None:
        self.service = WebPubSubServiceClient(endpoint, HUB, credential, **options)  # type: ignore[arg-type]

    def post(self, message: str = "hello") -> None:
        self.service.send_to_all(message, content_type="text/plain")

    def get(self) -> list[GroupMember]:
        return list(self.service.list_connections("room"))

    def exists(self) -> bool:
        return self.service.user_exists("nobody")

    def call_raw(self, content: bytes) -> None:
        self.service.call(rest.send_to_all, HUB, body=BinaryBody(content))

    def post_to_group(self, group: str) -> None:
        self.service.send_to_group(group, "hello")

    def post_filtered(self, filter: str) -> None:
        self.service.send_to_all("hello", filter=filter)

    def raw(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.service.http.request(method, url, **options)

    def pieces(self, *pieces: bytes) -> Iterator[bytes]:
        return iter(pieces)

    def post_in_background(self, server: Server) -> Callable[[], None]:
        pool = ThreadPoolExecutor(1)
        future = pool.submit(self.post)
        pool.shutdown(wait=False)
        assert server.was_read.wait(10)
        return future.result

    def close(self) -> None:
        self.service.close()


class AwaitingCalls:
    """The asynchronous client, and the event loop that it needs."""

    def __init__(self, endpoint: str, credential: object = KEY, **options: Unpack[ClientOptions]) -> None:
        self._runner = asyncio.Runner()
        self.service = aio.WebPubSubServiceClient(endpoint, HUB, credential, **options)  # type: ignore[arg-type]

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        return self._runner.run(coroutine)

    def post(self, message: str = "hello") -> None:
        self.run(self.service.send_to_all(message, content_type="text/plain"))

    def get(self) -> list[GroupMember]:
        async def listed() -> list[GroupMember]:
            return [member async for member in self.service.list_connections("room")]

        return self.run(listed())

    def exists(self) -> bool:
        return self.run(self.service.user_exists("nobody"))

    def call_raw(self, content: bytes) -> None:
        self.run(self.service.call(rest.send_to_all, HUB, body=BinaryBody(content)))

    def post_to_group(self, group: str) -> None:
        self.run(self.service.send_to_group(group, "hello"))

    def post_filtered(self, filter: str) -> None:
        self.run(self.service.send_to_all("hello", filter=filter))

    def raw(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.run(self.service.http.request(method, url, **options))

    async def pieces(self, *pieces: bytes) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def post_in_background(self, server: Server) -> Callable[[], None]:
        async def started() -> asyncio.Task[None]:
            task = asyncio.create_task(self.service.send_to_all("hello"))
            assert await asyncio.to_thread(server.was_read.wait, 10)
            return task

        task = self.run(started())

        async def ended() -> None:
            await task

        return lambda: self.run(ended())

    def close(self) -> None:
        async def closed() -> set[asyncio.Task[object]]:
            await self.service.close()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return asyncio.all_tasks() - {asyncio.current_task()}

        try:
            assert self.run(closed()) == set()
        finally:
            self._runner.close()
            self._runner = asyncio.Runner()


TRANSPORTS: dict[str, type[BlockingCalls] | type[AwaitingCalls]] = {
    "blocking": BlockingCalls,
    "asyncio": AwaitingCalls,
}


@pytest.fixture(params=TRANSPORTS)
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Calls]]:
    """Make clients of each colour; close them at the end."""
    made: list[Calls] = []

    def make(endpoint: str, credential: object = KEY, **options: Unpack[ClientOptions]) -> Calls:
        calls: Calls = TRANSPORTS[request.param](endpoint, credential, **options)
        made.append(calls)
        return calls

    yield make
    for calls in made:
        calls.close()
