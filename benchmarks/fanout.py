"""`python -m benchmarks.fanout`: what one delivery costs the emulator, beside a bare broadcast loop of aiohttp.

Each server is a process of its own that tells how long it has computed. This process connects the clients, which are
the same for all of them, broadcasts, and sees that every message reaches every client, whole and in order. The servers
all run for the whole time, and are measured in turn, for a moment each.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from .contenders import Contender, serve_bare, serve_emulator, serving
from .sockets import BINARY, TEXT, RawClient, connect_all

__all__ = ["BARE", "SPREAD", "SUBPROTOCOLS", "measure"]

CLIENTS = 500
BROADCASTS = 20
ROUNDS = 15
GOAL = 0.75
BARE = "bare aiohttp loop"
SUBPROTOCOLS = {
    "emulator, JSON": "json.webpubsub.azure.v1",
    "emulator, reliable": "json.reliable.webpubsub.azure.v1",
    "emulator, protobuf": "protobuf.webpubsub.azure.v1",
    "emulator, protobuf, reliable": "protobuf.reliable.webpubsub.azure.v1",
}
SPREAD = "emulator, reliable, clients at different numbers"
_NUMBERS = 10
_DATA = "x" * 100

Broadcast = Callable[[str], Awaitable[None]]


@attrs.frozen
class _Course:
    """One server with its clients."""

    contender: Contender
    clients: Sequence[RawClient]
    broadcast: Broadcast
    acknowledge: Callable[[int], None] = lambda _: None

    async def cost(self, broadcasts: int) -> float:
        """Return the CPU seconds of the server for one delivery."""
        texts = [f"{number:06}{_DATA}" for number in range(broadcasts)]
        before = await self.contender.cpu()
        received = asyncio.gather(*(client.receive(broadcasts) for client in self.clients))
        for text in texts:
            await self.broadcast(text)
        for frames in await received:
            if len(frames) != broadcasts or not all(
                text.encode() in frame for text, frame in zip(texts, frames, strict=True)
            ):
                raise AssertionError("a message is missing, or out of order")
        after = await self.contender.cpu()
        self.acknowledge(broadcasts)
        return (after - before) / (len(self.clients) * broadcasts)


@asynccontextmanager
async def _bare(clients: int) -> AsyncIterator[_Course]:
    from aiohttp import ClientSession

    with serving(serve_bare) as contender:
        url = f"http://127.0.0.1:{contender.address}/"
        async with ClientSession() as session:

            async def broadcast(text: str) -> None:
                async with session.post(url, data=text) as response:
                    response.raise_for_status()

            sockets = [RawClient(url) for _ in range(clients)]
            await connect_all(sockets, greetings=0)
            yield _Course(contender, sockets, broadcast)
            for socket in sockets:
                socket.abort()  # aiohttp waits for its clients when it stops


@asynccontextmanager
async def _emulator(clients: int, subprotocol: str, *, spread: bool = False) -> AsyncIterator[_Course]:
    from webpubsub.aio import WebPubSubServiceClient

    with serving(serve_emulator) as contender:
        async with WebPubSubServiceClient.from_connection_string(contender.address, "chat") as service:

            async def broadcast(text: str) -> None:
                await service.send_to_all(text, content_type="text/plain")

            users = [f"user{number}" for number in range(_NUMBERS)]
            urls = [(await service.get_client_access_token(user_id=user))["url"] for user in users]
            sockets = [RawClient(urls[number % _NUMBERS], subprotocol) for number in range(clients)]
            await connect_all(sockets, greetings=1)
            ahead = range(_NUMBERS) if spread else [0] * _NUMBERS
            for user, messages in zip(users, ahead, strict=True):
                for _ in range(messages):
                    await service.send_to_user(user, "ahead", content_type="text/plain")
            for number, socket in enumerate(sockets):
                await socket.receive(ahead[number % _NUMBERS])
            course = _Course(contender, sockets, broadcast)
            if "reliable" in subprotocol:
                course = attrs.evolve(course, acknowledge=_acknowledging(sockets, subprotocol))
            yield course


def _acknowledging(clients: Sequence[RawClient], subprotocol: str) -> Callable[[int], None]:
    """Let clients say now and then what they have got, as they must; this is not part of a delivery."""
    from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema

    got = 0

    def acknowledge(more: int) -> None:
        nonlocal got
        got += more
        for client in clients:
            if "json" in subprotocol:
                client.send(TEXT, b'{"type":"sequenceAck","sequenceId":%d}' % got)
            else:
                ack = schema.SequenceAckMessage(sequence_id=got)
                client.send(BINARY, schema.UpstreamMessage(sequence_ack_message=ack).SerializeToString())

    return acknowledge


def measure(
    rounds: int, clients: int, broadcasts: int, subprotocols: Mapping[str, str] = SUBPROTOCOLS
) -> dict[str, list[float]]:
    """Measure every contender in every round; CPU seconds of the server for one delivery."""
    return asyncio.run(_measure(rounds, clients, broadcasts, subprotocols))


async def _measure(
    rounds: int, clients: int, broadcasts: int, subprotocols: Mapping[str, str]
) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        courses = {BARE: await stack.enter_async_context(_bare(clients))}
        for name, subprotocol in subprotocols.items():
            courses[name] = await stack.enter_async_context(_emulator(clients, subprotocol))
        reliable = SUBPROTOCOLS["emulator, reliable"]
        courses[SPREAD] = await stack.enter_async_context(_emulator(clients, reliable, spread=True))
        found: dict[str, list[float]] = {name: [] for name in courses}
        for _ in range(rounds):
            for name, course in courses.items():
                found[name].append(await course.cost(broadcasts))
        return found


def main() -> int:
    """Measure and print; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--rounds", metavar="N", type=int, default=ROUNDS)
    parser.add_argument("--clients", metavar="N", type=int, default=CLIENTS)
    parser.add_argument("--broadcasts", metavar="N", type=int, default=BROADCASTS)
    options = parser.parse_args()
    found = measure(max(1, options.rounds), max(1, options.clients), max(1, options.broadcasts))
    print(
        "| | CPU of the server per delivery, median of times | deliveries, bare = 1, median of ratios |\n|---|---|---|"
    )
    ratios = {}
    for name, costs in found.items():
        ratios[name] = statistics.median(bare / mine for bare, mine in zip(found[BARE], costs, strict=True))
        print(f"| {name} | {1e6 * statistics.median(costs):.1f} µs | {ratios[name]:.2f} |")
    print(
        f"\n{options.clients} clients; the goal is {GOAL} for each subprotocol, where clients got on at the same time."
    )
    return 0 if min(ratios[name] for name in SUBPROTOCOLS) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
