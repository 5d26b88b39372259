"""The server: HTTP and WebSocket on one port.

What is to be done is decided elsewhere: a session returns effects, and `Client` performs them. A client outlives its
socket if its session does.

aiohttp reads every request of the connections that the `Acceptor` takes in. When one turns into a WebSocket, its
transport is taken away from aiohttp and given to a `ClientSocket`.
"""

import asyncio
import logging
import secrets
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from ._acceptor import Acceptor
from ._alarms import Alarms
from ._clients.endpoints import ClientEndpoint
from ._clients.queue import SendQueue
from ._clients.session import Session
from ._clients.websocket import accept_key
from ._clock import Clock
from ._connections import Client, ClientSocket, Surroundings, abort
from ._http.admission import Admission, Recovery, admit, apply_reply, find_endpoint
from ._http.auth import Verifier
from ._http.refusals import LARGEST_BODY, RefusedError, bad_request
from ._http.request import Request, Response
from ._http.rest import RestApi
from ._hub.hub import Connection, Hubs
from ._hub.messages import Close, CloseCode
from ._hub.names import hub_key
from ._hub.upstream import ConnectRefused
from ._observer import Observer, hub_of
from ._settings import Settings
from ._testing.admin import Admin, is_admin_path
from ._testing.faults import Faults, refusal_of
from ._upstream.caller import UpstreamCaller, UpstreamClient
from ._upstream.configuration import Configuration
from ._upstream.requests import ClientOfEvent

if TYPE_CHECKING:
    from ._inspector.feed import Viewer
    from ._inspector.inspector import Inspector

__all__ = ["Server"]

_CLOSE_SECONDS: Final = 2.0
_PARTING_SECONDS: Final = 0.1
"""How long clients that are told of the end may do nothing before they are left."""
_LINGERING_SECONDS: Final = 1.0
"""How long the rest of a refused request is read, be its client there or not."""
_TICK_SECONDS: Final = 0.1
_NOT_RECOVERED: Final = Close(CloseCode.POLICY_VIOLATION, "The connection could not be recovered.")
_MALFORMED: Final = (HttpProcessingError, web.RequestPayloadError)


def _is_own_fault(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], _MALFORMED))


_http_logger = logging.getLogger("webpubsub.emulator.http")
_http_logger.addFilter(_is_own_fault)  # aiohttp would log a traceback for each malformed request


