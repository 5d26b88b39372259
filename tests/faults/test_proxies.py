"""HTTP proxies between a client and the service: by option, by environment, and what is none."""

import re
import ssl
from base64 import b64encode
from collections.abc import Callable

import pytest
import trustme

from webpubsub import ConfigurationError, RetryPolicy, TransportError, WebPubSubServiceClient, aio
from webpubsub._transport.endpoints import Endpoints

from ..support.clients import HUB, KEY, Calls, connect
from ..support.server import ACCEPTED, Connection, Server, answer, answering

__all__ = ["connect"]

ONCE = RetryPolicy.none()
SERVICE = "https://example.webpubsub.azure.com"
Connect = Callable[..., Calls]


async def tunnel(connection: Connection) -> None:
    """Do as a proxy does: connect to where the client wants to go, and pass everything on."""
    request = await connection.read_request()
    host, _, port = request.target.partition(":")
    await connection.send(b"HTTP/1.0 200 Connection established\r\n\r\n")
    await connection.relay(host, int(port))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_through_a_proxy(connect: Connect, scheme: str) -> None:
    """Over https the proxy sees the address and its own password, and nothing else; it may speak TLS itself."""
    authority = trustme.CA()
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    proxy_tls = server_tls if scheme == "https" else None
    with Server(answering(ACCEPTED), server_tls) as server, Server(tunnel, proxy_tls) as proxy:
        url = f"{scheme}://an%20n:p%40ss@127.0.0.1:{proxy.port}"
        calls = connect(server.endpoint, proxy=url, connection_verify=client_tls, retry_policy=ONCE)
        for _ in range(3):
            calls.post()
        calls.call_raw(bytes(300_000))
        calls.close()
        server.wait_until_all_left()
        proxy.wait_until_all_left()

    (asked,) = proxy.requests
    assert (asked.method, asked.target) == ("CONNECT", f"127.0.0.1:{server.port}")
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "proxy-authorization": "Basic " + b64encode(b"an n:p@ss").decode(),
    }
    assert [request.headers.get("proxy-authorization") for request in server.requests] == [None] * 4


def test_plain_requests_through_a_proxy(connect: Connect) -> None:
    """Over http the proxy gets the whole URL."""
    with Server(answering(ACCEPTED)) as proxy:
        calls = connect("http://example.com:8080", proxy=f"ann:pass@127.0.0.1:{proxy.port}", retry_policy=ONCE)
        calls.post()
        calls.close()
        proxy.wait_until_all_left()

    (asked,) = proxy.requests
    assert asked.target == "http://example.com:8080/api/hubs/chat/:send?api-version=2024-12-01"
    assert asked.headers["host"] == "example.com:8080"
    assert asked.headers["proxy-authorization"] == "Basic " + b64encode(b"ann:pass").decode()


NO_TUNNEL = [
    (answer("407 Proxy Authentication Required"), "the proxy wants another name and password: it responded with 407"),
    (answer("502 Bad Gateway", b"<html>"), "the proxy made no tunnel: it responded with 502"),
    (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the proxy did not serve the request"),
    (b"HTTP/1.1 200 OK\r\n\r\nsurplus", "the proxy did not serve the request"),
]


@pytest.mark.parametrize(("response", "reason"), NO_TUNNEL)
def test_a_proxy_that_makes_no_tunnel(connect: Connect, response: bytes, reason: str) -> None:
    """Nothing has been sent then, and what the proxy said is told."""

    async def refuse(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(response)
        await connection.close()

    with Server(refuse) as proxy:
        calls = connect(
            SERVICE, proxy=proxy.endpoint, connection_verify=ssl.create_default_context(), retry_policy=ONCE
        )
        with pytest.raises(TransportError, match=re.escape(f"({reason})")) as caught:
            calls.post()
        calls.close()
        proxy.wait_until_all_left()
    assert not caught.value.maybe_sent


ODD = [
    "http://",
    "https://",
    "http://proxy.example.com/path",
    "socks5://127.0.0.1:1080",
    "ftp://proxy",
    "http://proxy:port",
    "http://proxy:99999",
    "http://proxy:0",
    "http://[::1",
    "http://pro xy:8080",
    "http://user:s3cr3t@",
    "http://\u2100:80",
    "://",
]


@pytest.mark.parametrize("client", [WebPubSubServiceClient, aio.WebPubSubServiceClient])
@pytest.mark.parametrize("url", ODD)
def test_what_is_no_http_proxy_is_refused(
    client: Callable[..., object], connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the option or of the variable, which is read when it is needed; never skipped, never shown."""
    with pytest.raises(ConfigurationError, match=r"^proxy must be the URL of an HTTP proxy") as by_option:
        client(SERVICE, HUB, KEY, proxy=url)
    monkeypatch.setenv("HTTPS_PROXY", url)
    calls = connect(SERVICE)
    with pytest.raises(
        ConfigurationError, match=r"^The environment variable HTTPS_PROXY must be the URL"
    ) as by_variable:
        calls.post()
    calls.close()

    assert "s3cr3t" not in f"{by_option.value!r} {by_variable.value!r}"


def test_the_environment_is_asked_unless_the_caller_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is a choice: no proxy. This machine and what `NO_PROXY` names need none."""
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:8080")
    monkeypatch.setenv("NO_PROXY", "inside.example.com")

    def proxy(endpoint: str) -> str:
        return repr(Endpoints.of(endpoint, None).environment_proxy())

    assert proxy(SERVICE) == "Proxy(host='proxy.example.com', port=8080, secure=False)"
    assert proxy("https://inside.example.com") == "None"
    assert proxy("https://localhost:8080") == "None"
    with Server(answering(ACCEPTED)) as server:
        monkeypatch.setenv("http_proxy", "nowhere.invalid:1")
        with WebPubSubServiceClient(server.endpoint, HUB, KEY, proxy=None) as service:
            service.send_to_all("hi")


def test_making_a_client_looks_at_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that only makes tokens needs no proxy: a wrong variable does not stop it."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with WebPubSubServiceClient(SERVICE, HUB, KEY) as service:
        assert service.get_client_access_token().token
