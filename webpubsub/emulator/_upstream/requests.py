"""What is sent to a webhook, and what its response means. Pure: no socket, no clock, no random number.

A request is CloudEvents in binary mode: attributes in `ce-` headers, data in the body. The names and values follow the
documentation of the service and the captures of it; `docs/emulator.md` lists where those disagree.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from .._hub.messages import DataType, Payload
from .._hub.names import is_group, is_unicode
from .._hub.upstream import (
    ConnectEvent,
    ConnectRefused,
    ConnectReply,
    DisconnectedEvent,
    EventFailed,
    EventReply,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttRefusal,
    MqttResponse,
    UpstreamEvent,
    UserEvent,
)
from .settings import name_of

__all__ = [
    "LARGEST_RESPONSE_BYTES",
    "STATE",
    "ClientOfEvent",
    "WebhookRequest",
    "WebhookResponse",
    "read_connect_response",
    "read_mqtt_response",
    "read_user_response",
    "signature",
    "unsendable_header",
    "validation_allows",
    "validation_request",
    "webhook_request",
]

LARGEST_RESPONSE_BYTES = 16 * 1024 * 1024

STATE = "ce-connectionstate"
"""The header with what a handler wants back with each later event."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_METADATA = "x-webpubsub-metadata-"
_MQTT_PROPERTY = "mqtt-"
_JSON = "application/json; charset=utf-8"
_CONTENT_TYPES = {
    DataType.TEXT: "text/plain",
    DataType.JSON: "application/json",
    DataType.BINARY: "application/octet-stream",
    DataType.PROTOBUF: "application/x-protobuf",
}
_DATA_TYPES = {
    "text/plain": DataType.TEXT,
    "application/json": DataType.JSON,
    "application/octet-stream": DataType.BINARY,
    "application/x-protobuf": DataType.PROTOBUF,
}


@attrs.frozen
class WebhookRequest:
    """A request to an event handler; names of headers are unique."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@attrs.frozen
class WebhookResponse:
    """A response, read whole. Names of headers are in lower case, in order and with repetitions."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def is_success(self) -> bool:
        """Tell whether the status is one of the 200s."""
        return 200 <= self.status < 300


@attrs.frozen
class ClientOfEvent:
    """Whose event it is.

    Attributes:
        protocol: The subprotocol; None for a simple client.
        state: What a handler stored for this connection, as it was sent; None before anything was stored.
        physical_connection_id: MQTT: the network connection of the session, which has the `connection_id`.
        session_id: MQTT: the session; None until there is one.
    """

    hub: str
    connection_id: str
    user_id: str | None = None
    protocol: str | None = None
    state: str | None = None
    physical_connection_id: str | None = None
    session_id: str | None = None


def signature(connection_id: str, access_keys: Iterable[str]) -> str:
    """Sign the id of a connection with each key; the keys are text, not base64."""
    digests = (hmac.new(key.encode(), connection_id.encode(), hashlib.sha256).hexdigest() for key in access_keys)
    return ",".join(f"sha256={digest}" for digest in digests)


def validation_request(url: str, *, method: str, service_host: str) -> WebhookRequest:
    """Ask whether a webhook wants requests from this service (abuse protection of CloudEvents)."""
    return WebhookRequest(method, url, {"WebHook-Request-Origin": service_host, "ce-awpsversion": "1.0"})


def validation_allows(response: WebhookResponse, service_host: str) -> bool:
    """Tell whether a webhook agreed. Origins may come in several headers, or with commas between them."""
    if not response.is_success:
        return False
    values = (value for name, value in response.headers if name == "webhook-allowed-origin")
    origins = {origin.strip().lower() for value in values for origin in value.split(",")}
    return bool(origins & {"*", service_host.lower(), service_host.lower().rpartition(":")[0] or service_host.lower()})


