"""Whatever a request holds, the answer is an event or an `EventError`, and a response that HTTP can carry.

`EVENTS_EXAMPLES=100000 pytest tests/events/test_fuzzing.py --timeout=0` looks longer.
"""

import asyncio
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.event_requests import KEY, digest
from webpubsub.errors import ConfigurationError, EventError
from webpubsub.events import EventHandler, UserEvent, accept, make_response, parse_event, reject, reply
from webpubsub.events.signatures import is_signed

pytestmark = pytest.mark.no_cover  # what chance reaches is not counted

EXAMPLES = int(os.environ.get("EVENTS_EXAMPLES", "100"))
LENGTHY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = [
    "ce-type", "ce-hub", "ce-connectionId", "ce-userId", "ce-eventName", "ce-subprotocol", "ce-connectionState",
    "ce-signature", "ce-time", "ce-id", "ce-source", "ce-sessionId", "ce-physicalConnectionId", "content-type",
    "webhook-request-origin", "x-webpubsub-metadata-a", "mqtt-a", "authorization", "x-ms-client-request-id",
]  # fmt: skip
KINDS = [
    "sys.connect",
    "sys.connected",
    "sys.disconnected",
    "user.message",
    "user.",
    "gp.joined",
    "gp.left",
    "sys.",
    "",
]
TYPES = ["text/plain", "application/json", "application/octet-stream", "application/x-protobuf", "TEXT/PLAIN;x", ""]
WORDS = ["claims", "query", "headers", "subprotocols", "clientCertificates", "thumbprint", "content", "reason", "group"]
MQTT_WORDS = [
    "mqtt",
    "protocolVersion",
    "username",
    "password",
    "userProperties",
    "name",
    "value",
    "disconnectPacket",
    "code",
]

anything = st.one_of(
    st.text(), st.binary(), st.sampled_from(TYPES), st.sampled_from(["2026-11-24T13:00:00Z", "*", ","])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS + MQTT_WORDS), st.text()), inner, max_size=6),
    ),
    max_leaves=12,
)
bodies = st.one_of(st.binary(), values.map(lambda value: json.dumps(value).encode()))
extra_headers = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(), st.binary()), anything, max_size=6)
methods = st.one_of(st.sampled_from(["POST", "OPTIONS", "GET"]), st.text(max_size=8))

HTTP_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HTTP_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass
class Order:
    """What a function asks for."""

    number: int
    names: list[str]


def make() -> EventHandler:
    """Make a handler whose functions send back what they get."""
    handler = EventHandler(hub="chat", access_keys=[KEY], allowed_origins=["*.example.com"])

    @handler.on_connect
    def connect(event: Any) -> Any:
        try:
            return accept(user_id=event.user_id, groups=event.subprotocols, state=dict(event.claims))
        except ConfigurationError:
            return reject(
                400, repr(event.query), user_properties=dict(event.mqtt.user_properties if event.mqtt else {})
            )

    @handler.on_event("order")
    def order(event: UserEvent[Order]) -> Order:
        return event.data

    handler.on_event()(lambda event: event.body)
    for register in (handler.on_connected, handler.on_disconnected, handler.on_joined, handler.on_left):
        register(repr)
    return handler


HANDLER = make()

Pairs = list[tuple[bytes, bytes]]
Response = tuple[int, list[tuple[str, str]], bytes]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """Have one event loop for all inputs, and nothing left of the handler after them."""
    with asyncio.Runner() as runner:
        yield runner
    HANDLER.close()


def through_asgi(runner: asyncio.Runner, method: str, headers: Pairs, body: bytes) -> Response:
    """Call the ASGI door, with the body in two pieces."""
    middle = len(body) // 2
    pieces: Iterator[dict[str, Any]] = iter(
        [
            {"type": "http.request", "body": body[:middle], "more_body": True},
            {"type": "http.request", "body": body[middle:]},
        ]
    )
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(pieces)

    async def send(message: Any) -> None:
        sent.append(message)

    runner.run(HANDLER.asgi({"type": "http", "method": method, "headers": headers}, receive, send))
    start, end = sent
    return start["status"], [(name.decode(), value.decode()) for name, value in start["headers"]], end["body"]


