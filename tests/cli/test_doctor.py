"""`doctor` over TLS, with an identity, and with what stands between here and the service."""

import asyncio
import importlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import azure.identity
import pytest
import trustme
from aiohttp import web

from tests.support.web_servers import aiohttp_server, wsgiref_server
from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator, RequestFault
from webpubsub.tokens import JSONValue, sign

from .conftest import Command

examination = importlib.import_module("webpubsub.cli.doctor")  # the command in it has the same name
KEY = "k" * 40


@contextmanager
def tls_server(certificate: trustme.LeafCert) -> Iterator[int]:
    """Shake hands with one client, and say nothing more."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)

    def serve(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted, suppress(OSError):  # the client does not like the certificate
            context.wrap_socket(accepted, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join(20)


def findings(command: Command, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run doctor; return its exit code and what it found, by what it tried."""
    outcome = command("doctor", "--json", *arguments)
    return outcome.code, {finding["tried"]: finding for finding in json.loads(outcome.out)}


@pytest.fixture
def secure() -> Iterator[Emulator]:
    with Emulator(tls=True) as emulator:
        yield emulator


def test_a_trusted_certificate_is_good(bare: Command, secure: Emulator, tmp_path: Path) -> None:
    """Every check goes over TLS, the WebSockets too, and its version and days are told."""
    file = tmp_path / "ca.pem"
    file.write_text(secure.ca_certificate)

    code, found = findings(bare, "--connection-string", secure.connection_string, "--ca-file", str(file))

    assert code == 0
    assert found["TLS"]["came"].startswith("TLSv1.3, the certificate is good for 36")
    assert {finding["good"] for finding in found.values()} == {True}


def test_a_certificate_of_nobody_is_told(bare: Command, secure: Emulator) -> None:
    """Self-signed: the way to trust it is told, and nothing more is tried."""
    code, found = findings(bare, "--connection-string", secure.connection_string)

    assert (code, found["TLS"]["good"]) == (1, False)
    assert "not trusted" in found["TLS"]["came"]
    assert "--ca-file" in found["TLS"]["advice"]
    assert list(found)[-1] == "TLS"


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("name", "ends", "came"),
    [
        ("127.0.0.1", NOW - timedelta(days=1), "certificate has expired"),
        ("elsewhere.test", NOW + timedelta(days=90), "IP address mismatch"),
    ],
)
def test_a_certificate_that_does_not_fit_is_told(
    bare: Command, tmp_path: Path, name: str, ends: datetime, came: str
) -> None:
    """Expired, and for another name."""
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    certificate = authority.issue_cert(name, not_before=NOW - timedelta(days=9), not_after=ends)

    with tls_server(certificate) as port:
        string = f"Endpoint=https://127.0.0.1:{port};AccessKey={KEY};Version=1.0;"
        code, found = findings(bare, "--connection-string", string, "--ca-file", str(file))

    assert (code, found["TLS"]["good"]) == (1, False)
    assert came in found["TLS"]["came"]


def test_a_port_that_does_not_speak_tls_is_told(bare: Command, emulator: Emulator) -> None:
    """As when the endpoint says https and the service speaks http."""
    string = emulator.connection_string.replace("http://", "https://")

    code, found = findings(bare, "--connection-string", string)

    assert (code, found["TLS"]["advice"]) == (1, "Does this port speak https?")


@pytest.mark.parametrize("string", ["Endpoint=http://127.0.0.1;", "nonsense", f"Endpoint=ftp://x;AccessKey={KEY};"])
def test_a_connection_string_that_is_not_whole_is_the_first_finding(bare: Command, string: str) -> None:
    """A finding like every other, and the only one; the key is not shown."""
    code, found = findings(bare, "--connection-string", string)
    words = bare("doctor", "--connection-string", string)

    assert (code, list(found), words.code) == (1, ["connection string"], 1)
    assert "Copy it from the portal" in words.out
    assert KEY not in words.out


def service(status: int, headers: dict[str, str]) -> Any:
    """Make a service that is well, knows no WebSocket, and responds so to questions."""

    def application(environ: dict[str, Any], respond: Any) -> Iterable[bytes]:
        healthy = environ["PATH_INFO"] == "/api/health"
        line = "200 OK" if healthy else f"{status} Something"
        respond(line, [*({} if healthy else headers).items(), ("Content-Length", "0")])
        return []

    return application


