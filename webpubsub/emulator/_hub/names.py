"""Which names of hubs, groups, events and metadata the service accepts.

Every door (REST, tokens, frames) asks here, so they cannot disagree.
"""

import re
from collections.abc import Iterable

__all__ = ["MetadataError", "check_hub", "hub_key", "is_event", "is_group", "is_hub", "is_unicode", "metadata"]

LONGEST_GROUP = 1024

_HUB = re.compile(r"[A-Za-z][A-Za-z0-9_`,.\[\]]{0,127}")
_EVENT = re.compile(r"[a-z][a-z0-9_.-]{0,127}", re.IGNORECASE | re.ASCII)
_METADATA_KEY = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_LONGEST_METADATA_VALUE = 1024
_MOST_METADATA = 8 * 1024


class MetadataError(ValueError):
    """Metadata is longer, or of other characters, than the service takes."""


def is_hub(name: str) -> bool:
    """Tell whether a hub can be called this."""
    return _HUB.fullmatch(name) is not None


def hub_key(name: str) -> str:
    """Return what identifies a hub: its name without regard to case."""
    return name.lower()


def check_hub(name: object) -> str:
    """Return the name of a hub.

    Raises:
        ValueError: It is none.
        TypeError: It is no str.
    """
    if not isinstance(name, str):
        raise TypeError(f"A hub is named by a str, not by a value of type {type(name).__name__}.")
    if not is_hub(name):
        raise ValueError(f"{name!r} is not the name of a hub: a letter, then letters, digits and _ ` , . [ ].")
    return name


def is_group(name: str) -> bool:
    """Tell whether a group can be called this."""
    return 1 <= len(name) <= LONGEST_GROUP and not name.isspace() and "\n" not in name and is_unicode(name)


def is_event(name: str) -> bool:
    """Tell whether a user event can be called this."""
    return _EVENT.fullmatch(name) is not None


def is_unicode(text: str) -> bool:
    r"""Tell whether a string can be sent at all: JSON can spell halves of characters, such as "\ud800"."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def metadata(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Check metadata and return it, the last value of a key winning.

    Raises:
        MetadataError: A key or value is too long or not ASCII, or all of it together is over 8 KiB.
    """
    checked = dict(pairs)
    for key, value in checked.items():
        if _METADATA_KEY.fullmatch(key) is None:
            raise MetadataError("A metadata key must be 1 to 256 characters of an HTTP token.")
        if len(value) > _LONGEST_METADATA_VALUE or not value.isascii():
            raise MetadataError("A metadata value must be ASCII text of at most 1024 characters.")
    if sum(len(key) + len(value) for key, value in checked.items()) > _MOST_METADATA:
        raise MetadataError("All metadata together must be at most 8 KiB.")
    return checked
