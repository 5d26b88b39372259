"""How an MQTT client comes in: what its CONNECT may say, what the application says of it, and which session it gets."""

from typing import Any

import pytest
from attrs import evolve

from tests.support.mqtt_in_memory import KEPT, Client, MqttClient, client
from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    V5,
    ConnAck,
    Connect,
    PingReq,
    PingResp,
    Properties,
    ReasonCode,
    Will,
    encode,
)
from webpubsub.emulator._hub.messages import Close, DataType, Message, Payload
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    ConnectedEvent,
    ConnectRefused,
    ConnectReply,
    EventFailed,
    MqttConnect,
    MqttRefusal,
)

GREETING = Properties(
    receive_maximum=1000,
    maximum_packet_size=1024 * 1024,
    retain_available=0,
    wildcard_subscription_available=0,
    shared_subscription_available=0,
)
WILL = Will("w", b"bye")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize("version", [V3, V5])
def test_a_client_id_becomes_the_connection_id(service: Service, version: int) -> None:
    """A client that is let in is a connection of its hub: seen by REST, and told of to the application."""
    ann = client(service, "ann", version=version, user_id="Ann", groups=["g"])

    assert ann.connack == ConnAck(False, properties=GREETING if version == V5 else Properties())
    assert service.call("HEAD", "chat/connections/ann?api-version=2024-12-01").status == 200
    assert service.call("HEAD", "chat/users/Ann?api-version=2024-12-01").status == 200
    assert service.call("HEAD", "chat/groups/g?api-version=2024-12-01").status == 200
    assert ann.holder.calls == [CallUpstream(1, ConnectedEvent())]
    assert ann.session.connection.protocol == "mqtt"


def test_before_its_connect_a_client_is_nobody(service: Service) -> None:
    """The WebSocket alone makes no connection."""
    MqttClient(service, Connect("ann"), reply=None)

    assert service.hub().everyone() == []


def test_a_client_without_an_id_is_given_one(service: Service) -> None:
    """In version 5.0; it is told which."""
    ann = client(service, "")

    assert ann.connack == ConnAck(False, properties=evolve(GREETING, assigned_client_identifier="net1"))
    assert ann.session.connection.connection_id == "net1"


ANSWERS: list[tuple[Properties, int, Properties]] = [
    (Properties(), 60, Properties()),
    (Properties(session_expiry_interval=30), 60, Properties()),
    (Properties(session_expiry_interval=31), 60, Properties(session_expiry_interval=30)),
    (Properties(session_expiry_interval=2**32 - 1), 60, Properties(session_expiry_interval=30)),
    (Properties(), 0, Properties(server_keep_alive=180)),
    (Properties(), 180, Properties()),
    (Properties(), 181, Properties(server_keep_alive=180)),
]


@pytest.mark.parametrize(("asked", "keep_alive", "told"), ANSWERS)
def test_a_client_is_told_where_it_does_not_get_what_it_asked_for(
    service: Service, asked: Properties, keep_alive: int, told: Properties
) -> None:
    """A session is kept for 30 seconds at most, and nobody may be silent for more than three minutes."""
    expected = evolve(
        GREETING,
        session_expiry_interval=told.session_expiry_interval,
        server_keep_alive=told.server_keep_alive,
    )

    assert client(service, properties=asked, keep_alive=keep_alive).connack == ConnAck(False, properties=expected)


IDENTIFIER, CONFIGURED = ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR
REFUSED: list[tuple[Connect, ReasonCode, int | None]] = [
    (Connect("a-b"), IDENTIFIER, 2),
    (Connect("ä"), IDENTIFIER, 2),
    (Connect("a" * 129), IDENTIFIER, 2),
    (Connect("", V3, keep_alive=60), IDENTIFIER, 2),
    (Connect("a", V3, keep_alive=0), CONFIGURED, 3),
    (Connect("a", V3, keep_alive=181), CONFIGURED, 3),
    (Connect("a", properties=Properties(authentication_method="x")), ReasonCode.BAD_AUTHENTICATION_METHOD, None),
    (Connect("a", will=Will(" ", b"")), ReasonCode.TOPIC_NAME_INVALID, 3),
    (Connect("a", will=Will("w" * 1025, b"")), ReasonCode.TOPIC_NAME_INVALID, 3),
    (Connect("a", will=Will("$webpubsub/server/events/e", b"")), ReasonCode.TOPIC_NAME_INVALID, 3),
    (Connect("a", will=Will("w", bytes(2001))), ReasonCode.PACKET_TOO_LARGE, 3),
    (Connect("a", will=Will("w", b"", retain=True)), ReasonCode.RETAIN_NOT_SUPPORTED, 3),
    (
        Connect("a", will=Will("w", b"\xff", properties=Properties(payload_format_indicator=1))),
        ReasonCode.PAYLOAD_FORMAT_INVALID,
        None,
    ),
]


