"""What can be set for a client and for one call, and the checks of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import httpx

from . import _checks
from .errors import ConfigurationError
from .retries import RetryPolicy

__all__ = ["ClientOptions", "RequestOptions", "Settings", "check"]


class RequestOptions(TypedDict, total=False):
    """What every method takes besides its own arguments.

    On the client, the same names set the defaults.

    Example:
        >>> patient: RequestOptions = {"read_timeout": 120, "headers": {"x-ms-note": "nightly"}}
        >>> with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        ...     service.group_exists("room", **patient)
        False

    Attributes:
        api_version: The version of the REST API to call, such as `2024-12-01`.
        connection_timeout: Seconds to wait for a connection; 5 by default, at most 1000000.
        read_timeout: Seconds to wait for the service to go on responding; 30 by default, at most 1000000.
        headers: Headers to add.
        logging_enable: Write requests and responses to the logger `azure.webpubsub`, with secrets left out.
        on_response: Called with the `httpx.Response` of each call that got one, errors included, before the call
            returns: for status, headers and request id of a success.
        request_id: The `x-ms-client-request-id`; a new one is made for each call otherwise.
        retry_policy: How a failed request is repeated.
    """

    api_version: str
    connection_timeout: float
    read_timeout: float
    headers: Mapping[str, str]
    logging_enable: bool
    on_response: Callable[[httpx.Response], object]
    request_id: str
    retry_policy: RetryPolicy


class ClientOptions(TypedDict, total=False):
    """What a client takes besides its endpoint, hub and credential.

    Example:
        >>> options: ClientOptions = {"reverse_proxy_endpoint": "https://gateway.example.com/pubsub"}
        >>> WebPubSubServiceClient("https://example.webpubsub.azure.com", "chat", "a key", **options)
        WebPubSubServiceClient(endpoint='https://example.webpubsub.azure.com', hub='chat')

    Attributes:
        api_version: The version of the REST API to call, such as `2024-12-01`.
        connection_timeout: Seconds to wait for a connection; 5 by default, at most 1000000.
        read_timeout: Seconds to wait for the service to go on responding; 30 by default, at most 1000000.
        headers: Headers to add to every request.
        logging_enable: Write requests and responses to the logger `azure.webpubsub`, with secrets left out.
        retry_policy: How a failed request is repeated.
        connection_verify: Whether to check the certificate of the service; the path of a file with the
            certificates to trust, or an `ssl.SSLContext`, for an own certificate authority.
        credential_scopes: The scopes of a token credential; `https://webpubsub.azure.com/.default` by default.
        json_default: Turns a value in a message that JSON has no form for into one that it has, as the `default` of
            `json.dumps` does. Dates, durations, UUIDs, decimals, enumerations, dataclasses, attrs classes and pydantic
            models need none.
        max_connections: Most connections to the service at once; 100 by default.
        on_response: Called with the `httpx.Response` of each call that got one, errors included.
        port: The port of the service, in place of the one in the endpoint.
        proxy: The URL of an HTTP proxy on the way to the service, `http://user:password@host:port`, or `https://` for
            one that speaks TLS; None for none. Otherwise `HTTPS_PROXY` and `NO_PROXY` in the environment say, which
            are read when the first connection is needed.
        reverse_proxy_endpoint: Where requests are sent instead; tokens are still made for the endpoint.
        transport: An httpx transport to use instead of the built-in one, for tests for example.
        user: A name that service tokens carry, for the logs of the service.
    """

    api_version: str
    connection_timeout: float
    read_timeout: float
    headers: Mapping[str, str]
    logging_enable: bool
    retry_policy: RetryPolicy
    connection_verify: ssl.SSLContext | bool | str
    credential_scopes: str | Sequence[str]
    json_default: Callable[[Any], object]
    max_connections: int
    on_response: Callable[[httpx.Response], object]
    port: int | None
    proxy: str | None
    reverse_proxy_endpoint: str | None
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport
    user: str | None


_DEFAULTS = {
    "api_version": "2024-12-01",
    "connection_timeout": 5.0,
    "read_timeout": 30.0,
    "logging_enable": False,
    "retry_policy": RetryPolicy(),
}


class Settings(NamedTuple):
    """How one call is made: the client's defaults, or those with the options of the call laid over them."""

    api_version: str
    timeout: Mapping[str, float]
    headers: Mapping[str, str]
    logging_enable: bool
    retry_policy: RetryPolicy
    request_id: str | None
    json_default: Callable[[Any], object] | None
    on_response: Callable[[httpx.Response], object] | None = None

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Settings:
        """Lay checked options over the built-in defaults."""
        chosen: dict[str, Any] = {**_DEFAULTS, **options}
        return cls(
            chosen["api_version"],
            _timeout(chosen["connection_timeout"], chosen["read_timeout"]),
            {},
            chosen["logging_enable"],
            chosen["retry_policy"],
            None,
            chosen.get("json_default"),
            chosen.get("on_response"),
        )

    def but(self, options: RequestOptions, method: Callable[..., object]) -> Settings:
        """Lay the options of one call of a method over these settings.

        Raises:
            ConfigurationError: A value is out of range.
            TypeError: A name is unknown, or a value is of the wrong type.
        """
        check(options, method)
        return Settings(
            options.get("api_version", self.api_version),
            _timeout(
                options.get("connection_timeout", self.timeout["connect"]),
                options.get("read_timeout", self.timeout["read"]),
            ),
            options.get("headers", self.headers),
            options.get("logging_enable", self.logging_enable),
            options.get("retry_policy", self.retry_policy),
            options.get("request_id"),
            self.json_default,
            options.get("on_response", self.on_response),
        )


