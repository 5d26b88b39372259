"""Clients and their WebSockets, under the server: bytes in and out, and what sessions ask for is done.

A client outlives its socket if its session does. A socket needs no task: frames are handled as they come, and what is
to be sent is written at once, or waits in a queue while the client does not read. A client whose queue is full is
closed, so nobody waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import attrs

from ._alarms import Alarms
from ._billing import HubMeter, Meter
from ._clients.queue import SendQueue
from ._clients.session import Effect, HandOver, Session, WakeAt
from ._clients.websocket import (
    Closed,
    Control,
    FrameReader,
    Incoming,
    Opcode,
    WebSocketError,
    close_frame,
)
from ._clock import Clock
from ._http.refusals import LARGEST_BODY
from ._hub.messages import Close, CloseCode, Frame, Message, Outgoing, Send
from ._hub.upstream import (
    CallUpstream,
    CancelUpstream,
    ConnectEvent,
    ConnectReply,
    EventFailed,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    UpstreamEvent,
    UserEvent,
)
from ._hub.wire import write_frame
from ._observer import Observer
from ._testing.faults import ClientFault, Faults
from ._upstream.caller import UpstreamCaller, UpstreamClient

__all__ = ["Client", "ClientSocket", "Surroundings", "abort"]

_CLOSE_SECONDS: Final = 2.0
_PING: Final = write_frame(Opcode.PING, b"")
_TOO_SLOW: Final = "The outbound message queue is full."


def abort(transport: asyncio.BaseTransport | None) -> None:
    """Drop a connection without a word; one that is gone already is no error."""
    if isinstance(transport, asyncio.WriteTransport):
        with suppress(AttributeError):  # from CPython 3.11.2, when a TLS transport is closed already
            transport.abort()


@attrs.frozen
class Surroundings:
    """What every client of a server has to do with."""

    clock: Clock
    alarms: Alarms
    caller: UpstreamCaller
    faults: Faults
    observer: Observer
    meter: Meter


class Client:
    """A client that is connected, or may come back: performs what its session asks for."""

    def __init__(
        self, session: Session, surroundings: Surroundings, upstream: UpstreamClient, *, is_connection: bool = True
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
        self._meter = surroundings.meter.hub(session.connection.hub_name)
        self._upstream = upstream
        self._gone = not is_connection
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._socket: ClientSocket | None = None
        self._recovering = False
        session.connection.receiver = self

    def open(self, client_socket: "ClientSocket") -> None:
        """Take the first socket."""
        self._socket = client_socket
        client_socket.meter = self._meter
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

    def resume(self, client_socket: "ClientSocket | None") -> None:
        """Go on with another socket, if one came about."""
        self._recovering = False
        if client_socket is not None:
            self._socket = client_socket
            client_socket.meter = self._meter
            self._observer.connection(self.session.connection, "recovered")
            self._perform(self.session.resumed(self._clock.now()))

    @property
    def is_attached(self) -> bool:
        """Whether it has a socket now."""
        return self._socket is not None

    @property
    def waiting(self) -> int:
        """How many frames wait until its socket takes them."""
        return 0 if self._socket is None else self._socket.waiting

    def receive(self, frame: Frame) -> None:
        """Take a frame that came through the socket."""
        if self._observer.sees_frames and not self._gone:
            self._observer.frame(self.session.connection, "in", frame)
        self._perform(self.session.frame_received(frame, self._clock.now()))

    def detach(self, client_socket: "ClientSocket", code: int) -> None:
        """Go on without a socket, if it is the one in use."""
        if self._socket is client_socket:
            self._socket = None
            self._perform(self.session.socket_lost(code, self._clock.now()))
            if not self.session.ended:
                self._observer.connection(self.session.connection, "detached")

    def deliver(self, message: Message) -> None:
        """Pass a message of the hub's on, unless a fault is in its way."""
        if self._faults.is_quiet:
            self._perform(self.session.delivered(message, self._clock.now()))
            return
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

    def go_away(self) -> None:
        """Leave the client, which may come back to another server."""
        self._perform(self.session.going_away(self._clock.now()))

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
                case Send():
                    if self._socket is not None:
                        if self._observer.sees_frames and not self._gone:
                            self._observer.frame(self.session.connection, "out", effect.frame)
                        self._socket.send(effect)
                case Close():
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
            assert isinstance(heir, Client)
            heir._take_over(client_socket, upstream, effect.farewell)
        else:
            heir = Client(effect.session, self._surroundings, upstream)
            client_socket.pass_to(heir)
            heir.open(client_socket)

    def _take_over(
        self, client_socket: "ClientSocket", upstream: UpstreamClient, farewell: Iterable[Send | Close]
    ) -> None:
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


