"""Errors that are ours and azure-core's at once: `except` clauses written for either catch them.

Each class stands below the one of `webpubsub.errors` that the native client raises and below the one of
`azure.core.exceptions` that the official SDK raises for the same thing. `str()` stays the one line of ours; the
attributes of both are there; `message`, which both have, is azure-core's, with code and explanation.

azure-core declares status and reason as optional, which a response that is there does not bear out: hence the ignores.
"""

from __future__ import annotations

from typing import Any

import httpx
from azure.core import exceptions as core

from .. import errors
from .._logging import redacted

__all__ = [
    "BadRequestError",
    "ClientAuthenticationError",
    "DecodeError",
    "HttpResponseError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "ResourceExistsError",
    "ResourceNotFoundError",
    "ResourceNotModifiedError",
    "ServiceRequestError",
    "ServiceRequestTimeoutError",
    "ServiceResponseError",
    "ServiceResponseTimeoutError",
    "ServiceUnavailableError",
    "ThrottledError",
    "refused",
    "unserved",
]


class HttpResponseError(errors.ServiceError, core.HttpResponseError):  # type: ignore[misc]
    """The service responded with an error.

    Attributes:
        status_code: The HTTP status.
        reason: The reason phrase that belongs to it, such as `Not Found`.
        message: The text that azure-core makes of the response, with code and explanation.
        error: Code, message and target as an `azure.core.exceptions.ODataV4Format`; None if the service sent none.
        response: The whole response: `.status_code`, `.headers`, `.text()`, `.json()`.
        model: Always None, as in the official SDK.
    """

    def __init__(self, cause: errors.ServiceError, response: Any) -> None:
        core.HttpResponseError.__init__(self, response=response)
        self.__dict__.update(vars(cause), message=redacted(self.message))
        self._cause = cause

    def __str__(self) -> str:
        return str(self._cause)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._cause, self.response)


class BadRequestError(HttpResponseError, errors.BadRequestError):  # type: ignore[misc]
    """400."""


class ClientAuthenticationError(HttpResponseError, errors.AuthenticationError, core.ClientAuthenticationError):  # type: ignore[misc]
    """401."""


class PermissionDeniedError(HttpResponseError, errors.PermissionDeniedError):  # type: ignore[misc]
    """403."""


class ResourceNotFoundError(HttpResponseError, errors.NotFoundError, core.ResourceNotFoundError):  # type: ignore[misc]
    """404."""


class ResourceExistsError(HttpResponseError, errors.ConflictError, core.ResourceExistsError):  # type: ignore[misc]
    """409."""


class PayloadTooLargeError(HttpResponseError, errors.PayloadTooLargeError):  # type: ignore[misc]
    """413."""


class ThrottledError(HttpResponseError, errors.ThrottledError):  # type: ignore[misc]
    """429."""


class ServiceUnavailableError(HttpResponseError, errors.ServiceUnavailableError):  # type: ignore[misc]
    """5xx."""


class ResourceNotModifiedError(HttpResponseError, core.ResourceNotModifiedError):  # type: ignore[misc]
    """304."""


class DecodeError(HttpResponseError, core.DecodeError):  # type: ignore[misc]
    """A success whose body is not the JSON that the service documents."""


class _Unserved(errors.TransportError, core.AzureError):
    """What the four errors without a response have in common."""

    def __init__(self, cause: errors.TransportError, failure: BaseException | None = None) -> None:
        core.AzureError.__init__(self, str(cause), error=failure)
        self.__dict__.update(vars(cause))
        self._cause = cause

    def __str__(self) -> str:
        return str(self._cause)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._cause,)


class ServiceRequestError(_Unserved, core.ServiceRequestError):
    """The request did not reach the service."""


class ServiceRequestTimeoutError(ServiceRequestError, core.ServiceRequestTimeoutError):
    """No connection was made in time."""


class ServiceResponseError(_Unserved, core.ServiceResponseError):
    """The request may have reached the service, but no complete response came."""


class ServiceResponseTimeoutError(ServiceResponseError, core.ServiceResponseTimeoutError):
    """The response did not come in time."""


_CLASSES: dict[type[errors.ServiceError], type[HttpResponseError]] = {
    errors.BadRequestError: BadRequestError,
    errors.AuthenticationError: ClientAuthenticationError,
    errors.PermissionDeniedError: PermissionDeniedError,
    errors.NotFoundError: ResourceNotFoundError,
    errors.ConflictError: ResourceExistsError,
    errors.PayloadTooLargeError: PayloadTooLargeError,
    errors.ThrottledError: ThrottledError,
    errors.ServiceUnavailableError: ServiceUnavailableError,
}


def refused(error: errors.ServiceError, response: Any) -> HttpResponseError:
    """Make the error of both kinds for a response that says no.

    Args:
        error: What the native client raises.
        response: The response, as an `azure.core.rest.HttpResponse` or `AsyncHttpResponse`.
    """
    cls = _CLASSES.get(type(error), HttpResponseError)
    if error.status == 304:
        cls = ResourceNotModifiedError
    elif 200 <= error.status <= 299:
        cls = DecodeError
    return cls(error, response)


def unserved(error: errors.TransportError, failure: BaseException | None) -> ServiceRequestError | ServiceResponseError:
    """Make the error of both kinds for a request without a complete response.

    Args:
        error: What the native client raises.
        failure: The exception of the transport.
    """
    late = isinstance(failure, httpx.TimeoutException)
    if error.maybe_sent:
        return (ServiceResponseTimeoutError if late else ServiceResponseError)(error, failure)
    return (ServiceRequestTimeoutError if late else ServiceRequestError)(error, failure)
