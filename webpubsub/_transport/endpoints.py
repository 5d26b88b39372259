"""Which URL is which: where requests are sent, and what the service itself sees as its own address.

The two differ behind a reverse proxy. Tokens are made for the service, and sent only to the place they belong to.
"""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ConfigurationError


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

    def proxy(self) -> str | None:
        """Return the proxy that the environment asks to use for the target, if any; this machine needs none."""
        parts = urlsplit(self.target)
        if _is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        proxies = getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all")
        return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _as_sent(url: str) -> str:
    try:
        return str(httpx.URL(url)).rstrip("/")
    except httpx.InvalidURL:
        raise ConfigurationError("An endpoint or a link is not a valid URL.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
