"""Checks of the values that callers give, made before anything is sent: the one home of every "must be".

Each function returns its argument in the form in which it is used, or raises: `TypeError` for a wrong type,
`ConfigurationError` (a `ValueError`) for a value that the service does not allow. Limits are those of the service's
REST documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

from .errors import ConfigurationError

if TYPE_CHECKING:
    from uuid import UUID

Id: TypeAlias = Union[str, int, "UUID"]
"""The id of a user or a connection; an int or a UUID stands for its str."""

_HUB = r"[A-Za-z][A-Za-z0-9_`,.\[\]]{0,127}"  # patterns are compiled when first used: an import needs none
_LONGEST_GROUP = 1024
_LONGEST_PRINTABLE = 1024
_LONGEST_SECONDS = 1_000_000
_LARGEST_NUMBER = 2**31 - 1
_LONGEST_ID_BITS = 256
_SHOWN = 40
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"(?:[!-~](?:[\t -~]*[!-~])?)?"
_VISIBLE = r"[!-~]+"
_FRAMING = ("content-length", "transfer-encoding")
_LONGEST_METADATA_KEY = 256
_LONGEST_METADATA_VALUE = 1024
_MOST_METADATA = 8 * 1024

_Member = TypeVar("_Member", bound=StrEnum)


def string(value: object, name: str) -> str:
    """Check that something is a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}.")
    return value


def printable(value: object, name: str) -> str:
    """Check a text that goes into a header or a query as it is: printable ASCII, not empty, not endless."""
    text = string(value, name)
    if not text or not text.isprintable() or not text.isascii() or len(text) > _LONGEST_PRINTABLE:
        raise ConfigurationError(f"{name} must be printable ASCII of 1 to {_LONGEST_PRINTABLE} characters.")
    return text


def access_key(value: object, name: str) -> str:
    """Check that something can be an access key, without ever showing it."""
    key = string(value, name)
    bare = key.strip()
    if not bare:
        raise ConfigurationError(f"{name} is empty.")
    if bare != key:
        raise ConfigurationError(f"{name} has spaces or line ends around it; take them away with strip().")
    if not _is_unicode(key):
        raise ConfigurationError(f"{name} has bytes that are not UTF-8.")
    return key


def bearer_token(value: object) -> str:
    """Check that something can be a bearer token, without ever showing it."""
    token = string(value, "The token of the credential")
    if not re.fullmatch(_VISIBLE, token):
        raise ConfigurationError("The token of the credential is empty, or holds what is neither ASCII nor printable.")
    return token


def number(value: object, name: str, lowest: int, highest: int | None = None) -> int:
    """Check a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}.")
    if highest is None and value < lowest:
        raise ConfigurationError(f"{name} must be {lowest} or more; it was {show(value)}.")
    most = _LARGEST_NUMBER if highest is None else highest
    if not lowest <= value <= most:
        raise ConfigurationError(f"{name} must be from {lowest} to {most}; it was {show(value)}.")
    return value


def seconds(value: object, name: str, longest: int = _LONGEST_SECONDS) -> float:
    """Check a span of time: more than 0 seconds, and no more than sockets can wait."""
    span = _span(value, name)
    if not 0 < span <= longest:
        raise ConfigurationError(f"{name} must be more than 0 and at most {longest} seconds; it was {show(span)}.")
    return span


def delay(value: object, name: str) -> float:
    """Check a span of time that may be nothing."""
    span = _span(value, name)
    if not 0 <= span <= _LONGEST_SECONDS:
        raise ConfigurationError(f"{name} must be from 0 to {_LONGEST_SECONDS} seconds; it was {show(span)}.")
    return span


def timestamp(value: object, name: str) -> float:
    """Check a moment, in seconds since the epoch."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds since 1970, not {type(value).__name__}.")
    return value


def boolean(value: object, name: str) -> bool:
    """Check that something is True or False, so that no other value counts as one of them."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}.")
    return value


def headers(value: object, name: str) -> Mapping[str, str]:
    """Check additional headers; the values are never shown."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of str to str, not {type(value).__name__}.")
    for header, content in value.items():
        if not isinstance(header, str) or not isinstance(content, str):
            raise TypeError(f"{name} must be a mapping of str to str.")
        if not re.fullmatch(_HEADER_NAME, header):
            raise ConfigurationError(f"{name} has a name that is not a valid HTTP header name.")
        if not re.fullmatch(_HEADER_VALUE, content):
            raise ConfigurationError(
                f"{name}: the value of {show(header)} must be printable ASCII without spaces at its ends."
            )
        if header.lower() in _FRAMING:
            raise ConfigurationError(f"{name} must not set {header}, which follows from the message.")
    return value


