"""MQTT packets: known bytes, refusals, any cut of the stream, and paho-mqtt as the judge of both directions."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import properties as paho_properties
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode as PahoReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.support.tables import every_row
from webpubsub.emulator._clients import mqtt_fields, mqtt_packets
from webpubsub.emulator._clients.mqtt_fields import NO_PROPERTIES, PacketType, Reader, varint
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    V5,
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PacketError,
    PacketReader,
    PingReq,
    PingResp,
    Properties,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    ReasonCode,
    SubAck,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
    encode,
)

LARGEST = 1024 * 1024
PahoProperties: Any = paho_properties.Properties  # it has no types


def packets(data: bytes, version: int | None = None, *, largest: int = LARGEST) -> list[Packet]:
    """Read all packets of some bytes."""
    return list(PacketReader(largest, version).feed(data))


KNOWN: list[tuple[int, Packet, str]] = [
    (V3, Connect("ab", V3, clean_start=False, keep_alive=60), "100e 0004 4d515454 04 00 003c 0002 6162"),
    (
        V3,
        Connect("a", V3, will=Will("w", b"bye", 1, True), username="u", password=b"p", keep_alive=1),
        "101b 0004 4d515454 04 ee 0001 0001 61 0001 77 0003 627965 0001 75 0001 70",
    ),
    (
        V5,
        Connect("", keep_alive=10, properties=Properties(session_expiry_interval=30, receive_maximum=5)),
        "1015 0004 4d515454 05 02 000a 08 11 0000001e 21 0005 0000",
    ),
    (
        V5,
        Connect("a", will=Will("w", b"", 2, properties=Properties(will_delay_interval=7))),
        "1019 0004 4d515454 05 16 0000 00 0001 61 05 18 00000007 0001 77 0000",
    ),
    (V3, ConnAck(True), "2002 01 00"),
    (V3, ConnAck(False, ReasonCode.NOT_AUTHORIZED), "2002 00 05"),
    (V5, ConnAck(False, ReasonCode.NOT_AUTHORIZED), "2003 00 87 00"),
    (V5, ConnAck(False, properties=Properties(assigned_client_identifier="x")), "2007 00 00 04 12 0001 78"),
    (V3, Publish("t", b"hi"), "3005 0001 74 6869"),
    (V3, Publish("t", b"hi", 1, True, True, 258), "3b07 0001 74 0102 6869"),
    (V5, Publish("t", b"", 2, packet_id=1), "3406 0001 74 0001 00"),
    (
        V5,
        Publish("t", b"x", properties=Properties(subscription_identifiers=(1, 200))),
        "300a 0001 74 05 0b01 0bc801 78",
    ),
    (V3, PubAck(1), "4002 0001"),
    (V5, PubAck(1, ReasonCode.NO_MATCHING_SUBSCRIBERS), "4004 0001 10 00"),
    (V5, PubRec(1), "5002 0001"),
    (V3, PubRel(1), "6202 0001"),
    (V5, PubComp(1, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND), "7004 0001 92 00"),
    (V3, Subscribe(10, (Subscription("a", 1), Subscription("b", 2))), "820a 000a 0001 61 01 0001 62 02"),
    (V5, Subscribe(10, (Subscription("a", 1, True, True, 2),)), "8207 000a 00 0001 61 2d"),
    (V3, SubAck(10, (ReasonCode.GRANTED_QOS_1, ReasonCode.UNSPECIFIED_ERROR)), "9004 000a 01 80"),
    (V5, SubAck(10, (ReasonCode.NOT_AUTHORIZED,)), "9004 000a 00 87"),
    (V3, Unsubscribe(10, ("a",)), "a205 000a 0001 61"),
    (V5, Unsubscribe(10, ("a",)), "a206 000a 00 0001 61"),
    (V3, UnsubAck(10), "b002 000a"),
    (V5, UnsubAck(10, (ReasonCode.NO_SUBSCRIPTION_EXISTED,)), "b004 000a 00 11"),
    (V3, PingReq(), "c000"),
    (V5, PingResp(), "d000"),
    (V3, Disconnect(), "e000"),
    (V5, Disconnect(), "e000"),
    (
        V5,
        Disconnect(ReasonCode.SESSION_TAKEN_OVER, Properties(user_properties=(("k", "v"),))),
        "e009 8e 07 26 0001 6b 0001 76",
    ),
    (V5, Auth(ReasonCode.REAUTHENTICATE, Properties(authentication_method="m")), "f006 19 04 15 0001 6d"),
]


@every_row(("version", "packet", "written"), KNOWN)
def test_a_packet_is_these_bytes(version: int, packet: Packet, written: str) -> None:
    """Known answers, worked out from the standard by hand, in both directions."""
    data = bytes.fromhex(written)

    assert encode(packet, version).hex(" ") == data.hex(" ")
    assert packets(data, version) == [packet]


SHORT_FORMS: list[tuple[str, Packet]] = [
    ("4003 0001 10", PubAck(1, ReasonCode.NO_MATCHING_SUBSCRIBERS)),
    ("e001 04", Disconnect(ReasonCode.DISCONNECT_WITH_WILL)),
    ("e002 00 00", Disconnect()),
    ("f000", Auth()),
]


@pytest.mark.parametrize(("written", "packet"), SHORT_FORMS)
def test_what_may_be_left_out_may_be_there(written: str, packet: Packet) -> None:
    """Version 5.0 lets a sender leave out empty properties and the code of success; both forms are read."""
    assert packets(bytes.fromhex(written), V5) == [packet]


def test_only_what_version_three_knows_is_written_to_it() -> None:
    """There are no properties in 3.1.1, and its return codes are few: another reason is an unavailable server."""
    codes = SubAck(1, (ReasonCode.GRANTED_QOS_2, ReasonCode.QUOTA_EXCEEDED))

    assert encode(ConnAck(False, ReasonCode.BANNED, Properties(reason_string="no")), V3).hex() == "20020003"
    assert encode(codes, V3).hex() == "900400010280"
    assert encode(UnsubAck(1, (ReasonCode.SUCCESS,)), V3).hex() == "b0020001"
    assert encode(Disconnect(ReasonCode.BANNED), V3).hex() == "e000"
    assert encode(Publish("t", b"", properties=Properties(content_type="a/b")), V3).hex() == "3003000174"


M, P = ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR
REFUSED: list[tuple[str, int | None, ReasonCode, str]] = [
    ("0000", V5, M, "a type that does not exist"),
    ("f000", V3, M, "AUTH in 3.1.1"),
    ("c000", None, P, "anything before CONNECT"),
    ("c100", V5, M, "flags on a PINGREQ"),
    ("6002 0001", V5, M, "no flags on a PUBREL"),
    ("8007 000a 00 0001 61 00", V5, M, "no flags on a SUBSCRIBE"),
    ("c08000", V5, M, "a remaining length with bytes to spare"),
    ("c0ffffffff", V5, M, "a remaining length of five bytes"),
    ("30ffffff7f", V5, ReasonCode.PACKET_TOO_LARGE, "a packet of 256 MiB"),
    ("3605 0001 74 0001", V3, M, "quality of service 3"),
    ("3803 0001 74", V3, M, "a duplicate of quality of service 0"),
    ("3203 0001 74", V3, M, "no room for the packet identifier"),
    ("3205 0001 74 0000", V3, P, "packet identifier 0"),
    ("3002 0000", V3, P, "no topic"),
    ("3003 0000 00", V5, P, "no topic and no alias"),
    ("3003 0001 23", V3, ReasonCode.TOPIC_NAME_INVALID, "a wildcard in a topic"),
    ("3003 0001 2b", V3, ReasonCode.TOPIC_NAME_INVALID, "the other wildcard in a topic"),
    ("3003 0001 00", V3, M, "the null character"),
    ("3003 0001 ff", V3, M, "no UTF-8"),
    ("3005 0003 eda080", V3, M, "half a surrogate pair"),
    ("3003 0005 74", V3, M, "a string that is longer than its packet"),
    ("3008 0001 74 04 23 0001 23", V5, M, "properties whose length is wrong"),
    ("3007 0001 74 03 23 0000", V5, ReasonCode.TOPIC_ALIAS_INVALID, "topic alias 0"),
    ("3006 0001 74 02 01 02", V5, P, "a payload format that does not exist"),
    ("3008 0001 74 04 0100 0100", V5, P, "a property that is given twice"),
    ("3006 0001 74 02 0b 00", V5, P, "subscription identifier 0"),
    ("3006 0001 74 02 7f 00", V5, M, "a property that does not exist"),
    ("3006 0001 74 02 24 00", V5, M, "a property of another packet"),
    ("820b 000a 04 0b01 0b02 0001 61 00", V5, P, "two subscription identifiers in a SUBSCRIBE"),
    ("8203 000a 00", V5, P, "no filter in a SUBSCRIBE"),
    ("8202 000a", V3, P, "no filter in a SUBSCRIBE of 3.1.1"),
    ("8206 000a 0001 61 04", V3, M, "options of 5.0 in 3.1.1"),
    ("8207 000a 00 0001 61 c0", V5, M, "reserved bits of the options"),
    ("8207 000a 00 0001 61 03", V5, P, "quality of service 3 in a subscription"),
    ("8207 000a 00 0001 61 30", V5, P, "retain handling 3"),
    ("a203 000a 00", V5, P, "no filter in an UNSUBSCRIBE"),
    ("9003 000a 00", V5, P, "no code in a SUBACK"),
    ("b003 000a 00", V5, P, "no code in an UNSUBACK"),
    ("9003 000a 87", V3, P, "a code of 5.0 in a SUBACK of 3.1.1"),
    ("2002 00 06", V3, P, "a return code that does not exist"),
    ("2003 00 01 00", V5, P, "a reason code of another packet"),
    ("2003 02 00 00", V5, M, "reserved flags of a CONNACK"),
    ("4003 0001 02", V5, P, "a reason code of another packet in a PUBACK"),
    ("4003 0001 00", V3, M, "a reason code in 3.1.1"),
    ("c001 00", V5, M, "something in a PINGREQ"),
    ("f006 18 04 16 0001 6d", V5, P, "authentication data without a method"),
    ("100c 0004 4d515458 04 02 0000 0000", None, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "another protocol"),
    ("100e 0006 4d5149736470 03 02 0000 0000", None, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "version 3.1"),
    ("100c 0004 4d515454 06 02 0000 0000", None, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "version 6"),
    ("100c 0004 4d515454 04 03 0000 0000", None, M, "the reserved flag of a CONNECT"),
    ("100c 0004 4d515454 04 0a 0000 0000", None, M, "the quality of service of no will"),
    ("100c 0004 4d515454 04 22 0000 0000", None, M, "retaining no will"),
    ("1010 0004 4d515454 04 1e 0000 0000 0000 0000", None, M, "quality of service 3 of a will"),
    ("100e 0004 4d515454 04 42 0000 0000 0000", None, M, "a password without a user name in 3.1.1"),
    ("1010 0004 4d515454 05 02 0000 03 21 0000 0000", None, P, "a receive maximum of 0"),
    ("1012 0004 4d515454 05 02 0000 05 27 00000000 0000", None, P, "a maximum packet size of 0"),
]


@every_row(("written", "version", "code", "why"), REFUSED, ids=[why for *_, why in REFUSED])
def test_what_the_standard_forbids_is_refused(written: str, version: int | None, code: ReasonCode, why: str) -> None:
    """Each with the reason code that a DISCONNECT or CONNACK is to carry."""
    with pytest.raises(PacketError) as refused:
        packets(bytes.fromhex(written), version)

    assert (refused.value.code, why) == (code, why)


def test_a_password_without_a_user_name_is_allowed_in_version_five() -> None:
    """It lets tokens be passwords; 3.1.1 forbids it."""
    packet = Connect("a", password=b"token")

    assert packets(encode(packet, V5)) == [packet]


def test_the_size_of_a_packet_is_bounded_before_it_has_arrived() -> None:
    """The head is enough: nobody has to send, or keep, what will be refused."""
    exact = encode(Publish("t", bytes(94)), V5)

    assert len(exact) == 100
    assert packets(exact, V5, largest=100) == [Publish("t", bytes(94))]
    with pytest.raises(PacketError) as refused:
        packets(exact[:3], V5, largest=99)
    assert refused.value.code == ReasonCode.PACKET_TOO_LARGE


def test_packets_before_a_bad_one_are_read() -> None:
    """The error comes where the bytes go wrong, and not earlier."""
    feeding = PacketReader(LARGEST, V5).feed(bytes.fromhex("c000 c100"))

    assert next(feeding) == PingReq()
    with pytest.raises(PacketError):
        next(feeding)


TOO_LONG: list[Packet] = [
    Publish("t" * 65_536, b""),
    Connect("a", password=bytes(65_536)),
]


@pytest.mark.parametrize("packet", TOO_LONG, ids=["text", "binary"])
def test_what_the_protocol_cannot_say_is_not_written(packet: Packet) -> None:
    """A length that does not fit is an error, and not a wrong length."""
    with pytest.raises(PacketError) as refused:
        encode(packet, V5)

    assert refused.value.code == ReasonCode.PACKET_TOO_LARGE


@pytest.mark.parametrize("value", [-1, 268_435_456])
def test_a_number_beyond_four_bytes_is_not_written(value: int) -> None:
    """That is the size of the largest packet, too."""
    with pytest.raises(PacketError):
        varint(value)


def test_a_property_of_another_packet_is_not_written() -> None:
    """A mistake in the emulator would otherwise be the client's to find."""
    with pytest.raises(ValueError, match="PUBLISH has no property maximum_qos"):
        encode(Publish("t", b"", properties=Properties(maximum_qos=1)), V5)


