"""MQTT clients of the emulator without sockets: packets in, packets out, and the time is a number."""

from collections.abc import Iterable
from typing import Any, TypeVar

import pytest
from attrs import define, field

from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.mqtt_handshake import MqttHandshake
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    V5,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PacketReader,
    Properties,
    Publish,
    SubAck,
    Subscribe,
    Subscription,
    encode,
)
from webpubsub.emulator._clients.session import Effect, HandOver, Session, WakeAt
from webpubsub.emulator._hub.hub import Connection
from webpubsub.emulator._hub.messages import Close, CloseCode, Message, Send
from webpubsub.emulator._hub.permissions import Permissions
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    CancelUpstream,
    ConnectReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    Reply,
    UserEvent,
)

WELCOME = ConnectReply()
KEPT = Properties(session_expiry_interval=30)
EVERYTHING = ("webpubsub.sendToGroup", "webpubsub.joinLeaveGroup")

P = TypeVar("P", bound=Packet)


@define
class Time:
    """The time of a test."""

    now: float = 1000.0


@define(eq=False)
class Network:
    """One network connection, as the client sees it."""

    version: int
    received: list[Packet] = field(factory=list)
    closed: Close | None = None
    _reader: PacketReader = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = PacketReader(2**28, self.version)

    def take(self, effect: Send | Close) -> None:
        """Take what the service sends."""
        assert self.closed is None, f"{effect} came after the end"
        if isinstance(effect, Close):
            self.closed = effect
        else:
            assert isinstance(effect.frame, bytes)
            self.received += self._reader.feed(effect.frame)


class Holder:
    """What the server is to a session: performs its effects, with a network connection or without one."""

    def __init__(self, session: Session, time: Time, network: Network | None, reply: Reply | None) -> None:
        self.session = session
        self.time = time
        self.network = network
        self.calls: list[CallUpstream | CancelUpstream] = []
        self.alarms: list[float] = []
        self.heir: Holder | None = None
        self._reply = reply
        session.connection.receiver = self

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks for."""
        for effect in effects:
            match effect:
                case Send() | Close():
                    if self.network is not None:
                        self.network.take(effect)
                case CallUpstream(call_id, event):
                    self.calls.append(effect)
                    if isinstance(event, MqttConnect) and self._reply is not None:
                        self.perform(self.session.upstream_replied(call_id, self._reply, self.time.now))
                case CancelUpstream():
                    self.calls.append(effect)
                case WakeAt(time):
                    self.alarms.append(time)
                case HandOver():
                    self._hand_over(effect)

    def _hand_over(self, effect: HandOver) -> None:
        session = effect.session
        if not effect.resumes:
            self.heir = Holder(session, self.time, self.network, None)
            self.heir.perform(session.opened(self.time.now))
            return
        holder = session.connection.receiver
        assert isinstance(holder, Holder)
        if holder.network is not None:
            for said in effect.farewell:
                holder.network.take(said)
        self.heir, holder.network = holder, self.network
        holder.perform(session.resumed(self.time.now))

    def deliver(self, message: Message) -> None:
        """Pass a message of the hub's on."""
        self.perform(self.session.delivered(message, self.time.now))

    def joined(self, group: str) -> None:
        """Pass on that the connection came into a group."""
        self.perform(self.session.membership_changed(GroupJoinedEvent(group), self.time.now))

    def left(self, group: str) -> None:
        """Pass on that the connection came out of a group."""
        self.perform(self.session.membership_changed(GroupLeftEvent(group), self.time.now))

    def close(self, reason: str) -> None:
        """Be closed by the application."""
        self.perform(self.session.closed(reason, self.time.now))


