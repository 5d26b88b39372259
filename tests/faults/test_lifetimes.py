"""One client for everything: many threads, many event loops one after the other and at once, forks, and its end."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from webpubsub import (
    AzureKeyCredential,
    ConfigurationError,
    RetryPolicy,
    TransportError,
    WebPubSubError,
    WebPubSubServiceClient,
    aio,
    compat,
)
from webpubsub._sync import connections
from webpubsub._transport import blocking
from webpubsub.emulator import Emulator

from ..support.clients import HUB, KEY, Calls, connect
from ..support.server import ACCEPTED, Connection, Server, answer, answering

__all__ = ["connect"]

ONCE = RetryPolicy.none()
Connect = Callable[..., Calls]


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Server]:
    """Knows the users whose name begins with an a, and accepts everything."""

    async def behave(connection: Connection) -> None:
        while True:
            asked = await connection.read_request()
            known = asked.method != "HEAD" or "/users/a" in asked.target
            await connection.send(ACCEPTED if known else answer("404 Not Found"))

    with Server(behave, contexts[0] if request.param == "https" else None) as running:
        yield running


def new_client(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> aio.WebPubSubServiceClient:
    return aio.WebPubSubServiceClient(server.endpoint, HUB, KEY, connection_verify=contexts[1], retry_policy=ONCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_leaves_no_warnings(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A child lets go of its parent's connections without a `ResourceWarning`, which development mode would show."""
    with (
        WebPubSubServiceClient(server.endpoint, HUB, KEY, connection_verify=contexts[1], retry_policy=ONCE) as service,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", ResourceWarning)
        assert service.user_exists("ann")
        child = os.fork()
        if child == 0:
            os._exit(sum(issubclass(warning.category, ResourceWarning) for warning in caught))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Contested(deque[Any]):
    """Idle connections that another thread takes: as soon as they are there, or as soon as somebody has looked."""

    as_soon_as_there = False

    def append(self, idle: Any) -> None:
        super().append(idle)
        if self.as_soon_as_there:
            self._take()

    def __len__(self) -> int:
        found = super().__len__()
        self._take()
        return found

    def _take(self) -> None:
        with suppress(IndexError):
            self.pop()[0].close()


@pytest.mark.parametrize("as_soon_as_there", [False, True])
def test_another_thread_may_take_the_last_idle_connection(
    server: Server,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
    as_soon_as_there: bool,
) -> None:
    """A call that was accepted succeeds, and one that finds nothing idle any more connects."""
    monkeypatch.setattr(Contested, "as_soon_as_there", as_soon_as_there)
    monkeypatch.setattr(connections, "deque", Contested)
    with WebPubSubServiceClient(server.endpoint, HUB, KEY, connection_verify=contexts[1], retry_policy=ONCE) as service:
        assert [service.user_exists("ann") for _ in range(3)] == [True] * 3

    assert len(server.connections) == (3 if as_soon_as_there else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("client", "once"),
    [(WebPubSubServiceClient, {"retry_policy": ONCE}), (compat.WebPubSubServiceClient, {"retry_total": 0})],
    ids=["native", "drop-in"],
)
def test_a_forked_child_has_connections_of_its_own(
    server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext], client: Any, once: dict[str, Any]
) -> None:
    """Parent and children that share a warm client each get the responses to their own questions."""
    with client(server.endpoint, HUB, AzureKeyCredential(KEY), connection_verify=contexts[1], **once) as service:
        assert service.user_exists("ann")
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                wrong = 1
                with suppress(BaseException):
                    wrong = sum(not service.user_exists("ann") or service.user_exists("bob") for _ in range(50))
                os._exit(min(wrong, 100))
            children.append(child)
        wrong = sum(not service.user_exists("ann") or service.user_exists("bob") for _ in range(50))
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

    assert (wrong, codes) == (0, [0, 0, 0])
    assert len(server.connections) == 4


