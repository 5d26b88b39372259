"""The httpx client that calls the service: it signs, repeats and writes down every request, raw operations included.

`run` is the one place that runs an operation for `WebPubSubServiceClient` and turns what went wrong into the exceptions
of `webpubsub.errors`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

import httpx

from webpubsub_rest import Operation, Request, UnexpectedAnswer, UnexpectedStatus

from .. import _checks
from .._async_sockets import open_transport
from .._endpoints import Endpoints
from .._failures import reason
from .._version import __version__
from ..credentials import AsyncCredential, KeyCredential, recognize
from ..errors import ConfigurationError, ServiceError, TransportError, from_response
from ..options import ClientOptions, Settings, tls_verification
from ..tokens import service_token
from ._bearer import BearerTokens
from ._exchange import Exchange

P = ParamSpec("P")
T = TypeVar("T")

_REQUEST_ID = "x-ms-client-request-id"
_USER_AGENT = f"webpubsub/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]} httpx/{httpx.__version__}"
_SCOPE = "https://webpubsub.azure.com/.default"
_KEEP_ALIVE_SECONDS = 60
_MOST_CONNECTIONS = 100
_PLAIN = {"headers", "content"}

_parsed = lru_cache(maxsize=512)(httpx.URL)  # most calls repeat a URL, and parsing one costs as much as signing


class ServiceHttp(httpx.AsyncClient):
    """An `httpx.AsyncClient` of one service: it refuses every other address and follows no redirect."""

    def __init__(self, endpoints: Endpoints, credential: AsyncCredential, options: ClientOptions) -> None:
        from .._attempts import RetryingTransport

        self.endpoints = endpoints
        self.settings = Settings.of(options)
        self._user = options.get("user")
        self.key_credential: KeyCredential | None = None
        recognized = recognize(credential)
        if isinstance(recognized, KeyCredential):
            self.key_credential = recognized
        else:
            endpoints.refuse_plain_http()
            self._bearer = BearerTokens(recognized, _scopes(options))
        self._retrying = RetryingTransport(Exchange(_transport(endpoints, options)), self.settings.retry_policy)
        super().__init__(
            base_url=endpoints.target,
            transport=self._retrying,
            timeout=httpx.Timeout(**self.settings.timeout),
            headers={"User-Agent": _USER_AGENT, "Accept": "application/json"},
            trust_env=False,
        )

    async def run(self, settings: Settings, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation with the settings of one call.

        Raises:
            ConfigurationError: An argument is wrong, or the client is closed; nothing was sent.
            ServiceError: The service answered with an error.
            TransportError: The service did not answer.
        """
        kwargs.setdefault("api_version", settings.api_version)
        request_id = settings.request_id or _new_request_id()
        extensions: dict[str, Any] = {"timeout": settings.timeout, "logging_enable": settings.logging_enable}
        if settings.retry_policy is not self.settings.retry_policy:
            extensions["retry_policy"] = settings.retry_policy
        arguments = operation.build(*args, **kwargs)
        request = await self._signed(arguments, settings.headers, request_id, extensions)
        try:
            return operation.parse(await self._exchange(request))
        except UnexpectedStatus as answer:
            raise from_response(
                operation.name, answer.status_code, answer.headers, answer.content, request.headers[_REQUEST_ID]
            ) from None
        except UnexpectedAnswer as answer:
            message = "the body is not the JSON that the service documents"
            raise ServiceError(
                operation.name, answer.status_code, None, message, None, request.headers[_REQUEST_ID]
            ) from answer
        except httpx.RequestError as error:
            sent = request.extensions.get("maybe_sent", False)
            raise TransportError(operation.name, reason(error), sent, request.headers[_REQUEST_ID]) from error

    async def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        """Send a request, as `httpx.AsyncClient.request` does; this is how raw operations arrive."""
        content = options.get("content", b"")
        if isinstance(url, str) and url.startswith("/") and options.keys() <= _PLAIN and isinstance(content, bytes):
            arguments: Request = {"method": method, "url": url, "headers": options.get("headers") or {}}
            if content:
                arguments["content"] = content
            extensions = {"timeout": self.settings.timeout, "logging_enable": self.settings.logging_enable}
            return await self._exchange(
                await self._signed(arguments, self.settings.headers, _new_request_id(), extensions)
            )
        return await super().request(method, url, **options)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ARG002
        """Sign a request and send it. Request and answer are read whole; redirects are returned, not followed."""
        await request.aread()
        if request.headers.pop("Transfer-Encoding", None):
            request.headers["Content-Length"] = str(len(request.content))
        request.headers.setdefault(_REQUEST_ID, _new_request_id())
        self.endpoints.audience(str(request.url))
        if "Authorization" not in request.headers:
            request.headers["Authorization"] = await self._authorization(str(request.url))
        request.extensions.setdefault("logging_enable", self.settings.logging_enable)
        return await self._exchange(request)

    async def _signed(
        self, arguments: Request, headers: Mapping[str, str], request_id: str, extensions: dict[str, Any]
    ) -> httpx.Request:
        url = _parsed(self.endpoints.target + arguments["url"])
        all_headers = {
            "Accept": "application/json",
            "User-Agent": _USER_AGENT,
            _REQUEST_ID: request_id,
            "Authorization": await self._authorization(str(url)),
            **arguments["headers"],
        }
        request = httpx.Request(
            arguments["method"], url, headers=all_headers, content=arguments.get("content"), extensions=extensions
        )
        if headers:
            request.headers.update(headers)
        return request

    async def _authorization(self, url: str) -> str:
        audience = self.endpoints.audience(url)
        if self.key_credential is None:
            token = await self._bearer.get()
        else:
            token = service_token(audience, _checks.access_key(self.key_credential.key, "credential.key"), self._user)
        return f"Bearer {token}"

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        if self.is_closed:
            raise ConfigurationError("The client is closed; make a new one.")
        return await self._retrying.handle_async_request(request)


def _new_request_id() -> str:
    return os.urandom(16).hex()


def _scopes(options: ClientOptions) -> Sequence[str]:
    scopes = options.get("credential_scopes", _SCOPE)
    return [scopes] if isinstance(scopes, str) else list(scopes)


def _transport(endpoints: Endpoints, options: ClientOptions) -> httpx.AsyncBaseTransport:
    if "transport" in options:
        given = options["transport"]
        if not isinstance(given, httpx.AsyncBaseTransport):
            raise TypeError(f"transport must be a httpx.AsyncBaseTransport, not {type(given).__name__}.")
        return given
    most = options.get("max_connections", _MOST_CONNECTIONS)
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=_KEEP_ALIVE_SECONDS)
    proxy = endpoints.proxy()
    needs_tls = endpoints.target.startswith("https://") or proxy is not None
    verify = tls_verification(options.get("connection_verify", True)) if needs_tls else False
    return open_transport(verify, proxy, limits)