class Server:
    """One emulator's listening socket and everything that goes through it.

    Args:
        listener: A bound socket; the server closes it.
        endpoint: How the emulator calls itself, such as `http://127.0.0.1:8080`.
        verifier: Checks tokens.
        settings: What the emulator was told.
        configuration: What is set for each hub.
        clock: The emulator's time.
        faults: What goes wrong on purpose.
        observer: Is told what happens.
        tls: The certificate of https and wss; None for http and ws.
    """

    def __init__(
        self,
        listener: socket.socket,
        endpoint: str,
        verifier: Verifier,
        settings: Settings,
        configuration: Configuration,
        clock: Clock,
        faults: Faults,
        observer: Observer,
        *,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._verifier = verifier
        self._settings = settings
        self._clock = clock
        self._faults = faults
        self._observer = observer
        self._tls = tls
        self.hubs = Hubs(observer.message, clock.wall)
        self._rest = RestApi(self.hubs, verifier, endpoint, clock, settings.api_versions)
        self._upstream = UpstreamCaller(
            configuration,
            service_host=endpoint.partition("://")[2],
            access_keys=settings.access_keys,
            clock=clock,
            observe=observer.event,
        )
        self._admin = Admin(faults, clock, observer.journal, observer.meter, verifier.own_authorities, self.go_away)
        self._inspector = self._make_inspector() if settings.inspector else None
        self._sockets: set[ClientSocket] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._keep_alive: asyncio.TimerHandle | None = None
        self._http: web.Server | None = None
        self._acceptor: Acceptor | None = None
        self._alarms: Alarms

    @property
    def inspector_url(self) -> str:
        """The address of the inspector.

        Raises:
            RuntimeError: There is none.
        """
        if self._inspector is None:
            raise RuntimeError("The emulator has no inspector: it was made without inspector=True.")
        return self._inspector.url

    def _make_inspector(self) -> "Inspector":
        from ._inspector.inspector import Inspector

        return Inspector.of(
            self.hubs, self._rest, self._clock, self._faults, self._observer.journal, self._observer.meter
        )

    async def start(self) -> None:
        """Begin to accept connections."""
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self.thread_id = threading.get_ident()
        self._alarms = Alarms(self._clock)
        await self._upstream.start()
        self._http = web.Server(
            self._handle,
            access_log=None,
            logger=_http_logger,
            auto_decompress=False,
            keepalive_timeout=self._settings.request_seconds,
            lingering_time=min(_LINGERING_SECONDS, self._settings.request_seconds),
        )
        self._acceptor = Acceptor(self._listener, self._http, self._tls)
        self._check_clients()

    async def stop(self) -> None:
        """Close every connection and the listening socket."""
        if self._acceptor is None or self._http is None:
            self._listener.close()
            await self._upstream.stop()
            return
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        self._stopping.set()
        if self._inspector is not None:
            self._inspector.stop()
        await self._acceptor.stop()
        sockets = self.go_away()
        await _parted([client_socket for client_socket in sockets if client_socket.hears_end])
        for client_socket in sockets:
            client_socket.abort()
        for connection in self._http.connections:
            abort(connection.transport)  # over TLS, a mere close waits for the other side
        for request in tuple(self._requests):
            request.cancel()  # nobody is there for the response
        await self._http.shutdown(_CLOSE_SECONDS)
        await self._upstream.stop()
        self._alarms.cancel()

    def _check_clients(self) -> None:
        """Send pings, now and then; by the time of the machine, which a test's clock does not move."""
        for client_socket in tuple(self._sockets):
            client_socket.check()
        if self._settings.keep_alive_seconds is not None:
            self._keep_alive = self.loop.call_later(self._settings.keep_alive_seconds, self._check_clients)

    def go_away(self) -> "list[ClientSocket]":
        """Close every client with code 1001; return their sockets."""
        sockets = list(self._sockets)
        for open_socket in sockets:
            open_socket.go_away()
        return sockets

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None, "aiohttp has one for each request"
        self._requests.add(task)
        try:
            return await self._respond(request)
        finally:
            self._requests.discard(task)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        plain = Request(
            request.method,
            request.raw_path,
            tuple((name.lower(), value) for name, value in request.headers.items()),
        )
        endpoint = find_endpoint(plain)
        if endpoint is not None:
            return await self._serve_client(request, plain, endpoint)
        if self._inspector is not None and self._inspector.is_for(plain):
            return await self._inspect(request, plain, self._inspector)
        if is_admin_path(plain):
            return await self._serve_admin(request, plain)
        return await self._serve_rest(request, plain, self._rest)

    async def _inspect(self, request: web.BaseRequest, plain: Request, inspector: "Inspector") -> web.StreamResponse:
        """Give the page of the inspector what it asks for."""
        asked = inspector.receive(plain)
        if isinstance(asked, Response):
            return _response(asked)
        if not isinstance(asked, Request):
            return await self._tell(request, asked)
        if is_admin_path(asked):
            response = await self._serve_admin(request, asked)
        else:
            response = await self._serve_rest(request, asked, inspector.service)
        response.headers.update(inspector.guards)
        return response

    async def _tell(self, request: web.BaseRequest, viewer: "Viewer") -> web.StreamResponse:
        """Tell a viewer what happens until it looks away, or the server stops."""
        response = web.StreamResponse(headers=viewer.headers)
        with suppress(ConnectionError):
            await response.prepare(request)
            await response.write(viewer.begin())
            while not await self._is_stopping():
                if news := viewer.news():
                    await response.write(news)
        return response

    async def _is_stopping(self) -> bool:
        """Wait a moment, and tell whether the server stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)
        return self._stopping.is_set()

    async def _serve_admin(self, request: web.BaseRequest, plain: Request) -> web.StreamResponse:
        body = await self._body(request, plain)
        return _response(body if isinstance(body, Response) else self._admin.handle(attrs.evolve(plain, body=body)))

    async def _serve_rest(self, request: web.BaseRequest, plain: Request, rest: RestApi) -> web.StreamResponse:
        started = self._clock.now()
        hub = hub_of(plain)
        fault = self._faults.of_request(plain.method, plain.target, hub)
        if fault is not None:
            self._observer.fault(fault, hub)
            await asyncio.sleep(fault.delay_seconds)
        recipients: Sequence[int] = ()
        if fault is not None and fault.reset == "before":
            response = None
        elif fault is not None and fault.status is not None:
            response = refusal_of(fault)
        else:
            plain, response, recipients = await self._carry_out(request, plain, rest)
        if fault is not None and fault.reset is not None:
            response = None
        operation, seconds = self._rest.operation_of(plain), self._clock.now() - started
        self._observer.request(plain, operation, response, seconds, recipients)
        if response is None:
            abort(request.transport)
            return web.Response()  # goes nowhere: the connection is cut
        if fault is not None and fault.truncate and request.transport is not None:
            return _cut_short(request.transport, response)
        made = _response(response)
        if fault is not None and fault.close:
            made.force_close()
        return made

    async def _carry_out(
        self, request: web.BaseRequest, plain: Request, rest: RestApi
    ) -> tuple[Request, Response, Sequence[int]]:
        """Return the request with its body, the response, and how many clients each message was for."""
        admitted = rest.admit(plain)
        if isinstance(admitted, Response):
            return plain, admitted, ()
        body = await self._body(request, plain)
        if isinstance(body, Response):
            return plain, body, ()
        with self._observer.server_sending() as recipients:
            return attrs.evolve(plain, body=body), admitted.carry_out(body), recipients

    async def _body(self, request: web.BaseRequest, plain: Request) -> bytes | Response:
        """Return the body, or say what is wrong with how it came."""
        try:
            async with asyncio.timeout(self._settings.request_seconds):
                return await _read_body(request, plain.header("expect"))
        except TimeoutError:
            return Response(HTTPStatus.REQUEST_TIMEOUT, {"Connection": "close"})
        except (ClientError, web.RequestPayloadError, ConnectionError):
            return bad_request("body", "The body cannot be read.")

    async def _serve_client(
        self, request: web.BaseRequest, plain: Request, endpoint: ClientEndpoint
    ) -> web.StreamResponse:
        try:
            arrival = admit(plain, self._verifier, endpoint)
            if _accept(plain, None) is None:
                return _response(bad_request("Upgrade", "The WebSocket handshake is not valid."))
            if isinstance(arrival, Recovery):
                await self._recover(request, arrival, plain)
            else:
                return await self._connect(request, arrival, plain, endpoint)
        except RefusedError as refused:
            self._observer.refused(plain, refused.response)
            return _response(refused.response)
        return web.Response()  # goes nowhere: the transport is not aiohttp's any more

    async def _connect(
        self, request: web.BaseRequest, admission: Admission, plain: Request, endpoint: ClientEndpoint
    ) -> web.StreamResponse:
        """Let a client in, if the application agrees.

        Raises:
            RefusedError: It does not.
        """
        fault = self._faults.of_upgrade(admission.hub, admission.user_id)
        if fault is not None:
            self._observer.fault(fault, admission.hub)
            raise RefusedError(Response(fault.status))
        upstream = UpstreamClient(
            ClientOfEvent(hub_key(admission.hub), secrets.token_urlsafe(23), admission.user_id, admission.protocol),
            admission.event,
        )
        if not endpoint.connects_later and self._upstream.hears(admission.hub, admission.event):
            reply = await self._upstream.connect(admission.event, upstream)
            if isinstance(reply, ConnectRefused):
                raise RefusedError(Response(reply.status, reply.headers, reply.body))
            admission = apply_reply(admission, reply, plain, endpoint)
        upstream.client = attrs.evolve(upstream.client, user_id=admission.user_id, protocol=admission.protocol)
        offered = admission.protocol if admission.protocol in admission.event.subprotocols else None
        client_socket = self._upgrade(request, plain, offered)
        if client_socket is not None:
            session = self._begin(admission, upstream)
            surroundings = Surroundings(
                self._clock, self._alarms, self._upstream, self._faults, self._observer, self._observer.meter
            )
            client = Client(session, surroundings, upstream, is_connection=not endpoint.connects_later)
            client.open(client_socket)
            client_socket.serve(client)
        return web.Response()  # goes nowhere: the transport is not aiohttp's any more

    async def _recover(self, request: web.BaseRequest, recovery: Recovery, plain: Request) -> None:
        """Give a client that comes back its session, or turn it away, which only a WebSocket can be told."""
        client = self._find(recovery)
        if client is not None and await client.released():
            client_socket = self._upgrade(request, plain, client.session.connection.protocol)
            client.resume(client_socket)
            if client_socket is not None:
                client_socket.serve(client)
        elif (client_socket := self._upgrade(request, plain, recovery.protocol)) is not None:
            client_socket.put(_NOT_RECOVERED)

    def _find(self, recovery: Recovery) -> "Client | None":
        connection = self.hubs.get(recovery.hub).connection(recovery.connection_id)
        if connection is None or connection.reconnection_token is None:
            return None
        if connection.reconnection_until <= self._clock.now():
            return None
        if not secrets.compare_digest(connection.reconnection_token.encode(), recovery.token.encode()):
            return None
        client = connection.receiver
        return client if isinstance(client, Client) else None

    def _upgrade(self, request: web.BaseRequest, plain: Request, protocol: str | None) -> "ClientSocket | None":
        """Turn a request into a WebSocket; None if the client is gone."""
        accepted, taken = _accept(plain, protocol), _take_over(request)
        if accepted is None or taken is None:
            return None
        transport, tail = taken
        transport.write(accepted)
        client_socket = ClientSocket(transport, SendQueue(self._settings.ack_delay_seconds), self._clock)
        transport.set_protocol(client_socket)
        self._sockets.add(client_socket)
        client_socket.gone.add_done_callback(lambda _: self._sockets.discard(client_socket))
        client_socket.data_received(tail)
        return client_socket

    def _begin(self, admission: Admission, upstream: UpstreamClient) -> Session:
        connection = Connection(
            connection_id=upstream.client.connection_id,
            hub_name=admission.hub,
            user_id=admission.user_id,
            protocol=admission.protocol,
            permissions=admission.permissions,
            groups=set(admission.groups),
        )
        return admission.speaker(self.hubs.open(admission.hub), connection)


async def _parted(sockets: "list[ClientSocket]") -> None:
    """Wait until clients have closed, for as long as one after the other does, or at least takes what is sent."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            before = (len(sockets) + 1, 0)
            while sockets and (now := (len(sockets), sum(each.unsent for each in sockets))) != before:
                before = now
                await asyncio.wait([each.gone for each in sockets], timeout=_PARTING_SECONDS)
                sockets = [each for each in sockets if not each.gone.done()]


def _accept(request: Request, protocol: str | None) -> bytes | None:
    """Write the response to a WebSocket handshake; None if it is not one."""
    key = accept_key(request.header("sec-websocket-key") or "")
    if key is None or request.header("sec-websocket-version") != "13":
        return None
    if "upgrade" not in (token.strip() for token in (request.header("connection") or "").lower().split(",")):
        return None
    chosen = "" if protocol is None else f"Sec-WebSocket-Protocol: {protocol}\r\n"
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return f"{head}Sec-WebSocket-Accept: {key}\r\n{chosen}\r\n".encode()


async def _read_body(request: web.BaseRequest, expectation: str | None) -> bytes:
    if expectation is not None and expectation.lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    while len(body) <= LARGEST_BODY and (chunk := await request.content.readany()):
        body += chunk
    return bytes(body)


def _response(response: Response) -> web.Response:
    headers = dict(response.headers)
    if not response.body and response.status != HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = "0"
    return web.Response(status=response.status, headers=headers, body=response.body or None)


def _cut_short(transport: asyncio.Transport, response: Response) -> web.Response:
    """Announce more than is sent, and cut the connection."""
    body = response.body or b"{"
    head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    transport.write(head.encode() + body)
    transport.close()
    return web.Response()  # goes nowhere: the connection is closed


class _Tail:
    """Takes over from aiohttp's parser in order to learn what it has read and not used."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Keep what came behind the request."""
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Do nothing: what comes next is not read here."""


def _take_over(request: web.BaseRequest) -> tuple[asyncio.Transport, bytes] | None:
    """Take the transport of a request away from aiohttp, which is told that the connection is lost.

    Returns the transport, and what had been read from it already; None if the connection is lost in truth.
    """
    protocol, transport = request.protocol, request.transport
    tail: Any = _Tail()  # has of a parser what aiohttp makes use of here
    if transport is None or transport.is_closing():
        return None
    protocol.set_parser(tail)
    protocol.transport = None
    protocol.connection_lost(None)
    return transport, tail.data
