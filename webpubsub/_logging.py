"""The logger of the client, and what its lines may show: what a secret looks like, and what stands in its place.

The name `azure.webpubsub` makes `logging.getLogger("azure")`, which the official documents tell people to set up,
work here as well.
"""

import logging
import re
from collections.abc import Iterable

logger = logging.getLogger("azure.webpubsub")

REDACTED = "REDACTED"
_PARAMETER = re.compile(r"((?:^|[?&])access_token=)[^&#\s]+", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_SHOWN = 4096
_SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "set-cookie", "ocp-apim-subscription-key")
)


def redacted(text: str) -> str:
    """Replace the tokens in a text."""
    return _JWT.sub(REDACTED, _PARAMETER.sub(rf"\1{REDACTED}", text))


def log_request(attempt: int, method: str, url: str, headers: Iterable[tuple[str, str]], content: bytes) -> None:
    """Write down a request that is about to be sent."""
    logger.debug(
        "Request: attempt %d: %s %s\n%s\n%s", attempt, method, redacted(url), _headers(headers), _body(url, content)
    )


def log_response(
    attempt: int,
    method: str,
    url: str,
    status: int,
    headers: Iterable[tuple[str, str]],
    content: bytes,
    milliseconds: float,
) -> None:
    """Write down an answer."""
    logger.debug(
        "Response: attempt %d: %s %s: %d after %.1f ms\n%s\n%s",
        attempt,
        method,
        redacted(url),
        status,
        milliseconds,
        _headers(headers),
        _body(url, content),
    )


def log_failure(attempt: int, method: str, url: str, error: Exception, milliseconds: float) -> None:
    """Write down that no answer came."""
    logger.debug(
        "No response: attempt %d: %s %s: %s after %.1f ms",
        attempt,
        method,
        redacted(url),
        type(error).__name__,
        milliseconds,
    )


def _headers(headers: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        f"    {name}: {REDACTED if name.lower() in _SECRET_HEADERS else redacted(value)}" for name, value in headers
    )


def _body(url: str, content: bytes) -> str:
    if not content:
        return "    (no body)"
    if ":generateToken" in url:
        return f"    {REDACTED} ({len(content)} bytes)"
    text = redacted(content.decode("utf-8", "backslashreplace"))
    rest = f"... ({len(content)} bytes)" if len(text) > _SHOWN else ""
    return f"    {text[:_SHOWN]}{rest}"
