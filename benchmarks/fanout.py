"""`python -m benchmarks.fanout`: what one delivery costs the emulator, beside a bare broadcast loop of aiohttp.

Each server is a process of its own that tells how long it has computed. This process connects the clients, broadcasts,
and sees that every message reaches every client, whole and in order. Rounds alternate.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

CLIENTS = 500
BROADCASTS = 60
ROUNDS = 5
GOAL = 0.75
BARE = "bare aiohttp loop"
SUBPROTOCOLS = {
    "emulator, JSON": "json.webpubsub.azure.v1",
    "emulator, reliable": "json.reliable.webpubsub.azure.v1",
    "emulator, protobuf": "protobuf.webpubsub.azure.v1",
    "emulator, protobuf, reliable": "protobuf.reliable.webpubsub.azure.v1",
}
TEXT = "x" * 100


def serve_bare(control: Connection) -> None:
    """Send what is posted to every client, one after the other."""
    asyncio.run(_serve_bare(control))


async def _serve_bare(control: Connection) -> None:
    from aiohttp import web

    clients: list[web.WebSocketResponse] = []

    async def connect(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        clients.append(client)
        async for _ in client:
            pass
        clients.remove(client)
        return client

    async def broadcast(request: web.Request) -> web.Response:
        frame = json.dumps({"type": "message", "from": "server", "dataType": "text", "data": await request.text()})
        for client in clients:
            await client.send_str(frame)
        return web.Response(status=202)

    application = web.Application()
    application.add_routes([web.get("/", connect), web.post("/", broadcast)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    control.send(runner.addresses[0][1])
    await asyncio.to_thread(_tell_time, control)
    await runner.cleanup()


def serve_emulator(control: Connection) -> None:
    """Be the local service."""
    from webpubsub.emulator import Emulator

    with Emulator() as emulator:
        control.send(emulator.connection_string)
        _tell_time(control)


def _tell_time(control: Connection) -> None:
    while control.recv():
        control.send(time.process_time())


@contextmanager
def _server(serve: Callable[[Connection], None]) -> Iterator[tuple[Connection, Any]]:
    """Run a server in a process; give the way to ask for its time, and its address."""
    spawn = multiprocessing.get_context("spawn")
    control, its_end = spawn.Pipe()
    process = spawn.Process(target=serve, args=(its_end,), daemon=True)
    process.start()
    try:
        yield control, control.recv()
        control.send(False)
        process.join(10)
    finally:
        process.terminate()
        process.join()


async def _bare(control: Connection, port: int, clients: int, broadcasts: int) -> float:
    from aiohttp import ClientSession

    url = f"http://127.0.0.1:{port}/"
    async with ClientSession() as session:

        async def broadcast(text: str) -> None:
            async with session.post(url, data=text) as response:
                response.raise_for_status()

        return await _measured(control, [(url, None)] * clients, broadcast, broadcasts)


async def _emulator(
    control: Connection, connection_string: str, clients: int, broadcasts: int, subprotocol: str
) -> float:
    from webpubsub.aio import WebPubSubServiceClient

    async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:

        async def broadcast(text: str) -> None:
            await service.send_to_all(text, content_type="text/plain")

        url = (await service.get_client_access_token(user_id="ann"))["url"]
        return await _measured(control, [(url, subprotocol)] * clients, broadcast, broadcasts)


async def _measured(
    control: Connection,
    addresses: list[tuple[str, str | None]],
    broadcast: Callable[[str], Awaitable[None]],
    broadcasts: int,
) -> float:
    """Return the CPU seconds of the server for one delivery."""
    from aiohttp import ClientSession, TCPConnector

    texts = [f"{number:06}{TEXT}" for number in range(broadcasts)]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        sockets = []
        for url, subprotocol in addresses:
            protocols = [subprotocol] if subprotocol else []
            sockets.append(
                await stack.enter_async_context(session.ws_connect(url, protocols=protocols, max_msg_size=0))
            )
        if addresses[0][1]:
            for socket in sockets:
                await socket.receive()  # the frame that says `connected`

        async def receive(socket: Any) -> None:
            for text in texts:
                data = (await socket.receive()).data
                if (text.encode() if isinstance(data, bytes) else text) not in data:
                    raise AssertionError("a message is missing, or out of order")

        before = await _cpu(control)
        received = asyncio.gather(*(receive(socket) for socket in sockets))
        for text in texts:
            await broadcast(text)
        await received
        return (await _cpu(control) - before) / (len(sockets) * broadcasts)


async def _cpu(control: Connection) -> float:
    control.send(True)
    seconds: float = await asyncio.to_thread(control.recv)
    return seconds


def measure(rounds: int, clients: int, broadcasts: int) -> dict[str, list[float]]:
    """Measure every contender in every round; CPU seconds of the server for one delivery."""
    found: dict[str, list[float]] = {name: [] for name in (BARE, *SUBPROTOCOLS)}
    for _ in range(rounds):
        with _server(serve_bare) as (control, port):
            found[BARE].append(asyncio.run(_bare(control, port, clients, broadcasts)))
        for name, subprotocol in SUBPROTOCOLS.items():
            with _server(serve_emulator) as (control, connection_string):
                cost = asyncio.run(_emulator(control, connection_string, clients, broadcasts, subprotocol))
                found[name].append(cost)
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
    print(f"\n{options.clients} clients; the goal is {GOAL}.")
    return 0 if min(ratios.values()) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
