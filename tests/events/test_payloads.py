"""Payloads to the types of an application and back, and the state of a connection."""

import base64
import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from webpubsub.errors import ConfigurationError, EventError
from webpubsub.events import bodies, shapes
from webpubsub.messages import encode

from ..support.tables import every_row


class Colour(enum.Enum):
    """An enum of text."""

    RED = "red"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1


@dataclass
class Line:
    """A dataclass with a default."""

    name: str
    count: int = 1
    total: int = field(default=0, init=False)


@attrs.frozen
class Order:
    """A class of attrs that holds dataclasses."""

    number: int
    lines: list[Line] = attrs.field(factory=list)
    _note: str | None = None


class Address(TypedDict):
    """A typed dict."""

    city: str
    street: NotRequired[str]


class Person(pydantic.BaseModel):
    """A model of pydantic that guesses nothing."""

    model_config = pydantic.ConfigDict(strict=True)

    name: str = pydantic.Field(min_length=1)
    born: date


class Point(msgspec.Struct):
    """A struct of msgspec."""

    x: int
    y: Annotated[int, msgspec.Meta(ge=0)] = 0


@dataclass
class Positive:
    """A dataclass that refuses."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"secret {self.number}")


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    """A dataclass that is generic."""

    content: T


JSON = "application/json"
UserId = NewType("UserId", str)

FITTING: list[tuple[Any, Any, Any]] = [
    (Any, {"a": 1}, {"a": 1}),
    (object, [1], [1]),
    (T, 1, 1),
    (None, None, None),
    (bool, True, True),
    (int, 7, 7),
    (float, 7, 7.0),
    (float, 0.5, 0.5),
    (str, "a", "a"),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, 1.5, Decimal("1.5")),
    (datetime, "2026-11-24T13:00:00Z", datetime(2026, 11, 24, 13, tzinfo=UTC)),
    (date, "2026-11-24", date(2026, 11, 24)),
    (time, "13:00", time(13)),
    (UUID, "5f6b7c88-0000-4000-8000-000000000000", UUID("5f6b7c88-0000-4000-8000-000000000000")),
    (Colour, "red", Colour.RED),
    (Level, 1, Level.LOW),
    (UserId, "ann", "ann"),
    (Annotated[int, "positive"], 7, 7),
    (Literal["a", 1], "a", "a"),
    (Literal["a", 1], 1, 1),
    (int | None, None, None),
    (int | None, 7, 7),
    (float | int, 7, 7),
    (int | str, "a", "a"),
    (list, [1, "a"], [1, "a"]),
    (list[int], [1, 2], [1, 2]),
    (Sequence[int], [1, 2], [1, 2]),
    (set[int], [1, 1], {1}),
    (frozenset[str], ["a"], frozenset("a")),
    (tuple, [1, "a"], (1, "a")),
    (tuple[int, ...], [1, 2], (1, 2)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (dict, {"a": 1}, {"a": 1}),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (Mapping[Colour, int], {"red": 1}, {Colour.RED: 1}),
    (Line, {"name": "a", "later": True}, Line("a")),
    (Order, {"number": 1, "lines": [{"name": "a", "count": 2}], "_note": "x"}, Order(1, [Line("a", 2)], "x")),
    (Order, {"number": 1}, Order(1)),
    (Address, {"city": "Bern"}, {"city": "Bern"}),
    (Address, {"city": "Bern", "street": "a"}, {"city": "Bern", "street": "a"}),
    (Person, {"name": "ann", "born": "2000-01-01"}, Person(name="ann", born=date(2000, 1, 1))),
    (list[Person], [{"name": "ann", "born": "2000-01-01"}], [Person(name="ann", born=date(2000, 1, 1))]),
    (Point, {"x": 1}, Point(1)),
    (dict[str, Point], {"a": {"x": 1, "y": 2}}, {"a": Point(1, 2)}),
    (Box[int], {"content": 1}, Box(1)),
    (Positive | Line, {"name": "a", "number": 0}, Line("a")),
]


@every_row(("kind", "value", "wanted"), FITTING)
def test_json_becomes_the_type_that_is_asked_for(kind: Any, value: Any, wanted: Any) -> None:
    """Types of the JSON world, dataclasses, attrs, typed dicts, models of pydantic and msgspec, in one another."""
    shapes.check(kind)
    built = shapes.build(value, kind)

    assert built == wanted
    assert type(built) is type(wanted)


UNFIT: list[tuple[Any, Any, str]] = [
    (bool, 1, "$: expected bool, got int"),
    (int, True, "$: expected int, got bool"),
    (int, "1", "$: expected int, got str"),
    (int, 1.0, "$: expected int, got float"),
    (float, "1", "$: expected float, got str"),
    (str, 1, "$: expected str, got int"),
    (str, None, "$: expected str, got null"),
    (None, 0, "$: expected null, got int"),
    (Decimal, True, "$: expected number, got bool"),
    (Decimal, "secret", "$: expected Decimal"),
    (datetime, 5, "$: expected str, got int"),
    (datetime, "secret", "$: expected datetime"),
    (UUID, "secret", "$: expected UUID"),
    (Colour, "secret", "$: expected Colour"),
    (Colour, {}, "$: expected Colour"),
    (Level, True, "$: expected Level, got bool"),
    (Literal["a", 1], True, "$: expected one of 'a', 1, got bool"),
    (int | None, "secret", "$: expected int | None, got str"),
    (list[int], {}, "$: expected list, got object"),
    (list[int], [1, "secret"], "$[1]: expected int, got str"),
    (tuple[int, str], [1], "$: expected list of 2, got list"),
    (dict[str, int], [], "$: expected object, got list"),
    (dict[str, int], {"a": "secret"}, "$.a: expected int, got str"),
    (Line, [], "$: expected object, got list"),
    (Line, {}, "$: name is missing"),
    (Line, {"name": 1}, "$.name: expected str, got int"),
    (Order, {"number": 1, "lines": [{"name": "a"}, {"name": []}]}, "$.lines[1].name: expected str, got list"),
    (Address, {}, "$: city is missing"),
    (Person, {"name": "", "born": "2000-01-01"}, "name: String should have at least 1 character"),
    (Person, [], "$: Input should be an object"),
    (Point, {"x": 1, "y": -1}, "Expected `int` >= 0 - at `$.y`"),
    (Positive, {"number": 0}, "ValueError"),
    (float, 10**400, "OverflowError"),
]


@every_row(("kind", "value", "words"), UNFIT)
def test_a_payload_that_does_not_fit_is_refused(kind: Any, value: Any, words: str) -> None:
    """With 400 and the place; what the client sent is not repeated."""
    with pytest.raises(EventError) as caught:
        bodies.decode(json.dumps(value).encode(), "application/json", kind)

    assert caught.value.status == 400
    assert words in caught.value.reason
    assert "secret" not in caught.value.reason
    assert caught.value.reason.startswith("the payload does not fit ")


def test_keys_of_a_client_cannot_flood_or_break_a_line() -> None:
    """The place names keys, which are the client's: shortened, on one line, without half characters."""
    for key in ("\n\n", "x" * 10_000, "\ud800"):
        with pytest.raises(EventError) as caught:
            bodies.decode(json.dumps({key: "a"}).encode(), "application/json", dict[str, int])

        assert len(caught.value.reason) < 300
        assert "\n" not in caught.value.reason
        assert caught.value.reason.encode()


