"""The command as a process: the local service with its log, signals, exit codes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from webpubsub import ServiceError, WebPubSubServiceClient
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.tokens import sign

COMMAND = [sys.executable, "-W", "error", "-m", "webpubsub"]


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
    return process.stdout.readline().removesuffix("\n")


def ended(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
    """Tell it to stop, and read the rest."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_local_service_runs_until_it_is_told_to_stop(number: signal.Signals) -> None:
    """The first line is the connection string alone; `--quiet` says nothing more."""
    with running("emulator", "--port", "0", "--quiet") as process:
        line = first_line(process)
        status = httpx.head(ConnectionString.parse(line).endpoint + "/api/health").status_code

        assert status == 200
        assert ended(process, number) == (0, "", "")
    assert line == f"Endpoint={ConnectionString.parse(line).endpoint};AccessKey={DEVELOPMENT_KEY};Version=1.0;"


def test_it_tells_what_happens_in_lines_for_people() -> None:
    """A line for each request, message, refusal and event; no colours in a pipe, and no secrets."""
    with running("emulator", "--port", "0") as process:
        connection_string = first_line(process)
        with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
            service.send_to_group("room", "hello")
            with pytest.raises(ServiceError):
                service.grant_permission("sendToGroup", "nobody", target_name="room")
            endpoint = ConnectionString.parse(connection_string).endpoint
            token = sign({"aud": endpoint + "/api/hubs/other/:send", "exp": 4e9}, "w" * 40)
            httpx.post(
                endpoint + "/api/hubs/chat/:send?api-version=2024-12-01", headers={"Authorization": f"Bearer {token}"}
            )
            httpx.get(endpoint + "/client/hubs/chat")
        code, out, err = ended(process)

    lines = [line[len("12:00:01 ") :] for line in err.splitlines()]
    assert (code, out) == (0, "")
    assert lines[0] == "chat  POST groups/room/:send  202 -> 0 clients"
    assert lines[1].startswith("chat  PUT permissions/sendToGroup/connections/nobody  404 ")
    assert lines[2:] == [
        "chat  POST :send  401 The token is not signed with the access key.",
        "chat  client refused: 400 This is an address for WebSocket clients.",
    ]
    assert not {"\x1b", DEVELOPMENT_KEY, token} & {part for part in ("\x1b", DEVELOPMENT_KEY, token) if part in err}


def test_it_tells_what_happens_in_objects_for_machines(tmp_path: Path) -> None:
    """One JSON object per line; faults of a file happen, and are told, too."""
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "request", "status": 429, "retry_after": 0}]')
    with running("emulator", "--port", "0", "--log-format", "json", "--faults", str(faults)) as process:
        with WebPubSubServiceClient.from_connection_string(first_line(process), "chat") as service:
            service.send_to_all("secret text")
        _, _, err = ended(process)

    records = [json.loads(line) for line in err.splitlines()]
    requests = [record for record in records if record["kind"] == "request"]
    assert [(record["hub"], record["method"], record["status"]) for record in requests] == [
        ("chat", "POST", 429),
        ("chat", "POST", 202),
    ]
    assert {record["kind"] for record in records} == {"fault", "message", "request"}
    assert "secret text" not in err


def test_it_speaks_tls_with_a_certificate_in_a_file(tmp_path: Path) -> None:
    """The rest of the command takes that file."""
    file = tmp_path / "ca.pem"
    with running("emulator", "--port", "0", "--tls", "--ca-file", str(file)) as process:
        string = first_line(process)
        health = subprocess.run(
            [*COMMAND, "health", "--connection-string", string, "--ca-file", str(file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        ended(process)

    assert string.startswith("Endpoint=https://")
    assert (health.returncode, health.stdout, health.stderr) == (0, "healthy\n", "")


def test_a_taken_port_is_one_line(emulator: Emulator) -> None:
    """And exit code 2."""
    run = subprocess.run([*COMMAND, "emulator", "--port", str(emulator.port)], capture_output=True, text=True)

    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert f"cannot listen on 127.0.0.1 port {emulator.port}" in run.stderr


def test_an_interrupted_listener_ends_with_130(emulator: Emulator, hub: str) -> None:
    """As shells expect, and without a traceback."""
    with running("listen", hub, "--connection-string", emulator.connection_string) as process:
        emulator.wait_for(lambda: emulator.hub(hub).connections, 20)
        assert process.stderr is not None
        line = process.stderr.readline()
        code, out, err = ended(process)

    assert line.startswith("connected as ")
    assert (code, out, err.strip()) == (130, "", "")


def test_shells_can_complete_it() -> None:
    """As click does it, with the script for bash."""
    run = subprocess.run(
        COMMAND, capture_output=True, text=True, check=True, env={"_WEBPUBSUB_COMPLETE": "bash_source"}
    )

    assert "_webpubsub_completion" in run.stdout
