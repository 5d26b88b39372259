"""The journal of an emulator: what it keeps, and how it tells it."""

import time

import pytest

from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._journal import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    Journal,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
    without_secrets,
)

RECORDS: list[tuple[Record, str]] = [
    (
        RequestRecord(1, "POST", "/api/hubs/chat/:send", {}, b'{"a":1}', "chat", "send_to_all", 202, {}, b""),
        "POST /api/hubs/chat/:send -> 202",
    ),
    (
        MessageRecord(2, "chat", Payload(DataType.TEXT, "hi"), ("c1", "c2")),
        "text 'hi' from the server, to 2 connections",
    ),
    (
        MessageRecord(2, "chat", Payload(DataType.JSON, "{}"), (), "room"),
        "json '{}' to group room, to 0 connections",
    ),
    (EventRecord(3, "chat", "order", "c1", "ann", "http://x", {}, b"{}", 200), "event order of ann -> 200"),
    (
        EventRecord(3, "chat", "order", "c1", None, "", {}, b"", None),
        "event order of an anonymous client -> no response",
    ),
    (ConnectionRecord(4, "chat", "c1", "ann", None, "opened"), "ann opened (c1)"),
    (
        ConnectionRecord(4, "chat", "", None, None, "refused", "401"),
        "an anonymous client refused (): 401",
    ),
    (MembershipRecord(5, "chat", "c1", "ann", "room", "joined"), "ann joined room"),
    (FrameRecord(6, "chat", "c1", "in", "{}"), "< c1 '{}'"),
    (FrameRecord(6, "chat", "c1", "out", b"\x00"), "> c1 b'\\x00'"),
    (FaultRecord(7, "chat", "request status=500"), "fault: request status=500"),
]


@pytest.mark.parametrize(("record", "line"), RECORDS, ids=[line for _, line in RECORDS])
def test_each_record_is_a_line(record: Record, line: str) -> None:
    """For a message of a test that failed, and for people who look on."""
    assert str(record) == line


def request_with(status: int, headers: dict[str, str], body: bytes) -> RequestRecord:
    return RequestRecord(1, "POST", "/api/hubs/chat/:send", {}, b"", "chat", "send_to_all", status, headers, body)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (request_with(202, {}, b"ignored"), ""),
        (request_with(401, {"www-authenticate": 'Bearer error="x", error_description="No."'}, b""), "No."),
        (request_with(401, {"www-authenticate": "Bearer"}, b""), ""),
        (request_with(400, {}, b'{"code": "BadRequest", "message": "Wrong."}'), "Wrong."),
        (request_with(400, {}, b'{"code": "BadRequest"}'), '{"code": "BadRequest"}'),
        (request_with(400, {}, b"[]"), "[]"),
        (request_with(502, {}, b" Bad \xff "), "Bad \ufffd"),
    ],
)
def test_a_refusal_is_told_in_words(record: RequestRecord, reason: str) -> None:
    """Those of the challenge, of the message, or what else the body says."""
    assert record.reason == reason


def test_bodies_are_read_as_json() -> None:
    """Those of requests and of events."""
    request, event = RECORDS[0][0], RECORDS[3][0]
    assert isinstance(request, RequestRecord)
    assert isinstance(event, EventRecord)

    assert (request.json(), event.json()) == ({"a": 1}, {})


def test_the_story_leaves_frames_out_and_is_in_order() -> None:
    """There are too many of them; the rest is told by its time, the latest last."""
    journal = Journal(10)
    assert journal.story() == "  nothing"
    for record, _ in reversed(RECORDS):
        journal.add(record)

    lines = journal.story().splitlines()

    assert lines[0] == f"  chat: {RECORDS[0][1]}"
    assert lines[-1] == f"  chat: {RECORDS[-1][1]}"
    assert not any("< c1" in line for line in lines)
    assert len(journal.story(most=2).splitlines()) == 2


def test_it_tells_who_looks_on_and_forgets() -> None:
    """Until they look away."""
    journal, seen = Journal(10), list[Record]()
    journal.observe(seen.append)
    journal.add(RECORDS[0][0])
    journal.stop_observing(seen.append)
    journal.add(RECORDS[1][0])

    assert seen == [RECORDS[0][0]]
    journal.clear()
    assert journal.of(RequestRecord) == []


def test_waiting_in_vain_ends_in_time() -> None:
    """Not before, and not much later."""
    started = time.monotonic()

    assert not Journal(10).wait_for(lambda: False, 0.01)
    assert time.monotonic() - started >= 0.01


def test_secrets_are_left_out_of_headers() -> None:
    """By the name of the header, whatever its case."""
    assert without_secrets({"Authorization": "Bearer x", "Host": "here"}) == {
        "authorization": "REDACTED",
        "host": "here",
    }
    assert without_secrets([("Cookie", "a=b")]) == {"cookie": "REDACTED"}
