"""Addresses: what a request is signed for, where it goes, and which links are followed."""

import pytest

from webpubsub import ConfigurationError
from webpubsub._transport.endpoints import Endpoints

SERVICE = "https://example.webpubsub.azure.com"
DIRECT = Endpoints.of(SERVICE, None)
PROXIED = Endpoints.of(SERVICE, "http://proxy.local:8080/prefix")
PREFIXED = Endpoints.of(f"{SERVICE}/own", "http://proxy.local")

AUDIENCES = [
    (DIRECT, f"{SERVICE}/api/health?api-version=1", f"{SERVICE}/api/health?api-version=1"),
    (PROXIED, "http://proxy.local:8080/prefix/api/health", f"{SERVICE}/api/health"),
    (PROXIED, "http://proxy.local:8080/prefix/a%2Fb?x=%27", f"{SERVICE}/a%2Fb?x=%27"),
    (PREFIXED, "http://proxy.local/api/health", f"{SERVICE}/own/api/health"),
]

FOREIGN = [
    (DIRECT, "https://evil.example/api/health"),
    (DIRECT, "http://example.webpubsub.azure.com/api/health"),
    (DIRECT, "https://example.webpubsub.azure.com.evil.example/api/health"),
    (DIRECT, "https://example.webpubsub.azure.com:444/api/health"),
    (DIRECT, "https://example.webpubsub.azure.com@evil.example/api/health"),
    (PROXIED, "http://proxy.local:8080/api/health"),
    (PROXIED, "http://proxy.local:8080/prefixed/api/health"),
    (PROXIED, f"{SERVICE}/api/health"),
]


@pytest.mark.parametrize(("endpoints", "url", "audience"), AUDIENCES)
def test_the_audience_is_the_url_at_the_service(endpoints: Endpoints, url: str, audience: str) -> None:
    """The proxy's part of the URL is exchanged for the service's; path and query stay as they are sent."""
    assert endpoints.audience(url) == audience


@pytest.mark.parametrize(("endpoints", "url"), FOREIGN)
def test_no_token_is_made_for_another_address(endpoints: Endpoints, url: str) -> None:
    """A request that would carry the credential elsewhere is an error."""
    with pytest.raises(ConfigurationError, match="another address"):
        endpoints.audience(url)


LINKS = [
    (DIRECT, "/api/next?continuationToken=a%2Fb", "/api/next?continuationToken=a%2Fb"),
    (DIRECT, f"{SERVICE}/api/next?x=1", "/api/next?x=1"),
    (DIRECT, "HTTPS://EXAMPLE.webpubsub.azure.com/api/next", "/api/next"),
    (DIRECT, f"{SERVICE}:443/api/next", "/api/next"),
    (PROXIED, f"{SERVICE}/api/next", "/api/next"),
    (PROXIED, "http://proxy.local:8080/prefix/api/next", "/api/next"),
    (PREFIXED, f"{SERVICE}/own/api/next", "/api/next"),
]

FOREIGN_LINKS = [
    (DIRECT, "https://evil.example/api/next"),
    (DIRECT, "//evil.example/api/next"),
    (DIRECT, "http://example.webpubsub.azure.com/api/next"),
    (DIRECT, "https://example.webpubsub.azure.com.evil.example/api/next"),
    (DIRECT, "https://example.webpubsub.azure.com:444/api/next"),
    (DIRECT, "https://user@example.webpubsub.azure.com@evil.example/api/next"),
    (DIRECT, "https://[/api/next"),
    (DIRECT, "https://example.webpubsub.azure.com:port/api/next"),
    (PROXIED, "http://proxy.local:8080/elsewhere/api/next"),
]


@pytest.mark.parametrize(("endpoints", "link", "path"), LINKS)
def test_a_link_of_the_service_is_followed_through_the_target(endpoints: Endpoints, link: str, path: str) -> None:
    """Behind a proxy the service hands out links to itself; they are followed through the proxy."""
    assert endpoints.path_of(link) == path


@pytest.mark.parametrize(("endpoints", "link"), FOREIGN_LINKS)
def test_a_link_to_another_place_is_not_followed(endpoints: Endpoints, link: str) -> None:
    """Whoever answers cannot make the client send its credential elsewhere."""
    with pytest.raises(ConfigurationError, match=r"another address|not a valid URL"):
        endpoints.path_of(link)


SAFE = [
    SERVICE,
    "http://localhost:8080",
    "http://emulator.localhost",
    "http://127.0.0.1:8080",
    "http://127.8.9.10",
    "http://[::1]:8080",
]
READABLE = [
    "http://example.webpubsub.azure.com",
    "http://10.0.0.1",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://[::2]",
]


@pytest.mark.parametrize("target", SAFE)
def test_bearer_tokens_may_go_over_https_and_to_this_machine(target: str) -> None:
    """Loopback needs no encryption."""
    Endpoints.of(target, None).refuse_plain_http()
    Endpoints.of("http://example.com", target).refuse_plain_http()


@pytest.mark.parametrize("target", READABLE)
def test_bearer_tokens_may_not_go_over_plain_http_to_others(target: str) -> None:
    """Wherever requests are really sent counts, so a proxy too."""
    with pytest.raises(ConfigurationError, match="needs https"):
        Endpoints.of(target, None).refuse_plain_http()
    with pytest.raises(ConfigurationError, match="needs https"):
        Endpoints.of(SERVICE, target).refuse_plain_http()


PROXIES: list[tuple[dict[str, str], str, str | None]] = [
    ({}, SERVICE, None),
    ({"HTTPS_PROXY": "http://proxy:3128"}, SERVICE, "http://proxy:3128"),
    ({"HTTPS_PROXY": "proxy:3128"}, SERVICE, "http://proxy:3128"),
    ({"HTTP_PROXY": "http://proxy:3128"}, SERVICE, None),
    ({"HTTP_PROXY": "http://proxy:3128"}, "http://example.com", "http://proxy:3128"),
    ({"ALL_PROXY": "http://proxy:3128"}, SERVICE, "http://proxy:3128"),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "webpubsub.azure.com"}, SERVICE, None),
    ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, SERVICE, None),
    ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "localhost"}, "http://localhost:8080", None),
]


@pytest.mark.parametrize(("environment", "target", "proxy"), PROXIES)
def test_the_proxy_of_the_environment_is_used(
    environment: dict[str, str], target: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables that everybody knows, with their exceptions."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name.lower(), value)

    found = Endpoints.of(target, None).environment_proxy()

    assert (None if found is None else f"http://{found.host}:{found.port}") == proxy
