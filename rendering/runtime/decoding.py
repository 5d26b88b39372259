"""From JSON values to typed ones. Each decoder takes a JSON value and returns it typed, or raises `ValueError`.

Keys that the document does not know are ignored, and `null` stands for an absent optional field, because a newer
service may send both.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from .bodies import JSONValue

T = TypeVar("T")


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
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"a number was expected, not {type(value).__name__}")


def mapping(value: JSONValue) -> Mapping[str, JSONValue]:
    """Return an object with its keys."""
    if isinstance(value, dict | Mapping):
        return value
    raise ValueError(f"an object was expected, not {type(value).__name__}")


def array(decode: Callable[[JSONValue], T]) -> Callable[[JSONValue], list[T]]:
    """Return a decoder of arrays that gives each item to `decode`."""

    def decode_items(value: JSONValue) -> list[T]:
        if isinstance(value, list):
            return [decode(item) for item in value]
        raise ValueError(f"an array was expected, not {type(value).__name__}")

    return decode_items


def nullable(decode: Callable[[JSONValue], T]) -> Callable[[JSONValue], T | None]:
    """Return a decoder that lets `null` through and gives the rest to `decode`."""

    def decode_value(value: JSONValue) -> T | None:
        return None if value is None else decode(value)

    return decode_value


def required(fields: Mapping[str, JSONValue], name: str, decode: Callable[[JSONValue], T]) -> T:
    """Decode a field that must be there."""
    if name not in fields:
        raise ValueError(f"{name} is missing")
    return _named(name, decode, fields[name])


def optional(fields: Mapping[str, JSONValue], name: str, decode: Callable[[JSONValue], T]) -> T | None:
    """Decode a field that may be absent or `null`."""
    value = fields.get(name)
    return None if value is None else _named(name, decode, value)


def _named(name: str, decode: Callable[[JSONValue], T], value: JSONValue) -> T:
    try:
        return decode(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
