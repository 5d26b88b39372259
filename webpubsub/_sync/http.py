"""The client of httpx that hands its requests to the service: with it goes whatever httpx can build."""
# Rendered by codegen.py from webpubsub/_async/http.py. Do not edit: change that file and run `python codegen.py`.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from webpubsub_rest import Request

from .._transport.headers import spelled
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .service import Service

_PLAIN = {"headers", "content"}
_LONGEST_SECONDS = 1_000_000
_UNUSED_EXTENSIONS = {"sni_hostname", "target", "trace"}


class ServiceHttp(httpx.Client):
    """An `httpx.Client` of one service: other addresses, other credentials and redirects are refused."""

    def __init__(self, service: Service, headers: Mapping[bytes, bytes]) -> None:
        super().__init__(
            base_url=service.endpoints.target,
            transport=service.connections,
            timeout=httpx.Timeout(**service.settings.timeout),
            trust_env=False,
        )
        self._service = service
        self.headers = httpx.Headers(dict(headers))
        if b"connection" not in headers:
            del self.headers["Connection"]  # httpx adds what is the rule anyway
        self._seen_headers: list[tuple[bytes, bytes]] = []
        self._raw_headers: Mapping[bytes, bytes] = {}

    @property
    def auth(self) -> httpx.Auth | None:
        """None: the credential of the client signs."""
        return None

    @auth.setter
    def auth(self, auth: object) -> None:
        _refuse_auth(auth)

    @property
    def base_url(self) -> httpx.URL:
        """Where the service is."""
        return self._base_url

    @base_url.setter
    def base_url(self, url: httpx.URL | str) -> None:
        if self._enforce_trailing_slash(httpx.URL(url)) != self._base_url:
            raise ConfigurationError("base_url cannot be changed: make a client for the other endpoint.")

    @property
    def follow_redirects(self) -> bool:
        """False: a request carries a credential."""
        return False

    @follow_redirects.setter
    def follow_redirects(self, value: object) -> None:
        _refuse_redirects(value)

    def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        """Send a request, as `httpx.Client.request` does; this is how raw operations arrive."""
        content = options.get("content", b"")
        plain = isinstance(url, str) and url.startswith("/") and isinstance(content, bytes)
        if plain and options.keys() <= _PLAIN and not (self.params or self.cookies):
            arguments: Request = {"method": method, "url": cast("str", url), "headers": options.get("headers") or {}}
            if content:
                arguments["content"] = content
            return self._service.plain(arguments, self._limits({}))
        return super().request(method, url, **options)

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,  # noqa: ARG002
        auth: object = None,
        follow_redirects: object = False,
    ) -> httpx.Response:
        """Sign a request and send it. Request and response are read whole, also where they are to be streamed."""
        _refuse_auth(auth)
        _refuse_redirects(follow_redirects)
        unused = _UNUSED_EXTENSIONS & request.extensions.keys()
        if unused and self._service.connections.given is None:
            raise ConfigurationError(f"The extension {min(unused)!r} works only with a transport= that knows it.")
        request.extensions["timeout"] = self._limits(request.extensions.get("timeout", {}))
        return self._service.signed(request)

    def raw_headers(self) -> Mapping[bytes, bytes]:
        """Return the headers that hold for every request, as they are now."""
        present = self.headers.raw
        if present != self._seen_headers:
            self._seen_headers, self._raw_headers = present, spelled(present)
        return self._raw_headers

    def _limits(self, chosen: Mapping[str, float | None]) -> Mapping[str, float]:
        seconds = {**self.timeout.as_dict(), **chosen}
        return {
            phase: _LONGEST_SECONDS if limit is None else min(limit, _LONGEST_SECONDS)
            for phase, limit in seconds.items()
        }


def _refuse_auth(value: object) -> None:
    if value is not None and value is not httpx.USE_CLIENT_DEFAULT:
        raise ConfigurationError(
            "auth= is not for this client, whose own credential signs; give headers={'Authorization': ...} instead."
        )


def _refuse_redirects(value: object) -> None:
    if value is True:
        raise ConfigurationError(
            "follow_redirects= must be False: redirects are never followed, because a request carries a credential."
        )
