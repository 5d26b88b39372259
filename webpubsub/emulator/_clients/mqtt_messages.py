"""How messages and topics of MQTT and those of everybody else become one another. Pure.

A topic is a group of the same name, but for those below `$webpubsub/`: a client publishes to them to send events, and
receives on them what comes from the server.
"""

import re

from attrs import evolve

from .._hub import json_text, names
from .._hub.messages import DataType, Message, Payload
from .._hub.upstream import EventFailed, EventReply, MqttResponse, Reply
from .mqtt_packets import Properties, Publish, ReasonCode, Will

__all__ = [
    "SERVER_MESSAGES",
    "event_name",
    "filter_refusal",
    "is_for_client_only",
    "is_topic",
    "message_of",
    "packet_of",
    "payload_of",
    "payload_refusal",
    "published",
    "response_of",
    "will_refusal",
]

SERVER_MESSAGES = "$webpubsub/server/messages"
"""The topic of messages that come from the server and no group."""

_SYSTEM = "$webpubsub/"
_EVENT = re.compile(r"\$webpubsub/server/events/([^/]*)")
_RESPONSE = re.compile(r"\$webpubsub/server/events/[^/]+/(?:succeeded|failed)")
_LARGEST_WILL = 2000
_CONTENT_TYPES = {
    DataType.JSON: "application/json",
    DataType.TEXT: "text/plain",
    DataType.BINARY: "application/octet-stream",
    DataType.PROTOBUF: "application/x-protobuf",
}
_DATA_TYPES = {content_type: data_type for data_type, content_type in _CONTENT_TYPES.items()}


# Topics


def event_name(topic: str) -> str | None:
    """Return which event is sent by publishing to a topic, if any; it may not be a name that events can have."""
    event = _EVENT.fullmatch(topic)
    return None if event is None else event[1]


def is_for_client_only(topic: str) -> bool:
    """Tell whether a topic is no group: whatever comes on it is meant for this one client."""
    return topic == SERVER_MESSAGES or _RESPONSE.fullmatch(topic) is not None


def is_topic(name: str) -> bool:
    """Tell whether clients can publish to a topic."""
    return names.is_group(name) and not name.startswith(_SYSTEM)


def filter_refusal(topic_filter: str) -> ReasonCode | None:
    """Return why no client can subscribe to this, if none can."""
    if topic_filter.startswith("$share/"):
        return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if "+" in topic_filter or "#" in topic_filter:
        return ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
    if not is_topic(topic_filter) and not is_for_client_only(topic_filter):
        return ReasonCode.TOPIC_FILTER_INVALID
    return None


def will_refusal(will: Will) -> ReasonCode | None:
    """Return why no client can have this will, if none can."""
    if not is_topic(will.topic):
        return ReasonCode.TOPIC_NAME_INVALID
    if len(will.payload) > _LARGEST_WILL:
        return ReasonCode.PACKET_TOO_LARGE
    if will.retain:
        return ReasonCode.RETAIN_NOT_SUPPORTED
    return payload_refusal(will.payload, will.properties)


def payload_refusal(payload: bytes, properties: Properties) -> ReasonCode | None:
    """Return why a payload is not what it says, if it is not."""
    if properties.payload_format_indicator and _decoded(payload) is None:
        return ReasonCode.PAYLOAD_FORMAT_INVALID
    return None


# From MQTT


def payload_of(packet: Publish | Will) -> Payload:
    """Read the payload of a packet as its content type says; what does not fit it, or has none, is binary."""
    content_type = (packet.properties.content_type or "").partition(";")[0].strip().lower()
    data_type = _DATA_TYPES.get(content_type, DataType.BINARY)
    if not content_type and packet.properties.payload_format_indicator:
        data_type = DataType.TEXT
    if data_type in (DataType.BINARY, DataType.PROTOBUF):
        return Payload(data_type, packet.payload)
    text = _decoded(packet.payload)
    if text is None or (data_type is DataType.JSON and not _is_json(text)):
        return Payload(DataType.BINARY, packet.payload)
    return Payload(data_type, text)


def message_of(packet: Publish, user_id: str | None, now: float) -> Message:
    """Make a message for a group of a packet, which other MQTT clients get as it is."""
    interval = packet.properties.message_expiry_interval
    message = Message(
        payload_of(packet),
        packet.topic,
        user_id,
        _metadata(packet.properties),
        None if interval is None else now + interval,
    )
    told = packet.properties
    passed_on = Properties(
        payload_format_indicator=told.payload_format_indicator,
        content_type=told.content_type,
        response_topic=told.response_topic,
        correlation_data=told.correlation_data,
        user_properties=told.user_properties,
    )
    message.encoded[Publish] = Publish(packet.topic, packet.payload, packet.qos, properties=passed_on)
    return message


def published(will: Will) -> Publish:
    """Make a packet of a will."""
    return Publish(will.topic, will.payload, will.qos, properties=evolve(will.properties, will_delay_interval=None))


def _decoded(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _is_json(text: str) -> bool:
    try:
        json_text.parse(text)
    except json_text.JSONError:
        return False
    return True


def _metadata(properties: Properties) -> dict[str, str] | None:
    """Take as metadata what can be; other clients know nothing of other user properties."""
    metadata: dict[str, str] = {}
    for pair in properties.user_properties:
        try:
            metadata = names.metadata([*metadata.items(), pair])
        except names.MetadataError:
            continue
    return metadata or None


# To MQTT


def packet_of(message: Message) -> Publish:
    """Write a message as the packet that its receivers get, each in its own quality of service and no better one."""
    packet = message.encoded.get(Publish)
    if not isinstance(packet, Publish):
        properties = Properties(
            content_type=_CONTENT_TYPES[message.payload.data_type],
            user_properties=tuple((message.metadata or {}).items()),
        )
        packet = Publish(message.group or SERVER_MESSAGES, _bytes(message.payload), 1, properties=properties)
        message.encoded[Publish] = packet
    return packet


def response_of(event: str, request: Publish, reply: Reply) -> Publish:
    """Write what comes of an event, for the client that sent it."""
    match reply:
        case MqttResponse():
            response = reply
        case EventReply(Payload() as payload, metadata):
            content_type = _CONTENT_TYPES[payload.data_type]
            response = MqttResponse(200, content_type, _bytes(payload), tuple((metadata or {}).items()))
        case EventReply(_, metadata):
            response = MqttResponse(204, user_properties=tuple((metadata or {}).items()))
        case EventFailed(status):
            response = MqttResponse(status or 500)
        case _:
            raise TypeError(f"{type(reply).__name__} is not the reply to an event")
    outcome = "succeeded" if 200 <= response.status < 300 else "failed"
    properties = Properties(
        content_type=response.content_type,
        correlation_data=request.properties.correlation_data,
        user_properties=(("azure-status-code", str(response.status)), *response.user_properties),
    )
    topic = f"{_SYSTEM}server/events/{event}/{outcome}"
    return Publish(topic, response.body, request.qos, properties=properties)


def _bytes(payload: Payload) -> bytes:
    return payload.data.encode() if isinstance(payload.data, str) else payload.data
