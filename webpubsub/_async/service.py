"""The service as a client sees it. Every request goes the same way: it is built, signed, and exchanged.

`run` and `call` run an operation and turn what went wrong into the exceptions of `webpubsub.errors`. Whoever uses
`http`, a client of httpx, gets httpx's responses and exceptions.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar, cast

import httpx

from webpubsub_rest import Operation, Request, UnexpectedResponse, UnexpectedStatus

from .. import _checks
from .._transport import tls
from .._transport.endpoints import Endpoints, Proxy, Route, parsed
from .._transport.extensions import Extensions
from .._transport.failures import reason
from .._transport.headers import raw
from .._version import __version__
from ..credentials import AsyncCredential, AzureKeyCredential, KeyCredential, recognize
from ..errors import ConfigurationError, ServiceError, TransportError, WebPubSubError, from_response
from ..options import ClientOptions, Settings
from ..tokens import ServiceTokens
from .bearer import BearerTokens
from .connections import Connections
from .exchange import exchange
from .http import ServiceHttp

P = ParamSpec("P")
T = TypeVar("T")

_REQUEST_ID = "x-ms-client-request-id"
_RAW_REQUEST_ID = _REQUEST_ID.encode()
_USER_AGENT = f"webpubsub/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]} httpx/{httpx.__version__}"
_SCOPE = "https://webpubsub.azure.com/.default"
_MOST_CONNECTIONS = 100
_WITH_CONTENT = ("PATCH", "POST", "PUT")
_DEFAULT_HEADERS = {
    b"User-Agent": _USER_AGENT.encode(),
    b"Accept": b"application/json",
    b"Accept-Encoding": b"identity",  # responses are small, and a few compressed bytes can be gigabytes
}

_LONGEST_URL = 65_536


class _Address(NamedTuple):
    url: httpx.URL
    text: str
    host: bytes


class Service:
    """One service: where it is, who asks, with which settings, over which connections.

    Attributes:
        endpoints: Its addresses.
        settings: How calls are made that say nothing else.
        key_credential: The access key, if there is one; a token credential asks otherwise.
        connections: The transport.
    """

    def __init__(self, endpoints: Endpoints, credential: AsyncCredential, options: ClientOptions) -> None:
        self.endpoints = endpoints
        self.settings = Settings.of(options)
        self._tokens = ServiceTokens(options.get("user"))
        self.key_credential: KeyCredential | None = None
        recognized = recognize(credential)
        if isinstance(recognized, (AzureKeyCredential, KeyCredential)):  # to look at a protocol is slow
            self.key_credential = recognized
        else:
            endpoints.refuse_plain_http()
            self._bearer = BearerTokens(recognized, _scopes(options))
        self.connections = _connections(endpoints, options)
        self._headers: Mapping[bytes, bytes] = {**_DEFAULT_HEADERS, **raw(options.get("headers", {}))}
        self._http: ServiceHttp | None = None

    @property
    def http(self) -> ServiceHttp:
        """The client of httpx, made when it is first asked for."""
        if self._http is None:
            self._http = ServiceHttp(self, self._headers)
        return self._http

    async def run(self, settings: Settings, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation with the settings of one call, which name the API version.

        Raises:
            ConfigurationError: An argument is wrong, or the client is closed; nothing was sent.
            ServiceError: The service responded with an error.
            TransportError: The service did not respond.
        """
        kwargs.setdefault("api_version", settings.api_version)
        return await self._result(settings, operation, operation.build(*args, **kwargs))

    async def call(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation in its own API version, with the settings of the client.

        Raises:
            ConfigurationError: The client is closed; nothing was sent.
            ServiceError: The service responded with an error.
            TransportError: The service did not respond.
            TypeError: This is no operation, or it takes no such arguments.
        """
        if not isinstance(operation, Operation):
            known = "an operation of webpubsub_rest, such as v2024_12_01.group_exists"
            raise TypeError(f"operation must be {known}, not {type(operation).__name__}")
        return await self._result(self.settings, operation, operation.build(*args, **kwargs))

    def with_settings(self, settings: Settings) -> Self:
        """Return a service with other settings, over the same connections: closing one closes all."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.settings = settings._replace(headers={})
        other._headers = {**self._default_headers(), **raw(settings.headers)}
        other._http = None
        return other

    async def close(self) -> None:
        """Close the connections."""
        await self.connections.aclose()

    def error_to_raise(
        self,
        error: WebPubSubError,
        request: httpx.Request,  # noqa: ARG002
        response: httpx.Response | None,  # noqa: ARG002
    ) -> WebPubSubError:
        """Return the exception that stands for an error; a subclass may know a better one than the error itself.

        Args:
            error: What went wrong.
            request: The request that it is about.
            response: The response, if there is one.
        """
        return error

    async def plain(self, arguments: Request, timeout: Mapping[str, float]) -> httpx.Response:
        """Send a request that is as an operation builds them."""
        return await self._exchange(await self._built(arguments, self.settings._replace(timeout=timeout)))

    async def signed(self, request: httpx.Request) -> httpx.Response:
        """Sign a request that somebody else built, and send it. Request and response are read whole."""
        await request.aread()
        if request.headers.pop("Transfer-Encoding", None):
            request.headers["Content-Length"] = str(len(request.content))
        request.headers.setdefault(_REQUEST_ID, _new_request_id())
        request.extensions.setdefault("logging_enable", self.settings.logging_enable)
        request.extensions.setdefault("retry_policy", self.settings.retry_policy)
        audience = self.endpoints.audience(str(request.url))
        if "Authorization" not in request.headers:
            request.headers["Authorization"] = await self._authorization(audience)
        return await self._exchange(request)

    async def _result(self, settings: Settings, operation: Operation[P, T], arguments: Request) -> T:
        request = await self._built(arguments, settings)
        request_id = request.headers[_REQUEST_ID]
        response = None
        try:
            response = await self._exchange(request)
            if settings.on_response is not None:
                settings.on_response(response)
            return operation.parse(response)
        except UnexpectedStatus as unexpected:
            refused = from_response(unexpected, operation.name, request_id)
        except UnexpectedResponse as unexpected:
            message = "the body is not the JSON that the service documents"
            error = ServiceError(operation.name, unexpected.status_code, None, message, None, request_id)
            raise self.error_to_raise(error, request, response) from unexpected
        except httpx.RequestError as failure:
            sent = cast("Extensions", request.extensions).get("maybe_sent", False)
            lost = TransportError(operation.name, reason(failure), sent, request_id)
            raise self.error_to_raise(lost, request, response) from failure
        # Raised outside of the handler, or its chain would hold the body as it came, which may repeat a credential.
        raise self.error_to_raise(refused, request, response)

    async def _built(self, arguments: Request, settings: Settings) -> httpx.Request:
        method, content = arguments["method"], arguments.get("content", b"")
        address = _address(self.endpoints.target + arguments["url"])
        audience = self.endpoints.audience(address.text)
        headers = {
            b"Host": address.host,
            **self._default_headers(),
            _RAW_REQUEST_ID: (settings.request_id or _new_request_id()).encode(),
            **raw(arguments["headers"]),
            **raw(settings.headers),
        }
        if content or method in _WITH_CONTENT:
            headers.setdefault(b"Content-Length", b"%d" % len(content))
        if b"Authorization" not in headers:
            headers[b"Authorization"] = (await self._authorization(audience)).encode()
        extensions: Extensions = {
            "timeout": settings.timeout,
            "logging_enable": settings.logging_enable,
            "retry_policy": settings.retry_policy,
        }
        request = httpx.Request(
            method,
            address.url,
            headers=headers,
            stream=httpx.ByteStream(content),
            extensions=cast("dict[str, Any]", extensions),
        )
        await request.aread()
        return request

    def _default_headers(self) -> Mapping[bytes, bytes]:
        return self._headers if self._http is None else self._http.raw_headers()

    async def _authorization(self, audience: str) -> str:
        if self.key_credential is None:
            token = await self._bearer.get()
        else:
            key = _checks.access_key(self.key_credential.key, "credential.key")
            token = self._tokens.get(audience, key)
        return f"Bearer {token}"

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        if self.connections.closed:
            raise ConfigurationError("The client is closed; make a new one.")
        if self._http is None or not any(self._http.event_hooks.values()):
            return await exchange(self.connections, request)
        for on_request in self._http.event_hooks["request"]:
            await on_request(request)
        response = await exchange(self.connections, request)
        for on_response in self._http.event_hooks["response"]:
            await on_response(response)
        return response


def _address(text: str) -> _Address:
    if len(text) > _LONGEST_URL:
        raise ConfigurationError(
            f"The request would have a URL of {len(text)} characters, more than the {_LONGEST_URL} that can be sent; "
            f"name fewer or shorter things in it."
        )
    try:
        return _parsed(text)
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError("The URL of the request has characters that no URL has.") from None


@lru_cache(maxsize=512)  # most calls repeat a URL, and parsing one costs as much as signing
def _parsed(text: str) -> _Address:
    url = httpx.URL(text)
    return _Address(url, str(url), url.netloc)


def _new_request_id() -> str:
    return os.urandom(16).hex()


def _scopes(options: ClientOptions) -> Sequence[str]:
    scopes = options.get("credential_scopes", _SCOPE)
    return [scopes] if isinstance(scopes, str) else list(scopes)


def _connections(endpoints: Endpoints, options: ClientOptions) -> Connections:
    given = options.get("transport")
    if given is not None and not isinstance(given, httpx.AsyncBaseTransport):
        raise TypeError(f"transport must be a httpx.AsyncBaseTransport, not {type(given).__name__}.")
    target = parsed(endpoints.target)
    verify = options.get("connection_verify", True)
    if isinstance(verify, str):
        verify = tls.context(verify)  # a wrong path is told at once
    secure = target.scheme == "https"
    route = Route(
        host=target.raw_host.decode().strip("[]"),
        port=target.port or (443 if secure else 80),
        secure=secure,
        tls=partial(tls.context, verify),
        proxy=_proxy(endpoints, options),
        most_connections=options.get("max_connections", _MOST_CONNECTIONS),
    )
    return Connections(route, given)


def _proxy(endpoints: Endpoints, options: ClientOptions) -> Callable[[], Proxy | None]:
    if "proxy" not in options:
        return endpoints.environment_proxy  # a look through the environment costs more than the rest of a client
    chosen = options["proxy"]
    proxy = None if chosen is None else Proxy.parse(chosen, "proxy")
    return lambda: proxy
