"""What goes between MQTT clients and others: REST, clients of other protocols, the application and its events."""

import json

import pytest
from attrs import evolve

from tests.support.mqtt_in_memory import MqttClient, ann, back, bob, client, published
from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.mqtt_messages import response_of
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    Properties,
    PubAck,
    Publish,
    PubRec,
    ReasonCode,
)
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    ConnectReply,
    EventFailed,
    EventReply,
    MqttResponse,
    Reply,
    UserEvent,
)

VERSION = "api-version=2024-12-01"

__all__ = ["ann", "bob"]


@pytest.fixture
def service() -> Service:
    return Service()


def test_rest_reaches_mqtt_clients(service: Service, ann: MqttClient) -> None:
    """A group by its topic, all others by a topic of the server's, in quality of service 1 at best."""
    ann.subscribe("g", qos=2)
    service.call("POST", f"chat/groups/g/:send?{VERSION}", "gü".encode(), content_type="text/plain")
    service.call("POST", f"chat/:send?{VERSION}", b'{"a": 1}', content_type="application/json")
    service.call("POST", f"chat/connections/ann/:send?{VERSION}", b"\xff", content_type="application/octet-stream")

    server = "$webpubsub/server/messages"
    assert ann.received() == [
        Publish("g", "gü".encode(), 1, packet_id=1, properties=Properties(content_type="text/plain")),
        Publish(server, b'{"a": 1}', 1, packet_id=2, properties=Properties(content_type="application/json")),
        Publish(server, b"\xff", 1, packet_id=3, properties=Properties(content_type="application/octet-stream")),
    ]


def test_subscribing_to_what_comes_from_the_server_sets_its_quality_of_service(
    service: Service, ann: MqttClient
) -> None:
    """Which sets its quality of service, and an identifier."""
    ann.subscribe("$webpubsub/server/messages", qos=0, identifier=5)

    service.call("POST", f"chat/:send?{VERSION}", b"x", content_type="text/plain")

    (message,) = ann.received()
    assert isinstance(message, Publish)
    assert (message.qos, message.properties.subscription_identifiers) == (0, (5,))


def test_metadata_becomes_user_properties_and_back(service: Service, ann: MqttClient) -> None:
    """User properties that cannot be metadata do not leave MQTT."""
    json_client = service.connect(None, "g", roles=("webpubsub.sendToGroup",))
    ann.subscribe("g")

    json_client.send(type="sendToGroup", group="g", data="x", metadata={"k": "v"}, noEcho=True)
    (message,) = ann.received()
    ann.send(Publish("g", b"x", properties=Properties(user_properties=(("k", "v"), ("no token", "x"), ("l", "ü")))))

    assert isinstance(message, Publish)
    assert message.properties.user_properties == (("k", "v"),)
    assert json.loads(json_client.frames[-1])["metadata"] == {"k": "v"}


CROSSING: list[tuple[Properties, bytes, str, str | bytes]] = [
    (Properties(content_type="application/json"), b'{"a" : 1}', '"dataType":"json","data":{"a" : 1}', '{"a" : 1}'),
    (Properties(content_type="Application/JSON; charset=utf-8"), b"1", '"dataType":"json","data":1', "1"),
    (Properties(content_type="application/json"), b"{", '"dataType":"binary","data":"ew=="', b"{"),
    (Properties(content_type="text/plain"), b"hi", '"dataType":"text","data":"hi"', "hi"),
    (Properties(content_type="text/plain"), b"\xff", '"dataType":"binary","data":"/w=="', b"\xff"),
    (Properties(payload_format_indicator=1), b"hi", '"dataType":"text","data":"hi"', "hi"),
    (
        Properties(content_type="text/csv", payload_format_indicator=1),
        b"hi",
        '"dataType":"binary","data":"aGk="',
        b"hi",
    ),
    (Properties(content_type="application/x-protobuf"), b"hi", '"dataType":"protobuf","data":"aGk="', b"hi"),
    (Properties(), b"hi", '"dataType":"binary","data":"aGk="', b"hi"),
]


@pytest.mark.parametrize(("properties", "payload", "in_json", "simple"), CROSSING)
def test_other_clients_get_what_the_content_type_says(
    service: Service, ann: MqttClient, properties: Properties, payload: bytes, in_json: str, simple: str | bytes
) -> None:
    """Without one, or if it is not true, the payload is binary."""
    json_client = service.connect(None, "g")
    simple_client = service.connect(None, "g", codec=SimpleCodec())

    ann.send(Publish("g", payload, properties=properties))

    (frame,) = json_client.frames
    assert in_json in str(frame)
    assert simple_client.frames == [simple]


def test_json_clients_reach_mqtt_clients(service: Service) -> None:
    """Both versions; 3.1.1 without what it has no words for."""
    sender = service.connect("Eve", roles=("webpubsub.sendToGroup",))
    old, new = client(service, "old", version=V3), client(service, "new")
    for receiver in (old, new):
        receiver.subscribe("g", qos=2)

    sender.send(type="sendToGroup", group="g", data={"a": 1})

    assert old.received() == [Publish("g", b'{"a": 1}', 1, packet_id=1)]
    assert new.received() == [
        Publish("g", b'{"a": 1}', 1, packet_id=1, properties=Properties(content_type="application/json"))
    ]


