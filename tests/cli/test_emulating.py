"""`emulator` in this process: its options, its files, its warnings; and what shells and pipes do with the command."""

import io
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.commands import Outcome, Stream, stopped
from tests.support.web_servers import wsgiref_server
from webpubsub import WebPubSubServiceClient
from webpubsub.cli import main
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.events import EventHandler, UserEvent

from .conftest import Command

JSON = Subprotocol("json.webpubsub.azure.v1")
Use = Callable[[str], object]

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def serving(monkeypatch: pytest.MonkeyPatch, use: Use, *arguments: str) -> Outcome:
    """Run `emulator` in this thread, use it from another one, and interrupt it."""
    monkeypatch.setattr("webpubsub.cli.emulating._WAIT_SECONDS", 0.02)
    before = signal.getsignal(signal.SIGINT)
    outcome = stopped(monkeypatch, main, ["emulator", "--port", "0", *arguments], use)
    assert signal.getsignal(signal.SIGINT) is before
    return outcome


def send(connection_string: str) -> None:
    with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        service.send_to_all("hello")


def test_it_logs_lines_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0; the handlers of signals are as before."""
    code, out, err = serving(monkeypatch, send)

    assert (code, out.count("\n")) == (0, 1)
    assert err[len("12:00:01 ") :] == "chat  POST :send  202 -> 0 clients\n"


def test_it_logs_objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One per line, for machines: messages without what is in them, and the faults of a file, which happen, too."""
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "request", "status": 429, "retry_after": 0}]')

    err = serving(monkeypatch, send, "--log-format", "json", "--faults", str(faults)).err

    records = [json.loads(line) for line in err.splitlines()]
    assert [record["kind"] for record in records] == ["fault", "request", "message", "request"]
    assert [
        (record["hub"], record["method"], record["status"]) for record in records if record["kind"] == "request"
    ] == [("chat", "POST", 429), ("chat", "POST", 202)]
    assert "hello" not in err


