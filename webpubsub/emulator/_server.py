"""The sockets: HTTP and WebSocket on one port. The only module of the emulator that does I/O.

What is to be done is decided elsewhere: a session returns effects, and `_Client` performs them. A client outlives its
socket if its session does. Each socket has a queue and a task that empties it, so a client that reads slowly, or not at
all, keeps nobody waiting: when its queue is full it is closed with code 1008.
"""

import asyncio
import logging
import socket
import ssl
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import attrs
from aiohttp import ClientError, WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from ._clients.endpoints import ClientEndpoint
from ._clients.queue import SendQueue
from ._clients.session import Effect, Session
from ._clock import Clock
from ._http.admission import Admission, admit, apply_reply, find_endpoint
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
    ConnectRefused,
    EventFailed,
    GroupJoinedEvent,
    GroupLeftEvent,
    UpstreamEvent,
    UserEvent,
)
from ._settings import Settings
from ._upstream.caller import UpstreamCaller, UpstreamClient
from ._upstream.configuration import Configuration
from ._upstream.requests import ClientOfEvent

__all__ = ["Server"]

_CLOSE_SECONDS: Final = 2.0
_SLOW = Close(CloseCode.POLICY_VIOLATION, "The client reads too slowly.")


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
        *,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._verifier = verifier
        self._settings = settings
        self._clock = clock
        self._tls = tls
        self._hubs = Hubs()
        self._rest = RestApi(self._hubs, verifier, endpoint)
        self._upstream = UpstreamCaller(
            configuration,
            service_host=endpoint.partition("://")[2],
            access_keys=(settings.access_key,),
            clock=clock,
        )
        self._sockets: dict[_Socket, asyncio.Task[object]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to accept connections."""
        await self._upstream.start()
        app = web.Application(middlewares=[self._handle])
        runner = self._runner = web.AppRunner(
            app, access_log=None, logger=_http_logger, shutdown_timeout=_CLOSE_SECONDS
        )
        await runner.setup()
        await web.SockSite(runner, self._listener, ssl_context=self._tls).start()

    async def stop(self) -> None:
        """Close every connection and the listening socket."""
        if self._runner is None:
            self._listener.close()
            await self._upstream.stop()
            return
        for site in tuple(self._runner.sites):
            await site.stop()
        sockets = dict(self._sockets)
        for open_socket in sockets:
            open_socket.put(Close(CloseCode.GOING_AWAY))
        if sockets:
            await asyncio.wait(sockets.values(), timeout=2 * _CLOSE_SECONDS)
        for open_socket in sockets:
            open_socket.abort()
        server = self._runner.server
        for connection in () if server is None else server.connections:
            _abort(connection.transport)  # over TLS, a mere close waits for the other side
        await self._runner.cleanup()
        await self._upstream.stop()

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG002
        # A middleware sees every request as it came; aiohttp's routes would see decoded paths.
        plain = Request(
            request.method,
            request.raw_path,
            tuple((name.lower(), value) for name, value in request.headers.items()),
        )
        endpoint = find_endpoint(plain)
        if endpoint is not None:
            return await self._serve_client(request, plain, endpoint)
        try:
            body = await _read_body(request)
        except (ClientError, web.RequestPayloadError, ConnectionError):
            return _answer(bad_request("body", "The body cannot be read."))
        return _answer(self._rest.handle(attrs.evolve(plain, body=body)))

    async def _serve_client(self, request: web.Request, plain: Request, endpoint: ClientEndpoint) -> web.StreamResponse:
        try:
            admission = admit(plain, self._verifier, endpoint)
            upstream = UpstreamClient(
                ClientOfEvent(hub_key(admission.hub), uuid.uuid4().hex, admission.user_id, admission.protocol)
            )
            if self._upstream.hears(admission.hub, admission.event):
                reply = await self._upstream.connect(admission.event, upstream)
                if isinstance(reply, ConnectRefused):
                    return _answer(Response(reply.status, reply.headers, reply.body))
                admission = apply_reply(admission, reply, plain, endpoint)
        except RefusedError as refused:
            return _answer(refused.response)
        upstream.client = attrs.evolve(upstream.client, user_id=admission.user_id, protocol=admission.protocol)
        websocket = web.WebSocketResponse(
            protocols=[name for name in admission.event.subprotocols if name == admission.protocol][:1],
            compress=False,
            max_msg_size=LARGEST_BODY + 1,
            timeout=_CLOSE_SECONDS,
        )
        if not websocket.can_prepare(request).ok:
            return _answer(bad_request("Upgrade", "The WebSocket handshake is not valid."))
        try:
            await websocket.prepare(request)
        except ConnectionError:
            return _answer(bad_request("Upgrade", "The client is gone."))
        client = _Client(self._begin(admission, upstream), self._clock, self._upstream, upstream)
        client_socket = _Socket(websocket, request, client, SendQueue(self._settings.ack_delay_seconds), self._clock)
        task = asyncio.current_task()
        assert task is not None
        self._sockets[client_socket] = task
        try:
            await client_socket.run()
        finally:
            del self._sockets[client_socket]
        return websocket

    def _begin(self, admission: Admission, upstream: UpstreamClient) -> Session:
        connection = Connection(
            connection_id=upstream.client.connection_id,
            hub_name=admission.hub,
            user_id=admission.user_id,
            protocol=admission.protocol,
            permissions=admission.permissions,
            groups=set(admission.groups),
        )
        return admission.speaker(self._hubs.open(admission.hub), connection)


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """Drop a connection without a word; one that is gone already is no error."""
    if isinstance(transport, asyncio.WriteTransport):
        with suppress(AttributeError):  # from CPython 3.11.2, when a TLS transport is closed already
            transport.abort()


async def _read_body(request: web.Request) -> bytes:
    body = bytearray()
    while len(body) <= LARGEST_BODY and (chunk := await request.content.readany()):
        body += chunk
    return bytes(body)


def _answer(response: Response) -> web.Response:
    headers = dict(response.headers)
    if not response.body and response.status != HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = "0"
    return web.Response(status=response.status, headers=headers, body=response.body or None)


class _Client:
    """A client that is connected, or may come back: performs what its session asks for."""

    def __init__(self, session: Session, clock: Clock, caller: UpstreamCaller, upstream: UpstreamClient) -> None:
        self._session = session
        self._clock = clock
        self._caller = caller
        self._upstream = upstream
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._outbox: Callable[[Outgoing], None] | None = None
        session.connection.receiver = self

    def attach(self, outbox: Callable[[Outgoing], None]) -> None:
        """Take a socket, which is the first one."""
        self._outbox = outbox
        self._perform(self._session.opened(self._clock.now()))
        for group in sorted(self._session.connection.groups):
            self.joined(group)

    def receive(self, frame: Frame) -> None:
        """Take a frame that came through the socket."""
        self._perform(self._session.frame_received(frame, self._clock.now()))

    def detach(self, code: int) -> None:
        """Go on without the socket; one that is gone already is no error."""
        if self._outbox is not None:
            self._outbox = None
            self._perform(self._session.socket_lost(code, self._clock.now()))

    def deliver(self, message: Message) -> None:
        """Pass a message of the hub's on."""
        self._perform(self._session.delivered(message, self._clock.now()))

    def joined(self, group: str) -> None:
        """Tell the application that the connection came into a group."""
        self._membership_changed(GroupJoinedEvent(group))

    def left(self, group: str) -> None:
        """Tell the application that the connection came out of a group."""
        self._membership_changed(GroupLeftEvent(group))

    def close(self, reason: str) -> None:
        """End on behalf of the application."""
        self._perform(self._session.closed(reason, self._clock.now()))

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send() | Close():
                    if self._outbox is not None:
                        self._outbox(effect)
                case CallUpstream(call_id, event):
                    self._call(call_id, event)
                case CancelUpstream(call_id):
                    if (call := self._calls.pop(call_id, None)) is not None:
                        call.cancel()
                case _:
                    pass

    def _call(self, call_id: int, event: UpstreamEvent) -> None:
        heard = self._caller.hears(self._upstream.client.hub, event)
        if not isinstance(event, UserEvent):
            if heard:
                self._caller.notify(event, self._upstream, call_id)
        elif heard:
            self._calls[call_id] = self._caller.spawn(self._call_and_wait(call_id, event))
        else:
            self._perform(self._session.upstream_replied(call_id, EventFailed(), self._clock.now()))

    async def _call_and_wait(self, call_id: int, event: UserEvent) -> None:
        reply = await self._caller.user_event(event, self._upstream, call_id)
        self._calls.pop(call_id, None)
        self._perform(self._session.upstream_replied(call_id, reply, self._clock.now()))

    def _membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent) -> None:
        if self._caller.hears(self._upstream.client.hub, event):
            self._perform(self._session.membership_changed(event, self._clock.now()))


