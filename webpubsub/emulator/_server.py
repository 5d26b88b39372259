"""The sockets: HTTP and WebSocket on one port. The only module of the emulator that does I/O.

What is to be done is decided elsewhere: a session returns effects, and `_Client` performs them. A client outlives its
socket if its session does.

aiohttp reads every request. When one turns into a WebSocket, its transport is taken away from aiohttp and given to a
`_Socket`, which needs no task: frames are handled as they come, and what is to be sent is written at once, or waits in
a queue while the client does not read. A client whose queue is full is closed, so nobody waits for it.
"""

import asyncio
import logging
import secrets
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import attrs
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from ._alarms import Alarms
from ._clients.endpoints import ClientEndpoint
from ._clients.queue import SendQueue
from ._clients.session import Effect, HandOver, Session, WakeAt
from ._clients.websocket import (
    Closed,
    Control,
    FrameReader,
    Incoming,
    Opcode,
    WebSocketError,
    accept_key,
    close_frame,
    write_frame,
)
from ._clock import Clock
from ._http.admission import Admission, Recovery, admit, apply_reply, find_endpoint
from ._http.auth import Verifier
from ._http.refusals import LARGEST_BODY, RefusedError, bad_request
from ._http.request import Request, Response
from ._http.rest import RestApi
from ._hub.hub import Connection, Hubs
from ._hub.messages import Close, CloseCode, Frame, Message, Outgoing, Send
from ._hub.names import hub_key
from ._hub.upstream import (
    CallUpstream,
    CancelUpstream,
    ConnectEvent,
    ConnectRefused,
    ConnectReply,
    EventFailed,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    UpstreamEvent,
    UserEvent,
)
from ._observer import Observer, hub_of
from ._settings import Settings
from ._testing.admin import Admin, is_admin_path
from ._testing.faults import ClientFault, Faults, refusal_of
from ._upstream.caller import UpstreamCaller, UpstreamClient
from ._upstream.configuration import Configuration
from ._upstream.requests import ClientOfEvent

__all__ = ["Server"]

