"""`webpubsub load`: how long messages take from send to receipt, while many clients listen.

Whether the service can carry this is for its owner to find out: other addresses than loopback are
refused unless the user says so.
"""

import asyncio
import json
import secrets
import time
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import click
from hdrh.histogram import HdrHistogram
from rich.console import Console
from rich.progress import Progress

from webpubsub import ServiceError, TransportError
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.capacity import CONNECTIONS_PER_UNIT, DELIVERIES_PER_SECOND

from .interrupts import run
from .output import examples, show_rows
from .service import Service, is_loopback, speaks_to_a_service
from .websocket import websocket_of

__all__ = ["load"]

_LONGEST_MICROSECONDS = 60_000_000
_DIGITS = 3
_SETTLE_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_OPENING_AT_ONCE = 50
_DOCUMENTED = {
    "clients": CONNECTIONS_PER_UNIT,
    "deliveries per second": DELIVERIES_PER_SECOND[1000],
    "p99 ms": 1000,
}
"""What one unit can do, for messages of 2 KB."""
_SOURCE = "one unit, 2 KB messages; concept-performance in the documentation of Azure Web PubSub"


@click.command(epilog=examples("load chat --clients 500 --rate 50 --size 2048 --seconds 30 --local"))
@click.argument("hub")
@click.option("--clients", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Clients that listen.")
@click.option("--rate", type=click.FloatRange(min=0.1), default=10, show_default=True, help="Messages per second.")
@click.option("--size", type=click.IntRange(64, 1_000_000), default=2048, show_default=True, help="Bytes of a message.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=10, show_default=True, help="How long to send.")
@click.option("--i-own-this-resource", is_flag=True, help="Allow another address than this machine.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@speaks_to_a_service
def load(
    service: Service,
    hub: str,
    clients: int,
    rate: float,
    size: int,
    seconds: float,
    i_own_this_resource: bool,
    output: str,
) -> int:
    """Send to HUB while clients listen, and measure."""
    if not i_own_this_resource and not is_loopback(urlsplit(service.endpoint).hostname or ""):
        raise click.UsageError(
            f"{service.endpoint} is not this machine. A load costs money and may hurt others: "
            "say --i-own-this-resource if it is yours."
        )
    measured: dict[str, Any] = {}
    failure = ""  # what is raised within `except*` leaves it as a group
    try:
        measured = run(_run(service, hub, clients, max(1, round(rate * seconds)), rate, size))
    except* aiohttp.WSServerHandshakeError as errors:
        failure = f"The service does not let a client in ({_first(errors).status})."
    except* (aiohttp.ClientError, OSError) as errors:
        failure = f"A WebSocket cannot be opened: {_first(errors)}.{service.advice}"
    if failure:
        raise click.ClickException(failure)
    if output == "json":
        click.echo(json.dumps({**measured, "documented": {**_DOCUMENTED, "source": _SOURCE}}))
    else:
        rows = [{"": name, "measured": value, "documented": _DOCUMENTED.get(name)} for name, value in measured.items()]
        show_rows(rows, output, empty="")
        click.echo(f"Documented: {_SOURCE}.")
    return 1 if any(measured[name] for name in ("refused", "broken", "lost", "duplicated")) else 0


def _first(errors: BaseExceptionGroup[Any]) -> Any:
    error: Any = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Tally:
    """What was sent and what all clients received; messages of others on the hub do not count.

    Args:
        count: How many messages there will be.
        clients: How many clients there are.
    """

    def __init__(self, count: int, clients: int) -> None:
        self.run = secrets.token_hex(4)
        self.histogram = HdrHistogram(1, _LONGEST_MICROSECONDS, _DIGITS)
        self.accepted: set[int] = set()
        self.refused = 0
        self.broken = 0
        self.received = 0
        self.duplicated = 0
        self.out_of_order = 0
        self._seen = [bytearray(count) for _ in range(clients)]
        self._last = [-1] * clients

    def text(self, number: int, size: int) -> str:
        """Write a message that tells when it was sent."""
        return f"{self.run} {number} {time.perf_counter()} ".ljust(size, ".")

    def take(self, client: int, text: str) -> None:
        """Count a message that a client received."""
        now = time.perf_counter()
        run, _, rest = text.partition(" ")
        if run != self.run:
            return
        first, sent, _ = rest.split(" ", 2)
        number = int(first)
        if self._seen[client][number]:
            self.duplicated += 1
            return
        self._seen[client][number] = 1
        self.received += 1
        self.out_of_order += number < self._last[client]
        self._last[client] = max(number, self._last[client])
        self.histogram.record_value(min(max(1, int(1_000_000 * (now - float(sent)))), _LONGEST_MICROSECONDS))

    @property
    def lost(self) -> int:
        """Messages that were accepted and did not come, over all clients."""
        return sum(not seen[number] for seen in self._seen for number in self.accepted)


async def _run(service: Service, hub: str, clients: int, count: int, rate: float, size: int) -> dict[str, Any]:
    with service.client(hub) as blocking:
        urls = [blocking.get_client_access_token(user_id=f"load{number}").url for number in range(clients)]
    tally = _Tally(count, clients)
    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http, asyncio.TaskGroup() as group:
        gate = asyncio.Semaphore(_OPENING_AT_ONCE)
        ready = [asyncio.get_running_loop().create_future() for _ in urls]
        tasks = [
            group.create_task(_receive(http, url, service.trust, tally, number, opened, gate))
            for number, (url, opened) in enumerate(zip(urls, ready, strict=True))
        ]
        await asyncio.gather(*ready)
        with progress:
            async with service.asynchronous_client(hub) as client:
                took = await _send(client, tally, count, rate, size, progress)
        end = time.monotonic() + _SETTLE_SECONDS
        while tally.lost and time.monotonic() < end:
            await asyncio.sleep(_LOOK_SECONDS)
        for task in tasks:
            task.cancel()
    at = tally.histogram.get_value_at_percentile
    return {
        "clients": clients,
        "sent": count,
        "refused": tally.refused,
        "broken": tally.broken,
        "received": tally.received,
        "lost": tally.lost,
        "duplicated": tally.duplicated,
        "out of order": tally.out_of_order,
        "deliveries per second": round(tally.received / took),
        "p50 ms": round(at(50) / 1000, 2),
        "p90 ms": round(at(90) / 1000, 2),
        "p99 ms": round(at(99) / 1000, 2),
        "max ms": round(tally.histogram.get_max_value() / 1000, 2),
    }


async def _receive(
    http: aiohttp.ClientSession,
    url: str,
    trust: Any,
    tally: _Tally,
    number: int,
    opened: "asyncio.Future[None]",
    gate: asyncio.Semaphore,
) -> None:
    async with AsyncExitStack() as stack:
        async with gate:
            websocket = await stack.enter_async_context(websocket_of(http, url, trust))
        opened.set_result(None)
        async for message in websocket:
            if message.type is aiohttp.WSMsgType.TEXT:
                tally.take(number, message.data)


async def _send(
    client: WebPubSubServiceClient, tally: _Tally, count: int, rate: float, size: int, progress: Progress
) -> float:
    bar = progress.add_task("Sending", total=count)
    started = time.perf_counter()

    async def send(number: int) -> None:
        try:
            await client.send_to_all(tally.text(number, size), content_type="text/plain")
        except ServiceError:
            tally.refused += 1
        except TransportError:
            tally.broken += 1
        else:
            tally.accepted.add(number)
        progress.advance(bar)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            wait = started + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(send(number))
    return time.perf_counter() - started
