"""A call that is given up, wherever it stands: nothing is left of it, and the client goes on working."""

import asyncio
import itertools
import random
import ssl
import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import pytest

from webpubsub import RetryPolicy, aio

from ..support.clients import HUB, KEY, TURNS
from ..support.server import ACCEPTED, Server, answering

MOST = 4
LONGEST = 100


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Any:
    """A server that accepts everything."""
    with Server(answering(ACCEPTED), contexts[0] if request.param == "https" else None) as running:
        yield running
        running.wait_until_all_left()


@pytest.fixture
def connect(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], server: Server
) -> Callable[[], aio.WebPubSubServiceClient]:
    """Make clients with few connections."""
    return lambda: aio.WebPubSubServiceClient(
        server.endpoint,
        HUB,
        KEY,
        connection_verify=contexts[1],
        max_connections=MOST,
        retry_policy=RetryPolicy.none(),
    )


@types.coroutine
def cancelling_at(suspension: int, call: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
    """Run a call, and cancel its task where it waits for the n-th time."""
    go_on: Callable[[], Any] = partial(call.send, None)
    for count in itertools.count(1):
        try:
            waited_for = go_on()
        except StopIteration:
            return
        if count == suspension:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        try:
            yield waited_for
        except BaseException as error:
            go_on = partial(call.throw, error)
        else:
            go_on = partial(call.send, None)


async def cancelled_at(suspension: int, call: Coroutine[Any, Any, None]) -> bool:
    """Cancel a call where it waits for the n-th time; tell whether it did not wait that often."""

    async def run() -> None:
        await cancelling_at(suspension, call)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        await task
    return not task.cancelled()


async def assert_all_works(service: aio.WebPubSubServiceClient) -> None:
    """More calls at once than there are connections succeed, and no task is left."""
    async with asyncio.timeout(10):
        await asyncio.gather(*(service.send_to_all("hello") for _ in range(3 * MOST)))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_a_call_can_be_cancelled_wherever_it_waits(
    connect: Callable[[], aio.WebPubSubServiceClient], warm: bool
) -> None:
    """While it connects, encrypts, sends, waits and reads: each time, everything still works."""
    shared = connect()
    for suspension in range(1, LONGEST):
        service = shared if warm else connect()
        if warm and suspension % 5 == 0:
            await assert_all_works(service)
        ended = await cancelled_at(suspension, service.send_to_all("hello"))
        if not warm:
            await assert_all_works(service)
            await service.close()
        if ended:
            break
    await assert_all_works(shared)
    await shared.close()
    assert ended


async def test_calls_that_wait_for_a_connection_can_be_cancelled(
    connect: Callable[[], aio.WebPubSubServiceClient],
) -> None:
    """Five hundred calls over four connections, most of them given up at some time."""
    chance = random.Random(7)
    async with connect() as service:

        async def given_up(seconds: float) -> None:
            try:
                async with asyncio.timeout(seconds):
                    await service.send_to_all("hello")
            except TimeoutError:
                pass

        await asyncio.gather(*(given_up(chance.uniform(0, 0.3)) for _ in range(500)))
        await assert_all_works(service)


async def test_many_calls_share_few_connections(
    connect: Callable[[], aio.WebPubSubServiceClient], server: Server
) -> None:
    """As many as allowed, no more."""
    async with connect() as service:
        await asyncio.gather(*(service.send_to_all("hello") for _ in range(100)))

    assert len(server.requests) == 100
    assert len(server.connections) <= MOST
