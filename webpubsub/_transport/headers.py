"""Headers as bytes, each name in one spelling."""

from collections.abc import Iterable, Mapping

_SPELLINGS = {
    name.lower(): name
    for name in (
        b"Accept",
        b"Accept-Encoding",
        b"Authorization",
        b"Content-Length",
        b"Content-Type",
        b"Host",
        b"User-Agent",
    )
}


def spelled(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Spell names of headers in one way each, so that the same name is the same key."""
    return {_SPELLINGS.get(low := name.lower(), low): value for name, value in headers}


def raw(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Write checked headers as bytes."""
    return spelled((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items())
