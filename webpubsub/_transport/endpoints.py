"""Which URL is which: where requests are sent, and what the service itself sees as its own address.

The two differ behind a reverse proxy. Tokens are made for the service, and sent only to the place they belong to.
"""

import ipaddress
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ConfigurationError

_HOST = re.compile(r"[0-9A-Za-z._-]+|\[?[0-9a-fA-F:.]+\]?")


class Endpoints(NamedTuple):
    """The two addresses of a client.

    Attributes:
        service: The endpoint of the service, without a slash at the end.
        target: Where requests are sent: the reverse proxy where there is one, the service otherwise.
    """

    service: str
    target: str

    @classmethod
    def of(cls, service: str, reverse_proxy: str | None) -> "Endpoints":
        """Take checked endpoints; they are written here as httpx will send them."""
        own = _as_sent(service)
        return cls(own, own if reverse_proxy is None else _as_sent(reverse_proxy))

    def audience(self, url: str) -> str:
        """Return the URL that the service sees when a request is sent to a URL of the target.

        Raises:
            ConfigurationError: The URL is not one of the target's; a credential must not be sent there.
        """
        if not url.startswith(self.target) or url[len(self.target) : len(self.target) + 1] not in ("/", "?", ""):
            raise ConfigurationError(
                f"A request was made for another address than {self.target}; it was not sent, "
                f"because it would have carried the credential there."
            )
        return url if self.target is self.service else self.service + url[len(self.target) :]

    def path_of(self, link: str) -> str:
        """Return the path and query of a link that the service handed out, to be followed.

        Raises:
            ConfigurationError: The link leads to another place than the service and its proxy.
        """
        if link.startswith("/") and not link.startswith("//"):
            return link
        url = _as_sent(link)
        for own in (self.target, self.service):
            if url.startswith(f"{own}/"):
                return url[len(own) :]
        raise ConfigurationError(
            f"The next page is at another address than {self.service}; it was not fetched, "
            f"because the request would have carried the credential there."
        )

    def refuse_plain_http(self) -> None:
        """Refuse to send bearer tokens where anybody on the way could read them.

        Raises:
            ConfigurationError: Requests would go over plain http to another machine.
        """
        parts = urlsplit(self.target)
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            raise ConfigurationError(
                f"A token credential needs https: over http its token could be read on the way to {self.target}."
            )

    def proxy(self, chosen: str | None, *, is_chosen: bool) -> "Proxy | None":
        """Return the proxy between this machine and the target, if there is one.

        Args:
            chosen: The URL that the caller chose, or None for no proxy at all.
            is_chosen: Whether the caller chose; the environment does otherwise, and this machine needs none then.

        Raises:
            ConfigurationError: The URL is not one of a proxy that can be used.
        """
        if is_chosen:
            return None if chosen is None else Proxy.parse(chosen, "proxy")
        parts = urlsplit(self.target)
        if _is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        proxies = getproxies()
        kind = parts.scheme if proxies.get(parts.scheme) else "all"
        return Proxy.parse(proxies[kind], _variable(f"{kind}_proxy")) if proxies.get(kind) else None


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host: Its host.
        port: Its port.
        authorization: The value of the header `Proxy-Authorization`, if it wants one.
    """

    host: str
    port: int
    authorization: bytes | None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what the proxy wants to know."""
        return [] if self.authorization is None else [(b"Proxy-Authorization", self.authorization)]

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, port={self.port})"

    @classmethod
    def parse(cls, text: str, name: str) -> "Proxy":
        """Read the URL of a proxy; without a scheme it is `http`.

        Raises:
            ConfigurationError: It is not the URL of an HTTP proxy.
        """
        refusal = ConfigurationError(f"{name} must be the URL of an HTTP proxy, such as http://proxy.example.com:8080.")
        try:
            parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
            host, port = parts.hostname, parts.port
            name_and_password = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
            ascii_host = httpx.URL(scheme="http", host=host or "").raw_host.decode("ascii")
        except (ValueError, httpx.InvalidURL):
            raise refusal from None
        if not host or parts.scheme != "http" or port == 0 or not _HOST.fullmatch(ascii_host):
            raise refusal
        has_user = parts.username is not None or parts.password is not None
        basic = b"Basic " + b64encode(name_and_password) if has_user else None
        return cls(ascii_host.strip("[]"), port or 80, basic)


class Route(NamedTuple):
    """How to get to the target of a client.

    Attributes:
        host: The host of the target.
        port: Its port.
        tls: Makes the TLS context; None for plain http.
        proxy: What stands between, if anything does.
        most_connections: How many connections there may be at once.
    """

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext] | None
    proxy: Proxy | None
    most_connections: int


def _variable(name: str) -> str:
    """Find out which variable of the environment a proxy is from; other systems have settings for that."""
    found = [key for key in os.environ if key.lower() == name]
    return f"The environment variable {found[0]}" if found else "The proxy in the settings of this system"


def _as_sent(url: str) -> str:
    try:
        return str(httpx.URL(url)).rstrip("/")
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError("An endpoint or a link is not a valid URL.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
