"""Microsoft Entra ID: real credentials of azure-identity against a token endpoint of our own, and what tokens do."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import azure.identity
import azure.identity.aio
import httpx
import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport

from webpubsub import AzureKeyCredential, ConfigurationError, RetryPolicy, WebPubSubServiceClient, aio
from webpubsub._async import bearer as async_bearer
from webpubsub._sync import bearer as sync_bearer
from webpubsub.emulator import Emulator
from webpubsub.tokens import sign, verify

from .support.clients import Calls, connect
from .support.server import ACCEPTED, Connection, Server, answer, answering

__all__ = ["connect"]

TENANT = "00000000-0000-0000-0000-000000000001"
SCOPE = "https://webpubsub.azure.com/.default"
EMPTY_PAGE = answer("200 OK", b'{"value":[]}', "Content-Type: application/json")
NOW = 1_800_000_000.0
Connect = Callable[..., Calls]


class Token(NamedTuple):
    """What a credential hands out."""

    token: str
    expires_on: int
    refresh_on: int | None = None


@dataclass
class ScriptedCredential:
    """Hands out what a test put in, or raises it; remembers what it was asked for."""

    results: list[Token | Exception]
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def get_token(self, *scopes: str) -> Token:
        self.asked.append(scopes)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


class AwaitableCredential(ScriptedCredential):
    """The same, to be awaited."""

    async def get_token(self, *scopes: str) -> Token:  # type: ignore[override]
        return super().get_token(*scopes)


@dataclass(frozen=True)
class TokenEndpoint:
    """The place of Microsoft Entra ID, on this machine."""

    server: Server
    certificates: Path

    @property
    def authority(self) -> str:
        return self.server.endpoint

    @property
    def scopes(self) -> list[str]:
        """What tokens were asked for, one entry for each request."""
        bodies = [parse_qs(request.body.decode()) for request in self.server.requests if request.method == "POST"]
        return [body["scope"][0] for body in bodies]

    def settings(self, asynchronous: bool) -> dict[str, Any]:
        transport = AioHttpTransport if asynchronous else RequestsTransport
        return {
            "authority": self.authority,
            "disable_instance_discovery": True,
            "transport": transport(connection_verify=str(self.certificates)),
        }


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    path = tmp_path_factory.mktemp("certificates") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return tls, path


@pytest.fixture
def token_endpoint(emulator: Emulator, certificates: tuple[ssl.SSLContext, Path]) -> Iterator[TokenEndpoint]:
    """An endpoint whose tokens the emulator accepts; it knows one client secret."""
    tls, path = certificates

    async def serve(connection: Connection) -> None:
        while True:
            request = await connection.read_request()
            status, document = _token_answer(
                request.method, request.body.decode(), connection.server.endpoint, emulator
            )
            await connection.send(answer(status, json.dumps(document).encode(), "Content-Type: application/json"))

    with Server(serve, tls) as server:
        yield TokenEndpoint(server, path)


def _token_answer(method: str, body: str, own: str, emulator: Emulator) -> tuple[str, dict[str, object]]:
    if method == "GET":
        root = f"{own}/{TENANT}"
        return "200 OK", {
            "issuer": f"{root}/v2.0",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        }
    if parse_qs(body)["client_secret"] != ["right"]:
        return "401 Unauthorized", {"error": "invalid_client", "error_description": "The client secret is wrong."}
    claims: dict[str, str | int] = {
        "aud": "https://webpubsub.azure.com",
        "exp": int(time.time()) + 3600,
        "oid": "somebody",
    }
    token = sign(claims, emulator.access_key)
    return "200 OK", {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def environment(token_endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that `DefaultAzureCredential` looks for first."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "client")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "right")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", token_endpoint.authority)


@pytest.mark.usefixtures("environment")
def test_default_azure_credential(emulator: Emulator, token_endpoint: TokenEndpoint) -> None:
    """`DefaultAzureCredential` works as it comes; one token serves many calls."""
    with (
        azure.identity.DefaultAzureCredential(**token_endpoint.settings(False)) as credential,
        WebPubSubServiceClient(emulator.endpoint, "chat", credential) as service,
    ):
        service.send_to_all("hello")
        assert not service.user_exists("ann")
        token = service.get_client_access_token(user_id="ann", roles=["webpubsub.joinLeaveGroup"], groups=["room"])
    claims = verify(token.token, emulator.access_key)
    assert (claims["sub"], claims["role"], claims["webpubsub.group"]) == ("ann", ["webpubsub.joinLeaveGroup"], ["room"])
    assert token.base_url == f"{emulator.endpoint.replace('http', 'ws')}/client/hubs/chat"
    assert token_endpoint.scopes == [SCOPE]


@pytest.mark.usefixtures("environment")
async def test_default_azure_credential_of_aio(emulator: Emulator, token_endpoint: TokenEndpoint) -> None:
    """So does its asynchronous twin."""
    async with (
        azure.identity.aio.DefaultAzureCredential(**token_endpoint.settings(True)) as credential,
        aio.WebPubSubServiceClient(emulator.endpoint, "chat", credential) as service,
    ):
        await asyncio.gather(*(service.send_to_all("hello") for _ in range(8)))
        token = await service.get_client_access_token(user_id="ann")
    assert verify(token.token, emulator.access_key)["sub"] == "ann"
    assert token_endpoint.scopes == [SCOPE]


@pytest.mark.usefixtures("environment")
async def test_blocking_credential_of_azure_identity_in_the_asynchronous_client(
    emulator: Emulator, token_endpoint: TokenEndpoint
) -> None:
    """The asynchronous client takes the blocking credentials as well."""
    with azure.identity.DefaultAzureCredential(**token_endpoint.settings(False)) as credential:
        async with aio.WebPubSubServiceClient(emulator.endpoint, "chat", credential) as service:
            await service.send_to_all("hello")
    assert token_endpoint.scopes == [SCOPE]


@pytest.mark.parametrize(
    ("scopes", "asked"),
    [
        ("https://webpubsub.azure.cn/.default", "https://webpubsub.azure.cn/.default"),
        (["https://webpubsub.azure.cn/.default"], "https://webpubsub.azure.cn/.default"),
        (("https://webpubsub.azure.us/.default",), "https://webpubsub.azure.us/.default"),
    ],
)
def test_scopes_of_another_cloud(
    emulator: Emulator, token_endpoint: TokenEndpoint, scopes: str | list[str], asked: str
) -> None:
    """Other clouds have other scopes; one may be given as a str."""
    secret = azure.identity.ClientSecretCredential(TENANT, "client", "right", **token_endpoint.settings(False))
    with secret, WebPubSubServiceClient(emulator.endpoint, "chat", secret, credential_scopes=scopes) as service:
        service.send_to_all("hello")
    assert token_endpoint.scopes == [asked]


def test_error_of_a_real_credential(emulator: Emulator, token_endpoint: TokenEndpoint) -> None:
    """What azure-identity raises reaches the caller as it is."""
    secret = azure.identity.ClientSecretCredential(TENANT, "client", "wrong", **token_endpoint.settings(False))
    with (
        secret,
        WebPubSubServiceClient(emulator.endpoint, "chat", secret) as service,
        pytest.raises(ClientAuthenticationError, match=r"The client secret is wrong\."),
    ):
        service.send_to_all("hello")


async def test_error_of_a_real_asynchronous_credential(emulator: Emulator, token_endpoint: TokenEndpoint) -> None:
    """So it does in the asynchronous client."""
    secret = azure.identity.aio.ClientSecretCredential(TENANT, "client", "wrong", **token_endpoint.settings(True))
    async with secret, aio.WebPubSubServiceClient(emulator.endpoint, "chat", secret) as service:
        with pytest.raises(ClientAuthenticationError, match=r"The client secret is wrong\."):
            await service.send_to_all("hello")


@pytest.mark.parametrize("error", [httpx.ConnectError("no way"), OSError("no disk"), KeyError("no entry")])
def test_error_of_any_credential(connect: Connect, error: Exception) -> None:
    """No error of a credential is taken for one of ours, whatever its class; nothing is sent."""
    with Server(answering(ACCEPTED)) as server:
        calls = connect(server.endpoint, ScriptedCredential([error]))
        with pytest.raises(type(error)) as caught:
            calls.post()
    assert caught.value is error
    assert server.connections == []


class Clock:
    """The time that both clients see."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (sync_bearer, async_bearer):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock.time, monotonic=time.monotonic))
    return clock


