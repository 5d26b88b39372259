"""The asynchronous client on uvloop, which `uvicorn[standard]` runs applications on: it is no loop of asyncio's."""

import asyncio
import socket
import ssl
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import trustme

from webpubsub import RetryPolicy, TransportError, aio

from ..support.clients import HUB, KEY
from ..support.server import ACCEPTED, Connection, Server, answer

uvloop = pytest.importorskip("uvloop", reason="there is no uvloop for this system")

ONCE = RetryPolicy.none()


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Server, ssl.SSLContext]]:
    """Knows the users whose name begins with an a, and accepts everything; with it goes what a client trusts."""
    authority = trustme.CA()
    own, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(own)
    authority.configure_trust(trusting)

    async def behave(connection: Connection) -> None:
        while True:
            asked = await connection.read_request()
            known = asked.method != "HEAD" or "/users/a" in asked.target
            await connection.send(ACCEPTED if known else answer("404 Not Found"))

    with Server(behave, own if request.param == "https" else None) as running:
        yield running, trusting
        running.wait_until_all_left()


def new_client(server: tuple[Server, ssl.SSLContext], **options: Any) -> aio.WebPubSubServiceClient:
    running, trusting = server
    return aio.WebPubSubServiceClient(
        running.endpoint, HUB, KEY, connection_verify=trusting, retry_policy=ONCE, **options
    )


def run(main: Coroutine[Any, Any, None], loop: type[asyncio.AbstractEventLoop] | None = None) -> None:
    with asyncio.Runner(loop_factory=loop or uvloop.new_event_loop) as runner:
        runner.run(main)


def test_calls_are_as_on_a_loop_of_asyncio(server: tuple[Server, ssl.SSLContext]) -> None:
    """One after the other, many at once, large ones; what a closed loop held is closed with it."""
    service = new_client(server)

    async def main() -> None:
        assert await service.user_exists("ann")
        known = await asyncio.gather(*(service.user_exists("ann" if n % 2 else "bob") for n in range(40)))
        assert known == [bool(n % 2) for n in range(40)]
        await service.send_to_all("x" * 1_000_000)

    run(main())
    server[0].wait_until_all_left()
    run(main())


def test_what_is_cancelled_leaves_no_place_taken(server: tuple[Server, ssl.SSLContext]) -> None:
    """Calls that are given up at any moment do not keep others from succeeding."""

    async def main() -> None:
        async with new_client(server, max_connections=3) as service:
            tasks = [asyncio.create_task(service.user_exists("ann")) for _ in range(40)]
            for task in tasks[::2]:
                await asyncio.sleep(0)
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert outcomes[1::2] == [True] * 20
            assert await asyncio.gather(*(service.user_exists("ann") for _ in range(6))) == [True] * 6

    run(main())


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_a_refused_connection_is_an_error_that_was_not_sent() -> None:
    """As on every loop."""

    async def main() -> None:
        service = aio.WebPubSubServiceClient(f"http://127.0.0.1:{closed_port()}", HUB, KEY, retry_policy=ONCE)
        with pytest.raises(TransportError) as caught:
            await service.send_to_all("Hello")
        assert not caught.value.maybe_sent

    run(main())


@pytest.mark.parametrize("first", ["refuses", "is silent"])
def test_an_address_that_does_not_connect_leaves_time_for_the_next(
    server: tuple[Server, ssl.SSLContext], first: str
) -> None:
    """A host may have several addresses, of which the first is not reachable from here."""
    wrong, right = "127.0.0.2", "127.0.0.1"

    class Loop(uvloop.Loop):  # type: ignore[name-defined,misc]
        async def getaddrinfo(self, host: Any, *args: Any, **options: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in (wrong, right)]

        async def create_connection(self, factory: Any, host: Any, port: int, **options: Any) -> Any:
            if host == wrong and first == "is silent":
                await asyncio.Event().wait()
            return await super().create_connection(factory, host, port, **options)

    async def main() -> None:
        async with new_client(server, connection_timeout=1) as service:
            assert await service.user_exists("ann")

    run(main(), Loop)


def test_the_time_for_a_connection_is_kept() -> None:
    """No address responds: that ends in time, and nothing was sent."""

    class Loop(uvloop.Loop):  # type: ignore[name-defined,misc]
        async def create_connection(self, *args: Any, **options: Any) -> Any:
            await asyncio.Event().wait()

    async def main() -> None:
        service = aio.WebPubSubServiceClient("http://127.0.0.1:9", HUB, KEY, retry_policy=ONCE, connection_timeout=0.01)
        with pytest.raises(TransportError, match="connecting took too long") as caught:
            await service.send_to_all("Hello")
        assert not caught.value.maybe_sent

    run(main(), Loop)