@dataclass
class Unresolvable:
    """A dataclass whose annotation names nothing."""

    part: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    "kind", [complex, list[complex], int | complex, type, Unresolvable, ..., 5, Sequence[Unresolvable]]
)
def test_a_type_that_json_cannot_become_is_a_mistake_of_the_application(kind: Any) -> None:
    """A `TypeError`, which is answered with 500, and not the client's fault."""
    value = [{"part": 1}] if kind in (list[complex], Sequence[Unresolvable]) else {"part": 1}

    with pytest.raises(TypeError):
        shapes.check(kind)
    with pytest.raises(TypeError):
        bodies.decode(json.dumps(value).encode(), "application/json", kind)
    with pytest.raises(TypeError):
        bodies.decode_state(base64.b64encode(json.dumps(value).encode()).decode(), kind)


@pytest.mark.parametrize(
    ("content_type", "body", "kind", "wanted"),
    [
        ("text/plain", b"hi", str, "hi"),
        ("text/plain", b'"hi"', str, '"hi"'),
        ("application/json", b'"hi"', str, "hi"),
        ("text/plain", b'{"name": "a"}', Line, Line("a")),
        ("text/plain", b"[1]", list[int], [1]),
        ("text/plain", b"hi", bytes, b"hi"),
        ("application/json", b"{}", bytes, b"{}"),
        ("application/octet-stream", b"\xff", bytes, b"\xff"),
        ("application/x-protobuf", b"\x0a\x02hi", StringValue, StringValue(value="hi")),
        ("application/octet-stream", b"\x0a\x02hi", StringValue, StringValue(value="hi")),
    ],
)
def test_the_media_type_counts(content_type: str, body: bytes, kind: Any, wanted: Any) -> None:
    """Text is JSON where more than text is wanted; bytes are the payload as it came; protobuf reads itself."""
    assert bodies.decode(body, content_type, kind) == wanted


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        ("application/octet-stream", b"{}", Line),
        ("application/x-protobuf", b"{}", dict),
        ("text/plain", b"no json", Line),
        ("text/plain", b"\xff", str),
        ("application/x-protobuf", b"\xff\xff", StringValue),
        ("application/octet-stream", b"text", str),
    ],
)
def test_a_payload_of_another_kind_is_refused(content_type: str, body: bytes, kind: Any) -> None:
    """Bytes do not become JSON by chance."""
    with pytest.raises(EventError) as caught:
        bodies.decode(body, content_type, kind)

    assert caught.value.status == 400


