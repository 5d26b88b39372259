"""What MQTT clients do once they are in: subscribe, publish in each quality of service, send events, come back."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.support.mqtt_in_memory import KEPT, MqttClient, Time, ann, back, bob, client, published
from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.mqtt_outbound import LONGEST_OUTBOUND, Outbound
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    V5,
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
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
    encode,
)
from webpubsub.emulator._hub.messages import DataType, Message, Payload
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    DisconnectedEvent,
    EventReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttDisconnect,
)

__all__ = ["ann", "bob"]


@pytest.fixture
def service() -> Service:
    return Service()


# Subscriptions


@pytest.mark.parametrize("version", [V3, V5])
def test_subscribing_is_joining_a_group(service: Service, version: int) -> None:
    """For JSON clients and REST it is a group like any other, until the client unsubscribes."""
    ann = client(service, version=version)

    assert ann.subscribe("g", "h", qos=2) == [2, 2]
    assert [connection.connection_id for connection in service.hub().group("g")] == ["ann"]
    (answer,) = ann.send(Unsubscribe(5, ("g", "x")))
    assert answer == UnsubAck(5, (ReasonCode.SUCCESS, ReasonCode.NO_SUBSCRIPTION_EXISTED) if version == V5 else ())
    assert ann.session.connection.groups == {"h"}
    joined = [GroupJoinedEvent("g"), GroupJoinedEvent("h"), GroupLeftEvent("g")]
    assert [call.event for call in ann.holder.calls[1:] if isinstance(call, CallUpstream)] == joined


FILTERS: list[tuple[str, ReasonCode]] = [
    ("a/+", ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
    ("#", ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
    ("$share/s/g", ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
    ("", ReasonCode.TOPIC_FILTER_INVALID),
    (" ", ReasonCode.TOPIC_FILTER_INVALID),
    ("g" * 1025, ReasonCode.TOPIC_FILTER_INVALID),
    ("$webpubsub/server/events/e", ReasonCode.TOPIC_FILTER_INVALID),
    ("$webpubsub/other", ReasonCode.TOPIC_FILTER_INVALID),
    ("secret", ReasonCode.NOT_AUTHORIZED),
    ("$webpubsub/server/messages", ReasonCode.GRANTED_QOS_1),
    ("$webpubsub/server/events/e/succeeded", ReasonCode.GRANTED_QOS_1),
    ("$webpubsub/server/events/e/failed", ReasonCode.GRANTED_QOS_1),
    ("open", ReasonCode.GRANTED_QOS_1),
    ("a/b", ReasonCode.GRANTED_QOS_1),
]


@pytest.mark.parametrize(("topic_filter", "code"), FILTERS)
def test_not_everything_can_be_subscribed_to(service: Service, topic_filter: str, code: ReasonCode) -> None:
    """Neither wildcards nor shares; groups need a role, what is meant for this client alone does not."""
    roles = ["webpubsub.joinLeaveGroup.open", "webpubsub.joinLeaveGroups.a/*"]
    ann, old = client(service, roles=roles), client(service, "old", version=V3, roles=roles)

    assert ann.subscribe(topic_filter, qos=1) == [code]
    assert old.subscribe(topic_filter, qos=1) == [min(code, 0x80)]


def test_leaving_needs_the_role_for_joining(service: Service) -> None:
    """The token can put a client into a group that it cannot leave."""
    ann = client(service, roles=[], groups=["g"])

    assert ann.send(Unsubscribe(5, ("g",))) == [UnsubAck(5, (ReasonCode.NOT_AUTHORIZED,))]
    assert ann.session.connection.groups == {"g"}


def test_subscribing_again_changes_the_options(ann: MqttClient, bob: MqttClient) -> None:
    """The latest quality of service and identifier count; the message comes once."""
    ann.subscribe("g", qos=2, identifier=1)
    ann.subscribe("g", qos=0, identifier=2)

    bob.send(Publish("g", b"x", 1, packet_id=1))

    (message,) = ann.received()
    assert isinstance(message, Publish)
    assert (message.qos, message.properties.subscription_identifiers) == (0, (2,))


# Publishing


@pytest.mark.parametrize("wanted", [0, 1, 2])
@pytest.mark.parametrize("sent", [0, 1, 2])
@pytest.mark.parametrize("version", [V3, V5])
def test_a_message_comes_in_the_lower_quality_of_service(
    service: Service, version: int, sent: int, wanted: int
) -> None:
    """Of that in which it was published and that in which it was subscribed to, each with its handshake."""
    sender, receiver = client(service, version=version), client(service, "bob", version=version)
    receiver.subscribe("g", qos=wanted)

    answers = sender.send(Publish("g", b"x", sent, packet_id=7 if sent else None))
    if sent == 1:
        assert answers == [PubAck(7)]
    if sent == 2:
        assert answers == [PubRec(7)]
        assert sender.send(PubRel(7)) == [PubComp(7)]

    lower = min(sent, wanted)
    (message,) = receiver.received()
    assert message == Publish("g", b"x", lower, packet_id=1 if lower else None)
    if lower == 1:
        assert receiver.send(PubAck(1)) == []
    if lower == 2:
        assert receiver.send(PubRec(1)) == [PubRel(1)]
        assert receiver.send(PubComp(1)) == []


def test_a_message_of_quality_2_is_published_once(ann: MqttClient, bob: MqttClient, service: Service) -> None:
    """However often it is sent before it is released, also by a client that comes back."""
    bob.subscribe("g")
    message = Publish("g", b"x", 2, packet_id=7)

    assert ann.send(message, evolve(message, dup=True)) == [PubRec(7), PubRec(7)]
    ann.lose()
    again = back(service, ann)
    assert again.send(evolve(message, dup=True), PubRel(7)) == [PubRec(7), PubComp(7)]
    assert again.send(PubRel(7)) == [PubComp(7, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]
    assert published(bob.received()) == [("g", b"x", 0)]
    assert again.send(message) == [PubRec(7)]
    assert published(bob.received()) == [("g", b"x", 0)]


OUTCOMES: list[tuple[Publish, ReasonCode]] = [
    (Publish("nobody", b"x"), ReasonCode.NO_MATCHING_SUBSCRIBERS),
    (Publish("secret", b"x"), ReasonCode.NOT_AUTHORIZED),
    (Publish(" ", b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (Publish("g" * 1025, b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (Publish("$webpubsub/server/messages", b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (Publish("$webpubsub/server/events/", b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (Publish("$webpubsub/server/events/1", b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (Publish("$webpubsub/server/events/a/b", b"x"), ReasonCode.TOPIC_NAME_INVALID),
    (
        Publish("nobody", b"\xff", properties=Properties(payload_format_indicator=1)),
        ReasonCode.PAYLOAD_FORMAT_INVALID,
    ),
]


@pytest.mark.parametrize(("message", "code"), OUTCOMES)
def test_a_sender_is_told_what_became_of_its_message(service: Service, message: Publish, code: ReasonCode) -> None:
    """In the acknowledgement of 5.0. One of 3.1.1 cannot say no, so the connection ends; quality 0 has none."""
    roles = ["webpubsub.sendToGroup.nobody"]
    ann = client(service, roles=roles)

    assert ann.send(evolve(message, qos=1, packet_id=3)) == [PubAck(3, code)]
    assert ann.send(evolve(message, qos=2, packet_id=3)) == [PubRec(3, code)]
    assert ann.send(evolve(message, qos=0)) == []
    if message.properties == Properties():
        old = client(service, "old", version=V3, roles=roles)
        answer = old.send(evolve(message, qos=1, packet_id=3))
        assert (answer == [PubAck(3)]) == (code < 0x80)
        assert (old.closed is None) == (code < 0x80)


def test_a_refused_message_of_quality_2_needs_no_release(service: Service) -> None:
    """Its identifier is free again."""
    ann = client(service, roles=[])

    ann.send(Publish("g", b"x", 2, packet_id=3))

    assert ann.send(PubRel(3)) == [PubComp(3, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]


def test_mqtt_clients_get_what_an_mqtt_client_said(ann: MqttClient, bob: MqttClient) -> None:
    """All that belongs to the message, and nothing that belonged to the way it came."""
    said = Properties(
        payload_format_indicator=1,
        content_type="text/csv",
        response_topic="r",
        correlation_data=b"c",
        user_properties=(("k", "v"), ("k", "ü"), ("not a token", "x")),
    )
    bob.subscribe("g", qos=1, identifier=268_435_455)

    ann.send(Publish("g", b"1,2", 1, packet_id=9, properties=said))

    expected = evolve(said, subscription_identifiers=(268_435_455,))
    assert bob.received() == [Publish("g", b"1,2", 1, packet_id=1, properties=expected)]


def test_a_client_can_do_without_its_own_messages(ann: MqttClient, bob: MqttClient) -> None:
    """As it subscribes; otherwise it hears itself."""
    ann.subscribe(Subscription("quiet", no_local=True))
    ann.subscribe("loud")
    bob.subscribe("quiet")

    assert published(ann.send(Publish("quiet", b"x"), Publish("loud", b"y"))) == [("loud", b"y", 0)]
    assert published(bob.received()) == [("quiet", b"x", 0)]


VIOLATIONS: list[tuple[Packet, ReasonCode]] = [
    (Publish("g", b"", retain=True), ReasonCode.RETAIN_NOT_SUPPORTED),
    (Publish("g", b"", properties=Properties(topic_alias=1)), ReasonCode.TOPIC_ALIAS_INVALID),
    (Publish("g", b"", properties=Properties(subscription_identifiers=(1,))), ReasonCode.PROTOCOL_ERROR),
    (Connect("ann"), ReasonCode.PROTOCOL_ERROR),
    (ConnAck(False), ReasonCode.PROTOCOL_ERROR),
    (SubAck(1, (ReasonCode.SUCCESS,)), ReasonCode.PROTOCOL_ERROR),
    (UnsubAck(1, (ReasonCode.SUCCESS,)), ReasonCode.PROTOCOL_ERROR),
    (PingResp(), ReasonCode.PROTOCOL_ERROR),
    (Auth(), ReasonCode.PROTOCOL_ERROR),
]


@pytest.mark.parametrize(("packet", "code"), VIOLATIONS)
def test_a_client_that_breaks_the_rules_is_told_and_dropped(ann: MqttClient, packet: Packet, code: ReasonCode) -> None:
    """The session waits, as after any loss."""
    (farewell,) = ann.send(packet)

    assert isinstance(farewell, Disconnect)
    assert farewell.code == code
    assert farewell.properties.reason_string
    assert ann.closed is not None
    assert not ann.session.ended


@pytest.mark.parametrize(("data", "code"), [(b"\x00\x00", 1007), ("text", 1003)])
def test_what_is_no_packet_ends_the_network_connection(ann: MqttClient, data: bytes | str, code: int) -> None:
    """Packets before it are done."""
    ann.send_bytes(encode(Subscribe(1, (Subscription("g"),)), V5) + data if isinstance(data, bytes) else data)

    assert ann.closed is not None
    assert ann.closed.code == code
    assert ann.session.connection.groups == ({"g"} if isinstance(data, bytes) else set())


def test_a_client_of_version_3_is_dropped_without_a_word(service: Service) -> None:
    """It knows no DISCONNECT from a server."""
    ann = client(service, version=V3)

    assert ann.send(Publish("g", b"", retain=True)) == []
    assert ann.closed is not None


def test_a_client_may_have_so_many_messages_under_way(ann: MqttClient) -> None:
    """The receive maximum that the CONNACK told."""
    for packet_id in range(1, 1001):
        assert ann.send(Publish("g", b"", 2, packet_id=packet_id)) == [
            PubRec(packet_id, ReasonCode.NO_MATCHING_SUBSCRIBERS)
        ]

    (farewell,) = ann.send(Publish("g", b"", 2, packet_id=1001))

    assert isinstance(farewell, Disconnect)
    assert farewell.code == ReasonCode.RECEIVE_MAXIMUM_EXCEEDED


# Flow control, coming back, expiry


def test_no_more_is_under_way_than_the_client_takes(service: Service) -> None:
    """The next message goes out when one has been acknowledged; those of quality 0 do not count."""
    ann = client(service, properties=Properties(receive_maximum=2))
    bob = client(service, "bob")
    ann.subscribe("g", qos=2)
    for number, qos in enumerate((1, 2, 1, 0, 1)):
        bob.send(Publish("g", str(number).encode(), qos, packet_id=1 if qos else None), PubRel(1))

    assert published(ann.received()) == [("g", b"0", 1), ("g", b"1", 2), ("g", b"3", 0)]
    assert published(ann.send(PubAck(1))) == [("g", b"2", 1)]
    assert ann.send(PubRec(2)) == [PubRel(2)]
    assert published(ann.send(PubComp(2))) == [("g", b"4", 1)]


def test_a_receiver_may_refuse_a_message_of_quality_2(service: Service) -> None:
    """Then there is nothing to release, and room for the next one."""
    ann = client(service, properties=Properties(receive_maximum=1))
    ann.subscribe("g", qos=2)
    ann.send(Publish("g", b"x", 2, packet_id=1), Publish("g", b"y", 2, packet_id=2))

    assert published(ann.send(PubRec(1, ReasonCode.QUOTA_EXCEEDED))) == [("g", b"y", 2)]


def test_releasing_what_is_not_there_is_answered(ann: MqttClient) -> None:
    """A client may have forgotten less than the service."""
    assert ann.send(PubRec(9)) == [PubRel(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]
    assert ann.send(PubAck(9), PubComp(9)) == []


@pytest.mark.parametrize("version", [V3, V5])
def test_what_a_client_may_not_have_got_comes_again(service: Service, version: int) -> None:
    """In order, marked as duplicates, each from where its handshake was; what came meanwhile follows."""
    options: dict[str, Any] = {
        "version": version,
        "clean_start": False,
        "properties": KEPT if version == V5 else Properties(),
    }
    ann, bob = client(service, **options), client(service, "bob")
    ann.subscribe("g", qos=2)
    for number, qos in enumerate((1, 2, 2)):
        bob.send(Publish("g", str(number).encode(), qos, packet_id=number + 1))
    ann.received()
    ann.send(PubRec(2))
    ann.lose()
    bob.send(Publish("g", b"lost"), Publish("g", b"kept", 1, packet_id=9))

    again = client(service, "ann", **options, time=ann.time)

    assert again.received() == [
        Publish("g", b"0", 1, dup=True, packet_id=1),
        PubRel(2),
        Publish("g", b"2", 2, dup=True, packet_id=3),
        Publish("g", b"kept", 1, packet_id=4),
    ]


def test_an_identifier_is_not_used_twice_at_a_time() -> None:
    """They begin anew behind the last one, over those that are taken."""
    outbound = Outbound()
    used = []
    for number in range(65_536):
        outbound.add(Publish("g", b"", 1), None)
        (packet,) = outbound.due(0)
        assert packet.packet_id is not None
        used.append(packet.packet_id)
        if number:
            outbound.finished(packet.packet_id)

    assert used == [*range(1, 65_536), 2]


def test_a_client_that_acknowledges_nothing_is_given_up(ann: MqttClient, bob: MqttClient, service: Service) -> None:
    """After 1000 messages, with or without a network connection; the session is gone."""
    ann.subscribe("g", qos=1)
    ann.lose()
    for _ in range(LONGEST_OUTBOUND):
        bob.send(Publish("g", b"x", 1, packet_id=1))
    assert not ann.session.ended

    assert bob.send(Publish("g", b"x", 1, packet_id=1)) == [PubAck(1)]

    assert service.hub().connection("ann") is None
    assert isinstance(ann.holder.calls[-1], CallUpstream)
    assert isinstance(ann.holder.calls[-1].event, DisconnectedEvent)
    assert bob.send(Publish("g", b"x", 1, packet_id=1)) == [PubAck(1, ReasonCode.NO_MATCHING_SUBSCRIBERS)]


def test_an_online_client_is_told_that_it_is_given_up(ann: MqttClient, bob: MqttClient) -> None:
    """So are its bytes bounded: 16 MiB."""
    ann.subscribe("g", qos=1)
    for _ in range(17):
        bob.send(Publish("g", bytes(1_000_000), 1, packet_id=1))

    farewell = ann.received()[-1]
    assert isinstance(farewell, Disconnect)
    assert farewell.code == ReasonCode.QUOTA_EXCEEDED
    assert ann.session.ended


def test_acknowledging_makes_room(ann: MqttClient, bob: MqttClient) -> None:
    """A client that keeps up is never given up."""
    ann.subscribe("g", qos=1)
    for _ in range(20):
        bob.send(Publish("g", bytes(1_000_000), 1, packet_id=1))
        (message,) = ann.received()
        assert isinstance(message, Publish)
        ann.send(PubAck(message.packet_id or 0))

    assert not ann.session.ended


def test_a_message_that_expires_is_not_begun_with(ann: MqttClient, bob: MqttClient, service: Service) -> None:
    """And one that does not is told how much time is left."""
    ann.subscribe("g", qos=1)
    ann.lose()
    for seconds in (5, 20):
        properties = Properties(message_expiry_interval=seconds)
        bob.send(Publish("g", str(seconds).encode(), 1, packet_id=1, properties=properties))
    ann.wait(7.5)

    again = back(service, ann)

    (message,) = again.received()
    assert isinstance(message, Publish)
    assert (message.payload, message.properties.message_expiry_interval) == (b"20", 13)


def test_a_client_gets_no_larger_packet_than_it_takes(service: Service, bob: MqttClient) -> None:
    """The message is as good as sent, and leaves room for the next one."""
    ann = client(service, properties=Properties(maximum_packet_size=100, receive_maximum=1))
    ann.subscribe("g", qos=1)

    for size in (92, 93):
        bob.send(Publish("g", bytes(size), 1, packet_id=1))
    assert published(ann.received()) == [("g", bytes(92), 1)]
    assert ann.send(PubAck(1)) == []
    bob.send(Publish("g", b"next", 1, packet_id=1))

    assert published(ann.received()) == [("g", b"next", 1)]


def test_what_is_too_large_is_too_large_in_quality_0(service: Service, bob: MqttClient) -> None:
    """Other clients of the same message get it."""
    small, large = client(service, properties=Properties(maximum_packet_size=100)), client(service, "large")
    for receiver in (large, small):
        receiver.subscribe("g")

    bob.send(Publish("g", bytes(200)), Publish("g", b"x"))

    assert published(small.received()) == [("g", b"x", 0)]
    assert published(large.received()) == [("g", bytes(200), 0), ("g", b"x", 0)]


def test_clients_of_both_versions_get_the_same_message(service: Service, bob: MqttClient) -> None:
    """Each in its own form, however many there are."""
    old, new = client(service, "old", version=V3), client(service, "new")
    for receiver in (old, new):
        receiver.subscribe("g")
    told = Properties(content_type="text/plain")

    bob.send(Publish("g", b"x", properties=told))

    assert old.received() == [Publish("g", b"x")]
    assert new.received() == [Publish("g", b"x", properties=told)]


def test_what_is_gone_is_gone_once(service: Service) -> None:
    """Closing a session that has ended has no effect, nor have messages of quality 0 for one that waits."""
    ann = client(service, properties=KEPT)
    ann.subscribe("g", identifier=1)
    ann.lose()
    ann.holder.deliver(Message(Payload(DataType.TEXT, "late"), "g"))
    calls = list(ann.holder.calls)
    for _ in range(2):
        ann.holder.close("enough")

    ends = [call.event for call in ann.holder.calls[len(calls) :] if isinstance(call, CallUpstream)]
    assert [type(event) for event in ends] == [GroupLeftEvent, DisconnectedEvent]


def test_what_comes_from_the_server_can_be_left_without_a_role(service: Service) -> None:
    """It is no group; whoever leaves it gets its messages as before."""
    ann = client(service, roles=())
    ann.subscribe("$webpubsub/server/messages", qos=1)

    assert ann.send(Unsubscribe(2, ("$webpubsub/server/messages",))) == [UnsubAck(2, (ReasonCode.SUCCESS,))]


def test_what_is_too_large_with_an_identifier_is_too_large(service: Service) -> None:
    """A client that takes small packets gets small ones only, also in quality 0."""
    ann = client(service, properties=Properties(maximum_packet_size=60))
    ann.subscribe("g", identifier=1)
    for text in ("x" * 60, "y"):
        ann.holder.deliver(Message(Payload(DataType.TEXT, text), "g"))

    assert [payload for _, payload, _ in published(ann.received())] == [b"y"]


def test_the_application_hears_of_the_end_after_the_last_event(service: Service) -> None:
    """Whose response goes nowhere."""
    ann = client(service)
    ann.send(Publish("$webpubsub/server/events/a", b""), Publish("$webpubsub/server/events/b", b""))
    ann.lose()

    assert ann.reply(EventReply()) == []
    assert [event.name for event in ann.events] == ["a", "b"]
    assert ann.reply(EventReply()) == []
    assert ann.holder.calls[-1] == CallUpstream(4, DisconnectedEvent("", MqttDisconnect(initiated_by_client=False)))


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_no_bytes_harm_a_session(frames: list[bytes]) -> None:
    """Whatever comes, the client is answered or dropped, and another one is not disturbed."""
    service = Service()
    hostile, other = client(service, "hostile", time=Time()), client(service, "other", time=Time())
    other.subscribe("g")

    for frame in frames:
        hostile.send_bytes(frame)

    assert published(other.send(Publish("g", b"x"))) == [("g", b"x", 0)]