PREFORK = """
import asyncio, os, sys
from webpubsub import RetryPolicy, aio
once = RetryPolicy.none()
service = aio.WebPubSubServiceClient(sys.argv[1], "chat", "key", connection_verify=False, retry_policy=once)

async def ask(times):
    for _ in range(times):
        assert await service.user_exists("ann")
        assert not await service.user_exists("bob")

with asyncio.Runner() as runner:
    runner.run(ask(2))
    child = os.fork()
    if child == 0:
        with asyncio.Runner() as own:
            own.run(ask(20))
        os._exit(0)
    runner.run(ask(20))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_an_asynchronous_client_survives_a_fork(server: Server) -> None:
    """The child runs a loop of its own, and touches nothing of its parent's."""
    program = [sys.executable, "-W", "error", "-c", PREFORK, server.endpoint]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=50)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_one_loop_after_the_other(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """`asyncio.run` again and again: each loop connects anew, and closes what it opened."""
    service = new_client(server, contexts)

    async def ask() -> None:
        assert await service.user_exists("ann")
        assert not await service.user_exists("bob")

    for _ in range(5):
        asyncio.run(ask())
        server.wait_until_all_left()
    asyncio.run(service.close())

    assert len(server.connections) == 5


def test_views_of_synchronous_frameworks(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """As Flask and Django run asynchronous views: a loop for each request, in many threads at once."""
    service = new_client(server, contexts)

    async def view() -> bool:
        return await service.user_exists("ann")

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(lambda _: async_to_sync(view)(), range(20)))
    asyncio.run(service.close())
    server.wait_until_all_left()

    assert seen == [True] * 20


def test_many_threads_with_a_loop_each(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """All at once, over and over; each loop keeps connections of its own."""
    service = new_client(server, contexts)

    async def ask() -> list[bool]:
        asked = [service.user_exists("ann") for _ in range(5)] + [service.user_exists("bob") for _ in range(5)]
        return await asyncio.gather(*asked)

    def work(_: int) -> list[bool]:
        with asyncio.Runner() as runner:
            return runner.run(ask()) + runner.run(ask())

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(work, range(16)))
    asyncio.run(service.close())
    server.wait_until_all_left()

    assert seen == [([True] * 5 + [False] * 5) * 2] * 16


def test_many_threads_share_a_blocking_client(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """Each gets its own responses, over no more connections than allowed."""
    with WebPubSubServiceClient(
        server.endpoint, HUB, KEY, connection_verify=contexts[1], retry_policy=ONCE, max_connections=3
    ) as service:

        def ask(number: int) -> bool:
            return service.user_exists("ann" if number % 2 else "bob")

        with ThreadPoolExecutor(8) as threads:
            seen = list(threads.map(ask, range(200)))

    assert seen == [False, True] * 100
    assert len(server.connections) <= 3


def test_a_token_credential_serves_many_loops(server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """Loops that wait for a token at the same time do not meet in one lock."""

    class Credential:
        async def get_token(self, *scopes: str) -> "Token":
            together.wait(10)
            return Token()

    class Token:
        token = "a.b.c"
        expires_on = 2**40

    together = threading.Barrier(4)
    service = aio.WebPubSubServiceClient(
        server.endpoint, HUB, Credential(), connection_verify=contexts[1], retry_policy=ONCE
    )

    async def ask() -> list[bool]:
        return await asyncio.gather(*(service.user_exists("ann") for _ in range(3)))

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(lambda _: asyncio.run(ask()), range(4)))
    asyncio.run(service.close())

    assert seen == [[True] * 3] * 4


async def test_a_blocking_call_in_the_loop_of_the_emulator() -> None:
    """It would wait for itself: a clear error instead, and how to do it. From another thread it works."""
    async with Emulator() as emulator:
        with WebPubSubServiceClient.from_connection_string(emulator.connection_string, HUB) as service:
            with pytest.raises(ConfigurationError, match=r"use webpubsub\.aio here, or start the emulator with"):
                service.user_exists("ann")
            assert not await asyncio.to_thread(service.user_exists, "ann")
    with (
        Emulator() as threaded,
        WebPubSubServiceClient.from_connection_string(threaded.connection_string, HUB) as service,
    ):
        assert not service.user_exists("ann")


@pytest.mark.parametrize("credential", [KEY, SimpleNamespace(get_token=print)], ids=["key", "tokens"])
def test_a_call_outside_of_asyncio(credential: Any) -> None:
    """Other loops, such as trio's, are told what to do instead."""
    service = aio.WebPubSubServiceClient("https://example.webpubsub.azure.com", HUB, credential)
    with pytest.raises(ConfigurationError, match=r"there is no running event loop of asyncio.*use the blocking client"):
        service.user_exists("ann").send(None)


async def never_answer(connection: Connection) -> None:
    await connection.read_request()


def test_closing_ends_calls_that_are_under_way(connect: Connect) -> None:
    """They say so, and that they may have been sent; nothing is repeated, nothing stays open."""
    with Server(never_answer) as server:
        calls = connect(server.endpoint, retry_policy=RetryPolicy(attempts=5, base_delay_seconds=0))
        finish = calls.post_in_background(server)
        calls.close()
        with pytest.raises(TransportError, match=r"\(the client was closed\); it may have reached") as caught:
            finish()
        server.wait_until_all_left()
    assert caught.value.maybe_sent
    assert len(server.requests) == 1
    with pytest.raises(ConfigurationError, match="The client is closed"):
        calls.post()


def test_closing_while_others_wait_for_a_connection(connect: Connect) -> None:
    """Those were not sent; the client opens nothing after its end."""
    with Server(never_answer) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, max_connections=1)
        finish = [calls.post_in_background(server) for _ in range(3)]
        calls.close()
        sent = []
        for wait in finish:
            with pytest.raises(WebPubSubError, match=r"client (was|is) closed") as caught:
                wait()
            sent.append(getattr(caught.value, "maybe_sent", False))
        server.wait_until_all_left()
    assert sorted(sent) == [False, False, True]
    assert len(server.connections) == 1


def test_closing_reaches_the_loops_of_other_threads(
    server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """One that still runs closes what it opened; nobody has to wait for its end."""
    service = new_client(server, contexts)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert asyncio.run_coroutine_threadsafe(service.user_exists("ann"), loop).result()
        asyncio.run(service.close())
        server.wait_until_all_left()
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_forked_child_makes_its_values_anew() -> None:
    """What the parent made is neither used nor ended, though a thread of the parent may hold the lock."""
    ended: list[object] = []
    local = blocking.Local(object, ended.append)
    first = local.get()
    local._lock.acquire()

    local.forget()

    assert local.get() is not first
    assert ended == []


def test_closing_twice_is_closing_once(connect: Connect) -> None:
    """As with files."""
    with Server(answering(ACCEPTED)) as server:
        calls = connect(server.endpoint)
        calls.post()
        calls.close()
        calls.close()
        server.wait_until_all_left()


def test_a_client_that_is_dropped_leaves_no_socket(server: Server) -> None:
    """Nobody closed it: its connections end with it, without a word."""
    program = [sys.executable, "-W", "error", "-c", DROPPED, server.endpoint]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=50)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    server.wait_until_all_left()


DROPPED = """
import asyncio, sys
from webpubsub import aio
async def main():
    service = aio.WebPubSubServiceClient(sys.argv[1], "chat", "key", connection_verify=False)
    assert await service.user_exists("ann")
asyncio.run(main())
"""


def test_an_address_that_does_not_connect_leaves_time_for_the_next(
    server: Server, contexts: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may have several addresses, of which the first is not reachable from here."""
    found = socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        wrong = socket.getaddrinfo("127.0.0.1", closed.getsockname()[1], type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: wrong + found)
        with WebPubSubServiceClient(
            server.endpoint, HUB, KEY, connection_verify=contexts[1], retry_policy=ONCE
        ) as service:
            assert service.user_exists("ann")
