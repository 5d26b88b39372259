"""The frames that wait for one client: in which order, from when on and until when they may be sent.

Pure: the time is an argument, in seconds of any clock that does not go back.
"""

from collections import deque
from typing import NamedTuple

from .._hub.messages import Close, Outgoing, Send

__all__ = ["LARGEST_QUEUE", "LONGEST_QUEUE", "SendQueue"]

LONGEST_QUEUE = 10_000
"""How many frames may wait for one client."""

LARGEST_QUEUE = 16 * 1024 * 1024
"""How much may wait for one client: characters of text frames plus bytes of binary ones."""


class _Waiting(NamedTuple):
    outgoing: Outgoing
    not_before: float
    expires_at: float | None


class SendQueue:
    """Frames in the order in which they were put, until the connection's end is put.

    Attributes:
        is_idle: Whether a frame need not wait: nothing does, and the end has not been put. Read for every delivery.
    """

    def __init__(self, ack_delay_seconds: float) -> None:
        self._ack_delay_seconds = ack_delay_seconds
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._ended = False
        self.is_idle = True

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def ended(self) -> bool:
        """Whether the end of the connection has been put; nothing is accepted after it."""
        return self._ended

    def put(self, outgoing: Outgoing, now: float) -> bool:
        """Add a frame or the end; return False if there was no room for it."""
        if self._ended:
            return True
        if isinstance(outgoing, Close):
            self._ended = True
            self.is_idle = False
            self._waiting.append(_Waiting(outgoing, now, None))
            return True
        if len(self._waiting) >= LONGEST_QUEUE or self._size + len(outgoing.frame) > LARGEST_QUEUE:
            return False
        not_before = now + self._ack_delay_seconds if outgoing.is_ack else now
        self._waiting.append(_Waiting(outgoing, not_before, outgoing.expires_at))
        self._size += len(outgoing.frame)
        self.is_idle = False
        return True

    def end(self) -> None:
        """Drop what waits and accept nothing any more."""
        self._ended = True
        self.is_idle = False
        self._waiting.clear()
        self._size = 0

    def take(self, now: float) -> Outgoing | float | None:
        """Return what is to be sent now, or how many seconds to wait for it, or None if nothing waits."""
        while self._waiting:
            outgoing, not_before, expires_at = self._waiting[0]
            if not_before > now:
                return not_before - now
            self._waiting.popleft()
            self.is_idle = not self._waiting and not self._ended
            if isinstance(outgoing, Send):
                self._size -= len(outgoing.frame)
            if expires_at is None or now < expires_at:
                return outgoing
        return None
