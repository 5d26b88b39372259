"""Requests to events and replies to responses, row by row, without a server."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.support.event_requests import (
    CONNECTION_STRING,
    KEY,
    ORIGIN,
    SECOND_KEY,
    Request,
    digest,
    event,
    preflight,
    text,
)
from tests.support.tables import every_row
from webpubsub.connection_string import ConnectionString
from webpubsub.errors import ConfigurationError, EventError
from webpubsub.events import (
    AcceptReply,
    AnyEvent,
    ConnectEvent,
    DisconnectedEvent,
    HttpResponse,
    MessageReply,
    MqttConnect,
    Preflight,
    RejectReply,
    UnknownEvent,
    UserEvent,
    accept,
    make_response,
    parse_event,
    reject,
    reply,
)
from webpubsub.events.acceptance import accepting
from webpubsub.events.http import receive


def parse(request: Request, **options: Any) -> AnyEvent:
    """Read the event in a request."""
    found = parse_event(*request, **({"access_keys": [KEY, SECOND_KEY]} | options))
    assert not isinstance(found, Preflight)
    return found


def refusal(request: Request, **options: Any) -> EventError:
    """Return why a request is refused."""
    with pytest.raises(EventError) as caught:
        parse_event(*request, **({"access_keys": [KEY, SECOND_KEY]} | options))
    return caught.value


REFUSED: list[tuple[str, Request, dict[str, Any], int]] = [
    ("not signed", event("sys.connected", changes={"ce-signature": None}), {}, 401),
    ("an empty signature", event("sys.connected", changes={"ce-signature": ""}), {}, 401),
    ("forged", event("sys.connected", changes={"ce-signature": "sha256=" + "0" * 64}), {}, 401),
    ("truncated", event("sys.connected", changes={"ce-signature": f"sha256={digest('c1')[:-1]}"}), {}, 401),
    ("of another connection", event("sys.connected", changes={"ce-signature": f"sha256={digest('c2')}"}), {}, 401),
    ("another hub", event("sys.connected", changes={"ce-hub": "news"}), {"hub": "chat"}, 404),
    ("no hub", event("sys.connected", changes={"ce-hub": None}), {}, 400),
    ("no connection", event("sys.connected", changes={"ce-connectionId": None}), {}, 400),
    ("no type", event("sys.connected", changes={"ce-type": None}), {}, 400),
    ("nothing of an event", Request("POST", [], b"{}"), {}, 400),
    ("another method", event("sys.connected")._replace(method="PUT"), {}, 405),
    ("a GET without an origin", preflight(None, "GET"), {}, 405),
    ("an OPTIONS without an origin", preflight(None), {}, 400),
    ("a foreign origin", preflight("evil.example.com"), {}, 403),
    ("a foreign origin by GET", preflight("evil.example.com", "GET"), {}, 403),
    ("too large", text("message", "x" * 101), {"body_limit": 100}, 413),
    ("no UTF-8 in the text", event("user.message", b"\xff", {"Content-Type": "text/plain"}), {}, 400),
    ("no JSON", event("user.order", b"{", {"Content-Type": "application/json"}), {}, 400),
    ("NaN", event("user.order", b"NaN", {"Content-Type": "application/json"}), {}, 400),
    ("a number of 6,000 digits", event("user.order", b"1" * 6000), {}, 400),
    ("brackets without end", event("user.order", b"[" * 100_000), {}, 400),
    ("a connect body that is no object", event("sys.connect", []), {}, 400),
    ("claims that are no object", event("sys.connect", {"claims": []}), {}, 400),
    ("claims that are no strings", event("sys.connect", {"claims": {"sub": [1]}}), {}, 400),
    ("subprotocols that are no list", event("sys.connect", {"subprotocols": {}}), {}, 400),
    ("certificates that are no list", event("sys.connect", {"clientCertificates": {}}), {}, 400),
    ("certificates that are no objects", event("sys.connect", {"clientCertificates": ["x"]}), {}, 400),
    ("a thumbprint that is no string", event("sys.connect", {"clientCertificates": [{"thumbprint": 1}]}), {}, 400),
    ("mqtt that is no object", event("sys.connect", {"mqtt": 5}), {}, 400),
    ("mqtt without a version", event("sys.connect", {"mqtt": {}}), {}, 400),
    ("a version that is no number", event("sys.connect", {"mqtt": {"protocolVersion": True}}), {}, 400),
    ("a password that is not base64", event("sys.connect", {"mqtt": {"protocolVersion": 4, "password": "?"}}), {}, 400),
    ("a password that is no text", event("sys.connect", {"mqtt": {"protocolVersion": 4, "password": 5}}), {}, 400),
    ("a reason that is no string", event("sys.disconnected", {"reason": {}}), {}, 400),
    ("no group", event("gp.joined", {}), {}, 400),
    ("an empty group", event("gp.left", {"group": ""}), {}, 400),
    ("a user id that is not UTF-8", event("sys.connected", changes={"ce-userId": b"\xff"}), {}, 400),
]


@every_row(("request_", "options", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_request_is_refused(request_: Request, options: dict[str, Any], status: int) -> None:
    """With the status that the row says, and words in which no secret is."""
    error = refusal(request_, **options)

    assert error.status == status
    assert error.reason
    assert KEY not in str(error)


@pytest.mark.parametrize("name", ["ce-userId", "ce-hub", "ce-connectionId", "ce-type", "ce-connectionState"])
def test_a_header_that_must_be_single_is_refused_twice(name: str) -> None:
    """Nobody can know which of two user ids a check and a handler would take."""
    request = event("sys.connected", changes={"ce-userId": "ann", "ce-connectionState": "x"})
    headers = [*request.headers, (name.lower().encode(), b"other")]

    assert refusal(request._replace(headers=headers)).status == 400


@pytest.mark.parametrize("user", ["ann", "Zoë", "雪", "🚀", "100%25", "%C3%A4", "a b", "a,b", 'quo"te'])
def test_a_user_id_arrives_whole(user: str) -> None:
    """UTF-8 as it is; nothing is percent-decoded."""
    assert parse(event("sys.connected", changes={"ce-userId": user})).user_id == user


@pytest.mark.parametrize("user", ["Zoë", "雪", "ann"])
def test_a_user_id_that_a_framework_has_decoded_arrives_whole(user: str) -> None:
    """As latin-1, which is what WSGI does, or as UTF-8."""
    for decoded in (user.encode().decode("latin-1"), user):
        request = event("sys.connected", changes={"ce-userId": ""})
        headers = {name.decode(): value.decode() for name, value in request.headers} | {"ce-userId": decoded}
        found = parse_event("POST", headers, b"{}", access_keys=[KEY])

        assert isinstance(found, AnyEvent)
        assert found.user_id == user


def test_half_a_character_in_a_header_is_refused() -> None:
    """Python strings can hold what UTF-8 cannot."""
    headers = {name.decode(): value.decode() for name, value in event("sys.connected").headers}

    with pytest.raises(EventError, match="not Unicode"):
        parse_event("POST", headers | {"ce-userId": "\ud800"}, b"{}", access_keys=[KEY])


def test_bytes_that_are_not_utf_8_are_tolerated_where_they_do_not_matter() -> None:
    """A proxy in between may add what it likes."""
    assert parse(event("sys.connected", changes={"X-Proxy": b"\xe4"})).request_headers["x-proxy"] == "ä"


def test_no_user_and_an_empty_user_are_told_apart() -> None:
    """None is anonymous."""
    assert parse(event("sys.connected")).user_id is None
    assert parse(event("sys.connected", changes={"ce-userId": ""})).user_id == ""


@pytest.mark.parametrize("body", [b"", b"  ", b"{}"])
def test_the_body_of_connected_may_be_empty(body: bytes) -> None:
    """Nothing is in it anyway."""
    assert parse(event("sys.connected", body)).event_name == "connected"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason": null}'])
def test_a_reason_may_be_missing(body: bytes) -> None:
    """It is empty then."""
    found = parse(event("sys.disconnected", body))

    assert isinstance(found, DisconnectedEvent)
    assert (found.reason, found.mqtt) == ("", None)


def test_a_connect_body_may_be_empty() -> None:
    """Claims, query, headers and the rest are then, too."""
    found = parse(event("sys.connect", b"{}"))

    assert isinstance(found, ConnectEvent)
    assert (found.claims, found.query, found.headers, found.subprotocols) == ({}, {}, {}, ())
    assert (found.client_certificates, found.mqtt, found.subprotocol) == ((), None, None)


def test_a_single_value_counts_as_a_list() -> None:
    """Claims, query and headers come as lists; a service that spares the brackets is understood."""
    found = parse(event("sys.connect", {"claims": {"sub": "ann"}, "query": {"a": ["1", "2"]}, "headers": None}))

    assert isinstance(found, ConnectEvent)
    assert (found.claims, found.query, found.headers) == ({"sub": ("ann",)}, {"a": ("1", "2")}, {})


def test_an_mqtt_client_says_what_its_packet_says() -> None:
    """Version, user name, password and user properties, some of which may be null."""
    said = {"protocolVersion": 4, "cleanStart": None, "username": None, "password": None, "userProperties": None}
    found = parse(event("sys.connect", {"mqtt": said}, {"ce-physicalConnectionId": "p1"}))

    assert isinstance(found, ConnectEvent)
    assert found.mqtt == MqttConnect(protocol_version=4)
    assert found.physical_connection_id == "p1"


def test_an_mqtt_session_may_end_without_a_packet() -> None:
    """The code is None then, which is not the code 0."""
    found = parse(event("sys.disconnected", {"mqtt": {"initiatedByClient": False, "disconnectPacket": None}}))

    assert isinstance(found, DisconnectedEvent)
    assert found.mqtt is not None
    assert (found.mqtt.initiated_by_client, found.mqtt.code) == (False, None)


@pytest.mark.parametrize(
    ("content_type", "body", "data", "bare"),
    [
        ("text/plain", b"Gr\xc3\xbc\xc3\x9fe", "Grüße", "text/plain"),
        ("Text/Plain; charset=UTF-8", b"hi", "hi", "text/plain"),
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}, "application/json"),
        ("application/json; charset=utf-8", b'"text"', "text", "application/json"),
        ("application/octet-stream", b"\x00\xff", b"\x00\xff", "application/octet-stream"),
        ("application/x-protobuf", b"\x0a\x01", b"\x0a\x01", "application/x-protobuf"),
        ("image/png", b"\x89PNG", b"\x89PNG", "image/png"),
        (None, b"bytes", b"bytes", "application/octet-stream"),
    ],
)
def test_the_media_type_says_what_data_is(content_type: str | None, body: bytes, data: object, bare: str) -> None:
    """Text, JSON, and bytes for everything else; MQTT clients may name any type."""
    found = parse(event("user.message", body, {"Content-Type": content_type}))

    assert isinstance(found, UserEvent)
    assert (found.data, found.content_type, found.body) == (data, bare, body)


def test_user_properties_of_mqtt_come_in_headers() -> None:
    """Each with the prefix `mqtt-`."""
    found = parse(event("user.order", b"{}", {"mqtt-Trace": "1", "mqtt-b": "2", "ce-sessionId": "s1"}))

    assert isinstance(found, UserEvent)
    assert (found.user_properties, found.session_id) == ((("trace", "1"), ("b", "2")), "s1")


def test_a_name_may_be_in_the_type_only() -> None:
    """Events with dots in their names, too."""
    assert parse(text("my.order", "hi", **{"ce-eventName": None})).event_name == "my.order"
    assert parse(event("sys.connected", changes={"ce-eventName": None})).event_name == "connected"


@pytest.mark.parametrize("kind", ["sys.paused", "gp.renamed", "invoke.something"])
def test_an_unknown_event_is_tolerated(kind: str) -> None:
    """The service may grow; what it says is kept."""
    found = parse(event(kind, b"anything"))

    assert isinstance(found, UnknownEvent)
    assert (found.event_type, found.body) == (f"azure.webpubsub.{kind}", b"anything")


def test_names_of_headers_and_types_are_matched_without_regard_to_case() -> None:
    """HTTP/2 writes them in lower case, the documentation does not."""
    request = event("sys.Connected", changes={"ce-userId": "ann"})

    for change in (bytes.lower, bytes.upper):
        headers = [(change(name), value) for name, value in request.headers]
        assert parse(request._replace(headers=headers)).user_id == "ann"


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_cannot_be_read_is_none(time: str | None) -> None:
    """And refused where the age matters."""
    request = event("sys.connected", changes={"ce-time": time})

    assert parse(request).time is None
    assert refusal(request, max_age=timedelta(minutes=5)).status == 401


@pytest.mark.parametrize(
    ("time", "fits"),
    [
        ("2026-11-24T12:55:00Z", True),
        ("2026-11-24T12:54:59Z", False),
        ("2026-11-24T13:05:00Z", True),
        ("2026-11-24T13:05:01Z", False),
        ("2026-11-24T13:00:00", True),
        ("2026-11-24T14:00:00+01:00", True),
    ],
)
def test_old_events_can_be_refused(time: str, fits: bool) -> None:
    """And those from the future beyond what clocks may differ."""
    acceptance = accepting(["chat"], access_keys=[KEY], max_age=timedelta(minutes=5))
    acceptance = evolve(acceptance, now=lambda: datetime(2026, 11, 24, 13, tzinfo=UTC))
    request = event("sys.connected", changes={"ce-time": time})

    if fits:
        assert receive(*request, acceptance)
    else:
        with pytest.raises(EventError, match="too old"):
            receive(*request, acceptance)


def test_the_clock_of_the_machine_says_what_is_old() -> None:
    """A day is more than an event takes, and now is not."""
    now = datetime.now(UTC)

    assert parse(event("sys.connected", changes={"ce-time": now.isoformat()}), max_age=timedelta(hours=1))
    old = event("sys.connected", changes={"ce-time": (now - timedelta(days=1)).isoformat()})
    assert refusal(old, max_age=timedelta(hours=1)).status == 401


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "options"])
@pytest.mark.parametrize(
    ("origin", "options", "answer"),
    [
        (ORIGIN, {}, ORIGIN),
        (ORIGIN.upper(), {}, ORIGIN.upper()),
        (f"evil.example.com, {ORIGIN}", {}, ORIGIN),
        ("127.0.0.1:8080", {"allowed_origins": ["127.0.0.1"]}, "127.0.0.1:8080"),
        ("anything", {"allowed_origins": ["*"]}, "*"),
        (ORIGIN, {"connection_string": CONNECTION_STRING}, ORIGIN),
    ],
)
def test_the_preflight_of_an_allowed_origin_is_answered(
    method: str, origin: str, options: dict[str, Any], answer: str
) -> None:
    """With that origin; nothing is signed, so no key is needed."""
    found = parse_event(*preflight(origin, method), **({"access_keys": [KEY]} | options))

    assert make_response(found) == (200, [("WebHook-Allowed-Origin", answer)], b"")


def test_a_connection_string_allows_its_own_host_only() -> None:
    """Another resource of the same cloud is a foreign one."""
    assert refusal(preflight("other.webpubsub.azure.com"), connection_string=CONNECTION_STRING).status == 403


@pytest.mark.parametrize("origin", [b"evil\r\nSet-Cookie: a", "böse.example.com", b"\xff"])
def test_an_origin_cannot_break_out_of_its_header(origin: Any) -> None:
    """Even where every origin below a domain is allowed."""
    request = preflight()._replace(
        headers=[(b"webhook-request-origin", origin if isinstance(origin, bytes) else origin.encode())]
    )

    assert refusal(request, allowed_origins=["*.example.com"]).status == 403


PLAIN = ("Content-Type", "text/plain; charset=utf-8")
JSON = ("Content-Type", "application/json; charset=utf-8")
BINARY = ("Content-Type", "application/octet-stream")
PROTOBUF = ("Content-Type", "application/x-protobuf")

RESPONSES: list[tuple[AcceptReply | RejectReply | MessageReply | EventError | None, HttpResponse]] = [
    (None, HttpResponse(204, [], b"")),
    (accept(), HttpResponse(204, [], b"")),
    (accept(state="s"), HttpResponse(204, [("ce-connectionState", "s")], b"")),
    (accept(state=""), HttpResponse(204, [("ce-connectionState", "")], b"")),
    (reject(401, "why"), HttpResponse(401, [PLAIN, ("WWW-Authenticate", "Bearer")], b"why")),
    (EventError(403, "nö"), HttpResponse(403, [PLAIN], "nö".encode())),
    (reject(405), HttpResponse(405, [PLAIN, ("Allow", "GET, OPTIONS, POST")], b"")),
]


@pytest.mark.parametrize(("given", "wanted"), RESPONSES)
def test_a_reply_to_connect_becomes_a_response(given: Any, wanted: HttpResponse) -> None:
    """Status, headers and body."""
    assert make_response(parse(event("sys.connect", b"{}")), given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (accept(user_id="Zoë"), {"userId": "Zoë"}),
        (accept(user_id=""), {"userId": ""}),
        (accept(groups=["a", "b"]), {"groups": ["a", "b"]}),
        (accept(roles=[]), {"roles": []}),
        (accept(roles=["webpubsub.sendToGroup"]), {"roles": ["webpubsub.sendToGroup"]}),
        (accept(subprotocol="custom"), {"subprotocol": "custom"}),
        (accept(user_properties={"a": "1"}), {"mqtt": {"userProperties": [{"name": "a", "value": "1"}]}}),
    ],
)
def test_only_what_was_said_is_in_an_acceptance(given: AcceptReply, wanted: Mapping[str, object]) -> None:
    """What is left out keeps the value of the token; an empty list does not."""
    response = make_response(parse(event("sys.connect", b"{}")), given)

    assert (response.status, json.loads(response.body)) == (200, wanted)
    assert response.headers == [JSON]


@pytest.mark.parametrize(
    ("version", "given", "code"),
    [
        (4, reject(401), 5), (4, reject(403), 5), (4, reject(429), 3), (4, reject(500), 3), (4, reject(400), 5),
        (5, reject(401), 135), (5, reject(403), 135), (5, reject(429), 151), (5, reject(503), 136),
        (5, reject(400), 131),        (5, reject(404), 128), (6, reject(401), 135), (4, reject(401, mqtt_code=4), 4),
        (5, reject(401, mqtt_code=138), 138), (5, EventError(401, ""), 135),
    ],
)  # fmt: skip
def test_an_mqtt_client_is_refused_with_a_code(version: int, given: Any, code: int) -> None:
    """Of its version of the protocol, in the body that the service turns into a CONNACK packet."""
    response = make_response(parse(event("sys.connect", {"mqtt": {"protocolVersion": version}})), given)

    assert response.status == given.status
    assert json.loads(response.body) == {"mqtt": {"code": code, "reason": ""}}
    assert response.headers == [JSON]


def test_a_refused_mqtt_client_gets_reason_and_user_properties() -> None:
    """A name may come twice, as MQTT allows it."""
    given = reject(401, "why", user_properties=[("a", "1"), ("a", "2")])
    response = make_response(parse(event("sys.connect", {"mqtt": {"protocolVersion": 5}})), given)

    said = json.loads(response.body)["mqtt"]
    assert said["reason"] == "why"
    assert said["userProperties"] == [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, HttpResponse(204, [], b"")),
        (reply(), HttpResponse(204, [], b"")),
        (reply("ä"), HttpResponse(200, [PLAIN], "ä".encode())),
        (reply({"a": 1}), HttpResponse(200, [JSON], b'{"a":1}')),
        (reply(b"\xff"), HttpResponse(200, [BINARY], b"\xff")),
        (reply(b"\xff", content_type="application/x-protobuf"), HttpResponse(200, [PROTOBUF], b"\xff")),
        (reply(state={"a": 1}), HttpResponse(204, [("ce-connectionState", "eyJhIjoxfQ==")], b"")),
        (reply(metadata={"a": "b"}), HttpResponse(200, [("x-webpubsub-metadata-a", "b")], b"")),
        (reject(400, "no"), HttpResponse(400, [PLAIN], b"no")),
    ],
)  # fmt: skip
def test_a_reply_to_a_user_event_becomes_a_response(given: Any, wanted: HttpResponse) -> None:
    """Status, headers and body; metadata makes even an empty body a message."""
    assert make_response(parse(text("message", "hi")), given) == wanted


def test_an_mqtt_client_gets_any_media_type_and_user_properties() -> None:
    """Its messages have both."""
    request = text("message", "hi", **{"ce-subprotocol": "mqtt"})
    response = make_response(parse(request), reply(b"x", content_type="image/png", user_properties={"a": "1"}))

    assert response == (200, [("Content-Type", "image/png"), ("mqtt-a", "1")], b"x")


def test_a_media_type_that_the_client_cannot_get_is_an_error() -> None:
    """The service would answer the client with an internal error, and nobody would know why."""
    with pytest.raises(ConfigurationError, match="content_type must be one of"):
        make_response(parse(text("message", "hi")), reply(b"x", content_type="image/png"))


@pytest.mark.parametrize(
    ("kind", "given"),
    [("user.message", accept()), ("sys.connect", reply("hi")), ("sys.connected", reply("hi")), ("gp.joined", accept())],
)
def test_a_reply_that_does_not_go_with_the_event_is_an_error(kind: str, given: Any) -> None:
    """It would be lost."""
    body = {"group": "g"} if kind.startswith("gp") else {}

    with pytest.raises(TypeError, match="cannot be replied to with"):
        make_response(parse(event(kind, body)), given)


def test_a_reply_made_by_hand_cannot_break_out_of_its_header() -> None:
    """`reply` checks what it is given; this is for those who do without."""
    for given in (
        MessageReply(state="a\r\nb"),
        MessageReply(metadata={"a": "b\nc"}, body=b"x", content_type="text/plain"),
    ):
        with pytest.raises(ConfigurationError, match="HTTP does not allow"):
            make_response(parse(text("message", "hi")), given)


CONFIGURATIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, ConfigurationError, "Nothing says how to verify requests"),
    ({"access_keys": []}, ConfigurationError, "Nothing says how to verify requests"),
    ({"access_keys": [""]}, ConfigurationError, "access_keys.0. is empty"),
    ({"access_keys": KEY}, TypeError, "access_keys must be a list of keys, not a single str"),
    ({"access_keys": None}, TypeError, "access_keys must be a list of keys, not a single NoneType"),
    ({"connection_string": "Endpoint=https://example.com"}, ConfigurationError, "no AccessKey"),
    ({"verify": False, "access_keys": [KEY]}, ConfigurationError, "verify=False does not go with"),
    ({"access_keys": [KEY], "max_age": timedelta(0)}, ConfigurationError, "max_age must be more than nothing"),
    ({"connection_string": 7}, TypeError, "connection_string must be a str or a ConnectionString, not int"),
    ({"access_keys": [KEY], "bearer": "a token"}, TypeError, "bearer must be a BearerToken, not str"),
    ({"verify": 0}, TypeError, "verify must be"),
    ({"access_keys": [KEY], "max_age": 300}, TypeError, "max_age must be a timedelta, not int"),
    ({"access_keys": [KEY], "body_limit": 0}, ConfigurationError, "body_limit must be 1 or more"),
    ({"access_keys": [KEY], "hub": "1"}, ConfigurationError, "hub must start with a letter"),
    ({"access_keys": [KEY], "allowed_origins": []}, ConfigurationError, "at least one origin"),
    ({"acces_keys": [KEY]}, TypeError, "did you mean 'access_keys'"),
]


@pytest.mark.parametrize(("options", "kind", "words"), CONFIGURATIONS)
def test_options_that_do_not_protect_are_refused(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    """No key is an error and never a check left out."""
    with pytest.raises(kind, match=words) as caught:
        parse_event(*preflight(), **options)

    assert KEY not in str(caught.value)


def test_taking_everything_is_explicit_and_loud(caplog: pytest.LogCaptureFixture) -> None:
    """A line in the log says that anybody can forge events."""
    with caplog.at_level(logging.WARNING):
        found = parse(event("sys.connected", changes={"ce-signature": None}), access_keys=[], verify=False)

    assert found.event_name == "connected"
    assert "whoever reaches this handler can forge them" in caplog.text


def test_a_connection_string_brings_its_key() -> None:
    """As a str or parsed; more keys may be added."""
    request = event("sys.connected")
    second = event("sys.connected", changes={"ce-signature": f"sha256={digest('c1', SECOND_KEY)}"})

    for given in (CONNECTION_STRING, ConnectionString.parse(CONNECTION_STRING)):
        assert parse_event(*request, connection_string=given)
        assert refusal(second, access_keys=[], connection_string=given).status == 401
        assert parse_event(*second, connection_string=given, access_keys=[SECOND_KEY])


def test_events_hide_what_is_secret() -> None:
    """Neither signature nor password nor cookie nor payload is in the text of an event."""
    said = {"mqtt": {"protocolVersion": 4, "password": "c2VjcmV0"}, "headers": {"Cookie": ["secret"]}}
    shown = repr(parse(event("sys.connect", said, {"Cookie": "secret", "ce-connectionState": "secret"})))

    assert "secret" not in shown
    assert "sha256=" not in shown
    assert "ConnectEvent" in shown