@pytest.fixture
def service() -> Iterator[Server]:
    with Server(answering(ACCEPTED)) as server:
        yield server


def tokens_seen(server: Server) -> list[str]:
    return [request.headers["authorization"] for request in server.requests]


@pytest.mark.parametrize(
    ("first", "still_used_at", "renewed_at"),
    [
        pytest.param(Token("one", int(NOW) + 3600), NOW + 3299, NOW + 3300, id="five minutes early"),
        pytest.param(Token("one", int(NOW) + 3600, int(NOW) + 60), NOW + 59, NOW + 60, id="at refresh_on"),
        pytest.param(Token("one", int(NOW) + 3600, None), NOW + 3299, NOW + 3300, id="without a refresh_on"),
    ],
)
def test_time_of_renewal(
    connect: Connect, clock: Clock, service: Server, first: Token, still_used_at: float, renewed_at: float
) -> None:
    """A token is used until five minutes before its end, or until the time that it came with."""
    credential = ScriptedCredential([first, Token("two", int(NOW) + 7200)])
    calls = connect(service.endpoint, credential)
    for clock.now in (NOW, still_used_at, renewed_at):
        calls.post()
    assert tokens_seen(service) == ["Bearer one", "Bearer one", "Bearer two"]
    assert credential.asked == [(SCOPE,), (SCOPE,)]


