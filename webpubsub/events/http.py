"""Webhook requests to events, and replies to responses: plain data in, plain data out.

Every door comes through here, so none of them can check less than another. Header names are matched without regard to
case; values of `ce-` headers are UTF-8, which the service writes as it is, without percent-encoding.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, Unpack, cast

from webpubsub.errors import ConfigurationError, EventError

from . import bodies
from .acceptance import Acceptance, AcceptanceOptions, accepting, check_names
from .replies import AcceptReply, MessageReply, RejectReply
from .signatures import allowed, is_signed, keys_in_use
from .values import (
    AnyEvent,
    ClientCertificate,
    ConnectedEvent,
    ConnectEvent,
    DisconnectedEvent,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    MqttDisconnect,
    Preflight,
    UnknownEvent,
    UserEvent,
    UserProperties,
)

__all__ = [
    "Headers",
    "HttpResponse",
    "Reply",
    "hub_of",
    "make_response",
    "pairs_of",
    "parse_event",
    "receive",
    "too_large",
]

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request; a str is taken as latin-1 of UTF-8, as WSGI has it, where that makes sense."""
Reply: TypeAlias = AcceptReply | RejectReply | MessageReply

_METHODS = "GET, OPTIONS, POST"
_CLOCK_SKEW = timedelta(minutes=5)
_METADATA = "x-webpubsub-metadata-"
_MQTT = "mqtt-"
_USER = "azure.webpubsub.user."
_ONCE = frozenset(
    ("ce-type", "ce-hub", "ce-connectionid", "ce-userid", "ce-eventname", "ce-subprotocol", "ce-connectionstate")
)
_WITHOUT_COMMA = ("ce-connectionid", "ce-hub", "ce-subprotocol")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_MQTT_CODES = {
    4: {401: 5, 403: 5, 429: 3},
    5: {400: 131, 401: 135, 403: 135, 429: 151},
}
_MQTT_UNAVAILABLE = {4: 3, 5: 136}
_MQTT_UNSPECIFIED = {4: 5, 5: 128}


