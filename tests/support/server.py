"""A server on raw sockets that does exactly what a test tells it to, byte by byte, and counts what it has read.

A `Behaviour` serves one connection. The server runs in a thread of its own, so that a test may block its event loop.
"""

import asyncio
import os
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from webpubsub.emulator._acceptor import Acceptor

Behaviour = Callable[["Connection"], Awaitable[None]]

ABORT = struct.pack("ii", 1, 0)
PATIENCE_SECONDS = 10
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return the bytes of a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, as a behaviour sees it."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.sent = 0
        self._reader = reader
        self._writer = writer

    @property
    def is_closing(self) -> bool:
        """Whether this side has hung up."""
        return self._writer.is_closing()

    async def read_part(self, size: int) -> None:
        """Read the first bytes of a request, and leave the rest."""
        await self._reader.readexactly(size)

    async def read_request(self) -> Request:
        """Read a whole request. Raises `asyncio.IncompleteReadError` when the client has gone."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method, target, headers, body)
        self.server.requests.append(request)
        self.server.was_read.set()
        return request

    async def read_request_and_leave(self) -> None:
        """Read a whole request and hang up."""
        await self.read_request()
        await self.close()

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until the client has taken most of them."""
        self._writer.write(data)
        self.sent += len(data)
        await self._writer.drain()

    async def relay(self, host: str, port: int) -> None:
        """Pass everything on to another server, and back."""
        reader, writer = await asyncio.open_connection(host, port)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
            target.close()

        back = asyncio.create_task(pump(reader, self._writer))
        try:
            await pump(self._reader, writer)
            await back
        finally:
            back.cancel()
            writer.transport.abort()

    def send_unencrypted(self, data: bytes) -> None:
        """Send bytes past TLS."""
        os.write(self._writer.get_extra_info("socket").fileno(), data)

    async def wait(self, seconds: float) -> None:
        """Do nothing for a while; fail when the client leaves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not await self._reader.read(1):
                    raise ConnectionError("the client left")

    async def reset(self) -> None:
        """Break the connection with an RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self._writer.transport.abort()
        await self._writer.wait_closed()

    async def abort(self) -> None:
        """Hang up at once, without reading what came."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """End the connection in the orderly way."""
        self._writer.close()
        await self._writer.wait_closed()

    async def wait_for_release(self) -> None:
        """Do nothing, not even read, until the test is over."""
        await asyncio.Event().wait()

    async def wait_until(self, event: threading.Event) -> None:
        """Do nothing until a test sets an event."""
        assert await asyncio.to_thread(event.wait, PATIENCE_SECONDS)

    async def wait_until_client_leaves(self) -> None:
        """Say nothing until the client has closed the connection."""
        while await self._reader.read(65536):
            pass


class Server:
    """Listens on a free port of the loopback interface while it is entered.

    Attributes:
        requests: Every request that was read whole.
        connections: Every connection that was accepted.
        was_read: Set whenever a request was read.
    """

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self.was_read = threading.Event()
        self.port = 0
        self.errors: list[Exception] = []
        self._behaviour = behaviour
        self._tls = tls
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._ready = threading.Event()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def bytes_sent(self) -> int:
        """How many bytes the behaviours have sent."""
        return sum(connection.sent for connection in self.connections)

    def drop_all(self) -> None:
        """Break every connection."""
        for connection in self.connections:
            asyncio.run_coroutine_threadsafe(connection.reset(), self._loop).result(PATIENCE_SECONDS)

    def wait_until_all_left(self) -> None:
        """Wait until the client has closed all of its connections; fail when it does not."""
        future = asyncio.run_coroutine_threadsafe(self._all_left(), self._loop)
        future.result(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        if error is None:
            assert self.errors == []

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        acceptor = Acceptor(listener, self._protocol, self._tls)
        self._ready.set()
        await self._stop.wait()
        await acceptor.stop()  # with the connections whose TLS handshake is not over, which asyncio's would leave open
        for task in self._serving:
            task.cancel()
        await self._all_left()
        await asyncio.sleep(0)  # in which the transports that were aborted close their sockets

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._welcome)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio does so itself, but not where a socket has come without the number of its protocol
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self, reader, writer)
        self.connections.append(connection)
        task = self._loop.create_task(self._serve(connection))
        self._serving.add(task)

        def leave(served: asyncio.Task[None]) -> None:
            self._serving.discard(served)
            writer.transport.abort()

        task.add_done_callback(leave)

    async def _serve(self, connection: Connection) -> None:
        try:
            await self._behaviour(connection)
            if not connection.is_closing:
                await connection.wait_until_client_leaves()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:
            self.errors.append(error)

    async def _all_left(self) -> None:
        while self._serving:
            await asyncio.wait(self._serving)


def answering(*answers: bytes) -> Behaviour:
    """Answer each request with the next of these, and all that follow with the last; keep connections open."""
    waiting = list(answers)

    async def behave(connection: Connection) -> None:
        while True:
            await connection.read_request()
            await connection.send(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return behave
