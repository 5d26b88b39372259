"""The frames of simple clients: payloads, and nothing around them."""

import pytest

from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import (
    Ack,
    ClientMessage,
    Close,
    Connected,
    DataType,
    Disconnected,
    Event,
    Failure,
    Frame,
    Message,
    Payload,
    Pong,
    Send,
    SendToGroup,
)

TEXT, BINARY = Payload(DataType.TEXT, "x"), Payload(DataType.BINARY, b"x")

FRAMES: list[tuple[SimpleCodec, Frame, ClientMessage]] = [
    (SimpleCodec(), "x", Event("message", TEXT)),
    (SimpleCodec(), b"x", Event("message", BINARY)),
    (SimpleCodec("g"), "x", SendToGroup("g", TEXT)),
    (SimpleCodec("g", no_echo=True), b"x", SendToGroup("g", BINARY, no_echo=True)),
]


@pytest.mark.parametrize(("codec", "frame", "message"), FRAMES)
def test_a_frame_means_what_the_mode_says(codec: SimpleCodec, frame: Frame, message: ClientMessage) -> None:
    """Each frame is a user event, or a message to the group of the URL."""
    assert list(codec.decode(frame)) == [message]


PAYLOADS: list[tuple[Payload, Frame]] = [
    (Payload(DataType.JSON, '{"a" : 1.0}'), '{"a" : 1.0}'),
    (Payload(DataType.JSON, '"x"'), '"x"'),
    (TEXT, "x"),
    (BINARY, b"x"),
    (Payload(DataType.PROTOBUF, b"x"), b"x"),
]


@pytest.mark.parametrize(("payload", "frame"), PAYLOADS)
def test_a_message_is_its_payload(payload: Payload, frame: Frame) -> None:
    """JSON and text come as text frames, the rest as binary ones; where from is not told."""
    assert SimpleCodec().encode(Message(payload, "g", "ann", {"k": "v"})) == Send(frame)


OUTCOMES = [(None, None), (Failure("Forbidden", "no"), 1008), (Failure("InternalServerError", "no"), 1011)]


@pytest.mark.parametrize(("failure", "code"), OUTCOMES)
def test_failure_ends_the_connection(failure: Failure | None, code: int | None) -> None:
    """Without acknowledgements, closing is the only way to say that something failed."""
    outcome = SimpleCodec().encode(Ack(None, failure))

    assert (outcome.code if isinstance(outcome, Close) else outcome) == code


def test_nothing_else_is_said() -> None:
    """There is no greeting, no farewell and no pong."""
    said = Connected("c", None), Disconnected("bye"), Pong()

    assert [SimpleCodec().encode(message) for message in said] == [None, None, None]
