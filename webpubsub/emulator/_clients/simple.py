"""Simple clients: no subprotocol, no envelope; a frame is a payload and nothing else.

What a frame from such a client means is settled when it connects, by `webpubsub_mode` in the URL.
"""

from collections.abc import Iterable

import attrs

from .._hub.messages import (
    Ack,
    ClientMessage,
    Close,
    CloseCode,
    DataType,
    Event,
    Frame,
    Message,
    Outgoing,
    Payload,
    Send,
    SendToGroup,
    ServerMessage,
)

__all__ = ["SimpleCodec"]


@attrs.frozen
class SimpleCodec:
    """Writes and reads the frames of a simple client.

    Attributes:
        group: The group that each frame is published to; None when each frame is the user event `message`.
        no_echo: Whether the client is spared its own messages.
    """

    shared = True

    group: str | None = None
    no_echo: bool = False

    def decode(self, frame: Frame) -> Iterable[ClientMessage]:
        """Read a frame of the client: one message."""
        payload = Payload(DataType.TEXT if isinstance(frame, str) else DataType.BINARY, frame)
        if self.group is None:
            return (Event("message", payload),)
        return (SendToGroup(self.group, payload, self.no_echo),)

    def encode(self, message: ServerMessage, sequence_id: int | None = None) -> Outgoing | None:  # noqa: ARG002
        """Write the payload of a message; end the connection when a request failed: there is no other way to tell."""
        match message:
            case Message(payload) if not message.is_only_an_end:
                return Send(payload.data, message.expires_at, is_message=True)
            case Ack(_, failure) if failure is not None:
                code = CloseCode.POLICY_VIOLATION if failure.name == "Forbidden" else CloseCode.INTERNAL_ERROR
                return Close(code, failure.message)
        return None
