"""The control packets of MQTT 3.1.1 and 5.0: bytes in, packets out, and back.

Pure, and the same for both directions. What a packet causes is not decided here; what no reader of the standard would
call a packet ends in `PacketError`, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Final, TypeAlias

from attrs import frozen

from .mqtt_fields import (
    NO_PROPERTIES,
    PacketError,
    PacketType,
    Properties,
    Reader,
    ReasonCode,
    malformed,
    protocol_error,
    varint,
    write_binary,
    write_text,
)

__all__ = [
    "V3",
    "V5",
    "Auth",
    "ConnAck",
    "Connect",
    "Disconnect",
    "Packet",
    "PacketError",
    "PacketReader",
    "PingReq",
    "PingResp",
    "Properties",
    "PubAck",
    "PubComp",
    "PubRec",
    "PubRel",
    "Publish",
    "ReasonCode",
    "SubAck",
    "Subscribe",
    "Subscription",
    "UnsubAck",
    "Unsubscribe",
    "Will",
    "encode",
    "refusal_reason",
]

V3: Final = 4
"""How a CONNECT says 3.1.1."""

V5: Final = 5
"""How a CONNECT says 5.0."""


@frozen
class Will:
    """What is published for a client that goes away without a word."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@frozen
class Connect:
    """A client introduces itself. `keep_alive` is in seconds, 0 for none."""

    type: ClassVar[PacketType] = PacketType.CONNECT
    client_id: str
    version: int = V5
    clean_start: bool = True
    keep_alive: int = 0
    will: Will | None = None
    username: str | None = None
    password: bytes | None = None
    properties: Properties = NO_PROPERTIES


@frozen
class ConnAck:
    """The server lets a client in, or not."""

    type: ClassVar[PacketType] = PacketType.CONNACK
    session_present: bool
    code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@frozen
class Publish:
    """A message. Only one of quality of service 1 or 2 has a packet identifier."""

    type: ClassVar[PacketType] = PacketType.PUBLISH
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None
    properties: Properties = NO_PROPERTIES


@frozen
class _Acknowledgement:
    type: ClassVar[PacketType]
    packet_id: int
    code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


class PubAck(_Acknowledgement):
    """A message of quality of service 1 has arrived."""

    type: ClassVar[PacketType] = PacketType.PUBACK


class PubRec(_Acknowledgement):
    """A message of quality of service 2 has arrived."""

    type: ClassVar[PacketType] = PacketType.PUBREC


class PubRel(_Acknowledgement):
    """The sender knows that its message has arrived."""

    type: ClassVar[PacketType] = PacketType.PUBREL


class PubComp(_Acknowledgement):
    """The packet identifier may be used again."""

    type: ClassVar[PacketType] = PacketType.PUBCOMP


