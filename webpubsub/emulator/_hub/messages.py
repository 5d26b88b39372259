"""What travels between a client and the service, whatever the subprotocol writes it as.

Plain values only: the `_protocol_*` modules turn them into frames and back, `_session` says what they cause.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Protocol, TypeAlias

import attrs

__all__ = [
    "AckError",
    "ClientMessage",
    "Close",
    "CloseCode",
    "DataType",
    "Event",
    "Frame",
    "JoinGroup",
    "LeaveGroup",
    "Message",
    "Outgoing",
    "Payload",
    "Ping",
    "ProtocolError",
    "Send",
    "SendToGroup",
    "SequenceAck",
    "Subprotocol",
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
class Message:
    """What a client receives: from a group when there is one, otherwise from the server."""

    payload: Payload
    group: str | None = None
    from_user_id: str | None = None
    metadata: Mapping[str, str] | None = None


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


ClientMessage: TypeAlias = JoinGroup | LeaveGroup | SendToGroup | Event | Ping | SequenceAck


class AckError(Enum):
    """Why a request of a client failed: the name in the acknowledgement, and its message."""

    FORBIDDEN = ("Forbidden", "The client does not have permission for this group.")
    INTERNAL_SERVER_ERROR = ("InternalServerError", "Internal server error")
    DUPLICATE = ("Duplicate", "Message with ack-id: {ack_id} has been processed")


class CloseCode:
    """The close codes of the WebSocket protocol that the service uses (RFC 6455 section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    INTERNAL_ERROR = 1011


@attrs.frozen
class Send:
    """A frame for one client; `ttl_seconds` 0 means that it waits as long as it must."""

    frame: Frame
    ttl_seconds: int = 0
    is_ack: bool = False


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


class Subprotocol(Protocol):
    """How one kind of client writes messages. A method answers None where that client is told nothing."""

    @property
    def name(self) -> str | None:
        """The WebSocket subprotocol as negotiated; None for a simple client."""
        ...

    def decode(self, frame: Frame) -> ClientMessage:
        """Read a frame of the client, or raise `ProtocolError`."""
        ...

    def message(self, message: Message) -> Frame:
        """Write a message for the client."""
        ...

    def connected(self, connection_id: str, user_id: str | None) -> Frame | None:
        """Write the greeting."""
        ...

    def disconnected(self, reason: str) -> Frame | None:
        """Write why the service is about to close."""
        ...

    def pong(self) -> Frame | None:
        """Write the answer to a ping."""
        ...

    def outcome(self, ack_id: int | None, error: AckError | None) -> Outgoing | None:
        """Write whether a request succeeded."""
        ...