def webhook_request(
    event: ConnectEvent | UpstreamEvent,
    client: ClientOfEvent,
    *,
    url: str,
    number: int,
    time: float,
    access_keys: Sequence[str],
    service_host: str,
    request_id: str,
    cookies: str | None = None,
) -> WebhookRequest:
    """Write an event as the request that tells a webhook of it.

    Args:
        event: What happened.
        client: Whose event it is.
        url: The address, its template filled in.
        number: The `ce-id`: 0 for connect, then 1, 2 and so on for each connection.
        time: Seconds since 1970.
        access_keys: The keys that sign, the first one first.
        service_host: What the service calls itself.
        request_id: The same over all tries of this request.
        cookies: What earlier responses for this connection have set.
    """
    content_type, body = _body(event)
    source = f"/hubs/{client.hub}/client/{client.connection_id}"
    if client.physical_connection_id is not None:
        source += f"/{client.physical_connection_id}"
    headers = {
        "ce-specversion": "1.0",
        "ce-awpsversion": "1.0",
        "ce-type": _type(event),
        "ce-source": source,
        "ce-id": str(number),
        "ce-time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ce-hub": client.hub,
        "ce-eventName": name_of(event),
        "ce-connectionId": client.connection_id,
        "ce-signature": signature(client.connection_id, access_keys),
        "WebHook-Request-Origin": service_host,
        "Content-Type": content_type,
        "x-ms-client-request-id": request_id,
    }
    optional = {
        "ce-userId": client.user_id,
        "ce-subprotocol": None if isinstance(event, ConnectEvent) and event.mqtt is None else client.protocol,
        "ce-connectionState": client.state,
        "ce-physicalConnectionId": client.physical_connection_id,
        "ce-sessionId": client.session_id,
        "Cookie": cookies,
    }
    headers |= {name: value for name, value in optional.items() if value is not None}
    if isinstance(event, UserEvent):
        headers |= {_METADATA + name: value for name, value in (event.metadata or {}).items()}
        headers |= {_MQTT_PROPERTY + name: value for name, value in event.mqtt_properties}
    return WebhookRequest("POST", url, headers, body)


def unsendable_header(request: WebhookRequest) -> str | None:
    """Name the header of a request that HTTP cannot carry: one with a control character, which ends lines or worse."""
    return next((name for name, value in request.headers.items() if _CONTROL.search(name + value)), None)


def read_connect_response(response: WebhookResponse) -> ConnectReply | ConnectRefused:
    """Read what a handler says of a client that wants to connect.

    An empty body, 204 and null keep what the token says; what cannot be understood refuses the client with 500.
    """
    if not response.is_success:
        return _refused(response)
    if len(response.body) > LARGEST_RESPONSE_BYTES:
        return ConnectRefused(500)
    state = response.header(STATE)
    if response.status == 204 or not response.body.strip():
        return ConnectReply(state=state)
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return ConnectRefused(500)
    if value is None:
        return ConnectReply(state=state)
    if not isinstance(value, dict):
        return ConnectRefused(500)
    user_id, roles, groups = value.get("userId"), value.get("roles"), value.get("groups")
    subprotocol, mqtt = value.get("subprotocol"), value.get("mqtt")
    if not (
        _is_optional_text(user_id)
        and _is_optional_text(subprotocol)
        and _is_optional(mqtt, dict)
        and _are_texts(roles)
        and _are_texts(groups)
        and all(map(is_group, groups or ()))
    ):
        return ConnectRefused(500)
    properties = _properties((mqtt or {}).get("userProperties"))
    return ConnectReply(user_id, groups or None, roles, subprotocol, state, properties)


def read_mqtt_response(response: WebhookResponse) -> MqttResponse | EventFailed:
    """Read the response to an event of an MQTT client, which gets all of it unless it is too much."""
    if len(response.body) > LARGEST_RESPONSE_BYTES:
        return EventFailed(response.status)
    properties = tuple(
        (name.removeprefix(_MQTT_PROPERTY), value)
        for name, value in response.headers
        if name.startswith(_MQTT_PROPERTY)
    )
    return MqttResponse(response.status, response.header("content-type"), response.body, properties)


