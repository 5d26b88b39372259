"""Connections to the service: opened when needed, used for one request at a time, and kept open for the next.

A client belongs to no event loop, no thread and no process: each loop has a pool of its own, and so has each process.
A connection goes on being used only where that is certainly right: its response was whole, nothing came after it,
nobody gave up half-way.
"""
# Rendered by codegen.py from webpubsub/_async/connections.py. Do not edit: change that file and run `python codegen.py`.
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import FunctionType, SimpleNamespace, TracebackType
from typing import Self, cast

import httpx

from .._transport.blocking import Local, Places, Stream, now, open_stream
from .._transport.endpoints import Proxy, Route
from .._transport.extensions import Extensions
from .._transport.failures import ClosedBeforeError, ClosedError, NoTunnelError
from .._transport.http1 import ResponseReader, request_head
from .._transport.tracing import mark_expected

_JOINED_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 60


class Connections(httpx.HTTPTransport):
    """The transport of a client and of those that share its connections.

    It is one of httpx's own kind, so that whoever watches or replaces those (instrumentation, mocks) has this one too.

    Attributes:
        given: The transport of the caller's own that is used instead, if there is one.
        closed: No more requests are sent.
    """

    def __init__(self, route: Route, given: httpx.BaseTransport | None = None) -> None:
        self.given = given
        self._pools = Local(lambda: ConnectionPool(route), lambda pool: pool.close())
        self._pool = SimpleNamespace(handle_request=self._handle_watched)  # type: ignore[assignment]
        self.closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.given is not None:
            response = self.given.handle_request(request)
            mark_expected(request, response)
            return response
        method = httpx.HTTPTransport.handle_request
        if type(method) is FunctionType and method.__module__.partition(".")[0] == httpx.__name__:
            return self._handle(request)
        cast("Extensions", request.extensions)["watched"] = request
        return method(self, request)

    def close(self) -> None:
        self.closed = True
        self._pools.end()
        if self.given is not None:
            self.given.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if self.closed:
            raise ClosedBeforeError("the client was closed")
        response = self._pools.get().handle(request)
        mark_expected(request, response)
        return response

    def _handle_watched(self, passed: SimpleNamespace) -> SimpleNamespace:
        """Stand where httpx's own transport has its connections."""
        response = self._handle(passed.extensions["watched"])
        stream = httpx.ByteStream(response.content)
        return SimpleNamespace(
            status=response.status_code, headers=response.headers.raw, stream=stream, extensions=response.extensions
        )


class ConnectionPool:
    """The connections of one event loop, the one that was used last on top."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._proxy = route.proxy()
        self._places = Places(route.most_connections)
        self._idle: deque[tuple[Stream, float]] = deque()
        self._busy: set[Stream] = set()
        self._closed = False

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the response whole."""
        timeout = cast("Extensions", request.extensions)["timeout"]
        head = self._head(request)
        deadline = now() + timeout["connect"]
        try:
            self._places.take(deadline)
        except TimeoutError:
            raise httpx.PoolTimeout("too many requests are in flight") from None
        try:
            if self._closed:
                raise ClosedBeforeError("the client was closed")
            stream = self._idle_stream() or self._open(deadline)
            return self._exchange(stream, request, head, timeout)
        finally:
            self._places.give()

    def close(self) -> None:
        """End all connections; calls that are using one fail."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop()[0].close()
        for stream in list(self._busy):
            stream.interrupt()

    def _head(self, request: httpx.Request) -> bytes:
        proxy, url, headers = self._proxy, request.url, request.headers.raw
        if proxy is None or self._route.secure:
            return request_head(request.method, url.raw_path, headers, len(request.content))
        return request_head(request.method, str(url).encode(), [*headers, *proxy.headers()], len(request.content))

    def _idle_stream(self) -> Stream | None:
        with suppress(IndexError):  # none is left; to look first would not do, as threads share them
            while True:
                stream, since = self._idle.pop()
                if now() - since < _KEEP_ALIVE_SECONDS and stream.is_quiet():
                    return stream
                stream.close()
        return None

    def _open(self, deadline: float) -> Stream:
        route, proxy = self._route, self._proxy
        stream = None
        try:
            first = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
            stream = open_stream(*first, deadline)
            if proxy is not None and proxy.secure:
                stream.start_tls(route.tls(), proxy.host, deadline)
            if proxy is not None and route.secure:
                self._tunnel(stream, proxy, deadline)
            if route.secure:
                stream.start_tls(route.tls(), route.host, deadline)
            if self._closed:
                raise ClosedBeforeError("the client was closed")
        except BaseException as error:
            if stream is not None:
                stream.close()
            if isinstance(error, TimeoutError):
                raise httpx.ConnectTimeout("connecting took too long") from error
            if isinstance(error, OSError):
                raise httpx.ConnectError(str(error)) from error
            raise
        return stream

    def _tunnel(self, stream: Stream, proxy: Proxy, deadline: float) -> None:
        host = f"[{self._route.host}]" if ":" in self._route.host else self._route.host
        target = f"{host}:{self._route.port}".encode()
        reader = ResponseReader("CONNECT")
        stream.send(request_head("CONNECT", target, [(b"Host", target), *proxy.headers()], 0), deadline)
        try:
            while not reader.receive(stream.receive(deadline)):
                pass
        except httpx.RequestError as error:
            raise httpx.ProxyError("the response of the proxy is cut short or not valid HTTP") from error
        if reader.status_code >= 300:
            raise NoTunnelError(reader.status_code)
        if reader.has_surplus:
            raise httpx.ProxyError("the proxy sent more than its response")

    def _exchange(
        self, stream: Stream, request: httpx.Request, head: bytes, timeout: Mapping[str, float]
    ) -> httpx.Response:
        reader = ResponseReader(request.method)
        reusable = False
        self._busy.add(stream)
        try:
            whole = self._send(stream, head, request.content, now() + timeout["write"])
            deadline = now() + timeout["read"]
            while not reader.receive(stream.receive(deadline)):
                pass
            reusable = whole and reader.keep_alive
            return reader.response()
        except TimeoutError as error:
            raise httpx.ReadTimeout("the response took too long") from error
        except (OSError, httpx.RemoteProtocolError) as error:
            if self._closed:
                raise ClosedError("the client was closed") from error
            if isinstance(error, OSError):
                raise httpx.ReadError("the connection broke") from error
            raise
        finally:
            self._busy.discard(stream)
            self._release(stream, reusable)

    def _send(self, stream: Stream, head: bytes, content: bytes, deadline: float) -> bool:
        try:
            if len(content) <= _JOINED_BYTES:
                return stream.send(head + content, deadline)
            return stream.send(head, deadline) and stream.send(content, deadline)
        except TimeoutError as error:
            raise httpx.WriteTimeout("the server does not take the request") from error
        except OSError:
            return False  # the server has hung up, but may have responded before

    def _release(self, stream: Stream, reusable: bool) -> None:
        if reusable:
            self._idle.append((stream, now()))
        else:
            stream.close()
        with suppress(IndexError):
            while self._closed or now() - self._idle[0][1] > _KEEP_ALIVE_SECONDS:
                self._idle.popleft()[0].close()
