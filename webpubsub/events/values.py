"""The events that the service sends, as frozen values. Nothing here reads or writes HTTP.

Header names are matched without regard to case on the way in, so the names in `request_headers` and `metadata` are
lower case.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from . import bodies

__all__ = [
    "AnyEvent",
    "ClientCertificate",
    "ConnectEvent",
    "ConnectedEvent",
    "DisconnectedEvent",
    "Event",
    "GroupJoinedEvent",
    "GroupLeftEvent",
    "MqttConnect",
    "MqttDisconnect",
    "Preflight",
    "UnknownEvent",
    "UserEvent",
    "UserProperties",
]

DataT = TypeVar("DataT")
T = TypeVar("T")

UserProperties: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values that an MQTT 5.0 packet carries, in order; a name may come more than once."""


@frozen(kw_only=True)
class Event:
    """What every event tells about the connection that it is about.

    Example:
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_connected
        ... def connected(event: Event):
        ...     print(event.hub, event.connection_id, event.user_id, event.time)

    Attributes:
        event_type: The type as CloudEvents have it, such as `azure.webpubsub.user.message`.
        hub: The hub of the connection. The service may write it in another case than you do.
        connection_id: The connection; for MQTT, the client id.
        event_name: The event without its prefix, such as `connect` or `message`.
        user_id: The user, or None for an anonymous connection.
        subprotocol: The subprotocol of the connection, when it is known; `mqtt` for MQTT clients.
        state: What the last reply with a state left at the connection, as it was sent; see `state_as`.
        id: The number of the event within its connection. 0 is the `connect` event.
        source: The path of the connection at the service.
        time: When the service made the event.
        request_id: What identifies the request; the same when the service repeats it.
        origin: The host of the service that sends the event.
        metadata: What the sender of a user event, or an earlier reply, attached; names are lower case.
        physical_connection_id: For MQTT, what identifies the network connection.
        session_id: For MQTT, what identifies the session; not known at `connect`.
        request_headers: Every header of the request, names in lower case, signature and cookies included.
    """

    event_type: str
    hub: str
    connection_id: str
    event_name: str
    user_id: str | None = None
    subprotocol: str | None = None
    state: str | None = field(default=None, repr=False)
    id: str | None = None
    source: str | None = None
    time: datetime | None = None
    request_id: str | None = None
    origin: str | None = None
    metadata: Mapping[str, str] = field(factory=dict)
    physical_connection_id: str | None = None
    session_id: str | None = None
    request_headers: Mapping[str, str] = field(factory=dict, repr=False)

    def state_as(self, kind: type[T]) -> T | None:
        """Read the state that an earlier reply left at the connection.

        Args:
            kind: What to make of it: `str` for a state that was given as a str; otherwise the type that was given,
                such as a dataclass, a model of pydantic or msgspec, or `dict`.

        Returns:
            None when the connection has no state.

        Raises:
            ValueError: The state is not of that kind. It may stem from an older version of your application.
        """
        return None if self.state is None else bodies.decode_state(self.state, kind)


@frozen(kw_only=True)
class ClientCertificate:
    """A certificate that the client identified itself with.

    Example:
        >>> ClientCertificate(thumbprint="3ce9b08a", content="-----BEGIN CERTIFICATE-----...").thumbprint
        '3ce9b08a'

    Attributes:
        thumbprint: The SHA-1 hash, in hexadecimal digits.
        content: The certificate as PEM.
    """

    thumbprint: str
    content: str = field(repr=False)


@frozen(kw_only=True)
class MqttConnect:
    """What the CONNECT packet of an MQTT client says.

    Example:
        >>> MqttConnect(protocol_version=5, username="ann", password=b"secret")
        MqttConnect(protocol_version=5, clean_start=None, username='ann', user_properties=())

    Attributes:
        protocol_version: 4 for MQTT 3.1.1, 5 for MQTT 5.0.
        clean_start: Whether the client wants a new session, when the service tells.
        username: The user name in the packet.
        password: The password in the packet.
        user_properties: The user properties; only MQTT 5.0 has them.
    """

    protocol_version: int
    clean_start: bool | None = None
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    user_properties: UserProperties = ()


@frozen(kw_only=True)
class MqttDisconnect:
    """How the last network connection of an MQTT session ended.

    Example:
        >>> MqttDisconnect(initiated_by_client=True, code=0).code
        0

    Attributes:
        initiated_by_client: Whether the client sent a DISCONNECT packet.
        code: The reason code of that packet, of whichever side; None when there was no such packet. 0 for MQTT 3.1.1.
        user_properties: The user properties of the client's packet.
    """

    initiated_by_client: bool
    code: int | None = None
    user_properties: UserProperties = ()


