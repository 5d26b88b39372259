"""`emulator` in this process: its options, its files, its warnings; and what shells and pipes do with the command."""

import io
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.cli import main
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import Emulator

from .conftest import Command, Outcome

Use = Callable[[str], object]


class Stdout(io.StringIO):
    """Standard output that tells when its first line is there."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if "\n" in text:
            self.told.set()
        return count


def serving(monkeypatch: pytest.MonkeyPatch, use: Use, *arguments: str) -> Outcome:
    """Run `emulator` in this thread, use it from another one, and interrupt it."""
    out, err = Stdout(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    def visit() -> None:
        out.told.wait(20)
        try:
            use(out.getvalue().strip())
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    visitor = threading.Thread(target=visit)
    visitor.start()
    code = main(["emulator", "--port", "0", *arguments])
    visitor.join()
    assert signal.getsignal(signal.SIGINT) is before
    return Outcome(code, out.getvalue(), err.getvalue())


def send(connection_string: str) -> None:
    with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        service.send_to_all("hello")


def test_it_logs_lines_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0; the handlers of signals are as before."""
    code, out, err = serving(monkeypatch, send)

    assert (code, out.count("\n")) == (0, 1)
    assert err[len("12:00:01 ") :] == "chat     POST :send  202 -> 0 clients\n"


def test_it_logs_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message has one of its own, for machines."""
    err = serving(monkeypatch, send, "--log-format", "json").err

    assert [json.loads(line)["kind"] for line in err.splitlines()] == ["message", "request"]


def test_it_can_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the connection string."""
    assert serving(monkeypatch, send, "--quiet").err == ""


def test_it_warns_of_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens that nobody validates."""
    outcome = serving(monkeypatch, lambda _: None, "--quiet", "--accept-unvalidated-entra-tokens")

    assert "anyone can forge" in outcome.err


def test_it_reads_faults_and_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A handler for every event of a hub, where nobody listens, and a fault."""
    with Emulator() as gone:
        nobody = gone.endpoint
    handlers = [{"UrlTemplate": nobody, "SystemEvents": ["connect"], "UserEventPattern": "*"}]
    config, faults = tmp_path / "config.json", tmp_path / "faults.json"
    config.write_text(json.dumps({"WebPubSub": {"Hubs": {"chat": {"EventHandlers": handlers}}}}))
    faults.write_text('[{"kind": "request", "status": 418}]')

    def use(connection_string: str) -> None:
        endpoint = ConnectionString.parse(connection_string).endpoint
        assert httpx.head(endpoint + "/api/health").status_code == 418

    code, _, err = serving(monkeypatch, use, "--config", str(config), "--faults", str(faults))

    assert code == 0
    assert "fault: request status=418\n" in err


def test_it_writes_the_certificate_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the first line, the file is complete."""
    file = tmp_path / "ca.pem"

    def use(connection_string: str) -> None:
        assert main(["health", "--connection-string", connection_string, "--ca-file", str(file)]) == 0

    code, out, _ = serving(monkeypatch, use, "--quiet", "--tls", "--ca-file", str(file))

    assert (code, out.splitlines()[1:]) == (0, ["healthy"])
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
    """In this process, too."""
    code, _, err = bare("emulator", "--port", str(emulator.port))

    assert (code, err.count("\n")) == (2, 1)


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


def test_a_terminal_without_the_characters_shows_their_escapes(emulator: Emulator) -> None:
    """Of names and messages in other alphabets."""
    run = subprocess.run(
        [sys.executable, "-m", "webpubsub", "users", "exists", "chat", "Жанна",
         "--connection-string", emulator.connection_string],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip

    assert (run.returncode, run.stdout, run.stderr) == (
        1,
        r"user \u0416\u0430\u043d\u043d\u0430 does not exist" + "\n",
        "",
    )


def test_an_interrupted_load_ends_with_130(emulator: Emulator, hub: str) -> None:
    """Without a traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "webpubsub", "load", hub, "--clients", "1", "--seconds", "60",
         "--connection-string", emulator.connection_string],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            emulator.wait_for(lambda: emulator.hub(hub).messages, 20)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()

    assert (process.returncode, out, err.strip()) == (130, "", "")