class ClientSocket(asyncio.Protocol):
    """The WebSocket of one client, from the handshake on.

    Attributes:
        gone: Done when the connection is lost and everything that came through it has been handled.
        meter: Counts what is sent; that of the client's hub, once there is a client.
    """

    def __init__(self, transport: asyncio.Transport, queue: SendQueue, clock: Clock) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.meter = HubMeter()
        self._transport = transport
        self._queue = queue
        self._clock = clock
        self._client: Client | None = None
        self._reader = FrameReader(LARGEST_BODY)
        self._inbox: deque[Incoming | WebSocketError | None] = deque()
        self._code: int = CloseCode.ABNORMAL
        self._frozen = False
        self._writing_paused = False
        self._pumping = False
        self._closing = False
        self._failed = False
        self._lost = False
        self._hold: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._pong: bytes | None = None
        self._heard = True

    def serve(self, client: Client) -> None:
        """Begin to pass frames on to a client."""
        self._client = client
        self._pump()

    def pass_to(self, client: Client) -> None:
        """Pass frames on to another client from now on."""
        self._client = client

    def release(self) -> None:
        """Belong to no client any more, after the end has been put: it is not waited for."""
        self._client = None
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.abort)

    @property
    def waiting(self) -> int:
        """How many frames wait to be sent."""
        return len(self._queue)

    def send(self, outgoing: Send) -> None:
        """Send a frame after everything that was put before: at once if nothing waits."""
        if self._queue.is_idle and not self._writing_paused and not outgoing.is_ack:
            self._write_frame(outgoing)
        else:
            self.put(outgoing)

    def put(self, outgoing: Outgoing) -> None:
        """Let a frame, or the end of the connection, wait for its turn; after the end nothing is sent."""
        if not self._queue.put(outgoing, self._clock.now()):
            self._queue.end()
            self._detach(CloseCode.POLICY_VIOLATION)
            self._close(CloseCode.POLICY_VIOLATION, _TOO_SLOW)
        elif self._hold is None:
            self._flush()

    def go_away(self) -> None:
        """Close the connection because the server stops."""
        if self._client is None:
            self.put(Close(CloseCode.GOING_AWAY))
        else:
            self._client.go_away()

    def abort(self) -> None:
        """Drop the connection without a word; one that is gone already is no error."""
        abort(self._transport)

    def freeze(self) -> None:
        """Send nothing any more, and leave the connection open."""
        self._frozen = self._writing_paused = True

    def end_sending(self) -> None:
        """Send nothing any more, and say so on the level of the network, as far as it can be said there."""
        self.freeze()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    @property
    def unsent(self) -> int:
        """How many bytes the network has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def hears_end(self) -> bool:
        """Whether the client can still be told of the end, and can say that it agrees."""
        return not (self._frozen or self._failed or self._lost)

    def check(self) -> None:
        """Send a ping, or give the client up if it has sent nothing since the last one but one."""
        if self._frozen or self._closing:
            return
        if not self._heard:
            self.abort()
        elif not self._writing_paused:
            self._write(_PING)
        self._heard = False

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._heard = True
        if self._failed:
            return  # nothing of it counts (RFC 6455 section 7.1.7)
        try:
            self._inbox.extend(self._reader.feed(data))
        except WebSocketError as error:
            self._failed = True
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
                if not self._closing:  # otherwise it only agrees, and some clients do so with a code of their own
                    self._code = code
                self._detach(self._code)
                self._close(CloseCode.NORMAL if code == CloseCode.NO_CODE else code)
                self._end()
            case WebSocketError(code=code, reason=reason):
                self._detach(CloseCode.ABNORMAL)
                self._close(code, reason)
                self._end_sending()
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
                case Send() as outgoing:
                    self._write_frame(outgoing)
                case Close(code, reason):
                    self._close(code, reason)
                    return
                case seconds:
                    self._hold = asyncio.get_running_loop().call_later(seconds, self._flush)
                    return

    def _write_frame(self, outgoing: Send) -> None:
        if outgoing.is_message:
            self.meter.delivered(outgoing.size)
        if not self._transport.is_closing():
            self._transport.write(outgoing.wire)

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

    def _end_sending(self) -> None:
        """Let the client see the end after the last frame, and read on: what is unread would reset the connection."""
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
