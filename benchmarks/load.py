"""`python -m benchmarks.load`: what the emulator bears. Idle connections, thousands at once, thousands that pass by."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final, Literal

from webpubsub.aio import WebPubSubServiceClient

from .contenders import serve_emulator, serving
from .sockets import BINARY, STATES, RawClient, connect_all, pass_by

IDLE: Final = {
    "JSON": "json.webpubsub.azure.v1",
    "reliable": "json.reliable.webpubsub.azure.v1",
    "MQTT": "mqtt",
}
LARGEST_KIB: Final = 28.0
_CONNECT: Final = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"
"""A CONNECT of MQTT 3.1.1 without a client id."""
_SENDERS: Final = 4
_AT_ONCE: Final = 100


async def idle(kind: str, connections: int) -> float:
    """Return the bytes of memory for a connection that does nothing."""
    subprotocol = IDLE[kind]
    with serving(serve_emulator) as contender:
        url = await _url(contender.address, "MQTT" if kind == "MQTT" else "Default")
        await _connect(url, subprotocol, _AT_ONCE)
        before = await contender.memory()
        await _connect(url, subprotocol, connections)
        return (await contender.memory() - before) / connections


async def crowd(connections: int, messages: int) -> tuple[int, float, float]:
    """Let several senders send to many connections at once, and see that each gets everything, in order.

    Returns:
        How many messages arrived, in how many seconds, and the CPU seconds of the emulator.
    """
    with serving(serve_emulator) as contender:
        clients = await _connect(await _url(contender.address), IDLE["JSON"], connections)
        async with WebPubSubServiceClient.from_connection_string(contender.address, "chat") as service:

            async def send(sender: int) -> None:
                for number in range(messages):
                    await service.send_to_all(f"<{sender}:{number}>", content_type="text/plain")

            cpu, start = await contender.cpu(), time.perf_counter()
            sending = asyncio.gather(*map(send, range(_SENDERS)))
            received = await asyncio.gather(*(client.receive(_SENDERS * messages) for client in clients))
            await sending
            seconds, cpu = time.perf_counter() - start, await contender.cpu() - cpu
        for frames in received:
            _check(frames, messages)
        return sum(map(len, received)), seconds, cpu


def _check(frames: Sequence[bytes], messages: int) -> None:
    for sender in range(_SENDERS):
        begin = b"<%d:" % sender
        own = [int(frame.partition(begin)[2].partition(b">")[0]) for frame in frames if begin in frame]
        if own != list(range(messages)):
            raise AssertionError("a message is missing, or out of order")


async def drops(connections: int) -> float:
    """Let clients connect and go, in every state; return the seconds.

    Raises:
        AssertionError: Something is left of them, or the emulator has complained.
    """
    with serving(serve_emulator) as contender:
        url = await _url(contender.address)
        start = time.perf_counter()
        for first in range(0, connections, _AT_ONCE):
            await asyncio.gather(*(pass_by(url, number % STATES) for number in range(first, first + _AT_ONCE)))
        seconds = time.perf_counter() - start
        deadline = time.monotonic() + 10
        while (left := await contender.left()) and time.monotonic() < deadline:
            continue
        complaints = await contender.complaints()
        if left or complaints:
            raise AssertionError(f"{left} tasks and connections are left; the emulator complains {complaints} times")
        return seconds


async def _url(connection_string: str, protocol: Literal["Default", "MQTT"] = "Default") -> str:
    async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        return (await service.get_client_access_token(client_protocol=protocol))["url"]


async def _connect(url: str, subprotocol: str, connections: int) -> list[RawClient]:
    clients = [RawClient(url, subprotocol) for _ in range(connections)]
    if subprotocol == "mqtt":
        await connect_all(clients, greetings=0)
        for client in clients:
            client.send(BINARY, _CONNECT)
            await client.receive(1)
    else:
        await connect_all(clients, greetings=1)
    return clients


def main() -> int:
    """Measure and print; 1 when a connection takes too much memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--connections", metavar="N", type=int, default=2000)
    parser.add_argument("--messages", metavar="N", type=int, default=25)
    parser.add_argument("--drops", metavar="N", type=int, default=10_000)
    options = parser.parse_args()
    sizes = {kind: asyncio.run(idle(kind, options.connections)) / 1024 for kind in IDLE}
    arrived, seconds, cpu = asyncio.run(crowd(options.connections, options.messages))
    gone = asyncio.run(drops(options.drops))
    print("| | |\n|---|---|")
    for kind, size in sizes.items():
        print(f"| memory of an idle connection, {kind} | {size:.1f} KiB (goal: {LARGEST_KIB:.0f}) |")
    expected = options.connections * options.messages * _SENDERS
    print(f"| {options.connections} connections, {_SENDERS} senders: messages in order | {arrived} of {expected} |")
    print(f"| deliveries per second | {arrived / seconds:,.0f} |")
    print(f"| CPU of the emulator per delivery | {1e6 * cpu / arrived:.1f} µs |")
    print(f"| {options.drops} clients connect and drop: nothing left, no complaint | {gone:.1f} s |")
    return 0 if max(sizes.values()) <= LARGEST_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
