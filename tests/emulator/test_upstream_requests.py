"""What an event handler is sent, and what its responses mean: pure, value by value."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._hub.upstream import (
    ConnectedEvent,
    ConnectEvent,
    ConnectRefused,
    ConnectReply,
    DisconnectedEvent,
    EventFailed,
    EventReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    MqttDisconnect,
    MqttRefusal,
    MqttResponse,
    UserEvent,
)
from webpubsub.emulator._upstream.requests import (
    LARGEST_RESPONSE_BYTES,
    ClientOfEvent,
    WebhookRequest,
    WebhookResponse,
    read_connect_response,
    read_mqtt_response,
    read_user_response,
    signature,
    validation_allows,
    validation_request,
    webhook_request,
)

KEYS = ["the first key, of 32 bytes or more", "the second key, of 32 bytes or more"]
ANN = ClientOfEvent("chat", "c1", "ann", "json.webpubsub.azure.v1", "e30=")
TEXT = Payload(DataType.TEXT, "hi")
CONNECT = ConnectEvent({"sub": ["ann"]}, {"a": ["1", "2"]}, {"host": ["localhost"]}, ["mqtt"])


def written(event: Any, client: ClientOfEvent = ANN, cookies: str | None = None) -> WebhookRequest:
    """Write an event at a fixed time."""
    return webhook_request(
        event,
        client,
        url="http://localhost:5000/eventhandler",
        number=7,
        time=1_700_000_000.9,
        access_keys=KEYS,
        service_host="localhost:8080",
        request_id="r1",
        cookies=cookies,
    )


def test_the_headers_say_who_what_and_when() -> None:
    """Every attribute of the documentation, once, as CloudEvents in binary mode have them."""
    request = written(UserEvent("order", TEXT, {"trace": "abc"}, [("unit", "kg")]), cookies="a=1")

    signatures = [hmac.new(key.encode(), b"c1", hashlib.sha256).hexdigest() for key in KEYS]
    assert (request.method, request.url, request.body) == ("POST", "http://localhost:5000/eventhandler", b"hi")
    assert request.headers == {
        "ce-specversion": "1.0",
        "ce-awpsversion": "1.0",
        "ce-type": "azure.webpubsub.user.order",
        "ce-source": "/hubs/chat/client/c1",
        "ce-id": "7",
        "ce-time": "2023-11-14T22:13:20Z",
        "ce-hub": "chat",
        "ce-eventName": "order",
        "ce-connectionId": "c1",
        "ce-signature": f"sha256={signatures[0]},sha256={signatures[1]}",
        "WebHook-Request-Origin": "localhost:8080",
        "Content-Type": "text/plain",
        "x-ms-client-request-id": "r1",
        "ce-userId": "ann",
        "ce-subprotocol": "json.webpubsub.azure.v1",
        "ce-connectionState": "e30=",
        "Cookie": "a=1",
        "x-webpubsub-metadata-trace": "abc",
        "mqtt-unit": "kg",
    }


def test_what_is_not_known_is_not_said() -> None:
    """An anonymous simple client has no user, no subprotocol and no state."""
    headers = written(ConnectedEvent(), ClientOfEvent("chat", "c1")).headers

    assert not {"ce-userId", "ce-subprotocol", "ce-connectionState", "Cookie", "ce-sessionId"} & set(headers)


def test_an_empty_state_is_sent_as_empty() -> None:
    """A handler that stored the empty string gets it back."""
    assert written(ConnectedEvent(), ClientOfEvent("chat", "c1", state="")).headers["ce-connectionState"] == ""


def test_connect_tells_no_subprotocol_before_one_is_chosen() -> None:
    """What is offered is in the body."""
    assert "ce-subprotocol" not in written(CONNECT).headers


BODIES: dict[str, tuple[Any, str, str, object]] = {
    "connect": (
        CONNECT,
        "azure.webpubsub.sys.connect",
        "application/json; charset=utf-8",
        {
            "claims": {"sub": ["ann"]},
            "query": {"a": ["1", "2"]},
            "headers": {"host": ["localhost"]},
            "subprotocols": ["mqtt"],
            "clientCertificates": [],
        },
    ),
    "connected": (ConnectedEvent(), "azure.webpubsub.sys.connected", "application/json; charset=utf-8", {}),
    "disconnected": (
        DisconnectedEvent("gone"),
        "azure.webpubsub.sys.disconnected",
        "application/json; charset=utf-8",
        {"reason": "gone"},
    ),
    "joined": (
        GroupJoinedEvent("room"),
        "azure.webpubsub.gp.joined",
        "application/json; charset=utf-8",
        {"group": "room"},
    ),
    "left": (GroupLeftEvent("room"), "azure.webpubsub.gp.left", "application/json; charset=utf-8", {"group": "room"}),
    "MQTT disconnected": (
        DisconnectedEvent("", MqttDisconnect(True, 4, [("why", "bored")])),
        "azure.webpubsub.sys.disconnected",
        "application/json; charset=utf-8",
        {
            "reason": "",
            "mqtt": {
                "initiatedByClient": True,
                "disconnectPacket": {"code": 4, "userProperties": [{"name": "why", "value": "bored"}]},
            },
        },
    ),
    "MQTT lost": (
        DisconnectedEvent("", MqttDisconnect(False)),
        "azure.webpubsub.sys.disconnected",
        "application/json; charset=utf-8",
        {"reason": "", "mqtt": {"initiatedByClient": False, "disconnectPacket": None}},
    ),
    "JSON": (
        UserEvent("order", Payload(DataType.JSON, '{"id":1}')),
        "azure.webpubsub.user.order",
        "application/json",
        {"id": 1},
    ),
}


@pytest.mark.parametrize(("event", "kind", "content_type", "body"), BODIES.values(), ids=BODIES)
def test_each_event_has_its_type_and_body(event: Any, kind: str, content_type: str, body: object) -> None:
    """As the reference of the service lists them."""
    request = written(event)

    assert request.headers["ce-type"] == kind
    assert request.headers["Content-Type"] == content_type
    assert json.loads(request.body) == body


@pytest.mark.parametrize(
    ("payload", "content_type", "body"),
    [
        (Payload(DataType.TEXT, "grüß"), "text/plain", "grüß".encode()),
        (Payload(DataType.BINARY, b"\x00\xff"), "application/octet-stream", b"\x00\xff"),
        (Payload(DataType.PROTOBUF, b"\x01"), "application/x-protobuf", b"\x01"),
        (Payload(DataType.JSON, '{"a": 1}'), "application/json", b'{"a": 1}'),
    ],
    ids=["text", "binary", "protobuf", "json"],
)
def test_data_arrives_as_the_client_wrote_it(payload: Payload, content_type: str, body: bytes) -> None:
    """The content type follows the data type; JSON is not written anew."""
    request = written(UserEvent("message", payload))

    assert (request.headers["Content-Type"], request.body) == (content_type, body)


def test_an_mqtt_client_is_told_of_by_session_and_connection() -> None:
    """The source goes on below the session, and CONNECT has its own field."""
    client = ClientOfEvent("chat", "c1", None, "mqtt", None, "p1", "s1")
    mqtt = MqttConnect(5, True, "ann", b"\x00secret", [("a", "1")])

    request = written(ConnectEvent({}, {}, {}, ["mqtt"], mqtt), client)

    assert request.headers["ce-source"] == "/hubs/chat/client/c1/p1"
    assert request.headers["ce-physicalConnectionId"] == "p1"
    assert request.headers["ce-sessionId"] == "s1"
    assert request.headers["ce-subprotocol"] == "mqtt"
    assert json.loads(request.body)["mqtt"] == {
        "protocolVersion": 5,
        "cleanStart": True,
        "username": "ann",
        "password": "AHNlY3JldA==",
        "userProperties": [{"name": "a", "value": "1"}],
    }


def test_the_key_signs_as_text() -> None:
    """A known answer, made with openssl: the key is not decoded from base64, and the digest is lower-case hex."""
    assert signature("c1", ["ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"]) == (
        "sha256=dd527c793428b58b71b037644217fc6bb0164a08513c39f37ac6c2cad55f9023"
    )


def test_the_validation_names_the_service_and_carries_no_signature() -> None:
    """Microsoft's Express middleware wants the version, too."""
    request = validation_request("http://localhost/validate", method="OPTIONS", service_host="localhost:8080")

    assert request.headers == {"WebHook-Request-Origin": "localhost:8080", "ce-awpsversion": "1.0"}