@pytest.mark.parametrize(("connect", "code", "return_code"), REFUSED)
def test_a_connect_that_the_service_does_not_take_is_refused(
    service: Service, connect: Connect, code: ReasonCode, return_code: int | None
) -> None:
    """With a reason code in version 5.0 and the nearest return code in 3.1.1; then the WebSocket is closed."""
    if connect.version == V5:
        refused = MqttClient(service, connect)
        assert isinstance(refused.connack, ConnAck)
        assert (refused.connack.session_present, refused.connack.code) == (False, code)
        assert refused.connack.properties.reason_string
        assert refused.closed == Close(1000)
    if return_code is not None:
        old = evolve(connect, version=V3, keep_alive=connect.keep_alive if connect.version == V3 else 60)
        refused = MqttClient(service, old)
        assert refused.return_code == return_code
        assert refused.closed == Close(1000)
    assert service.hub().everyone() == []


def test_limits_of_a_will_are_inclusive(service: Service) -> None:
    """2000 bytes for a topic of 1024 characters."""
    assert client(service, will=Will("w" * 1024, bytes(2000))).connack == ConnAck(False, properties=GREETING)


def test_a_will_needs_the_role_to_publish_it(service: Service) -> None:
    """Better told at once than when nobody listens any more."""
    refused = client(service, will=WILL, roles=["webpubsub.sendToGroup.other"])

    assert isinstance(refused.connack, ConnAck)
    assert refused.connack.code == ReasonCode.NOT_AUTHORIZED


def test_a_client_that_comes_back_needs_the_role_for_its_will(service: Service) -> None:
    """Its session's role, whatever its token says; the session goes on waiting."""
    first = client(service, roles=["webpubsub.sendToGroup.w"], properties=KEPT)
    first.lose()
    options: dict[str, Any] = {"properties": KEPT, "clean_start": False, "time": first.time, "roles": []}

    assert client(service, will=WILL, **options).closed is None
    refused = client(service, will=Will("other", b""), **options)

    assert isinstance(refused.connack, ConnAck)
    assert refused.connack.code == ReasonCode.NOT_AUTHORIZED


