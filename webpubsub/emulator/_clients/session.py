"""What a client's frames cause: the life of one connection, from greeting to end. Inputs in, effects out.

No I/O and no clock: `now` is the time in seconds of any clock that does not go back. Whoever calls a method performs
the effects that it returns, in their order, before it calls the next one. `_hub.upstream` says what the calls of event
handlers are about.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import attrs

from .._hub.hub import Connection, Hub
from .._hub.messages import (
    Ack,
    CancelInvocation,
    Close,
    CloseCode,
    Connected,
    Disconnected,
    Event,
    Failure,
    Frame,
    GroupRequest,
    Invoke,
    InvokeResponse,
    JoinGroup,
    LeaveGroup,
    Message,
    Ping,
    Pong,
    ProtocolError,
    Send,
    SendToGroup,
    SequenceAck,
    ServerMessage,
    SetGroupState,
    StartStream,
    StreamData,
    StreamEnd,
    StreamRequest,
    SubscribeGroupState,
    UnsubscribeGroupState,
)
from .._hub.permissions import Permission
from .._hub.upstream import (
    CallUpstream,
    CancelUpstream,
    ConnectedEvent,
    DisconnectedEvent,
    EventReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    Reply,
    UpstreamEvent,
    UserEvent,
)
from .codec import Codec
from .simple import SimpleCodec
from .streams import Streams

__all__ = ["AckIds", "Effect", "HandOver", "PubSubSession", "Session", "WakeAt"]

_REMEMBERED_ACKS = 1000
_MOST_WAITING = 1000
_NEEDED: Mapping[type[GroupRequest], tuple[Permission, str]] = {
    JoinGroup: (Permission.JOIN_LEAVE_GROUP, "join"),
    LeaveGroup: (Permission.JOIN_LEAVE_GROUP, "leave"),
    SendToGroup: (Permission.SEND_TO_GROUP, "send to"),
    SetGroupState: (Permission.SET_GROUP_STATE, "set the state of"),
    SubscribeGroupState: (Permission.GET_GROUP_STATE, "get the state of"),
    UnsubscribeGroupState: (Permission.GET_GROUP_STATE, "get the state of"),
}
_INTERNAL = Failure("InternalServerError", "Internal server error")


@attrs.frozen
class WakeAt:
    """Have `time_passed` called when it is this late."""

    time: float


@attrs.frozen
class HandOver:
    """Let the socket belong to another session from now on: a new one is opened, one that is there already resumes.

    Attributes:
        farewell: What its own socket is told, if it has one, before it is left.
    """

    session: "Session"
    resumes: bool = False
    farewell: Sequence[Send | Close] = ()


Effect: TypeAlias = Send | Close | CallUpstream | CancelUpstream | WakeAt | HandOver
"""What is to be done: tell the client something, end its socket, call an event handler or not wait for it any more."""


class Session(Protocol):
    """One client's conversation with its hub, whatever it speaks."""

    @property
    def connection(self) -> Connection:
        """Whose conversation it is."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the client is gone for good. Calls of event handlers may still be under way."""
        ...

    @property
    def unacknowledged(self) -> int:
        """How many messages it keeps until the client says that it has them."""
        ...

    def opened(self, now: float) -> list[Effect]:
        """Begin: a socket is there for the first time."""
        ...

    def frame_received(self, frame: Frame, now: float) -> list[Effect]:
        """Do what a frame asks for."""
        ...

    def delivered(self, message: Message, now: float) -> Iterable[Effect]:
        """Pass on a message of the hub's."""
        ...

    def membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent, now: float) -> list[Effect]:
        """Have the application told that the connection came into a group, or out of one."""
        ...

    def closed(self, reason: str, now: float) -> list[Effect]:
        """End on behalf of the application; the hub has forgotten the connection."""
        ...

    def going_away(self, now: float) -> list[Effect]:
        """Take leave of the client because the server stops."""
        ...

    def upstream_replied(self, call_id: int, reply: Reply, now: float) -> list[Effect]:
        """Go on after the call of an event handler."""
        ...

    def time_passed(self, now: float) -> list[Effect]:
        """Do what was to be done at this time, if anything."""
        ...

    def socket_lost(self, code: int, now: float) -> list[Effect]:
        """Go on without a socket, or end.

        Args:
            code: The code of the client's close frame; `CloseCode.NO_CODE` without one, `CloseCode.ABNORMAL` if there
                was no close frame.
            now: The time.
        """
        ...

    def resumed(self, now: float) -> list[Effect]:
        """Go on with another socket."""
        ...


class AckIds:
    """Which requests of a client were carried out: the last 1000."""

    def __init__(self) -> None:
        self._done: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, ack_id: int | None) -> bool:
        return ack_id in self._done

    def add(self, ack_id: int | None) -> None:
        """Keep in mind that a request was carried out, if it has an id."""
        if ack_id is not None:
            self._done[ack_id] = None
            if len(self._done) > _REMEMBERED_ACKS:
                self._done.popitem(last=False)


