"""The transport of the asynchronous client: over aiohttp where it is installed, over httpx's own otherwise.

aiohttp costs about a sixth of httpx's own transport when a hundred calls are in flight. `_sync_sockets` is the
partner of this module.
"""

import asyncio
import ssl
from importlib.util import find_spec

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
        async with self._places:
            response = await self._transport.handle_async_request(request)
            await response.aread()
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()
