"""The table of messages: each kind of message under each content type, and what is refused."""

import json
from array import array
from collections import OrderedDict, UserDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from webpubsub import ConfigurationError
from webpubsub.messages import Message, encode

from .support.tables import every_row

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"


def identity(message: str) -> str:
    """Give the message as it is."""
    return message


class Colour(Enum):
    """An enumeration of strings."""

    RED = "red"


class Shade(StrEnum):
    """The same as a StrEnum."""

    DARK = "dark"


class Name(str):
    """A string of a user's own class."""

    __slots__ = ()


class Level(IntEnum):
    """An enumeration of numbers."""

    HIGH = 3


class Wire(NamedTuple):
    """A body: its media type and its bytes."""

    content_type: str
    content: bytes


class Point(NamedTuple):
    """A named tuple."""

    x: int
    y: int


@dataclass
class Order:
    """A dataclass that holds its like."""

    number: int
    parts: list["Order"]


@attrs.frozen
class Price:
    """An attrs class."""

    amount: Decimal
    _colour: Colour


class Person(BaseModel):
    """A pydantic model."""

    name: str
    id: UUID


class Tags(RootModel[list[str]]):
    """A pydantic model that is a list in JSON."""


Make = Callable[[], Any]

# Values: always JSON, and refused as anything else.
VALUES: dict[str, tuple[Make, str]] = {
    "dict": (lambda: {"a": [1, None, True]}, '{"a": [1, null, true]}'),
    "empty dict": (dict, "{}"),
    "OrderedDict": (lambda: OrderedDict(b=1, a=2), '{"b": 1, "a": 2}'),
    "list": (lambda: [1, "a"], '[1, "a"]'),
    "tuple": (lambda: (1, 2), "[1, 2]"),
    "named tuple": (lambda: Point(1, 2), "[1, 2]"),
    "int": (lambda: 7, "7"),
    "big int": (lambda: 10**30, "1000000000000000000000000000000"),
    "float": (lambda: 0.1, "0.1"),
    "bool": (lambda: True, "true"),
    "None": (lambda: None, "null"),
    "numbers as keys": (lambda: {1: "a"}, '{"1": "a"}'),
    "other letters": (lambda: {"é": "李🎉"}, '{"é": "李🎉"}'),
    "datetime": (lambda: [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)], '["2024-01-02T03:04:05+00:00"]'),
    "datetime without a zone": (lambda: {"at": datetime(2024, 1, 2)}, '{"at": "2024-01-02T00:00:00"}'),
    "date": (lambda: date(2024, 1, 2), '"2024-01-02"'),
    "time": (lambda: [time(3, 4)], '["03:04:00"]'),
    "UUID": (lambda: {"id": UUID(int=1)}, '{"id": "00000000-0000-0000-0000-000000000001"}'),
    "Enum": (lambda: Colour.RED, '"red"'),
    "Enum inside": (lambda: {"c": Colour.RED}, '{"c": "red"}'),
    "StrEnum inside": (lambda: [Shade.DARK], '["dark"]'),
    "IntEnum inside": (lambda: [Level.HIGH], "[3]"),
    "a mapping that is no dict": (lambda: UserDict(a=1), '{"a": 1}'),
    "a sequence that is no list": (lambda: {"a": deque([1]), "b": range(2)}, '{"a": [1], "b": [0, 1]}'),
    "Decimal": (lambda: Decimal("1.50"), "1.50"),
    "Decimal beyond a float": (
        lambda: {"a": [Decimal("0.1000000000000000000000000001"), Decimal("-1E+400")]},
        '{"a": [0.1000000000000000000000000001, -1E+400]}',
    ),
    "timedelta": (lambda: timedelta(days=1, hours=2, minutes=3, seconds=4), '"P1DT02H03M04S"'),
    "short timedelta": (lambda: [timedelta(milliseconds=1500)], '["P0DT00H00M01.500000S"]'),
    "timedelta back": (lambda: timedelta(seconds=-1), '"-P0DT00H00M01S"'),
    "dataclass": (lambda: Order(7, [Order(8, [])]), '{"number": 7, "parts": [{"number": 8, "parts": []}]}'),
    "attrs class": (lambda: [Price(Decimal("9.90"), Colour.RED)], '[{"amount": 9.90, "_colour": "red"}]'),
    "pydantic model": (lambda: Person(name="Zoë", id=UUID(int=1)), f'{{"name": "Zoë", "id": "{UUID(int=1)}"}}'),
    "pydantic model inside": (lambda: {"by": Tags(["a"])}, '{"by": ["a"]}'),
}