def test_failing_renewal(connect: Connect, clock: Clock, service: Server, caplog: pytest.LogCaptureFixture) -> None:
    """While the old token is good, a failing renewal is logged and tried again later; then it is an error."""
    down = OSError("down")
    credential = ScriptedCredential([Token("one", int(NOW) + 3600), down, down, Token("two", int(NOW) + 7200), down])
    calls = connect(service.endpoint, credential)
    for clock.now in (NOW, NOW + 3300, NOW + 3329, NOW + 3330, NOW + 3360):
        calls.post()
    clock.now = NOW + 7200
    with pytest.raises(OSError, match="down"):
        calls.post()
    assert tokens_seen(service) == ["Bearer one"] * 4 + ["Bearer two"]
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("azure.webpubsub", "WARNING",
         "The credential gave no new token (OSError); the present one is used for 300 more seconds."),
        ("azure.webpubsub", "WARNING",
         "The credential gave no new token (OSError); the present one is used for 270 more seconds."),
    ]  # fmt: skip


class SlowCredential(ScriptedCredential):
    """Hands nothing out before it is told to; counts how many wait inside of it."""

    def __init__(self, *results: Token | Exception) -> None:
        super().__init__(list(results))
        self.entered = threading.Event()
        self.may_go_on = threading.Event()
        self.inside = 0
        self.most_inside = 0

    def get_token(self, *scopes: str) -> Token:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        self.entered.set()
        assert self.may_go_on.wait(10)
        self.inside -= 1
        return super().get_token(*scopes)


def test_many_threads_and_one_renewal(service: Server) -> None:
    """However many threads wait for a token, it is asked for once."""
    credential = SlowCredential(Token("one", int(time.time()) + 3600))
    at_once = threading.Barrier(16)
    with WebPubSubServiceClient(service.endpoint, "chat", credential) as client, ThreadPoolExecutor(16) as pool:

        def send() -> None:
            if at_once.wait(10) == 0:
                credential.may_go_on.set()
            client.send_to_all("hello")

        for future in [pool.submit(send) for _ in range(16)]:
            future.result(10)
    assert tokens_seen(service) == ["Bearer one"] * 16
    assert len(credential.asked) == credential.most_inside == 1


async def test_many_tasks_and_one_renewal(service: Server) -> None:
    """However many tasks wait for a token, it is asked for once; the event loop goes on meanwhile."""
    credential = SlowCredential(Token("one", int(time.time()) + 3600))
    async with aio.WebPubSubServiceClient(service.endpoint, "chat", credential) as client:
        tasks = [asyncio.create_task(client.send_to_all("hello")) for _ in range(16)]
        while not credential.entered.is_set():
            await asyncio.sleep(0)
        credential.may_go_on.set()
        await asyncio.gather(*tasks)
    assert tokens_seen(service) == ["Bearer one"] * 16
    assert len(credential.asked) == credential.most_inside == 1


def test_calls_during_a_renewal(clock: Clock, service: Server) -> None:
    """While one call renews the token, the others go on with the old one as long as it is good."""
    credential = SlowCredential(Token("one", int(NOW) + 3600), Token("two", int(NOW) + 7200))
    credential.may_go_on.set()
    with WebPubSubServiceClient(service.endpoint, "chat", credential) as client, ThreadPoolExecutor(1) as pool:
        client.send_to_all("first")
        clock.now += 3400
        credential.may_go_on.clear()
        credential.entered.clear()
        renewing = pool.submit(client.send_to_all, "second")
        assert credential.entered.wait(10)
        client.send_to_all("third")
        credential.may_go_on.set()
        renewing.result(10)
    assert tokens_seen(service) == ["Bearer one", "Bearer one", "Bearer two"]


async def test_calls_of_tasks_during_a_renewal(clock: Clock, service: Server) -> None:
    """So they do in the asynchronous client."""
    credential = SlowCredential(Token("one", int(NOW) + 3600), Token("two", int(NOW) + 7200))
    credential.may_go_on.set()
    async with aio.WebPubSubServiceClient(service.endpoint, "chat", credential) as client:
        await client.send_to_all("first")
        clock.now += 3400
        credential.may_go_on.clear()
        credential.entered.clear()
        renewing = asyncio.create_task(client.send_to_all("second"))
        while not credential.entered.is_set():
            await asyncio.sleep(0)
        await client.send_to_all("third")
        credential.may_go_on.set()
        await renewing
    assert tokens_seen(service) == ["Bearer one", "Bearer one", "Bearer two"]


