"""`send`, `listen`, `token`: messages out of the command and into it."""

import io
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from websockets.sync.client import connect

from tests.support.web_servers import aiohttp_server
from webpubsub import WebPubSubServiceClient
from webpubsub.cli import loading, receiving
from webpubsub.emulator import ClientFault, Emulator, RequestFault

from .conftest import Command, Running


@pytest.mark.parametrize(
    ("arguments", "data"),
    [
        (("hello",), "hello"),
        (('{"a": 1}', "--type", "json"), {"a": 1}),
        (("@{file}",), "from a file"),
        (("@{file}", "--type", "binary"), b"from a file"),
        (("hello", "--group", "room"), "hello"),
        (("hello", "--user", "ann"), "hello"),
        (("hello", "--connection", "{connection}"), "hello"),
        (("hello", "--filter", "userId eq 'ann'"), "hello"),
        (("hello", "--ttl", "60"), "hello"),
    ],
)
def test_a_message_arrives(
    command: Command, emulator: Emulator, hub: str, tmp_path: Path, arguments: tuple[str, ...], data: object
) -> None:
    """To everybody or somebody, as text, JSON or bytes, from the line or a file."""
    file = tmp_path / "message"
    file.write_text("from a file")
    with emulator.connect(hub, user_id="ann", groups=["room"]) as ann:
        values = {"file": str(file), "connection": ann.connection_id}
        filled = [argument.replace("{file}", values["file"]).replace("{connection}", values["connection"])
                  for argument in arguments]  # fmt: skip

        assert command("send", hub, *filled) == (0, "1 message accepted\n", "")
        assert ann.receive().data == data


def test_a_connection_can_be_left_out(command: Command, emulator: Emulator, hub: str) -> None:
    """`--exclude` is the service's excluded; `--quiet` says nothing."""
    with emulator.connect(hub) as ann, emulator.connect(hub) as bob:
        assert command("send", hub, "hello", "--exclude", ann.connection_id, "--quiet") == (0, "", "")
        assert emulator.hub(hub).messages[-1].to == (bob.connection_id,)


def test_lines_of_standard_input_are_messages(
    command: Command, emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")))

    assert command("send", hub, "-", "--lines") == (0, "2 messages accepted\n", "")
    assert [message.data for message in emulator.hub(hub).messages] == ["one", "two"]


def test_progress_is_shown_on_a_terminal(
    command: Command, emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On standard error; what was sent is on standard output."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    file = tmp_path / "lines"
    file.write_text("one\ntwo\n")
    monkeypatch.setattr(sys, "stdin", file.open())

    code, out, err = command("send", hub, f"@{file}", "--lines")
    stream = command("send", hub, "-", "--lines")
    sys.stdin.close()

    assert (code, out) == stream[:2] == (0, "2 messages accepted\n")
    assert "Sending" in err
    assert "2/2" in err
    assert "2/?" in stream.err


def test_what_is_not_utf_8_is_no_text(command: Command, hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the way to send it is told."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))

    code, _, err = command("send", hub, "-")

    assert (code, err) == (2, "webpubsub: That is not UTF-8; use --type binary instead of --type text.\n")


def test_a_refusal_in_the_middle_says_how_far_it_came(
    command: Command, emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the rest can be sent again, and nothing twice."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\nthree\n")))
    emulator.faults.add(RequestFault(status=400, hub=hub, after=1))

    code, out, err = command("send", hub, "-", "--lines")

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("webpubsub: 1 message accepted, then: ")


def test_a_message_is_utf_8_in_every_locale(command: Command, emulator: Emulator, hub: str) -> None:
    """One that knows ASCII alone escapes the bytes of an argument; others may be no text at all."""
    escaped = "Grüße".encode().decode("ascii", "surrogateescape")

    assert command("send", hub, escaped).code == 0
    assert command("send", hub, "\udcff", "--type", "binary").code == 0
    assert command("send", hub, "\udcff") == (
        2,
        "",
        "webpubsub: That is not UTF-8; use --type binary instead of --type text.\n",
    )
    assert [message.data for message in emulator.hub(hub).messages] == ["Grüße", b"\xff"]


def test_a_line_is_sent_when_it_comes(
    emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of `tail -f`: while the pipe is still open, and its lines end as on Windows, too."""
    reading, writing = os.pipe()
    with open(reading) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        running = Running("send", hub, "-", "--lines", "--connection-string", emulator.connection_string)
        with open(writing, "wb", buffering=0) as program:
            for number, line in enumerate((b"one\n", b"\n", b"three\r\n"), 1):
                program.write(line)
                emulator.wait_for(partial(_has_messages, emulator, hub, number), 20)
            program.write(b"four")
        assert running.code() == 0

    assert [message.data for message in emulator.hub(hub).messages] == ["one", "", "three", "four"]
    assert capsys.readouterr() == ("4 messages accepted\n", "")


def test_a_line_that_is_no_message_ends_it_there(
    command: Command, emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What came before it is sent, and counted; of a file, which is there as a whole, nothing is sent."""
    lines = b'{"n": 1}\n{"n": 2}\n{\n{"n": 4}\n'
    (tmp_path / "lines").write_bytes(lines)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))

    file = command("send", hub, f"@{tmp_path / 'lines'}", "--lines", "--type", "json")
    stream = command("send", hub, "-", "--lines", "--type", "json")

    assert (file.code, stream.code) == (2, 2)
    assert file.err.startswith("webpubsub: That is not JSON: ")
    assert stream.err.startswith("webpubsub: 2 messages accepted, then: That is not JSON: ")
    assert [message.data for message in emulator.hub(hub).messages] == [{"n": 1}, {"n": 2}]


