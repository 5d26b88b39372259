"""Simple clients: no subprotocol, no envelope; a frame is a payload and nothing else.

What a frame from such a client means is settled when it connects, by `webpubsub_mode` in the URL.
"""

import attrs

from .._hub.messages import (
    AckError,
    ClientMessage,
    Close,
    CloseCode,
    DataType,
    Event,
    Frame,
    Message,
    Outgoing,
    Payload,
    SendToGroup,
)

__all__ = ["SimpleProtocol"]


@attrs.frozen
class SimpleProtocol:
    """Reads and writes the frames of a simple client.

    Attributes:
        group: The group that each frame is published to; None when each frame is the user event `message`.
        no_echo: Whether the client is spared its own messages.
    """

    group: str | None = None
    no_echo: bool = False

    @property
    def name(self) -> None:
        """No subprotocol."""
        return

    def decode(self, frame: Frame) -> ClientMessage:
        """Read a frame of the client."""
        payload = Payload(DataType.TEXT if isinstance(frame, str) else DataType.BINARY, frame)
        if self.group is None:
            return Event("message", payload)
        return SendToGroup(self.group, payload, self.no_echo)

    def message(self, message: Message) -> Frame:
        """Write a message for the client: its payload, as it was published."""
        return message.payload.data

    def connected(self, connection_id: str, user_id: str | None) -> None:  # noqa: ARG002
        """Say nothing: simple clients get payloads only."""
        return

    def disconnected(self, reason: str) -> None:  # noqa: ARG002
        """Say nothing: simple clients get payloads only."""
        return

    def pong(self) -> None:
        """Say nothing: simple clients get payloads only."""
        return

    def outcome(self, ack_id: int | None, error: AckError | None) -> Outgoing | None:  # noqa: ARG002
        """End the connection when a request failed: there is no other way to tell."""
        if error is None:
            return None
        code = CloseCode.POLICY_VIOLATION if error is AckError.FORBIDDEN else CloseCode.INTERNAL_ERROR
        return Close(code, error.value[1])
