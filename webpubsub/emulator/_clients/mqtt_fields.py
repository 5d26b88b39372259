"""What MQTT packets consist of: numbers, strings, properties and reason codes, as bytes and back.

Chapters 1.5 and 2.2.2 of MQTT 5.0; version 3.1.1 uses the same, without properties. Pure; knows no packet.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple, NoReturn

from attrs import frozen

__all__ = [
    "NO_PROPERTIES",
    "PacketError",
    "PacketType",
    "Properties",
    "Reader",
    "ReasonCode",
    "malformed",
    "protocol_error",
    "varint",
    "write_binary",
    "write_text",
]

_LONGEST_TEXT: Final = 65_535
_LARGEST_VARINT: Final = 268_435_455


class PacketType(IntEnum):
    """The kinds of control packets, and the will, which is not one but has properties of its own."""

    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class ReasonCode(IntEnum):
    """How something went, or why a connection ends (chapter 2.4). Below 128 all is well."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class PacketError(Exception):
    """Bytes that are no packets, or packets that the protocol does not allow; `code` is what to end with."""

    def __init__(self, code: ReasonCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def malformed(reason: str) -> NoReturn:
    """Refuse bytes that cannot be parsed."""
    raise PacketError(ReasonCode.MALFORMED_PACKET, reason)


def protocol_error(reason: str) -> NoReturn:
    """Refuse what can be parsed and is not allowed."""
    raise PacketError(ReasonCode.PROTOCOL_ERROR, reason)


class Reader:
    """Takes fields off the front of bytes; whatever is missing or wrong is a `PacketError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._position

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        if size > self.left:
            malformed("The packet ends too early.")
        self._position += size
        return self._data[self._position - size : self._position]

    def rest(self) -> bytes:
        """Read all that is left."""
        return self.take(self.left)

    def part(self, size: int) -> Reader:
        """Read so many bytes as something of its own."""
        return Reader(self.take(size))

    def end(self) -> None:
        """Insist that nothing is left."""
        if self.left:
            malformed("The packet goes on behind its end.")

    def number(self, size: int) -> int:
        """Read a whole number, its highest byte first."""
        return int.from_bytes(self.take(size))

    def byte(self) -> int:
        """Read a number of one byte."""
        return self.number(1)

    def packet_id(self) -> int:
        """Read a packet identifier, which is never 0."""
        return self.number(2) or protocol_error("A packet identifier must not be 0.")

    def varint(self) -> int:
        """Read a number of one to four bytes."""
        value = shift = 0
        while shift <= 21:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    malformed("A number takes more bytes than it needs.")
                return value
            shift += 7
        malformed("A number takes more than four bytes.")

    def binary(self) -> bytes:
        """Read bytes with their length before them."""
        return self.take(self.number(2))

    def text(self) -> str:
        """Read a string with its length before it."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            malformed("A string is not valid UTF-8.")
        if "\0" in text:
            malformed("A string contains the null character.")
        return text


def varint(value: int) -> bytes:
    """Write a number as one to four bytes."""
    if not 0 <= value <= _LARGEST_VARINT:
        raise PacketError(ReasonCode.PACKET_TOO_LARGE, f"{value} does not fit into four bytes.")
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def write_binary(data: bytes) -> bytes:
    """Write bytes with their length before them."""
    if len(data) > _LONGEST_TEXT:
        raise PacketError(ReasonCode.PACKET_TOO_LARGE, f"A field of {len(data)} bytes is too long; 65535 are allowed.")
    return len(data).to_bytes(2) + data


def write_text(text: str) -> bytes:
    """Write a string with its length before it."""
    return write_binary(text.encode())


# Properties


@frozen(kw_only=True)
class Properties:
    """All properties there are; None, or none, where a packet does not have them. Times are in seconds."""

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None

    @classmethod
    def read(cls, reader: Reader, packet: PacketType) -> Properties:
        """Read the properties of a packet, with their length before them."""
        section = reader.part(reader.varint())
        if not section.left:
            return NO_PROPERTIES
        found: dict[str, Any] = {}
        while section.left:
            known = _BY_IDENTIFIER.get(section.varint())
            if known is None or packet not in known.packets:
                malformed("A property does not belong into this packet.")
            value = known.kind.read(section)
            if known.repeated(packet):
                found[known.name] = (*found.get(known.name, ()), value)
            elif known.name in found:
                protocol_error(f"The property {known.name} is given more than once.")
            else:
                found[known.name] = (value,) if known.name in _TUPLES else value
        if "authentication_data" in found and "authentication_method" not in found:
            protocol_error("Authentication data without an authentication method means nothing.")
        return cls(**found)

    def write(self, packet: PacketType) -> bytes:
        """Write the properties, with their length before them.

        Raises:
            ValueError: One of them does not belong into this packet.
        """
        if self is NO_PROPERTIES:
            return b"\0"
        written = bytearray()
        for known in _PROPERTIES:
            value = getattr(self, known.name)
            if value is None or value == ():
                continue
            if packet not in known.packets:
                raise ValueError(f"{packet.name} has no property {known.name}")
            for item in value if known.name in _TUPLES else (value,):
                written.append(known.identifier)
                written += known.kind.write(item)
        return varint(len(written)) + written


class _Kind(NamedTuple):
    read: Callable[[Reader], Any]
    write: Callable[[Any], bytes]


def _number(size: int, least: int = 0, most: int | None = None) -> _Kind:
    def read(reader: Reader) -> int:
        value = reader.number(size)
        if value < least or (most is not None and value > most):
            protocol_error("The value of a property is out of its range.")
        return value

    return _Kind(read, lambda value: value.to_bytes(size))


def _read_identifier(reader: Reader) -> int:
    return reader.varint() or protocol_error("A subscription identifier must not be 0.")


def _read_alias(reader: Reader) -> int:
    alias = reader.number(2)
    if not alias:
        raise PacketError(ReasonCode.TOPIC_ALIAS_INVALID, "A topic alias must not be 0.")
    return alias


_FLAG: Final = _number(1, most=1)
_TWO: Final = _number(2)
_FOUR: Final = _number(4)
_BINARY: Final = _Kind(Reader.binary, write_binary)
_TEXT: Final = _Kind(Reader.text, write_text)
_IDENTIFIER: Final = _Kind(_read_identifier, varint)
_ALIAS: Final = _Kind(_read_alias, _TWO.write)
_PAIR: Final = _Kind(
    lambda reader: (reader.text(), reader.text()), lambda pair: write_text(pair[0]) + write_text(pair[1])
)
_TUPLES: Final = {"subscription_identifiers", "user_properties"}
_MESSAGE: Final = frozenset({PacketType.PUBLISH, PacketType.WILL})
_CONNECT: Final = frozenset({PacketType.CONNECT})
_CONNACK: Final = frozenset({PacketType.CONNACK})
_GREETING: Final = _CONNECT | _CONNACK
_WITH_REASON: Final = frozenset(PacketType) - {
    PacketType.WILL,
    PacketType.CONNECT,
    PacketType.PUBLISH,
    PacketType.SUBSCRIBE,
    PacketType.UNSUBSCRIBE,
    PacketType.PINGREQ,
    PacketType.PINGRESP,
}
_EVERY: Final = frozenset(PacketType) - {PacketType.PINGREQ, PacketType.PINGRESP}


class _Property(NamedTuple):
    name: str
    identifier: int
    kind: _Kind
    packets: frozenset[PacketType]

    def repeated(self, packet: PacketType) -> bool:
        """Tell whether a packet may have it several times: a SUBSCRIBE has one subscription identifier only."""
        return self.name in _TUPLES and not (self.kind.read is _read_identifier and packet is PacketType.SUBSCRIBE)


_PROPERTIES: Final = (
    _Property("payload_format_indicator", 0x01, _FLAG, _MESSAGE),
    _Property("message_expiry_interval", 0x02, _FOUR, _MESSAGE),
    _Property("content_type", 0x03, _TEXT, _MESSAGE),
    _Property("response_topic", 0x08, _TEXT, _MESSAGE),
    _Property("correlation_data", 0x09, _BINARY, _MESSAGE),
    _Property("subscription_identifiers", 0x0B, _IDENTIFIER, frozenset({PacketType.PUBLISH, PacketType.SUBSCRIBE})),
    _Property("session_expiry_interval", 0x11, _FOUR, _GREETING | {PacketType.DISCONNECT}),
    _Property("assigned_client_identifier", 0x12, _TEXT, _CONNACK),
    _Property("server_keep_alive", 0x13, _TWO, _CONNACK),
    _Property("authentication_method", 0x15, _TEXT, _GREETING | {PacketType.AUTH}),
    _Property("authentication_data", 0x16, _BINARY, _GREETING | {PacketType.AUTH}),
    _Property("request_problem_information", 0x17, _FLAG, _CONNECT),
    _Property("will_delay_interval", 0x18, _FOUR, frozenset({PacketType.WILL})),
    _Property("request_response_information", 0x19, _FLAG, _CONNECT),
    _Property("response_information", 0x1A, _TEXT, _CONNACK),
    _Property("server_reference", 0x1C, _TEXT, _CONNACK | {PacketType.DISCONNECT}),
    _Property("reason_string", 0x1F, _TEXT, _WITH_REASON),
    _Property("receive_maximum", 0x21, _number(2, least=1), _GREETING),
    _Property("topic_alias_maximum", 0x22, _TWO, _GREETING),
    _Property("topic_alias", 0x23, _ALIAS, frozenset({PacketType.PUBLISH})),
    _Property("maximum_qos", 0x24, _FLAG, _CONNACK),
    _Property("retain_available", 0x25, _FLAG, _CONNACK),
    _Property("user_properties", 0x26, _PAIR, _EVERY),
    _Property("maximum_packet_size", 0x27, _number(4, least=1), _GREETING),
    _Property("wildcard_subscription_available", 0x28, _FLAG, _CONNACK),
    _Property("subscription_identifier_available", 0x29, _FLAG, _CONNACK),
    _Property("shared_subscription_available", 0x2A, _FLAG, _CONNACK),
)
_BY_IDENTIFIER: Final = {known.identifier: known for known in _PROPERTIES}

NO_PROPERTIES: Final = Properties()
