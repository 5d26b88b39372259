"""What the asynchronous client waits with and sends over. `blocking` is its partner: same names, for threads."""

import asyncio
import inspect
import ssl
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from typing import cast

import httpx

__all__ = ["Lock", "call", "open_transport", "sleep"]

Lock = asyncio.Lock
sleep = asyncio.sleep


async def call(function: Callable[..., object], *args: object) -> object:
    """Call a function that may be asynchronous; one that is not runs in a thread of its own."""
    asynchronous = inspect.iscoroutinefunction(function)
    result = function(*args) if asynchronous else await asyncio.to_thread(function, *args)
    return await result if inspect.isawaitable(result) else result


def open_transport(verify: ssl.SSLContext | bool, proxy: str | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make the transport that has the sockets: over aiohttp where it is installed, over httpx's own otherwise."""
    context = httpx.create_ssl_context(verify=verify)
    if find_spec("aiohttp"):
        from .aiohttp import AiohttpTransport

        return AiohttpTransport(context, proxy, limits)
    one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=limits.keepalive_expiry)
    most = limits.max_connections or 1
    return ConnectionStack(lambda: httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=one), most)


class ConnectionStack(httpx.AsyncBaseTransport):
    """A transport for each connection, the one that was used last on top.

    A pool of httpx looks at every connection and at every waiting request whenever a request begins or ends, and
    asks the operating system about each idle socket; with a hundred calls in flight that is most of the work.
    """

    def __init__(self, open_one: Callable[[], httpx.AsyncBaseTransport], most: int) -> None:
        self._open_one = open_one
        self._places = asyncio.Semaphore(most)
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._opened: list[httpx.AsyncBaseTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._take_place(request.extensions.get("timeout", {}).get("pool"))
        transport = self._idle.pop() if self._idle else self._open()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            self._give_back(transport)
            raise
        response.stream = _Lease(cast("httpx.AsyncByteStream", response.stream), lambda: self._give_back(transport))
        return response

    async def aclose(self) -> None:
        for transport in self._opened:
            await transport.aclose()

    def _open(self) -> httpx.AsyncBaseTransport:
        transport = self._open_one()
        self._opened.append(transport)
        return transport

    def _give_back(self, transport: httpx.AsyncBaseTransport) -> None:
        self._idle.append(transport)
        self._places.release()

    async def _take_place(self, seconds: float | None) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("too many requests are in flight") from None


class _Lease(httpx.AsyncByteStream):
    """The body of an answer, whose connection is taken until the body is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._give_back()
