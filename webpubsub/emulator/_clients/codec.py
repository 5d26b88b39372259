"""What a codec is: how one connection's frames are written and read."""

from collections.abc import Iterable
from typing import Protocol

from .._hub.messages import ClientMessage, Frame, Outgoing, ServerMessage

__all__ = ["Codec"]


class Codec(Protocol):
    """Writes and reads the frames of one connection. Each connection has one of its own, which may keep state."""

    @property
    def shared(self) -> bool:
        """Whether every connection of the subprotocol gets the same frame for the same message.

        Such a codec has no state that changes what it writes.
        """
        ...

    def decode(self, frame: Frame) -> Iterable[ClientMessage]:
        """Read a frame of the client: none, one or several messages.

        Raises:
            ProtocolError: The subprotocol does not allow the frame.
        """
        ...

    def encode(self, message: ServerMessage, sequence_id: int | None = None) -> Outgoing | None:
        """Write what a client is told; None where this kind of client is not told it.

        Args:
            message: What it is told.
            sequence_id: The number of the message, in subprotocols that number them.
        """
        ...