def through_wsgi(_: asyncio.Runner, method: str, headers: Pairs, body: bytes) -> Response:
    """Call the WSGI door as servers do: what comes twice is joined, bytes are latin-1."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body)}
    for name, value in headers:
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value.decode('latin-1')}" if key in environ else value.decode("latin-1")
    started: list[Any] = []
    content = HANDLER.wsgi(
        environ | {"CONTENT_LENGTH": str(len(body))}, lambda status, headers: started.append((status, headers))
    )
    ((status, said),) = started
    return int(status[:3]), said, b"".join(content)


def through_parse_event(_: asyncio.Runner, method: str, headers: Pairs, body: bytes) -> Response:
    """Call `parse_event`, and respond without a word."""
    try:
        event = parse_event(method, headers, body, access_keys=[KEY], hub="chat", allowed_origins=["*.example.com"])
        return make_response(event)
    except EventError as error:
        return make_response(None, error)


def octets(value: str | bytes) -> bytes:
    """Give what a socket carries."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def is_fine(status: int, headers: list[tuple[str, str]], body: bytes) -> bool:
    """Tell whether HTTP can carry a response."""
    names = [name.lower() for name, _ in headers]
    return (
        200 <= status < 600
        and len(set(names)) == len(names)
        and all(HTTP_NAME.fullmatch(name) and HTTP_VALUE.fullmatch(value) for name, value in headers)
        and isinstance(body, bytes)
    )


@LENGTHY
@given(
    st.sampled_from([through_asgi, through_wsgi, through_parse_event]),
    methods,
    st.sampled_from(KINDS),
    st.one_of(st.just("order"), st.text()),
    extra_headers,
    bodies,
    st.booleans(),
)
def test_no_request_is_too_strange(
    runner: asyncio.Runner,
    door: Any,
    method: str,
    kind: str,
    name: str,
    extra: dict[str | bytes, str | bytes],
    body: bytes,
    signed: bool,
) -> None:
    """Signed ones get through to the functions, so that these branches are reached, too."""
    headers: dict[str | bytes, str | bytes] = {
        "ce-type": f"azure.webpubsub.{kind}",
        "ce-hub": "chat",
        "ce-eventName": name,
        "ce-connectionId": "c1",
        "Content-Type": "application/json",
        **extra,
    }
    if signed:
        headers |= {"ce-signature": f"sha256={digest('c1')}", "ce-connectionId": "c1", "ce-hub": "chat"}

    status, fields, content = door(
        runner, method, [(octets(name), octets(value)) for name, value in headers.items()], body
    )

    assert is_fine(status, fields, content)
    assert status != 500


@LENGTHY
@given(st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text()), anything), max_size=8), bodies, methods)
def test_headers_alone_are_an_event_or_an_error(
    headers: list[tuple[str, str | bytes]], body: bytes, method: str
) -> None:
    """Repeated, halved, of any bytes: nothing but an `EventError` comes out, and its response is fine."""
    try:
        event = parse_event(method, headers, body, access_keys=[], verify=False)
        response = make_response(event)
    except EventError as error:
        event, response = None, make_response(None, error)

    assert is_fine(*response)
    assert repr(event)


@LENGTHY
@given(st.text(), st.text(), st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_no_text_is_a_signature_by_chance(signature: str, connection_id: str, keys: list[str]) -> None:
    """And none breaks the comparison."""
    sound = [key for key in keys if key.isprintable()] or ["key"]

    assert not is_signed(signature, connection_id, sound)


@LENGTHY
@given(st.one_of(values, st.binary()), st.dictionaries(st.text(), st.text()), st.one_of(st.none(), values))
def test_a_reply_is_sent_whole_or_refused(data: Any, metadata: dict[str, str], state: Any) -> None:
    """Never a response that HTTP cannot carry, never another error than those that are documented."""
    event = UserEvent(
        event_type="azure.webpubsub.user.x",
        hub="chat",
        connection_id="c",
        event_name="x",
        data="",
        content_type="text/plain",
    )
    try:
        answer = reply(data, metadata=metadata, state=state)
    except (ConfigurationError, TypeError, ValueError):
        return
    assert is_fine(*make_response(event, answer))
