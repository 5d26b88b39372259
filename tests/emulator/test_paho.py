"""paho-mqtt 3.1.1 and 5.0 over WebSocket, as applications use it: a thread for each client, and all are stopped."""

import asyncio
import json
import queue
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt import properties as paho_properties
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.subscribeoptions import SubscribeOptions
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_websocket
from websockets.typing import Subprotocol

from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema

Properties: Any = paho_properties.Properties  # it has no types
VERSIONS = [paho.MQTTv311, paho.MQTTv5]
SECONDS = 10.0
ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]


@pytest.fixture
def service(emulator: Emulator, hub: str) -> Iterator[WebPubSubServiceClient]:
    """The application's server."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub=hub) as client:
        yield client


def properties(kind: int, **values: object) -> Any:
    """Make properties of paho's."""
    made = Properties(kind)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def told(message: paho.MQTTMessage) -> dict[str, Any]:
    """Read the properties of a message."""
    given: Any = message.properties
    found: dict[str, Any] = given.json()
    return found


class User:
    """A paho client whose thread runs; what its callbacks are told waits in queues."""

    def __init__(
        self,
        service: WebPubSubServiceClient,
        client_id: str,
        version: int,
        *,
        clean: bool = True,
        will: tuple[str, bytes, int] | None = None,
        session_seconds: int = 0,
        **token: Any,
    ) -> None:
        access = service.get_client_access_token(client_protocol="MQTT", **({"roles": ROLES} | token))
        host, _, path = access.url.partition("://")[2].partition("/")
        old = version == paho.MQTTv311
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean if old else None,
            protocol=MQTTProtocolVersion(version),
            transport="websockets",
            reconnect_on_failure=False,
        )
        self.client.ws_set_options(f"/{path}")
        if will is not None:
            self.client.will_set(*will)
        self.connected: queue.Queue[tuple[bool, int, Any]] = queue.Queue()
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.subscribed: queue.Queue[list[int]] = queue.Queue()
        self.unsubscribed: queue.Queue[list[int]] = queue.Queue()
        self.published: queue.Queue[int] = queue.Queue()
        self.disconnected: queue.Queue[tuple[int, Any]] = queue.Queue()
        self.client.on_connect = lambda _c, _u, flags, code, given: self.connected.put(
            (flags.session_present, code.value, given)
        )
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.subscribed.put([code.value for code in codes])
        self.client.on_unsubscribe = lambda _c, _u, _m, codes, _p: self.unsubscribed.put([code.value for code in codes])
        self.client.on_publish = lambda _c, _u, _m, code, _p: self.published.put(code.value)
        self.client.on_disconnect = lambda _c, _u, _f, code, given: self.disconnected.put((code.value, given))
        options: dict[str, Any] = {}
        if not old:
            asked = properties(PacketTypes.CONNECT, SessionExpiryInterval=session_seconds)
            options = {"clean_start": clean, "properties": asked}
        port = int(host.rpartition(":")[2])
        self.client.connect("127.0.0.1", port, 60, **options)
        self.client.loop_start()
        self.session_present, self.code, self.told = self.connected.get(timeout=SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def subscribe(self, topic: str, qos: int = 1, **options: Any) -> list[int]:
        """Subscribe, and return the codes."""
        self.client.subscribe(topic, qos, **options)
        return self.subscribed.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes | str, qos: int = 0, **options: Any) -> int:
        """Publish, and return the code of the acknowledgement."""
        self.client.publish(topic, payload, qos, **options)
        return self.published.get(timeout=SECONDS)

    def receive(self) -> tuple[str, bytes, int]:
        """Wait for a message: topic, payload and quality of service."""
        message = self.messages.get(timeout=SECONDS)
        return message.topic, bytes(message.payload), message.qos

    def cut(self) -> None:
        """Lose the network connection, as if the cable was cut."""
        socket = self.client.socket()
        assert socket is not None
        socket._socket.shutdown(2)  # type: ignore[attr-defined]
        self.disconnected.get(timeout=SECONDS)


Connect = Callable[..., User]