# Strings: JSON unless asked for otherwise.
STRINGS: dict[str, tuple[str, str]] = {
    "str": ("Hello", '"Hello"'),
    "empty str": ("", '""'),
    "str of other letters": ("Zoë 李 🎉", '"Zoë 李 🎉"'),
    "str that looks like JSON": ("{}", '"{}"'),
    "str of another class": (Name("Hello"), '"Hello"'),
    "str with quotes and lines": ('a"b\n', r'"a\"b\n"'),
}

# Bytes and streams: the same content under every type, unless it is invalid there; the second column is how they are
# sent without a type.
OCTETS: dict[str, tuple[Make, str, bytes, set[str]]] = {
    "bytes": (lambda: b"[1]", BINARY, b"[1]", set()),
    "encoded JSON": (lambda: b' {"a" : 1e2}\n', BINARY, b' {"a" : 1e2}\n', set()),
    "a long number": (lambda: b"1" * 5000, BINARY, b"1" * 5000, set()),
    "empty bytes": (bytes, BINARY, b"", {JSON}),
    "bytes that are no UTF-8": (lambda: b"\xff\x00", BINARY, b"\xff\x00", {JSON, TEXT}),
    "bytes that are no JSON": (lambda: b"Hello", BINARY, b"Hello", {JSON}),
    "bytes of NaN": (lambda: b"[NaN]", BINARY, b"[NaN]", {JSON}),
    "bytes of JSON without end": (lambda: b"[" * 10**5, BINARY, b"[" * 10**5, {JSON}),
    "bytearray": (lambda: bytearray(b"[1]"), BINARY, b"[1]", set()),
    "memoryview": (lambda: memoryview(b"[1]"), BINARY, b"[1]", set()),
    "memoryview of numbers": (lambda: memoryview(array("H", [0x3131])), BINARY, b"11", set()),
    "memoryview with steps": (lambda: memoryview(b"1x2x")[::2], BINARY, b"12", set()),
    "BytesIO": (lambda: BytesIO(b"[1]"), BINARY, b"[1]", set()),
    "BytesIO of no UTF-8": (lambda: BytesIO(b"\xff"), BINARY, b"\xff", {JSON, TEXT}),
    "anything with read": (lambda: SimpleNamespace(read=lambda: b"1"), BINARY, b"1", set()),
    "StringIO": (lambda: StringIO("Hello World"), TEXT, b"Hello World", {JSON}),
    "StringIO of JSON": (lambda: StringIO('{"a": "ë"}'), TEXT, '{"a": "ë"}'.encode(), set()),
}

# No form under any type.
NEVER: dict[str, tuple[Make, type[Exception]]] = {
    "half a surrogate pair": (lambda: "\ud800", ConfigurationError),
    "half a surrogate pair in a stream": (lambda: StringIO("\ud800"), ConfigurationError),
    "set": (lambda: {1, 2}, TypeError),
    "object": (object, TypeError),
    "generator": (lambda: (part for part in [b"a"]), TypeError),
    "a stream of numbers": (lambda: SimpleNamespace(read=lambda: 1), TypeError),
}

# No form as JSON, and refused as anything else.
NOT_JSON: dict[str, tuple[Make, type[Exception]]] = {
    "NaN": (lambda: float("nan"), ConfigurationError),
    "infinity inside": (lambda: {"a": [float("inf")]}, ConfigurationError),
    "NaN as a key": (lambda: {float("nan"): 1}, ConfigurationError),
    "half a surrogate pair inside": (lambda: ["\ud800"], ConfigurationError),
    "bytes inside": (lambda: {"a": b"x"}, TypeError),
    "bytearray inside": (lambda: [bytearray(b"x")], TypeError),
    "Decimal that is no number": (lambda: [Decimal("NaN")], ConfigurationError),
    "infinite Decimal": (lambda: Decimal("-Infinity"), ConfigurationError),
    "int of many digits": (lambda: [10**5000], ConfigurationError),
    "class of a model": (lambda: [Person], TypeError),
    "class of a dataclass": (lambda: Order, TypeError),
    "keys of another type": (lambda: {(1, 2): "a"}, TypeError),
}

