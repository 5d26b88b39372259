"""Which URL is which: where requests are sent, and what the service itself sees as its own address.

The two differ behind a reverse proxy. Tokens are made for the service, and sent only to the place they belong to.
"""

import ipaddress
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ConfigurationError

_HOST = r"[0-9A-Za-z._-]+|\[?[0-9a-fA-F:.]+\]?"


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
        target = parsed(self.target)
        if target.scheme == "http" and not _is_loopback(target.host):
            raise ConfigurationError(
                f"A token credential needs https: over http its token could be read on the way to {self.target}."
            )

    def environment_proxy(self) -> "Proxy | None":
        """Return the proxy that the environment names for the target; this machine needs none.

        Raises:
            ConfigurationError: A variable does not hold the URL of a proxy that can be used.
        """
        target = parsed(self.target)
        proxies = {} if _is_loopback(target.host) else getproxies()
        kind = target.scheme if proxies.get(target.scheme) else "all"
        if not proxies.get(kind) or proxy_bypass(target.netloc.decode("ascii")):
            return None
        return Proxy.parse(proxies[kind], _variable(f"{kind}_proxy"))


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host: Its host.
        port: Its port.
        secure: Whether it speaks TLS.
        authorization: The value of the header `Proxy-Authorization`, if it wants one.
    """

    host: str
    port: int
    secure: bool
    authorization: bytes | None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what the proxy wants to know."""
        return [] if self.authorization is None else [(b"Proxy-Authorization", self.authorization)]

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, port={self.port}, secure={self.secure})"

    @classmethod
    def parse(cls, text: str, name: str) -> "Proxy":
        """Read the URL of a proxy; without a scheme it is `http`.

        Raises:
            ConfigurationError: It is not the URL of an HTTP proxy.
        """
        refusal = ConfigurationError(
            f"{name} must be the URL of an HTTP proxy, such as http://proxy.example.com:8080; SOCKS is not supported."
        )
        try:
            parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
            host, port = parts.hostname, parts.port
            name_and_password = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
            ascii_host = httpx.URL(scheme="http", host=host or "").raw_host.decode("ascii")
        except (ValueError, httpx.InvalidURL):
            raise refusal from None
        surplus = parts.path.strip("/") or parts.query or parts.fragment
        if (
            surplus
            or not host
            or parts.scheme not in ("http", "https")
            or port == 0
            or not re.fullmatch(_HOST, ascii_host)
        ):
            raise refusal
        has_user = parts.username is not None or parts.password is not None
        basic = b"Basic " + b64encode(name_and_password) if has_user else None
        secure = parts.scheme == "https"
        return cls(ascii_host.strip("[]"), port or (443 if secure else 80), secure, basic)


class Route(NamedTuple):
    """How to get to the target of a client.

    Attributes:
        host: The host of the target.
        port: Its port.
        secure: Whether it speaks TLS.
        tls: Makes the TLS context, for the target and for a proxy.
        proxy: Finds out what stands between, if anything does.
        most_connections: How many connections there may be at once.
    """

    host: str
    port: int
    secure: bool
    tls: Callable[[], ssl.SSLContext]
    proxy: Callable[[], Proxy | None]
    most_connections: int


def _variable(name: str) -> str:
    """Find out which variable of the environment a proxy is from; other systems have settings for that."""
    found = [key for key in os.environ if key.lower() == name]
    return f"The environment variable {found[0]}" if found else "The proxy in the settings of this system"


@lru_cache(maxsize=128)  # a program that makes a client for each of its requests repeats the same few
def parsed(url: str) -> httpx.URL:
    """Parse a URL."""
    return httpx.URL(url)


def _as_sent(url: str) -> str:
    try:
        return str(parsed(url)).rstrip("/")
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError("An endpoint or a link is not a valid URL.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