def test_rest_adds_and_removes_subscriptions(service: Service, ann: MqttClient) -> None:
    """With the options that a subscription has where nobody says any: quality of service 0."""
    service.call("PUT", f"chat/groups/g/connections/ann?{VERSION}")
    service.call("POST", f"chat/groups/g/:send?{VERSION}", b"1", content_type="text/plain")
    service.call("DELETE", f"chat/groups/g/connections/ann?{VERSION}")
    service.call("POST", f"chat/groups/g/:send?{VERSION}", b"2", content_type="text/plain")

    assert published(ann.received()) == [("g", b"1", 0)]


def test_rest_grants_and_revokes_permissions(service: Service) -> None:
    """At once."""
    ann = client(service, roles=[])
    assert ann.subscribe("g") == [ReasonCode.NOT_AUTHORIZED]

    service.call("PUT", f"chat/permissions/joinLeaveGroup/connections/ann?targetName=g&{VERSION}")

    assert ann.subscribe("g") == [0]


# Events


def test_publishing_to_a_topic_of_its_own_sends_an_event(ann: MqttClient) -> None:
    """Without any role, with content type and user properties; in order, one at a time."""
    told = Properties(content_type="text/csv", user_properties=(("k", "v"),))
    answers = ann.send(
        Publish("$webpubsub/server/events/first", b"1", 1, packet_id=1, properties=told),
        Publish("$webpubsub/server/events/second", b"2", 2, packet_id=2),
    )

    first = UserEvent("first", Payload(DataType.BINARY, b"1"), None, (("k", "v"),), "text/csv")
    assert answers == [PubAck(1), PubRec(2)]
    assert ann.events == [first]
    ann.reply(EventReply())
    assert ann.events == [first, UserEvent("second", Payload(DataType.BINARY, b"2"))]


def test_a_client_without_roles_may_send_events(service: Service) -> None:
    """Like every client of the service."""
    ann = client(service, roles=[])

    ann.send(Publish("$webpubsub/server/events/e", b"hi"))

    assert [event.name for event in ann.events] == ["e"]


REPLIES: list[tuple[Reply, str, bytes, Properties]] = [
    (
        MqttResponse(200, "text/csv", b"1,2", (("k", "v"),)),
        "succeeded",
        b"1,2",
        Properties(content_type="text/csv", user_properties=(("azure-status-code", "200"), ("k", "v"))),
    ),
    (MqttResponse(204), "succeeded", b"", Properties(user_properties=(("azure-status-code", "204"),))),
    (
        MqttResponse(403, "text/plain", b"no"),
        "failed",
        b"no",
        Properties(content_type="text/plain", user_properties=(("azure-status-code", "403"),)),
    ),
    (EventFailed(), "failed", b"", Properties(user_properties=(("azure-status-code", "500"),))),
    (EventFailed(413), "failed", b"", Properties(user_properties=(("azure-status-code", "413"),))),
    (EventReply(), "succeeded", b"", Properties(user_properties=(("azure-status-code", "204"),))),
    (
        EventReply(Payload(DataType.JSON, "1"), {"k": "v"}),
        "succeeded",
        b"1",
        Properties(content_type="application/json", user_properties=(("azure-status-code", "200"), ("k", "v"))),
    ),
]


@pytest.mark.parametrize(("reply", "outcome", "payload", "properties"), REPLIES)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_response_comes_on_a_topic_of_its_own(
    ann: MqttClient, qos: int, reply: Reply, outcome: str, payload: bytes, properties: Properties
) -> None:
    """In the quality of service of the event, with its correlation data and the status."""
    told = Properties(correlation_data=b"c")
    ann.send(Publish("$webpubsub/server/events/e", b"hi", qos, packet_id=1 if qos else None, properties=told))

    expected = evolve(properties, correlation_data=b"c")
    topic = f"$webpubsub/server/events/e/{outcome}"
    assert ann.reply(reply) == [Publish(topic, payload, qos, packet_id=1 if qos else None, properties=expected)]


def test_a_response_finds_a_client_that_has_come_back(service: Service, ann: MqttClient) -> None:
    """The event goes on without a network connection, and its response waits."""
    ann.send(Publish("$webpubsub/server/events/e", b"hi", 1, packet_id=1))
    ann.lose()
    ann.reply(EventReply())

    again = back(service, ann)

    assert published(again.received()) == [("$webpubsub/server/events/e/succeeded", b"", 1)]


def test_a_reply_that_nobody_waits_for_is_ignored(service: Service, ann: MqttClient) -> None:
    """One to no event, and a second one to the same."""
    ann.send(Publish("$webpubsub/server/events/e", b"hi"))
    (call,) = [
        call for call in ann.holder.calls if isinstance(call, CallUpstream) and isinstance(call.event, UserEvent)
    ]
    ann.holder.perform(ann.session.upstream_replied(call.call_id + 1, EventReply(), ann.time.now))
    assert ann.received() == []
    for _ in range(2):
        ann.holder.perform(ann.session.upstream_replied(call.call_id, EventReply(), ann.time.now))

    assert len(published(ann.received())) == 1
    with pytest.raises(TypeError, match="ConnectReply is not the reply to an event"):
        response_of("e", Publish("t", b""), ConnectReply())