# Round trips, cuts and rubbish

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TOPIC = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=8)
BYTES = st.binary(max_size=8)
ID = st.integers(1, 65_535)
QOS = st.integers(0, 2)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    known.name: {
        mqtt_fields._FLAG: st.integers(0, 1),
        mqtt_fields._TWO: st.integers(0, 65_535),
        mqtt_fields._FOUR: st.integers(0, 2**32 - 1),
        mqtt_fields._BINARY: BYTES,
        mqtt_fields._TEXT: TEXT,
        mqtt_fields._PAIR: st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3).map(tuple),
        mqtt_fields._IDENTIFIER: st.lists(st.integers(1, 268_435_455), min_size=1, max_size=1).map(tuple),
    }.get(known.kind, ID)
    for known in mqtt_fields._PROPERTIES
}


def properties(version: int, kind: PacketType) -> st.SearchStrategy[Properties]:
    """Any properties that a packet may have; None have any in version 3.1.1."""
    if version == V3:
        return st.just(NO_PROPERTIES)
    allowed = {known.name: VALUES[known.name] for known in mqtt_fields._PROPERTIES if kind in known.packets}
    some = st.lists(st.sampled_from(sorted(allowed)), max_size=3, unique=True)
    found = some.flatmap(lambda names: st.fixed_dictionaries({name: allowed[name] for name in names}))
    return found.map(lambda values: Properties(**values)).filter(
        lambda properties_: properties_.authentication_data is None or properties_.authentication_method is not None
    )


