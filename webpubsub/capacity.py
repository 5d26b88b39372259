"""What the service can carry, includes and bills, as its documents say; figures and arithmetic, no I/O.

The pages are "Performance guide for Azure Web PubSub Service" (concept-performance) and "Billing model of Azure Web
PubSub service" (concept-billing-model) in the documentation of Azure, with its guide to scaling
(howto-scale-manual-scale) for the units that a resource can have. Capacity is that of one unit, for messages of
2 KB and a 99th percentile under a second, and grows linearly with units.

Example:
    >>> from webpubsub.capacity import billed_messages
    >>> billed_messages(4096 + 10 * 4096)  # 4 KB to an event handler, and from there to 10 clients
    22.0
"""

__all__ = [
    "BILLED_BYTES",
    "CONNECTIONS_PER_UNIT",
    "DELIVERIES_PER_SECOND",
    "FREE_CONNECTIONS",
    "FREE_MESSAGES_PER_DAY",
    "MESSAGES_PER_UNIT_AND_DAY",
    "SENDS_TO_GROUPS_PER_SECOND",
    "SENDS_TO_USERS_PER_SECOND",
    "UNITS",
    "UNITS_OF_PREMIUM_P2",
    "UTILIZATION_IN_PRODUCTION",
    "billed_messages",
    "pieces",
]

BILLED_BYTES = 2048
"""How many bytes of outbound traffic are one billed message."""

MESSAGES_PER_UNIT_AND_DAY = 1_000_000
"""How many billed messages come with a unit each day."""

CONNECTIONS_PER_UNIT = 1000
"""How many clients can be connected to a unit at once."""

UNITS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""How many units a resource of the tiers Standard and Premium P1 can have."""

UNITS_OF_PREMIUM_P2 = (100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
"""How many units a resource of the tier Premium P2 can have."""

UTILIZATION_IN_PRODUCTION = 0.8
"""How much of its units a resource should use at most before it gets more, as the billing model advises."""

FREE_CONNECTIONS = 20
"""How many clients can be connected in the free tier."""

FREE_MESSAGES_PER_DAY = 20_000
"""How many billed messages the free tier has each day; there are no more."""

SENDS_TO_USERS_PER_SECOND = 180
"""REST requests to one user each, in a second and unit."""

SENDS_TO_GROUPS_PER_SECOND = 400
"""Messages into small groups, in a second and unit."""

DELIVERIES_PER_SECOND = {10: 4000, 100: 3000, 1000: 3000}
"""Deliveries in a second and unit, by the size of the group.

400 messages a second go into groups of 10, 30 into groups of 100, and 3 to 1,000 clients.
"""


def billed_messages(outbound_bytes: float) -> float:
    """Turn outbound traffic into the messages that are billed for it.

    Only what leaves the service counts: to clients, and to event handlers.
    """
    return outbound_bytes / BILLED_BYTES


def pieces(size: int) -> int:
    """Count one message that is sent out in whole pieces of 2 KB, one at least.

    That is how Azure SignalR Service counts. The documents of Web PubSub divide the traffic as a whole, which is never
    more than this.

    Args:
        size: Bytes.
    """
    return max(1, -(-size // BILLED_BYTES))
