"""Reading JSON as it was written: whether it is valid, and the very text of each member of an object.

Everything that a hostile sender can do (nesting, huge numbers, NaN, a byte order mark) ends in `JSONError`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import attrs

__all__ = ["JSONError", "Member", "count_members", "members", "parse"]

_BLANK = re.compile(r"[ \t\n\r]*")
_LONGEST_INTEGER = 32


class JSONError(ValueError):
    """The text is not the JSON that was asked for."""


@attrs.frozen
class Member:
    """One member of an object: its value, and the text that spelled it."""

    value: Any
    text: str


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(parse_int=_integer, parse_constant=_constant)


def parse(text: str) -> Any:
    """Read a JSON text.

    Raises:
        JSONError: It is not one.
    """
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError):
        raise JSONError("The text is not valid JSON.") from None


def members(text: str) -> dict[str, Member]:
    """Read a JSON object, keeping the text of every value. Of equal names the last one counts.

    Raises:
        JSONError: It is not a JSON object.
    """
    if not isinstance(parse(text), dict):
        raise JSONError("The text is not a JSON object.")
    return dict(_pairs(text))


def count_members(text: str) -> int:
    """Count the members of a valid JSON object, those of equal names one by one."""
    return sum(1 for _ in _pairs(text))


def _pairs(text: str) -> Iterator[tuple[str, Member]]:
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        name, position = _decoder.raw_decode(text, position)
        start = _skip(text, _skip(text, position) + 1)
        value, end = _decoder.raw_decode(text, start)
        yield name, Member(value, text[start:end])
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position