@pytest.mark.parametrize(
    ("status", "headers", "tried", "came"),
    [
        (200, {"api-supported-versions": "2021-10-01"}, "API versions", "2021-10-01"),
        (200, {"api-supported-versions": "2024-12-01"}, "WebSocket without roles", "refused with 200"),
        (401, {"WWW-Authenticate": 'Bearer error_description="Expired"'}, "access key", "Expired"),
    ],
)
def test_what_stands_in_the_way_is_told(
    bare: Command, status: int, headers: dict[str, str], tried: str, came: str
) -> None:
    """A service too old, and a proxy that knows no WebSocket."""
    with wsgiref_server(service(status, headers)) as url:
        code, found = findings(bare, "--connection-string", f"Endpoint={url};AccessKey={KEY};Version=1.0;")

    assert (code, found[tried]["good"]) == (1, False)
    assert came in found[tried]["came"]
    assert found[tried]["advice"]


@pytest.mark.parametrize(("silent", "came"), [(True, "no response in time"), (False, "closed, or no JSON came")])
def test_a_websocket_that_says_nothing_is_told(
    bare: Command, monkeypatch: pytest.MonkeyPatch, silent: bool, came: str
) -> None:
    """One that is opened and stays silent, and one that is closed at once."""

    async def respond(_: web.Request) -> web.Response:
        return web.Response()

    async def open_websocket(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(protocols=["json.webpubsub.azure.v1"])
        await websocket.prepare(request)
        if silent:
            await websocket.receive()
        return websocket

    monkeypatch.setattr(examination, "_TIMEOUT_SECONDS", 0.3)
    application = web.Application()
    application.router.add_get("/client/hubs/doctor", open_websocket)
    application.router.add_get("/api/{rest:.*}", respond)
    with aiohttp_server(application) as url:
        code, found = findings(bare, "--connection-string", f"Endpoint={url};AccessKey={KEY};Version=1.0;")

    finding = found["WebSocket without roles"]
    assert (code, finding["good"], finding["came"]) == (1, False, came)
    assert "Does a proxy stand in the way" in finding["advice"]
    assert list(found)[-1] == "WebSocket without roles"


def test_a_service_that_does_not_list_its_versions_is_not_blamed(bare: Command) -> None:
    """Nothing is good or bad about that."""
    with wsgiref_server(service(200, {})) as url:
        _, found = findings(bare, "--connection-string", f"Endpoint={url};AccessKey={KEY};Version=1.0;")

    assert found["API versions"]["good"] is None


@pytest.mark.parametrize(("hours", "words"), [(-1, "seconds ahead of"), (1, "seconds behind")])
def test_a_clock_that_is_off_is_told(bare: Command, hours: int, words: str) -> None:
    """By how much and in which direction, as the service's `Date` says."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)

    def application(environ: dict[str, Any], respond: Any) -> Iterable[bytes]:
        respond("200 OK", [("Date", date), ("Content-Length", "0")])
        return []

    with wsgiref_server(application) as url:
        code, found = findings(bare, "--connection-string", f"Endpoint={url};AccessKey={KEY};Version=1.0;")

    assert (code, found["clock"]["good"]) == (1, False)
    assert words in found["clock"]["came"]
    assert "Set the clock" in found["clock"]["advice"]


def test_a_service_that_does_not_tell_the_time_is_not_blamed() -> None:
    """Nothing is good or bad about that."""
    assert examination._clock(None).good is None


def test_a_websocket_that_cannot_be_opened_is_told() -> None:
    """When the service went away in between."""
    with Emulator() as gone:
        url = gone.endpoint.replace("http", "ws", 1)

    finding = asyncio.run(examination._converse("WebSocket", url, None, True))

    assert (finding.good, "Cannot connect" in finding.came) == (False, True)


class Signed:
    """What stands for DefaultAzureCredential: its tokens are good where the emulator simulates Entra ID."""

    signing_key = ""

    def get_token(self, *scopes: str, **_: object) -> Any:
        from azure.core.credentials import AccessToken

        claims: dict[str, JSONValue] = {"aud": "https://webpubsub.azure.com", "exp": 4_000_000_000}
        return AccessToken(sign(claims, self.signing_key), 4_000_000_000)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_an_identity_is_tried(
    bare: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, good: bool, code: int
) -> None:
    """Accepted or refused, and what to do then; a handler cannot be tried without the key."""
    monkeypatch.setattr(Signed, "signing_key", emulator.access_key if good else KEY)
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Signed)

    came, found = findings(bare, "--endpoint", emulator.endpoint, "--identity", "--handler", "http://127.0.0.1:9/")
    send = bare("send", "chat", "hello", "--endpoint", emulator.endpoint, "--identity")
    few = ("--clients", "1", "--rate", "50", "--seconds", "0.1")
    load = bare("load", "chat", *few, "--endpoint", emulator.endpoint, "--identity")

    assert (came, found["identity"]["good"], send.code, load.code) == (code, good, code, code)
    assert found["event handler"]["good"] is None
    assert good or "Sign in again" in found["identity"]["advice"]


@pytest.mark.parametrize(
    ("method", "path", "missing"),
    [
        ("POST", "chat/:send", "hub/send/action"),
        ("POST", "groups/[^/]+/:send", "group/send/action"),
        ("POST", "users/[^/]+/:send", "user/send/action"),
        ("POST", ":generateToken", "auth/clientToken/action"),
        ("POST", "connections/[^/]+/:send", "clientConnection/send/action"),
        ("HEAD", "users/", "user/read"),
        ("HEAD", "connections/", "clientConnection/read"),
        ("DELETE", "groups/[^/]+/connections/", "group/write"),
        ("DELETE", "users/[^/]+/groups", "user/write"),
        ("DELETE", "chat/connections/", "clientConnection/write"),
    ],
)
def test_which_call_needs_which_role_action_is_known(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, method: str, path: str, missing: str
) -> None:
    """Although the service says no more than 403."""
    monkeypatch.setattr(Signed, "signing_key", emulator.access_key)
    emulator.faults.add(RequestFault(status=403, method=method, path=path, times=None))

    try:
        with WebPubSubServiceClient(emulator.endpoint, "chat", Signed()) as client:
            finding = examination._role_actions(client)
    finally:
        emulator.faults.clear()

    assert (finding.came, finding.good) == (f"missing: Microsoft.SignalRService/WebPubSub/{missing}", False)


def test_a_missing_role_action_is_named(bare: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the role to assign; nothing else is wrong then, the identity least of all."""
    monkeypatch.setattr(Signed, "signing_key", emulator.access_key)
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Signed)
    emulator.faults.add(RequestFault(status=403, method="HEAD", path="groups/[^/]+$", times=None))

    try:
        code, out, _ = bare("doctor", "--endpoint", emulator.endpoint, "--identity", "--hub", "chat")
    finally:
        emulator.faults.clear()

    came = "missing: Microsoft.SignalRService/WebPubSub/group/read"
    assert code == 1
    assert f"!! role actions: {came}\n   Assign the role `Web PubSub Service Owner`" in out
    assert out.count("!!") == 1


