"""Stopping: at once where nobody answers any more, whatever is under way, and as often as one likes."""

import asyncio
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from operator import le
from typing import Any, ClassVar

import aiohttp
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from webpubsub.emulator import ClientFault, Emulator, RequestFault, _acceptor
from webpubsub.emulator._server import Server
from webpubsub.tokens import sign

pytestmark = pytest.mark.timeout(30)

NOT_MASKED = b"\x81\x00"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SOON = 1.0
"""What nobody waits for takes less than this, in seconds, on a machine that is busy."""


def token(emulator: Emulator, path: str) -> str:
    claims: dict[str, Any] = {"aud": emulator.endpoint + path, "exp": int(time.time()) + 600}
    return sign(claims, emulator.access_key)


def client_url(emulator: Emulator) -> str:
    path = "/client/hubs/chat"
    return f"ws://127.0.0.1:{emulator.port}{path}?access_token={token(emulator, path)}"


async def send_to_all(emulator: Emulator, content: bytes = b"x") -> int:
    path = "/api/hubs/chat/:send"
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token(emulator, path)}"}
        return (await http.post(emulator.endpoint + path, content=content, headers=headers)).status_code


@asynccontextmanager
async def stopping(emulator: Emulator) -> AsyncIterator[None]:
    """Run it in this loop, and see that it stops soon after the block."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(emulator)
        yield
        begin = time.monotonic()
    assert time.monotonic() - begin < SOON


async def opened(emulator: Emulator, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """Connect a client that does nothing unless it is told to, not even say goodbye."""
    return await session.ws_connect(client_url(emulator))


async def test_a_client_that_does_not_say_goodbye_is_not_waited_for() -> None:
    """It has been told why, and finds that when it looks."""
    emulator = Emulator()
    async with aiohttp.ClientSession() as session:
        async with stopping(emulator):
            client = await opened(emulator, session)

        assert (await client.receive()).data == 1001


async def test_a_client_that_was_told_to_close_before_is_not_waited_for() -> None:
    """Once is enough."""
    emulator = Emulator()
    async with aiohttp.ClientSession() as session:
        async with stopping(emulator):
            client = await opened(emulator, session)
            emulator._running().go_away()

        assert (await client.receive()).data == 1001


async def test_a_client_that_broke_the_protocol_is_not_waited_for() -> None:
    """It gets its close code and the end of the stream, and nothing that it sends counts any more."""
    emulator = Emulator()
    async with stopping(emulator):
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        target = client_url(emulator).partition(str(emulator.port))[2]
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(NOT_MASKED)

        assert (await reader.read())[2:4] == (1002).to_bytes(2)
        writer.write(NOT_MASKED * 1000)
        await writer.drain()
    writer.transport.abort()


async def never(scope: Any, *_: Any) -> None:
    """Be an application that does not respond."""
    if scope["type"] == "http":
        await asyncio.Event().wait()


async def test_requests_that_wait_for_something_end() -> None:
    """For the response of an application, for a body, for a fault: whoever made them loses the connection."""
    emulator = Emulator(event_handlers={"chat": never})
    async with aiohttp.ClientSession() as session:
        async with stopping(emulator):
            emulator.faults.add(RequestFault(delay_seconds=3600))
            waiting = [
                asyncio.create_task(send_to_all(emulator)),
                asyncio.create_task(text_of(session, client_url(emulator).replace("ws", "http", 1), headers=UPGRADE)),
                asyncio.create_task(text_of(session, f"{emulator.endpoint}/_emulator/requests", data=endless())),
            ]
            while len(emulator._running()._requests) < len(waiting):
                await asyncio.sleep(0)
        ended = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(each, httpx.TransportError | aiohttp.ClientError) for each in ended] == [True] * 3


async def text_of(session: aiohttp.ClientSession, url: str, **options: Any) -> str:
    async with session.get(url, **options) as response:
        return await response.text()


async def endless() -> AsyncIterator[bytes]:
    """Begin a body, and do not go on."""
    yield b"x"
    await asyncio.Event().wait()


async def test_a_frozen_client_is_not_waited_for() -> None:
    """A fault that leaves a connection dead does so when the emulator stops, too."""
    emulator = Emulator()
    async with aiohttp.ClientSession() as session, stopping(emulator):
        await opened(emulator, session)
        emulator.faults.add(ClientFault(action="freeze"))
        assert await send_to_all(emulator) == 202


async def test_a_client_that_takes_its_time_gets_everything() -> None:
    """What is on its way arrives as long as the client reads, and then the end."""
    async with AsyncExitStack() as stack:
        async with Emulator() as emulator:
            client = await connect(client_url(emulator), max_queue=1)
            stack.push_async_callback(client.close)
            for _ in range(8):
                assert await send_to_all(emulator, b"x" * 1_000_000) == 202
            reading = asyncio.create_task(sizes(client))

        assert await reading == [1_000_000] * 8
        assert client.close_code == 1001


async def sizes(client: ClientConnection) -> list[int]:
    return [len(frame) async for frame in client]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open files as Linux shows them")
async def test_what_comes_in_at_the_last_moment_is_dropped(turns: int, tls: bool) -> None:
    """Wherever a connection is between the network and its first request, it goes when the emulator stops."""
    async with Emulator(tls=tls):
        pass  # loads what is loaded once
    before = open_files(), asyncio.all_tasks()
    with ExitStack() as stack:
        async with Emulator(tls=tls) as emulator:
            arriving = [
                stack.enter_context(socket.create_connection(("127.0.0.1", emulator.port), timeout=5))
                for _ in range(10)
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (open_files() - len(arriving), asyncio.all_tasks()) == before


@pytest.mark.parametrize("tls", [False, True])
def test_a_thread_drops_what_comes_in_at_the_last_moment(tls: bool) -> None:
    """No socket is left for the garbage, which would be a warning, and so an error."""
    for _ in range(10):
        with Emulator(tls=tls) as emulator, socket.create_connection(("127.0.0.1", emulator.port), timeout=5):
            pass
    gc.collect()


class Farewell(asyncio.Protocol):
    """Closes what is opened."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class Listener(socket.socket):
    """A socket that cannot accept, for this or that reason."""

    errors: ClassVar[list[OSError]]

    def accept(self) -> tuple[socket.socket, Any]:
        """Fail as often as there are errors."""
        if self.errors:
            raise self.errors.pop()
        return super().accept()