SENT = [
    *((make, given_, Wire(JSON, text.encode())) for make, text in VALUES.values() for given_ in (None, JSON)),
    *(
        (partial(identity, text), given_, Wire(JSON, quoted.encode()))
        for text, quoted in STRINGS.values()
        for given_ in (None, JSON)
    ),
    *(
        (partial(identity, text), given_, Wire(given_, text.encode()))
        for text, _ in STRINGS.values()
        for given_ in (TEXT, BINARY)
    ),
    *((make, None, Wire(natural, content)) for make, natural, content, _ in OCTETS.values()),
    *(
        (make, given_, Wire(given_, content))
        for make, _, content, invalid in OCTETS.values()
        for given_ in sorted({JSON, TEXT, BINARY} - invalid)
    ),
]
NOT_SENT = [
    *((make, given_, TypeError) for make, _ in VALUES.values() for given_ in (TEXT, BINARY)),
    *((make, given_, ConfigurationError) for make, *_, invalid in OCTETS.values() for given_ in sorted(invalid)),
    *((make, given_, error) for make, error in NEVER.values() for given_ in (None, JSON, TEXT, BINARY)),
    *((make, given_, error) for make, error in NOT_JSON.values() for given_ in (None, JSON)),
    *((make, given_, TypeError) for make, _ in NOT_JSON.values() for given_ in (TEXT, BINARY)),
]


@every_row(("make", "content_type", "wire"), SENT)
def test_a_message_becomes_this_body(make: Make, content_type: str | None, wire: Wire) -> None:
    """Media type and bytes of every cell of the table."""
    body = encode(make(), content_type)

    assert Wire(body.content_type, body.content()) == wire


@every_row(("make", "content_type", "error"), NOT_SENT)
def test_a_message_that_has_no_such_form_is_refused(
    make: Make, content_type: str | None, error: type[Exception]
) -> None:
    """Nothing is sent in another form than it was asked for: a sentence says what to do instead."""
    with pytest.raises(error) as refused:
        encode(make(), content_type)

    assert str(refused.value).endswith(".")
    assert "message" in str(refused.value) or "cannot be sent as" in str(refused.value)


class Upload:
    """A stream as asynchronous frameworks have them."""

    async def read(self) -> bytes:
        return b"x"


ADVICE: list[tuple[Any, str | None, str]] = [
    ({"a": 1}, TEXT, "message is of type dict and cannot be sent as text/plain: encode it to str or bytes first"),
    (
        {"a": 1},
        BINARY,
        "message is of type dict and cannot be sent as application/octet-stream: encode it to bytes first",
    ),
    ({1}, None, "message holds a value of type set, which JSON cannot express; convert it to a dict"),
    (Upload(), None, "message.read() is asynchronous: await it, and send what it returns"),
    ("x" * (1024 * 1024 - 1), None, "message has 1048577 bytes; the service takes up to 1048576 (1 MiB)"),
    (float("nan"), None, "message holds NaN or an infinity, which JSON cannot express; replace that value"),
    (b"Hello", JSON, "must hold JSON that is already encoded. Leave content_type out to send them as they are"),
    (b"\xff", TEXT, "message is not UTF-8, so it cannot be sent as text/plain"),
]


@pytest.mark.parametrize(("message", "content_type", "advice"), ADVICE)
def test_an_error_says_what_to_do(message: Message, content_type: str | None, advice: str) -> None:
    """The first thing to try is in the text."""
    with pytest.raises((TypeError, ConfigurationError)) as refused:
        encode(message, content_type)

    assert advice in str(refused.value)


def test_a_message_that_holds_itself_is_refused() -> None:
    """A cycle and a nesting without end are told apart from other mistakes."""
    cycle: list[Any] = []
    cycle.append(cycle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ConfigurationError, match="contains itself"):
        encode(cycle)
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        encode(deep)


@pytest.mark.parametrize("content_type", [None, JSON, TEXT, BINARY])
@pytest.mark.parametrize("make", [bytes, str])
def test_a_message_of_one_mebibyte_is_the_largest(make: Callable[..., Any], content_type: str | None) -> None:
    """In whatever form; the size is that of the body as sent, and it is told."""
    quotes = 2 if make is str and content_type in (None, JSON) else 0
    digits = "1" * (1024 * 1024 - quotes)

    assert len(encode(digits if make is str else digits.encode(), content_type).content()) == 1024 * 1024
    with pytest.raises(ConfigurationError, match="message has 1048577 bytes"):
        encode(digits + "1" if make is str else digits.encode() + b"1", content_type)


