"""HTTP requests and responses as plain values, and how a request target is taken apart.

The path is split before its segments are decoded, so a `%2F` inside a name never makes two segments of one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

import attrs

from .._hub.names import is_unicode

__all__ = ["MalformedRequestError", "Query", "Request", "Response", "Target", "decode_segment"]

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASH = re.compile(r"(%2[Ff])")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class MalformedRequestError(ValueError):
    """A request target or Host header that cannot be read."""


class Query:
    """The parameters of a query, their names without regard to case, in order and with repetitions."""

    def __init__(self, text: str) -> None:
        """Read a query.

        Raises:
            MalformedRequestError: It is not percent-encoded UTF-8.
        """
        if _BAD_ESCAPE.search(text):
            raise MalformedRequestError("The query is not percent-encoded correctly.")
        self._values: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
        except ValueError:
            raise MalformedRequestError("The query is not percent-encoded UTF-8.") from None
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)
            self._names.setdefault(name.lower(), name)

    def items(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Return each parameter with its values, its name as it was first written."""
        return ((self._names[key], values) for key, values in self._values.items())

    def all(self, name: str) -> Sequence[str]:
        """Return every value of a parameter."""
        return self._values.get(name.lower(), ())

    def last(self, name: str) -> str | None:
        """Return the last value of a parameter."""
        values = self.all(name)
        return values[-1] if values else None


class Target(NamedTuple):
    """A request target: the path as it was sent, its segments decoded, and the query."""

    path: str
    segments: tuple[str, ...]
    query: Query


@attrs.frozen
class Request:
    """A request, complete.

    Attributes:
        method: The method, in capitals.
        target: Path and query exactly as on the wire.
        headers: Names in lower case, with their values, in order.
        body: The whole body, or as much of it as shows that it is too long.
    """

    method: str
    target: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the last value of a header, by its name in lower case."""
        return next((value for key, value in reversed(self.headers) if key == name), None)

    def parse_target(self) -> Target:
        """Take the target apart.

        Raises:
            MalformedRequestError: It is not percent-encoded UTF-8.
        """
        target = self.target
        if not is_unicode(target):
            raise MalformedRequestError("The target is not percent-encoded.")
        if not target.startswith("/"):
            _, _, rest = target.partition("://")
            target = "/" + rest.partition("/")[2]
        path, _, query = target.partition("?")
        return Target(path, tuple(decode_segment(segment) for segment in path[1:].split("/")), Query(query))

    def authority(self) -> str | None:
        """Return host and port as the client addressed them; None when it did not say.

        Raises:
            MalformedRequestError: The Host header names no host.
        """
        host = self.header("host")
        if host is not None and _AUTHORITY.fullmatch(host) is None:
            raise MalformedRequestError("The Host header is not valid.")
        return host

    def bearer_token(self) -> str | None:
        """Return the token of the Authorization header, if there is one."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None


def decode_segment(segment: str) -> str:
    """Decode one segment of a path. An encoded slash stays as it is, as at the service.

    Raises:
        MalformedRequestError: It is not percent-encoded UTF-8.
    """
    if _BAD_ESCAPE.search(segment):
        raise MalformedRequestError("The path is not percent-encoded correctly.")
    try:
        return "".join(
            part if index % 2 else unquote_to_bytes(part).decode() for index, part in enumerate(_SLASH.split(segment))
        )
    except UnicodeDecodeError:
        raise MalformedRequestError("The path is not percent-encoded UTF-8.") from None


@attrs.frozen
class Response:
    """A response, complete."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
