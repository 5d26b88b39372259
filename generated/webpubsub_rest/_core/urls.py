# Copied by codegen.py from rendering/runtime/urls.py. Do not edit: change that file and run `python codegen.py`.
"""Writing values into a URL. Whatever a value holds, it stays one path segment or one query value."""

import re
from collections.abc import Iterable
from urllib.parse import quote

_unreserved = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def path_segment(name: str, value: str) -> str:
    """Percent-encode one path segment.

    Raises:
        ValueError: The value is empty, `.` or `..`. HTTP clients fold such segments away, and the request would reach
            another resource: "close this group" would become "close the hub".
    """
    if value in ("", ".", ".."):
        raise ValueError(f"{name} must not be empty, '.' or '..', but is {value!r}")
    return query_value(value)


def query_value(value: str) -> str:
    """Percent-encode one query value. Most need no encoding, and to find that out is quicker than to do it."""
    plain = _unreserved(value)
    return plain[0] if plain else quote(value, safe="")


def query_values(name: str, values: Iterable[str]) -> str:
    """Return `&name=value` for each of the values.

    Raises:
        TypeError: The values are one string, which would be taken apart into its characters.
    """
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list of strings, not one string")
    return "".join([f"&{name}={query_value(value)}" for value in values])
