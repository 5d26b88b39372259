# Copied by codegen.py from rendering/runtime/values.py. Do not edit: change that file and run `python codegen.py`.
"""From JSON values to typed ones and back.

Each decoder takes a JSON value and returns it typed, each encoder takes a typed value and returns it as JSON; both raise
`ValueError` for a value of another type. What needs no conversion has one function for both ways.

Keys that the document does not know are ignored, and `null` stands for an absent optional field, because a newer
service may send both.
"""

import base64
import binascii
import datetime
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from .bodies import JSONValue

T = TypeVar("T")


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""A field that is left out, where that is not the same as sending `null` (`None`)."""

UnsetType: TypeAlias = Literal[Unset.UNSET]


def anything(value: JSONValue) -> JSONValue:
    """Return the value."""
    return value


def string(value: JSONValue) -> str:
    """Return a string."""
    if isinstance(value, str):
        return value
    raise ValueError(f"a string was expected, not {type(value).__name__}")


def boolean(value: JSONValue) -> bool:
    """Return a truth value."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"true or false was expected, not {type(value).__name__}")


def integer(value: JSONValue) -> int:
    """Return a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"a whole number was expected, not {type(value).__name__}")


def number(value: JSONValue) -> float:
    """Return a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"a number was expected, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"a number was expected, not {value}")
    return value


def mapping(value: JSONValue) -> Mapping[str, JSONValue]:
    """Return an object with its keys."""
    if isinstance(value, dict | Mapping):
        return value
    raise ValueError(f"an object was expected, not {type(value).__name__}")


def discriminator(value: JSONValue, name: str) -> str:
    """Return the field that tells which of several objects this is."""
    return required(mapping(value), name, string)


def one_of(value: object, values: Collection[str | int]) -> object:
    """Return a value that is one of these."""
    if isinstance(value, str | int) and not isinstance(value, bool) and value in values:
        return value
    known = ", ".join(map(repr, values))
    raise ValueError(f"one of {known} was expected, not {value!r}"[:500])


def date_time(value: JSONValue) -> datetime.datetime:
    """Return a point in time, with its zone."""
    found = datetime.datetime.fromisoformat(string(value))
    if found.tzinfo is None:
        raise ValueError("a date and time with a zone was expected, not one without")
    return found


def date_time_text(value: object) -> str:
    """Write a point in time as RFC 3339 has it, UTC as `Z`."""
    if not isinstance(value, datetime.datetime):
        raise ValueError(f"a datetime was expected, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError("a datetime with a zone was expected (like datetime.now(timezone.utc)), not one without")
    return value.isoformat().replace("+00:00", "Z")


def date(value: JSONValue) -> datetime.date:
    """Return a day."""
    return datetime.date.fromisoformat(string(value))


def date_text(value: object) -> str:
    """Write a day as RFC 3339 has it."""
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise ValueError(f"a date was expected, not {type(value).__name__}")
    return value.isoformat()


def base64_bytes(value: JSONValue) -> bytes:
    """Return the bytes that a string holds as base64."""
    try:
        return base64.b64decode(string(value), validate=True)
    except binascii.Error as error:
        raise ValueError(f"base64 was expected: {error}") from None


def base64_text(value: object) -> str:
    """Write bytes as base64."""
    if not isinstance(value, bytes):
        raise ValueError(f"bytes were expected, not {type(value).__name__}")
    return base64.b64encode(value).decode()


def array(decode: Callable[[JSONValue], T]) -> Callable[[JSONValue], list[T]]:
    """Return a decoder of arrays that gives each item to `decode`."""

    def decode_items(value: JSONValue) -> list[T]:
        if isinstance(value, list):
            return [decode(item) for item in value]
        raise ValueError(f"an array was expected, not {type(value).__name__}")

    return decode_items


def array_of(encode: Callable[[T], JSONValue]) -> Callable[[Sequence[T]], JSONValue]:
    """Return an encoder of lists that gives each item to `encode`."""

    def encode_items(values: Sequence[T]) -> JSONValue:
        if isinstance(values, list | tuple):
            return [encode(item) for item in values]
        raise ValueError(f"a list was expected, not {type(values).__name__}")

    return encode_items


def table(decode: Callable[[JSONValue], T]) -> Callable[[JSONValue], dict[str, T]]:
    """Return a decoder of objects that gives the value of each key to `decode`."""

    def decode_values(value: JSONValue) -> dict[str, T]:
        return {key: decode(each) for key, each in mapping(value).items()}

    return decode_values


def table_of(encode: Callable[[T], JSONValue]) -> Callable[[Mapping[str, T]], JSONValue]:
    """Return an encoder of dicts that gives the value of each key to `encode`."""

    def encode_values(values: Mapping[str, T]) -> JSONValue:
        if isinstance(values, dict):
            return {key: encode(each) for key, each in values.items()}
        raise ValueError(f"a dict was expected, not {type(values).__name__}")

    return encode_values


def nullable(decode: Callable[[JSONValue], T]) -> Callable[[JSONValue], T | None]:
    """Return a decoder that lets `null` through and gives the rest to `decode`."""

    def decode_value(value: JSONValue) -> T | None:
        return None if value is None else decode(value)

    return decode_value


def nullable_of(encode: Callable[[T], JSONValue]) -> Callable[[T | None], JSONValue]:
    """Return an encoder that lets `None` through and gives the rest to `encode`."""

    def encode_value(value: T | None) -> JSONValue:
        return None if value is None else encode(value)

    return encode_value


def required(fields: Mapping[str, JSONValue], name: str, decode: Callable[[JSONValue], T]) -> T:
    """Decode a field that must be there."""
    if name not in fields:
        raise ValueError(f"{name} is missing")
    return _named(name, decode, fields[name])


def optional(fields: Mapping[str, JSONValue], name: str, decode: Callable[[JSONValue], T]) -> T | None:
    """Decode a field that may be absent or `null`."""
    value = fields.get(name)
    return None if value is None else _named(name, decode, value)


def settable(fields: Mapping[str, JSONValue], name: str, decode: Callable[[JSONValue], T]) -> T | UnsetType:
    """Decode a field that may be absent, which is not the same as `null`."""
    return _named(name, decode, fields[name]) if name in fields else UNSET


def put(fields: dict[str, JSONValue], name: str, encode: Callable[[T], JSONValue], value: T) -> None:
    """Encode a field into an object."""
    try:
        fields[name] = encode(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except AttributeError:
        raise ValueError(
            f"{name}: a model was expected, not {type(value).__name__}, or what it holds is none"
        ) from None


def expect(fields: Mapping[str, JSONValue], name: str, value: str) -> None:
    """Check the field that tells which of several objects this is."""
    if fields.get(name) != value:
        raise ValueError(f"{name}: {value!r} was expected, not {fields.get(name)!r}"[:500])


def _named(name: str, decode: Callable[[JSONValue], T], value: JSONValue) -> T:
    try:
        return decode(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
