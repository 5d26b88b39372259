"""Reliable subprotocols: messages are numbered and kept until the client has them, and a lost socket can be replaced.

Pure, as every session: the time is an argument.
"""

import secrets
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from .._hub.hub import Connection, Hub
from .._hub.messages import Close, CloseCode, Connected, Message, ProtocolError, Send, SequenceAck
from .codec import Codec
from .session import Effect, PubSubSession, WakeAt

__all__ = ["LARGEST_WINDOW", "LONGEST_WINDOW", "RECOVERY_SECONDS", "TOKEN_SECONDS", "ReliableSession", "Window"]

LONGEST_WINDOW = 1000
"""How many messages a client may leave unacknowledged."""

LARGEST_WINDOW = 16 * 1024 * 1024
"""How much a client may leave unacknowledged: characters of text frames plus bytes of binary ones."""

RECOVERY_SECONDS = 30.0
"""How long a session waits for another socket."""

TOKEN_SECONDS = 7 * 24 * 3600.0
"""How long a reconnection token is good, from the greeting on."""

_ENDING_CODES = frozenset({CloseCode.NORMAL, CloseCode.NO_CODE, CloseCode.POLICY_VIOLATION})


class _Numbered(NamedTuple):
    number: int
    size: int
    effects: tuple[Send, ...]


class Window:
    """The messages that a client may not have yet, and the number of the last one."""

    def __init__(self) -> None:
        self._kept: deque[Message] = deque()
        self._sizes: deque[int] = deque()
        self._size = 0
        self.last = 0

    def add(self, message: Message, size: int) -> bool:
        """Keep the next message, whose number is then `last`; return False if there is no room for it."""
        total = self._size + size
        if total > LARGEST_WINDOW or len(self._kept) >= LONGEST_WINDOW:
            return False
        self._size = total
        self._kept.append(message)
        self._sizes.append(size)
        self.last += 1
        return True

    def __len__(self) -> int:
        return len(self._kept)

    def acknowledge(self, sequence_id: int) -> None:
        """Forget every message up to this one.

        Raises:
            ValueError: It has not been sent yet.
        """
        if sequence_id > self.last:
            raise ValueError("sequenceId is greater than that of the last message.")
        while self._kept and self.last - len(self._kept) < sequence_id:
            self._kept.popleft()
            self._size -= self._sizes.popleft()

    def unexpired(self, now: float) -> Iterable[tuple[int, Message]]:
        """List what is kept and still wanted, with its numbers."""
        first = self.last - len(self._kept) + 1
        return [
            (number, message)
            for number, message in enumerate(self._kept, first)
            if message.expires_at is None or now < message.expires_at
        ]


class ReliableSession(PubSubSession):
    """The conversation with a client of a reliable subprotocol."""

    def __init__(self, hub: Hub, connection: Connection, codec: Codec) -> None:
        super().__init__(hub, connection, codec)
        connection.reconnection_token = connection.reconnection_token or secrets.token_urlsafe(32)
        self._window = Window()
        self._key = f"numbered by {type(codec).__name__}"
        self._recover_until: float | None = None

    @property
    def unacknowledged(self) -> int:
        """How many messages wait for their acknowledgement."""
        return len(self._window)

    def opened(self, now: float) -> list[Effect]:
        """Greet the client with a token that is good for a week."""
        self.connection.reconnection_until = now + TOKEN_SECONDS
        return super().opened(now)

    def delivered(self, message: Message, now: float) -> Iterable[Effect]:
        """Number a message and keep it; a client that has left too many unacknowledged is gone for good."""
        if self.ended:
            return ()
        number = self._window.last + 1
        written = message.encoded.get(self._key)
        if not isinstance(written, _Numbered) or written.number != number:
            written = message.encoded[self._key] = self._write(message, number)
        if not written.effects:
            return ()
        if not self._window.add(message, written.size):
            reason = "The reliable message buffer is full."
            return [Close(CloseCode.POLICY_VIOLATION, reason), *self._end(reason, now)]
        return written.effects if self._recover_until is None else ()

    def _write(self, message: Message, number: int) -> "_Numbered":
        """Write a message for every client that has as many of them as this one."""
        outgoing = self.codec.encode(message, number)
        if not isinstance(outgoing, Send):
            return _Numbered(number, 0, ())
        return _Numbered(number, len(outgoing.frame), (outgoing,))

    def socket_lost(self, code: int, now: float) -> list[Effect]:
        """Wait for another socket, unless the client has said goodbye or the service has given it up."""
        if code in _ENDING_CODES or self.ended:
            return super().socket_lost(code, now)
        self._recover_until = now + RECOVERY_SECONDS
        return [WakeAt(self._recover_until)]

    def time_passed(self, now: float) -> list[Effect]:
        """End if nobody came back in time; close streams that have been idle for too long."""
        if self._recover_until is None or now < self._recover_until:
            return super().time_passed(now)
        return self._end("The connection recovery timeout expired.", now)

    def resumed(self, now: float) -> list[Effect]:
        """Repeat what the client may not have, in order; there is no second greeting."""
        self._recover_until = None
        repeated = (self.codec.encode(message, number) for number, message in self._window.unexpired(now))
        return [outgoing for outgoing in repeated if outgoing is not None]

    def _greeting(self) -> Connected:
        connection = self.connection
        return Connected(connection.connection_id, connection.user_id, connection.reconnection_token)

    def _acknowledge(self, message: SequenceAck) -> None:
        try:
            self._window.acknowledge(message.sequence_id)
        except ValueError as error:
            raise ProtocolError(CloseCode.INVALID_PAYLOAD, str(error)) from None
