"""The sockets: HTTP and WebSocket on one port. The only module of the emulator that does I/O.

Each client has a queue of its own and a task that empties it, so one that reads slowly, or not at all, keeps nobody
waiting: when its queue is full it is closed with code 1008.
"""

import asyncio
import logging
import socket
import ssl
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import ClientError, WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from ._clients.queue import SendQueue
from ._clients.session import Session
from ._http.admission import Admission, admit, is_client_path
from ._http.auth import Verifier
from ._http.refusals import LARGEST_BODY, RefusedError, bad_request
from ._http.request import Request, Response
from ._http.rest import RestApi
from ._hub.hub import Connection, Hubs, Outbox
from ._hub.messages import Close, CloseCode, Frame, Outgoing, Send

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
        tls: The certificate of https and wss; None for http and ws.
        ack_delay_seconds: How long acknowledgements are held back.
    """

    def __init__(
        self,
        listener: socket.socket,
        endpoint: str,
        verifier: Verifier,
        *,
        tls: ssl.SSLContext | None,
        ack_delay_seconds: float,
    ) -> None:
        self._listener = listener
        self._verifier = verifier
        self._tls = tls
        self._ack_delay_seconds = ack_delay_seconds
        self._hubs = Hubs()
        self._rest = RestApi(self._hubs, verifier, endpoint)
        self._clients: dict[_ClientSocket, asyncio.Task[object]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to accept connections."""
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
            return
        for site in tuple(self._runner.sites):
            await site.stop()
        clients = dict(self._clients)
        for client in clients:
            client.put(Close(CloseCode.GOING_AWAY))
        if clients:
            await asyncio.wait(clients.values(), timeout=2 * _CLOSE_SECONDS)
        for client in clients:
            client.abort()
        server = self._runner.server
        for connection in () if server is None else server.connections:
            _abort(connection.transport)  # over TLS, a mere close waits for the other side
        await self._runner.cleanup()

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG002
        # A middleware sees every request as it came; aiohttp's routes would see decoded paths.
        plain = Request(
            request.method,
            request.raw_path,
            tuple((name.lower(), value) for name, value in request.headers.items()),
        )
        if is_client_path(plain):
            return await self._serve_client(request, plain)
        try:
            body = await _read_body(request)
        except (ClientError, web.RequestPayloadError, ConnectionError):
            return _answer(bad_request("body", "The body cannot be read."))
        return _answer(self._rest.handle(replace(plain, body=body)))

    async def _serve_client(self, request: web.Request, plain: Request) -> web.StreamResponse:
        try:
            admission = admit(plain, self._verifier)
        except RefusedError as refused:
            return _answer(refused.response)
        protocol = admission.subprotocol.name
        websocket = web.WebSocketResponse(
            protocols=() if protocol is None else (protocol,),
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
        client = _ClientSocket(websocket, request, self._ack_delay_seconds, partial(self._session, admission))
        task = asyncio.current_task()
        assert task is not None
        self._clients[client] = task
        try:
            await client.run()
        finally:
            del self._clients[client]
        return websocket

    def _session(self, admission: Admission, outbox: Outbox) -> Session:
        connection = Connection(
            connection_id=uuid.uuid4().hex,
            user_id=admission.user_id,
            subprotocol=admission.subprotocol,
            permissions=admission.permissions,
            outbox=outbox,
            groups=set(admission.groups),
        )
        return Session(self._hubs.open(admission.hub), connection)


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


class _ClientSocket:
    """The socket of one client and the frames that wait for it."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        request: web.Request,
        ack_delay_seconds: float,
        make_session: Callable[[Outbox], Session],
    ) -> None:
        self._websocket = websocket
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._queue = SendQueue(ack_delay_seconds)
        self._filled = asyncio.Event()
        self._session = make_session(self.put)
        self._writer = self._loop.create_task(self._write())

    def put(self, outgoing: Outgoing) -> None:
        """Queue a frame, or the end of the connection; after the end nothing is queued any more."""
        if self._queue.put(outgoing, self._loop.time()):
            self._filled.set()
        else:
            self._give_up()

    async def run(self) -> None:
        """Serve the client until it is gone."""
        self._session.open()
        try:
            async for message in self._websocket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._session.receive(message.data)
                await asyncio.sleep(0)  # lets the writers empty their queues between frames that came in one go
        finally:
            self._session.close()
            if not self._queue.ended:
                self._queue.end()
                self._writer.cancel()
            await asyncio.wait({self._writer})

    def abort(self) -> None:
        """Drop the connection without a word; one that is gone already is no error."""
        _abort(self._request.transport)

    def _give_up(self) -> None:
        self._queue.end()
        self._session.close()
        self._writer.cancel()
        self._writer = self._loop.create_task(self._close(_SLOW))

    async def _write(self) -> None:
        try:
            while not isinstance(item := self._queue.take(self._loop.time()), Close):
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
