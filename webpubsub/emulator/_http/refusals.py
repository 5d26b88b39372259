"""Every way to say no over HTTP: statuses, codes, headers and bodies, in one place.

`RefusedError` stops an operation with a response made here; whoever runs operations returns it.
"""

import json
from collections.abc import Sequence
from typing import Any

from .request import Response

__all__ = [
    "LARGEST_BODY",
    "RefusedError",
    "bad_request",
    "conflict",
    "empty",
    "forbidden_origin",
    "method_not_allowed",
    "not_found",
    "payload_too_large",
    "reports_versions",
    "unauthorized",
    "unknown_path",
    "unusable_request",
]

LARGEST_BODY = 1024 * 1024
"""The longest request body and the longest WebSocket message, in bytes."""

_JSON = "application/json; charset=utf-8"
_PROBLEM = "application/problem+json; charset=utf-8"


class RefusedError(Exception):
    """An operation ends here, with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def empty(status: int) -> Response:
    """Say no and nothing else."""
    return Response(status)


def bad_request(target: str, message: str) -> Response:
    """Say that a parameter cannot be read, before any operation looks at it.

    Args:
        target: Which one.
        message: What is wrong with it.
    """
    body = {
        "code": "Error.BadRequest",
        "message": message,
        "target": target,
        "errors": {target: [message]},
        "type": None,
        "title": "One or more validation errors occurred.",
        "status": 400,
        "detail": None,
        "instance": None,
        "extensions": {},
    }
    return _coded(400, "Error.BadRequest", body, _PROBLEM)


def unusable_request(message: str) -> Response:
    """Say that an operation can do nothing with what it was given; the service has another form for that."""
    return _detailed(400, "Error.BadRequest", message, "Request")


def reports_versions(response: Response) -> bool:
    """Tell whether the API versions go with a response: they do not where a parameter could not be read."""
    return response.headers.get("Content-Type") != _PROBLEM


def not_found(code: str, kind: str, name: str) -> Response:
    """Say that the target of an operation does not exist.

    Args:
        code: The error code, such as `Error.Connection.NotExisted`.
        kind: What it is, such as `Connection`.
        name: Which one.
    """
    return _detailed(404, code, f"{kind} `{name}` is not found.", kind)


def conflict(code: str, kind: str, message: str) -> Response:
    """Say that the state of the target does not allow an operation."""
    return _detailed(409, code, message, kind)


def payload_too_large() -> Response:
    """Say that the body is longer than the service reads."""
    message = f"The request body is longer than {LARGEST_BODY} bytes."
    return _detailed(413, "Error.PayloadTooLarge", message, "body")


def unauthorized(reason: str) -> Response:
    """Say that the token is missing or wrong; the reason is for people and holds no part of the token."""
    return Response(401, {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{reason}"'})


def unknown_path(path: str, known: Sequence[str]) -> Response:
    """Say that there is no such operation, and which ones come close: nobody can see that of a bare 404."""
    message = f"No operation has the path {path}. The closest that are known: {'; '.join(known)}."
    return _detailed(404, "Error.NotFound", message, "Path")


def forbidden_origin() -> Response:
    """Say that the web page is from elsewhere, and what would let it in."""
    message = "Web pages from elsewhere may connect only where the emulator has an access key of its own."
    return _detailed(403, "Error.Forbidden", message, "Origin")


def method_not_allowed(allowed: list[str]) -> Response:
    """Say that the path exists, for other methods."""
    return Response(405, {"Allow": ", ".join(allowed)})


def _detailed(status: int, code: str, message: str, target: str) -> Response:
    body = {"code": code, "message": message, "target": target, "details": None, "inner": None}
    return _coded(status, code, body, _JSON)


def _coded(status: int, code: str, body: dict[str, Any], content_type: str) -> Response:
    content = json.dumps(body, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": content_type, "x-ms-error-code": code}, content)
