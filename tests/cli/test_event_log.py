"""The log of the local service: which lines and objects it has, and that nothing ends the service."""

import io
import json
import sys
from typing import Any

import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.cli.event_log import fields_of, json_log, line_of, text_log
from webpubsub.emulator import (
    ConnectionRecord,
    Emulator,
    EventRecord,
    FaultRecord,
    FrameRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
)


def request(status: int, target: str = "/api/hubs/chat/:send?api-version=1", **more: Any) -> RequestRecord:
    return RequestRecord(
        1, "POST", target, {}, b"", "chat", "send_to_all", status, more.pop("headers", {}), b"", **more
    )


def event(url: str, status: int | None, attempts: int = 1) -> EventRecord:
    return EventRecord(1, "chat", "order", "c1", "ann", url, {}, b"", status, attempts=attempts, seconds=0.012)


REFUSED = {
    "www-authenticate": 'Bearer error_description="The audience is invalid: the token is for hub chat, not other"'
}
LINES: list[tuple[Record, str | None]] = [
    (request(202, recipients=3), "POST :send  202 -> 3 clients"),
    (request(202, recipients=1), "POST :send  202 -> 1 client"),
    (request(200), "POST :send  200"),
    (request(401, headers=REFUSED), "POST :send  401 the token is for hub chat, not other"),
    (request(500), "POST :send  500"),
    (request(0), "POST :send  cut"),
    (request(404, "/nowhere"), "POST /nowhere  404"),
    (event("http://127.0.0.1:9", 200), "event order -> 200 in 12 ms"),
    (event("http://127.0.0.1:9", None), "event order -> no response in 12 ms"),
    (event("http://127.0.0.1:9", None, 0), "event order: the event handler does not allow requests from here"),
    (event("", None), "event order of ann: nobody hears of it"),
    (ConnectionRecord(1, "chat", "c1", "ann", None, "opened"), "ann opened (c1)"),
    (ConnectionRecord(1, "chat", "", None, None, "refused", "401 No token."), "client refused: 401 No token."),
    (MembershipRecord(1, "chat", "c1", "ann", "room", "joined"), "ann joined room"),
    (FaultRecord(1, "chat", "client drop"), "fault: client drop"),
    (FrameRecord(1, "chat", "c1", "in", "{}"), None),
]  # fmt: skip


@pytest.mark.parametrize(("record", "line"), LINES, ids=[f"{number}" for number in range(len(LINES))])
def test_everything_that_happens_is_a_line(record: Record, line: str | None) -> None:
    """A request and what it sends are one; frames are none."""
    told = line_of(record)

    assert (told and told[0]) == line


def test_a_request_and_its_message_are_one_line(
    emulator: Emulator, hub: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What clients send has lines of its own; what terminals would obey is written as its escape."""
    seen: list[Record] = []
    emulator.observe(text_log())
    emulator.observe(seen.append)
    with (
        emulator.connect(hub, user_id="a\x1b[1m[red]", groups=["room"], roles=["webpubsub.sendToGroup"]) as ann,
        emulator.connect(hub, groups=["room"], roles=["webpubsub.sendToGroup"]) as bob,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service,
    ):
        service.send_to_group("room", "from the server")
        ann.send_to_group("room", "from a client")
        bob.send_to_group("room", "from another one")

    lines = [line.partition("  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if "->" in line] == [
        "POST groups/room/:send  202 -> 2 clients",
        r"a\x1b[1m[red] sent a message to group room -> 2 clients",
        "an anonymous client sent a message to group room -> 2 clients",
    ]
    messages = [record for record in seen if isinstance(record, MessageRecord)]
    assert [record.from_server for record in messages] == [True, False, False]


def test_the_column_of_hubs_grows(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names, so that short ones take no room, up to a width that leaves some for the rest."""
    log = text_log()
    for hub in ("chat", "notifications", "chat", "h" * 30):
        log(MembershipRecord(1, hub, "c1", "ann", "room", "joined"))

    assert [line[len("12:00:01 ") :] for line in capsys.readouterr().err.splitlines()] == [
        "chat  ann joined room",
        "notifications  ann joined room",
        "chat           ann joined room",
        "h" * 30 + "  ann joined room",
    ]


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of line has one, there; nowhere else is any."""
    member = MembershipRecord(1, "chat", "c1", "ann", "room", "joined")
    text_log()(member)
    plain = capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    for record in (member, request(202), request(404)):
        text_log()(record)

    assert "\x1b" not in plain
    joined, sent, refused = capsys.readouterr().err.splitlines()
    assert "\x1b[34mann joined room" in joined
    assert "\x1b[32mPOST" in sent
    assert "\x1b[33mPOST" in refused


def test_objects_have_what_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    """Bodies, headers and frames stay with the emulator."""
    log = json_log()
    for record in (request(202, recipients=3), FrameRecord(1, "chat", "c1", "in", "{}")):
        log(record)

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {
        "kind": "request",
        "time": 1,
        "method": "POST",
        "target": "/api/hubs/chat/:send?api-version=1",
        "hub": "chat",
        "operation": "send_to_all",
        "status": 202,
        "seconds": 0.0,
        "recipients": 3,
    }
    assert "body" not in fields_of(event("", None))


def test_a_log_that_nobody_reads_any_more_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised in the thread of the service, and nothing more is written."""
    written: list[str] = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            if text:  # click finds out with nothing whether a stream takes str
                written.append(text)
                raise BrokenPipeError
            return 0

    monkeypatch.setattr(sys, "stderr", Closed())
    log = json_log()

    log(request(202))
    log(request(202))

    assert len(written) == 1
