"""Messages leave the drop-in client byte for byte as they leave the official SDK."""

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.support.compat_doors import OURS, PAIRS, Door, driven
from tests.support.server import ACCEPTED, Request, Server, answering

TEXT, OCTETS, JSON = "text/plain", "application/octet-stream", "application/json"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A service that accepts everything and remembers it."""
    with Server(answering(ACCEPTED)) as server:
        yield server


def sent(door: Door, server: Server, message: Any, **options: Any) -> Request:
    """Return what one send brought to the service."""
    credential = _credential()
    with driven(door.client(server.endpoint, "chat", credential)) as service:
        service.send_to_all(message, **options)
    return server.requests[-1]


def _credential() -> Any:
    from azure.core.credentials import AzureKeyCredential

    return AzureKeyCredential("k" * 40)


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MESSAGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a dict": ({"from": "user1", "data": "Hello"}, {}),
    "a list": (["a", 1, None, True, 1.5], {}),
    "text as JSON": ("Hello", {}),
    "text beyond ASCII as JSON": ("Grüße, 世界 🎉", {}),
    "a number": (42, {}),
    "bytes as JSON": (b"\x00\xff", {}),
    "bytes in a dict": ({"picture": b"\x00\xff"}, {}),
    "a moment": ({"at": MOMENT}, {}),
    "a day and a time": ([date(2026, 1, 2), time(3, 4)], {}),
    "a span": ({"left": timedelta(days=1, hours=2, seconds=3.5)}, {}),
    "dict by name": ({"a": 1}, {"content_type": JSON}),
    "JSON with a charset": ({"a": 1}, {"content_type": "application/json; charset=utf-8"}),
    "text": ("Hello", {"content_type": TEXT}),
    "bytes as text": (b"Hello", {"content_type": TEXT}),
    "bytes": (b"\x00\xff", {"content_type": OCTETS}),
    "text as octets": ("Hello", {"content_type": OCTETS}),
    "a byte array": (bytearray(b"\x00\xff"), {"content_type": OCTETS}),
    "a type among the headers": ("Hello", {"headers": {"Content-Type": TEXT}}),
}
STREAMS: dict[str, tuple[type, Any, dict[str, Any]]] = {
    "a binary stream": (io.BytesIO, b"\x00\xff", {"content_type": OCTETS}),
    "a binary stream of JSON": (io.BytesIO, b'{"a":1}', {}),
    "a binary stream as text": (io.BytesIO, b"Hello", {"content_type": TEXT}),
}


@pytest.mark.parametrize(("message", "options"), MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize(("official", "compat"), PAIRS)
def test_a_message_is_sent_as_there(
    official: Door, compat: Door, message: Any, options: dict[str, Any], server: Server
) -> None:
    """Body and media type."""
    theirs, ours = sent(official, server, message, **options), sent(compat, server, message, **options)

    assert ours.body == theirs.body
    assert media_type(ours) == media_type(theirs)


@pytest.mark.parametrize(("kind", "content", "options"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize(("official", "compat"), PAIRS)
def test_a_stream_is_sent_as_there(
    official: Door, compat: Door, kind: Any, content: Any, options: dict[str, Any], server: Server
) -> None:
    """Read once, and whole."""
    theirs, ours = sent(official, server, kind(content), **options), sent(compat, server, kind(content), **options)

    assert ours.body == theirs.body == content
    assert media_type(ours) == media_type(theirs)


def media_type(request: Request) -> str:
    """Return the media type that a request names."""
    return request.headers["content-type"].partition(";")[0]


FORMS: dict[str, tuple[dict[str, Any], bytes]] = {
    "text": ({"a": "b c", "d": "ä&"}, b"a=b+c&d=%C3%A4%26"),
    "numbers": ({"a": 1, "b": 2.5}, b"a=1&b=2.5"),
    "lists": ({"a": ["x", "y"], "b": None}, b"a=x&a=y"),
}


@pytest.mark.parametrize("content_type", [TEXT, OCTETS])
@pytest.mark.parametrize(("message", "expected"), FORMS.values(), ids=FORMS)
def test_a_dict_as_text_is_a_form(message: dict[str, Any], expected: bytes, content_type: str, server: Server) -> None:
    """As it has always been there, and for both colours of ours."""
    (official, compat), (_, compat_aio) = (pair.values for pair in PAIRS)
    bodies = [
        sent(door, server, message, content_type=content_type).body  # type: ignore[arg-type]
        for door in (official, compat, compat_aio)
    ]

    assert bodies == [expected] * 3


@dataclass
class Point:
    """Something that azure-core has no JSON for."""

    x: int


OURS_ALONE: dict[str, tuple[Any, dict[str, Any], bytes]] = {
    "an id": ({"id": uuid.UUID(int=5)}, {}, b'{"id": "00000000-0000-0000-0000-000000000005"}'),
    "a dataclass": (Point(1), {}, b'{"x": 1}'),
    "an iterator": (None, {"content_type": OCTETS}, b"ab"),
    "text beyond ASCII, whole": ("Grüße", {"content_type": TEXT}, "Grüße".encode()),
    "None": (None, {}, b"null"),
}


@pytest.mark.parametrize("name", OURS_ALONE)
@pytest.mark.parametrize("door", OURS)
def test_more_is_taken_than_there(door: Door, name: str, server: Server) -> None:
    """What the native client knows, iterators, which a repetition sends again, and text that is not cut short."""
    message, options, expected = OURS_ALONE[name]
    if name == "an iterator":
        message = iter(["a", b"b"])

    assert sent(door, server, message, **options).body == expected


REFUSED: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "NaN": ({"a": float("nan")}, {}, ValueError, "NaN or an infinity"),
    "itself": ((cycle := [], cycle.append(cycle))[0], {}, ValueError, "contains itself"),  # type: ignore[var-annotated, func-returns-value]
    "an unknown type": ("hi", {"content_type": "text/html"}, ValueError, "content_type must be one of"),
    "bytes that are no text": (b"\xff", {"content_type": TEXT}, ValueError, "not UTF-8"),
    "a list as text": (
        ["a"],
        {"content_type": TEXT},
        TypeError,
        "message is of type list and cannot be sent as text/plain",
    ),
    "a number as text": (
        5,
        {"content_type": TEXT},
        TypeError,
        "message is of type int and cannot be sent as text/plain",
    ),
    "an object": ({"a": object()}, {}, TypeError, "message holds a value of type object"),
    "an endless number": (10**5000, {}, ValueError, "message holds an endless number"),
    "JSON that is none": (io.BytesIO(b"{"), {}, ValueError, "not valid JSON"),
    "a type that is none": ("hi", {"content_type": 5}, TypeError, "content_type must be a str"),
}


@pytest.mark.parametrize(("message", "options", "kind", "text"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("door", OURS)
def test_what_would_go_out_broken_is_refused(
    door: Door, message: Any, options: dict[str, Any], kind: type[Exception], text: str, server: Server
) -> None:
    """Before anything is sent."""
    before = len(server.requests)

    with pytest.raises(kind, match=text):
        sent(door, server, message, **options)

    assert len(server.requests) == before
