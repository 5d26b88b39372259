"""What travels between a client and the service, whatever the subprotocol writes it as.

Plain values only: codecs turn them into frames and back, sessions say what they cause.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import attrs

from .wire import Opcode, write_frame

__all__ = [
    "Ack",
    "CancelInvocation",
    "ClientMessage",
    "Close",
    "CloseCode",
    "Connected",
    "DataType",
    "Disconnected",
    "Event",
    "Failure",
    "Frame",
    "GroupRequest",
    "GroupState",
    "GroupStateItem",
    "Invoke",
    "InvokeResponse",
    "JoinGroup",
    "LeaveGroup",
    "Message",
    "Outgoing",
    "Payload",
    "Ping",
    "Pong",
    "ProtocolError",
    "Send",
    "SendToGroup",
    "SequenceAck",
    "ServerMessage",
    "SetGroupState",
    "StartStream",
    "StreamAck",
    "StreamClosed",
    "StreamData",
    "StreamEnd",
    "StreamInfo",
    "StreamNack",
    "StreamRequest",
    "SubscribeGroupState",
    "UnsubscribeGroupState",
]

Frame: TypeAlias = str | bytes
"""A WebSocket message: text or binary."""


class DataType(StrEnum):
    """How the publisher described its data."""

    JSON = "json"
    TEXT = "text"
    BINARY = "binary"
    PROTOBUF = "protobuf"


@attrs.frozen
class Payload:
    """Data on its way. JSON stays the text that the publisher wrote, so that nobody sees it reformatted."""

    data_type: DataType
    data: Frame


@attrs.frozen
class Failure:
    """Why something failed: a name for programs, and a sentence."""

    name: str
    message: str


@attrs.frozen
class StreamInfo:
    """Which piece of which stream a message is.

    Attributes:
        sequence_id: Its number, from 1.
        end: Whether it is the last one, which has no data.
        failure: Why the stream ended, if not as it should.
        user_error_code: What the publisher calls that, in words of its own.
    """

    stream_id: str
    sequence_id: int
    end: bool = False
    failure: Failure | None = None
    user_error_code: str | None = None


@attrs.frozen
class GroupStateItem:
    """What one connection says about itself; without a state it has taken that back.

    Attributes:
        updated_at: When, in milliseconds since 1970; rising with every change of the hub.
    """

    connection_id: str
    user_id: str | None
    state: Mapping[str, str] | None
    updated_at: int


@attrs.frozen
class GroupState:
    """News about the state of a group: everything there is, or what has changed."""

    is_snapshot: bool
    items: Sequence[GroupStateItem]


@attrs.frozen(eq=False)
class Message:
    """What a client receives: from a group when there is one, otherwise from the server.

    Attributes:
        stream: Where it belongs if it is part of a stream.
        state: News about the state of the group, which it consists of then.
        expires_at: Until when a client may get it, in seconds of the emulator's clock; None is as long as it takes.
        encoded: What codecs have written of it already, so that it is written once for many clients; their own keys.
    """

    payload: Payload
    group: str | None = None
    from_user_id: str | None = None
    metadata: Mapping[str, str] | None = None
    expires_at: float | None = None
    stream: StreamInfo | None = None
    state: GroupState | None = None
    encoded: dict[object, object] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def is_only_an_end(self) -> bool:
        """Whether it says that a stream has ended, and nothing else: of no use to clients that know no streams."""
        return self.stream is not None and self.stream.end


@attrs.frozen
class JoinGroup:
    """A client asks to be put into a group."""

    group: str
    ack_id: int | None = None


@attrs.frozen
class LeaveGroup:
    """A client asks to be taken out of a group."""

    group: str
    ack_id: int | None = None


@attrs.frozen
class SendToGroup:
    """A client publishes to a group."""

    group: str
    payload: Payload
    no_echo: bool = False
    ttl_seconds: int = 0
    metadata: Mapping[str, str] | None = None
    ack_id: int | None = None


@attrs.frozen
class Event:
    """A client sends something to the application's event handler."""

    name: str
    payload: Payload
    metadata: Mapping[str, str] | None = None
    ack_id: int | None = None


@attrs.frozen
class Ping:
    """A client asks for a sign of life."""


@attrs.frozen
class SequenceAck:
    """A client tells how far it has received; only reliable subprotocols make use of it."""

    sequence_id: int


@attrs.frozen
class Invoke:
    """A client asks the application's event handler for a response of its own."""

    invocation_id: str
    name: str
    payload: Payload
    metadata: Mapping[str, str] | None = None


