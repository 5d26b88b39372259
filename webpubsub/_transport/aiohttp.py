"""A transport of httpx straight on aiohttp, which is faster than httpx's own with many calls in flight.

* The URL goes out as it was signed: aiohttp would otherwise decode what it thinks need not be encoded, such as `%27`.
* Each error of aiohttp's becomes the one of httpx's that tells the truth about the request: whether it was sent.
* Nothing is sent again behind the back of the `RetryPolicy`: aiohttp would repeat some requests by itself.
* Sending a body has a limit in time.
* A connection that the server has closed meanwhile is not used, even if the event loop was too busy to notice.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx
from yarl import URL

_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_BUFFERED_BYTES = 2**16
_CHUNK_BYTES = 2**16
_LARGEST_BYTES = 2**20
"""aiohttp warns about larger bodies unless they are files: those it sends piece by piece."""

_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerFingerprintMismatch, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends over a session of aiohttp that is made for the first request and keeps no cookies."""

    def __init__(self, tls: ssl.SSLContext, proxy: str | None, limits: httpx.Limits) -> None:
        self._tls = tls
        self._proxy = proxy
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._session = self._open()
        await _notice_closed_connections()
        try:
            async with asyncio.timeout(_seconds_to_answer(request)):
                with _true_errors():
                    response = await self._send(self._session, request)
        except TimeoutError as error:
            raise httpx.WriteTimeout("the server does not take the body") from error
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            limit=self._limits.max_connections or 0,
            keepalive_timeout=self._limits.keepalive_expiry or 0,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC_HEADERS,
            middlewares=(_send_once,),
            auto_decompress=False,
        )

    async def _send(self, session: aiohttp.ClientSession, request: httpx.Request) -> aiohttp.ClientResponse:
        content = request.content
        timeout = request.extensions["timeout"]
        return await session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=request.headers.multi_items(),
            data=io.BytesIO(content) if len(content) > _LARGEST_BYTES else content or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeout["pool"], sock_connect=timeout["connect"], sock_read=timeout["read"]
            ),
            proxy=self._proxy,
        )


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _true_errors():
            async for chunk in self._response.content.iter_chunked(_CHUNK_BYTES):
                yield chunk

    async def aclose(self) -> None:
        self._response.release()


def _seconds_to_answer(request: httpx.Request) -> float | None:
    """Limit what aiohttp does not: how long a body that does not fit into the buffer of the socket may take."""
    phases = request.extensions["timeout"]
    if len(request.content) <= _BUFFERED_BYTES:
        return None
    return float(phases["pool"] + phases["write"] + phases["read"])


async def _notice_closed_connections() -> None:
    """Let the event loop look at the network: in the first round it sees what came, in the second it acts on it."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Turn the errors that make aiohttp send a request again into those of httpx, which do not."""
    with _true_errors():
        return await send(request)


@contextmanager
def _true_errors() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        for kind, meaning in _ERRORS:
            if isinstance(error, kind):
                raise meaning(_text(error)) from error
        raise


def _text(error: Exception) -> str:
    """Say what happened as the operating system does: aiohttp adds the host and its own settings."""
    return str(getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error)