def test_it_can_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the connection string."""
    assert serving(monkeypatch, send, "--quiet").err == ""


def test_it_warns_of_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens that nobody validates."""
    outcome = serving(monkeypatch, lambda _: None, "--quiet", "--accept-unvalidated-entra-tokens")

    assert outcome.err == (
        "Warning: The emulator accepts tokens for Microsoft Entra ID without validation: anyone can forge them.\n"
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_it_shows_the_warnings_of_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_json: bool) -> None:
    """Such as of settings that have no effect, when it starts; and of ones that cannot be read, while it runs."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"WebPubSub": {"Hubs": {"chat": {"EventListeners": [{}]}}}}))

    def use(connection_string: str) -> None:
        config.write_text("{")
        service = WebPubSubServiceClient.from_connection_string(connection_string, "chat")
        url = service.get_client_access_token().url.replace("ws", "http", 1)
        assert httpx.get(url, headers=HANDSHAKE).status_code == 101
        service.close()

    err = serving(monkeypatch, use, "--config", str(config), "--log-format", "json" if as_json else "text").err

    if as_json:
        logged = map(json.loads, err.splitlines())
        messages = [line["message"] for line in logged if line["kind"] == "warning"]
    else:
        messages = [line.removeprefix("Warning: ") for line in err.splitlines() if line.startswith("Warning: ")]
    assert [message.partition(":")[0] for message in messages] == ["WebPubSub", "The settings stay as they are"]


@pytest.fixture
def orders() -> Iterator[tuple[str, list[UserEvent[Any]]]]:
    """An event handler that checks signatures: its address, and what it has heard."""
    events, heard = (
        EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"]),
        list[UserEvent[Any]](),
    )

    @events.on_event("order")
    def order(event: UserEvent[Any]) -> str:
        heard.append(event)
        return "with pleasure"

    with wsgiref_server(events.wsgi) as url:
        yield url, heard


def test_its_lines_are_what_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, orders: tuple[str, list[UserEvent[Any]]]
) -> None:
    """A message, a member, a refusal and an event, which arrives where the settings file says."""
    url, heard = orders
    config = tmp_path / "config.json"
    handlers = [{"UrlTemplate": url, "UserEventPattern": "order"}]
    config.write_text(json.dumps({"WebPubSub": {"Hubs": {"chat": {"EventHandlers": handlers}}}}))

    def use(connection_string: str) -> None:
        with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service, ExitStack() as stack:
            token = service.get_client_access_token(user_id="ann", roles=["webpubsub.joinLeaveGroup"])
            for _ in range(3):
                ann = stack.enter_context(connect(token.url, subprotocols=[JSON]))
                ann.recv()
            ann.send('{"type": "joinGroup", "group": "room", "ackId": 1}')
            ann.recv()
            service.send_to_all("hello")
            ann.recv()
            ann.send('{"type": "event", "event": "order", "dataType": "json", "data": {"dish": "soup"}, "ackId": 2}')
            assert "with pleasure" in str(ann.recv()) + str(ann.recv())
            wrong = {"Authorization": f"Bearer {service.for_hub('other').get_client_access_token().token}"}
            httpx.post(f"{service.endpoint}/api/hubs/chat/:send?api-version=2024-12-01", headers=wrong)

    lines = serving(monkeypatch, use, "--config", str(config)).err.splitlines()

    assert all(re.fullmatch(r"\d\d:\d\d:\d\d chat  \S.*", line) for line in lines)
    said = [re.sub(r"in \d+ ms", "in 12 ms", line[len("12:00:01 ") :]) for line in lines]
    assert [line for line in said if " opened (" not in line and " closed (" not in line] == [
        "chat  ann joined room",
        "chat  POST :send  202 -> 3 clients",
        "chat  event order -> 200 in 12 ms",
        "chat  POST :send  401 the token is for hub other, not chat",
        "chat  ann left room",
    ]
    assert [(event.user_id, event.data) for event in heard] == [("ann", {"dish": "soup"})]


def test_an_event_handler_of_the_line_is_called(
    monkeypatch: pytest.MonkeyPatch, orders: tuple[str, list[UserEvent[Any]]]
) -> None:
    """For the hub that is named with it."""
    url, heard = orders

    def use(connection_string: str) -> None:
        with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
            address = service.get_client_access_token().url
        with connect(address, subprotocols=[JSON]) as client:
            client.recv()
            client.send('{"type": "event", "event": "order", "dataType": "text", "data": "soup", "ackId": 1}')
            assert "with pleasure" in str(client.recv()) + str(client.recv())

    outcome = serving(monkeypatch, use, "--event-handler", f"chat={url}", "--quiet")

    assert (outcome.code, outcome.err, [event.data for event in heard]) == (0, "", ["soup"])


def test_it_puts_the_faults_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As often as they say, and tells of each."""
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "request", "status": 418}]')

    def use(connection_string: str) -> None:
        health = ConnectionString.parse(connection_string).endpoint + "/api/health"
        assert [httpx.head(health).status_code for _ in range(2)] == [418, 200]

    code, _, err = serving(monkeypatch, use, "--faults", str(faults))

    assert (code, err.count("fault: request status=418\n")) == (0, 1)