class MqttClient:
    """A client with one network connection.

    Attributes:
        connack: What came first.
    """

    def __init__(
        self,
        service: Service,
        connect: Connect | None,
        *,
        time: Time | None = None,
        roles: Iterable[str] = EVERYTHING,
        user_id: str | None = None,
        groups: Iterable[str] = (),
        reply: Reply | None = WELCOME,
        more: Iterable[Packet] = (),
    ) -> None:
        self.version = V3 if connect is None else connect.version
        self.time = time or Time()
        self.network = Network(self.version)
        connection = Connection(
            connection_id="net-1",
            hub_name="chat",
            user_id=user_id,
            protocol="mqtt",
            permissions=Permissions(roles),
            groups=set(groups),
        )
        self.first = Holder(MqttHandshake(service.hubs.open("chat"), connection), self.time, self.network, reply)
        self.first.perform(self.first.session.opened(self.time.now))
        if connect is not None:
            self.first.perform(self.session.frame_received(self._written(connect, *more), self.time.now))
        self.connack = self.network.received.pop(0) if self.network.received else None

    @property
    def holder(self) -> Holder:
        """Whoever holds its session now."""
        return self.first.heir or self.first

    @property
    def return_code(self) -> int:
        """The code of its CONNACK, as version 3.1.1 writes it."""
        assert isinstance(self.connack, ConnAck)
        return encode(self.connack, V3)[3]

    @property
    def session(self) -> Session:
        """Its session."""
        return self.holder.session

    @property
    def closed(self) -> Close | None:
        """How its network connection was ended by the service, if it was."""
        return self.network.closed

    @property
    def events(self) -> list[UserEvent]:
        """The events that it has sent."""
        calls = (call.event for call in self.holder.calls if isinstance(call, CallUpstream))
        return [event for event in calls if isinstance(event, UserEvent)]

    def send(self, *packets: Packet) -> list[Packet]:
        """Send packets in one frame, and return what comes back."""
        return self.send_bytes(self._written(*packets))

    def _written(self, *packets: Packet) -> bytes:
        return b"".join(encode(packet, self.version) for packet in packets)

    def send_bytes(self, data: bytes | str) -> list[Packet]:
        """Send a frame, and return what comes back."""
        self.holder.perform(self.session.frame_received(data, self.time.now))
        return self.received()

    def received(self) -> list[Packet]:
        """Return what has come since the last time."""
        packets, self.network.received = self.network.received, []
        return packets

    def lose(self, code: int = CloseCode.ABNORMAL) -> None:
        """Lose the network connection."""
        self.holder.network = None
        self.holder.perform(self.session.socket_lost(code, self.time.now))

    def subscribe(self, *subscriptions: str | Subscription, qos: int = 0, identifier: int | None = None) -> list[int]:
        """Subscribe, and return the codes."""
        asked = tuple(Subscription(item, qos) if isinstance(item, str) else item for item in subscriptions)
        properties = Properties(subscription_identifiers=() if identifier is None else (identifier,))
        (answer,) = self.send(Subscribe(1, asked, properties))
        assert isinstance(answer, SubAck)
        return list(answer.codes)

    def reply(self, reply: Reply) -> list[Packet]:
        """Let the application reply to the last event, and return what comes of it."""
        call = next(call for call in reversed(self.holder.calls) if isinstance(call, CallUpstream))
        self.holder.perform(self.session.upstream_replied(call.call_id, reply, self.time.now))
        return self.received()

    def wait(self, seconds: float) -> list[Packet]:
        """Let time pass, alarm by alarm, and return what comes meanwhile."""
        end = self.time.now + seconds
        holder = self.holder
        while (due := min(holder.alarms, default=end + 1)) <= end:
            holder.alarms.remove(due)
            self.time.now = max(due, self.time.now)
            holder.perform(holder.session.time_passed(self.time.now))
        self.time.now = end
        return self.received()


class Client(MqttClient):
    """A client that has not sent its CONNECT."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, None)


def client(service: Service, client_id: str = "ann", *, version: int = V5, **options: Any) -> MqttClient:
    """Let a client in; options are those of the CONNECT packet or of `MqttClient`."""
    packet = {"clean_start", "keep_alive", "will", "username", "password", "properties"}
    connect = {name: options.pop(name) for name in packet & options.keys()}
    connect.setdefault("keep_alive", 60)
    return MqttClient(service, Connect(client_id, version, **connect), **options)


def published(packets: Iterable[Packet]) -> list[tuple[str, bytes, int]]:
    """Pick the messages: topic, payload and quality of service."""
    return [(packet.topic, packet.payload, packet.qos) for packet in packets if isinstance(packet, Publish)]


@pytest.fixture
def ann(service: Service) -> MqttClient:
    """A client of 5.0 that may do everything and whose session is kept."""
    return client(service, properties=KEPT)


@pytest.fixture
def bob(service: Service, ann: MqttClient) -> MqttClient:
    """Another one."""
    return client(service, "bob", properties=KEPT, time=ann.time)


def back(service: Service, gone: MqttClient, properties: Properties = KEPT) -> MqttClient:
    """Let a client come back to its session."""
    client_id = gone.session.connection.connection_id
    return client(service, client_id, version=gone.version, properties=properties, clean_start=False, time=gone.time)


__all__ = [
    "EVERYTHING",
    "KEPT",
    "Client",
    "ConnAck",
    "Disconnect",
    "MqttClient",
    "Time",
    "ann",
    "back",
    "bob",
    "client",
    "published",
]