@attrs.frozen
class CancelInvocation:
    """A client does not wait for the response any more."""

    invocation_id: str


@attrs.frozen
class StartStream:
    """A client begins to publish a stream to a group."""

    group: str
    stream_id: str
    idle_seconds: float = 300.0
    metadata: Mapping[str, str] | None = None


@attrs.frozen
class StreamData:
    """The next piece of a stream; without a payload it only shows that the publisher is still there."""

    stream_id: str
    sequence_id: int = 0
    payload: Payload | None = None


@attrs.frozen
class StreamEnd:
    """A client ends its stream, well or not."""

    stream_id: str
    failure: Failure | None = None
    user_error_code: str | None = None


@attrs.frozen
class SetGroupState:
    """A client says something about itself in a group; without a state it takes that back."""

    group: str
    state: Mapping[str, str] | None = None
    ack_id: int | None = None


@attrs.frozen
class SubscribeGroupState:
    """A client wants to hear what the connections of a group say about themselves."""

    group: str
    ack_id: int | None = None


@attrs.frozen
class UnsubscribeGroupState:
    """A client does not want to hear that any more."""

    group: str
    ack_id: int | None = None


GroupRequest: TypeAlias = (
    JoinGroup | LeaveGroup | SendToGroup | SetGroupState | SubscribeGroupState | UnsubscribeGroupState
)
StreamRequest: TypeAlias = StartStream | StreamData | StreamEnd

ClientMessage: TypeAlias = (
    JoinGroup
    | LeaveGroup
    | SendToGroup
    | Event
    | Ping
    | SequenceAck
    | Invoke
    | CancelInvocation
    | StartStream
    | StreamData
    | StreamEnd
    | SetGroupState
    | SubscribeGroupState
    | UnsubscribeGroupState
)


@attrs.frozen
class Connected:
    """The greeting."""

    connection_id: str
    user_id: str | None
    reconnection_token: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Disconnected:
    """The service is about to close."""

    reason: str


@attrs.frozen
class Pong:
    """The response to a ping."""


@attrs.frozen
class Ack:
    """Whether a request succeeded; without an `ack_id` the client did not ask to know."""

    ack_id: int | None
    failure: Failure | None = None


@attrs.frozen
class InvokeResponse:
    """What the application responded to an invocation."""

    invocation_id: str
    payload: Payload | None = None
    failure: Failure | None = None


@attrs.frozen
class StreamAck:
    """Everything before this number of a stream has been taken."""

    stream_id: str
    expected: int


@attrs.frozen
class StreamNack:
    """A piece of a stream has not been taken, and which one is expected."""

    stream_id: str
    expected: int
    failure: Failure


@attrs.frozen
class StreamClosed:
    """A stream is closed; without a failure as its publisher wanted it."""

    stream_id: str
    failure: Failure | None = None


ServerMessage: TypeAlias = (
    Message | Connected | Disconnected | Pong | Ack | InvokeResponse | StreamAck | StreamNack | StreamClosed
)


class CloseCode:
    """The close codes of the WebSocket protocol (RFC 6455 section 7.4.1).

    The last two are never sent: they stand for a close frame without a code, and for no close frame.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    TOO_LARGE = 1009
    INTERNAL_ERROR = 1011
    NO_CODE = 1005
    ABNORMAL = 1006


@attrs.frozen(slots=False)
class Send:
    """A frame for one client.

    Attributes:
        expires_at: Until when it may be sent, in seconds of the emulator's clock; None is as long as it takes.
        is_ack: Whether it is one of those that a client may overlook if they come at once.
        is_message: Whether it brings the client something that somebody has sent, which is what the service bills.
    """

    frame: Frame
    expires_at: float | None = None
    is_ack: bool = False
    is_message: bool = attrs.field(default=False, eq=False)

    @cached_property
    def wire(self) -> bytes:
        """The whole WebSocket frame, which is the same for every client that gets this."""
        if isinstance(self.frame, str):
            return write_frame(Opcode.TEXT, self.frame.encode())
        return write_frame(Opcode.BINARY, self.frame)

    @cached_property
    def size(self) -> int:
        """How many bytes the frame has, without its WebSocket header."""
        frame = self.frame
        return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode())


@attrs.frozen
class Close:
    """The end of one client's connection, after everything that was sent before it."""

    code: int
    reason: str = ""


Outgoing: TypeAlias = Send | Close


class ProtocolError(Exception):
    """A frame that the subprotocol does not allow; the connection is closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