@pytest.fixture
def connect(service: WebPubSubServiceClient) -> Iterator[Connect]:
    """Connect clients, and stop their threads at the end."""
    users: list[User] = []

    def connect(client_id: str, version: int, **options: Any) -> User:
        users.append(User(service, client_id, version, **options))
        return users[-1]

    yield connect
    for user in users:
        user.__exit__()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_in_every_quality_of_service(connect: Connect, version: int, qos: int) -> None:
    """From paho to paho, in order, each once."""
    sender, receiver = connect("sender", version), connect("receiver", version)
    assert receiver.subscribe("news", qos) == [qos]

    for number in range(50):
        sender.client.publish("news", str(number), qos)

    assert [receiver.receive() for _ in range(50)] == [("news", str(n).encode(), qos) for n in range(50)]


@pytest.mark.parametrize("version", VERSIONS)
def test_unsubscribing_ends_it(connect: Connect, version: int) -> None:
    """The next message does not come."""
    user = connect("user", version)
    user.subscribe("a")
    user.subscribe("b")

    user.client.unsubscribe("a")
    assert all(code == 0 for code in user.unsubscribed.get(timeout=SECONDS))
    user.publish("a", "lost", 1)
    user.publish("b", "kept", 1)

    assert user.receive() == ("b", b"kept", 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_service_does_not_support_is_refused(connect: Connect, version: int) -> None:
    """Wildcards and shares of subscriptions, with codes of their own in 5.0; and retained messages end it."""
    user = connect("user", version, session_seconds=0)
    refused = [0x80, 0x80] if version == paho.MQTTv311 else [0xA2, 0x9E]

    assert [*user.subscribe("a/#"), *user.subscribe("$share/s/a")] == refused
    user.client.publish("a", "x", retain=True)

    code, _ = user.disconnected.get(timeout=SECONDS)
    assert code == (0x80 if version == paho.MQTTv311 else 0x9A)


def test_what_is_not_allowed_is_refused(connect: Connect) -> None:
    """Subscribing and publishing need roles; 5.0 says so."""
    user = connect("user", paho.MQTTv5, roles=["webpubsub.joinLeaveGroup.mine"])

    assert user.subscribe("mine") == [1]
    assert user.subscribe("yours") == [0x87]
    assert user.publish("mine", "x", 1) == 0x87


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_survives_a_cut_connection(connect: Connect, service: WebPubSubServiceClient, version: int) -> None:
    """Messages wait for the client that comes back; meanwhile REST finds it."""
    options = {"clean": False, "session_seconds": 30}
    first = connect("user", version, **options)
    assert not first.session_present
    first.subscribe("news", 2)
    first.cut()

    service.send_to_group("news", "meanwhile", content_type="text/plain")
    assert service.connection_exists("user")
    again = connect("user", version, **options)

    assert again.session_present
    assert again.receive() == ("news", b"meanwhile", 1)
    assert service.group_exists("news")


def test_a_session_ends_after_30_seconds(emulator: Emulator, connect: Connect, service: WebPubSubServiceClient) -> None:
    """The emulator's clock decides."""
    connect("user", paho.MQTTv5, session_seconds=300).cut()
    assert service.connection_exists("user")

    emulator.clock.advance(31)

    assert not service.connection_exists("user")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_will_is_done(connect: Connect, version: int) -> None:
    """When the client is lost without a goodbye."""
    watcher = connect("watcher", version)
    watcher.subscribe("wills")
    lost = connect("lost", version, will=("wills", b"farewell", 1))
    lost.cut()

    assert watcher.receive() == ("wills", b"farewell", 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_id_is_taken_over(connect: Connect, version: int) -> None:
    """The first client is told, if it can be."""
    first = connect("user", version)
    second = connect("user", version)

    code, _ = first.disconnected.get(timeout=SECONDS)
    assert code == (0x80 if version == paho.MQTTv311 else 0x8E)
    second.subscribe("a")
    second.publish("a", "mine")
    assert second.receive() == ("a", b"mine", 0)


def test_a_client_id_can_be_assigned(connect: Connect, service: WebPubSubServiceClient) -> None:
    """The client learns it from the CONNACK, and REST knows it."""
    user = connect("", paho.MQTTv5)

    assert service.connection_exists(user.told.AssignedClientIdentifier)


def test_a_connect_can_be_refused(connect: Connect) -> None:
    """With a code."""
    assert connect("not-valid", paho.MQTTv5).code == 0x85


@pytest.mark.parametrize("version", VERSIONS)
def test_rest_reaches_everybody(connect: Connect, service: WebPubSubServiceClient, version: int) -> None:
    """By group, by user, by connection and all; JSON stays the text it was."""
    user = connect("user", version, user_id="Ann", groups=["given"])
    user.subscribe("news")
    server = "$webpubsub/server/messages"

    service.send_to_group("news", {"a": 1})
    service.send_to_group("given", "hi", content_type="text/plain")
    service.send_to_user("Ann", "hi", content_type="text/plain")
    service.send_to_connection("user", b"\xff", content_type="application/octet-stream")
    service.send_to_all("all", content_type="text/plain")

    assert [user.receive() for _ in range(5)] == [
        ("news", b'{"a": 1}', 1),
        ("given", b"hi", 0),
        (server, b"hi", 1),
        (server, b"\xff", 1),
        (server, b"all", 1),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_rest_closes_connections(connect: Connect, service: WebPubSubServiceClient, version: int) -> None:
    """The client is told why, if it can be."""
    user = connect("user", version)

    service.close_connection("user", reason="enough")

    code, details = user.disconnected.get(timeout=SECONDS)
    assert not service.connection_exists("user")
    if version == paho.MQTTv5:
        assert code == 0x98
        assert details.ReasonString == "Application server closed the connection. Reason: enough"


@pytest.mark.parametrize("version", VERSIONS)
def test_json_clients_and_mqtt_clients_talk(connect: Connect, service: WebPubSubServiceClient, version: int) -> None:
    """Both ways: JSON out as bytes with a content type, bytes in as the content type says."""
    access = service.get_client_access_token(roles=ROLES, groups=["room"])
    json_protocol = Subprotocol("json.webpubsub.azure.v1")
    user = connect("user", version)
    user.subscribe("room", 2)
    with connect_websocket(access.url, subprotocols=[json_protocol]) as websocket:
        websocket.recv(SECONDS)
        request = {"type": "sendToGroup", "group": "room", "data": {"a": 1}, "noEcho": True}
        websocket.send(json.dumps(request))
        message = user.messages.get(timeout=SECONDS)
        assert (message.topic, json.loads(message.payload), message.qos) == ("room", {"a": 1}, 1)

        options: dict[str, Any] = {}
        if version == paho.MQTTv5:
            assert told(message) == {"ContentType": "application/json"}
            options = {"properties": properties(PacketTypes.PUBLISH, ContentType="text/plain")}
        user.client.publish("room", "hi", 1, **options)
        received = json.loads(websocket.recv(SECONDS))
        expected = ("text", "hi") if version == paho.MQTTv5 else ("binary", "aGk=")
        assert (received["group"], received["dataType"], received["data"]) == ("room", *expected)


def test_protobuf_clients_and_mqtt_clients_talk(connect: Connect, service: WebPubSubServiceClient) -> None:
    """JSON stays the text that it was, and what is packed stays packed."""
    access = service.get_client_access_token(roles=ROLES, groups=["room"])
    user = connect("user", paho.MQTTv5)
    user.subscribe("room")
    packed = schema.MessageData(protobuf_data={"type_url": "t", "value": b"v"})
    with connect_websocket(access.url, subprotocols=[Subprotocol("protobuf.webpubsub.azure.v1")]) as websocket:
        websocket.recv(SECONDS)
        for data in (schema.MessageData(json_data='{"a" : 1}'), packed):
            request = schema.SendToGroupMessage(group="room", data=data, no_echo=True)
            websocket.send(schema.UpstreamMessage(send_to_group_message=request).SerializeToString())
        received = [user.messages.get(timeout=SECONDS) for _ in range(2)]
        for message in received:
            user.client.publish("room", message.payload, properties=message.properties)
        back = [schema.DownstreamMessage.FromString(websocket.recv(SECONDS, decode=False)) for _ in range(2)]

    assert [bytes(message.payload) for message in received] == [b'{"a" : 1}', b"\x0a\x01t\x12\x01v"]
    assert [told(message)["ContentType"] for message in received] == ["application/json", "application/x-protobuf"]
    assert [message.data_message.data for message in back] == [schema.MessageData(json_data='{"a" : 1}'), packed]


def test_rubbish_harms_nobody_but_its_sender(
    connect: Connect, service: WebPubSubServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Random bytes before and after the CONNECT: the sender is closed, others go on, and the log is silent."""
    randomness = random.Random(1)
    user = connect("user", paho.MQTTv5)
    user.subscribe("room")
    greeting = b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02hx"
    access = service.get_client_access_token(client_protocol="MQTT")
    for number in range(60):
        with connect_websocket(access.url, subprotocols=[Subprotocol("mqtt")]) as websocket:
            with suppress(ConnectionClosed):
                websocket.send(greeting if number % 2 else b"")
                websocket.send(randomness.randbytes(randomness.randrange(1, 40)))
                websocket.send("text")
                while True:
                    websocket.recv(SECONDS)
            assert websocket.close_code in (1000, 1003, 1007, 1008)

    user.publish("room", "still here", 1)

    assert user.receive() == ("room", b"still here", 1)
    assert [record.message for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_properties_of_version_5_travel(connect: Connect) -> None:
    """Everything that belongs to a message, and the identifier of the subscription."""
    sender, receiver = connect("sender", paho.MQTTv5), connect("receiver", paho.MQTTv5)
    receiver.client.subscribe(
        "news",
        options=SubscribeOptions(qos=2, noLocal=True),
        properties=properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=7),
    )
    receiver.subscribed.get(timeout=SECONDS)
    sent = properties(
        PacketTypes.PUBLISH,
        ContentType="text/csv",
        ResponseTopic="answers",
        CorrelationData=b"\x01",
        UserProperty=[("k", "v"), ("k", "w")],
        PayloadFormatIndicator=1,
    )

    receiver.publish("news", "not for me", 1)
    sender.publish("news", "1,2", 2, properties=sent)

    message = receiver.messages.get(timeout=SECONDS)
    assert message.payload == b"1,2"
    assert told(message) == sent.json() | {"SubscriptionIdentifier": [7]}


Handler = Callable[..., Any]


async def allow(send: Callable[[Any], Any]) -> None:
    """Agree to be called."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"webhook-allowed-origin", b"*")]})
    await send({"type": "http.response.body"})


def handler(seen: list[tuple[dict[str, str], bytes]], answer: tuple[int, list[tuple[bytes, bytes]], bytes]) -> Handler:
    """Make an application that keeps what it is told and always answers the same to events of clients."""

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        assert scope["type"] == "http"
        if scope["method"] == "OPTIONS":
            await allow(send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen.append((headers, (await receive())["body"]))
        status, response, body = answer if headers["ce-type"].startswith("azure.webpubsub.user") else (204, [], b"")
        await send({"type": "http.response.start", "status": status, "headers": response})
        await send({"type": "http.response.body", "body": body})

    return app


@contextmanager
def application(
    answer: tuple[int, list[tuple[bytes, bytes]], bytes],
) -> Iterator[tuple[WebPubSubServiceClient, list[tuple[dict[str, str], bytes]]]]:
    """Run an emulator with an event handler, and show what the handler is told."""
    seen: list[tuple[dict[str, str], bytes]] = []
    with (
        Emulator(event_handlers={"app": handler(seen, answer)}) as emulator,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub="app") as service,
    ):
        yield service, seen


@pytest.mark.parametrize(("status", "outcome"), [(200, "succeeded"), (403, "failed")])
def test_events_go_to_the_application_and_come_back(status: int, outcome: Literal["succeeded", "failed"]) -> None:
    """With content types, user properties and correlation data, both ways."""
    answer = (status, [(b"content-type", b"text/csv"), (b"mqtt-unit", b"kg")], b"1,2")
    asked = properties(
        PacketTypes.PUBLISH, ContentType="text/xml", CorrelationData=b"\x01", UserProperty=[("trace", "abc")]
    )
    with application(answer) as (service, seen), User(service, "user", paho.MQTTv5, roles=[]) as user:
        user.subscribe(f"$webpubsub/server/events/order/{outcome}", 2)
        assert user.publish("$webpubsub/server/events/order", "<a/>", 1, properties=asked) == 0
        message = user.messages.get(timeout=SECONDS)

    headers, body = next(one for one in seen if one[0]["ce-type"] == "azure.webpubsub.user.order")
    physical, session = headers["ce-physicalconnectionid"], headers["ce-sessionid"]
    assert body == b"<a/>"
    assert (headers["content-type"], headers["mqtt-trace"]) == ("text/xml", "abc")
    assert (headers["ce-connectionid"], headers["ce-subprotocol"]) == ("user", "mqtt")
    assert headers["ce-source"] == f"/hubs/app/client/user/{physical}"
    assert session
    assert (message.topic, message.payload, message.qos) == (f"$webpubsub/server/events/order/{outcome}", b"1,2", 1)
    assert told(message) == {
        "ContentType": "text/csv",
        "CorrelationData": "01",
        "UserProperty": [("azure-status-code", str(status)), ("unit", "kg")],
    }


def test_the_application_hears_of_connections() -> None:
    """`connect` with what the CONNECT says, for each of them; `connected` and `disconnected` once for the session."""
    with application((204, [], b"")) as (service, seen):
        options: dict[str, Any] = {"clean": False, "session_seconds": 30, "user_id": "Ann"}
        with User(service, "user", paho.MQTTv5, **options) as first:
            first.cut()
        with User(service, "user", paho.MQTTv5, **options) as second:
            assert second.session_present
            goodbye = properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0, ReasonString="done")
            second.client.disconnect(properties=goodbye)
            second.disconnected.get(timeout=SECONDS)
        events = [(headers["ce-eventname"], headers["ce-id"], json.loads(body)) for headers, body in wait_for(seen, 4)]

    nothing: dict[str, Any] = {"username": None, "password": None, "userProperties": None}
    assert [(name, number) for name, number, _ in events] == [
        ("connect", "0"),
        ("connected", "1"),
        ("connect", "0"),
        ("disconnected", "2"),
    ]
    assert events[0][2]["mqtt"] == {"protocolVersion": 5, "cleanStart": False, **nothing}
    assert events[0][2]["subprotocols"] == ["mqtt"]
    assert events[3][2] == {
        "reason": "done",
        "mqtt": {"initiatedByClient": True, "disconnectPacket": {"code": 0, "userProperties": None}},
    }
    physical = [headers["ce-physicalconnectionid"] for headers, _ in seen]
    assert physical[0] == physical[1] != physical[2] == physical[3]
    assert "ce-sessionid" not in seen[0][0]
    assert seen[1][0]["ce-sessionid"] == seen[3][0]["ce-sessionid"]


def wait_for(seen: list[tuple[dict[str, str], bytes]], count: int) -> list[tuple[dict[str, str], bytes]]:
    """Wait until the application has been told so much; the time limit of the test ends a vain wait."""

    async def wait() -> None:
        while len(seen) < count:
            await asyncio.sleep(0)

    asyncio.run(wait())
    return seen


def test_a_client_is_told_that_the_server_stops() -> None:
    """With the reason 0x8B, as far as its version has one."""
    with (
        Emulator() as emulator,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub="app") as service,
        User(service, "new", paho.MQTTv5) as new,
        User(service, "old", paho.MQTTv311) as old,
    ):
        emulator.go_away()
        code, said = new.disconnected.get(timeout=SECONDS)

        assert (code, said.json()) == (0x8B, {"ReasonString": "The server is shutting down."})
        assert old.disconnected.get(timeout=SECONDS)[0] != 0


def test_the_application_refuses_a_client() -> None:
    """In its own words."""

    async def refuse(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        assert scope["type"] == "http"
        if scope["method"] == "OPTIONS":
            await allow(send)
            return
        await receive()
        body = {"mqtt": {"code": 138, "reason": "banned", "userProperties": [{"name": "k", "value": "v"}]}}
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    with (
        Emulator(event_handlers={"app": refuse}) as emulator,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub="app") as service,
        User(service, "user", paho.MQTTv5) as user,
    ):
        assert user.code == 138
        assert user.told.json() == {"ReasonString": "banned", "UserProperty": [("k", "v")]}
        assert not service.connection_exists("user")
