"""Writing values into a URL and into headers. Whatever a value holds, it stays one path segment, query value or header.

The functions that take a `name` raise `TypeError` for values of another type and `ValueError` for those that cannot be
sent, both with the name of the argument.
"""

import datetime
import math
import re
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

from .values import base64_text, date_text, date_time_text

V = TypeVar("V")
W = TypeVar("W")

_unreserved = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
_printable = re.compile(r"[\x20-\x7e]*").fullmatch


def path_segment(name: str, value: object) -> str:
    """Percent-encode one path segment.

    Raises:
        ValueError: The value is empty, `.` or `..`. HTTP clients fold such segments away, and the request would reach
            another resource: "close this group" would become "close the hub".
    """
    if value in ("", ".", ".."):
        raise ValueError(f"{name} must not be empty, '.' or '..', but is {value!r}")
    return query_value(name, value)


def query_value(name: str, value: object) -> str:
    """Percent-encode one query value. Most need no encoding, and to find that out is quicker than to do it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    plain = _unreserved(value)
    if plain:
        return plain[0]
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half of a surrogate pair, which is no text") from None


def text(name: str, value: object) -> str:
    """Return the value as it is, if it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def integer_text(name: str, value: object) -> str:
    """Write a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return f"{value:d}"


def number_text(name: str, value: object) -> str:
    """Write a number, as short as it can be read back exactly."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, but is {value}")
    return repr(value)


def boolean_text(name: str, value: object) -> str:
    """Write `true` or `false`."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}"[:200])
    return "true" if value else "false"


def date_time_value(name: str, value: datetime.datetime) -> str:
    """Write a point in time as RFC 3339 has it."""
    return _named(name, date_time_text, value)


def date_value(name: str, value: datetime.date) -> str:
    """Write a day as RFC 3339 has it."""
    return _named(name, date_text, value)


def base64_value(name: str, value: bytes) -> str:
    """Write bytes as base64."""
    return _named(name, base64_text, value)


def closed(written: Callable[[str, V], str], checked: Callable[[object], V]) -> Callable[[str, object], str]:
    """Return a function that writes a value as `written` does, if `checked` accepts it."""

    def write(name: str, value: object) -> str:
        return written(name, _named(name, checked, value))

    return write


def repeated(wire: str, name: str, values: Iterable[V], written: Callable[[str, V], str]) -> str:
    """Return `&wire=value` for each of the values."""
    return "".join([f"&{wire}={query_value(name, value)}" for value in _texts(name, values, written)])


def joined(wire: str, name: str, values: Iterable[V], written: Callable[[str, V], str], separator: str) -> str:
    """Return `&wire=` and all of the values with a separator in between, or nothing if there is none."""
    found = _texts(name, values, written)
    for value in found:
        if separator in value:
            raise ValueError(f"{name} holds {value!r}, but {separator!r} separates the values"[:300])
    between = separator if separator == "," else quote(separator)
    return f"&{wire}={between.join([query_value(name, value) for value in found])}" if found else ""


def header_value(name: str, value: object) -> str:
    """Return the value of a header: printable ASCII without spaces around it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not _printable(value) or value != value.strip():
        raise ValueError(f"{name} must be printable ASCII without spaces around it, but is {value!r}"[:300])
    return value


def _texts(name: str, values: Iterable[V], written: Callable[[str, V], str]) -> list[str]:
    """Write each of the values. One string is no list: it would be taken apart into its characters."""
    if isinstance(values, str | bytes):
        raise TypeError(f"{name} must be a list of strings, not one string")
    return [written(name, value) for value in values]


def _named(name: str, write: Callable[[V], W], value: V) -> W:
    try:
        return write(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
