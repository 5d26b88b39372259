"""https and wss: the certificate that an emulator makes, and clients that trust it."""

import asyncio
import json
import logging
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import azure.messaging.webpubsubservice as official
import azure.messaging.webpubsubservice.aio as official_aio
import httpx
import jwt
import pytest
from azure.core.credentials import AccessToken
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from webpubsub import WebPubSubServiceClient, aio
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import Emulator
from webpubsub.emulator._certificates import issue

HEALTH = "/api/health"
JSON = [Subprotocol("json.webpubsub.azure.v1")]


class Identity:
    """A token credential like those of azure-identity: the emulator does not know the key that signs its tokens."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """Issue a token for the scope that the SDK asks for."""
        (scope,) = scopes
        expiry = int(time.time()) + 3600
        claims = {"aud": scope.removesuffix("/.default"), "exp": expiry, "oid": "somebody"}
        return AccessToken(jwt.encode(claims, "a key of somebody else, 32 bytes long", "HS256"), expiry)


class AioIdentity(Identity):
    """The same for async clients."""

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:  # type: ignore[override]
        """Issue a token for the scope that the SDK asks for."""
        return super().get_token(*scopes, **options)

    async def close(self) -> None:
        """Hold nothing open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(tls=True, accept_unvalidated_entra_tokens=True) as running:
        yield running


@pytest.fixture(scope="module")
def ca_file(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_text(emulator.ca_certificate)
    return str(path)


@pytest.fixture
async def members(emulator: Emulator) -> AsyncIterator[set[str]]:
    """The ids of three clients, connected over wss, that are in the group `room` of the hub `chat`."""
    trust = emulator.ssl_context()
    with WebPubSubServiceClient.from_connection_string(
        emulator.connection_string, "chat", connection_verify=trust
    ) as service:
        url = service.get_client_access_token(groups=["room"]).url
    async with (
        connect(url, subprotocols=JSON, ssl=trust) as one,
        connect(url, subprotocols=JSON, ssl=trust) as two,
        connect(url, subprotocols=JSON, ssl=trust) as three,
    ):
        yield {json.loads(await client.recv())["connectionId"] for client in (one, two, three)}


def test_everything_is_https(emulator: Emulator) -> None:
    """Endpoint, connection string and port tell the same."""
    assert emulator.endpoint == f"https://127.0.0.1:{emulator.port}"
    assert ConnectionString.parse(emulator.connection_string).endpoint == emulator.endpoint
    assert repr(emulator) == f"<Emulator {emulator.endpoint}>"


async def test_the_blocking_client_follows_pages_over_https(emulator: Emulator, members: set[str]) -> None:
    """The links to further pages are https too: the client would not follow them otherwise."""
    with WebPubSubServiceClient.from_connection_string(
        emulator.connection_string, "chat", connection_verify=emulator.ssl_context()
    ) as service:
        listed = {member.connection_id for member in service.list_connections("room", max_page_size=1)}

    assert listed == members


async def test_the_asynchronous_client_follows_pages_over_https(emulator: Emulator, members: set[str]) -> None:
    """So does its twin."""
    async with aio.WebPubSubServiceClient.from_connection_string(
        emulator.connection_string, "chat", connection_verify=emulator.ssl_context()
    ) as service:
        listed = {member.connection_id async for member in service.list_connections("room", max_page_size=1)}

    assert listed == members


def test_a_file_can_say_whom_to_trust(emulator: Emulator, ca_file: str) -> None:
    """As with the official SDK, `connection_verify` may be a path."""
    with WebPubSubServiceClient.from_connection_string(
        emulator.connection_string, "chat", connection_verify=ca_file
    ) as service:
        assert service.get_service_status()


async def test_a_message_goes_from_https_to_wss(emulator: Emulator) -> None:
    """The URL of a client access token is one of wss."""
    trust = emulator.ssl_context()
    async with aio.WebPubSubServiceClient.from_connection_string(
        emulator.connection_string, "chat", connection_verify=trust
    ) as service:
        access = await service.get_client_access_token(user_id="ann")
        async with connect(access.url, ssl=trust) as client:
            await (await client.ping())
            await service.send_to_user("ann", "hi", content_type="text/plain")

            assert (await client.recv(), access.url.partition("?")[0]) == (
                "hi",
                f"wss://127.0.0.1:{emulator.port}/client/hubs/chat",
            )


async def test_the_official_sdk_has_a_token_made_over_https(emulator: Emulator, ca_file: str) -> None:
    """A token credential works as it comes, whoever signs its tokens; the token it is given opens a connection."""
    credential: Any = Identity()
    with official.WebPubSubServiceClient(
        emulator.endpoint, "chat", credential, connection_verify=ca_file, retry_total=0
    ) as service:
        granted = service.get_client_access_token(user_id="ann", groups=["official"])
        async with connect(granted["url"], ssl=emulator.ssl_context()) as client:
            await (await client.ping())
            service.send_to_group("official", "hi", content_type="text/plain")

            assert await client.recv() == "hi"


async def test_the_official_aio_sdk_has_a_token_made_over_https(emulator: Emulator, ca_file: str) -> None:
    """So does its asynchronous twin."""
    credential: Any = AioIdentity()
    async with official_aio.WebPubSubServiceClient(
        emulator.endpoint, "chat", credential, connection_verify=ca_file, retry_total=0
    ) as service:
        granted = await service.get_client_access_token(user_id="ann", groups=["official aio"])
        async with connect(granted["url"], ssl=emulator.ssl_context()) as client:
            await (await client.ping())
            await service.send_to_group("official aio", "hi", content_type="text/plain")

            assert await client.recv() == "hi"


def test_a_token_of_somebody_else_opens_no_websocket(emulator: Emulator) -> None:
    """Unvalidated tokens are good for REST only, as tokens of Entra ID are at the service."""
    bearer = Identity().get_token("https://webpubsub.azure.com/.default").token
    headers = {
        "Authorization": f"Bearer {bearer}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }

    response = httpx.get(emulator.endpoint + "/client/hubs/chat", headers=headers, verify=emulator.ssl_context())

    assert response.status_code == 401


NAMES = (
    ("DNS", "localhost"),
    ("IP Address", "127.0.0.1"),
    ("IP Address", "0:0:0:0:0:0:0:1"),
    ("DNS", "build.example.com"),
)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "build.example.com"])
def test_the_certificate_is_for_loopback_and_the_host(name: str) -> None:
    """Whichever of its names a client asks for, the client is satisfied."""
    certificate = issue("build.example.com")

    assert shake_hands(certificate.context, certificate.authority, name)["subjectAltName"] == NAMES


