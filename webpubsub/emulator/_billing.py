"""The meter: what real traffic of an emulator would be billed as by the service."""

from collections.abc import Iterable

import attrs

from webpubsub.capacity import BILLED_BYTES, billed_messages, pieces

from ._hub.names import hub_key

__all__ = ["Billing", "HubMeter", "Meter"]


@attrs.frozen
class Billing:
    """What has left the emulator, and what the service bills for it.

    A reading of its meter. Subtract an earlier reading for the cost of what happened between the two.

    Example:
        >>> from webpubsub import WebPubSubServiceClient
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator, emulator.connect("chat", user_id="ann") as ann:
        ...     before = emulator.billing
        ...     with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        ...         service.send_to_user("ann", "x" * 4096)
        ...     message = ann.receive()
        ...     cost = emulator.billing - before
        >>> cost.deliveries, round(cost.messages, 1)
        (1, 2.0)

    Attributes:
        deliveries: Messages that went out to clients, once for each client, repetitions included.
        delivered_bytes: The bytes of their frames, without the headers of WebSocket.
        events: Requests that went to event handlers, once for each try.
        event_bytes: The bytes of their bodies.
        rounded_up: The messages that would be billed if each delivery and each request were counted by itself, in whole
            pieces of 2 KB. The documents of the service divide its traffic as a whole; this is never less than that.
    """

    deliveries: int = 0
    delivered_bytes: int = 0
    events: int = 0
    event_bytes: int = 0
    rounded_up: int = 0

    @property
    def messages(self) -> float:
        """The messages that are billed: outbound traffic divided by 2 KB."""
        return billed_messages(self.delivered_bytes + self.event_bytes)

    def __add__(self, other: "Billing") -> "Billing":
        if not isinstance(other, Billing):
            return NotImplemented
        return Billing(*map(sum, zip(attrs.astuple(self), attrs.astuple(other), strict=True)))

    def __sub__(self, earlier: "Billing") -> "Billing":
        if not isinstance(earlier, Billing):
            return NotImplemented
        return Billing(*(now - then for now, then in zip(attrs.astuple(self), attrs.astuple(earlier), strict=True)))

    def __str__(self) -> str:
        return (
            f"{self.messages:.2f} messages billed: {self.delivered_bytes} bytes in {self.deliveries} deliveries to "
            f"clients, {self.event_bytes} bytes in {self.events} requests to event handlers"
        )


@attrs.define(eq=False)
class HubMeter:
    """What has left one hub. Written by the emulator's loop only."""

    deliveries: int = 0
    delivered_bytes: int = 0
    events: int = 0
    event_bytes: int = 0
    more_pieces: int = 0

    def delivered(self, size: int) -> None:
        """Count a message for a client."""
        self.deliveries += 1
        self.delivered_bytes += size
        if size > BILLED_BYTES:
            self.more_pieces += pieces(size) - 1

    def called(self, size: int, times: int) -> None:
        """Count a request to an event handler, and its repetitions."""
        self.events += times
        self.event_bytes += size * times
        self.more_pieces += (pieces(size) - 1) * times

    @property
    def reading(self) -> Billing:
        """What it shows now."""
        rounded_up = self.deliveries + self.events + self.more_pieces
        return Billing(self.deliveries, self.delivered_bytes, self.events, self.event_bytes, rounded_up)


class Meter:
    """The meter of one emulator, with one for each hub."""

    def __init__(self) -> None:
        self._hubs: dict[str, HubMeter] = {}

    def hub(self, name: str) -> HubMeter:
        """Return the meter of a hub; names are compared without regard to case."""
        return self._hubs.setdefault(hub_key(name), HubMeter())

    def reading(self, hub: str | None = None) -> Billing:
        """Return what has left a hub, or all of them."""
        if hub is None:
            return _sum(meter.reading for meter in tuple(self._hubs.values()))
        meter = self._hubs.get(hub_key(hub))
        return Billing() if meter is None else meter.reading


def _sum(readings: Iterable[Billing]) -> Billing:
    return sum(readings, Billing())