@frozen
class Subscription:
    """One filter of a SUBSCRIBE, and what the client wants of the messages that match."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@frozen
class Subscribe:
    """A client wants messages."""

    type: ClassVar[PacketType] = PacketType.SUBSCRIBE
    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES


@frozen
class SubAck:
    """The outcome of a SUBSCRIBE, filter by filter."""

    type: ClassVar[PacketType] = PacketType.SUBACK
    packet_id: int
    codes: tuple[ReasonCode, ...]
    properties: Properties = NO_PROPERTIES


@frozen
class Unsubscribe:
    """A client wants no more messages."""

    type: ClassVar[PacketType] = PacketType.UNSUBSCRIBE
    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES


@frozen
class UnsubAck:
    """The outcome of an UNSUBSCRIBE, filter by filter; version 3.1.1 has no codes."""

    type: ClassVar[PacketType] = PacketType.UNSUBACK
    packet_id: int
    codes: tuple[ReasonCode, ...] = ()
    properties: Properties = NO_PROPERTIES


@frozen
class PingReq:
    """A client is still there."""

    type: ClassVar[PacketType] = PacketType.PINGREQ


@frozen
class PingResp:
    """So is the server."""

    type: ClassVar[PacketType] = PacketType.PINGRESP


@frozen
class Disconnect:
    """The last packet of a connection."""

    type: ClassVar[PacketType] = PacketType.DISCONNECT
    code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@frozen
class Auth:
    """A step of an extended authentication."""

    type: ClassVar[PacketType] = PacketType.AUTH
    code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


Packet: TypeAlias = (
    Connect
    | ConnAck
    | Publish
    | PubAck
    | PubRec
    | PubRel
    | PubComp
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
    | Auth
)


class PacketReader:
    """Cuts a stream of bytes into packets; WebSocket frames need not end where packets do.

    Args:
        largest: How many bytes one packet may have.
        version: The version of the protocol; None on a server, which learns it from the CONNECT.
    """

    def __init__(self, largest: int, version: int | None = None) -> None:
        self.version = version
        self._largest = largest
        self._waiting = bytearray()

    @property
    def waiting(self) -> int:
        """How many bytes have been added and not been taken out."""
        return len(self._waiting)

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Add bytes, and take out every packet that is complete.

        Raises:
            PacketError: While packets are taken out: from here on the bytes are none. Those before it have been
                yielded.
        """
        self._waiting += data
        return self._complete()

    def _complete(self) -> Iterator[Packet]:
        while (size := self._next_size()) is not None:
            packet = bytes(self._waiting[:size])
            del self._waiting[:size]
            yield self._decode(packet)

    def _next_size(self) -> int | None:
        """Measure the next packet; None if it is not there completely."""
        head = bytes(self._waiting[1:5])
        if len(head) < 4 and all(byte & 0x80 for byte in head):
            return None
        reader = Reader(head)
        size = reader.varint() + 1 + len(head) - reader.left
        if size > self._largest:
            raise PacketError(ReasonCode.PACKET_TOO_LARGE, f"A packet may have {self._largest} bytes.")
        return size if size <= len(self._waiting) else None

    def _decode(self, data: bytes) -> Packet:
        reader = Reader(data)
        head = reader.byte()
        reader.varint()
        kind, flags = PacketType(head >> 4), head & 0x0F
        if self.version is None and kind is not PacketType.CONNECT:
            protocol_error("The first packet must be a CONNECT.")
        read = _READERS.get(kind)
        if read is None or (kind is PacketType.AUTH and self.version != V5):
            malformed("There is no packet of this type.")
        if kind is not PacketType.PUBLISH and flags != _FLAGS.get(kind, 0):
            malformed("The flags of the packet have other values than its type demands.")
        packet = read(reader, flags, self.version or V5)
        reader.end()
        if isinstance(packet, Connect):
            self.version = packet.version
        return packet


def encode(packet: Packet, version: int) -> bytes:
    """Write a packet.

    Raises:
        PacketError: A part of it is longer than the protocol can say.
        ValueError: It has a property that does not belong into it.
    """
    flags = _FLAGS.get(packet.type, 0)
    match packet:
        case Connect():
            body = _write_connect(packet)
        case ConnAck(session_present, code, properties):
            written = code if version == V5 else _RETURN_CODES.get(code, _SERVER_UNAVAILABLE)
            body = bytes([session_present, written]) + _write(properties, packet.type, version)
        case Publish():
            flags = packet.dup << 3 | packet.qos << 1 | packet.retain
            packet_id = b"" if packet.packet_id is None else packet.packet_id.to_bytes(2)
            section = _write(packet.properties, packet.type, version)
            body = write_text(packet.topic) + packet_id + section + packet.payload
        case PubAck(packet_id) | PubRec(packet_id) | PubRel(packet_id) | PubComp(packet_id):
            body = packet_id.to_bytes(2) + _write_outcome(packet, version)
        case Subscribe(packet_id, subscriptions, properties):
            filters = b"".join(write_text(asked.topic_filter) + bytes([_options(asked)]) for asked in subscriptions)
            body = packet_id.to_bytes(2) + _write(properties, packet.type, version) + filters
        case SubAck(packet_id, codes, properties):
            codes_written = bytes(codes if version == V5 else (min(code, _FAILURE) for code in codes))
            body = packet_id.to_bytes(2) + _write(properties, packet.type, version) + codes_written
        case Unsubscribe(packet_id, topic_filters, properties):
            filters = b"".join(map(write_text, topic_filters))
            body = packet_id.to_bytes(2) + _write(properties, packet.type, version) + filters
        case UnsubAck(packet_id, codes, properties):
            codes_written = bytes(codes) if version == V5 else b""
            body = packet_id.to_bytes(2) + _write(properties, packet.type, version) + codes_written
        case PingReq() | PingResp():
            body = b""
        case Disconnect() | Auth():
            body = _write_outcome(packet, version)
    return bytes([packet.type << 4 | flags]) + varint(len(body)) + body