def test_it_says_where_the_page_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error: standard output is the connection string alone."""

    def use(_: str) -> None:
        assert isinstance(sys.stderr, Stream)
        assert sys.stderr.told.wait(20)
        address = sys.stderr.getvalue().removeprefix("Inspector: ").strip()
        assert "<title>Inspector" in httpx.get(address, trust_env=False).text

    outcome = serving(monkeypatch, use, "--inspect", "--quiet")

    assert (outcome.code, outcome.out.count("\n"), outcome.err.count("\n")) == (0, 1, 1)


def test_it_writes_the_certificate_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the first line, the file is complete."""
    file = tmp_path / "ca.pem"

    def use(connection_string: str) -> None:
        assert main(["health", "--connection-string", connection_string, "--ca-file", str(file)]) == 0

    code, out, _ = serving(monkeypatch, use, "--quiet", "--tls", "--ca-file", str(file))

    assert (code, out.splitlines()[1:]) == (0, ["healthy"])
    assert out.startswith("Endpoint=https://")
    assert "BEGIN CERTIFICATE" in file.read_text()


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("{}", "must hold a list of faults"),
        ("[", "faults.json: Expecting value"),
        ('[{"kind": "weather"}]', "kind must be 'request' or 'client'"),
        ('[{"kind": "client"}]', "faults.json: "),
    ],
)
def test_faults_that_are_none_are_one_line(bare: Command, tmp_path: Path, faults: str, said: str) -> None:
    """With the file and the mistake, and exit code 2."""
    file = tmp_path / "faults.json"
    file.write_text(faults)

    code, out, err = bare("emulator", "--port", "0", "--faults", str(file))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_certificate_that_cannot_be_written_is_one_line(bare: Command, tmp_path: Path) -> None:
    """And the service has stopped."""
    code, out, err = bare("emulator", "--port", "0", "--tls", "--ca-file", str(tmp_path / "no" / "ca.pem"))

    assert (code, out) == (2, "")
    assert "cannot write" in err


def test_a_port_that_is_taken_is_one_line(bare: Command, emulator: Emulator) -> None:
    """And exit code 2."""
    code, out, err = bare("emulator", "--port", str(emulator.port))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"cannot listen on host '127.0.0.1', port {emulator.port}: " in err


def test_tls_needs_a_package(bare: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which is named."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    monkeypatch.delitem(sys.modules, "webpubsub.emulator._certificates", raising=False)

    code, _, err = bare("emulator", "--port", "0", "--tls", "--ca-file", str(tmp_path / "ca.pem"))

    assert (code, err) == (2, "webpubsub: The emulator needs trustme: pip install 'webpubsub[emulator]'\n")


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("bash", {"COMP_WORDS": "webpubsub gro", "COMP_CWORD": "1"}),
        ("zsh", {"COMP_WORDS": "webpubsub gro", "COMP_CWORD": "1"}),
        ("fish", {"COMP_WORDS": "webpubsub gro", "COMP_CWORD": "gro"}),
    ],
)
def test_a_shell_gets_completions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str, environment: dict[str, str]
) -> None:
    """Of a command that was begun."""
    for name, value in {"_WEBPUBSUB_COMPLETE": f"{shell}_complete", **environment}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit):
        main([])

    assert "groups" in capsys.readouterr().out


def test_a_shell_gets_a_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As click writes it, for bash."""
    monkeypatch.setenv("_WEBPUBSUB_COMPLETE", "bash_source")

    with pytest.raises(SystemExit):
        main([])

    assert "_webpubsub_completion" in capsys.readouterr().out


def test_python_m_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With its exit code."""
    monkeypatch.setattr(sys, "argv", ["webpubsub", "plan"])

    with pytest.raises(SystemExit) as end:
        runpy.run_module("webpubsub", run_name="__main__")

    assert end.value.code == 2
    assert "Missing option" in capsys.readouterr().err


def test_a_closed_pipe_is_no_traceback(emulator: Emulator) -> None:
    """As with `| head -0`: what was to be printed goes nowhere."""
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-m", "webpubsub", "health", "--connection-string", emulator.connection_string],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)

    assert (run.returncode, run.stderr) == (1, "")


def test_a_terminal_without_the_characters_shows_their_escapes(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of names and messages in other alphabets."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))

    assert main(["users", "exists", "chat", "Жанна", "--connection-string", emulator.connection_string]) == 1
    assert written.getvalue() == rb"user \u0416\u0430\u043d\u043d\u0430 does not exist" + b"\n"


def test_an_interrupted_load_ends_with_130(bare: Command, emulator: Emulator, hub: str) -> None:
    """Without a traceback."""

    def interrupt() -> None:
        try:
            emulator.wait_for(lambda: emulator.hub(hub).messages, 20)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    code, out, err = bare(
        "load", hub, "--clients", "1", "--seconds", "30", "--connection-string", emulator.connection_string
    )
    interrupter.join()

    assert (code, out, err.strip()) == (130, "", "")