BAD_BEGINNINGS: list[tuple[bytes | str, int, bytes]] = [
    ("text", 1003, b""),
    (b"\xc0\x00", 1007, b""),
    (b"\xff\x00", 1007, b""),
    (b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00", 1007, b""),
    (b"\x10\x0c\x00\x04MQTT\x06\x02\x00\x3c\x00\x00", 1000, b"\x20\x02\x00\x01"),
    (b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00", 1000, b"\x20\x02\x00\x01"),
]


@pytest.mark.parametrize(("data", "code", "answer"), BAD_BEGINNINGS)
def test_what_is_no_connect_ends_the_connection(service: Service, data: bytes | str, code: int, answer: bytes) -> None:
    """Only a client of another version is told why: in the form that every version understands."""
    fresh = Client(service)

    said = fresh.send_bytes(data)

    assert fresh.closed is not None
    assert fresh.closed.code == code
    assert b"".join(encode(packet, V3) for packet in said) == answer


def test_a_client_that_says_nothing_is_sent_away(service: Service) -> None:
    """After 30 seconds."""
    silent = Client(service)

    assert silent.wait(29.9) == []
    assert silent.closed is None
    silent.wait(0.2)

    assert silent.closed == Close(1008, "The CONNECT did not come in time.")


def test_a_slow_application_is_waited_for(service: Service) -> None:
    """The client has said what it had to say."""
    ann = client(service, reply=None)

    ann.wait(60)

    assert ann.closed is None
    assert ann.reply(ConnectReply()) == [ConnAck(False, properties=GREETING)]


def test_what_comes_with_the_connect_is_done_after_the_connack(service: Service) -> None:
    """A client may send its first packets at once, in the same frame or before it has read anything."""
    ann = client(service, more=[PingReq()])

    assert ann.received() == [PingResp()]

    slow = client(service, "bob", reply=None)
    assert slow.send(PingReq()) == []
    assert slow.reply(ConnectReply()) == [ConnAck(False, properties=GREETING), PingResp()]


def test_too_much_before_the_connack_ends_the_connection(service: Service) -> None:
    """A slow application does not make the emulator keep everything."""
    ann = client(service, reply=None)

    ann.send_bytes(bytes(1024 * 1024))
    assert ann.closed is None
    ann.send_bytes(b"\0")

    assert ann.closed == Close(1008, "Too much came before the CONNACK.")


# What the application says


def test_the_application_is_asked_after_the_connect(service: Service) -> None:
    """With what the CONNECT says, and before the client is anybody."""
    properties = Properties(user_properties=(("k", "v"),))
    ann = client(service, username="u", password=b"p", properties=properties, clean_start=False, reply=None)

    asked = MqttConnect(V5, False, "u", b"p", (("k", "v"),))
    assert ann.holder.calls == [CallUpstream(0, asked)]
    assert ann.connack is None
    assert (ann.session.connection.connection_id, ann.session.connection.physical_connection_id) == ("ann", "net-1")


def test_the_application_can_change_who_comes_in(service: Service) -> None:
    """User, groups and roles instead of those of the token, and user properties for the client."""
    reply = ConnectReply("Ann", ["g", "h"], ["webpubsub.sendToGroup.x"], mqtt_properties=[("k", "v")])
    ann = client(service, user_id="other", groups=["a"], reply=reply)

    connection = ann.session.connection
    assert (connection.user_id, connection.groups) == ("Ann", {"g", "h"})
    assert ann.subscribe("y") == [ReasonCode.NOT_AUTHORIZED]
    assert ann.connack == ConnAck(False, properties=evolve(GREETING, user_properties=(("k", "v"),)))


REFUSALS: list[tuple[ConnectRefused, ConnAck, int]] = [
    (
        ConnectRefused(401, mqtt=MqttRefusal(138, "banned", (("k", "v"),))),
        ConnAck(False, ReasonCode.BANNED, Properties(reason_string="banned", user_properties=(("k", "v"),))),
        3,
    ),
    (ConnectRefused(401, mqtt=MqttRefusal(4)), ConnAck(False, ReasonCode.UNSPECIFIED_ERROR), 4),
    (ConnectRefused(401, mqtt=MqttRefusal(0)), ConnAck(False, ReasonCode.UNSPECIFIED_ERROR), 3),
    (ConnectRefused(401, mqtt=MqttRefusal(-1)), ConnAck(False, ReasonCode.UNSPECIFIED_ERROR), 3),
    (ConnectRefused(401, mqtt=MqttRefusal(None)), ConnAck(False, ReasonCode.UNSPECIFIED_ERROR), 3),
    (
        ConnectRefused(403),
        ConnAck(
            False,
            ReasonCode.NOT_AUTHORIZED,
            Properties(reason_string="The application has refused the client with status 403."),
        ),
        5,
    ),
    (
        ConnectRefused(500),
        ConnAck(
            False,
            ReasonCode.UNSPECIFIED_ERROR,
            Properties(reason_string="The application has refused the client with status 500."),
        ),
        3,
    ),
]


@pytest.mark.parametrize(("reply", "connack", "return_code"), REFUSALS)
def test_the_application_can_refuse_a_client(
    service: Service, reply: ConnectRefused, connack: ConnAck, return_code: int
) -> None:
    """In its own words where the version of the client has them; a code that does not exist is unspecified."""
    refused = client(service, reply=reply)
    old = client(service, version=V3, reply=reply)

    assert (refused.connack, refused.closed) == (connack, Close(1000))
    assert old.return_code == return_code
    assert service.hub().everyone() == []


def test_other_replies_refuse_a_client(service: Service) -> None:
    """Roles that cannot be, and no reply at all."""
    bad_roles = ConnectReply(roles=["webpubsub.sendToGroups.******"])

    for reply in (bad_roles, EventFailed()):
        refused = client(service, reply=reply)
        assert isinstance(refused.connack, ConnAck)
        assert refused.connack.code == ReasonCode.UNSPECIFIED_ERROR


def test_a_client_that_leaves_before_the_reply_is_forgotten(service: Service) -> None:
    """The reply finds nobody."""
    ann = client(service, reply=None)
    ann.lose()

    assert ann.reply(ConnectReply()) == []
    assert service.hub().everyone() == []


def test_before_the_connect_a_client_is_nobody(service: Service) -> None:
    """Nothing is delivered to it, it is in no group, and it can be closed; what it sends then is ignored."""
    ann = Client(service)
    ann.holder.deliver(Message(Payload(DataType.TEXT, "x")))
    ann.holder.joined("g")
    ann.holder.perform(ann.session.resumed(ann.time.now))
    assert (ann.received(), ann.holder.calls) == ([], [])

    ann.holder.close("enough")

    assert ann.closed == Close(1000, "enough")
    assert ann.send(Connect("ann", V3, keep_alive=60)) == []