_CLOSE_SECONDS: Final = 2.0
_TOO_SLOW: Final = "The outbound message queue is full."
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
        self.hubs = Hubs(observer.message)
        self._rest = RestApi(self.hubs, verifier, endpoint, clock, settings.api_versions)
        self._upstream = UpstreamCaller(
            configuration,
            service_host=endpoint.partition("://")[2],
            access_keys=(settings.access_key,),
            clock=clock,
            observe=observer.event,
        )
        self._admin = Admin(faults, clock, observer.journal, verifier.own_authorities, self.go_away)
        self._sockets: set[_Socket] = set()
        self._runner: web.ServerRunner | None = None
        self._alarms: Alarms

    async def start(self) -> None:
        """Begin to accept connections."""
        self.loop = asyncio.get_running_loop()
        self.thread_id = threading.get_ident()
        self._alarms = Alarms(self._clock)
        await self._upstream.start()
        server = web.Server(self._handle, access_log=None, logger=_http_logger, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=_CLOSE_SECONDS)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener, ssl_context=self._tls).start()

    async def stop(self) -> None:
        """Close every connection and the listening socket."""
        if self._runner is None:
            self._listener.close()
            await self._upstream.stop()
            return
        for site in tuple(self._runner.sites):
            await site.stop()
        sockets = self.go_away()
        if sockets:
            await asyncio.wait([open_socket.gone for open_socket in sockets], timeout=2 * _CLOSE_SECONDS)
        for open_socket in sockets:
            open_socket.abort()
        server = self._runner.server
        for connection in () if server is None else server.connections:
            _abort(connection.transport)  # over TLS, a mere close waits for the other side
        await self._runner.cleanup()
        await self._upstream.stop()
        self._alarms.cancel()

    def go_away(self) -> "list[_Socket]":
        """Close every client with code 1001; return their sockets."""
        sockets = list(self._sockets)
        for open_socket in sockets:
            open_socket.put(Close(CloseCode.GOING_AWAY))
        return sockets

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        plain = Request(
            request.method,
            request.raw_path,
            tuple((name.lower(), value) for name, value in request.headers.items()),
        )
        endpoint = find_endpoint(plain)
        if endpoint is not None:
            return await self._serve_client(request, plain, endpoint)
        if is_admin_path(plain):
            body = await _read_body(request, plain.header("expect"))
            return _answer(self._admin.handle(attrs.evolve(plain, body=body)))
        return await self._serve_rest(request, plain)

    async def _serve_rest(self, request: web.BaseRequest, plain: Request) -> web.StreamResponse:
        started = self._clock.now()
        hub = hub_of(plain)
        fault = self._faults.of_request(plain.method, plain.target, hub)
        if fault is not None:
            self._observer.fault(fault, hub)
            await asyncio.sleep(fault.delay_seconds)
        if fault is not None and fault.reset == "before":
            response = None
        elif fault is not None and fault.status is not None:
            response = refusal_of(fault)
        else:
            plain, response = await self._carry_out(request, plain)
        if fault is not None and fault.reset is not None:
            response = None
        self._observer.request(plain, self._rest.operation_of(plain), response, self._clock.now() - started)
        if response is None:
            _abort(request.transport)
            return web.Response()  # goes nowhere: the connection is cut
        if fault is not None and fault.truncate and request.transport is not None:
            return _cut_short(request.transport, response)
        answer = _answer(response)
        if fault is not None and fault.close:
            answer.force_close()
        return answer

    async def _carry_out(self, request: web.BaseRequest, plain: Request) -> tuple[Request, Response]:
        """Return the response, and the request with its body."""
        admitted = self._rest.admit(plain)
        if isinstance(admitted, Response):
            return plain, admitted
        try:
            body = await _read_body(request, plain.header("expect"))
        except (ClientError, web.RequestPayloadError, ConnectionError):
            return plain, bad_request("body", "The body cannot be read.")
        return attrs.evolve(plain, body=body), admitted.carry_out(body)

    async def _serve_client(
        self, request: web.BaseRequest, plain: Request, endpoint: ClientEndpoint
    ) -> web.StreamResponse:
        try:
            arrival = admit(plain, self._verifier, endpoint)
            if _accept(plain, None) is None:
                return _answer(bad_request("Upgrade", "The WebSocket handshake is not valid."))
            if isinstance(arrival, Recovery):
                await self._recover(request, arrival, plain)
            else:
                return await self._connect(request, arrival, plain, endpoint)
        except RefusedError as refused:
            self._observer.refused(plain, refused.response)
            return _answer(refused.response)
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
            surroundings = _Surroundings(self._clock, self._alarms, self._upstream, self._faults, self._observer)
            client = _Client(session, surroundings, upstream, is_connection=not endpoint.connects_later)
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

    def _find(self, recovery: Recovery) -> "_Client | None":
        connection = self.hubs.get(recovery.hub).connection(recovery.connection_id)
        if connection is None or connection.reconnection_token is None:
            return None
        if not secrets.compare_digest(connection.reconnection_token.encode(), recovery.token.encode()):
            return None
        client = connection.receiver
        return client if isinstance(client, _Client) else None

    def _upgrade(self, request: web.BaseRequest, plain: Request, protocol: str | None) -> "_Socket | None":
        """Turn a request into a WebSocket; None if the client is gone."""
        accepted, taken = _accept(plain, protocol), _take_over(request)
        if accepted is None or taken is None:
            return None
        transport, tail = taken
        transport.write(accepted)
        client_socket = _Socket(transport, SendQueue(self._settings.ack_delay_seconds), self._clock)
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


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """Drop a connection without a word; one that is gone already is no error."""
    if isinstance(transport, asyncio.WriteTransport):
        with suppress(AttributeError):  # from CPython 3.11.2, when a TLS transport is closed already
            transport.abort()


async def _read_body(request: web.BaseRequest, expectation: str | None) -> bytes:
    if expectation is not None and expectation.lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    while len(body) <= LARGEST_BODY and (chunk := await request.content.readany()):
        body += chunk
    return bytes(body)


def _answer(response: Response) -> web.Response:
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


@attrs.frozen
class _Surroundings:
    """What every client of a server has to do with."""

    clock: Clock
    alarms: Alarms
    caller: UpstreamCaller
    faults: Faults
    observer: Observer


