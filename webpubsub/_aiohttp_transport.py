"""aiohttp as a transport of httpx, with corrections.

* The URL goes out as it was signed: aiohttp would otherwise decode what it thinks need not be encoded, such as `%27`.
* An error tells the truth about the request: `httpx_aiohttp` 0.2 reports a connection that broke after the request
  as one that was never made, and such a request would be repeated.
* Nothing is sent again behind the back of the `RetryPolicy`: aiohttp would repeat some requests by itself.
* Sending a body has a limit in time.
* A connection that the server has closed meanwhile is not used, even if the event loop was too busy to notice.
"""

import asyncio
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_BUFFERED_BYTES = 2**16
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


class ExactAiohttpTransport(AiohttpTransport):
    """Sends every URL as it is, keeps no cookies, and maps every error of aiohttp's by what it means."""

    _session: "_ExactSession | None" = None

    def get_client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self.ssl_context,
                limit=self.limits.max_connections or 0,
                keepalive_timeout=self.limits.keepalive_expiry,
            )
            self._session = _ExactSession(connector)
        return cast("aiohttp.ClientSession", self._session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await _notice_closed_connections()
        try:
            async with asyncio.timeout(_seconds_to_answer(request)):
                response = await super().handle_async_request(request)
        except TimeoutError as error:
            raise httpx.WriteTimeout("the server does not take the body") from error
        response.stream = _TrueStream(cast("httpx.AsyncByteStream", response.stream))
        return response

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _ExactSession:
    """The two methods of `aiohttp.ClientSession` that the transport calls."""

    def __init__(self, connector: aiohttp.TCPConnector) -> None:
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC_HEADERS,
            middlewares=(_send_once,),
        )

    def request(self, method: str, url: str, *, data: object, **options: Any) -> Any:
        if isinstance(data, bytes) and len(data) > _LARGEST_BYTES:
            data = io.BytesIO(data)
        return self._session.request(method, URL(url, encoded=True), data=data, **options)

    async def close(self) -> None:
        await self._session.close()


class _TrueStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> "AsyncIterator[bytes]":
        with _true_errors():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with _true_errors():
            await self._stream.aclose()


def _seconds_to_answer(request: httpx.Request) -> float | None:
    """Limit what aiohttp does not: how long a body that does not fit into the buffer of the socket may take."""
    phases = request.extensions.get("timeout", {})
    limits = [phases.get(phase) for phase in ("pool", "write", "read")]
    return None if len(request.content) <= _BUFFERED_BYTES or None in limits else sum(limits)


async def _notice_closed_connections() -> None:
    """Let the event loop look at the network: in the first round it sees what came, in the second it acts on it."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Turn the errors that make aiohttp send a request again into those of httpx, which do not."""
    with _true_errors():
        return await send(request)


@contextmanager
def _true_errors() -> "Iterator[None]":
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
        cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
        for kind, meaning in _ERRORS:
            if isinstance(cause, kind):
                raise meaning(_text(cause)) from cause
        raise


def _text(error: Exception) -> str:
    """Say what happened as the operating system does: aiohttp adds the host and its own settings."""
    return str(getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error)