@frozen(kw_only=True)
class ConnectEvent(Event):
    """A client wants to connect, and waits for the reply.

    Reply with `accept(...)`, `reject(...)` or None, which accepts the client with what its token says.

    Example:
        >>> from webpubsub.events import EventHandler, accept, reject
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_connect
        ... def connect(event):
        ...     if event.query.get("room") != ("lobby",):
        ...         return reject(403, "There is no such room.")
        ...     return accept(groups=["lobby"])

    Attributes:
        claims: The claims of the client's token; each may have several values.
        query: The parameters of the client's URL, without its token.
        headers: The headers of the client's request, as it wrote them.
        subprotocols: The subprotocols that the client offers, in its order.
        client_certificates: The certificates that the client identified itself with.
        mqtt: What an MQTT client says of itself; None for others.
    """

    claims: Mapping[str, tuple[str, ...]] = field(factory=dict)
    query: Mapping[str, tuple[str, ...]] = field(factory=dict)
    headers: Mapping[str, tuple[str, ...]] = field(factory=dict, repr=False)
    subprotocols: tuple[str, ...] = ()
    client_certificates: tuple[ClientCertificate, ...] = ()
    mqtt: MqttConnect | None = None


@frozen(kw_only=True)
class ConnectedEvent(Event):
    """A client has connected.

    The service does not wait for the handler.

    Example:
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_connected
        ... def connected(event):
        ...     print(event.user_id, "is here")
    """


@frozen(kw_only=True)
class DisconnectedEvent(Event):
    """A connection has ended.

    The service does not wait for the handler.

    Example:
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_disconnected
        ... def disconnected(event):
        ...     print(event.user_id, "is gone:", event.reason)

    Attributes:
        reason: Why, in words; may be empty.
        mqtt: How an MQTT session ended; None for others.
    """

    reason: str = ""
    mqtt: MqttDisconnect | None = None


@frozen(kw_only=True)
class UserEvent(Event, Generic[DataT]):
    """A client has sent something to the server, and waits for the reply.

    Reply with a value (what `reply` takes), with `reply(...)`, with `reject(...)`, or with None for no message back.
    A handler that says what it wants, as in `UserEvent[Order]`, gets the data as that type; data that does not fit is
    refused with 400 before the handler is called.

    Example:
        >>> from dataclasses import dataclass
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @dataclass
        ... class Order:
        ...     number: int
        >>> @handler.on_event("order")
        ... def order(event: UserEvent[Order]) -> dict[str, int]:
        ...     return {"ordered": event.data.number}

    Attributes:
        data: The payload: a str for text, any JSON value for JSON, bytes for everything else; or what the handler's
            annotation asks for.
        content_type: The media type of the payload in lower case, without parameters.
        body: The payload as it came.
        user_properties: The user properties of an MQTT 5.0 message; names are lower case.
    """

    data: DataT
    content_type: str
    body: bytes = field(default=b"", repr=False)
    user_properties: UserProperties = ()

    def data_as(self, kind: type[T]) -> T:
        """Read the payload as a type.

        The annotation of a handler does the same.

        Args:
            kind: A dataclass, a class of attrs, a model of pydantic or msgspec, a protobuf message, `bytes` for the
                payload as it came, or any type of the JSON world, such as `list[int]`.

        Raises:
            EventError: The payload is not of that type; its `status` is 400.
        """
        return bodies.decode(self.body, self.content_type, kind)


@frozen(kw_only=True)
class GroupJoinedEvent(Event):
    """A connection has joined a group.

    The service does not wait for the handler.

    Example:
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_joined
        ... def joined(event):
        ...     print(event.user_id, "joined", event.group)

    Attributes:
        group: The group.
    """

    group: str


@frozen(kw_only=True)
class GroupLeftEvent(Event):
    """A connection has left a group.

    The service does not wait for the handler.

    Example:
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_left
        ... def left(event):
        ...     print(event.user_id, "left", event.group)

    Attributes:
        group: The group.
    """

    group: str


@frozen(kw_only=True)
class UnknownEvent(Event):
    """An event of a type that this package does not know.

    Handlers respond to it with 204.

    Example:
        >>> kind = "azure.webpubsub.sys.paused"
        >>> UnknownEvent(event_type=kind, hub="chat", connection_id="c1", event_name="paused").body
        b''

    Attributes:
        body: The body as it came.
    """

    body: bytes = field(default=b"", repr=False)


@frozen(kw_only=True)
class Preflight:
    """The service asks whether this URL wants its events.

    CloudEvents call this abuse protection.

    Example:
        >>> from webpubsub.events import make_response
        >>> make_response(Preflight(allowed_origins=("example.webpubsub.azure.com",))).headers
        [('WebHook-Allowed-Origin', 'example.webpubsub.azure.com')]

    Attributes:
        allowed_origins: Those of the origins asked for that are allowed: one at least.
    """

    allowed_origins: tuple[str, ...]


AnyEvent: TypeAlias = (
    ConnectEvent
    | ConnectedEvent
    | DisconnectedEvent
    | UserEvent[Any]
    | GroupJoinedEvent
    | GroupLeftEvent
    | UnknownEvent
)
"""Every event that a request can carry."""
