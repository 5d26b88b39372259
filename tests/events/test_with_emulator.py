"""Our handlers under the emulator, which shares no code with them: what one writes, the other reads.

Beside them, a handler by hand as Python applications have had it until now, with the official SDK.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import paho.mqtt.client as paho
import pytest
from azure.messaging.webpubsubservice import WebPubSubServiceClient as OfficialClient
from flask import Flask, Response, request
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.web_servers import listener, werkzeug_server
from webpubsub import ClientProtocol, WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator, EventHandlerSettings
from webpubsub.events import (
    AcceptReply,
    ConnectEvent,
    DisconnectedEvent,
    Event,
    EventHandler,
    RejectReply,
    UserEvent,
    accept,
    reject,
    reply,
)

SECONDS_TO_WAIT = 20
PahoProperties: Any = Properties  # it has no types
JSON = Subprotocol("json.webpubsub.azure.v1")


@dataclass(frozen=True)
class Cart:
    """What is kept at a connection."""

    items: list[str]


@pytest.fixture
def handler() -> Iterator[EventHandler]:
    """Make a handler that trusts the emulator."""
    handler = EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"])
    yield handler
    handler.close()


def emulator_for(handler: EventHandler) -> Emulator:
    """Make an emulator that calls a handler in this process."""
    settings = EventHandlerSettings(app=handler.asgi, group_events=["joined", "left"])
    return Emulator(event_handlers={"chat": settings})


def service_of(emulator: Emulator, hub: str = "chat") -> WebPubSubServiceClient:
    """Make a client of the service."""
    return WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub)


@contextmanager
def hurrying(emulator: Emulator) -> Iterator[None]:
    """Let the time of the emulator run, so that nobody waits for its retries."""
    done = threading.Event()

    def pass_time() -> None:
        while not done.wait(0.01):
            emulator.clock.advance(1)

    hurry = threading.Thread(target=pass_time)
    hurry.start()
    try:
        yield
    finally:
        done.set()
        hurry.join()


def send(client: ClientConnection, **frame: Any) -> None:
    """Send a frame."""
    client.send(json.dumps(frame))


def receive(client: ClientConnection) -> dict[str, Any]:
    """Return the next frame."""
    frame: dict[str, Any] = json.loads(client.recv(timeout=SECONDS_TO_WAIT))
    return frame


def test_connect_decides_who_somebody_is_and_what_they_may_do(handler: EventHandler) -> None:
    """User, groups, roles and subprotocol of the reply count, not those of the token."""
    seen = []

    @handler.on_connect
    def on_connect(event: ConnectEvent) -> AcceptReply:
        seen.append(event)
        return accept(
            user_id="Zoë", groups=["given"], roles=["webpubsub.sendToGroup.given"], subprotocol=event.subprotocols[-1]
        )

    with emulator_for(handler) as emulator, service_of(emulator) as service:
        token = service.get_client_access_token(user_id="ann", groups=["asked"], roles=["webpubsub.joinLeaveGroup"])
        with connect(f"{token.url}&color=blue", subprotocols=[Subprotocol("custom"), JSON]) as client:
            connected = receive(client)
            groups = emulator.hub("chat").groups
            send(client, type="joinGroup", group="other", ackId=1)
            refused = receive(client)

    (event,) = seen
    assert (event.user_id, event.subprotocols, event.query["color"]) == ("ann", ("custom", JSON), ("blue",))
    assert event.claims["sub"] == ("ann",)
    assert event.claims["webpubsub.group"] == ("asked",)
    assert "access_token" not in event.query
    assert (client.subprotocol, connected["userId"], list(groups)) == (JSON, "Zoë", ["given"])
    assert refused["error"]["name"] == "Forbidden"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_connect_refuses_with_status_and_words(handler: EventHandler, status: int) -> None:
    """The client sees both. An error in the function is a refusal, too, without words of ours."""

    @handler.on_connect
    def on_connect(event: ConnectEvent) -> RejectReply:
        if status == 500:
            raise LookupError("secret")
        return reject(status, f"no, {event.user_id}")

    with (
        emulator_for(handler) as emulator,
        service_of(emulator) as service,
        hurrying(emulator),
        pytest.raises(InvalidStatus) as caught,
        connect(service.get_client_access_token(user_id="ann").url),
    ):
        pass

    assert caught.value.response.status_code == status
    body = caught.value.response.body or b""
    assert body == b"no, ann" if status != 500 else b"secret" not in body


def test_events_have_replies_metadata_and_state(handler: EventHandler) -> None:
    """What the function returns reaches the client before the acknowledgement; the state comes back typed."""

    @handler.on_connect
    def on_connect(event: ConnectEvent) -> AcceptReply:
        return accept(state=Cart(["bag"]))

    @handler.on_event("add")
    async def add(event: UserEvent[str]) -> Any:
        cart = event.state_as(Cart)
        assert cart is not None
        grown = Cart([*cart.items, event.data])
        return reply(grown, metadata={"count": str(len(grown.items))}, state=grown)

    with (
        emulator_for(handler) as emulator,
        service_of(emulator) as service,
        connect(service.get_client_access_token(user_id="ann").url, subprotocols=[JSON]) as client,
    ):
        receive(client)
        for ack_id, item in enumerate(["pear", "Äpfel"], start=1):
            send(client, type="event", event="add", dataType="text", data=item, ackId=ack_id)
        frames = [receive(client) for _ in range(4)]

    assert [frame["type"] for frame in frames] == ["message", "ack", "message", "ack"]
    assert frames[0]["data"] == {"items": ["bag", "pear"]}
    assert frames[2]["data"] == {"items": ["bag", "pear", "Äpfel"]}
    assert frames[2]["metadata"] == {"count": "3"}
    assert [frame["success"] for frame in frames[1::2]] == [True, True]


def test_events_that_fail_are_acknowledged_as_failed(handler: EventHandler) -> None:
    """A rejection, an exception, a payload of another type, and an event without a function."""
    handler.on_event("reject")(lambda event: reject(400, "no"))
    handler.on_event("raise")(lambda event: 1 / 0)

    @handler.on_event("typed")
    def typed(event: UserEvent[Cart]) -> None:
        raise AssertionError("it must not be called")

    with (
        emulator_for(handler) as emulator,
        service_of(emulator) as service,
        connect(service.get_client_access_token().url, subprotocols=[JSON]) as client,
        hurrying(emulator),
    ):
        receive(client)
        for ack_id, name in enumerate(["reject", "raise", "typed", "nothing"], start=1):
            send(client, type="event", event=name, dataType="json", data={"items": 7}, ackId=ack_id)
        answers = [receive(client) for _ in range(4)]

    assert [answer["success"] for answer in answers] == [False] * 4
    assert {answer["error"]["name"] for answer in answers} == {"InternalServerError"}


def test_what_happens_to_a_connection_is_told_in_order(handler: EventHandler) -> None:
    """Connected, joined, left, disconnected with its reason; each with the same connection and user."""
    seen: SimpleQueue[Event] = SimpleQueue()
    for register in (handler.on_connected, handler.on_joined, handler.on_left, handler.on_disconnected):
        register(seen.put)

    with emulator_for(handler) as emulator, service_of(emulator) as service:
        roles = ["webpubsub.joinLeaveGroup"]
        with connect(service.get_client_access_token(user_id="雪", roles=roles).url, subprotocols=[JSON]) as client:
            connection_id = receive(client)["connectionId"]
            send(client, type="joinGroup", group="räume/1", ackId=1)
            send(client, type="leaveGroup", group="räume/1", ackId=2)
            told = [seen.get(timeout=SECONDS_TO_WAIT) for _ in range(3)]
            service.close_connection(connection_id, reason="closing time")
            told.append(seen.get(timeout=SECONDS_TO_WAIT))

    assert [event.event_name for event in told] == ["connected", "joined", "left", "disconnected"]
    assert {(event.connection_id, event.user_id) for event in told} == {(connection_id, "雪")}
    assert [getattr(event, "group", None) for event in told] == [None, "räume/1", "räume/1", None]
    assert isinstance(told[-1], DisconnectedEvent)
    assert "closing time" in told[-1].reason


def test_a_handler_with_another_key_hears_of_nobody() -> None:
    """Forged or not: what it cannot verify, it refuses, and the client is not let in."""
    with EventHandler(hub="chat", access_keys=["another key"], allowed_origins=["*"]) as handler:
        handler.on_connect(lambda event: pytest.fail("it must not be called"))
        with (
            emulator_for(handler) as emulator,
            service_of(emulator) as service,
            pytest.raises(InvalidStatus) as caught,
            connect(service.get_client_access_token().url),
        ):
            pass

    assert caught.value.response.status_code == 401


def test_a_handler_for_another_origin_is_never_called() -> None:
    """The emulator asks first, as the service does."""
    with EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["example.com"]) as handler:
        handler.on_connect(lambda event: pytest.fail("it must not be called"))
        with (
            emulator_for(handler) as emulator,
            service_of(emulator) as service,
            pytest.raises(InvalidStatus) as caught,
            connect(service.get_client_access_token().url),
        ):
            pass

    assert caught.value.response.status_code == 500


# MQTT


class MqttClient:
    """paho-mqtt over WebSockets, with what it got in queues."""

    def __init__(self, url: str, version: int, client_id: str, password: str) -> None:
        self.codes: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self.messages: SimpleQueue[Any] = SimpleQueue()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            transport="websockets",
            protocol=version,  # type: ignore[arg-type]
            reconnect_on_failure=False,
        )
        address, _, query = url.removeprefix("ws://").partition("?")
        host, _, path = address.partition("/")
        self.client.ws_set_options(path=f"/{path}?{query}")
        self.client.username_pw_set("ann", password)
        self.client.on_connect = lambda client, data, flags, code, properties: self.codes.put((code.value, properties))
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.connect(host.partition(":")[0], int(host.partition(":")[2]))
        self.client.loop_start()

    def close(self) -> None:
        """Say goodbye, and wait until the thread of the client has ended."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize(("version", "refusal"), [(paho.MQTTv5, 134), (paho.MQTTv311, 4)])
