"""What can go wrong, as one tree of exceptions.

    WebPubSubError
    +-- ConfigurationError (also ValueError)   a wrong connection string, endpoint, hub or argument; nothing was sent
    +-- TransportError                         no response: refused, reset, timed out, TLS, DNS
    +-- ServiceError                           a response that says no
    |   +-- BadRequestError          400
    |   +-- AuthenticationError      401
    |   +-- PermissionDeniedError    403
    |   +-- NotFoundError            404
    |   +-- ConflictError            409
    |   +-- PayloadTooLargeError     413
    |   +-- ThrottledError           429
    |   +-- ServiceUnavailableError  5xx
    +-- EventError                             a webhook request that is not acceptable

`str()` of each is one line that a person can act on. It never holds a key, a token or a message body.
All of them can be pickled.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import ClassVar, Protocol

from ._logging import one_line

__all__ = [
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "EventError",
    "NotFoundError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "ServiceError",
    "ServiceUnavailableError",
    "ThrottledError",
    "TransportError",
    "WebPubSubError",
    "from_response",
]

_LONGEST_MESSAGE = 500
_LONGEST_CODE = 100
_LONGEST_NUMBER = 9
_CHALLENGE = r'\berror_description="([^"]*)"'


class WebPubSubError(Exception):
    """The parent of every exception of this package."""


class ConfigurationError(WebPubSubError, ValueError):
    """An endpoint, a hub or another argument is wrong; nothing was sent.

    Example:
        >>> from webpubsub import ConnectionString
        >>> ConnectionString.parse("AccessKey=c2VjcmV0")
        Traceback (most recent call last):
        webpubsub.errors.ConfigurationError: The connection string has no Endpoint.
    """


class TransportError(WebPubSubError):
    """The service gave no complete response.

    The exception of the transport is the `__cause__`.

    Example:
        >>> unused_port = "http://127.0.0.1:1"
        >>> with WebPubSubServiceClient(unused_port, "chat", "a key", retry_policy=RetryPolicy.none()) as service:
        ...     try:
        ...         service.send_to_all("Hello")
        ...     except TransportError as error:
        ...         error.maybe_sent
        False

    Attributes:
        operation: The operation that failed, such as `send_to_group`.
        reason: What happened, in a few words.
        maybe_sent: Whether the request can have reached the service, in any of its attempts. When it is
            False, the request certainly had no effect and is safe to repeat.
        request_id: The `x-ms-client-request-id` that the request carried.
    """

    def __init__(self, operation: str, reason: str, maybe_sent: bool, request_id: str | None = None) -> None:
        super().__init__(operation, reason, maybe_sent, request_id)
        self.operation = operation
        self.reason = reason
        self.maybe_sent = maybe_sent
        self.request_id = request_id

    def __str__(self) -> str:
        effect = "it may have reached the service" if self.maybe_sent else "it did not reach the service"
        return f"{self.operation} got no response ({self.reason}); {effect}.{_reference(self.request_id)}"


class ServiceError(WebPubSubError):
    """The service, or something in front of it, responded with an error.

    Responses without a class of their own, such as a redirect, are raised as this class itself.

    Example:
        >>> with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        ...     try:
        ...         service.add_user_to_group("room", "nobody")
        ...     except NotFoundError as error:
        ...         error.operation, error.status
        ('add_user_to_group', 404)

    Attributes:
        operation: The operation that failed, such as `send_to_group`.
        status: The HTTP status of the response.
        status_code: The same, under the name that azure-core has for it.
        reason: What HTTP calls the status, such as `Not Found`; empty if it does not.
        code: The error code of the service, such as `Error.Connection.NotExisted`, when it sent one.
        message: The explanation of the service on one line, or a short description of the response.
        target: What the error is about, when the service says so; the name of a query parameter, for example.
        request_id: The `x-ms-client-request-id` of the request, for a question to the service's support.
        retry_after: The seconds to wait before another try, when the service asked for it.
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        operation: str,
        status: int,
        code: str | None = None,
        message: str = "",
        target: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(operation, status, code, message, target, request_id, retry_after)
        self.operation = operation
        self.status = self.status_code = status
        self.reason = _phrase(status)
        self.code = code
        self.message = message
        self.target = target
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        parts = [f"{self.operation} failed with {self.status}"]
        if self.code:
            parts.append(f" {self.code}")
        if self.message:
            parts.append(f": {self.message}")
        text = "".join(parts).rstrip(".") + "."
        if self.retry_after is not None:
            text += f" The service asks to wait {self.retry_after:g} s."
        if self.advice:
            text += f" {self.advice}"
        return text + _reference(self.request_id)


