"""`python -m webpubsub.emulator`."""

import inspect
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.commands import Outcome, stopped
from webpubsub.cli.emulating import emulator as emulator_command
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.emulator.__main__ import log_on_stderr, main
from webpubsub.emulator._upstream.configuration import Configuration
from webpubsub.emulator._upstream.settings import HubSettings

COMMAND = [sys.executable, "-W", "error", "-m", "webpubsub.emulator"]
OTHER_KEY = "k" * 32


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command, and end it in any case."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_document_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """In one table: each keyword with its default, in the order of the signature, and each option of both commands."""
    document = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
    table = document.partition("| `Emulator(...)` | command line | meaning |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [line.split(" | ") for line in table.splitlines()]
    parameters = list(inspect.signature(Emulator).parameters.values())
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    told = set(re.findall(r"--[a-z-]+", "".join(row[1] for row in rows)))
    of_the_other = {name for option in emulator_command.params for name in option.opts}

    assert [row[0].strip("| `").partition("=")[0] for row in rows] == [each.name for each in parameters]
    for row, parameter in zip(rows, parameters, strict=True):
        default = row[0].strip("| `").partition("=")[2]
        assert eval(default, {"DEVELOPMENT_KEY": DEVELOPMENT_KEY}) == parameter.default
    assert told == options | {"--inspect"} == of_the_other - {"--faults", "--log-format", "--quiet"}


def test_it_runs_until_it_is_told_to_stop() -> None:
    """The first line is the connection string alone; the signal ends it with code 0 and no noise."""
    with running("--port", "0") as process:
        line = first_line(process)
        endpoint = ConnectionString.parse(line).endpoint
        status = httpx.head(endpoint + "/api/health").status_code
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)

    assert line == f"Endpoint={endpoint};AccessKey={DEVELOPMENT_KEY};Version=1.0;\n"
    assert (status, process.returncode, rest, errors) == (200, 0, "", "")


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run the command in this process until it is told to stop."""
    monkeypatch.setattr("webpubsub.emulator.__main__._WAIT_SECONDS", 0.02)
    return partial(stopped, monkeypatch, main)


def test_a_host_that_may_let_the_network_in_is_warned_about(serving: Callable[..., Outcome]) -> None:
    """The warning goes to stderr, once; this is another spelling of 127.0.0.1, with a key of our own."""
    arguments = ["--host", "2130706433", "--port", "0", "--access-key", OTHER_KEY]

    code, line, errors = serving(arguments, str, number=signal.SIGTERM)

    assert (code, ConnectionString.parse(line).access_key) == (0, OTHER_KEY)
    assert errors == "WARNING: The emulator listens on 2130706433: anyone who reaches this machine can use it.\n"


def test_with_tls_the_certificate_is_in_its_file_before_the_first_line(
    serving: Callable[..., Outcome], tmp_path: Path
) -> None:
    """Who reads the connection string can trust the certificate; what was in the file before is gone."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("something older\n" * 1000)

    def use(connection_string: str) -> None:
        endpoint = ConnectionString.parse(connection_string).endpoint
        trust = ssl.create_default_context(cafile=ca_file)
        assert httpx.head(endpoint + "/api/health", verify=trust).status_code == 200

    code, line, errors = serving(["--port", "0", "--tls", "--ca-file", str(ca_file)], use)

    assert line.startswith("Endpoint=https://127.0.0.1:")
    assert (code, line.count("\n"), errors) == (0, 1, "")
    assert ca_file.read_text().count("-----BEGIN") == ca_file.read_text().count("-----BEGIN CERTIFICATE-----") == 1


def test_unvalidated_tokens_are_warned_about(serving: Callable[..., Outcome]) -> None:
    """The warning goes to stderr, once."""
    errors = serving(["--port", "0", "--accept-unvalidated-entra-tokens"], str).err

    assert errors == (
        "WARNING: The emulator accepts tokens for Microsoft Entra ID without validation: anyone can forge them.\n"
    )


def test_a_settings_file_that_cannot_be_read_any_more_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, while the program goes on with what it knew."""
    file = tmp_path / "settings.json"
    file.write_text('{"Hubs": {"chat": {}}}')
    configuration = Configuration(path=file)
    file.write_text('{"Hubs": ')

    with log_on_stderr():
        assert configuration.hub("chat") == HubSettings()
    configuration.hub("chat")

    assert capsys.readouterr().err.startswith("ERROR: The settings stay as they are: ")


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A port in use is a clear message and code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            main(["--port", str(port)])

    assert end.value.code == 2
    assert f"cannot listen on host '127.0.0.1', port {port}: " in capsys.readouterr().err


WRONG = [
    (("--port", "x"), "invalid int value"),
    (("--port", "65536"), "The port must be from 0 to 65535."),
    (("--access-key", "short"), "at least 32 bytes"),
    (("--host", "no such host"), "cannot listen on host 'no such host', port 8080: "),
    (("--nonsense",), "unrecognized arguments"),
    (("--tls",), "--tls and --ca-file need each other"),
    (("--ca-file", "ca.pem"), "--tls and --ca-file need each other"),
    (
        ("--port", "0", "--tls", "--ca-file", "no such directory/ca.pem"),
        "cannot write no such directory/ca.pem: No such",
    ),
    (("--event-handler", "http://localhost"), "--event-handler takes HUB=URL, not http://localhost"),
    (("--event-handler", "chat=localhost"), "must begin with http:// or https://"),
    (("--event-handler", "1=http://localhost"), "'1' is not the name of a hub"),
    (("--config", "no such file.json"), "cannot read no such file.json: No such file"),
    (("--config", "pyproject.toml"), "pyproject.toml: Expecting value"),
    (("--accept-unvalidated-entra-tokens", "--host", "0.0.0.0"), "Unvalidated tokens are accepted only where"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments_are_refused(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every mistake is a message with the usage, and code 2; nothing is printed to stdout."""
    with pytest.raises(SystemExit) as end:
        main(arguments)

    output, errors = capsys.readouterr()
    assert (end.value.code, output) == (2, "")
    assert message in errors
    assert errors.startswith("usage: python -m webpubsub.emulator")


def test_a_missing_aiohttp_is_named_with_the_extra() -> None:
    """Without the extra the command says what to install, and exits with code 2."""
    program = (
        "import sys\nsys.modules['aiohttp'] = None\n"
        "from webpubsub.emulator.__main__ import main\nsys.exit(main(['--port', '0']))\n"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert result.returncode == 2
    assert "pip install 'webpubsub[emulator]'" in result.stderr
    assert "Traceback" not in result.stderr
