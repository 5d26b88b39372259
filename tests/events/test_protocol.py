"""The protocol row by row, one table through each door: what the service sends, and what it must be told.

No server runs here; `test_doors` has the same doors in frameworks, on sockets.
"""

import asyncio
import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader
from aiohttp.test_utils import make_mocked_request

from tests.support.event_requests import KEY, ORIGIN, SECOND_KEY, Request, digest, event, preflight, text
from webpubsub.errors import EventError
from webpubsub.events import (
    ClientCertificate,
    Event,
    EventHandler,
    HttpResponse,
    MqttConnect,
    MqttDisconnect,
    Preflight,
    accept,
    make_response,
    parse_event,
    reject,
    reply,
)

JSON = "application/json; charset=utf-8"
ALLOWED = "WebHook-Allowed-Origin"
STATE = "ce-connectionState"
ACCESS: dict[str, Any] = {"access_keys": [KEY, SECOND_KEY], "allowed_origins": [ORIGIN, "second.example.com"]}


class Row(NamedTuple):
    """A rule of the protocol, a request, and what must come of it.

    Attributes:
        rule: What the protocol says.
        request: The request of the service.
        status: The status of the response.
        headers: Headers of the response; None is one that must not be there.
        body: The body of the response; None is any.
        event: What the function must see, by attribute; None when no function may run.
        reply: What the function returns.
    """

    rule: str
    request: Request
    status: int = 204
    headers: Mapping[str, str | None] = {}
    body: bytes | None = b""
    event: Mapping[str, object] | None = {}
    reply: Any = None


def asked(rule: str, request: Request, status: int, origin: str | None = None) -> Row:
    """Make a row of a preflight."""
    return Row(rule, request, status, {ALLOWED: origin}, b"" if status == 200 else None, None)


def refused(rule: str, request: Request, status: int = 401) -> Row:
    """Make a row that no function may see."""
    return Row(rule, request, status, {STATE: None}, None, None)


def header(name: str, value: str | bytes | None, **seen: object) -> Row:
    """Make a row of a header of a user event."""
    return Row(f"the header {name}: {value!r}", text("message", "hi", **{name: value}), event=seen)


def payload(content_type: str, body: bytes, data: object) -> Row:
    """Make a row of a payload, sent back."""
    kept = content_type if content_type.startswith("application/o") else f"{content_type}; charset=utf-8"
    sent = event("user.message", body, {"Content-Type": content_type})
    seen = {"data": data, "content_type": content_type, "body": body}
    return Row(f"a payload of {content_type}", sent, 200, {"Content-Type": kept, STATE: None}, body, seen, reply(data))


def signed(*signatures: str) -> Request:
    """Sign an event with what is given."""
    return text("message", "hi", **{"ce-signature": ",".join(f"sha256={one}" for one in signatures)})


CERTIFICATE = {"thumbprint": "ab", "content": "-----BEGIN"}
CONNECT = {
    "claims": {"sub": ["Zoë"]},
    "query": {"color": ["blue", "red"]},
    "headers": {"Host": ["x"]},
    "subprotocols": ["a", "b"],
    "clientCertificates": [CERTIFICATE],
}
MQTT_CONNECT = {
    "protocolVersion": 5,
    "cleanStart": True,
    "username": "ann",
    "password": "c2Vj",
    "userProperties": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}],
}
MQTT = {"mqtt": MQTT_CONNECT}
ENDED = {
    "reason": "bye",
    "mqtt": {
        "initiatedByClient": True,
        "disconnectPacket": {"code": 4, "userProperties": [{"name": "a", "value": "1"}]},
    },
}