class BadRequestError(ServiceError):
    """400: the service did not accept an argument, such as a filter."""


class AuthenticationError(ServiceError):
    """401: the service did not accept the key or the token."""

    advice = "Check the access key or the credential, the endpoint, and the clock of this machine."


class PermissionDeniedError(ServiceError):
    """403: the identity is known, but not allowed to do this."""

    advice = (
        "Check the role assignments of the identity (a new one takes up to 30 minutes) and the network rules of the "
        "resource."
    )


class NotFoundError(ServiceError):
    """404: the connection, user or permission does not exist."""


class ConflictError(ServiceError):
    """409: the request contradicts the present state."""


class PayloadTooLargeError(ServiceError):
    """413: the message is larger than the service takes."""

    advice = "Send less in one message."


class ThrottledError(ServiceError):
    """429: too many requests; see `retry_after`."""


class ServiceUnavailableError(ServiceError):
    """5xx: the service, or a gateway in front of it, failed."""


class EventError(WebPubSubError):
    """A webhook request of the service is not acceptable.

    Attributes:
        status: The HTTP status to respond with.
        reason: What is wrong with the request, in a few words.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} (respond with {self.status})"


_CLASSES: dict[int, type[ServiceError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    429: ThrottledError,
}


class ErrorResponse(Protocol):
    """What a response has to show: that of httpx does, and so does `webpubsub_rest.UnexpectedStatus`."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in lower case, or a mapping that ignores case."""
        ...

    @property
    def content(self) -> bytes:
        """The body as it came."""
        ...


def from_response(
    response: ErrorResponse, operation: str = "the request", request_id: str | None = None
) -> ServiceError:
    """Make the exception for a response that says no, got by an HTTP client of one's own for example.

    The body may be a flat error object, one wrapped in `error`, empty, HTML or cut short: whatever can be
    read of it is used, the rest is left out.

    Args:
        response: A response of httpx, or anything else with `status_code`, `headers` and `content`.
        operation: The operation that failed, such as `send_to_group`.
        request_id: The `x-ms-client-request-id` of the request.

    Example:
        >>> import httpx
        >>> from webpubsub.errors import from_response
        >>> from_response(httpx.Response(404), "group_exists")
        NotFoundError('group_exists', 404, None, '', None, None, None)
    """
    status, headers = response.status_code, response.headers
    error = _error_object(response.content)
    cls = _CLASSES.get(status) or (ServiceUnavailableError if status >= 500 else ServiceError)
    return cls(
        operation,
        status,
        _text(error.get("code"), _LONGEST_CODE) or _text(headers.get("x-ms-error-code"), _LONGEST_CODE) or None,
        _text(error.get("message")) or _text(error.get("title")) or _describe(status, headers),
        _text(error.get("target"), _LONGEST_CODE) or None,
        request_id,
        retry_after_seconds(headers),
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`, in seconds or as a date; None when it is absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:_LONGEST_NUMBER])
    try:
        moment = parsedate_to_datetime(value[:_LONGEST_CODE])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, round((moment - datetime.now(UTC)).total_seconds(), 3))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _error_object(content: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document = document["error"]
    return document if isinstance(document, dict) else {}


def _text(value: object, limit: int = _LONGEST_MESSAGE) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def _describe(status: int, headers: Mapping[str, str]) -> str:
    if 300 <= status < 400:
        return "a redirect, which is not followed because the request carries a credential; check the endpoint"
    if challenge := re.search(_CHALLENGE, headers.get("www-authenticate", "")[: 2 * _LONGEST_MESSAGE]):
        return _text(challenge[1])
    if headers.get("content-type", "").startswith("text/html"):
        return "an HTML page, which comes from a gateway or another server than the service"
    return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reference(request_id: str | None) -> str:
    return f" (request {request_id})" if request_id else ""
