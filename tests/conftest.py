"""What most tests need: a local service for each module, and hubs that nobody else uses."""

import gc
import itertools
import os
import signal
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings

from webpubsub.emulator import Emulator

pytest_plugins = ["tests.plugins.secrets_in_logs"]

# What runs in the background ignores interrupts, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no reason for a test to fail.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_numbers = itertools.count(1)


def pytest_xdist_auto_num_workers() -> int:
    """Run one test more than there are processors: some always wait, for a browser, a process or a client."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules of all tests, which it would search again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A local service, in a thread of its own."""
    with Emulator(simulate_entra=True) as running:
        yield running


@pytest.fixture
def hub() -> str:
    """A hub without connections."""
    return f"hub{next(_numbers)}"


@pytest.fixture
def unreachable() -> httpx.MockTransport:
    """A transport that must not be used."""

    def fail(request: httpx.Request) -> httpx.Response:
        pytest.fail(f"{request.method} {request.url} was sent")

    return httpx.MockTransport(fail)
