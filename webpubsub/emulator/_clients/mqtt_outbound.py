"""Messages of quality of service 1 and 2 on their way to one client: which are under way, and which wait. Pure."""

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from attrs import evolve

from .mqtt_packets import Publish, PubRel

__all__ = ["LARGEST_OUTBOUND", "LONGEST_OUTBOUND", "Outbound"]

LONGEST_OUTBOUND = 1000
"""How many messages a client may have to acknowledge yet."""

LARGEST_OUTBOUND = 16 * 1024 * 1024
"""How many bytes of payload a client may have to acknowledge yet."""

_LARGEST_ID = 65_535


class _Waiting(NamedTuple):
    packet: Publish
    expires_at: float | None


class Outbound:
    """What a session owes its client, whether there is a network connection or not."""

    def __init__(self) -> None:
        self.receive_maximum = _LARGEST_ID
        self._under_way: dict[int, Publish | PubRel] = {}
        self._sizes: dict[int, int] = {}
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._under_way) + len(self._waiting)

    def add(self, packet: Publish, expires_at: float | None) -> bool:
        """Put a message in line, which has no packet identifier yet; return False if there is no room for it."""
        if len(self._under_way) + len(self._waiting) >= LONGEST_OUTBOUND:
            return False
        if self._size + len(packet.payload) > LARGEST_OUTBOUND:
            return False
        self._waiting.append(_Waiting(packet, expires_at))
        self._size += len(packet.payload)
        return True

    def due(self, now: float) -> Iterator[Publish]:
        """Begin with what the client has room for, leaving out what has expired."""
        while self._waiting and len(self._under_way) < self.receive_maximum:
            packet, expires_at = self._waiting.popleft()
            if expires_at is not None and now >= expires_at:
                self._size -= len(packet.payload)
                continue
            packet_id = self._next_id()
            packet = evolve(with_time_left(packet, expires_at, now), packet_id=packet_id)
            self._under_way[packet_id] = packet
            self._sizes[packet_id] = len(packet.payload)
            yield packet

    def again(self) -> list[Publish | PubRel]:
        """List what a client that has come back may not have got, in order."""
        return [
            evolve(packet, dup=True) if isinstance(packet, Publish) else packet for packet in self._under_way.values()
        ]

    def received(self, packet_id: int) -> bool:
        """Note that the client has a message of quality of service 2; return False if none has this identifier."""
        packet = self._under_way.get(packet_id)
        if packet is None or (isinstance(packet, Publish) and packet.qos != 2):
            return False
        self._under_way[packet_id] = PubRel(packet_id)
        return True

    def finished(self, packet_id: int) -> bool:
        """Forget a message; return False if none has this identifier."""
        if self._under_way.pop(packet_id, None) is None:
            return False
        self._size -= self._sizes.pop(packet_id)
        return True

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % _LARGEST_ID + 1
            if self._last_id not in self._under_way:
                return self._last_id


def with_time_left(packet: Publish, expires_at: float | None, now: float) -> Publish:
    """Tell how long a message is of use, in whole seconds."""
    if expires_at is None:
        return packet
    left = max(0, math.ceil(expires_at - now))
    return evolve(packet, properties=evolve(packet.properties, message_expiry_interval=left))