def check(options: Mapping[str, object], method: Callable[..., object]) -> None:
    """Check the names and the values of the options that a method, or a client class, was called with.

    Raises:
        ConfigurationError: A value is out of range.
        TypeError: A name is unknown, or a value is of the wrong type.
    """
    of_call, of_client = RequestOptions.__annotations__, ClientOptions.__annotations__
    allowed, elsewhere = (of_client, of_call) if isinstance(method, type) else (of_call, of_client)
    for name, value in options.items():
        if name not in allowed:
            from ._keywords import unknown  # only where somebody made a mistake

            raise unknown(name, method, allowed, elsewhere)
        if name in _CHECKS:
            _CHECKS[name](value, name)


def _timeout(connection: float, read: float) -> Mapping[str, float]:
    return {"connect": connection, "read": read, "write": read, "pool": connection}


def _is_policy(value: object, name: str) -> None:
    if not isinstance(value, RetryPolicy):
        raise TypeError(f"{name} must be a RetryPolicy, not {type(value).__name__}.")


def _is_verification(value: object, name: str) -> None:
    if not isinstance(value, (bool, str, ssl.SSLContext)):
        raise TypeError(f"{name} must be a bool, a path or an ssl.SSLContext, not {type(value).__name__}.")
    if value == "":
        raise ConfigurationError(f"{name} is empty; it must be a bool, a path or an ssl.SSLContext.")


def _are_scopes(value: object, name: str) -> None:
    scopes = [(name, value)] if isinstance(value, str) else list(_checks.items(value, name))  # type: ignore[arg-type]
    for item, scope in scopes:
        _checks.printable(scope, item)


def _is_callable(value: object, name: str) -> None:
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {type(value).__name__}.")


_CHECKS: dict[str, Callable[[object, str], object]] = {
    "api_version": _checks.printable,
    "connection_timeout": _checks.seconds,
    "read_timeout": _checks.seconds,
    "headers": _checks.headers,
    "request_id": _checks.printable,
    "retry_policy": _is_policy,
    "connection_verify": _is_verification,
    "credential_scopes": _are_scopes,
    "json_default": _is_callable,
    "on_response": _is_callable,
    "logging_enable": _checks.boolean,
    "proxy": lambda value, name: None if value is None else _checks.string(value, name),
    "max_connections": lambda value, name: _checks.number(value, name, 1),
    "user": lambda value, name: None if value is None else _checks.printable(value, name),
}