class HttpResponse(NamedTuple):
    """What to respond to a request with.

    Example:
        >>> from webpubsub.events import HttpResponse
        >>> status, headers, body = HttpResponse(204, [], b"")

    Attributes:
        status: The HTTP status.
        headers: Names and values, all of them printable ASCII; no name comes twice.
        body: The body.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def parse_event(
    method: str, headers: Headers, body: bytes, *, hub: str | None = None, **options: Unpack[AcceptanceOptions]
) -> AnyEvent | Preflight:
    """Verify a webhook request and return the event in it.

    This is the one call for those who have a framework of their own.

    Respond with `make_response(event, reply)`, and an `EventError` with `make_response(None, error)`.

    Example:
        >>> from webpubsub.events import make_response, parse_event
        >>> headers = {"WebHook-Request-Origin": "example.webpubsub.azure.com"}
        >>> event = parse_event("OPTIONS", headers, b"", access_keys=["the access key of the resource"])
        >>> make_response(event).headers
        [('WebHook-Allowed-Origin', 'example.webpubsub.azure.com')]

    Args:
        method: The HTTP method.
        headers: The headers; as bytes where the framework has them, so that user ids beyond ASCII are not guessed.
        body: The body, whole and as it came.
        hub: The hub whose events are taken; None takes those of any.
        **options: How to verify; see `AcceptanceOptions`.

    Returns:
        The event, or a `Preflight` when the service only asks whether it may send events.

    Raises:
        ConfigurationError: The options are not acceptable.
        EventError: The request is not acceptable; `status` is what to respond with.
    """
    check_names(options, parse_event)
    return receive(method, headers, body, accepting(() if hub is None else (hub,), **options))


def receive(method: str, headers: Headers, body: bytes, acceptance: Acceptance) -> AnyEvent | Preflight:
    """Check a request, and read the event in it.

    Args:
        method: The HTTP method.
        headers: The headers, as bytes wherever the framework has them.
        body: The body, whole.
        acceptance: What to check.

    Raises:
        EventError: The request is not acceptable; `status` is what to respond with.
    """
    given = _read_headers(headers)
    if method.upper() in ("OPTIONS", "GET"):
        return _preflight(method.upper(), given, acceptance)
    if method.upper() != "POST":
        raise EventError(405, f"{method[:20]!a} is none of {_METHODS}")
    if len(body) > acceptance.body_limit:
        raise too_large(acceptance.body_limit)
    connection_id = _required(given, "ce-connectionid")
    _authenticate(given, connection_id, acceptance)
    hub = _required(given, "ce-hub")
    if acceptance.hubs and hub.lower() not in acceptance.hubs:
        raise EventError(404, f"the hub {hub[:128]!a} is not served here")
    time = _time(given.get("ce-time"))
    _check_age(time, acceptance)
    return _event(given, body, _attributes(given, connection_id, hub, time))


def pairs_of(headers: Headers) -> Iterable[tuple[str | bytes, str | bytes]]:
    """Give names and values, whatever the headers are in."""
    return cast(Mapping[str, str], headers).items() if isinstance(headers, Mapping) else headers


def hub_of(headers: Headers) -> str:
    """Read the hub that a request names, before anything is verified; empty when it names none."""
    for name, value in pairs_of(headers):
        if name.lower() in ("ce-hub", b"ce-hub"):
            return value.decode("latin-1") if isinstance(value, bytes) else value
    return ""


def too_large(limit: int) -> EventError:
    """Make the error for a body beyond the limit."""
    return EventError(413, f"the body has more than {limit} bytes")


def make_response(event: AnyEvent | Preflight | None, reply: Reply | EventError | None = None) -> HttpResponse:
    """Turn a reply into an HTTP response.

    Args:
        event: What was replied to, or None where the request could not be read.
        reply: What `accept`, `reject` or `reply` made; an error; or None for success without a word.

    Raises:
        ConfigurationError: The reply has a media type that the client of the event cannot get.
        TypeError: The reply does not go with the event, as `accept` does not go with a user event.
    """
    if isinstance(event, Preflight):
        return HttpResponse(200, [("WebHook-Allowed-Origin", ", ".join(event.allowed_origins))], b"")
    if isinstance(reply, EventError):
        return _refusal(event, reply.status, RejectReply(status=reply.status, reason=reply.reason))
    if isinstance(reply, RejectReply):
        return _refusal(event, reply.status, reply)
    if reply is None:
        return HttpResponse(204, [], b"")
    if isinstance(reply, AcceptReply) and isinstance(event, ConnectEvent):
        return _accepted(reply)
    if isinstance(reply, MessageReply) and isinstance(event, UserEvent):
        return _message(event, reply)
    raise TypeError(f"{type(event).__name__} cannot be replied to with {type(reply).__name__}.")


def _read_headers(headers: Headers) -> dict[str, str]:
    read: dict[str, str] = {}
    for raw_name, raw_value in pairs_of(headers):
        name = (str(raw_name, "latin-1") if isinstance(raw_name, bytes) else raw_name).lower()
        raw = raw_value if isinstance(raw_value, bytes) else _bytes_of(name, raw_value)
        try:
            value = raw.decode().strip(" \t")
        except UnicodeDecodeError:
            if name.startswith("ce-") and raw is raw_value:
                raise EventError(400, f"the header {name} is not UTF-8") from None
            value = raw.decode("latin-1").strip(" \t")
        if name in read:
            if name in _ONCE:
                raise EventError(400, f"the header {name} is there twice")
            value = f"{read[name]}, {value}"
        read[name] = value
    for name in _WITHOUT_COMMA:
        if "," in read.get(name, ""):
            # WSGI servers join what comes twice.
            raise EventError(400, f"the header {name} is there twice, or holds a comma")
    return read


def _bytes_of(name: str, value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        pass
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise EventError(400, f"the header {name[:128]!a} is not Unicode") from None


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise EventError(400, f"the header {name} is missing; this is not an event of the service")
    return value


def _preflight(method: str, headers: Mapping[str, str], acceptance: Acceptance) -> Preflight:
    asked = [origin.strip() for origin in headers.get("webhook-request-origin", "").split(",") if origin.strip()]
    if not asked:
        raise EventError(405 if method == "GET" else 400, "the header webhook-request-origin is missing")
    if "*" in acceptance.allowed_origins:
        return Preflight(allowed_origins=("*",))
    known = [origin for origin in allowed(asked, acceptance.allowed_origins) if _HEADER_VALUE.fullmatch(origin)]
    if not known:
        raise EventError(403, f"the origin {asked[0][:255]!a} is not allowed")
    return Preflight(allowed_origins=tuple(known))


def _authenticate(headers: Mapping[str, str], connection_id: str, acceptance: Acceptance) -> None:
    if acceptance.access_keys:
        signature = headers.get("ce-signature")
        if not signature:
            raise EventError(401, "the request is not signed")
        if not is_signed(signature, connection_id, keys_in_use(acceptance.access_keys)):
            raise EventError(401, "the signature was not made with any of the access keys")
    if acceptance.bearer is not None:
        acceptance.bearer.check(headers.get("authorization"))


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _check_age(time: datetime | None, acceptance: Acceptance) -> None:
    if acceptance.max_age is None:
        return
    if time is None:
        raise EventError(401, "the event does not say when it was made")
    if not -_CLOCK_SKEW <= acceptance.now() - time <= acceptance.max_age:
        raise EventError(401, "the event is too old, or from the future")


def _attributes(headers: Mapping[str, str], connection_id: str, hub: str, time: datetime | None) -> dict[str, Any]:
    kind = _required(headers, "ce-type")
    return {
        "event_type": kind,
        "hub": hub,
        "connection_id": connection_id,
        "event_name": headers.get("ce-eventname") or kind.rpartition(".")[2],
        "user_id": headers.get("ce-userid"),
        "subprotocol": headers.get("ce-subprotocol") or None,
        "state": headers.get("ce-connectionstate"),
        "id": headers.get("ce-id"),
        "source": headers.get("ce-source"),
        "time": time,
        "request_id": headers.get("x-ms-client-request-id"),
        "origin": headers.get("webhook-request-origin"),
        "metadata": dict(_prefixed(headers, _METADATA)),
        "physical_connection_id": headers.get("ce-physicalconnectionid"),
        "session_id": headers.get("ce-sessionid"),
        "request_headers": headers,
    }


def _prefixed(headers: Mapping[str, str], prefix: str) -> UserProperties:
    return tuple([(name.removeprefix(prefix), headers[name]) for name in headers if name.startswith(prefix)])


def _event(headers: Mapping[str, str], body: bytes, attributes: dict[str, Any]) -> AnyEvent:
    kind = attributes["event_type"].lower()
    if kind.startswith(_USER):
        content_type = headers.get("content-type", bodies.BINARY).partition(";")[0].strip().lower()
        attributes["event_name"] = headers.get("ce-eventname") or attributes["event_type"][len(_USER) :]
        return UserEvent(
            **attributes,
            data=bodies.read(body, content_type),
            content_type=content_type,
            body=body,
            user_properties=_prefixed(headers, _MQTT),
        )
    match kind:
        case "azure.webpubsub.sys.connect":
            return _connect_event(_object(body), attributes)
        case "azure.webpubsub.sys.connected":
            return ConnectedEvent(**attributes)
        case "azure.webpubsub.sys.disconnected":
            said = _object(body)
            mqtt = said.get("mqtt")
            return DisconnectedEvent(
                **attributes,
                reason=_text(said.get("reason"), "reason") or "",
                mqtt=None if mqtt is None else _mqtt_disconnect(_mapping(mqtt, "mqtt")),
            )
        case "azure.webpubsub.gp.joined":
            return GroupJoinedEvent(**attributes, group=_group(body))
        case "azure.webpubsub.gp.left":
            return GroupLeftEvent(**attributes, group=_group(body))
    return UnknownEvent(**attributes, body=body)


def _connect_event(said: Mapping[str, Any], attributes: dict[str, Any]) -> ConnectEvent:
    mqtt = said.get("mqtt")
    return ConnectEvent(
        **attributes,
        claims=_lists(said.get("claims"), "claims"),
        query=_lists(said.get("query"), "query"),
        headers=_lists(said.get("headers"), "headers"),
        subprotocols=_texts(said.get("subprotocols"), "subprotocols"),
        client_certificates=tuple(
            ClientCertificate(
                thumbprint=_text(one.get("thumbprint"), "thumbprint") or "",
                content=_text(one.get("content"), "content") or "",
            )
            for one in _mappings(said.get("clientCertificates"), "clientCertificates")
        ),
        mqtt=None if mqtt is None else _mqtt_connect(_mapping(mqtt, "mqtt")),
    )


def _mqtt_connect(said: Mapping[str, Any]) -> MqttConnect:
    version, clean, password = said.get("protocolVersion"), said.get("cleanStart"), said.get("password")
    try:
        secret = None if password is None else base64.b64decode(password, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise EventError(400, "mqtt.password is not base64") from None
    return MqttConnect(
        protocol_version=_integer(version, "mqtt.protocolVersion"),
        clean_start=clean if isinstance(clean, bool) else None,
        username=_text(said.get("username"), "mqtt.username"),
        password=secret,
        user_properties=_properties(said.get("userProperties")),
    )


def _mqtt_disconnect(said: Mapping[str, Any]) -> MqttDisconnect:
    packet = _mapping(said.get("disconnectPacket") or {}, "mqtt.disconnectPacket")
    code = packet.get("code")
    return MqttDisconnect(
        initiated_by_client=said.get("initiatedByClient") is True,
        code=None if code is None else _integer(code, "mqtt.disconnectPacket.code"),
        user_properties=_properties(packet.get("userProperties")),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    return _mapping(bodies.load_json(body), "the body") if body.strip() else {}


def _group(body: bytes) -> str:
    group = _text(_object(body).get("group"), "group")
    if not group:
        raise EventError(400, "group is missing")
    return group


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EventError(400, f"{name} is not a JSON object")
    return value


def _mappings(value: object, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list | None):
        raise EventError(400, f"{name} is not a list")
    return [_mapping(one, name) for one in value or ()]


def _text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise EventError(400, f"{name} is not a string")


def _texts(value: object, name: str) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise EventError(400, f"{name} is not a list of strings")
    return tuple(given)


def _lists(value: object, name: str) -> dict[str, tuple[str, ...]]:
    given = _mapping({} if value is None else value, name)
    return {key: _texts(one, name) for key, one in given.items()}


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise EventError(400, f"{name} is not a whole number")
    return value


def _properties(value: object) -> UserProperties:
    return tuple(
        (_text(one.get("name"), "name") or "", _text(one.get("value"), "value") or "")
        for one in _mappings(value, "userProperties")
    )


def _accepted(reply: AcceptReply) -> HttpResponse:
    said: dict[str, object] = {
        "userId": reply.user_id,
        "groups": reply.groups,
        "roles": reply.roles,
        "subprotocol": reply.subprotocol,
        "mqtt": {"userProperties": _named(reply.user_properties)} if reply.user_properties else None,
    }
    said = {name: value for name, value in said.items() if value is not None}
    state = _state(reply.state)
    return _json(200, said, state) if said else HttpResponse(204, state, b"")


def _message(event: UserEvent[Any], reply: MessageReply) -> HttpResponse:
    headers = _state(reply.state)
    headers += [(_METADATA + name, _safe(value)) for name, value in reply.metadata.items()]
    headers += [(_MQTT + name, _safe(value)) for name, value in reply.user_properties]
    if reply.content_type is None:
        # 204 would do, but metadata makes even an empty message one.
        return HttpResponse(200 if reply.metadata or reply.user_properties else 204, headers, b"")
    if event.subprotocol != "mqtt" and reply.content_type not in bodies.KNOWN_TYPES:
        raise ConfigurationError(f"content_type must be one of {', '.join(bodies.KNOWN_TYPES)} for this client.")
    return HttpResponse(200, [("Content-Type", _charset(reply.content_type)), *headers], reply.body)


def _refusal(event: AnyEvent | None, status: int, reply: RejectReply) -> HttpResponse:
    if isinstance(event, ConnectEvent) and event.mqtt is not None:
        said = {"code": _mqtt_code(reply, event.mqtt.protocol_version), "reason": reply.reason}
        if reply.user_properties:
            said["userProperties"] = _named(reply.user_properties)
        return _json(status, {"mqtt": said}, [])
    headers = [("Content-Type", _charset(bodies.TEXT))]
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status == 405:
        headers.append(("Allow", _METHODS))
    return HttpResponse(status, headers, reply.reason.encode("utf-8", "backslashreplace"))


def _mqtt_code(reply: RejectReply, version: int) -> int:
    if reply.mqtt_code is not None:
        return reply.mqtt_code
    known = version if version in _MQTT_CODES else 5
    fallback = (_MQTT_UNAVAILABLE if reply.status >= 500 else _MQTT_UNSPECIFIED)[known]
    return _MQTT_CODES[known].get(reply.status, fallback)


def _named(properties: UserProperties) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in properties]


def _state(state: str | None) -> list[tuple[str, str]]:
    return [] if state is None else [("ce-connectionState", _safe(state))]


def _safe(value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise ConfigurationError("A header of the reply has characters that HTTP does not allow.")
    return value


def _charset(content_type: str) -> str:
    return f"{content_type}; charset=utf-8" if content_type in (bodies.TEXT, bodies.JSON) else content_type


def _json(status: int, said: object, headers: list[tuple[str, str]]) -> HttpResponse:
    body = json.dumps(said, separators=(",", ":")).encode()
    return HttpResponse(status, [("Content-Type", "application/json; charset=utf-8"), *headers], body)
