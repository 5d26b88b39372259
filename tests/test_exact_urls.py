"""The URL that a token is signed for is the URL that arrives, byte for byte, over every transport."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from webpubsub import odata
from webpubsub.tokens import verify

from .support.clients import KEY, Calls, connect
from .support.server import ACCEPTED, Request, Server, answering

__all__ = ["connect"]

Connect = Callable[..., Calls]

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
NAMES = [
    *(f"a{character}b" for character in PRINTABLE),
    *(character * 2 for character in PRINTABLE if character not in ". "),
    "...", "a/../b", "/a/", "%", "%2F", "%27", "%zz", "+", "a b", "a%20b", "?x=1#y",
    "группа", "グループ", "e\u0301", "\u00e9", "\U0001f600",
]  # fmt: skip
TRICKY = [name for name in NAMES if not name.isalnum()]
FILTERS = [
    *(odata("userId eq {user}", user=name) for name in NAMES),
    "userId ne 'O''Neil'",
    "'a' in groups and not ('b' in groups)",
    "userId eq '%27'",
]


def signed_and_sent(request: Request, server: Server) -> tuple[object, str]:
    claims = verify(request.headers["authorization"].removeprefix("Bearer "), KEY)
    return claims["aud"], server.endpoint + request.target


@pytest.fixture
def server() -> Server:
    return Server(answering(ACCEPTED))


def test_names_in_the_path(connect: Connect, server: Server) -> None:
    """Every printable character, and others, in the name of a group."""
    with server:
        calls = connect(server.endpoint)
        for name in NAMES:
            calls.post_to_group(name)
    assert [signed_and_sent(request, server) for request in server.requests] == [
        (url, url)
        for url in (
            f"{server.endpoint}/api/hubs/chat/groups/{quote(name, safe='')}/:send?api-version=2024-12-01"
            for name in NAMES
        )
    ]


def test_filters_in_the_query(connect: Connect, server: Server) -> None:
    """Every printable character, and others, in a filter; quotes, too."""
    with server:
        calls = connect(server.endpoint)
        for filter_ in FILTERS:
            calls.post_filtered(filter_)
    assert [signed_and_sent(request, server) for request in server.requests] == [
        (url, url)
        for url in (
            f"{server.endpoint}/api/hubs/chat/:send?api-version=2024-12-01&filter={quote(filter_, safe='')}"
            for filter_ in FILTERS
        )
    ]


RAW = ["/api/a%2fb", "/api/a:b@c,d;e=f", "/api/'quoted'?x='y'&z=%27", "/api/~a-b_c.d?e=%7e", "/api?x=a+b%20c"]


def test_raw_requests(connect: Connect, server: Server) -> None:
    """What a raw request asks for is sent and signed as it is written, as far as it is a valid URL."""
    with server:
        calls = connect(server.endpoint)
        for path in RAW:
            calls.raw("POST", path)
            calls.raw("POST", server.endpoint + path)
    assert [signed_and_sent(request, server) for request in server.requests] == [
        (server.endpoint + path, server.endpoint + path) for path in RAW for _ in range(2)
    ]


def test_reverse_proxy(connect: Connect, server: Server) -> None:
    """Behind a reverse proxy, the token is for the URL that the service itself sees; the path is the same."""
    with server:
        calls = connect("https://example.webpubsub.azure.com", reverse_proxy_endpoint=f"{server.endpoint}/proxied")
        for name in TRICKY:
            calls.post_to_group(name)
    own, proxy = "https://example.webpubsub.azure.com", f"{server.endpoint}/proxied"
    pairs = [signed_and_sent(request, server) for request in server.requests]
    assert [str(signed).removeprefix(own) for signed, _ in pairs] == [sent.removeprefix(proxy) for _, sent in pairs]
    assert len(pairs) == len(TRICKY)


def test_forward_proxy(connect: Connect, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names gets the same URLs, whole."""
    with server:
        monkeypatch.setenv("HTTP_PROXY", server.endpoint)
        calls = connect("http://example.test")
        for name in TRICKY:
            calls.post_to_group(name)
    assert [request.target for request in server.requests] == [
        f"http://example.test/api/hubs/chat/groups/{quote(name, safe='')}/:send?api-version=2024-12-01"
        for name in TRICKY
    ]
