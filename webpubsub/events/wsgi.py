"""The door for WSGI: Flask, Django, Bottle, and servers such as gunicorn themselves.

WSGI knows no difference between `-` and `_` in a header name: `my_key` of metadata arrives as `my-key`. Its
servers join a header that comes twice: a comma in hub, connection id or subprotocol is refused, while in a user id it
may be meant.
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

from webpubsub.errors import EventError

from .handler import EventHandler
from .http import make_response, too_large

__all__ = ["Application", "application", "headers_of", "length_of"]

Environ: TypeAlias = dict[str, Any]
Application: TypeAlias = Callable[[Environ, Callable[..., object]], Iterable[bytes]]

_WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")
_CHUNK = 64 * 1024


def application(handler: EventHandler) -> Application:
    """Make a WSGI application, to be mounted under any path or run by itself."""

    def serve(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
        try:
            body = _read(environ, handler.body_limit)
        except EventError as error:
            response = make_response(None, error)
        else:
            response = handler.respond_blocking(environ["REQUEST_METHOD"], headers_of(environ), body)
        length = [] if response.status == 204 else [("Content-Length", str(len(response.body)))]
        start_response(_status_line(response.status), response.headers + length)
        return [response.body]

    return serve


def headers_of(environ: Environ) -> Iterator[tuple[str, bytes]]:
    """Read the headers of a request, their values as the bytes that came.

    Names stay text: servers make them upper case, which leads some letters out of latin-1.
    """
    for name, value in environ.items():
        if name.startswith("HTTP_") or name in _WITHOUT_PREFIX:
            yield name.removeprefix("HTTP_").replace("_", "-"), value.encode("latin-1")


def length_of(environ: Environ) -> int | None:
    """Read how long the body is; None where the server marks its end instead.

    Raises:
        EventError: The length is not a number.
    """
    given = environ.get("CONTENT_LENGTH") or ""
    if not given:
        return None if environ.get("wsgi.input_terminated") else 0
    if not (given.isascii() and given.isdigit()):
        raise EventError(400, "the content length is not a number")
    return int(given[:20])


def _read(environ: Environ, limit: int) -> bytes:
    """Read the body: as long as it says, or to the end where the server marks one."""
    length = length_of(environ)
    if length is not None and length > limit:
        raise too_large(limit)
    left = limit + 1 if length is None else length
    body = bytearray()
    while left and (chunk := environ["wsgi.input"].read(min(left, _CHUNK))):
        body += chunk
        left -= len(chunk)
    if len(body) > limit:
        raise too_large(limit)
    return bytes(body)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