@pytest.mark.parametrize(
    ("fault", "tried", "came"),
    [
        (RequestFault(status=403, path=":generateToken", times=None), "role actions", "auth/clientToken/action"),
        (RequestFault(status=403, path=":generateToken", times=None), "WebSocket without roles", "403"),
        (RequestFault(status=403, path="/connections/[^/]+/:send", times=None), "messages to a client", "403"),
        (RequestFault(status=400, method="DELETE", times=None), None, ""),
        (RequestFault(status=503, path="users", times=None), "role actions", "503"),
    ],
)
def test_what_an_identity_meets_is_told(
    bare: Command,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    fault: RequestFault,
    tried: str | None,
    came: str,
) -> None:
    """Without a token there is no WebSocket; what is refused for another reason than roles is not one of them."""
    monkeypatch.setattr(Signed, "signing_key", emulator.access_key)
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Signed)
    emulator.faults.add(fault)

    try:
        code, found = findings(bare, "--endpoint", emulator.endpoint, "--identity")
    finally:
        emulator.faults.clear()

    assert code == (0 if tried is None else 1)
    if tried is None:
        assert found["role actions"]["came"] == "all 11 allowed"
    else:
        assert (found[tried]["good"], came in found[tried]["came"]) == (False, True)


def test_an_identity_needs_a_package(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is named."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)

    code, _, err = bare("health", "--endpoint", "https://example.com", "--identity")

    assert (code, err) == (2, "webpubsub: --identity needs azure-identity: pip install 'webpubsub[identity]'\n")
