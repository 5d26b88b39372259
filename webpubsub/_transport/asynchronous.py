"""What the asynchronous client waits with and sends over. `blocking` is its partner: same names, for threads."""

import asyncio
import inspect
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar, cast

from ..errors import ConfigurationError
from .lifetimes import forget_after_fork
from .readiness import is_readable

__all__ = ["Local", "Lock", "Places", "Stream", "call", "now", "open_stream", "sleep"]

T = TypeVar("T")
Lock = asyncio.Lock
sleep = asyncio.sleep

_HAPPY_EYEBALLS_SECONDS = 0.25
_BUFFERED_BYTES = 1024 * 1024


async def call(function: Callable[..., object], *args: object) -> object:
    """Call a function that may be asynchronous; one that is not runs in a thread of its own."""
    asynchronous = inspect.iscoroutinefunction(function)
    result = function(*args) if asynchronous else await asyncio.to_thread(function, *args)
    return await result if inspect.isawaitable(result) else result


def now() -> float:
    """Return the time of the event loop, in seconds."""
    return asyncio.get_running_loop().time()


class Local(Generic[T]):
    """One value for each running event loop: made when it is first asked for, and ended before its loop closes."""

    def __init__(self, make: Callable[[], T], end: Callable[[T], Awaitable[None]] | None = None) -> None:
        self._make = make
        self._end = end
        self._values: dict[asyncio.AbstractEventLoop, T] = {}
        self._endings: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._inherited: list[object] = []
        forget_after_fork(self)

    def get(self) -> T:
        """Return the value of the running loop.

        Raises:
            ConfigurationError: This is no loop of asyncio's.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "The asynchronous client is for asyncio, and there is no running event loop of asyncio here; with "
                "another library, such as trio, use the blocking client in a thread."
            ) from None
        value = self._values.get(loop)
        return self._made(loop) if value is None else value

    async def end(self) -> None:
        """End all values."""
        running = asyncio.get_running_loop()
        for loop, ending in list(self._endings.items()):
            if loop is running:
                await ending.aclose()
            elif not loop.is_closed():
                with suppress(RuntimeError):  # it was closed just now
                    asyncio.run_coroutine_threadsafe(ending.aclose(), loop)

    def forget(self) -> None:
        """Start anew in a forked child. The values of the parent's loops are kept: to end them would reach them."""
        self._inherited += [self._values, self._endings]
        self._values, self._endings = {}, {}

    def _made(self, loop: asyncio.AbstractEventLoop) -> T:
        for other in [other for other in list(self._values) if other.is_closed()]:
            self._values.pop(other, None)
            self._endings.pop(other, None)
        value = self._values[loop] = self._make()
        self._endings[loop] = ending = self._until_the_loop_ends(loop, value)
        with suppress(StopIteration):
            ending.__anext__().send(None)
        return value

    async def _until_the_loop_ends(self, loop: asyncio.AbstractEventLoop, value: T) -> AsyncGenerator[None, None]:
        """Wait for `shutdown_asyncgens`, which every loop runs at its end: nothing else tells that it is near."""
        try:
            yield
        finally:
            self._values.pop(loop, None)
            self._endings.pop(loop, None)
            if self._end is not None:
                await self._end(value)
            await asyncio.sleep(0)


class Places:
    """A number of places; who finds none free waits in a queue."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, deadline: float) -> None:
        """Take a place.

        Raises:
            TimeoutError: There was none until the deadline.
        """
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._waiting.append(place)
        timer = loop.call_at(deadline, _expire, place)
        try:
            await place
        except BaseException:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self.give()  # the place came together with the cancellation
            raise
        finally:
            timer.cancel()

    def give(self) -> None:
        """Give a place back, to the first who waits for one."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class Stream(asyncio.Protocol):
    """One connection, as bytes in both directions."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1)
        self._descriptor: int = transport.get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > _BUFFERED_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error, self._paused = True, exc, False
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def is_quiet(self) -> bool:
        """Tell whether the server has sent nothing more, not even the end of the connection."""
        return not (self._ended or self._received or is_readable(self._descriptor))

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        """Encrypt from now on; the server must prove that it is the host."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(deadline):
            transport = await loop.start_tls(self._transport, self, context, server_hostname=host)
        if transport is None:
            raise ConnectionResetError("the connection broke while it became a tunnel")
        self.connection_made(transport)

    async def send(self, data: bytes, deadline: float) -> bool:
        """Send, and tell whether all was sent: a server that responds before that, or hangs up, gets no more.

        Raises:
            TimeoutError: The server has not taken it until the deadline.
        """
        self._transport.write(data)
        while self._paused and not (self._received or self._ended):
            await self._change(deadline)
        return not self._paused

    async def receive(self, deadline: float) -> bytes:
        """Return what has come, or nothing at the end of the connection.

        Raises:
            OSError: The connection broke.
            TimeoutError: Nothing came until the deadline.
        """
        while not self._received:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            await self._change(deadline)
        data = bytes(self._received)
        self._received.clear()
        if len(data) > _BUFFERED_BYTES:
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        """End the connection at once, whoever is using it."""
        self._transport.abort()

    interrupt = close

    async def _change(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_at(deadline, _expire, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_stream(host: str, port: int, deadline: float) -> Stream:
    """Connect.

    Raises:
        OSError: There is no connection.
        TimeoutError: There was none until the deadline.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.BaseEventLoop):
        return await _open_in_turn(loop, host, port, deadline)
    happy = None if ":" in host or host.replace(".", "").isdigit() else _HAPPY_EYEBALLS_SECONDS
    async with asyncio.timeout_at(deadline):
        _, stream = await loop.create_connection(Stream, host, port, happy_eyeballs_delay=happy)
    return stream


async def _open_in_turn(loop: asyncio.AbstractEventLoop, host: str, port: int, deadline: float) -> Stream:
    """Try one address after the other, in a share of the time each: uvloop cannot try them side by side."""
    failure: OSError = ConnectionError("the host has no address")
    async with asyncio.timeout_at(deadline):
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (_, _, _, _, address) in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(share):
                _, stream = await loop.create_connection(Stream, str(address[0]), port)
        except OSError as error:
            failure = error
        else:
            return stream
    raise failure


def _expire(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
