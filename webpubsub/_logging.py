"""The logger of the client, and what its lines may show: what a secret looks like, and what stands in its place.

The name `azure.webpubsub` makes `logging.getLogger("azure")`, which the official documents tell people to set up,
work here as well.
"""

import logging
import re
from collections.abc import Iterable

logger = logging.getLogger("azure.webpubsub")

REDACTED = "REDACTED"
_PARAMETER = r"(?i)((?:^|[?&])access_token=)[^&#\s]+"
_RUN = r"[\w.-]+"
_SHOWN = 4096
_SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "set-cookie", "ocp-apim-subscription-key")
)


def redacted(text: str, limit: int | None = None) -> str:
    """Cut a text and replace the tokens in it, in one pass; what the cut leaves of a token is replaced as well."""
    kept = re.sub(_PARAMETER, rf"\1{REDACTED}", text[:limit])
    is_cut = limit is not None and len(text) > limit

    def hidden(run: re.Match[str]) -> str:
        start = run[0].find("eyJ")
        is_token = start >= 0 and (run[0].count(".", start) > 1 or (is_cut and run.end() == len(kept)))
        return run[0][:start] + REDACTED if is_token else run[0]

    return re.sub(_RUN, hidden, kept) if "eyJ" in kept else kept


def one_line(text: str, limit: int) -> str:
    """Make a text of somebody else's fit to be shown: cut, on one line, printable, without tokens."""
    line = _printable(" ".join(redacted(text, limit).split()))
    return line if len(line) <= limit >= len(text) else line[: limit - 3] + "..."


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


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
    """Write down a response."""
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
    """Write down that no response came."""
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
        f"    {name}: {REDACTED if name.lower() in _SECRET_HEADERS else _printable(redacted(value, _SHOWN))}"
        for name, value in headers
    )


def _body(url: str, content: bytes) -> str:
    if not content:
        return "    (no body)"
    if ":generateToken" in url:
        return f"    {REDACTED} ({len(content)} bytes)"
    text = content[: 4 * _SHOWN + 4].decode("utf-8", "backslashreplace")
    rest = f"... ({len(content)} bytes)" if len(text) > _SHOWN else ""
    return f"    {_printable(redacted(text, _SHOWN))}{rest}"