@every_row(
    ("data", "content_type", "wanted"),
    [
        ("ä", None, ("ä".encode(), "text/plain")),
        ("ä", "application/json", ('"ä"'.encode(), JSON)),
        ("ä", "application/octet-stream", ("ä".encode(), "application/octet-stream")),
        (b"\xff", None, (b"\xff", "application/octet-stream")),
        (bytearray(b"x"), None, (b"x", "application/octet-stream")),
        (memoryview(b"{}"), "application/json", (b"{}", JSON)),
        (b"hi", "text/plain", (b"hi", "text/plain")),
        (None, "application/json", (b"null", JSON)),
        (True, None, (b"true", JSON)),
        ([1, 2.5, None], None, (b"[1,2.5,null]", JSON)),
        ((1,), None, (b"[1]", JSON)),
        (Colour.RED, None, (b'"red"', JSON)),
        (Decimal("1.10"), None, (b"1.10", JSON)),
        ({"a": [Decimal("-1E+2")], "b": '"number-1'}, None, (b'{"a":[-1E+2],"b":"\\"number-1"}', JSON)),
        (timedelta(days=1, seconds=3723, microseconds=5), None, (b'"P1DT01H02M03.000005S"', JSON)),
        (timedelta(seconds=-60), None, (b'"-P0DT00H01M00S"', JSON)),
        (date(2026, 11, 24), None, (b'"2026-11-24"', JSON)),
        (UUID(int=0), None, (b'"00000000-0000-0000-0000-000000000000"', JSON)),
        (frozenset([1]), None, (b"[1]", JSON)),
        (MappingProxyType({"a": 1}), None, (b'{"a":1}', JSON)),
        (attrs.asdict(Order(1)), None, (b'{"number":1,"lines":[],"_note":null}', JSON)),
        (Line("a"), None, (b'{"name":"a","count":1,"total":0}', JSON)),
        (Order(1, [Line("a")]), None, (b'{"number":1,"lines":[{"name":"a","count":1,"total":0}],"_note":null}', JSON)),
        (Person(name="a", born=date(2000, 1, 1)), None, (b'{"name":"a","born":"2000-01-01"}', JSON)),
        ([Point(1)], None, (b'[{"x":1,"y":0}]', JSON)),
    ],
)  # fmt: skip
def test_values_are_written_as_what_fits(data: object, content_type: str | None, wanted: tuple[bytes, str]) -> None:
    """Text, bytes, and JSON for everything else."""
    assert bodies.encode(data, content_type) == wanted


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        ({"a": 1}, "text/plain", TypeError),
        (1, "application/octet-stream", TypeError),
        (object(), None, TypeError),
        ({1, object()}, None, TypeError),
        (float("nan"), None, ValueError),
        (Decimal("NaN"), None, ValueError),
        ([float("inf")], None, ValueError),
        ("\ud800", None, ConfigurationError),
        ({"a": "\ud800"}, None, ConfigurationError),
    ],
)
def test_values_that_cannot_be_written_are_errors(
    data: object, content_type: str | None, kind: type[Exception]
) -> None:
    """Rather than something else arriving at the client."""
    with pytest.raises(kind):
        bodies.encode(data, content_type)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("cart-7", str),
        ("", str),
        ({"a": [1, None, "ä"]}, dict),
        ([1, 2], list[int]),
        (7, int),
        (Line("a", 2), Line),
        (Order(1, [Line("a")]), Order),
        (Person(name="ann", born=date(2000, 1, 1)), Person),
        (Point(1, 2), Point),
    ],
)
def test_the_state_comes_back_as_it_was_left(state: object, kind: Any) -> None:
    """Text as text, everything else as base64 of JSON, safe in a header."""
    written = bodies.encode_state(state)

    assert written.isascii()
    assert written.isprintable()
    assert bodies.decode_state(written, kind) == state


@pytest.mark.parametrize("state", ["ä", "a\r\nb", "\x00", " a", "a "])
def test_a_text_that_a_header_cannot_carry_is_no_state(state: str) -> None:
    """Other values are encoded; text is left to its owner."""
    with pytest.raises(ConfigurationError, match="state must"):
        bodies.encode_state(state)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("not base64!", dict, "is not base64 of JSON"),
        ("", dict, "is not base64 of JSON"),
        ("ä", dict, "is not base64 of JSON"),
        (base64.b64encode(b"{").decode(), dict, "is not base64 of JSON"),
        (base64.b64encode(b"[]").decode(), Line, r"does not fit Line: \$: expected object, got list"),
    ],
)
def test_a_state_of_another_kind_is_an_error(text: str, kind: Any, words: str) -> None:
    """An older version of the application may have left it."""
    with pytest.raises(ValueError, match=words):
        bodies.decode_state(text, kind)


def test_replies_are_written_as_messages_are() -> None:
    """A client cannot tell whether the handler replied or the server sent."""
    value = {
        "decimal": Decimal("1.10"),
        "span": timedelta(days=1, seconds=3723, microseconds=5),
        "moment": datetime(2026, 11, 24, tzinfo=UTC),
        "id": UUID(int=7),
        "colour": Colour.RED,
        "order": Order(1, [Line("ä")]),
        "person": Person(name="ann", born=date(2000, 1, 1)),
        "pair": (1, None),
    }

    assert json.loads(bodies.encode(value, None)[0]) == json.loads(bytes(encode(value).content()))