@pytest.mark.parametrize(
    ("status", "origins", "allowed"),
    [
        (200, ["*"], True),
        (204, ["LOCALHOST:8080"], True),
        (200, ["localhost"], True),
        (200, ["example.com, localhost:8080"], True),
        (200, ["example.com", "*"], True),
        (200, ["example.com"], False),
        (200, [], False),
        (404, ["*"], False),
        (500, ["*"], False),
    ],
)
def test_a_webhook_agrees_with_a_header(status: int, origins: list[str], allowed: bool) -> None:
    """Any status in the 200s, and the host of the service or a star, in one header or in several."""
    response = WebhookResponse(status, [("webhook-allowed-origin", origin) for origin in origins])

    assert validation_allows(response, "localhost:8080") is allowed


ACCEPTED: dict[str, tuple[WebhookResponse, ConnectReply]] = {
    "an empty 200": (WebhookResponse(200), ConnectReply()),
    "204": (WebhookResponse(204), ConnectReply()),
    "null": (WebhookResponse(200, body=b" null "), ConnectReply()),
    "an empty object": (WebhookResponse(200, body=b"{}"), ConnectReply()),
    "another user": (WebhookResponse(200, body=b'{"userId":"bob"}'), ConnectReply("bob")),
    "no user": (WebhookResponse(200, body=b'{"userId":""}'), ConnectReply("")),
    "no roles": (WebhookResponse(200, body=b'{"roles":[]}'), ConnectReply(roles=[])),
    "empty groups keep the token's": (WebhookResponse(200, body=b'{"groups":[]}'), ConnectReply()),
    "groups": (WebhookResponse(200, body=b'{"groups":["room"]}'), ConnectReply(groups=["room"])),
    "a subprotocol": (WebhookResponse(200, body=b'{"subprotocol":"mine"}'), ConnectReply(subprotocol="mine")),
    "a state": (WebhookResponse(204, [("ce-connectionstate", "abc")]), ConnectReply(state="abc")),
    "an empty state": (WebhookResponse(200, [("ce-connectionstate", "")], b"{}"), ConnectReply(state="")),
    "any content type": (
        WebhookResponse(200, [("content-type", "text/plain")], b'{"userId":"bob"}'),
        ConnectReply("bob"),
    ),
    "properties of MQTT": (
        WebhookResponse(200, body=b'{"mqtt":{"userProperties":[{"name":"a","value":"1"},{"name":2},3]}}'),
        ConnectReply(mqtt_properties=(("a", "1"),)),
    ),
}


