"""TLS contexts: which clients share one, and when it is made."""

import ssl
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import trustme

from webpubsub import ConfigurationError, WebPubSubServiceClient, aio
from webpubsub._transport import tls


@pytest.mark.parametrize("path", ["no such file", __file__, "a\0b", ""])
def test_a_file_without_certificates_is_refused(path: str) -> None:
    """Nobody is trusted by mistake."""
    with pytest.raises(ConfigurationError, match="connection_verify"):
        tls.context(path)


@pytest.mark.parametrize("client", [WebPubSubServiceClient, aio.WebPubSubServiceClient])
def test_a_client_is_told_at_once(client: Any) -> None:
    """Of a wrong path, before it connects."""
    with pytest.raises(ConfigurationError, match="connection_verify"):
        client("https://example.com", "chat", "key", connection_verify="no such file")


def test_clients_with_the_same_settings_share_a_context(tmp_path: Path) -> None:
    """Loading certificates is slow, and what is loaded is large."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    own = ssl.create_default_context()

    assert tls.context(True) is tls.context(True)
    assert tls.context(True) is not tls.context(False)
    assert tls.context(str(file)) is tls.context(str(file))
    assert tls.context(own) is own


def test_another_bundle_of_certificates_is_another_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment, or because the file has been written anew."""
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    usual = tls.context(True)
    first = tls.context(str(file))
    trustme.CA(organization_name="another one").cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert tls.context(True) is not usual
    assert tls.context(str(file)) is not first


PROGRAM = """
import socket, ssl, sys
made = []
ssl.SSLContext.__new__ = lambda cls, *args: made.append(cls)
socket.socket.__init__ = None
from webpubsub import WebPubSubServiceClient, aio
for door in (WebPubSubServiceClient, aio.WebPubSubServiceClient):
    client = door("https://example.webpubsub.azure.com", "chat", "key", proxy="http://proxy:8080")
service = WebPubSubServiceClient("https://example.webpubsub.azure.com", "chat", "key")
service.get_client_access_token(user_id="ann")
service.close()
print(made, sorted(sys.modules.keys() & {"aiohttp", "certifi", "httpcore"}))
"""


def test_a_client_that_sends_nothing_makes_nothing() -> None:
    """No context, no pool, no session, over https too: a client for each token costs nothing."""
    ended = run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.stderr) == ("[] []\n", "")