def test_mqtt_clients_are_let_in_answered_and_missed(handler: EventHandler, version: int, refusal: int) -> None:
    """Packet, code, event, reply and end, of both versions of MQTT."""
    seen: SimpleQueue[Event] = SimpleQueue()

    @handler.on_connect
    def on_connect(event: ConnectEvent) -> AcceptReply | RejectReply:
        assert event.mqtt is not None
        seen.put(event)
        if event.mqtt.password == b"good":
            return accept(user_id=event.mqtt.username)
        return reject(401, "bad password", mqtt_code=134 if event.mqtt.protocol_version == 5 else 4)

    handler.on_event("order")(lambda event: reply({"got": json.loads(event.body), "by": event.user_id}))
    handler.on_disconnected(seen.put)

    with emulator_for(handler) as emulator, service_of(emulator) as service:
        url = service.get_client_access_token(client_protocol=ClientProtocol.MQTT).url
        stranger = MqttClient(url, version, "stranger", "bad")
        assert stranger.codes.get(timeout=SECONDS_TO_WAIT)[0] in (refusal, 0x86)
        stranger.close()
        ann = MqttClient(url, version, "ann1", "good")
        assert ann.codes.get(timeout=SECONDS_TO_WAIT)[0] == 0
        properties = None
        if version == paho.MQTTv5:
            properties = PahoProperties(PacketTypes.PUBLISH)
            properties.ContentType = "application/json"
        ann.client.publish("$webpubsub/server/events/order", b'{"id":1}', qos=1, properties=properties)
        answer = ann.messages.get(timeout=SECONDS_TO_WAIT)
        ann.close()
        events = [seen.get(timeout=SECONDS_TO_WAIT) for _ in range(2)]
        with hurrying(emulator):
            end = seen.get(timeout=SECONDS_TO_WAIT)

    assert answer.topic == "$webpubsub/server/events/order/succeeded"
    assert json.loads(answer.payload) == {"got": {"id": 1}, "by": "ann"}
    assert all(isinstance(event, ConnectEvent) for event in events)
    assert isinstance(end, DisconnectedEvent)
    assert (end.subprotocol, end.connection_id) == ("mqtt", "ann1")
    assert end.mqtt is not None
    assert end.mqtt.initiated_by_client


