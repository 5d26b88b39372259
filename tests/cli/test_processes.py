"""The command as a process: the local service with its log, signals, exit codes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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


def test_the_local_service_runs_until_it_is_told_to_stop() -> None:
    """As other programs tell it. The first line is the connection string alone; `--quiet` says nothing more."""
    with running("emulator", "--port", "0", "--quiet") as process:
        line = first_line(process)
        status = httpx.head(ConnectionString.parse(line).endpoint + "/api/health").status_code

        assert status == 200
        assert ended(process, signal.SIGTERM) == (0, "", "")
    assert line == f"Endpoint={ConnectionString.parse(line).endpoint};AccessKey={DEVELOPMENT_KEY};Version=1.0;"


def test_it_tells_what_happens_in_lines_for_people() -> None:
    """Until Ctrl-C: a line for each request, message, refusal and event; no colours in a pipe, and no secrets."""
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


def test_an_interrupted_listener_ends_with_130(emulator: Emulator, hub: str) -> None:
    """As shells expect, and without a traceback."""
    with running("listen", hub, "--connection-string", emulator.connection_string) as process:
        emulator.wait_for(lambda: emulator.hub(hub).connections, 20)
        assert process.stderr is not None
        line = process.stderr.readline()
        code, out, err = ended(process)

    assert line.startswith("connected as ")
    assert (code, out, err.strip()) == (130, "", "")