@pytest.mark.parametrize(
    ("error", "said"),
    [(ConnectionAbortedError(), []), (OSError(24, "Too many"), ["No connection can be accepted: [Errno 24] Too many"])],
)
async def test_a_connection_that_cannot_be_accepted_is_not_the_last(
    error: OSError, said: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is gone is left out; when there is no room, the next try is a moment later."""
    monkeypatch.setattr(_acceptor, "_RETRY_SECONDS", 0.001)
    Listener.errors = [error]
    with Listener() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        acceptor = _acceptor.Acceptor(listener, Farewell, None)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
        assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
        await acceptor.stop()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == said


@pytest.mark.parametrize("error", [OSError(24, "Too many"), None])
async def test_an_acceptor_stops_where_a_listener_cannot_be_shut_down(
    error: OSError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On systems that do not know it, and while it waits for room."""
    monkeypatch.setattr(_acceptor, "_RETRY_SECONDS", 3600)
    Listener.errors = [] if error is None else [error]
    with Listener() as listener:
        if error is not None:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
        acceptor = _acceptor.Acceptor(listener, Farewell, None)
        await asyncio.sleep(0)
        await acceptor.stop()

        assert Listener.errors == []
        assert listener.fileno() == -1


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open files as Linux shows them")
async def test_hundreds_of_starts_and_stops_leave_nothing() -> None:
    """No thread, no task, no socket, no listener of the clock, and nothing that still knows the server."""
    emulator = Emulator()
    with emulator:
        pass
    before = threading.active_count(), len(asyncio.all_tasks()), open_files()
    for _ in range(100):
        with emulator:
            pass
        async with emulator:
            pass

    after = threading.active_count(), len(asyncio.all_tasks()), open_files()
    assert all(map(le, after, before)), (before, after)  # what another test has started may end meanwhile
    assert emulator.clock._listeners == []
    gc.collect()
    assert [found for found in gc.get_objects() if issubclass(type(found), Server)] == []
