"""The session of an MQTT client: it outlives its network connections, for 30 seconds at most. Inputs in, effects out.

`mqtt_handshake` reads the CONNECT and finds or makes the session; from there on everything of the client comes here.
"""

from collections import deque
from collections.abc import Iterable

import attrs

from .._hub.hub import Connection, Hub
from .._hub.messages import Close, CloseCode, Frame, Message, Send
from .._hub.names import is_event
from .._hub.permissions import Permission
from .._hub.upstream import (
    CallUpstream,
    ConnectedEvent,
    DisconnectedEvent,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttDisconnect,
    Reply,
    UpstreamEvent,
    UserEvent,
)
from . import mqtt_messages as messages
from .mqtt_outbound import Outbound, with_time_left
from .mqtt_packets import (
    V5,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PacketError,
    PacketReader,
    PingReq,
    PingResp,
    Properties,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    ReasonCode,
    SubAck,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
    encode,
)
from .session import Effect, WakeAt

__all__ = [
    "LARGEST_PACKET",
    "LONGEST_KEEP_ALIVE",
    "LONGEST_SESSION",
    "RECEIVE_MAXIMUM",
    "Arrival",
    "MqttConnection",
    "MqttSession",
]

LARGEST_PACKET = 1024 * 1024
"""How many bytes a packet of a client may have."""

LONGEST_SESSION = 30.0
"""How many seconds a session waits for another network connection."""

LONGEST_KEEP_ALIVE = 180
"""How many seconds may be between two packets of a client."""

RECEIVE_MAXIMUM = 1000
"""How many messages of quality of service 2 a client may have under way."""

_LONGEST_REASON = 1024
_ON_EVERY_CONNECTION = Properties(
    receive_maximum=RECEIVE_MAXIMUM,
    maximum_packet_size=LARGEST_PACKET,
    retain_available=0,
    wildcard_subscription_available=0,
    shared_subscription_available=0,
)
_CLOSE_CODES = {
    ReasonCode.MALFORMED_PACKET: CloseCode.INVALID_PAYLOAD,
    ReasonCode.SESSION_TAKEN_OVER: CloseCode.NORMAL,
    ReasonCode.ADMINISTRATIVE_ACTION: CloseCode.NORMAL,
}


@attrs.define(eq=False)
class MqttConnection(Connection):
    """The connection of an MQTT client, by whose id its session is found again."""

    session: "MqttSession" = attrs.field(init=False, repr=False)


@attrs.frozen
class Arrival:
    """A network connection of a session.

    Attributes:
        connect: What the client has said, with the client id that it was given.
        assigned: Whether it was given one.
        keep_alive: How many seconds may be between two of its packets.
        reader: What has come after the CONNECT already, and takes what comes next.
        connection_id: An id of its own.
        user_properties: What the application wants the client to be told.
    """

    connect: Connect
    assigned: bool
    keep_alive: int
    reader: PacketReader
    connection_id: str
    user_properties: tuple[tuple[str, str], ...] = ()

    @property
    def session_seconds(self) -> float:
        """How long the session waits for another network connection after this one."""
        if self.connect.version == V5:
            return min(self.connect.properties.session_expiry_interval or 0, LONGEST_SESSION)
        return 0.0 if self.connect.clean_start else LONGEST_SESSION

    def greeting(self, *, session_present: bool) -> ConnAck:
        """Tell the client what holds, where that is not what it asked for."""
        asked = self.connect.properties.session_expiry_interval or 0
        properties = attrs.evolve(
            _ON_EVERY_CONNECTION,
            session_expiry_interval=int(self.session_seconds) if asked > self.session_seconds else None,
            assigned_client_identifier=self.connect.client_id if self.assigned else None,
            server_keep_alive=self.keep_alive if self.keep_alive != self.connect.keep_alive else None,
            user_properties=self.user_properties,
        )
        return ConnAck(session_present, properties=properties)