def metadata(values: Mapping[str, str]) -> dict[str, str]:
    """Check the metadata of a message, and return it as the headers that carry it."""
    if not isinstance(values, Mapping):
        raise TypeError(f"metadata must be a mapping of str to str, not {type(values).__name__}.")
    sent: dict[str, str] = {}
    for key, value in values.items():
        string(key, "A key of metadata")
        if len(key) > _LONGEST_METADATA_KEY or not re.fullmatch(_HEADER_NAME, key):
            raise ConfigurationError(
                f"A key of metadata must be 1 to {_LONGEST_METADATA_KEY} letters, digits or any of "
                f"! # $ % & ' * + - . ^ _ ` | ~; it was {show(key)}."
            )
        string(value, f"metadata[{show(key)}]")
        if len(value) > _LONGEST_METADATA_VALUE or not re.fullmatch(_HEADER_VALUE, value):
            raise ConfigurationError(
                f"metadata[{show(key)}] must be at most {_LONGEST_METADATA_VALUE} characters of printable ASCII, "
                f"without spaces at its ends."
            )
        if f"x-webpubsub-metadata-{key.lower()}" in sent:
            raise ConfigurationError(f"metadata has {show(key)} twice: the service makes its keys lower case.")
        sent[f"x-webpubsub-metadata-{key.lower()}"] = value
    size = sum(len(key) + len(value) for key, value in values.items())
    if size > _MOST_METADATA:
        raise ConfigurationError(f"metadata has {size} bytes; all keys and values together may have {_MOST_METADATA}.")
    return sent


def hub(value: str) -> str:
    """Check a hub name: a letter, then up to 127 letters, digits and ``_`,.[]``."""
    string(value, "hub")
    if not re.fullmatch(_HUB, value):
        raise ConfigurationError(
            f"hub must start with a letter and go on with up to 127 letters, digits or any of _ ` , . [ ]; "
            f"it was {show(value)}."
        )
    return value


def group(value: str, name: str = "group") -> str:
    """Check a group name: 1 to 1024 characters, not blank, without line feeds, not `.` or `..`."""
    _path_segment(string(value, name), name)
    if len(value) > _LONGEST_GROUP:
        raise ConfigurationError(f"{name} must have at most {_LONGEST_GROUP} characters; it had {len(value)}.")
    if value.isspace():
        raise ConfigurationError(f"{name} must not be blank; it was {show(value)}.")
    if "\n" in value:
        raise ConfigurationError(f"{name} must not hold a line feed; it was {show(value)}.")
    return value


def identifier(value: Id, name: str) -> str:
    """Check the id of a user or a connection: not empty, not `.` or `..`. Returns it as a str."""
    return _path_segment(value if isinstance(value, str) else _id_text(value, name), name)


def groups(values: Iterable[str], name: str = "groups") -> list[str]:
    """Check a list of group names."""
    return [group(value, item) for item, value in items(values, name)]


def some_groups(values: Iterable[str]) -> list[str]:
    """Check a list of one or more group names."""
    checked = groups(values)
    if not checked:
        raise ConfigurationError("groups must hold at least one group.")
    return checked


def ids(values: Iterable[Id] | None, name: str = "excluded") -> list[str] | None:
    """Check a list of ids; None stays None."""
    return None if values is None else [identifier(value, item) for item, value in items(values, name)]


def text(value: object, name: str) -> str:
    """Check a text that is sent as UTF-8."""
    return _unicode(string(value, name), name)


def optional_text(value: str | None, name: str) -> str | None:
    """Check an optional free text, such as a reason or a filter; None stays None."""
    return None if value is None else text(value, name)


def member(enum: type[_Member], value: str, name: str) -> _Member:
    """Check a value of a closed list; the case of letters does not matter."""
    wanted = string(value, name).lower()
    for member in enum:
        if member.value.lower() == wanted:
            return member
    allowed = ", ".join(repr(member.value) for member in enum)
    raise ConfigurationError(f"{name} must be one of {allowed}; it was {show(value)}.")


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
    return None if value is None else number(value, "top", 1, _LARGEST_NUMBER)


def items(values: Iterable[Any], name: str) -> Iterator[tuple[str, Any]]:
    """Give the items of a list, each with a name for errors."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of strings, not a single {type(values).__name__}.")
    return ((f"{name}[{index}]", value) for index, value in enumerate(values))


def _span(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}.")
    return value


def _id_text(value: object, name: str) -> str:
    from uuid import UUID  # costs a sixth of the import of this package, and most ids are a str

    if isinstance(value, bool) or not isinstance(value, (int, UUID)):
        raise TypeError(f"{name} must be a str, an int or a UUID, not {type(value).__name__}.")
    if isinstance(value, int) and value.bit_length() > _LONGEST_ID_BITS:
        raise ConfigurationError(f"{name} must be a number of at most {_LONGEST_ID_BITS} bits.")
    return str(value)


def _path_segment(value: str, name: str) -> str:
    """Check a part of a URL path: the segments `.` and `..` fold away, so a call for one user would reach all."""
    if value in ("", ".", ".."):
        raise ConfigurationError(f"{name} must not be empty, '.' or '..'; it was {show(value)}.")
    return _unicode(value, name)


def _unicode(value: str, name: str) -> str:
    if not _is_unicode(value):
        raise ConfigurationError(f"{name} holds half of a surrogate pair, which cannot be sent.")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def show(value: object) -> str:
    """Write a value for an error: short, whatever it is."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_ID_BITS:
        return "a number of very many digits"
    return repr(value[:_SHOWN] + "..." if isinstance(value, str) and len(value) > _SHOWN else value)
