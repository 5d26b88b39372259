"""The WebSocket protocol without sockets: handshake, frames, and what breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from tests.support.tables import every_row
from webpubsub.emulator._clients.websocket import (
    Closed,
    Control,
    FrameReader,
    WebSocketError,
    accept_key,
    close_frame,
)
from webpubsub.emulator._clients.websocket import Opcode as Ours
from webpubsub.emulator._hub.messages import CloseCode
from webpubsub.emulator._hub.wire import write_frame

LARGEST = 1000


def client_frame(opcode: Opcode, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=mask)


def test_the_handshake_is_accepted_as_the_standard_says() -> None:
    """The example of RFC 6455, section 1.3; a key that is none has no response."""
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert [accept_key(key) for key in ("", "short", "dGhlIHNhbXBsZSBub25jZQ=", "é")] == [None] * 4


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
def test_frames_are_written_as_the_standard_says(size: int) -> None:
    """The same bytes as another implementation writes, in every form of the length."""
    assert write_frame(Ours.TEXT, b"x" * size) == client_frame(Opcode.TEXT, b"x" * size, mask=False)


def test_a_long_reason_is_cut_between_characters() -> None:
    """A close frame has room for 123 bytes, and must be UTF-8."""
    frame = close_frame(1008, "é" * 100)

    assert frame == client_frame(Opcode.CLOSE, b"\x03\xf0" + "é".encode() * 61, mask=False)


STREAMS = [
    (client_frame(Opcode.TEXT, "é".encode()), ["é"]),
    (client_frame(Opcode.BINARY, b"\xff"), [b"\xff"]),
    (client_frame(Opcode.TEXT) + client_frame(Opcode.BINARY), ["", b""]),
    (client_frame(Opcode.TEXT, b"x" * 126) + client_frame(Opcode.TEXT, b"y" * LARGEST), ["x" * 126, "y" * LARGEST]),
    (
        client_frame(Opcode.TEXT, b"\xc3", fin=False)
        + client_frame(Opcode.PING, b"p")
        + client_frame(Opcode.CONT, b"", fin=False)
        + client_frame(Opcode.CONT, b"\xa9")
        + client_frame(Opcode.TEXT, b"z"),
        [Control(Ours.PING, b"p"), "é", "z"],
    ),
    (client_frame(Opcode.PONG, b"x" * 125), [Control(Ours.PONG, b"x" * 125)]),
    (client_frame(Opcode.CLOSE), [Closed(CloseCode.NO_CODE)]),
    (client_frame(Opcode.CLOSE, b"\x03\xe8bye"), [Closed(1000)]),
    (client_frame(Opcode.CLOSE, b"\x0f\xa0"), [Closed(4000)]),
]


@every_row(("stream", "messages"), STREAMS, ids=range(len(STREAMS)))
@every_row("size", [1, 3, 10_000])
def test_messages_are_put_together(stream: bytes, messages: list[object], size: int) -> None:
    """Whatever the pieces in which the stream comes, and whatever stands between fragments."""
    reader = FrameReader(LARGEST)

    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

    assert [message for piece in pieces for message in reader.feed(piece)] == messages


VIOLATIONS = {
    "unmasked": (client_frame(Opcode.TEXT, b"{}", mask=False), 1002),
    "unmasked and empty": (client_frame(Opcode.PING, mask=False), 1002),
    "reserved bit": (b"\xc1\x80\0\0\0\0", 1002),
    "unknown opcode": (b"\x83\x80\0\0\0\0", 1002),
    "long ping": (b"\x89\xfe\0\x7e", 1002),
    "fragmented ping": (b"\x09\x80\0\0\0\0", 1002),
    "continuation of nothing": (client_frame(Opcode.CONT, b"x"), 1002),
    "text within text": (client_frame(Opcode.TEXT, b"x", fin=False) + client_frame(Opcode.TEXT), 1002),
    "close with half a code": (client_frame(Opcode.CLOSE, b"x"), 1002),
    "close with a code that is never sent": (client_frame(Opcode.CLOSE, b"\x03\xee"), 1002),
    "close with bytes that are no text": (client_frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
    "text that is not UTF-8": (client_frame(Opcode.TEXT, b"\xff"), 1007),
    "too long": (client_frame(Opcode.TEXT, b"x" * (LARGEST + 1))[:4], 1009),
    "too long in pieces": (
        client_frame(Opcode.TEXT, b"x" * LARGEST, fin=False) + client_frame(Opcode.CONT, b"x")[:6],
        1009,
    ),
}


@pytest.mark.parametrize(("stream", "code"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_what_breaks_the_protocol_is_told_by_its_code(stream: bytes, code: int) -> None:
    """As soon as a header shows it, before the payload has come."""
    with pytest.raises(WebSocketError) as violation:
        list(FrameReader(LARGEST).feed(stream))

    assert violation.value.code == code


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_noise_is_a_violation_and_nothing_worse(pieces: list[bytes]) -> None:
    """No bytes make the reader fail in any other way, or give out something that is too long."""
    reader = FrameReader(20)
    try:
        messages = [message for piece in pieces for message in reader.feed(piece)]
    except WebSocketError:
        return

    assert all(len(message) <= 20 for message in messages if isinstance(message, str | bytes))