def refusal_reason(code: int | None, version: int) -> ReasonCode:
    """Read what a CONNACK of this version would refuse a client with; a code that it cannot have is unspecified."""
    if version == V3:
        return _OF_RETURN_CODES.get(code or 0, ReasonCode.UNSPECIFIED_ERROR) or ReasonCode.UNSPECIFIED_ERROR
    return ReasonCode(code) if code and code in _CODES[PacketType.CONNACK] else ReasonCode.UNSPECIFIED_ERROR


_FLAGS: Final = {PacketType.PUBREL: 2, PacketType.SUBSCRIBE: 2, PacketType.UNSUBSCRIBE: 2}
_FAILURE: Final = 0x80
_SERVER_UNAVAILABLE: Final = 3
_RETURN_CODES: Final[Mapping[ReasonCode, int]] = {
    ReasonCode.SUCCESS: 0,
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION: 1,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: 2,
    ReasonCode.SERVER_UNAVAILABLE: _SERVER_UNAVAILABLE,
    ReasonCode.BAD_USER_NAME_OR_PASSWORD: 4,
    ReasonCode.NOT_AUTHORIZED: 5,
}
"""What a CONNACK of version 3.1.1 can say; there, every other reason is that the server is unavailable."""

_OF_RETURN_CODES: Final = {code: reason for reason, code in _RETURN_CODES.items()}


def _write(properties: Properties, kind: PacketType, version: int) -> bytes:
    return properties.write(kind) if version == V5 else b""


def _write_outcome(packet: _Acknowledgement | Disconnect | Auth, version: int) -> bytes:
    if version != V5 or (packet.code == ReasonCode.SUCCESS and packet.properties == NO_PROPERTIES):
        return b""
    return bytes([packet.code]) + packet.properties.write(packet.type)


def _options(asked: Subscription) -> int:
    return asked.retain_handling << 4 | asked.retain_as_published << 3 | asked.no_local << 2 | asked.qos


def _write_connect(packet: Connect) -> bytes:
    flags, will = packet.clean_start << 1, b""
    if packet.will is not None:
        flags |= 1 << 2 | packet.will.qos << 3 | packet.will.retain << 5
        will = _write(packet.will.properties, PacketType.WILL, packet.version)
        will += write_text(packet.will.topic) + write_binary(packet.will.payload)
    username = password = b""
    if packet.username is not None:
        flags |= 1 << 7
        username = write_text(packet.username)
    if packet.password is not None:
        flags |= 1 << 6
        password = write_binary(packet.password)
    head = write_text("MQTT") + bytes([packet.version, flags]) + packet.keep_alive.to_bytes(2)
    properties = _write(packet.properties, packet.type, packet.version)
    return head + properties + write_text(packet.client_id) + will + username + password


# Reading


def _read(reader: Reader, kind: PacketType, version: int) -> Properties:
    return Properties.read(reader, kind) if version == V5 else NO_PROPERTIES


def _code(value: int, kind: PacketType) -> ReasonCode:
    if value not in _CODES[kind]:
        protocol_error("The reason code does not belong into this packet.")
    return ReasonCode(value)


def _qos(value: int) -> int:
    return value if value < 3 else malformed("There is no quality of service 3.")


