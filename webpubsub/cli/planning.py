"""`webpubsub plan`: how many units a load needs, which row of the documented capacity limits it, and what is billed.

The figures, and the pages that they are from, are in `webpubsub.capacity`. A message is counted in whole pieces of
2 KB, which is the cautious reading of those pages.
"""

import json
import math
from typing import NamedTuple

import click

from webpubsub.capacity import (
    BILLED_BYTES,
    CONNECTIONS_PER_UNIT,
    DELIVERIES_PER_SECOND,
    MESSAGES_PER_UNIT_AND_DAY,
    SENDS_TO_GROUPS_PER_SECOND,
    SENDS_TO_USERS_PER_SECOND,
    UNITS,
    UNITS_OF_PREMIUM_P2,
    UTILIZATION_IN_PRODUCTION,
    pieces,
)

from .output import examples, show_rows

__all__ = ["Load", "Need", "needs", "plan"]

SECONDS_PER_DAY = 86_400
_SOURCE = "concept-performance, concept-billing-model in the documentation of Azure Web PubSub"
_MOST_UNITS = UNITS_OF_PREMIUM_P2[-1]
_ADVICE = f"the documents advise to use no more than {UTILIZATION_IN_PRODUCTION:.0%} of them"


class Load(NamedTuple):
    """What is to be carried.

    Attributes:
        connections: Clients that are connected at once.
        group_size: Clients that get each message.
        rate: Messages that are sent in a second, all groups together.
        bytes: The size of a message.
    """

    connections: int
    group_size: int
    rate: float
    bytes: int


class Need(NamedTuple):
    """What one row of the capacity asks for."""

    limit: str
    wanted: float
    per_unit: float

    @property
    def units(self) -> int:
        """Units that are enough for this row."""
        return self.units_at(1.0)

    def units_at(self, utilization: float) -> int:
        """Units of which this row uses no more than a part, from 0 to 1."""
        return max(1, math.ceil(round(self.wanted / self.per_unit / utilization, 9)))


def needs(load: Load) -> list[Need]:
    """Hold a load against each row of the documented capacity."""
    weight = max(1.0, load.bytes / BILLED_BYTES)
    return [
        Need("connections", load.connections, CONNECTIONS_PER_UNIT),
        Need("deliveries of 2 KB per second", load.rate * load.group_size * weight, _deliveries(load.group_size)),
        Need("messages sent per second", load.rate, _sends(load.group_size)),
    ]


def _sends(group_size: int) -> int:
    return SENDS_TO_USERS_PER_SECOND if group_size == 1 else SENDS_TO_GROUPS_PER_SECOND


def _deliveries(group_size: int) -> int:
    return next((rate for size, rate in DELIVERIES_PER_SECOND.items() if group_size <= size), 3000)


def billed_per_day(load: Load) -> int:
    """Count the messages that are billed for a day: outbound traffic, in pieces of 2 KB."""
    return round(load.rate * load.group_size * pieces(load.bytes) * SECONDS_PER_DAY)


@click.command(epilog=examples("plan --connections 12000 --group-size 40 --rate 5 --bytes 900"))
@click.option("--connections", type=click.IntRange(min=1), required=True, help="Clients that are connected at once.")
@click.option("--group-size", type=click.IntRange(min=1), required=True, help="Clients that get each message.")
@click.option(
    "--rate", type=click.FloatRange(min=0), required=True, help="Messages sent per second, all groups together."
)
@click.option("--bytes", "size", type=click.IntRange(min=1, max=1_048_576), required=True, help="Size of a message.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def plan(connections: int, group_size: int, rate: float, size: int, output: str) -> None:
    """Say how many units a load needs, what limits it, and what is billed per day."""
    load = Load(connections, group_size, rate, size)
    rows = needs(load)
    limiting = max(rows, key=lambda need: need.units)
    units = _for_sale(limiting.units)
    advised = _for_sale(max(need.units_at(UTILIZATION_IN_PRODUCTION) for need in rows))
    billed = billed_per_day(load)
    included = None if units is None else units * MESSAGES_PER_UNIT_AND_DAY
    if output == "json":
        document = {
            "units": units,
            "tiers": _tiers(units),
            "limit": limiting.limit,
            "unitsInProduction": advised,
            "billedMessagesPerDay": billed,
            "includedMessagesPerDay": included,
            "source": _SOURCE,
        }
        click.echo(json.dumps(document))
        return
    show_rows(
        [
            {
                "limit": need.limit,
                "wanted": f"{need.wanted:,.0f}",
                "per unit": f"{need.per_unit:,.0f}",
                "units": need.units,
            }
            for need in rows
        ],
        output,
        empty="",
    )
    click.echo()
    if units is None or included is None:
        click.echo(f"More than {_MOST_UNITS:,} units: {limiting.limit}. Split the load over several resources.")
    else:
        click.echo(f"{_named(units)}; {limiting.limit} is what limits.")
        if advised is None:
            click.echo(f"In production, that is more than {_MOST_UNITS:,} units: {_ADVICE}.")
        else:
            click.echo(f"In production {_named(advised)}: {_ADVICE}.")
        click.echo(
            f"{billed:,} messages are billed per day; {included:,} are included, {max(0, billed - included):,} are not."
        )
    click.echo(f"Source: {_SOURCE}.")


def _for_sale(needed: int) -> int | None:
    """Return the smallest number of units that a resource can have and that is enough."""
    return next((count for count in (*UNITS, *UNITS_OF_PREMIUM_P2) if count >= needed), None)


def _named(units: int) -> str:
    return f"{units:,} unit{'s' if units > 1 else ''} ({' or '.join(_tiers(units))})"


def _tiers(units: int | None) -> list[str]:
    """Name the tiers that have so many units."""
    tiers = {"Standard": UNITS, "Premium P1": UNITS, "Premium P2": UNITS_OF_PREMIUM_P2}
    return [tier for tier, counts in tiers.items() if units in counts]