PREFLIGHT = [
    asked("OPTIONS with the origin: 2xx, and the origin is allowed", preflight(), 200, ORIGIN),
    asked("GET, after a 404, the same", preflight(method="GET"), 200, ORIGIN),
    asked("compared without regard to case", preflight(ORIGIN.upper()), 200, ORIGIN.upper()),
    asked("a host with a port is that host", preflight(f"{ORIGIN}:8080"), 200, f"{ORIGIN}:8080"),
    asked("of several, those that are allowed", preflight(f"{ORIGIN}, evil.example.com"), 200, ORIGIN),
    asked("without ce-awpsversion too", Request("OPTIONS", preflight().headers[1:], b""), 200, ORIGIN),
    asked("a foreign origin", preflight("evil.example.com"), 403),
    asked("a foreign origin by GET", preflight("evil.example.com", "GET"), 403),
    asked("no origin", preflight(None), 400),
    asked("a browser", Request("GET", [], b""), 405),
]
HEADERS = [
    header("ce-specversion", "1.0"),
    header("ce-specversion", None),
    header("ce-awpsversion", None),
    header("ce-type", "azure.webpubsub.user.message", event_type="azure.webpubsub.user.message"),
    header("ce-type", "Azure.WebPubSub.User.message", event_name="message", data="hi"),
    header("ce-source", "/hubs/chat/client/c1", source="/hubs/chat/client/c1"),
    header("ce-source", "/client/c1", source="/client/c1"),
    header("ce-id", "2", id="2"),
    header("ce-time", "2026-11-24T13:00:00Z", time=datetime(2026, 11, 24, 13, tzinfo=UTC)),
    header("ce-time", "yesterday", time=None),
    header("ce-hub", "Chat", hub="Chat"),
    header("ce-eventName", "message", event_name="message"),
    header("ce-connectionId", "c2/å", connection_id="c2/å"),
    header("ce-userId", "Zoë 雪 🚀", user_id="Zoë 雪 🚀"),
    header("ce-userId", "a%20b", user_id="a%20b"),
    header("ce-userId", None, user_id=None),
    header("ce-subprotocol", "json.webpubsub.azure.v1", subprotocol="json.webpubsub.azure.v1"),
    header("ce-connectionState", "eyJuIjoxfQ==", state="eyJuIjoxfQ=="),
    header("ce-connectionState", "", state=""),
    header("ce-connectionState", None, state=None),
    header("ce-sessionId", "s1", session_id="s1"),
    header("ce-physicalConnectionId", "p1", physical_connection_id="p1"),
    header("WebHook-Request-Origin", ORIGIN, origin=ORIGIN),
    header("x-webpubsub-metadata-Trace", "abc", metadata={"trace": "abc"}),
    header(
        "x-ms-client-request-id",
        "5f6b7c88-0000-4000-8000-000000000000",
        request_id="5f6b7c88-0000-4000-8000-000000000000",
    ),
    header("mqtt-prop", "1", user_properties=(("prop", "1"),)),
    header("Cookie", "a=b"),
    header("X-Unknown", "tolerated"),
    refused("a user id that is not UTF-8", event("sys.connected", {}, {"ce-userId": b"\xff"}), 400),
    refused("two hubs", event("sys.connect", {}, {"ce-hub": "chat,chat"}), 400),
    refused("another hub", event("sys.connect", {}, {"ce-hub": "news"}), 404),
    refused("there is no hub for all", event("sys.connect", {}, {"ce-hub": "_default"}), 404),
    refused("no connection", Request("POST", [], b"{}"), 400),
    refused("no hub", event("sys.connect", {}, {"ce-hub": None}), 400),
    refused("no type", event("sys.connect", {}, {"ce-type": None}), 400),
    Row("signed: lower case", signed(digest("c1"))),
    Row("signed: upper case", signed(digest("c1").upper())),
    Row("signed: the second key", signed(digest("c1", SECOND_KEY))),
    Row("signed: both keys", signed(digest("c1"), digest("c1", SECOND_KEY))),
    Row("signed: both keys, the first unknown", signed("0" * 64, digest("c1"))),
    refused("not signed", event("sys.connect", {}, {"ce-signature": None})),
    refused("forged", signed("0" * 64)),
    refused("truncated", signed(digest("c1")[:-1])),
    refused("of another connection", signed(digest("c2"))),
    refused("the digits without sha256=", text("message", "hi", **{"ce-signature": digest("c1")})),
    refused("nothing after sha256=", signed("")),
    refused("connected, forged", event("sys.connected", {}, {"ce-signature": "sha256=" + "0" * 64})),
]
CONNECTING = [
    Row(
        "connect: what it tells",
        event("sys.connect", CONNECT),
        event={
            "id": "0",
            "claims": {"sub": ("Zoë",)},
            "query": {"color": ("blue", "red")},
            "headers": {"Host": ("x",)},
            "subprotocols": ("a", "b"),
            "client_certificates": (ClientCertificate(**CERTIFICATE),),
            "mqtt": None,
        },
    ),
    Row("connect: nothing changed", event("sys.connect", {}), reply=accept()),
    Row("connect: roles taken away", event("sys.connect", {}), 200, {}, b'{"roles":[]}', reply=accept(roles=[])),
    Row("connect: no groups of its own", event("sys.connect", {}), 200, {}, b'{"groups":[]}', reply=accept(groups=[])),
    Row(
        "connect: everything replaced",
        event("sys.connect", {}),
        200,
        {"Content-Type": JSON, STATE: base64.b64encode(b'{"n":1}').decode()},
        json.dumps(
            {"userId": "Zoë", "groups": ["a"], "roles": ["webpubsub.sendToGroup"], "subprotocol": "own"},
            separators=(",", ":"),
        ).encode(),
        reply=accept(user_id="Zoë", groups=["a"], roles=["webpubsub.sendToGroup"], subprotocol="own", state={"n": 1}),
    ),
    Row("connect: the empty user", event("sys.connect", {}), 200, {}, b'{"userId":""}', reply=accept(user_id="")),
    Row("connect: an empty state", event("sys.connect", {}), 204, {STATE: ""}, reply=accept(state="")),
    Row("connect: refused with words", event("sys.connect", {}), 401, {}, "nö".encode(), reply=reject(401, "nö")),
    Row("connect: too many", event("sys.connect", {}), 429, {}, b"later", reply=reject(429, "later")),
    refused("connect: bad JSON", event("sys.connect", b"{"), 400),
    refused("connect: no object", event("sys.connect", b"[]"), 400),
    Row(
        "MQTT: what a CONNECT packet says",
        event("sys.connect", MQTT, {"ce-physicalConnectionId": "p1", "ce-subprotocol": "mqtt"}),
        event={
            "physical_connection_id": "p1",
            "mqtt": MqttConnect(
                protocol_version=5,
                clean_start=True,
                username="ann",
                password=b"sec",
                user_properties=(("a", "1"), ("a", "2")),
            ),
        },
    ),
    Row(
        "MQTT: properties of the CONNACK packet",
        event("sys.connect", MQTT),
        200,
        {},
        b'{"mqtt":{"userProperties":[{"name":"a","value":"1"}]}}',
        reply=accept(user_properties={"a": "1"}),
    ),
    Row(
        "MQTT: the code of the CONNACK packet",
        event("sys.connect", MQTT),
        401,
        {},
        b'{"mqtt":{"code":134,"reason":"no"}}',
        reply=reject(401, "no", mqtt_code=134),
    ),
]
OTHERS = [
    payload("text/plain", "Grüße".encode(), "Grüße"),
    payload("application/json", '{"a":[1,"ä"]}'.encode(), {"a": [1, "ä"]}),
    payload("application/octet-stream", b"\x00\xff", b"\x00\xff"),
    Row(
        "a payload of protobuf",
        event("user.message", b"\x0a", {"Content-Type": "application/x-protobuf"}),
        event={"data": b"\x0a", "content_type": "application/x-protobuf"},
    ),
    Row(
        "no type is octets",
        event("user.message", b"x", {"Content-Type": None}),
        event={"data": b"x", "content_type": "application/octet-stream"},
    ),
    Row(
        "the type in another case, with parameters",
        event("user.message", b"x", {"Content-Type": "Text/Plain; charset=UTF-8"}),
        event={"data": "x", "content_type": "text/plain"},
    ),
    Row("the body is not signed", text("message", "another")),
    Row("no reply is no message", text("message", "hi"), 204, {STATE: None}),
    Row("empty text is no message", text("message", "hi"), 200, {}, reply=reply("")),
    Row(
        "metadata makes even nothing a message",
        text("message", "hi"),
        200,
        {"x-webpubsub-metadata-a": "b"},
        reply=reply(metadata={"a": "b"}),
    ),
    Row("a state without a message", text("message", "hi"), 204, {STATE: "left"}, reply=reply(state="left")),
    Row("an empty state replaces, too", text("message", "hi"), 204, {STATE: ""}, reply=reply(state="")),
    Row("a refusal", text("message", "hi"), 422, {}, b"no", reply=reject(422, "no")),
    Row("too many", text("message", "hi"), 429, {}, b"", reply=reject(429)),
    refused("text that is not UTF-8", event("user.message", b"\xff", {"Content-Type": "text/plain"}), 400),
    refused("a number beyond a float", event("user.message", b"1e999999"), 400),
    refused("half of a surrogate pair", event("user.message", b'{"a":"\\uD83d"}'), 400),
    Row("connected", event("sys.connected", {}, {"ce-id": "1"}), event={"id": "1", "event_name": "connected"}),
    Row("disconnected", event("sys.disconnected", {"reason": "bye"}), event={"reason": "bye", "mqtt": None}),
    Row(
        "disconnected: MQTT",
        event("sys.disconnected", ENDED),
        event={
            "reason": "bye",
            "mqtt": MqttDisconnect(initiated_by_client=True, code=4, user_properties=(("a", "1"),)),
        },
    ),
    Row("joined", event("gp.joined", {"group": "räume/1"}), event={"group": "räume/1", "event_name": "joined"}),
    Row("left", event("gp.left", {"group": "räume/1"}), event={"group": "räume/1", "event_name": "left"}),
    Row("an unknown event is tolerated", event("sys.paused", {}), event=None),
    refused("put", event("sys.connect", {})._replace(method="PUT"), 405),
    refused("delete", event("sys.connect", {})._replace(method="DELETE"), 405),
]
ROWS = PREFLIGHT + HEADERS + CONNECTING + OTHERS