def read_user_response(response: WebhookResponse) -> EventReply | EventFailed:
    """Read the response to an event of a client.

    Without a body there is a message for the client only if there is metadata for it; without a content type it is
    binary.
    """
    if not response.is_success or len(response.body) > LARGEST_RESPONSE_BYTES:
        return EventFailed(response.status)
    metadata = {name.removeprefix(_METADATA): value for name, value in response.headers if name.startswith(_METADATA)}
    if response.status == 204 or not response.body:
        return EventReply(None, metadata or None)
    payload = _payload(response.header("content-type"), response.body)
    return EventFailed(response.status) if payload is None else EventReply(payload, metadata or None)


def _type(event: ConnectEvent | UpstreamEvent) -> str:
    match event:
        case UserEvent():
            return f"azure.webpubsub.user.{event.name}"
        case GroupJoinedEvent() | GroupLeftEvent():
            return f"azure.webpubsub.gp.{name_of(event)}"
    return f"azure.webpubsub.sys.{name_of(event)}"


def _body(event: ConnectEvent | UpstreamEvent) -> tuple[str, bytes]:
    match event:
        case UserEvent(payload=payload):
            data = payload.data.encode() if isinstance(payload.data, str) else payload.data
            return event.content_type or _CONTENT_TYPES[payload.data_type], data
        case ConnectEvent():
            return _JSON, _json(_connect(event))
        case DisconnectedEvent(reason, mqtt):
            value: dict[str, Any] = {"reason": reason}
            if mqtt is not None:
                properties = _pairs(mqtt.user_properties)
                packet = None if mqtt.code is None else {"code": mqtt.code, "userProperties": properties}
                value["mqtt"] = {"initiatedByClient": mqtt.initiated_by_client, "disconnectPacket": packet}
            return _JSON, _json(value)
        case GroupJoinedEvent(group) | GroupLeftEvent(group):
            return _JSON, _json({"group": group})
    return _JSON, b"{}"


def _connect(event: ConnectEvent) -> dict[str, Any]:
    value: dict[str, Any] = {
        "claims": event.claims,
        "query": event.query,
        "headers": event.headers,
        "subprotocols": event.subprotocols,
        "clientCertificates": [],
    }
    if event.mqtt is not None:
        password = event.mqtt.password
        value["mqtt"] = {
            "protocolVersion": event.mqtt.protocol_version,
            "cleanStart": event.mqtt.clean_start,
            "username": event.mqtt.username,
            "password": None if password is None else base64.b64encode(password).decode(),
            "userProperties": _pairs(event.mqtt.user_properties),
        }
    return value


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=list).encode()


def _pairs(properties: Iterable[tuple[str, str]]) -> list[dict[str, str]] | None:
    return [{"name": name, "value": value} for name, value in properties] or None


def _properties(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        return ()
    pairs = ((item.get("name"), item.get("value")) for item in value if isinstance(item, dict))
    return tuple((name, content) for name, content in pairs if isinstance(name, str) and isinstance(content, str))


def _refused(response: WebhookResponse) -> ConnectRefused:
    content_type = response.header("content-type")
    return ConnectRefused(
        response.status if 400 <= response.status < 600 else 500,
        {} if content_type is None else {"Content-Type": content_type},
        response.body,
        _mqtt_refusal(response.body),
    )


def _mqtt_refusal(body: bytes) -> MqttRefusal | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    mqtt = value.get("mqtt") if isinstance(value, dict) else None
    if not isinstance(mqtt, dict):
        return None
    code, reason = mqtt.get("code"), mqtt.get("reason")
    return MqttRefusal(
        code if isinstance(code, int) else None,
        reason if isinstance(reason, str) else None,
        _properties(mqtt.get("userProperties")),
    )


def _payload(content_type: str | None, body: bytes) -> Payload | None:
    media_type = "application/octet-stream" if content_type is None else content_type.partition(";")[0].strip().lower()
    data_type = _DATA_TYPES.get(media_type)
    if data_type is None:
        return None
    if data_type in (DataType.BINARY, DataType.PROTOBUF):
        return Payload(data_type, body)
    try:
        text = body.decode()
        if data_type is DataType.JSON:
            json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Payload(data_type, text)


def _is_optional(value: object, kind: type) -> bool:
    return value is None or isinstance(value, kind)


def _is_optional_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and is_unicode(value) and _CONTROL.search(value) is None)


def _are_texts(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
