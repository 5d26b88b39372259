"""The pytest plugin of `webpubsub.emulator`: a local Web PubSub service for tests.

It is a module by itself so that pytest, which loads every plugin at its start, loads nothing but this page: what a
fixture needs is imported when a test asks for it. No fixture is used without being asked for. The service runs in a
thread with a loop of its own, so it goes with pytest-asyncio, anyio and every other plugin for asynchronous tests, and
each process of pytest-xdist has one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from webpubsub import WebPubSubServiceClient
    from webpubsub.aio import WebPubSubServiceClient as AsyncWebPubSubServiceClient
    from webpubsub.emulator import Emulator

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def webpubsub_emulator() -> Iterator[Emulator]:
    """A local Web PubSub service on a free port, for the whole session."""
    from webpubsub.emulator import Emulator

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def webpubsub_hub() -> str:
    """The name of a hub that no other test uses."""
    return f"test{next(_numbers)}"


@pytest.fixture
def webpubsub_service(webpubsub_emulator: Emulator, webpubsub_hub: str) -> Iterator[WebPubSubServiceClient]:
    """A client of a hub that no other test uses."""
    from webpubsub import WebPubSubServiceClient

    with WebPubSubServiceClient.from_connection_string(webpubsub_emulator.connection_string, webpubsub_hub) as service:
        yield service


@pytest.fixture
def webpubsub_aio_service(webpubsub_emulator: Emulator, webpubsub_hub: str) -> Iterator[AsyncWebPubSubServiceClient]:
    """An asynchronous client of a hub that no other test uses; any event loop may use it."""
    import asyncio

    from webpubsub.aio import WebPubSubServiceClient

    service = WebPubSubServiceClient.from_connection_string(webpubsub_emulator.connection_string, webpubsub_hub)
    yield service
    asyncio.run(service.close())
