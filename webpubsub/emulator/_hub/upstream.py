"""What the application's event handlers are told, and what they reply: the seam between sessions and `_upstream`.

Sessions ask for calls and never see HTTP; `_upstream` makes requests of calls and replies of responses, and never sees
a frame; the server performs what sessions ask for. The contract:

* `connect` comes between admission and upgrade. The server has it called and applies the `ConnectReply` to the
  admission; a `ConnectRefused` is the response to the client's request, and the client never becomes a connection.
  For MQTT it comes after the CONNECT packet: the session asks for it with `CallUpstream(0, MqttConnect(...))`, and both
  replies go to the session.
* A session asks for a call with `CallUpstream`. `call_id` counts up from 1 within a connection; 0 is `connect`.
* A user event is followed by exactly one `upstream_replied(call_id, reply)`, unless the session cancels it with
  `CancelUpstream`; then the reply, if one comes nevertheless, is ignored. A session has one user event under way at a
  time; those that come meanwhile wait in it. The message of a reply goes out before the acknowledgement.
* Everything else is a notice: `connected`, `disconnected`, joined, left. Nothing is replied to one, and a failure is
  logged. Whoever performs the calls of a connection starts them in the order in which they were asked for.
* A simple client that leaves cancels its call. Every other client's calls go on without it, also while it is detached,
  and `disconnected` comes after the last of them.
* The state that a reply sets is kept with the calls of the connection; a call sends what is there when it starts.
* Nothing here blocks: deliveries, recovery and expiry go on while a call is under way.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs

from .messages import Payload

__all__ = [
    "CallUpstream",
    "CancelUpstream",
    "ConnectEvent",
    "ConnectRefused",
    "ConnectReply",
    "ConnectedEvent",
    "DisconnectedEvent",
    "EventFailed",
    "EventReply",
    "GroupJoinedEvent",
    "GroupLeftEvent",
    "MqttConnect",
    "MqttDisconnect",
    "MqttRefusal",
    "MqttResponse",
    "Reply",
    "UpstreamEvent",
    "UserEvent",
]


@attrs.frozen
class MqttConnect:
    """What an MQTT CONNECT packet says beyond the rest."""

    protocol_version: int
    clean_start: bool
    username: str | None = None
    password: bytes | None = None
    user_properties: Sequence[tuple[str, str]] = ()


@attrs.frozen
class MqttDisconnect:
    """How an MQTT connection ended: who did it, and with which packet, if there was one."""

    initiated_by_client: bool
    code: int | None = None
    user_properties: Sequence[tuple[str, str]] = ()


@attrs.frozen
class MqttRefusal:
    """What a handler wants the CONNACK of a client to say that may not connect.

    Attributes:
        code: A reason code or, for version 3.1.1, a return code; it may be none that there is.
    """

    code: int | None = None
    reason: str | None = None
    user_properties: Sequence[tuple[str, str]] = ()


@attrs.frozen
class ConnectEvent:
    """A client wants to connect.

    Attributes:
        claims: What its token says, every value as strings.
        query: The parameters of its URL, without the token.
        headers: The headers of its request, without the token.
        subprotocols: What it offers, in its order.
        mqtt: What its CONNECT packet says, if it speaks MQTT.
    """

    claims: Mapping[str, Sequence[str]]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, Sequence[str]]
    subprotocols: Sequence[str]
    mqtt: MqttConnect | None = None


@attrs.frozen
class ConnectReply:
    """A client may connect; what is None stays as the token has it.

    Attributes:
        groups: Instead of those of the token, if there is at least one.
        roles: Instead of those of the token; none at all takes every role away.
        subprotocol: Which one to speak; a name that is not known makes a simple client.
        state: The connection's state for the next calls.
        mqtt_properties: User properties of the CONNACK.
    """

    user_id: str | None = None
    groups: Sequence[str] | None = None
    roles: Sequence[str] | None = None
    subprotocol: str | None = None
    state: str | None = None
    mqtt_properties: Sequence[tuple[str, str]] = ()


@attrs.frozen
class ConnectRefused:
    """A client may not connect: the response that it gets.

    Attributes:
        mqtt: What the response says to a client that speaks MQTT, if anything.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    mqtt: MqttRefusal | None = None


@attrs.frozen
class ConnectedEvent:
    """A client has connected."""


@attrs.frozen
class DisconnectedEvent:
    """A client is gone for good."""

    reason: str
    mqtt: MqttDisconnect | None = None


@attrs.frozen
class UserEvent:
    """A client has sent something to the application.

    Attributes:
        mqtt_properties: User properties of the message, if the client speaks MQTT.
        content_type: What the client calls its payload in words of its own; None for what the payload's type says.
    """

    name: str
    payload: Payload
    metadata: Mapping[str, str] | None = None
    mqtt_properties: Sequence[tuple[str, str]] = ()
    content_type: str | None = None


@attrs.frozen
class GroupJoinedEvent:
    """A client is in a group now."""

    group: str


@attrs.frozen
class GroupLeftEvent:
    """A client is not in a group any more."""

    group: str


UpstreamEvent: TypeAlias = ConnectedEvent | DisconnectedEvent | UserEvent | GroupJoinedEvent | GroupLeftEvent


@attrs.frozen
class CallUpstream:
    """Tell the application about an event, or ask it about an MQTT client that has sent its CONNECT."""

    call_id: int
    event: UpstreamEvent | MqttConnect


@attrs.frozen
class CancelUpstream:
    """Nobody waits for the reply to this call any more."""

    call_id: int


@attrs.frozen
class EventReply:
    """The application has taken a user event.

    Attributes:
        payload: A message for the client, if there is one.
        metadata: What goes with it; with metadata and no payload the message is an empty text.
    """

    payload: Payload | None = None
    metadata: Mapping[str, str] | None = None


@attrs.frozen
class EventFailed:
    """Nobody has taken a user event: no handler, a handler that failed, or a reply that is not acceptable.

    Attributes:
        status: What the handler responded with; None without a response.
    """

    status: int | None = None


@attrs.frozen
class MqttResponse:
    """What a handler responded to an event of an MQTT client, which gets all of it, be it success or not."""

    status: int
    content_type: str | None = None
    body: bytes = b""
    user_properties: Sequence[tuple[str, str]] = ()


Reply: TypeAlias = EventReply | EventFailed | MqttResponse | ConnectReply | ConnectRefused
