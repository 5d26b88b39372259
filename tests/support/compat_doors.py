"""The four doors of one program: the official package and ours, synchronous and asynchronous.

A `Driven` client answers in one colour: what its methods return is awaited, and an asynchronous iterator becomes a
list, so that one test is the program for all four.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import azure.messaging.webpubsubservice as official
import azure.messaging.webpubsubservice.aio as official_aio
import pytest

import webpubsub.compat
import webpubsub.compat.aio
from webpubsub.emulator import Emulator


class Door(NamedTuple):
    """One import line."""

    client: Any
    ours: bool
    asynchronous: bool


DOORS = {
    "official": Door(official.WebPubSubServiceClient, ours=False, asynchronous=False),
    "official aio": Door(official_aio.WebPubSubServiceClient, ours=False, asynchronous=True),
    "compat": Door(webpubsub.compat.WebPubSubServiceClient, ours=True, asynchronous=False),
    "compat aio": Door(webpubsub.compat.aio.WebPubSubServiceClient, ours=True, asynchronous=True),
}
ALL = [pytest.param(door, id=name) for name, door in DOORS.items()]
OURS = [pytest.param(door, id=name) for name, door in DOORS.items() if door.ours]
PAIRS = [
    pytest.param(DOORS["official"], DOORS["compat"], id="sync"),
    pytest.param(DOORS["official aio"], DOORS["compat aio"], id="aio"),
]


class Driven:
    """A client whose methods return what they return, in both colours."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._client, name)
        return self.settled(member) if callable(member) else member

    def settled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, run to its end."""

        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return self._runner.run(_awaited(result)) if inspect.isawaitable(result) else result

        return call

    def listed(self, items: Any) -> list[Any]:
        """Return what an iterator of either colour yields."""
        if hasattr(items, "__aiter__"):
            return self._runner.run(_listed(items))
        return list(items)

    def paged(self, pages: Any) -> list[list[Any]]:
        """Return what the pages of an iterator of either colour yield, each page before the next is fetched."""
        if hasattr(pages, "__aiter__"):
            return self._runner.run(_paged(pages))
        return [list(page) for page in pages]


async def _awaited(result: Any) -> Any:
    return await result


async def _listed(items: Any) -> list[Any]:
    return [item async for item in items]


async def _paged(pages: Any) -> list[list[Any]]:
    return [[item async for item in page] async for page in pages]


@contextmanager
def opened(door: Door, emulator: Emulator, hub: str, **options: Any) -> Iterator[Driven]:
    """Open a client of a door on the local service."""
    with driven(door.client.from_connection_string(emulator.connection_string, hub, **options)) as client:
        yield client


@contextmanager
def driven(client: Any) -> Iterator[Driven]:
    """Drive a client, and close it."""
    with asyncio.Runner() as runner:
        driver = Driven(client, runner)
        try:
            yield driver
        finally:
            driver.close()