def test_the_certificate_is_for_nobody_else() -> None:
    """Another name, and the authority of another start, are refused."""
    one, other = issue("127.0.0.1"), issue("127.0.0.1")

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(one.context, one.authority, "example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(one.context, other.authority, "localhost")


def test_the_certificate_lives_a_year() -> None:
    """It is good already where clocks differ; what lives longer than 398 days is no good to some browsers."""
    certificate = issue("127.0.0.1")
    shown = shake_hands(certificate.context, certificate.authority, "localhost")
    begin, end = (ssl.cert_time_to_seconds(str(shown[name])) for name in ("notBefore", "notAfter"))

    assert begin <= time.time() - 3600
    assert time.time() + 300 * 86400 < end < begin + 398 * 86400


def shake_hands(server_context: ssl.SSLContext, authority: str, name: str) -> dict[str, Any]:
    """Let a client that trusts an authority shake hands with a server in memory; return what it was shown."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = ssl.create_default_context(cadata=authority).wrap_bio(to_client, to_server, server_hostname=name)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.getpeercert() or {}


def test_only_the_emulator_is_trusted(emulator: Emulator) -> None:
    """The settings for clients have one authority, and check certificates and names."""
    trust = emulator.ssl_context()

    assert (trust.verify_mode, trust.check_hostname, len(trust.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)


def test_others_do_not_trust_the_emulator(emulator: Emulator) -> None:
    """Nothing is installed anywhere: without the certificate there is no connection."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.head(emulator.endpoint + HEALTH)


def test_each_start_makes_another_certificate() -> None:
    """What trusted the emulator before its restart does not trust it after."""
    emulator = Emulator(tls=True)
    with emulator:
        before = emulator.ca_certificate, emulator.ssl_context()
    with emulator:
        assert emulator.ca_certificate != before[0]
        assert httpx.head(emulator.endpoint + HEALTH, verify=emulator.ssl_context()).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.head(emulator.endpoint + HEALTH, verify=before[1])


async def test_plain_http_to_the_port_is_cut_off_and_disturbs_nobody(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The mistake costs the one who makes it a connection; others are served, and nothing is logged about it."""
    caplog.set_level(logging.INFO)
    trust = emulator.ssl_context()
    async with httpx.AsyncClient(verify=trust) as http:
        before = (await http.head(emulator.endpoint + HEALTH)).status_code
        with pytest.raises(httpx.TransportError):
            await http.head(emulator.endpoint.replace("https", "http") + HEALTH)
        after = (await http.head(emulator.endpoint + HEALTH)).status_code

    assert (before, after) == (200, 200)
    assert [record for record in caplog.records if not record.name.startswith("httpx")] == []


def test_a_client_in_the_middle_of_the_handshake_does_not_delay_the_end() -> None:
    """One that connects and says nothing is cut off."""
    with (
        Emulator(tls=True) as emulator,
        httpx.Client(verify=emulator.ssl_context()) as http,
        socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as silent,
    ):
        assert http.head(emulator.endpoint + HEALTH).status_code == 200
        emulator.stop()

        assert silent.recv(1) == b""


async def test_a_client_that_does_not_say_goodbye_is_not_waited_for() -> None:
    """Its connection ends with the emulator, and is not left in the loop until the client answers."""
    async with Emulator(tls=True) as emulator:
        shaken = await asyncio.to_thread(shake_hands_with, emulator)
        reader, writer = await asyncio.open_connection(sock=shaken)
    async with asyncio.timeout(5):
        await reader.read()

    assert reader.at_eof()
    writer.close()
    await writer.wait_closed()


def shake_hands_with(emulator: Emulator) -> socket.socket:
    """Connect, shake hands, and return the socket below: nobody reads or answers TLS any more."""
    with (
        socket.create_connection(("127.0.0.1", emulator.port)) as plain,
        emulator.ssl_context().wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        return socket.socket(fileno=tls.detach())


ACCESSES: list[Callable[[Emulator], object]] = [
    lambda emulator: emulator.ca_certificate,
    lambda emulator: emulator.ssl_context(),
]


@pytest.mark.parametrize("access", ACCESSES)
def test_the_certificate_needs_a_running_emulator_with_tls(access: Callable[[Emulator], object]) -> None:
    """Each reason why there is none has its own words."""
    with Emulator(tls=True) as stopped:
        pass
    for emulator in (stopped, Emulator(tls=True)):
        with pytest.raises(RuntimeError, match="not running"):
            access(emulator)
    with Emulator() as plain, pytest.raises(RuntimeError, match="without tls=True"):
        access(plain)


def test_a_host_that_fits_into_no_certificate_is_named() -> None:
    """A certificate has names of the DNS, which have no underscores."""
    with pytest.raises(ValueError, match="no certificate for the host 'my_host'"):
        Emulator(tls=True, host="my_host").start()


def test_the_key_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssl` reads the key from a file, which is gone when the certificate is there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    loaded: list[Path] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(context: ssl.SSLContext, path: str) -> None:
        loaded.append(Path(path))
        load(context, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)

    issue("localhost")

    assert [path.parent for path in loaded] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_trustme_is_imported_when_it_is_needed() -> None:
    """Without TLS it is not imported; with TLS and without trustme the error names the extra."""
    program = (
        "import sys\n"
        "from webpubsub.emulator import Emulator\n"
        "sys.modules['trustme'] = None\n"
        "with Emulator():\n"
        "    pass\n"
        "try:\n"
        "    Emulator(tls=True).start()\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert (result.stdout, result.stderr) == ("The emulator needs trustme: pip install 'webpubsub[emulator]'\n", "")