Door = Callable[[EventHandler, Request], Awaitable[HttpResponse]]


async def through_asgi(handler: EventHandler, request: Request) -> HttpResponse:
    """Call the ASGI door."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower(), value) for name, value in request.headers]
    await handler.asgi({"type": "http", "method": request.method, "headers": headers}, receive, send)
    start, end = sent
    said = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return HttpResponse(start["status"], said, end["body"])


async def through_wsgi(handler: EventHandler, request: Request) -> HttpResponse:
    """Call the WSGI door."""
    environ: dict[str, Any] = {"REQUEST_METHOD": request.method, "wsgi.input": io.BytesIO(request.body)}
    for name, value in request.headers:
        key = name.decode().upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    environ["CONTENT_LENGTH"] = str(len(request.body))
    started: list[Any] = []

    def serve() -> bytes:
        return b"".join(handler.wsgi(environ, lambda status, headers: started.append((status, headers))))

    body = await asyncio.to_thread(serve)
    ((status, headers),) = started
    return HttpResponse(int(status.partition(" ")[0]), headers, body)


async def through_aiohttp(handler: EventHandler, request: Request) -> HttpResponse:
    """Call the door of aiohttp."""
    content = StreamReader(Mock(_reading_paused=False), 65536, loop=asyncio.get_running_loop())
    content.feed_data(request.body)
    content.feed_eof()
    given = make_mocked_request(request.method, "/", payload=content)
    given._message = given._message._replace(raw_headers=tuple(request.headers))
    response = await handler.aiohttp(given)
    assert isinstance(response.body, bytes)
    return HttpResponse(response.status, list(response.headers.items()), response.body)


DOORS: dict[str, Door] = {"asgi": through_asgi, "wsgi": through_wsgi, "aiohttp": through_aiohttp}


async def called(door: Door, row: Row) -> tuple[HttpResponse, list[Event]]:
    """Send the request of a row to a handler whose every function returns its reply."""
    seen: list[Event] = []

    def function(event: Any) -> Any:
        seen.append(event)
        return row.reply

    async with EventHandler(hub="chat", **ACCESS) as handler:
        for register in (
            handler.on_connect,
            handler.on_event(),
            handler.on_connected,
            handler.on_disconnected,
            handler.on_joined,
            handler.on_left,
        ):
            register(function)
        response = await door(handler, row.request)
    return response, seen


def parsed(row: Row) -> tuple[HttpResponse, list[Event]]:
    """Do the same without a handler: one call to read the request, and one to respond."""
    try:
        event = parse_event(*row.request, hub="chat", **ACCESS)
    except EventError as error:
        return make_response(None, error), []
    ours = isinstance(event, Preflight) or type(event).__name__ == "UnknownEvent"
    return make_response(event, row.reply), [] if ours else [event]  # type: ignore[list-item]


def faults(row: Row, response: HttpResponse, seen: list[Event]) -> Iterator[str]:
    """Tell what is not as a row has it."""
    given = {name.lower(): value for name, value in response.headers}
    if response.status != row.status:
        yield f"{response.status}, not {row.status}"
    if row.body is not None and response.body != row.body:
        yield f"{response.body!r}, not {row.body!r}"
    for name, value in row.headers.items():
        if given.get(name.lower()) != value:
            yield f"{name} is {given.get(name.lower())!r}, not {value!r}"
    if len(seen) != (row.event is not None):
        yield f"{len(seen)} functions ran"
    for one in seen:
        for name, wanted in (row.event or {}).items():
            if getattr(one, name) != wanted:
                yield f"{name} is {getattr(one, name)!r}, not {wanted!r}"


@pytest.mark.parametrize("door", [*DOORS, "parse_event"])
async def test_every_row_of_the_protocol_holds_at_every_door(door: str) -> None:
    """Status, headers and body of the response, and what the function saw."""
    found = {}
    for row in ROWS:
        response, seen = parsed(row) if door == "parse_event" else await called(DOORS[door], row)
        if wrong := list(faults(row, response, seen)):
            found[row.rule] = wrong

    assert found == {}
    assert len({row.rule for row in ROWS}) == len(ROWS)
