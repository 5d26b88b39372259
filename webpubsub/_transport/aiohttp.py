"""A pool of connections over aiohttp, which is fast with many calls in flight.

* The URL goes out as it was signed: aiohttp would otherwise decode what it thinks need not be encoded, such as `%27`.
* Each error of aiohttp's becomes the one of httpx's that tells the truth about the request: whether it was sent. It is
  no part of the new one where it holds the request: its text would show the credential.
* Nothing is sent again behind the back of the `RetryPolicy`: aiohttp would repeat some requests by itself.
* An attempt as a whole has a limit in time, whatever the server does meanwhile.
* A connection that the server has closed meanwhile is not used, even if the event loop was too busy to notice.
"""

import asyncio
import io
import socket
from collections.abc import Mapping
from contextlib import suppress
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.connector import AddrInfoType
from yarl import URL

from .endpoints import Route
from .failures import UNSENT, ClosedBeforeError, ClosedError, EncodedResponseError, ResponseTooLargeError
from .http1 import LARGEST_RESPONSE_BYTES

_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_BUFFERED_BYTES = 2**16
_KEEP_ALIVE_SECONDS = 60
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


class AiohttpPool:
    """The connections of one event loop, in a session of aiohttp that keeps no cookies."""

    def __init__(self, route: Route) -> None:
        self._closed = False
        self._sockets: WeakSet[socket.socket] = WeakSet()
        proxy = route.proxy
        self._proxy_url = None if proxy is None else URL.build(scheme="http", host=proxy.host, port=proxy.port)
        credentials = None if proxy is None else proxy.authorization
        self._proxy_auth = None if credentials is None else aiohttp.BasicAuth.decode(credentials.decode(), "utf-8")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=True if route.tls is None else route.tls(),
                limit=route.most_connections,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                socket_factory=self._open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC_HEADERS,
            middlewares=(_send_once,),
            auto_decompress=False,
        )

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the response whole."""
        timeout = request.extensions["timeout"]
        large = len(request.content) > _BUFFERED_BYTES
        failure: httpx.RequestError
        await _notice_closed_connections()
        try:
            async with asyncio.timeout(timeout["connect"] + timeout["read"] + (timeout["write"] if large else 0)):
                return await self._exchange(request, timeout)
        except (aiohttp.ClientError, OSError) as error:
            failure = _meaning(error, httpx.WriteTimeout if large else httpx.ReadTimeout)
        except httpx.NetworkError as error:
            failure = error
        except (RuntimeError, asyncio.CancelledError):  # what aiohttp raises when its session is closed meanwhile
            task = asyncio.current_task()
            if not self._closed or (task is not None and task.cancelling()):
                raise
            failure = ClosedBeforeError("the client was closed")
        if self._closed and not isinstance(failure, UNSENT):
            failure = ClosedError("the client was closed")
        raise failure

    async def close(self) -> None:
        """End all connections; calls that are using one fail."""
        self._closed = True
        await self._session.close()
        for opened in self._sockets:  # aiohttp would wait for a server that does not take what is still to be sent
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        await _notice_closed_connections()

    def _open_socket(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        opened = socket.socket(family, kind, protocol)
        self._sockets.add(opened)
        return opened

    async def _exchange(self, request: httpx.Request, timeout: Mapping[str, float]) -> httpx.Response:
        content = request.content
        async with self._session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=request.headers.multi_items(),
            data=io.BytesIO(content) if len(content) > _LARGEST_BYTES else content or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeout["pool"], sock_connect=timeout["connect"], sock_read=timeout["read"]
            ),
            proxy=self._proxy_url,
            proxy_auth=self._proxy_auth,
        ) as response:
            coding = response.headers.get("Content-Encoding", "identity").lower()
            if coding != "identity" and request.method != "HEAD":
                raise EncodedResponseError("the response is compressed, which was not asked for")
            body = bytearray()
            if (response.content_length or 0) > LARGEST_RESPONSE_BYTES and request.method != "HEAD":
                raise ResponseTooLargeError("the response is announced to be too large")
            while chunk := await response.content.readany():
                body += chunk
                if len(body) > LARGEST_RESPONSE_BYTES:
                    raise ResponseTooLargeError("the response is too large")
            extensions = {"http_version": b"HTTP/1.1", "reason_phrase": (response.reason or "").encode()}
            return httpx.Response(
                response.status, headers=response.raw_headers, content=bytes(body), extensions=extensions
            )


async def _notice_closed_connections() -> None:
    """Let the event loop look at the network: in the first round it sees what came, in the second it acts on it."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Turn the errors that make aiohttp send a request again into those of httpx, which do not."""
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        failure = _meaning(error, httpx.ReadTimeout)
    raise failure


def _meaning(error: aiohttp.ClientError | OSError, timeout: type[httpx.TimeoutException]) -> httpx.TransportError:
    """Return the error of httpx that says the same."""
    kinds = (kind for aiohttps, kind in _ERRORS if isinstance(error, aiohttps))
    kind = timeout if type(error) is TimeoutError else next(kinds, httpx.ReadError)
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
    plain = cause or (error if isinstance(error, OSError) else None)
    meaning = kind(str(plain or ""))
    meaning.__cause__ = plain if not isinstance(plain, aiohttp.ClientError) else None
    return meaning