@pytest.mark.parametrize(("response", "reply"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_client_may_connect(response: WebhookResponse, reply: ConnectReply) -> None:
    """What the handler does not say stays as the token has it."""
    assert read_connect_response(response) == reply


REFUSED: dict[str, tuple[WebhookResponse, ConnectRefused]] = {
    "401 with a reason": (
        WebhookResponse(401, [("content-type", "text/plain")], b"not you"),
        ConnectRefused(401, {"Content-Type": "text/plain"}, b"not you"),
    ),
    "403 without one": (WebhookResponse(403), ConnectRefused(403)),
    "a redirect": (WebhookResponse(302), ConnectRefused(500)),
    "503": (WebhookResponse(503), ConnectRefused(503)),
    "not JSON": (WebhookResponse(200, body=b"{"), ConnectRefused(500)),
    "a list": (WebhookResponse(200, body=b"[]"), ConnectRefused(500)),
    "a user that is a number": (WebhookResponse(200, body=b'{"userId":1}'), ConnectRefused(500)),
    "a user with a line feed": (WebhookResponse(200, body=b'{"userId":"a\\nb"}'), ConnectRefused(500)),
    "a user that is half a character": (WebhookResponse(200, body=b'{"userId":"\\ud800"}'), ConnectRefused(500)),
    "a subprotocol with a line feed": (WebhookResponse(200, body=b'{"subprotocol":"a\\nb"}'), ConnectRefused(500)),
    "roles that are a string": (WebhookResponse(200, body=b'{"roles":"all"}'), ConnectRefused(500)),
    "groups with a number": (WebhookResponse(200, body=b'{"groups":[1]}'), ConnectRefused(500)),
    "a group that is no name": (WebhookResponse(200, body=b'{"groups":[" "]}'), ConnectRefused(500)),
    "too much": (WebhookResponse(200, body=b" " * (LARGEST_RESPONSE_BYTES + 1)), ConnectRefused(500)),
    "too deep": (WebhookResponse(200, body=b"[" * 100_000), ConnectRefused(500)),
}


@pytest.mark.parametrize(("response", "refusal"), REFUSED.values(), ids=REFUSED)
def test_a_client_may_not_connect(response: WebhookResponse, refusal: ConnectRefused) -> None:
    """The status and the body of the handler reach the client; what cannot be understood is a 500."""
    assert read_connect_response(response) == refusal


TAKEN: dict[str, tuple[WebhookResponse, EventReply]] = {
    "204": (WebhookResponse(204), EventReply()),
    "an empty 200 with a content type": (WebhookResponse(200, [("content-type", "text/plain")]), EventReply()),
    "text": (WebhookResponse(200, [("content-type", "text/plain; charset=utf-8")], b"hi"), EventReply(TEXT)),
    "JSON": (
        WebhookResponse(200, [("content-type", "Application/JSON")], b'{"a": 1}'),
        EventReply(Payload(DataType.JSON, '{"a": 1}')),
    ),
    "binary": (
        WebhookResponse(200, [("content-type", "application/octet-stream")], b"\xff"),
        EventReply(Payload(DataType.BINARY, b"\xff")),
    ),
    "protobuf": (
        WebhookResponse(200, [("content-type", "application/x-protobuf")], b"\x01"),
        EventReply(Payload(DataType.PROTOBUF, b"\x01")),
    ),
    "no content type": (WebhookResponse(200, body=b"hi"), EventReply(Payload(DataType.BINARY, b"hi"))),
    "metadata": (
        WebhookResponse(204, [("x-webpubsub-metadata-trace", "abc"), ("mqtt-unit", "kg")]),
        EventReply(None, {"trace": "abc"}),
    ),
    "any 2xx": (WebhookResponse(202, [("content-type", "text/plain")], b"hi"), EventReply(TEXT)),
}


MQTT_RESPONSES: list[tuple[WebhookResponse, MqttResponse | EventFailed]] = [
    (WebhookResponse(204), MqttResponse(204)),
    (
        WebhookResponse(200, [("content-type", "text/csv"), ("mqtt-unit", "kg"), ("x", "y")], b"1,2"),
        MqttResponse(200, "text/csv", b"1,2", (("unit", "kg"),)),
    ),
    (WebhookResponse(500, body=b"no"), MqttResponse(500, None, b"no")),
    (WebhookResponse(200, body=b" " * (LARGEST_RESPONSE_BYTES + 1)), EventFailed(200)),
]


@pytest.mark.parametrize(("response", "reply"), MQTT_RESPONSES, ids=range(len(MQTT_RESPONSES)))
def test_an_mqtt_client_gets_all_of_a_response(response: WebhookResponse, reply: MqttResponse | EventFailed) -> None:
    """Whatever its status and content type are, and what is meant as user properties."""
    assert read_mqtt_response(response) == reply


MQTT_REFUSALS: list[tuple[bytes, MqttRefusal | None]] = [
    (
        b'{"mqtt":{"code":138,"reason":"banned","userProperties":[{"name":"a","value":"1"}]}}',
        MqttRefusal(138, "banned", (("a", "1"),)),
    ),
    (b'{"mqtt":{"code":"138","reason":1,"userProperties":{}}}', MqttRefusal()),
    (b'{"mqtt":138}', None),
    (b'{"error":"no"}', None),
    (b"no", None),
]


@pytest.mark.parametrize(("body", "refusal"), MQTT_REFUSALS)
def test_a_refusal_may_have_words_for_mqtt_clients(body: bytes, refusal: MqttRefusal | None) -> None:
    """They become the CONNACK; what cannot be understood of them is left out."""
    reply = read_connect_response(WebhookResponse(401, body=body))

    assert isinstance(reply, ConnectRefused)
    assert reply.mqtt == refusal


@pytest.mark.parametrize(("response", "reply"), TAKEN.values(), ids=TAKEN)
def test_an_event_is_taken(response: WebhookResponse, reply: EventReply) -> None:
    """A body goes back to the client, as its content type says; without one nothing does."""
    assert read_user_response(response) == reply


@pytest.mark.parametrize(
    "response",
    [
        WebhookResponse(400, body=b"no"),
        WebhookResponse(429),
        WebhookResponse(500),
        WebhookResponse(302),
        WebhookResponse(200, [("content-type", "text/html")], b"<p>"),
        WebhookResponse(200, [("content-type", "application/json")], b"{"),
        WebhookResponse(200, [("content-type", "text/plain")], b"\xff"),
        WebhookResponse(200, [("content-type", "text/plain")], b" " * (LARGEST_RESPONSE_BYTES + 1)),
    ],
    ids=["400", "429", "500", "302", "HTML", "broken JSON", "broken text", "too much"],
)
def test_an_event_is_not_taken(response: WebhookResponse) -> None:
    """Every other response is a failure, with its status."""
    assert read_user_response(response) == EventFailed(response.status)