@attrs.frozen
class _Subscribed:
    qos: int
    no_local: bool = False
    identifiers: tuple[int, ...] = ()


_BY_THE_SERVICE = _Subscribed(0)
"""The options of a subscription that the client has not asked for: its token or the application has."""

_NOT_NEEDED = _Subscribed(2)
"""The options of what comes without a subscription."""


_NO_GOODBYE = MqttDisconnect(initiated_by_client=False)
"""How a connection ended of which nobody took leave, or takes it yet."""


class MqttSession:
    """One client's conversation with its hub."""

    def __init__(self, hub: Hub, connection: MqttConnection, arrival: Arrival) -> None:
        self.connection = connection
        self.ended = False
        connection.session = self
        self._hub = hub
        self._arrival = arrival
        self._online = False
        self._session_seconds = 0.0
        self._heard_at = 0.0
        self._alarm_at: float | None = None
        self._ends_at: float | None = None
        self._will: Will | None = None
        self._will_at: float | None = None
        self._subscriptions: dict[str, _Subscribed] = {}
        self._outbound = Outbound()
        self._unreleased: set[int] = set()
        self._events: deque[tuple[str, Publish]] = deque()
        self._current: tuple[int, str, Publish] | None = None
        self._last_call = 0
        self._end: DisconnectedEvent | None = None
        self._parting = ReasonCode.ADMINISTRATIVE_ACTION, _NO_GOODBYE

    @property
    def unacknowledged(self) -> int:
        """How many messages are under way or wait for their turn."""
        return len(self._outbound)

    # Network connections

    @property
    def is_kept(self) -> bool:
        """Whether the session goes on when its network connection does not."""
        return self._session_seconds > 0

    def opened(self, now: float) -> list[Effect]:
        """Begin a new session."""
        self._hub.add(self.connection)
        greeting = self._arrive(now, session_present=False)
        return [*greeting, self._call(ConnectedEvent()), *self._read(b"", now)]

    def resumed(self, now: float) -> list[Effect]:
        """Go on after another CONNECT, repeating what the client may not have got."""
        greeting = self._arrive(now, session_present=True)
        again = [effect for packet in self._outbound.again() for effect in self._send(packet)]
        return [*greeting, *again, *self._flush(now), *self._read(b"", now)]

    def arriving(self, arrival: Arrival, now: float) -> list[Send | Close]:
        """Take another network connection, which `resumed` begins, and take leave of the one that there still is."""
        farewell: list[Send | Close] = []
        if self._online:
            farewell = self._farewell(ReasonCode.SESSION_TAKEN_OVER, "Another client has connected with the same id.")
            self._depart(now)
        self._arrival = arrival
        self.connection.physical_connection_id = arrival.connection_id
        return farewell

    def displaced(self) -> None:
        """Note that a client with the same id wants a session of its own, before this one is closed."""
        self._parting = ReasonCode.SESSION_TAKEN_OVER, self._parting[1]

    def frame_received(self, frame: Frame, now: float) -> list[Effect]:
        """Do what the packets in a frame ask for; a frame may end in the middle of one."""
        if not self._online:
            return []
        self._heard_at = now
        if isinstance(frame, str):
            return self._drop(ReasonCode.PROTOCOL_ERROR, "MQTT needs binary frames.", now, CloseCode.UNSUPPORTED_DATA)
        return self._read(frame, now)

    def socket_lost(self, code: int, now: float) -> list[Effect]:  # noqa: ARG002
        """Wait for another network connection if the client wants that; its will is done if it said no goodbye."""
        return self._leave("", _NO_GOODBYE, now) if self._online else []

    def time_passed(self, now: float) -> list[Effect]:
        """Drop a client that is silent, do its will, or end."""
        effects: list[Effect] = []
        if self._alarm_at is not None and now >= self._alarm_at:
            self._alarm_at = None
        if self._online and now >= self._silent_at:
            effects += self._drop(ReasonCode.KEEP_ALIVE_TIMEOUT, "The client has been silent for too long.", now)
        if self._will_at is not None and now >= self._will_at:
            self._do_will(now)
        if self._ends_at is not None and now >= self._ends_at:
            effects += self._finish("The session has expired.", self._parting[1], now)
        return [*effects, *self._alarm()]

    def closed(self, reason: str, now: float) -> list[Effect]:
        """End on behalf of the application, or of another client with the same id."""
        code = self._parting[0]
        farewell = self._farewell(code, reason) if self._online else []
        told = self._goodbye(code) if self._online else self._parting[1]
        self._online = False
        return [*farewell, *self._finish(reason, told, now)]

    def going_away(self, now: float) -> list[Effect]:
        """Tell the client that the server stops; the session is kept as after any other loss."""
        if not self._online:
            return []
        return self._drop(ReasonCode.SERVER_SHUTTING_DOWN, "The server is shutting down.", now, CloseCode.GOING_AWAY)

    # Messages for the client

    def delivered(self, message: Message, now: float) -> Iterable[Effect]:
        """Pass a message on, in the quality of service that the client wants of its topic."""
        if message.is_only_an_end:
            return ()
        packet = messages.packet_of(message)
        subscribed = self._subscriptions.get(packet.topic, _BY_THE_SERVICE if message.group else _NOT_NEEDED)
        if min(packet.qos, subscribed.qos) == 0 and not subscribed.identifiers and message.expires_at is None:
            return self._pass_on_alike(message, packet)
        return self._pass_on(packet, subscribed, message.expires_at, now)

    def _pass_on_alike(self, message: Message, packet: Publish) -> Iterable[Effect]:
        """Send what all clients of this version get alike, and what is therefore written once."""
        if not self._online:
            return ()
        version = self._arrival.connect.version
        send = message.encoded.get((Publish, version))
        if not isinstance(send, Send):
            send = Send(encode(attrs.evolve(packet, qos=0), version), is_message=True)
            message.encoded[Publish, version] = send
        return (send,) if self._takes(len(send.frame)) else ()

    def _pass_on(
        self, packet: Publish, subscribed: _Subscribed, expires_at: float | None, now: float
    ) -> Iterable[Effect]:
        qos = min(packet.qos, subscribed.qos)
        if qos == 0:
            if not self._online:
                return ()
            packet = with_time_left(attrs.evolve(packet, qos=0), expires_at, now)
            return self._send(_identified(packet, subscribed), expires_at)
        if not self._outbound.add(_identified(attrs.evolve(packet, qos=qos), subscribed), expires_at):
            return self._overflow(now)
        return self._flush(now) if self._online else ()

    def _overflow(self, now: float) -> list[Effect]:
        reason = "The client has left too many messages unacknowledged."
        farewell = self._farewell(ReasonCode.QUOTA_EXCEEDED, reason) if self._online else []
        told = self._goodbye(ReasonCode.QUOTA_EXCEEDED) if self._online else self._parting[1]
        self._online = False
        return [*farewell, *self._finish(reason, told, now)]

    def _flush(self, now: float) -> list[Effect]:
        return [effect for packet in self._outbound.due(now) for effect in self._send(packet)]

    def _send(self, packet: Packet, expires_at: float | None = None) -> list[Effect]:
        """Write a packet. One that is larger than the client takes is as good as sent, says the standard."""
        data = encode(packet, self._arrival.connect.version)
        if not self._takes(len(data)):
            if isinstance(packet, Publish) and packet.packet_id is not None:
                self._outbound.finished(packet.packet_id)
            return []
        return [Send(data, expires_at, is_message=isinstance(packet, Publish))]

    def _takes(self, size: int) -> bool:
        largest = self._arrival.connect.properties.maximum_packet_size
        return largest is None or size <= largest

    # Packets of the client

    def _read(self, data: bytes, now: float) -> list[Effect]:
        effects: list[Effect] = []
        try:
            for packet in self._arrival.reader.feed(data):
                effects += self._receive(packet, now)
                if not self._online:
                    break
        except PacketError as error:
            effects += self._drop(error.code, error.reason, now)
        return effects

    def _receive(self, packet: Packet, now: float) -> list[Effect]:
        match packet:
            case Publish():
                return self._receive_publish(packet, now)
            case PubAck(packet_id) | PubComp(packet_id):
                self._outbound.finished(packet_id)
                return self._flush(now)
            case PubRec(packet_id, code):
                return self._receive_pubrec(packet_id, code, now)
            case PubRel(packet_id):
                known = packet_id in self._unreleased
                self._unreleased.discard(packet_id)
                return self._send(PubComp(packet_id, _found(known)))
            case Subscribe():
                return self._subscribe(packet)
            case Unsubscribe(packet_id, topic_filters):
                codes = tuple(self._unsubscribe(topic_filter) for topic_filter in topic_filters)
                return self._send(UnsubAck(packet_id, codes))
            case PingReq():
                return self._send(PingResp())
            case Disconnect():
                return self._receive_disconnect(packet, now)
            case _:
                raise PacketError(ReasonCode.PROTOCOL_ERROR, "A client must not send this packet now.")

    def _receive_publish(self, packet: Publish, now: float) -> list[Effect]:
        if packet.retain:
            raise PacketError(ReasonCode.RETAIN_NOT_SUPPORTED, "Messages cannot be retained.")
        if packet.properties.topic_alias is not None:
            raise PacketError(ReasonCode.TOPIC_ALIAS_INVALID, "Topic aliases are not supported.")
        if packet.properties.subscription_identifiers:
            raise PacketError(ReasonCode.PROTOCOL_ERROR, "A client must not send subscription identifiers.")
        if packet.qos == 2 and packet.packet_id in self._unreleased:
            return self._send(PubRec(packet.packet_id))
        if packet.qos == 2 and len(self._unreleased) >= RECEIVE_MAXIMUM:
            raise PacketError(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "Too many messages are under way.")
        code, effects = self._take(packet, now)
        if packet.packet_id is None:
            return effects
        if code.value >= ReasonCode.UNSPECIFIED_ERROR and self._arrival.connect.version != V5:
            raise PacketError(code, "The client must not publish this message.")
        if packet.qos == 1:
            return [*self._send(PubAck(packet.packet_id, code)), *effects]
        if code.value < ReasonCode.UNSPECIFIED_ERROR:
            self._unreleased.add(packet.packet_id)
        return [*self._send(PubRec(packet.packet_id, code)), *effects]

    def _take(self, packet: Publish, now: float) -> tuple[ReasonCode, list[Effect]]:
        """Carry out what a message is for: an event for the application, or something for a group."""
        refusal = messages.payload_refusal(packet.payload, packet.properties)
        if refusal is not None:
            return refusal, []
        event = messages.event_name(packet.topic)
        if event is not None and is_event(event):
            self._events.append((event, packet))
            return ReasonCode.SUCCESS, self._next_event()
        if not messages.is_topic(packet.topic):
            return ReasonCode.TOPIC_NAME_INVALID, []
        if not self.connection.permissions.allows(Permission.SEND_TO_GROUP, packet.topic):
            return ReasonCode.NOT_AUTHORIZED, []
        found = self._publish(packet, now)
        return ReasonCode.SUCCESS if found else ReasonCode.NO_MATCHING_SUBSCRIBERS, []

    def _publish(self, packet: Publish, now: float) -> bool:
        targets = self._hub.group(packet.topic)
        if self._subscriptions.get(packet.topic, _BY_THE_SERVICE).no_local:
            targets = [connection for connection in targets if connection is not self.connection]
        self._hub.publish(targets, messages.message_of(packet, self.connection.user_id, now))
        return bool(targets)

    def _receive_pubrec(self, packet_id: int, code: ReasonCode, now: float) -> list[Effect]:
        if code.value >= ReasonCode.UNSPECIFIED_ERROR:
            self._outbound.finished(packet_id)
            return self._flush(now)
        return self._send(PubRel(packet_id, _found(self._outbound.received(packet_id))))

    def _receive_disconnect(self, packet: Disconnect, now: float) -> list[Effect]:
        expiry = packet.properties.session_expiry_interval
        if expiry is not None:
            if expiry and not self._arrival.connect.properties.session_expiry_interval:
                raise PacketError(ReasonCode.PROTOCOL_ERROR, "A session that was not to be kept cannot be kept.")
            self._session_seconds = min(expiry, LONGEST_SESSION)
        if packet.code is ReasonCode.SUCCESS:
            self._will = None
        told = MqttDisconnect(True, packet.code, packet.properties.user_properties)
        return [Close(CloseCode.NORMAL), *self._leave(packet.properties.reason_string or "", told, now)]

    # Subscriptions

    def _subscribe(self, packet: Subscribe) -> list[Effect]:
        identifiers = packet.properties.subscription_identifiers
        codes = tuple(self._subscribe_to(subscription, identifiers) for subscription in packet.subscriptions)
        return self._send(SubAck(packet.packet_id, codes))

    def _subscribe_to(self, asked: Subscription, identifiers: tuple[int, ...]) -> ReasonCode:
        topic = asked.topic_filter
        refusal = messages.filter_refusal(topic)
        if refusal is not None:
            return refusal
        if not messages.is_for_client_only(topic):
            if not self.connection.permissions.allows(Permission.JOIN_LEAVE_GROUP, topic):
                return ReasonCode.NOT_AUTHORIZED
            self._hub.join(self.connection, topic)
        self._subscriptions[topic] = _Subscribed(asked.qos, asked.no_local, identifiers)
        return ReasonCode(asked.qos)

    def _unsubscribe(self, topic: str) -> ReasonCode:
        if topic not in self._subscriptions and topic not in self.connection.groups:
            return ReasonCode.NO_SUBSCRIPTION_EXISTED
        if not messages.is_for_client_only(topic):
            if not self.connection.permissions.allows(Permission.JOIN_LEAVE_GROUP, topic):
                return ReasonCode.NOT_AUTHORIZED
            self._hub.leave(self.connection, topic)
        self._subscriptions.pop(topic, None)
        return ReasonCode.SUCCESS

    # Events

    def membership_changed(self, event: GroupJoinedEvent | GroupLeftEvent, now: float) -> list[Effect]:  # noqa: ARG002
        """Have the application told."""
        return [self._call(event)]

    def upstream_replied(self, call_id: int, reply: Reply, now: float) -> list[Effect]:
        """Pass the response on, and go on to the next event."""
        if self._current is None or self._current[0] != call_id:
            return []
        (_, event, request), self._current = self._current, None
        return [*self._respond(event, request, reply, now), *self._next_event()]

    def _next_event(self) -> list[Effect]:
        if self._current is None and self._events:
            event, packet = self._events.popleft()
            told = packet.properties
            call = self._call(
                UserEvent(
                    event,
                    messages.payload_of(packet),
                    mqtt_properties=told.user_properties,
                    content_type=told.content_type,
                )
            )
            self._current = call.call_id, event, packet
            return [call]
        if self._end is not None and self._current is None:
            end, self._end = self._end, None
            return [self._call(end)]
        return []

    def _respond(self, event: str, request: Publish, reply: Reply, now: float) -> Iterable[Effect]:
        if self.ended:
            return ()
        response = messages.response_of(event, request, reply)
        return self._pass_on(response, self._subscriptions.get(response.topic, _NOT_NEEDED), None, now)

    def _call(self, event: UpstreamEvent) -> CallUpstream:
        self._last_call += 1
        return CallUpstream(self._last_call, event)

    # Beginnings and ends

    def _arrive(self, now: float, *, session_present: bool) -> list[Effect]:
        arrival = self._arrival
        self._online = True
        self._heard_at = now
        self._session_seconds = arrival.session_seconds
        self._ends_at = self._will_at = None
        self._will = arrival.connect.will
        self._parting = ReasonCode.ADMINISTRATIVE_ACTION, _NO_GOODBYE
        self._outbound.receive_maximum = arrival.connect.properties.receive_maximum or 65_535
        return [*self._send(arrival.greeting(session_present=session_present)), *self._alarm()]

    def _alarm(self) -> list[Effect]:
        """Ask to be woken at the next time that matters, unless that has been asked for: one alarm is enough."""
        silent_at = self._silent_at if self._online else None
        times = [time for time in (silent_at, self._will_at, self._ends_at) if time is not None]
        if not times or (self._alarm_at is not None and self._alarm_at <= min(times)):
            return []
        self._alarm_at = min(times)
        return [WakeAt(self._alarm_at)]

    @property
    def _silent_at(self) -> float:
        """When the client will have been silent for too long."""
        return self._heard_at + 1.5 * self._arrival.keep_alive

    def _farewell(self, code: ReasonCode, reason: str, close_code: int | None = None) -> list[Send | Close]:
        """Tell the client why it is dropped, which only one of version 5.0 can be told."""
        close = Close(close_code or _CLOSE_CODES.get(code, CloseCode.POLICY_VIOLATION), reason)
        if self._arrival.connect.version != V5:
            return [close]
        packet = Disconnect(code, Properties(reason_string=reason[:_LONGEST_REASON]))
        return [Send(encode(packet, V5)), close]

    def _drop(self, code: ReasonCode, reason: str, now: float, close_code: int | None = None) -> list[Effect]:
        return [*self._farewell(code, reason, close_code), *self._leave(reason, self._goodbye(code), now)]

    def _goodbye(self, code: ReasonCode) -> MqttDisconnect:
        """Say what the application hears of a farewell; one of version 3.1.1 is no packet."""
        return MqttDisconnect(False, code) if self._arrival.connect.version == V5 else _NO_GOODBYE

    def _leave(self, reason: str, told: MqttDisconnect, now: float) -> list[Effect]:
        """Go on without a network connection, or end."""
        self._depart(now)
        self._parting = ReasonCode.ADMINISTRATIVE_ACTION, told
        if self._session_seconds == 0:
            return self._finish(reason, told, now)
        self._ends_at = now + self._session_seconds
        return self._alarm()

    def _depart(self, now: float) -> None:
        self._online = False
        delay = 0 if self._will is None else self._will.properties.will_delay_interval or 0
        if delay:
            self._will_at = now + delay
        else:
            self._do_will(now)

    def _do_will(self, now: float) -> None:
        will, self._will, self._will_at = self._will, None, None
        if will is not None and self.connection.permissions.allows(Permission.SEND_TO_GROUP, will.topic):
            self._publish(messages.published(will), now)

    def _finish(self, reason: str, told: MqttDisconnect, now: float) -> list[Effect]:
        """End for good; the application hears of it after the last event."""
        if self.ended:
            return []
        self.ended = True
        self._ends_at = None
        self._hub.remove(self.connection)
        self._do_will(now)
        self._end = DisconnectedEvent(reason, told)
        return self._next_event()


def _identified(packet: Publish, subscribed: _Subscribed) -> Publish:
    if not subscribed.identifiers:
        return packet
    return attrs.evolve(
        packet, properties=attrs.evolve(packet.properties, subscription_identifiers=subscribed.identifiers)
    )


def _found(known: bool) -> ReasonCode:
    return ReasonCode.SUCCESS if known else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