class _Client:
    """A client that is connected, or may come back: performs what its session asks for."""

    def __init__(
        self, session: Session, surroundings: _Surroundings, upstream: UpstreamClient, *, is_connection: bool = True
    ) -> None:
        """Begin without a socket.

        Args:
            session: Decides what is to be done.
            surroundings: What every client has to do with.
            upstream: What event handlers know of it.
            is_connection: Whether it is a connection for those who look on; one that is still to become one is not.
        """
        self.session = session
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._alarms = surroundings.alarms
        self._caller = surroundings.caller
        self._faults = surroundings.faults
        self._observer = surroundings.observer
        self._upstream = upstream
        self._gone = not is_connection
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._socket: _Socket | None = None
        self._recovering = False
        session.connection.receiver = self

    def open(self, client_socket: "_Socket") -> None:
        """Take the first socket."""
        self._socket = client_socket
        if not self._gone:
            self._observer.connection(self.session.connection, "opened")
        self._perform(self.session.opened(self._clock.now()))
        for group in sorted(self.session.connection.groups):
            self.joined(group)

    async def released(self) -> bool:
        """Drop the socket that there still is, and tell whether another one may take its place."""
        if self._recovering:
            return False
        self._recovering = True
        if self._socket is not None:
            self._socket.abort()
            await self._socket.gone
        if self.session.ended:
            self._recovering = False
        return self._recovering

    def resume(self, client_socket: "_Socket | None") -> None:
        """Go on with another socket, if one came about."""
        self._recovering = False
        if client_socket is not None:
            self._socket = client_socket
            self._observer.connection(self.session.connection, "recovered")
            self._perform(self.session.resumed(self._clock.now()))

    def receive(self, frame: Frame) -> None:
        """Take a frame that came through the socket."""
        self._perform(self.session.frame_received(frame, self._clock.now()))

    def detach(self, client_socket: "_Socket", code: int) -> None:
        """Go on without a socket, if it is the one in use."""
        if self._socket is client_socket:
            self._socket = None
            self._perform(self.session.socket_lost(code, self._clock.now()))
            if not self.session.ended:
                self._observer.connection(self.session.connection, "detached")

    def deliver(self, message: Message) -> None:
        """Pass a message of the hub's on, unless a fault is in its way."""
        connection = self.session.connection
        fault = self._faults.of_message(connection.hub_name, connection.user_id)
        if fault is None:
            self._perform(self.session.delivered(message, self._clock.now()))
        else:
            self._observer.fault(fault, connection.hub_name)
            self._go_wrong(fault, message)

    def joined(self, group: str) -> None:
        """Tell the application that the connection came into a group."""
        self._observer.membership(self.session.connection, group, "joined")
        self._membership_changed(GroupJoinedEvent(group))

    def left(self, group: str) -> None:
        """Tell the application that the connection came out of a group."""
        self._observer.membership(self.session.connection, group, "left")
        self._membership_changed(GroupLeftEvent(group))

    def close(self, reason: str) -> None:
        """End on behalf of the application."""
        self._perform(self.session.closed(reason, self._clock.now()))

    def _go_wrong(self, fault: ClientFault, message: Message) -> None:
        if self._socket is not None:
            match fault.action:
                case "drop":
                    self._socket.abort()
                case "freeze":
                    self._socket.freeze()
                case "half-close":
                    self._socket.end_sending()
        if fault.action != "lose":
            effects = list(self.session.delivered(message, self._clock.now()))
            self._perform(effects)
            if fault.action == "duplicate":
                self._perform(effects)

    def _wake(self) -> None:
        self._perform(self.session.time_passed(self._clock.now()))

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send() | Close():
                    if self._socket is not None:
                        self._socket.put(effect)
                case WakeAt(time):
                    self._alarms.at(time, self._wake)
                case CallUpstream():
                    self._call(effect.call_id, effect.event)
                case CancelUpstream(call_id):
                    if (call := self._calls.pop(call_id, None)) is not None:
                        call.cancel()
                case HandOver():
                    self._hand_over(effect)
        if self.session.ended and not self._gone:
            self._gone = True
            self._observer.connection(self.session.connection, "closed")

    def _hand_over(self, effect: HandOver) -> None:
        """Leave the socket to another client: one that is there already, or a new one."""
        client_socket, self._socket = self._socket, None
        assert client_socket is not None, "a session without a socket has none to hand over"
        connection = effect.session.connection
        facts = attrs.evolve(
            self._upstream.client,
            connection_id=connection.connection_id,
            user_id=connection.user_id,
            physical_connection_id=connection.physical_connection_id,
            session_id=connection.session_id,
        )
        upstream = attrs.evolve(self._upstream, client=facts)
        if effect.resumes:
            heir = connection.receiver
            assert isinstance(heir, _Client)
            heir._take_over(client_socket, upstream, effect.farewell)
        else:
            heir = _Client(effect.session, self._surroundings, upstream)
            client_socket.pass_to(heir)
            heir.open(client_socket)

    def _take_over(self, client_socket: "_Socket", upstream: UpstreamClient, farewell: Iterable[Send | Close]) -> None:
        """Go on with the socket of another client, taking leave of the one that there is."""
        if self._socket is not None:
            for said in farewell:
                self._socket.put(said)
            self._socket.release()
        state = self._upstream.client.state
        self._upstream.client = upstream.client
        self._upstream.store(state if upstream.client.state is None else upstream.client.state)
        self._upstream.cookies |= upstream.cookies
        client_socket.pass_to(self)
        self.resume(client_socket)

    def _ask(self, call_id: int, connect: MqttConnect) -> None:
        """Ask the application about an MQTT client; without a handler, it may come in."""
        connection = self.session.connection
        self._upstream.client = attrs.evolve(
            self._upstream.client,
            connection_id=connection.connection_id,
            physical_connection_id=connection.physical_connection_id,
        )
        event = attrs.evolve(self._upstream.connect, mqtt=connect)
        if self._caller.hears(self._upstream.client.hub, event):
            self._calls[call_id] = self._caller.spawn(self._ask_and_wait(call_id, event))
        else:
            self._perform(self.session.upstream_replied(call_id, ConnectReply(), self._clock.now()))

    async def _ask_and_wait(self, call_id: int, event: ConnectEvent) -> None:
        reply = await self._caller.connect(event, self._upstream)
        self._calls.pop(call_id, None)
        self._perform(self.session.upstream_replied(call_id, reply, self._clock.now()))

    def _call(self, call_id: int, event: UpstreamEvent | MqttConnect) -> None:
        if isinstance(event, MqttConnect):
            self._ask(call_id, event)
            return
        heard = self._caller.hears(self._upstream.client.hub, event)
        if not isinstance(event, UserEvent):
            if heard:
                self._caller.notify(event, self._upstream, call_id)
        elif heard:
            self._calls[call_id] = self._caller.spawn(self._call_and_wait(call_id, event))
        else:
            self._observer.unheard(event, self._upstream.client)
            self._perform(self.session.upstream_replied(call_id, EventFailed(), self._clock.now()))

    async def _call_and_wait(self, call_id: int, event: UserEvent) -> None:
        reply = await self._caller.user_event(event, self._upstream, call_id)
        self._calls.pop(call_id, None)
        self._perform(self.session.upstream_replied(call_id, reply, self._clock.now()))

    def _membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent) -> None:
        if self._caller.hears(self._upstream.client.hub, event):
            self._perform(self.session.membership_changed(event, self._clock.now()))


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