# By hand and with ours


def by_hand(connection_string: str) -> Flask:
    """Make the handler that Python applications write by hand: headers, a ladder, no signature, the official SDK."""
    app = Flask(__name__)
    service = OfficialClient.from_connection_string(connection_string, hub="byhand")

    @app.route("/eventhandler", methods=["OPTIONS", "POST"])
    def event_handler() -> Any:
        if request.method == "OPTIONS":
            return Response(status=200, headers={"WebHook-Allowed-Origin": "*"})
        user = request.headers.get("ce-userId")
        kind = request.headers.get("ce-type")
        if kind == "azure.webpubsub.sys.connected":
            service.send_to_all({"from": "[System]", "message": f"{user} connected"}, content_type="application/json")
            return Response(status=200)
        if kind == "azure.webpubsub.user.message":
            message = {"from": user, "message": request.data.decode()}
            service.send_to_all(message, content_type="application/json")
            return Response(status=204)
        return "Bad Request", 400

    return app


def with_ours(connection_string: str, service: WebPubSubServiceClient, handler: EventHandler) -> Flask:
    """Make the same application."""

    @handler.on_connected
    def connected(event: Event) -> None:
        service.send_to_all({"from": "[System]", "message": f"{event.user_id} connected"})

    @handler.on_message
    def message(event: UserEvent[str]) -> None:
        service.send_to_all({"from": event.user_id, "message": event.data})

    app = Flask(__name__)
    app.add_url_rule("/eventhandler", view_func=handler.flask)
    return app