def codes(version: int, kind: PacketType) -> st.SearchStrategy[ReasonCode]:
    """Any reason code that a packet may have in this version."""
    allowed = set(mqtt_packets._CODES[kind])
    if version == V3:
        told: dict[PacketType, set[Any]] = {
            PacketType.CONNACK: set(mqtt_packets._RETURN_CODES),
            PacketType.SUBACK: {0, 1, 2, 0x80},
        }
        allowed = {int(value) for value in told.get(kind, {0})}
    return st.sampled_from(sorted(ReasonCode(value) for value in allowed))


def any_packet(version: int) -> st.SearchStrategy[Packet]:
    """Any packet of a version."""

    def having(kind: PacketType) -> st.SearchStrategy[Properties]:
        return properties(version, kind)

    def having_code(kind: PacketType) -> st.SearchStrategy[ReasonCode]:
        return codes(version, kind)

    will = st.builds(Will, TOPIC, BYTES, QOS, st.booleans(), having(PacketType.WILL))
    username = st.none() | TEXT if version == V5 else TEXT
    subscription = st.builds(Subscription, TEXT, QOS, *[st.booleans() if version == V5 else st.just(False)] * 2)
    unsubscribed = st.lists(having_code(PacketType.UNSUBACK), min_size=1, max_size=3).map(tuple)
    strategies: list[st.SearchStrategy[Packet]] = [
        st.builds(
            Connect,
            TEXT,
            st.just(version),
            st.booleans(),
            st.integers(0, 65_535),
            st.none() | will,
            username,
            st.none() | BYTES,
            having(PacketType.CONNECT),
        ),
        st.builds(ConnAck, st.booleans(), having_code(PacketType.CONNACK), having(PacketType.CONNACK)),
        st.builds(Publish, TOPIC, BYTES, st.just(0), st.booleans(), properties=having(PacketType.PUBLISH)),
        st.builds(
            Publish, TOPIC, BYTES, st.integers(1, 2), st.booleans(), st.booleans(), ID, having(PacketType.PUBLISH)
        ),
        st.builds(PubAck, ID, having_code(PacketType.PUBACK), having(PacketType.PUBACK)),
        st.builds(PubRec, ID, having_code(PacketType.PUBREC), having(PacketType.PUBREC)),
        st.builds(PubRel, ID, having_code(PacketType.PUBREL), having(PacketType.PUBREL)),
        st.builds(PubComp, ID, having_code(PacketType.PUBCOMP), having(PacketType.PUBCOMP)),
        st.builds(
            Subscribe, ID, st.lists(subscription, min_size=1, max_size=3).map(tuple), having(PacketType.SUBSCRIBE)
        ),
        st.builds(
            SubAck,
            ID,
            st.lists(having_code(PacketType.SUBACK), min_size=1, max_size=3).map(tuple),
            having(PacketType.SUBACK),
        ),
        st.builds(Unsubscribe, ID, st.lists(TEXT, min_size=1, max_size=3).map(tuple), having(PacketType.UNSUBSCRIBE)),
        st.builds(UnsubAck, ID, unsubscribed if version == V5 else st.just(()), having(PacketType.UNSUBACK)),
        st.just(PingReq()),
        st.just(PingResp()),
        st.builds(Disconnect, having_code(PacketType.DISCONNECT), having(PacketType.DISCONNECT)),
    ]
    if version == V5:
        strategies.append(st.builds(Auth, having_code(PacketType.AUTH), having(PacketType.AUTH)))
    return st.one_of(strategies)