class _Socket(asyncio.Protocol):
    """The WebSocket of one client, from the handshake on.

    Attributes:
        gone: Done when the connection is lost and everything that came through it has been handled.
    """

    def __init__(self, transport: asyncio.Transport, queue: SendQueue, clock: Clock) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._queue = queue
        self._clock = clock
        self._client: _Client | None = None
        self._reader = FrameReader(LARGEST_BODY)
        self._inbox: deque[Incoming | WebSocketError | None] = deque()
        self._code: int = CloseCode.ABNORMAL
        self._frozen = False
        self._writing_paused = False
        self._pumping = False
        self._closing = False
        self._lost = False
        self._hold: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._pong: bytes | None = None

    def serve(self, client: _Client) -> None:
        """Begin to pass frames on to a client."""
        self._client = client
        self._pump()

    def pass_to(self, client: _Client) -> None:
        """Pass frames on to another client from now on."""
        self._client = client

    def release(self) -> None:
        """Belong to no client any more, after the end has been put: it is not waited for."""
        self._client = None
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.abort)

    def put(self, outgoing: Outgoing) -> None:
        """Send a frame, or end the connection, after everything that was put before; after the end nothing is sent."""
        if not self._queue.put(outgoing, self._clock.now()):
            self._queue.end()
            self._detach(CloseCode.POLICY_VIOLATION)
            self._close(CloseCode.POLICY_VIOLATION, _TOO_SLOW)
        elif self._hold is None:
            self._flush()

    def abort(self) -> None:
        """Drop the connection without a word; one that is gone already is no error."""
        _abort(self._transport)

    def freeze(self) -> None:
        """Send nothing any more, and leave the connection open."""
        self._frozen = self._writing_paused = True

    def end_sending(self) -> None:
        """Send nothing any more, and say so on the level of the network, as far as it can be said there."""
        self.freeze()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        try:
            self._inbox.extend(self._reader.feed(data))
        except WebSocketError as error:
            self._inbox.append(error)
        if not self._pumping:
            self._pump()

    def pause_writing(self) -> None:
        """Let what is to be sent wait: the client does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on sending."""
        self._writing_paused = self._frozen
        if self._frozen:
            return
        if self._pong is not None:
            self._write(write_frame(Opcode.PONG, self._pong))
            self._pong = None
        if self._hold is None:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Finish what has come in, and leave the client."""
        self._lost = True
        self._queue.end()
        for timer in (self._hold, self._deadline):
            if timer is not None:
                timer.cancel()
        self._inbox.append(None)
        if not self._pumping:
            self._pump()

    def _pump(self) -> None:
        """Handle one thing that came in; the next one has to wait for its turn in the loop, as other clients' have."""
        self._pumping = False
        if self._inbox and self._is_ready():
            self._take(self._inbox.popleft())
        if self._inbox and self._is_ready():
            self._pumping = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._pump)
        elif not self._lost:
            self._transport.resume_reading()

    def _is_ready(self) -> bool:
        return self._client is not None or self._closing or self._lost

    def _take(self, incoming: Incoming | WebSocketError | None) -> None:
        match incoming:
            case None:
                self._detach(self._code)
                self.gone.set_result(None)
            case Closed(code):
                self._code = code
                self._detach(code)
                self._close(CloseCode.NORMAL if code == CloseCode.NO_CODE else code)
                self._end()
            case WebSocketError(code=code, reason=reason):
                self._detach(CloseCode.ABNORMAL)
                self._close(code, reason)
            case Control(Opcode.PING, payload):
                self._reply_to_ping(payload)
            case Control():
                pass
            case _ if self._client is not None:
                self._client.receive(incoming)

    def _detach(self, code: int) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.detach(self, code)

    def _reply_to_ping(self, payload: bytes) -> None:
        if self._writing_paused:
            self._pong = payload  # the latest is enough (RFC 6455 section 5.5.3)
        elif not self._closing:
            self._write(write_frame(Opcode.PONG, payload))

    def _flush(self) -> None:
        self._hold = None
        while not self._writing_paused:
            match self._queue.take(self._clock.now()):
                case None:
                    return
                case Send(frame):
                    self._write(_wire(frame))
                case Close(code, reason):
                    self._close(code, reason)
                    return
                case seconds:
                    self._hold = asyncio.get_running_loop().call_later(seconds, self._flush)
                    return

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _close(self, code: int, reason: str = "") -> None:
        """Send the close frame, once, and give the client a little time to send its own."""
        if not self._closing:
            self._closing = True
            self._queue.end()
            self._write(close_frame(code, reason))
            if self._deadline is None:
                self._deadline = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.abort)

    def _end(self) -> None:
        self._transport.close()


def _wire(frame: Frame) -> bytes:
    if isinstance(frame, str):
        return write_frame(Opcode.TEXT, frame.encode())
    return write_frame(Opcode.BINARY, frame)