def _has_messages(emulator: Emulator, hub: str, number: int) -> bool:
    return len(emulator.hub(hub).messages) == number


def _wait_for_client(emulator: Emulator, hub: str) -> None:
    emulator.wait_for(lambda: emulator.hub(hub).connections, 20)


def _service(emulator: Emulator, hub: str) -> WebPubSubServiceClient:
    return WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub)


def test_listen_prints_what_arrives(emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the group and the user that it came from; news of the connection go to standard error."""
    running = Running(
        "listen", hub, "--group", "room", "--user", "bob", "--count", "4",
        "--connection-string", emulator.connection_string,
    )  # fmt: skip
    _wait_for_client(emulator, hub)
    with _service(emulator, hub) as service:
        service.send_to_user("bob", {"text": "Grüße"})
        service.send_to_all("plain", content_type="text/plain")
        service.send_to_group("room", b"\x00\x01")
    with emulator.connect(hub, user_id="ann", roles=["webpubsub.sendToGroup"]) as ann:
        ann.send_to_group("room", "hello")

    assert running.code() == 0
    out, err = capsys.readouterr()
    assert [line.partition(" ")[2] for line in out.splitlines()] == [
        '{"text": "Grüße"}',
        "plain",
        "[room] 2 bytes, base64: AAE=",
        "[room] ann: hello",
    ]
    assert err.startswith("connected as ")
    assert emulator.access_key not in out + err


def test_listen_prints_frames_for_machines(emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object per line, as it came."""
    running = Running(
        "listen", hub, "--count", "1", "--output", "json", "--connection-string", emulator.connection_string
    )
    _wait_for_client(emulator, hub)
    with _service(emulator, hub) as service:
        service.send_to_all([1])

    assert running.code() == 0
    assert json.loads(capsys.readouterr().out) == {"type": "message", "from": "server", "dataType": "json", "data": [1]}


def test_listen_can_be_a_simple_client(emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a subprotocol there is the payload and nothing else."""
    running = Running("listen", hub, "--raw", "--count", "1", "--connection-string", emulator.connection_string)
    _wait_for_client(emulator, hub)
    with _service(emulator, hub) as service:
        service.send_to_all({"a": 1})

    assert running.code() == 0
    assert capsys.readouterr() == ('{"a": 1}\n', "")


def test_a_reliable_listener_survives_a_cut_socket(
    emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message that the cut took comes after the recovery, once."""
    monkeypatch.setattr(receiving, "_PAUSE_SECONDS", 0.01)
    running = Running(
        "listen", hub, "--reliable", "--group", "room", "--count", "2",
        "--connection-string", emulator.connection_string,
    )  # fmt: skip
    _wait_for_client(emulator, hub)
    emulator.faults.add(ClientFault(action="drop", hub=hub))
    with _service(emulator, hub) as service:
        service.send_to_group("room", "one", content_type="text/plain")
        service.send_to_group("room", "two", content_type="text/plain")

    assert running.code() == 0
    out, err = capsys.readouterr()
    assert [line.rpartition(" ")[2] for line in out.splitlines()] == ["one", "two"]
    assert err.splitlines()[1:] == ["the connection broke; trying to recover", "connected again"]


def test_a_reliable_listener_prints_once_what_comes_twice(
    emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a message does whose acknowledgement did not get through."""
    running = Running(
        "listen", hub, "--reliable", "--count", "2", "--connection-string", emulator.connection_string
    )  # fmt: skip
    _wait_for_client(emulator, hub)
    emulator.faults.add(ClientFault(action="duplicate", hub=hub))
    with _service(emulator, hub) as service:
        service.send_to_all("one", content_type="text/plain")
        service.send_to_all("two", content_type="text/plain")

    assert running.code() == 0
    assert [line.rpartition(" ")[2] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]


@pytest.mark.parametrize("how", ["--raw", "--reliable"])
def test_a_listener_notices_a_network_that_is_silent(
    emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """Nobody closed the connection, and it does not wait for ever: it ends, or comes back for what was lost."""
    monkeypatch.setattr(receiving, "_HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(receiving, "_PAUSE_SECONDS", 0.01)
    running = Running("listen", hub, how, "--count", "1", "--connection-string", emulator.connection_string)
    _wait_for_client(emulator, hub)
    emulator.faults.add(ClientFault(action="freeze", hub=hub))
    with _service(emulator, hub) as service:
        service.send_to_all("one", content_type="text/plain")

    code = running.code()
    out, err = capsys.readouterr()
    if how == "--raw":
        assert (code, out, err) == (1, "", "the connection was closed with code 1006\n")
    else:
        assert (code, out.split()[1:]) == (0, ["one"])
        assert err.splitlines()[1:] == ["the connection broke; trying to recover", "connected again"]


@pytest.fixture
def babble() -> Iterator[str]:
    """The connection string of a service that sends what is no frame."""

    async def respond(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        assert request.transport is not None
        request.transport.write(b"\xff\xff")
        await websocket.receive()
        return websocket

    async def accept(_: web.Request) -> web.Response:
        return web.Response(status=202)

    application = web.Application()
    application.router.add_get("/client/hubs/{hub}", respond)
    application.router.add_post("/api/hubs/{hub}/:send", accept)
    with aiohttp_server(application) as url:
        yield f"Endpoint={url};AccessKey={'k' * 40};"


def test_what_is_no_frame_at_all_ends_the_connection(bare: Command, hub: str, babble: str) -> None:
    """Nothing of it is printed."""
    assert bare("listen", hub, "--raw", "--connection-string", babble) == (
        1,
        "",
        "the connection was closed with code 1002\n",
    )


def test_what_is_no_frame_at_all_is_no_message_of_a_load(
    bare: Command, hub: str, babble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted is lost then."""
    monkeypatch.setattr(loading, "_SETTLE_SECONDS", 0.0)
    few = ("--clients", "1", "--rate", "10", "--seconds", "0.1")

    outcome = bare("load", hub, *few, "--output", "json", "--connection-string", babble)

    assert (outcome.code, json.loads(outcome.out)["lost"], json.loads(outcome.out)["received"]) == (1, 1, 0)


def test_a_reliable_listener_gives_up_in_the_end(
    hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the service keeps nothing for it any more, and is not even there."""
    monkeypatch.setattr(receiving, "_RECOVERY_SECONDS", 0.02)
    monkeypatch.setattr(receiving, "_PAUSE_SECONDS", 0.01)
    with Emulator() as stopping:
        running = Running("listen", hub, "--reliable", "--connection-string", stopping.connection_string)
        _wait_for_client(stopping, hub)

    assert running.code() == 1
    assert "the connection broke and could not be recovered" in capsys.readouterr().err


def test_a_listener_that_is_closed_ends_with_1(
    emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And tells the reason of the service."""
    running = Running("listen", hub, "--connection-string", emulator.connection_string)
    _wait_for_client(emulator, hub)
    with _service(emulator, hub) as service:
        service.close_all_connections(reason="maintenance")

    assert running.code() == 1
    assert "Reason: maintenance\n" in capsys.readouterr().err


def test_a_listener_that_may_not_connect_ends_with_1(command: Command, emulator: Emulator, hub: str) -> None:
    """With the status, and without the URL, which has a token in it."""
    emulator.faults.add(ClientFault(action="refuse", status=403, hub=hub))

    assert command("listen", hub) == (1, "", "webpubsub: The service does not let the client in (403).\n")


def test_a_token_opens_a_connection(command: Command, emulator: Emulator, hub: str) -> None:
    """The URL alone; as JSON with its parts."""
    url = command("token", hub, "--user", "ann", "--group", "room", "--role", "webpubsub.sendToGroup").out.strip()
    parts = json.loads(command("token", hub, "--output", "json", "--minutes", "5").out)

    assert parts["url"] == f"{parts['baseUrl']}?access_token={parts['token']}"
    with connect(url):
        _wait_for_client(emulator, hub)
        (view,) = emulator.hub(hub).connections
        assert (view.user_id, set(view.groups)) == ("ann", {"room"})


def test_a_token_can_be_for_mqtt(command: Command, hub: str) -> None:
    """Which has an address of its own."""
    assert f"/clients/mqtt/hubs/{hub}?" in command("token", hub, "--protocol", "mqtt").out


@pytest.mark.parametrize(
    ("roles", "unknown"),
    [
        (["webpubsub.sendToGroup", "webpubsub.joinLeaveGroups.a*", "webpubsub.setGroupState"], []),
        (["nonsense", "webpubsub.sendToGroup.room"], ["nonsense"]),
        (["webpubsub.fly", "other"], ["webpubsub.fly", "other"]),
    ],
)
def test_a_token_with_roles_that_mean_nothing_comes_with_a_warning(
    command: Command, hub: str, roles: list[str], unknown: list[str]
) -> None:
    """The service accepts them, and an event handler may want them: the URL is printed all the same."""
    code, out, err = command("token", hub, *[word for role in roles for word in ("--role", role)])

    assert (code, out.count("\n"), out.startswith("ws://")) == (0, 1, True)
    assert [line.partition(",")[0] for line in err.splitlines()] == [
        f"webpubsub: The service knows no role {role}" for role in unknown
    ]