def test_a_handler_by_hand_and_ours_do_the_same_under_one_emulator() -> None:
    """Two applications, two hubs: their clients get the same frames."""
    with listener() as one, listener() as other:
        settings = {"byhand": settings_of(one), "ours": settings_of(other)}
        emulator = Emulator(event_handlers=settings)
        with emulator, service_of(emulator, "ours") as service:
            connection_string = emulator.connection_string
            with (
                EventHandler(hub="ours", connection_string=connection_string) as handler,
                werkzeug_server(by_hand(connection_string), one),
                werkzeug_server(with_ours(connection_string, service, handler), other),
            ):
                frames = {hub: chat(emulator, hub) for hub in settings}

    assert frames["byhand"] == frames["ours"] == [
        '{"from":"[System]","message":"ann connected"}',
        '{"from":"ann","message":"Grüße"}',
    ]  # fmt: skip


def settings_of(sock: socket.socket) -> EventHandlerSettings:
    """Set a hub up as the tutorial does: one system event, and every event of clients."""
    url = f"http://127.0.0.1:{sock.getsockname()[1]}/eventhandler"
    return EventHandlerSettings(url, system_events=["connected"])


def chat(emulator: Emulator, hub: str) -> list[str]:
    """Connect, say something, and return what comes, without the spaces that each client puts into JSON."""
    with service_of(emulator, hub) as service, connect(service.get_client_access_token(user_id="ann").url) as ann:
        frames = [ann.recv(timeout=SECONDS_TO_WAIT)]
        ann.send("Grüße")
        frames.append(ann.recv(timeout=SECONDS_TO_WAIT))
    return [json.dumps(json.loads(frame), separators=(",", ":"), ensure_ascii=False) for frame in frames]
