"""The transport of the asynchronous client: over aiohttp where it is installed, over httpx's own otherwise.

aiohttp costs about a sixth of httpx's own transport when a hundred calls are in flight. `_sync_sockets` is the
partner of this module.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import cast

import httpx


def open_transport(verify: ssl.SSLContext | bool, proxy: str | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make the transport that has the sockets."""
    if find_spec("aiohttp") and find_spec("httpx_aiohttp"):
        from ._aiohttp_transport import ExactAiohttpTransport

        return ExactAiohttpTransport(verify=verify, proxy=None if proxy is None else httpx.Proxy(proxy), limits=limits)
    return QueueingTransport(httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits))


class QueueingTransport(httpx.AsyncBaseTransport):
    """Lets only a few requests at a time into httpx's connection pool.

    The pool looks at every waiting request whenever one ends, so its cost grows with the square of the queue.
    """

    MOST_AT_ONCE = 20

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._places = asyncio.Semaphore(self.MOST_AT_ONCE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._take_place(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException:
            self._places.release()
            raise
        response.stream = _PlaceHolder(cast("httpx.AsyncByteStream", response.stream), self._places)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _take_place(self, seconds: float | None) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("too many requests are in flight") from None


class _PlaceHolder(httpx.AsyncByteStream):
    """The body of an answer, whose request has its place until the body is read."""

    def __init__(self, stream: httpx.AsyncByteStream, places: asyncio.Semaphore) -> None:
        self._stream = stream
        self._places = places

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._places.release()
