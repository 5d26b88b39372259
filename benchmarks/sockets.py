"""The cheapest WebSocket client there is, the same for every server: it counts frames and keeps what is in them."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

__all__ = ["BINARY", "STATES", "TEXT", "RawClient", "connect_all", "pass_by"]

TEXT: Final = 1
BINARY: Final = 2
STATES: Final = 10
"""In how many states `pass_by` leaves."""
_AT_ONCE: Final = 100
_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="


class RawClient(asyncio.Protocol):
    """A client that has asked for a WebSocket."""

    def __init__(self, url: str, subprotocol: str | None = None) -> None:
        """Be ready to connect.

        Args:
            url: Where to, with a token if it needs one.
            subprotocol: What it offers.
        """
        self._url = urlsplit(url)
        self._subprotocol = subprotocol
        self._unread = bytearray()
        self._frames: list[bytes] = []
        self._wanted = 0
        self._arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self._transport: asyncio.Transport

    @property
    def request(self) -> bytes:
        """The request of the handshake."""
        offer = f"Sec-WebSocket-Protocol: {self._subprotocol}\r\n" if self._subprotocol else ""
        return (
            f"GET {self._url.path or '/'}?{self._url.query} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\n{offer}\r\n"
        ).encode()

    @property
    def address(self) -> tuple[str, int]:
        """Where the server is."""
        return self._url.hostname or "", self._url.port or 80

    async def connect(self) -> None:
        """Open the WebSocket."""
        await asyncio.get_running_loop().create_connection(lambda: self, *self.address)
        await self._arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Keep the frames that are complete."""
        self._unread += data
        if not self._is_open:
            head, found, rest = bytes(self._unread).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._fail(ConnectionRefusedError(head.decode()))
                return
            self._is_open = True
            self._unread = bytearray(rest)
        while len(self._unread) >= 2:
            size, start = self._unread[1], 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(self._unread[2:start])
            if len(self._unread) < start + size:
                break
            self._frames.append(bytes(self._unread[start : start + size]))
            del self._unread[: start + size]
        if len(self._frames) >= self._wanted and not self._arrived.done():
            self._arrived.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._fail(exc or ConnectionResetError("The server has closed the connection."))

    def _fail(self, error: Exception) -> None:
        if not self._arrived.done():
            self._arrived.set_exception(error)

    async def receive(self, number: int) -> list[bytes]:
        """Wait for this many frames and return all that have come."""
        self._wanted = number
        if len(self._frames) < number:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        frames, self._frames = self._frames, []
        return frames

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a short frame, masked with nothing."""
        self._transport.write(bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload)

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._transport.abort()


async def connect_all(clients: Sequence[RawClient], greetings: int) -> None:
    """Open the WebSockets of clients, each of which is greeted with so many frames."""
    for start in range(0, len(clients), _AT_ONCE):
        chunk = clients[start : start + _AT_ONCE]
        await asyncio.gather(*(client.connect() for client in chunk))
        await asyncio.gather(*(client.receive(greetings) for client in chunk))


async def pass_by(url: str, state: int) -> None:
    """Be a client that leaves, in a state between its first byte and the middle of a frame.

    Args:
        url: Where the WebSocket would be.
        state: From 0 to `STATES` - 1. Odd ones send no more and wait for the server's end, even ones reset the
            connection.
    """
    visitor = RawClient(url)
    host, port = visitor.address
    reader, writer = await asyncio.open_connection(host, port)
    head = visitor.request
    try:
        match state // 2:
            case 1:
                writer.write(head[: len(head) // 2])
            case 2:
                writer.write(b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            case 3:
                writer.write(head)
            case 4:
                writer.write(head)
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"\x81\x85mask")
        if state % 2:
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read()
        else:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        writer.transport.abort()