async def test_failure_is_shared_by_those_who_waited(service: Server) -> None:
    """Callers who waited while the credential failed get its error; they do not make it fail one after the other."""
    down = OSError("down")
    credential = SlowCredential(down, Token("one", int(time.time()) + 3600))
    async with aio.WebPubSubServiceClient(service.endpoint, "chat", credential) as client:
        tasks = [asyncio.create_task(client.send_to_all("hello")) for _ in range(16)]
        while not credential.entered.is_set():
            await asyncio.sleep(0)
        credential.may_go_on.set()
        assert await asyncio.gather(*tasks, return_exceptions=True) == [down] * 16
        assert len(credential.asked) == 1
        await client.send_to_all("hello")
    assert tokens_seen(service) == ["Bearer one"]


def test_tokens_stay_with_the_service(connect: Connect) -> None:
    """No token follows a link to another place: not to a next page, not after a redirect, not in a raw request."""
    with Server(answering(ACCEPTED)) as elsewhere:
        link = json.dumps({"value": [], "nextLink": f"{elsewhere.endpoint}/api/hubs/chat"}).encode()
        redirect = answer("302 Found", b"", f"Location: {elsewhere.endpoint}/")
        page = answer("200 OK", link, "Content-Type: application/json")
        with Server(answering(page, redirect)) as service:
            credential = ScriptedCredential([Token("one", int(time.time()) + 3600)])
            calls = connect(service.endpoint, credential, retry_policy=RetryPolicy.none())
            with pytest.raises(ConfigurationError, match="The next page is at another address"):
                calls.get()
            with pytest.raises(Exception, match="302"):
                calls.get()
            with pytest.raises(ConfigurationError, match="for another address than"):
                calls.raw("GET", f"{elsewhere.endpoint}/api")
            with pytest.raises(ConfigurationError, match="for another address than"):
                calls.raw("GET", service.endpoint.replace("//", "//somebody@"))
    assert elsewhere.connections == []
    assert len(service.requests) == 2


@pytest.mark.parametrize("client", [WebPubSubServiceClient, aio.WebPubSubServiceClient], ids=["blocking", "asyncio"])
@pytest.mark.parametrize(
    ("endpoint", "proxy"),
    [
        ("http://example.webpubsub.azure.com", None),
        ("http://192.0.2.1:8080", None),
        ("http://localhost.example.com", None),
        ("https://example.webpubsub.azure.com", "http://proxy.example.com"),
    ],
)
def test_plain_http_to_another_machine(client: type, endpoint: str, proxy: str | None) -> None:
    """A token credential is refused where its tokens could be read on the way."""
    with pytest.raises(ConfigurationError, match="A token credential needs https"):
        client(endpoint, "chat", ScriptedCredential([]), reverse_proxy_endpoint=proxy)


def test_plain_http_to_this_machine_uses_no_proxy(
    connect: Connect, service: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is meant for this machine does not leave it, whatever proxies the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Server(answering(ACCEPTED)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
        monkeypatch.setenv("ALL_PROXY", proxy.endpoint)
        connect(service.endpoint, ScriptedCredential([Token("one", int(time.time()) + 3600)])).post()
    assert proxy.connections == []
    assert tokens_seen(service) == ["Bearer one"]


async def test_asynchronous_credential(service: Server) -> None:
    """An asynchronous credential is awaited."""
    credential = AwaitableCredential([Token("one", int(time.time()) + 3600)])
    async with aio.WebPubSubServiceClient(service.endpoint, "chat", credential) as client:
        await client.send_to_all("hello")
    assert tokens_seen(service) == ["Bearer one"]


def test_asynchronous_credential_in_the_blocking_client(service: Server) -> None:
    """The blocking client cannot await: it says so, and leaves no coroutine behind."""
    with (
        WebPubSubServiceClient(service.endpoint, "chat", AwaitableCredential([])) as client,  # type: ignore[arg-type]
        pytest.raises(TypeError, match=r"The credential is asynchronous: use it with webpubsub\.aio"),
    ):
        client.send_to_all("hello")
    assert service.connections == []


def test_key_credential_of_azure_core(connect: Connect, service: Server) -> None:
    """The key credential of azure-core works like ours."""
    from azure.core.credentials import AzureKeyCredential as CoreKeyCredential

    key = "an access key that is held by azure-core"
    for credential in (CoreKeyCredential(key), AzureKeyCredential(key), key):
        connect(service.endpoint, credential).post()
    assert {verify(seen.removeprefix("Bearer "), key)["aud"] for seen in tokens_seen(service)} == {
        f"{service.endpoint}/api/hubs/chat/:send?api-version=2024-12-01"
    }