class PubSubSession:
    """The conversation with a client of a JSON or protobuf subprotocol, or with a simple client."""

    def __init__(self, hub: Hub, connection: Connection, codec: Codec) -> None:
        self.connection = connection
        self.ended = False
        self._hub = hub
        self.codec = codec
        self._acked = AckIds()
        self._last_call = 0
        self._current: tuple[int, Event | Invoke] | None = None
        self._waiting: deque[Event | Invoke] = deque()
        self._streams = Streams(connection.user_id, self._may_send, self._publish_piece)
        self._end_reason: str | None = None

    @property
    def unacknowledged(self) -> int:
        """None: what was sent is forgotten."""
        return 0

    def opened(self, now: float) -> list[Effect]:  # noqa: ARG002
        """Greet the client and make it reachable."""
        self._hub.add(self.connection)
        return [*self._say(self._greeting()), self._call(ConnectedEvent())]

    def frame_received(self, frame: Frame, now: float) -> list[Effect]:
        """Do what a frame asks for. Frames that were under way when the session ended are ignored."""
        if self.ended:
            return []
        effects: list[Effect] = []
        try:
            for message in self.codec.decode(frame):
                if self.ended:
                    break
                match message:
                    case Ping():
                        effects += self._say(Pong())
                    case SequenceAck():
                        self._acknowledge(message)
                    case Event() | Invoke():
                        if len(self._waiting) >= _MOST_WAITING:
                            raise ProtocolError(CloseCode.POLICY_VIOLATION, "Too many events wait for their handler.")
                        self._waiting.append(message)
                        effects += self._next_event(now)
                    case CancelInvocation():
                        effects += self._cancel(message, now)
                    case StartStream() | StreamData() | StreamEnd():
                        effects += self._stream(message, now)
                    case _:
                        effects += self._carry_out(message, now)
        except ProtocolError as error:
            effects += self._say(Disconnected(error.reason))
            effects.append(Close(error.code, error.reason))
            effects += self._end(error.reason, now)
        return effects

    def delivered(self, message: Message, now: float) -> Iterable[Effect]:  # noqa: ARG002
        """Pass a message on."""
        if self.ended:
            return ()
        if not self.codec.shared:
            return self._say(message)
        effects = message.encoded.get(type(self.codec))
        if not isinstance(effects, tuple):
            effects = message.encoded[type(self.codec)] = tuple(self._say(message))
        return effects

    def membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent, now: float) -> list[Effect]:  # noqa: ARG002
        """Have the application told."""
        return [self._call(event)]

    def closed(self, reason: str, now: float) -> list[Effect]:
        """Tell the client why, and end."""
        return [*self._say(Disconnected(reason)), Close(1000), *self._end(reason, now)]

    def going_away(self, now: float) -> list[Effect]:  # noqa: ARG002
        """Close the socket; what becomes of the session is up to the client."""
        return [Close(CloseCode.GOING_AWAY)]

    def upstream_replied(self, call_id: int, reply: Reply, now: float) -> list[Effect]:
        """Pass the message of the reply on, acknowledge the event, and go on to the next one."""
        if self._current is None or self._current[0] != call_id:
            return []
        (_, event), self._current = self._current, None
        return [*self._conclude(event, reply, now), *self._next_event(now)]

    def time_passed(self, now: float) -> list[Effect]:
        """Close streams that have been idle for too long."""
        expired = [effect for closed in self._streams.expire(now) for effect in self._say(closed)]
        return [*expired, *self._wake_for_streams()]

    def socket_lost(self, code: int, now: float) -> list[Effect]:  # noqa: ARG002
        """End: the client is gone."""
        return self._end("", now)

    def resumed(self, now: float) -> list[Effect]:  # noqa: ARG002
        """Do nothing: such a client is gone when its socket is."""
        return []

    def _greeting(self) -> Connected:
        return Connected(self.connection.connection_id, self.connection.user_id)

    def _acknowledge(self, message: SequenceAck) -> None:
        """Do nothing: messages are not numbered."""

    def _say(self, message: ServerMessage) -> list[Effect]:
        outgoing = None if self.ended else self.codec.encode(message)
        return [] if outgoing is None else [outgoing]

    def _call(self, event: UpstreamEvent) -> CallUpstream:
        self._last_call += 1
        return CallUpstream(self._last_call, event)

    def _next_event(self, now: float) -> list[Effect]:
        """Start with the next event unless one is under way; after the last one of a client that is gone, say so."""
        effects: list[Effect] = []
        while self._current is None and self._waiting:
            event = self._waiting.popleft()
            if isinstance(event, Event) and event.ack_id in self._acked:
                effects += self._settle(event.ack_id, _duplicate(event.ack_id), now)
                continue
            call = self._call(UserEvent(event.name, event.payload, event.metadata))
            self._current = call.call_id, event
            effects.append(call)
        if self._end_reason is not None and self._current is None:
            reason, self._end_reason = self._end_reason, None
            effects.append(self._call(DisconnectedEvent(reason)))
        return effects

    def _conclude(self, event: Event | Invoke, reply: Reply, now: float) -> list[Effect]:
        if isinstance(event, Invoke):
            if isinstance(reply, EventReply):
                return self._say(InvokeResponse(event.invocation_id, reply.payload))
            return self._say(InvokeResponse(event.invocation_id, failure=_INTERNAL))
        if not isinstance(reply, EventReply):
            return self._settle(event.ack_id, _INTERNAL, now)
        payload, metadata = reply.payload, reply.metadata
        effects = () if payload is None else self.delivered(Message(payload, metadata=metadata), now)
        self._acked.add(event.ack_id)
        return [*effects, *self._settle(event.ack_id, None, now)]

    def _cancel(self, message: CancelInvocation, now: float) -> list[Effect]:
        """Forget an invocation, be it under way or waiting; one that is not there is no error."""
        for waiting in tuple(self._waiting):
            if isinstance(waiting, Invoke) and waiting.invocation_id == message.invocation_id:
                self._waiting.remove(waiting)
        match self._current:
            case (call_id, Invoke(message.invocation_id)):
                self._current = None
                return [CancelUpstream(call_id), *self._next_event(now)]
        return []

    def _stream(self, message: StreamRequest, now: float) -> list[Effect]:
        match message:
            case StartStream():
                response: ServerMessage | None = self._streams.start(message, now)
            case StreamData():
                response = self._streams.receive(message, now)
            case StreamEnd():
                response = self._streams.end(message)
        said = [] if response is None else self._say(response)
        return [*said, *(self._wake_for_streams() if isinstance(message, StartStream) else ())]

    def _wake_for_streams(self) -> list[Effect]:
        expiry = self._streams.next_expiry
        return [] if expiry is None else [WakeAt(expiry)]

    def _may_send(self, group: str) -> bool:
        return self.connection.permissions.allows(Permission.SEND_TO_GROUP, group)

    def _publish_piece(self, message: Message) -> None:
        self._hub.publish(self._hub.group(message.group or ""), message)

    def _carry_out(self, request: GroupRequest, now: float) -> list[Effect]:
        if request.ack_id in self._acked:
            return self._settle(request.ack_id, _duplicate(request.ack_id), now)
        permission, deed = _NEEDED[type(request)]
        if not self.connection.permissions.allows(permission, request.group):
            return self._settle(request.ack_id, _forbidden(deed, request.group), now)
        failure: Failure | None = None
        match request:
            case JoinGroup(group):
                self._hub.join(self.connection, group)
            case LeaveGroup(group):
                self._hub.leave(self.connection, group)
            case SendToGroup():
                self._publish(request, now)
            case SetGroupState(group, state):
                failure = self._hub.states.set(self.connection, group, state)
            case SubscribeGroupState(group):
                failure = self._hub.states.follow(self.connection, group)
            case UnsubscribeGroupState(group):
                self._hub.states.unfollow(self.connection, group)
        if failure is None:
            self._acked.add(request.ack_id)
        return self._settle(request.ack_id, failure, now)

    def _settle(self, ack_id: int | None, failure: Failure | None, now: float) -> list[Effect]:
        effects = self._say(Ack(ack_id, failure))
        if failure is not None and any(isinstance(effect, Close) for effect in effects):
            effects += self._end(failure.message, now)
        return effects

    def _publish(self, request: SendToGroup, now: float) -> None:
        sender = self.connection
        targets = self._hub.group(request.group)
        if request.no_echo:
            targets = [connection for connection in targets if connection is not sender]
        expires_at = now + request.ttl_seconds if request.ttl_seconds else None
        message = Message(request.payload, request.group, sender.user_id, request.metadata, expires_at)
        self._hub.publish(targets, message)

    def _end(self, reason: str, now: float) -> list[Effect]:
        if self.ended:
            return []
        self.ended = True
        self._hub.remove(self.connection)
        self._streams.abandon()
        self._end_reason = reason
        effects: list[Effect] = []
        if isinstance(self.codec, SimpleCodec):
            self._waiting.clear()
            if self._current is not None:
                effects.append(CancelUpstream(self._current[0]))
                self._current = None
        return [*effects, *self._next_event(now)]


def _forbidden(deed: str, group: str) -> Failure:
    return Failure("Forbidden", f"The client does not have permission to {deed} group '{group}'.")


def _duplicate(ack_id: int | None) -> Failure:
    return Failure("Duplicate", f"Message with ack-id: {ack_id} has been processed")
