"""The frames of simple clients: payloads, and nothing around them."""

import pytest

from webpubsub.emulator._clients.simple import SimpleProtocol
from webpubsub.emulator._hub.messages import (
    AckError,
    ClientMessage,
    Close,
    DataType,
    Event,
    Frame,
    Message,
    Payload,
    SendToGroup,
    Subprotocol,
)

TEXT, BINARY = Payload(DataType.TEXT, "x"), Payload(DataType.BINARY, b"x")

FRAMES: list[tuple[SimpleProtocol, Frame, ClientMessage]] = [
    (SimpleProtocol(), "x", Event("message", TEXT)),
    (SimpleProtocol(), b"x", Event("message", BINARY)),
    (SimpleProtocol("g"), "x", SendToGroup("g", TEXT)),
    (SimpleProtocol("g", no_echo=True), b"x", SendToGroup("g", BINARY, no_echo=True)),
]


@pytest.mark.parametrize(("protocol", "frame", "message"), FRAMES)
def test_a_frame_means_what_the_mode_says(protocol: SimpleProtocol, frame: Frame, message: ClientMessage) -> None:
    """Each frame is a user event, or a message to the group of the URL."""
    assert protocol.decode(frame) == message


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
    assert SimpleProtocol().message(Message(payload, "g", "ann", {"k": "v"})) == frame


OUTCOMES = [(None, None), (AckError.FORBIDDEN, 1008), (AckError.INTERNAL_SERVER_ERROR, 1011)]


@pytest.mark.parametrize(("error", "code"), OUTCOMES)
def test_failure_ends_the_connection(error: AckError | None, code: int | None) -> None:
    """Without acknowledgements, closing is the only way to say that something failed."""
    outcome = SimpleProtocol().outcome(None, error)

    assert (outcome.code if isinstance(outcome, Close) else outcome) == code


def test_nothing_else_is_said() -> None:
    """There is no greeting, no farewell and no pong."""
    protocol: Subprotocol = SimpleProtocol()

    said = protocol.connected("c", None), protocol.disconnected("bye"), protocol.pong()

    assert (protocol.name, said) == (None, (None, None, None))