def _read_connect(reader: Reader, _flags: int, _version: int) -> Connect:
    name, version = reader.binary(), reader.byte()
    if name != b"MQTT" or version not in (V3, V5):
        raise PacketError(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "The protocol must be MQTT 3.1.1 or 5.0.")
    flags = reader.byte()
    has_will, has_password, has_username = flags & 1 << 2, flags & 1 << 6, flags & 1 << 7
    if flags & 1 or (not has_will and flags & 0b11_1000) or (version == V3 and has_password and not has_username):
        malformed("The flags of the CONNECT contradict one another.")
    keep_alive = reader.number(2)
    properties = _read(reader, PacketType.CONNECT, version)
    client_id = reader.text()
    will = _read_will(reader, flags, version) if has_will else None
    username = reader.text() if has_username else None
    password = reader.binary() if has_password else None
    return Connect(client_id, version, bool(flags & 2), keep_alive, will, username, password, properties)


def _read_will(reader: Reader, flags: int, version: int) -> Will:
    qos = _qos(flags >> 3 & 3)
    properties = _read(reader, PacketType.WILL, version)
    return Will(_topic(reader.text()), reader.binary(), qos, bool(flags & 1 << 5), properties)


def _topic(name: str) -> str:
    if "+" in name or "#" in name:
        raise PacketError(ReasonCode.TOPIC_NAME_INVALID, "The name of a topic must not contain wildcards.")
    return name


def _read_connack(reader: Reader, _flags: int, version: int) -> ConnAck:
    flags, code = reader.byte(), reader.byte()
    if flags > 1:
        malformed("The flags of the CONNACK are reserved.")
    if version == V3 and code not in _OF_RETURN_CODES:
        protocol_error("There is no such return code.")
    reason = _OF_RETURN_CODES[code] if version == V3 else _code(code, PacketType.CONNACK)
    return ConnAck(bool(flags), reason, _read(reader, PacketType.CONNACK, version))


def _read_publish(reader: Reader, flags: int, version: int) -> Publish:
    qos, dup = _qos(flags >> 1 & 3), bool(flags & 8)
    if dup and not qos:
        malformed("A message of quality of service 0 cannot be a duplicate.")
    topic = _topic(reader.text())
    packet_id = reader.packet_id() if qos else None
    properties = _read(reader, PacketType.PUBLISH, version)
    if not topic and properties.topic_alias is None:
        protocol_error("A message needs a topic.")
    return Publish(topic, reader.rest(), qos, bool(flags & 1), dup, packet_id, properties)


def _outcome(reader: Reader, kind: PacketType, version: int) -> tuple[ReasonCode, Properties]:
    if version != V5 or not reader.left:
        return ReasonCode.SUCCESS, NO_PROPERTIES
    code = _code(reader.byte(), kind)
    return code, Properties.read(reader, kind) if reader.left else NO_PROPERTIES


def _read_puback(reader: Reader, _flags: int, version: int) -> PubAck:
    return PubAck(reader.packet_id(), *_outcome(reader, PacketType.PUBACK, version))


def _read_pubrec(reader: Reader, _flags: int, version: int) -> PubRec:
    return PubRec(reader.packet_id(), *_outcome(reader, PacketType.PUBREC, version))


def _read_pubrel(reader: Reader, _flags: int, version: int) -> PubRel:
    return PubRel(reader.packet_id(), *_outcome(reader, PacketType.PUBREL, version))


def _read_pubcomp(reader: Reader, _flags: int, version: int) -> PubComp:
    return PubComp(reader.packet_id(), *_outcome(reader, PacketType.PUBCOMP, version))