VERSIONED = st.one_of(
    [st.tuples(st.just(version), st.lists(any_packet(version), min_size=1, max_size=3)) for version in (V3, V5)]
)


@given(VERSIONED, st.data())
def test_whatever_is_written_is_read_however_it_is_cut(
    versioned: tuple[int, list[Packet]], data: st.DataObject
) -> None:
    """Every packet of both versions, in frames that hold no packet, a part of one, or several."""
    version, sent = versioned
    stream = b"".join(encode(packet, version) for packet in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reader = PacketReader(LARGEST, version)

    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert [packet for piece in pieces for packet in reader.feed(piece)] == sent


@given(st.sampled_from([None, V3, V5]), st.binary(max_size=60))
def test_random_bytes_are_packets_or_refused(version: int | None, data: bytes) -> None:
    """Nothing but `PacketError` comes out, and what was read can be written."""
    check(data, version)


@given(VERSIONED, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_packets_are_packets_or_refused(
    versioned: tuple[int, list[Packet]], damage: list[tuple[int, int]]
) -> None:
    """Bytes that are almost right reach deeper than random ones."""
    version, sent = versioned
    stream = bytearray(b"".join(encode(packet, version) for packet in sent))
    for place, value in damage:
        stream[place % len(stream)] = value

    check(bytes(stream), version)


def check(data: bytes, version: int | None) -> None:
    """Read bytes; write what was read, and read that again."""
    reader = PacketReader(LARGEST, version)
    with suppress(PacketError):
        for packet in reader.feed(data):
            assert reader.version is not None
            assert packets(encode(packet, reader.version), reader.version) == [packet]


# Judged by paho-mqtt


def camel(name: str) -> str:
    """Spell a property as paho does."""
    known = {"subscription_identifiers": "SubscriptionIdentifier", "user_properties": "UserProperty"}
    return known.get(name) or "".join(word.capitalize() for word in name.split("_")).replace("Qos", "QoS")


PAHO_KINDS = {kind: PacketTypes.WILLMESSAGE if kind is PacketType.WILL else int(kind) for kind in PacketType}


@every_row("kind", PacketType)
def test_paho_knows_the_same_properties(kind: PacketType) -> None:
    """Identifiers, names, and which packet may have which."""
    theirs = PahoProperties(PAHO_KINDS[kind])
    ours = {known.identifier: camel(known.name) for known in mqtt_fields._PROPERTIES if kind in known.packets}

    assert ours == {
        identifier: name.replace(" ", "")
        for name, identifier in theirs.names.items()
        if PAHO_KINDS[kind] in theirs.properties[identifier][1]
    }


def test_every_property_is_in_the_table() -> None:
    """In the order of their identifiers."""
    table = mqtt_fields._PROPERTIES

    assert [known.name for known in table] == [field.name for field in fields(Properties)]
    assert [known.identifier for known in table] == sorted({known.identifier for known in table})


@pytest.mark.parametrize("kind", mqtt_packets._CODES)
def test_paho_knows_the_same_reason_codes(kind: PacketType) -> None:
    """For each packet that has one; paho has overlooked that the payload of a will can be refused."""
    theirs = {
        value
        for value, names in PahoReasonCode.names.items()
        if any(int(kind) in packets_ for packets_ in names.values())
    }

    if kind is PacketType.CONNACK:
        theirs.add(ReasonCode.PAYLOAD_FORMAT_INVALID)

    assert set(mqtt_packets._CODES[kind]) == theirs


PROPERTIES = st.one_of(
    [
        st.tuples(st.just(kind), properties(V5, kind))
        for kind in PacketType
        if any(kind in known.packets for known in mqtt_fields._PROPERTIES)
    ]
)


def spoken_by_paho(properties_: Properties, kind: PacketType) -> Any:
    """Make paho's value of ours."""
    theirs = PahoProperties(PAHO_KINDS[kind])
    for field in fields(Properties):
        value = getattr(properties_, field.name)
        if value not in (None, ()):
            setattr(theirs, camel(field.name), list(value) if isinstance(value, tuple) else value)
    return theirs


@given(PROPERTIES.filter(lambda drawn: "\ufeff" not in str(drawn[1]) and (drawn[1].maximum_packet_size or 0) < 2**28))
def test_paho_and_we_write_properties_alike(drawn: tuple[PacketType, Properties]) -> None:
    """Byte by byte, and each reads the other. Paho refuses U+FEFF, and packets of more than 256 MiB."""
    kind, ours = drawn
    theirs = spoken_by_paho(ours, kind)

    written = theirs.pack()

    assert ours.write(kind) == written
    assert Properties.read(Reader(written), kind) == ours
    assert PahoProperties(PAHO_KINDS[kind]).unpack(ours.write(kind))[0].json() == theirs.json()


class Paho(paho.Client):
    """A paho client on a pair of sockets; nothing happens but when a test says so."""

    def __init__(self, version: int, **options: Any) -> None:
        protocol = paho.MQTTv5 if version == V5 else paho.MQTTv311
        super().__init__(CallbackAPIVersion.VERSION2, protocol=protocol, **options)
        self.seen: list[tuple[Any, ...]] = []
        self.on_connect = lambda *seen: self.seen.append(seen[2:])
        self.on_message = lambda *seen: self.seen.append(seen[2:])
        self.on_subscribe = lambda *seen: self.seen.append(seen[2:])
        self.on_unsubscribe = lambda *seen: self.seen.append(seen[2:])
        self.on_publish = lambda *seen: self.seen.append(seen[2:])
        self.on_disconnect = lambda *seen: self.seen.append(seen[2:])
        self.here, self.there = socket.socketpair()
        self.there.settimeout(5)
        self.version = version
        self._packets = PacketReader(LARGEST)

    def _create_socket(self) -> socket.socket:
        return self.here

    def written(self) -> list[Packet]:
        """Read what paho has written since the last time."""
        self.loop_write()
        return list(self._packets.feed(self.there.recv(65_536)))

    def read(self, *packets_: Packet) -> list[tuple[Any, ...]]:
        """Let paho read packets, and return what its callbacks were told."""
        self.seen.clear()
        for packet in packets_:
            self.there.sendall(encode(packet, self.version))
            self.loop_read()
        return self.seen.copy()


@pytest.fixture(params=[V3, V5])
def client(request: pytest.FixtureRequest) -> Iterator[Paho]:
    """A connected paho client of each version."""
    client = Paho(request.param, client_id="ann")
    client.connect("nowhere")
    assert [packet.type for packet in client.written()] == [PacketType.CONNECT]
    client.read(ConnAck(False))
    yield client
    client.there.close()
    client.here.close()


@pytest.mark.parametrize("version", [V3, V5])
def test_paho_introduces_itself(version: int) -> None:
    """A CONNECT with everything it can hold."""
    client = Paho(version, client_id="ann", **({"clean_session": False} if version == V3 else {}))
    client.username_pw_set("user", "word")
    will_properties, connect_properties = NO_PROPERTIES, NO_PROPERTIES
    options: dict[str, Any] = {}
    if version == V5:
        will_properties = Properties(content_type="text/plain", will_delay_interval=3)
        connect_properties = Properties(session_expiry_interval=30, user_properties=(("k", "v"), ("k", "w")))
        options = {
            "clean_start": False,
            "properties": spoken_by_paho(connect_properties, PacketType.CONNECT),
        }
    will = Will("w", b"bye", 2, True, will_properties)
    client.will_set("w", b"bye", 2, True, spoken_by_paho(will_properties, PacketType.WILL) if version == V5 else None)

    client.connect("nowhere", keepalive=70, **options)
    written = client.written()
    client.there.close()
    client.here.close()

    assert written == [Connect("ann", version, False, 70, will, "user", b"word", connect_properties)]


def test_paho_subscribes(client: Paho) -> None:
    """Several filters in one packet, and the outcome of each."""
    wanted = (Subscription("a", 1), Subscription("b", 2))
    outcome = (ReasonCode.GRANTED_QOS_1, ReasonCode.UNSPECIFIED_ERROR)

    client.subscribe(
        [("a", 1), ("b", 2)] if client.version == V3 else [("a", SubscribeOptions(1)), ("b", SubscribeOptions(2))]
    )
    written = client.written()
    seen = client.read(SubAck(1, outcome))
    client.unsubscribe(["a", "b"])

    assert written == [Subscribe(1, wanted)]
    assert [(mid, [code.value for code in codes_]) for mid, codes_, _ in seen] == [(1, [1, 0x80])]
    assert client.written() == [Unsubscribe(2, ("a", "b"))]
    assert client.read(UnsubAck(2, (ReasonCode.SUCCESS, ReasonCode.SUCCESS)))[0][0] == 2


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_paho_publishes(client: Paho, qos: int) -> None:
    """With the handshake of each quality of service."""
    client.publish("t", b"hi", qos, retain=True)

    assert client.written() == [Publish("t", b"hi", qos, True, packet_id=1 if qos else None)]
    if qos == 1:
        assert [mid for mid, *_ in client.read(PubAck(1))] == [1]
    if qos == 2:
        assert client.read(PubRec(1)) == []
        assert client.written() == [PubRel(1)]
        assert [mid for mid, *_ in client.read(PubComp(1))] == [1]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_paho_receives(client: Paho, qos: int) -> None:
    """And answers with the handshake of each quality of service."""
    sent = Publish("t/ö", b"hi", qos, packet_id=7 if qos else None)
    if client.version == V5:
        sent = evolve(sent, properties=Properties(content_type="a/b", subscription_identifiers=(1, 200)))

    seen = client.read(sent)
    if qos == 1:
        assert client.written() == [PubAck(7)]
    if qos == 2:
        assert client.written() == [PubRec(7)]
        seen = client.read(PubRel(7))
        assert client.written() == [PubComp(7)]

    (message,) = seen[0]
    assert (message.topic, message.payload, message.qos) == ("t/ö", b"hi", qos)
    if client.version == V5:
        assert message.properties.json() == {"ContentType": "a/b", "SubscriptionIdentifier": [1, 200]}


def test_paho_is_sent_away(client: Paho) -> None:
    """A server of 5.0 says why; one of 3.1.1 cannot."""
    if client.version == V3:
        return
    seen = client.read(Disconnect(ReasonCode.SESSION_TAKEN_OVER, Properties(reason_string="somebody else")))

    assert [(code.value, told.json()) for _, code, told in seen] == [(0x8E, {"ReasonString": "somebody else"})]


def test_paho_says_goodbye(client: Paho) -> None:
    """And is still there before."""
    client._send_pingreq()
    client.disconnect()

    assert client.written() == [PingReq(), Disconnect()]


@pytest.mark.parametrize(("value", "size"), [(0, 1), (127, 1), (128, 2), (16_383, 2), (2_097_151, 3), (268_435_455, 4)])
def test_a_number_takes_as_few_bytes_as_it_can(value: int, size: int) -> None:
    """At the ends of each length."""
    assert len(varint(value)) == size
    assert Reader(varint(value)).varint() == value