class _Socket:
    """The socket of one client and the frames that wait for it."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        request: web.Request,
        client: _Client,
        queue: SendQueue,
        clock: Clock,
    ) -> None:
        self._websocket = websocket
        self._request = request
        self._client = client
        self._queue = queue
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._writer = self._loop.create_task(self._write())

    def put(self, outgoing: Outgoing) -> None:
        """Queue a frame, or the end of the connection; after the end nothing is queued any more."""
        if self._queue.put(outgoing, self._clock.now()):
            self._filled.set()
        else:
            self._give_up()

    async def run(self) -> None:
        """Serve the client until it is gone."""
        self._client.attach(self.put)
        try:
            async for message in self._websocket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._client.receive(message.data)
                await asyncio.sleep(0)  # lets the writers empty their queues between frames that came in one go
        finally:
            self._client.detach(self._websocket.close_code or CloseCode.ABNORMAL)
            if not self._queue.ended:
                self._queue.end()
                self._writer.cancel()
            await asyncio.wait({self._writer})

    def abort(self) -> None:
        """Drop the connection without a word; one that is gone already is no error."""
        _abort(self._request.transport)

    def _give_up(self) -> None:
        self._queue.end()
        self._client.detach(CloseCode.POLICY_VIOLATION)
        self._writer.cancel()
        self._writer = self._loop.create_task(self._close(_SLOW))

    async def _write(self) -> None:
        try:
            while not isinstance(item := self._queue.take(self._clock.now()), Close):
                if item is None:
                    self._filled.clear()
                    await self._filled.wait()
                elif isinstance(item, Send):
                    await self._send(item.frame)
                else:
                    await asyncio.sleep(item)
            await self._close(item)
        except ConnectionError:
            self.abort()

    async def _send(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self._websocket.send_str(frame)
        else:
            await self._websocket.send_bytes(frame)

    async def _close(self, close: Close) -> None:
        self._loop.call_later(_CLOSE_SECONDS, self.abort)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close(code=close.code, message=close.reason.encode())
        except TimeoutError:
            self.abort()