def _read_subscribe(reader: Reader, _flags: int, version: int) -> Subscribe:
    packet_id, properties = reader.packet_id(), _read(reader, PacketType.SUBSCRIBE, version)
    subscriptions = []
    while reader.left:
        topic_filter, options = reader.text(), reader.byte()
        if options >> 6 or (version == V3 and options > 3):
            malformed("Reserved bits of the subscription options are set.")
        qos, retain_handling = options & 3, options >> 4
        if qos == 3 or retain_handling == 3:
            protocol_error("The subscription options have a value that does not exist.")
        subscriptions.append(Subscription(topic_filter, qos, bool(options & 4), bool(options & 8), retain_handling))
    return Subscribe(packet_id, tuple(subscriptions) or protocol_error("A SUBSCRIBE needs a filter."), properties)


def _read_suback(reader: Reader, _flags: int, version: int) -> SubAck:
    packet_id, properties = reader.packet_id(), _read(reader, PacketType.SUBACK, version)
    codes = tuple(_code(value, PacketType.SUBACK) for value in reader.rest())
    if version == V3 and any(code > _FAILURE for code in codes):
        protocol_error("There is no such return code.")
    return SubAck(packet_id, codes or protocol_error("A SUBACK needs a code."), properties)


def _read_unsubscribe(reader: Reader, _flags: int, version: int) -> Unsubscribe:
    packet_id, properties = reader.packet_id(), _read(reader, PacketType.UNSUBSCRIBE, version)
    topic_filters = []
    while reader.left:
        topic_filters.append(reader.text())
    return Unsubscribe(packet_id, tuple(topic_filters) or protocol_error("An UNSUBSCRIBE needs a filter."), properties)


def _read_unsuback(reader: Reader, _flags: int, version: int) -> UnsubAck:
    packet_id, properties = reader.packet_id(), _read(reader, PacketType.UNSUBACK, version)
    codes = tuple(_code(value, PacketType.UNSUBACK) for value in reader.rest()) if version == V5 else ()
    if version == V5 and not codes:
        protocol_error("An UNSUBACK needs a code.")
    return UnsubAck(packet_id, codes, properties)


def _read_disconnect(reader: Reader, _flags: int, version: int) -> Disconnect:
    return Disconnect(*_outcome(reader, PacketType.DISCONNECT, version))


def _read_auth(reader: Reader, _flags: int, version: int) -> Auth:
    return Auth(*_outcome(reader, PacketType.AUTH, version))


_READERS: Final[Mapping[PacketType, Callable[[Reader, int, int], Packet]]] = {
    PacketType.CONNECT: _read_connect,
    PacketType.CONNACK: _read_connack,
    PacketType.PUBLISH: _read_publish,
    PacketType.PUBACK: _read_puback,
    PacketType.PUBREC: _read_pubrec,
    PacketType.PUBREL: _read_pubrel,
    PacketType.PUBCOMP: _read_pubcomp,
    PacketType.SUBSCRIBE: _read_subscribe,
    PacketType.SUBACK: _read_suback,
    PacketType.UNSUBSCRIBE: _read_unsubscribe,
    PacketType.UNSUBACK: _read_unsuback,
    PacketType.PINGREQ: lambda _reader, _flags, _version: PingReq(),
    PacketType.PINGRESP: lambda _reader, _flags, _version: PingResp(),
    PacketType.DISCONNECT: _read_disconnect,
    PacketType.AUTH: _read_auth,
}

_ARRIVED: Final = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_RELEASED: Final = frozenset({0x00, 0x92})
_CODES: Final[Mapping[PacketType, frozenset[int]]] = {
    PacketType.CONNACK: frozenset({0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F}),
    PacketType.PUBACK: _ARRIVED,
    PacketType.PUBREC: _ARRIVED,
    PacketType.PUBREL: _RELEASED,
    PacketType.PUBCOMP: _RELEASED,
    PacketType.SUBACK: frozenset({0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}),
    PacketType.UNSUBACK: frozenset({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}),
    PacketType.DISCONNECT: frozenset(
        {0x00, 0x04, *range(0x80, 0x84), 0x87, 0x89, *range(0x8B, 0x91), *range(0x93, 0xA3)}
    ),
    PacketType.AUTH: frozenset({0x00, 0x18, 0x19}),
}
"""The reason codes that each packet may have (table 2-6 of MQTT 5.0)."""
