"""Checks of the values that callers give, made before anything is sent: the one home of every "must be".

Each function returns its argument in the form in which it is used, or raises: `TypeError` for a wrong type,
`ConfigurationError` (a `ValueError`) for a value that the service does not allow. Limits are those of the service's
REST documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from .errors import ConfigurationError
from .models import ClientProtocol, Permission

_HUB = re.compile(r"[A-Za-z][A-Za-z0-9_`,.\[\]]{0,127}", re.ASCII)
_LONGEST_GROUP = 1024
_SHOWN = 40
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")

_Member = TypeVar("_Member", bound=StrEnum)


def string(value: object, name: str) -> str:
    """Check that something is a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}.")
    return value


def printable(value: object, name: str) -> str:
    """Check a text that goes into a header or a query as it is: printable ASCII, not empty."""
    text = string(value, name)
    if not text or not text.isprintable() or not text.isascii():
        raise ConfigurationError(f"{name} must be printable ASCII and not empty.")
    return text


def access_key(value: object, name: str) -> str:
    """Check that something can be an access key, without ever showing it."""
    key = string(value, name)
    if not key.strip():
        raise ConfigurationError(f"{name} is empty.")
    return key


def number(value: object, name: str, lowest: int, highest: int | None = None) -> int:
    """Check a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}.")
    if value < lowest or (highest is not None and value > highest):
        limits = f"{lowest} or more" if highest is None else f"from {lowest} to {highest}"
        raise ConfigurationError(f"{name} must be {limits}; it was {value}.")
    return value


def seconds(value: object, name: str) -> float:
    """Check a span of time: more than 0 seconds, and an end."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}.")
    if not (value > 0 and math.isfinite(value)):
        raise ConfigurationError(f"{name} must be more than 0 seconds; it was {value}.")
    return value


def headers(value: object, name: str) -> Mapping[str, str]:
    """Check additional headers; the values are never shown."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of str to str, not {type(value).__name__}.")
    for header, content in value.items():
        if not isinstance(header, str) or not isinstance(content, str):
            raise TypeError(f"{name} must be a mapping of str to str.")
        if not _HEADER_NAME.fullmatch(header):
            raise ConfigurationError(f"{name} has a name that is not a valid HTTP header name.")
        if not _HEADER_VALUE.fullmatch(content):
            raise ConfigurationError(f"{name}: the value of {header} has characters that HTTP does not allow.")
    return value


def hub(value: str) -> str:
    """Check a hub name: a letter, then up to 127 letters, digits and ``_`,.[]``."""
    string(value, "hub")
    if not _HUB.fullmatch(value):
        raise ConfigurationError(
            f"hub must start with a letter and go on with up to 127 letters, digits or any of _ ` , . [ ]; "
            f"it was {_show(value)}."
        )
    return value


def group(value: str, name: str = "group") -> str:
    """Check a group name: 1 to 1024 characters, not blank, without line feeds, not `.` or `..`."""
    identifier(value, name)
    if len(value) > _LONGEST_GROUP:
        raise ConfigurationError(f"{name} must have at most {_LONGEST_GROUP} characters; it had {len(value)}.")
    if value.isspace():
        raise ConfigurationError(f"{name} must not be blank; it was {_show(value)}.")
    if "\n" in value:
        raise ConfigurationError(f"{name} must not hold a line feed; it was {_show(value)}.")
    return value


def identifier(value: str, name: str) -> str:
    """Check the id of a user or a connection: not empty, not `.` or `..`.

    A URL path folds the segments `.` and `..` away, so a call for one user would reach all of them.
    """
    string(value, name)
    if value in ("", ".", ".."):
        raise ConfigurationError(f"{name} must not be empty, '.' or '..'; it was {_show(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} holds half of a surrogate pair, which cannot be sent.") from None
    return value


def groups(values: Iterable[str], name: str = "groups") -> list[str]:
    """Check a list of group names."""
    return [group(value, f"{name}[{index}]") for index, value in enumerate(_items(values, name))]


def some_groups(values: Iterable[str]) -> list[str]:
    """Check a list of one or more group names."""
    checked = groups(values)
    if not checked:
        raise ConfigurationError("groups must hold at least one group.")
    return checked


def ids(values: Iterable[str] | None, name: str = "excluded") -> list[str] | None:
    """Check a list of ids; None stays None."""
    if values is None:
        return None
    return [identifier(value, f"{name}[{index}]") for index, value in enumerate(_items(values, name))]


def text(value: str | None, name: str) -> str | None:
    """Check an optional free text, such as a reason or a filter; None stays None."""
    return None if value is None else string(value, name)


def permission(value: Permission | str) -> Permission:
    """Check a permission."""
    return _member(Permission, value, "permission")


def client_protocol(value: ClientProtocol | str) -> ClientProtocol:
    """Check a client protocol; the case of letters does not matter."""
    return _member(ClientProtocol, value, "client_protocol")


def minutes(value: int) -> int:
    """Check the lifetime of a token: 1 minute or more."""
    return number(value, "minutes_to_expire", 1)


def ttl(value: int | None) -> int | None:
    """Check the time to live of a message: 0 to 300 seconds; None stays None."""
    return None if value is None else number(value, "message_ttl_seconds", 0, 300)


def page_size(value: int | None) -> int | None:
    """Check the size of a page: 1 to 200; None stays None."""
    return None if value is None else number(value, "max_page_size", 1, 200)


def top(value: int | None) -> int | None:
    """Check how many items are wanted in all: 1 to 2147483647; None stays None."""
    return None if value is None else number(value, "top", 1, 2**31 - 1)


def _items(values: Iterable[str], name: str) -> Iterable[str]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of strings, not a single {type(values).__name__}.")
    return values


def _member(enum: type[_Member], value: str, name: str) -> _Member:
    wanted = string(value, name).lower()
    for member in enum:
        if member.value.lower() == wanted:
            return member
    allowed = ", ".join(repr(member.value) for member in enum)
    raise ConfigurationError(f"{name} must be one of {allowed}; it was {_show(value)}.")


def _show(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
