"""The doors in every framework as it is, on a real server, over a real socket.

Each row of the protocol through each door, without sockets, is in `test_protocol`.
"""

import base64
import io
import json
import socket
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.test import RequestFactory
from django.urls import URLPattern, path, re_path
from flask import Flask

from tests.support.event_applications import BODY_LIMIT, NAMES, django_settings, start
from tests.support.event_requests import ORIGIN, SECOND_KEY, Request, digest, event, preflight, text
from tests.support.tables import every_row
from webpubsub.events import DisconnectedEvent, Event, EventHandler, GroupJoinedEvent, GroupLeftEvent, reject

SECONDS_TO_WAIT = 20
WITHOUT_CHUNKS = ("wsgi",)


class Door:
    """An application that runs, and a client that calls it."""

    def __init__(self, name: str, url: str, seen: "SimpleQueue[Event]") -> None:
        self.name = name
        self.url = url
        self.seen = seen
        # Each request has a connection of its own: uvicorn closes one after an exception and does not say so before.
        self.client = httpx.Client(
            timeout=SECONDS_TO_WAIT, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def send(self, request: Request) -> httpx.Response:
        """Send a request as it is."""
        return self.client.request(request.method, self.url, headers=request.headers, content=request.body)

    def next_seen(self) -> Event:
        """Return the next event that was handled in the background."""
        return self.seen.get(timeout=SECONDS_TO_WAIT)


@pytest.fixture(scope="module", params=NAMES)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    """Run one of the applications."""
    with start(request.param) as (url, seen):
        door = Door(request.param, url, seen)
        yield door
        door.client.close()


REFUSED: list[tuple[str, Request, int]] = [
    ("not signed", event("sys.connect", {}, {"ce-signature": None}), 401),
    ("forged", event("sys.connect", {}, {"ce-signature": "sha256=" + "0" * 64}), 401),
    ("truncated", event("sys.connect", {}, {"ce-signature": f"sha256={digest('c1')[:-1]}"}), 401),
    ("forged user event", text("inspect", "hi", **{"ce-signature": "sha256=" + "0" * 64}), 401),
    ("forged connected", event("sys.connected", {}, {"ce-signature": "sha256=" + "0" * 64}), 401),
    ("another hub", event("sys.connect", {}, {"ce-hub": "news"}), 404),
    ("not an event", Request("POST", [], b"{}"), 400),
    ("bad JSON", event("sys.connect", b"{"), 400),
    ("a user id that is not UTF-8", event("sys.connect", {}, {"ce-userId": b"\xff"}), 400),
    ("a foreign origin", preflight("evil.example.com"), 403),
    ("a foreign origin by GET", preflight("evil.example.com", "GET"), 403),
    ("no origin", preflight(None), 400),
    ("a browser", Request("GET", [], b""), 405),
    ("put", event("sys.connect", {})._replace(method="PUT"), 405),
    ("delete", event("sys.connect", {})._replace(method="DELETE"), 405),
    ("two hubs in one", event("sys.connect", {}, {"ce-hub": "chat,chat"}), 400),
    ("two subprotocols in one", event("sys.connect", {}, {"ce-subprotocol": "a, b"}), 400),
    (
        "two connections in one",
        event("sys.connect", {}, {"ce-connectionId": "c1,c2", "ce-signature": f"sha256={digest('c1,c2')}"}),
        400,
    ),
    ("a number beyond a float", event("user.inspect", b"1e999999", {"Content-Type": "application/json"}), 400),
    (
        "half of a surrogate pair",
        event("user.inspect", b'{"a":"\\uD83d"}', {"Content-Type": "application/json"}),
        400,
    ),
    ("too large", text("length", "x" * (BODY_LIMIT + 1)), 413),
]


@every_row(("request_", "status"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_a_request_that_is_not_the_service_s_is_refused(door: Door, request_: Request, status: int) -> None:
    """With the status of the row, and without running anything."""
    response = door.send(request_)

    assert response.status_code == status
    assert "secret" not in response.text
    assert door.seen.empty()


@every_row(
    "signature",
    [
        f"sha256={digest('c1').upper()}",
        f"sha256={digest('c1', SECOND_KEY)}",
        f"sha256={digest('c1', SECOND_KEY)},sha256={digest('c1')}",
        f"sha256={'0' * 64},sha256={digest('c1')}",
    ],
    ids=["upper case", "second key", "both keys", "first key unknown"],
)
def test_a_signature_of_any_key_is_taken(door: Door, signature: str) -> None:
    """As the service sends them while keys are exchanged."""
    assert door.send(event("sys.connect", {}, {"ce-signature": signature})).status_code == 204


@every_row("method", ["OPTIONS", "GET"])
def test_the_preflight_of_the_service_is_answered(door: Door, method: str) -> None:
    """By OPTIONS, and by GET, which the service tries after a 404."""
    response = door.send(preflight(ORIGIN, method))

    assert response.is_success
    assert response.headers.get_list("WebHook-Allowed-Origin") == [ORIGIN]


@every_row(
    ("query", "status", "said"),
    [
        ({}, 204, None),
        (
            {"accept": ["1"]},
            200,
            {"userId": "Zoë", "groups": ["a"], "roles": [], "subprotocol": "custom"},
        ),
        ({"refuse": ["400"]}, 400, "nö"),
        ({"refuse": ["401"]}, 401, "nö"),
        ({"refuse": ["500"]}, 500, "nö"),
    ],
)
def test_connect_is_accepted_or_refused(door: Door, query: dict[str, list[str]], status: int, said: Any) -> None:
    """Nothing, an object, or words with a status."""
    response = door.send(
        event("sys.connect", {"query": query, "claims": {}, "headers": {}, "subprotocols": ["custom"]})
    )

    assert response.status_code == status
    found = None if status == 204 else response.json() if status == 200 else response.text
    assert found == said
    assert response.headers.get("ce-connectionState") == ("eyJuIjoxfQ==" if status == 200 else None)


@every_row("version", [4, 5])
def test_an_mqtt_client_is_refused_with_a_code(door: Door, version: int) -> None:
    """In the body that becomes the CONNACK packet."""
    body = {"query": {"refuse": ["401"]}, "mqtt": {"protocolVersion": version, "username": "ann", "password": "c2Vj"}}
    response = door.send(event("sys.connect", body, {"ce-physicalConnectionId": "p1"}))

    assert (response.status_code, response.json()) == (401, {"mqtt": {"code": {4: 5, 5: 135}[version], "reason": "nö"}})


@every_row(
    ("content_type", "body", "data"),
    [
        ("text/plain", "Grüße".encode(), "Grüße"),
        ("application/json", b'{"a":[1,null]}', {"a": [1, None]}),
        ("application/octet-stream", b"\x00\xff", [0, 255]),
        ("application/x-protobuf", b"\x0a", [10]),
    ],
)
def test_a_user_event_arrives_whole(door: Door, content_type: str, body: bytes, data: object) -> None:
    """Payload, user, state, metadata and all the rest, beyond ASCII too."""
    headers = {
        "Content-Type": content_type,
        "ce-userId": "Zoë 雪 🚀",
        "ce-subprotocol": "json.webpubsub.azure.v1",
        "ce-connectionState": "eyJuIjoxfQ==",
        "ce-sessionId": "s1",
        "ce-physicalConnectionId": "p1",
        "x-webpubsub-metadata-Trace": "abc",
        "mqtt-prop": "1",
        "X-Unknown": "tolerated",
        "Cookie": "a=b",
    }
    response = door.send(event("user.inspect", body, headers))

    assert response.status_code == 200
    assert response.json() == {
        "event_type": "azure.webpubsub.user.inspect",
        "hub": "chat",
        "connection_id": "c1",
        "event_name": "inspect",
        "user_id": "Zoë 雪 🚀",
        "subprotocol": "json.webpubsub.azure.v1",
        "state": "eyJuIjoxfQ==",
        "id": "0",
        "source": "/hubs/chat/client/c1",
        "time": "2026-11-24T13:00:00+00:00",
        "request_id": "5f6b7c88-0000-4000-8000-000000000000",
        "origin": ORIGIN,
        "metadata": {"trace": "abc"},
        "physical_connection_id": "p1",
        "session_id": "s1",
        "data": data,
        "content_type": content_type,
        "user_properties": [["prop", "1"]],
    }


@every_row(
    ("content_type", "body", "answered"),
    [
        ("text/plain", "Grüße".encode(), "text/plain; charset=utf-8"),
        ("application/json", b'{"a":"\xc3\xa4"}', "application/json; charset=utf-8"),
        ("application/octet-stream", b"\x00\xff", "application/octet-stream"),
    ],
)
def test_a_reply_leaves_whole(door: Door, content_type: str, body: bytes, answered: str) -> None:
    """Payload, media type, metadata and state."""
    response = door.send(event("user.echo", body, {"Content-Type": content_type, "x-webpubsub-metadata-a": "b"}))

    assert (response.status_code, response.content) == (200, body)
    assert response.headers["Content-Type"] == answered
    assert response.headers["x-webpubsub-metadata-a"] == "b"
    assert response.headers["ce-connectionState"] == "left"


@every_row(
    ("name", "status", "body"),
    [("nothing", 204, ""), ("refuse", 422, "not like that")],
)
def test_a_user_event_may_have_no_reply_or_fail(door: Door, name: str, status: int, body: str) -> None:
    """Nothing, or a status and words."""
    response = door.send(text(name, ""))

    assert (response.status_code, response.text) == (status, body)


@every_row("request_", [text("fail", ""), event("sys.connect", {"query": {"fail": ["1"]}})])
def test_an_error_in_a_function_is_500_and_three_words(door: Door, request_: Request) -> None:
    """Never a traceback; what a route of its own raises, FastAPI answers in the same words.

    Then it raises on, for the log, and uvicorn closes the connection without having announced it: the next request
    must not go there.
    """
    alone = request_._replace(headers=[*request_.headers, (b"Connection", b"close")])
    response = door.send(alone)

    assert (response.status_code, response.text.capitalize()) == (500, "Internal server error")


def test_what_nobody_waits_for_is_handled(door: Door) -> None:
    """Connected, disconnected, joined and left, of several connections, each answered without a word."""
    sent = {
        "c1": event("sys.connected", {}, {"ce-userId": "Zoë"}),
        "c2": event("sys.disconnected", {"reason": "bye"}, {"ce-connectionId": "c2"}),
        "c3": event("gp.joined", {"group": "räume/1"}, {"ce-connectionId": "c3"}),
        "c4": event("gp.left", {"group": "räume/1"}, {"ce-connectionId": "c4"}),
    }
    for request in sent.values():
        response = door.send(request)
        assert (response.status_code, response.content) == (204, b"")

    seen = {one.connection_id: one for one in (door.next_seen() for _ in sent)}
    assert seen["c1"].user_id == "Zoë"
    assert isinstance(seen["c2"], DisconnectedEvent)
    assert seen["c2"].reason == "bye"
    assert isinstance(seen["c3"], GroupJoinedEvent)
    assert isinstance(seen["c4"], GroupLeftEvent)
    assert seen["c3"].group == seen["c4"].group == "räume/1"


def test_an_unknown_event_is_tolerated(door: Door) -> None:
    """204: the service need not send it again."""
    assert door.send(event("sys.paused", {})).status_code == 204
    if door.name == "fastapi-route":
        assert door.next_seen().event_name == "paused"


def test_a_large_payload_arrives_whole(door: Door) -> None:
    """More than the frameworks take on their own; the limit is the handler's."""
    assert door.send(text("length", "x" * BODY_LIMIT)).text == str(BODY_LIMIT)


def test_a_payload_without_a_length_arrives_whole(door: Door) -> None:
    """In chunks, as proxies may send it; servers that cannot tell the end refuse it or see nothing."""
    if door.name in WITHOUT_CHUNKS:
        pytest.skip("its server does not read chunks")
    method, headers, _ = text("length", "")
    response = door.client.request(method, door.url, headers=headers, content=iter([b"ab", b"cde"]))

    assert response.text == "5"


def test_a_chunked_payload_beyond_the_limit_is_refused(door: Door) -> None:
    """Before it is read whole."""
    if door.name in WITHOUT_CHUNKS:
        pytest.skip("its server does not read chunks")
    method, headers, _ = text("length", "")
    response = door.client.request(method, door.url, headers=headers, content=iter([b"x" * 1024 * 1024] * 4))

    assert response.status_code == 413


def test_a_length_that_is_none_is_refused_at_every_door(door: Door) -> None:
    """By the server or by the handler; the event does not lose its payload."""
    url = httpx.URL(door.url)
    request = text("length", "abc")
    lines = [f"POST {url.path} HTTP/1.1".encode(), b"Host: x", b"Connection: close", b"Content-Length: -1"]
    lines += [name + b": " + value for name, value in request.headers]
    with socket.create_connection((url.host, url.port or 80), SECONDS_TO_WAIT) as sock:
        sock.sendall(b"\r\n".join([*lines, b"", request.body]))
        status = sock.makefile("rb").readline().split()[1]

    assert status == b"400"


def test_a_body_that_is_not_compressed_as_it_says_is_the_sender_s_mistake(door: Door) -> None:
    """Where a server undoes compression, its failure must not become one of the application."""
    method, headers, _ = text("inspect", "")
    packed = [*headers, (b"Content-Encoding", b"gzip"), (b"Connection", b"close")]

    assert door.client.request(method, door.url, headers=packed, content=b"not gzip").status_code in (200, 400)


def test_state_makes_a_round_trip(door: Door) -> None:
    """What one reply leaves, the next event brings."""
    left = door.send(event("sys.connect", {"query": {"accept": ["1"]}})).headers["ce-connectionState"]
    seen = door.send(text("inspect", "", **{"ce-connectionState": left})).json()["state"]

    assert json.loads(base64.b64decode(seen)) == {"n": 1}


async def test_a_client_that_leaves_while_it_sends_is_not_answered() -> None:
    """The ASGI door gets its parting as a message."""
    handler = EventHandler(hub="chat", access_keys=["key"])
    first = {"type": "http.request", "body": b"{", "more_body": True}
    messages: Iterator[dict[str, Any]] = iter([first, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: object) -> None:
        pytest.fail("nobody is there")

    await handler.asgi({"type": "http", "method": "POST", "headers": []}, receive, send)


async def test_a_websocket_at_the_door_is_closed() -> None:
    """It belongs to the service."""
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await EventHandler(hub="chat", access_keys=["key"]).asgi({"type": "websocket"}, receive, send)

    assert sent == ["websocket.close"]


@pytest.mark.parametrize(("length", "status"), [("x", "400 Bad Request"), ("-1", "400 Bad Request")])
def test_a_length_that_is_none_is_refused(length: str, status: str) -> None:
    """The WSGI door does not trust its server."""
    assert wsgi_status({"CONTENT_LENGTH": length}) == status


def test_a_status_without_a_phrase_has_one() -> None:
    """WSGI wants words."""
    handler = EventHandler(hub="chat", access_keys=[], verify=False)
    handler.on_message(lambda event: reject(499, "gone"))
    given = text("message", "").headers
    headers = {f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode() for name, value in given}

    assert wsgi_status(headers, handler) == "499 Unknown"


def wsgi_status(environ: dict[str, str], handler: EventHandler | None = None) -> str:
    """Call the WSGI door and return the status line."""
    lines: list[str] = []
    door = (handler or EventHandler(hub="chat", access_keys=["key"])).wsgi
    door(
        {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(), **environ}, lambda status, headers: lines.append(status)
    )
    return lines[0]


def test_a_header_name_that_upper_case_leads_out_of_latin_1_is_tolerated() -> None:
    """WSGI servers make names upper case: of `µ` comes a letter that is Greek."""
    assert wsgi_status({"HTTP_X-µ".upper(): "1"}) == "400 Bad Request"


ASKING = {"WebHook-Request-Origin": ORIGIN}


def test_a_route_of_flask_may_have_variables() -> None:
    """As the URL of the hub's settings has them: the view looks at the event alone."""
    app = Flask(__name__)
    with EventHandler(hub="chat", access_keys=[SECOND_KEY], allowed_origins=[ORIGIN]) as handler:
        app.add_url_rule("/<hub>/<event>", view_func=handler.flask)
        response = app.test_client().options("/chat/validate", headers=ASKING)

    assert response.status_code == 200


@pytest.mark.parametrize("route", [path("<hub>/<event>", lambda: None), re_path(r"^(\w+)/(\w+)$", lambda: None)])
def test_a_route_of_django_may_have_variables(route: URLPattern) -> None:
    """With names and without."""
    found = route.resolve("chat/validate")
    assert found is not None
    with (
        EventHandler(hub="chat", access_keys=[SECOND_KEY], allowed_origins=[ORIGIN]) as handler,
        django_settings(handler),
    ):
        request = RequestFactory().options("/chat/validate", headers=ASKING)
        response = async_to_sync(handler.django)(request, *found.args, **found.kwargs)

    assert response.status_code == 200