def test_an_application_has_its_own_json_forms() -> None:
    """`json_default` is asked for what is not known here, at any depth; what it returns is encoded in turn."""
    asked: list[object] = []

    def form(value: object) -> object:
        asked.append(value)
        if isinstance(value, complex):
            return {"re": Decimal(str(value.real)), "im": value.imag}
        raise ValueError("no form")

    assert encode([1j, Colour.RED], json_default=form).content() == b'[{"re": 0.0, "im": 1.0}, "red"]'
    assert asked == [1j]
    with pytest.raises(ValueError, match=r"^no form$"):
        encode([{1}], json_default=form)
    assert encode("1", TEXT, json_default=form).content() == b"1"


def test_text_that_looks_like_a_number_stays_text() -> None:
    """The exact numbers of a Decimal are marked by what no message can hold."""
    assert encode(["number-", Decimal(1), "1", '"number-:1"']).content() == rb'["number-", 1, "1", "\"number-:1\""]'


ALSO_TAKEN = [
    ("text/plain; charset=utf-8", TEXT),
    ("TEXT/PLAIN", TEXT),
    (' text/plain ; CHARSET="UTF-8"', TEXT),
    ("application/json;charset=utf8", JSON),
    ("application/octet-stream; name=x", BINARY),
]
UNKNOWN = ["", "json", "text/html", "application/xml", "application/json+x", "*/*", "text/plain; charset=latin-1"]


@pytest.mark.parametrize(("given_", "media_type"), ALSO_TAKEN)
def test_parameters_and_case_of_a_content_type_make_no_difference(given_: str, media_type: str) -> None:
    """What is sent is always UTF-8, so naming it changes nothing."""
    assert encode("1", given_).content_type == media_type


@pytest.mark.parametrize("content_type", UNKNOWN)
def test_an_unknown_content_type_is_refused(content_type: str) -> None:
    """The error names those that there are."""
    with pytest.raises(ConfigurationError, match="content_type must"):
        encode("Hello", content_type)


def test_a_content_type_is_a_str() -> None:
    """Another type is a TypeError."""
    with pytest.raises(TypeError, match="content_type must be a str, not bytes"):
        encode("Hello", b"text/plain")  # type: ignore[arg-type]


def test_a_stream_is_read_from_where_it_stands_and_once() -> None:
    """Encoding the body again gives the same bytes: a retry does not send an empty message."""
    stream = BytesIO(b"skipped, sent")
    stream.seek(9)

    body = encode(stream)

    assert [body.content(), body.content()] == [b"sent", b"sent"]
    assert stream.read() == b""


def test_a_file_is_sent_by_how_it_was_opened(tmp_path: Path) -> None:
    """Opened as binary it is octets, opened as text it is text, in the encoding of the file turned into UTF-8."""
    path = tmp_path / "message"
    path.write_bytes("Zoë".encode("latin-1"))

    with path.open("rb") as octets, path.open(encoding="latin-1") as characters:
        bodies = [encode(octets), encode(characters)]

    assert [(body.content_type, body.content()) for body in bodies] == [
        (BINARY, "Zoë".encode("latin-1")),
        (TEXT, "Zoë".encode()),
    ]


def test_a_buffer_that_changes_later_is_sent_as_it_was() -> None:
    """The body is a copy."""
    buffer = bytearray(b"before")

    body = encode(buffer)
    buffer[:] = b"after!"

    assert body.content() == b"before"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=15,
)


@given(json_values)
def test_every_json_value_is_read_back_as_itself(value: Message) -> None:
    """Any JSON value is sent as UTF-8 JSON that means the same, with and without its content type."""
    body = encode(value)

    assert body.content_type == JSON
    assert json.loads(body.content().decode("utf-8")) == value
    assert encode(value, JSON).content() == body.content()
    assert encode(body.content(), JSON).content() == body.content()


@given(st.binary())
def test_all_bytes_are_sent_as_they_are(content: bytes) -> None:
    """In every container, and through a stream."""
    messages: list[Message] = [content, bytearray(content), memoryview(content), BytesIO(content)]

    assert [encode(message).content() for message in messages] == [content] * 4
    assert encode(BytesIO(content), BINARY).content() == content


@given(st.text())
def test_all_text_is_sent_as_utf8(content: str) -> None:
    """As text and as octets, from a str and from a stream."""
    expected = content.encode("utf-8")

    assert encode(content, TEXT).content() == expected
    assert encode(content, BINARY).content() == expected
    assert encode(StringIO(content, newline="")).content() == expected
    assert json.loads(encode(content).content()) == content
