"""`python -m benchmarks.events`: requests per second of the ASGI door, beside a bare route of Starlette.

Each server is a process of its own with one uvicorn; the client, in this process, keeps several connections busy and
spends as little as it can. Rounds are short and alternate, and each server tells how much CPU time it spent, so that
other load on the machine meets both and decides nothing: what one processor serves in a second is what is compared.
"""

import argparse
import asyncio
import hashlib
import hmac
import multiprocessing
import socket
import statistics
import sys
import time
from typing import Any, NamedTuple

CONNECTIONS = 16
REQUESTS = 500
ROUNDS = 30
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
BODY = b'{"text":"Hello","number":1}'
GOAL = 0.7


class Rates(NamedTuple):
    """What a round measured, in requests per second of the server's processor, and of the clock."""

    of_processor: float
    of_clock: float


def ours() -> Any:
    """A user event, verified, with a reply in JSON."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from webpubsub.events import EventHandler, UserEvent

    handler = EventHandler(hub="chat", access_keys=[KEY])

    @handler.on_event("order")
    async def order(event: UserEvent[Any]) -> Any:
        return {"got": event.data["text"]}

    return Starlette(routes=[Route("/eventhandler", handler.asgi), Route("/spent", spent)])


def bare() -> Any:
    """The same JSON in and out, and nothing verified."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def order(request: Request) -> JSONResponse:
        return JSONResponse({"got": (await request.json())["text"]})

    return Starlette(routes=[Route("/eventhandler", order, methods=["POST"]), Route("/spent", spent)])


async def spent(_: Any) -> Any:
    """Tell the CPU time of this process, in seconds."""
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(str(time.process_time()))


CONTENDERS = {"webpubsub.events": ours, "bare Starlette route": bare}


def serve(name: str, listener: socket.socket) -> None:
    """Run one server until the process is ended."""
    import uvicorn

    config = uvicorn.Config(CONTENDERS[name](), log_level="error", access_log=False, ws="none", lifespan="off")
    uvicorn.Server(config).run([listener])


def request() -> bytes:
    """Make a signed user event."""
    signature = hmac.new(KEY.encode(), b"c1", hashlib.sha256).hexdigest()
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        "WebHook-Request-Origin": "example.webpubsub.azure.com",
        "ce-specversion": "1.0",
        "ce-awpsversion": "1.0",
        "ce-type": "azure.webpubsub.user.order",
        "ce-source": "/hubs/chat/client/c1",
        "ce-id": "7",
        "ce-time": "2026-11-24T13:00:00Z",
        "ce-hub": "chat",
        "ce-eventName": "order",
        "ce-connectionId": "c1",
        "ce-userId": "ann",
        "ce-subprotocol": "json.webpubsub.azure.v1",
        "ce-signature": f"sha256={signature},sha256={signature}",
        "x-ms-client-request-id": "5f6b7c88-0000-4000-8000-000000000000",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /eventhandler HTTP/1.1\r\n{lines}\r\n".encode() + BODY


async def load(port: int, requests: int) -> Rates:
    """Send so many requests, and return how many got a response in a second."""
    sent = request()
    left = requests

    async def keep_busy() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            writer.write(sent)
            if await read(reader) != b'{"got":"Hello"}':
                raise AssertionError("another response")
        writer.close()

    processor, clock = await spent_at(port), time.perf_counter()
    await asyncio.gather(*(keep_busy() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - clock
    return Rates(requests / (await spent_at(port) - processor), requests / seconds)


async def spent_at(port: int) -> float:
    """Ask a server for its CPU time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /spent HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    seconds = float(await read(reader))
    writer.close()
    return seconds


async def read(reader: asyncio.StreamReader) -> bytes:
    """Read the body of a response."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise AssertionError(head.decode())
    return await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))


def measure(rounds: int, requests: int) -> dict[str, list[Rates]]:
    """Measure every contender in every round."""
    spawn = multiprocessing.get_context("spawn")
    found: dict[str, list[Rates]] = {name: [] for name in CONTENDERS}
    servers, ports = [], {}
    for name in CONTENDERS:
        # Of the protocol TCP by name, because asyncio turns the delay of small packets off for such sockets only.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(64)
            ports[name] = listener.getsockname()[1]
            server = spawn.Process(target=serve, args=(name, listener), daemon=True)
            server.start()
            servers.append(server)
    try:
        for number in range(rounds + 1):
            for name in CONTENDERS:
                rates = asyncio.run(load(ports[name], requests))
                if number:  # the first round only warms up
                    found[name].append(rates)
    finally:
        for server in servers:
            server.terminate()
            server.join()
    return found


def ratio(found: dict[str, list[Rates]]) -> float:
    """Compare round by round: how many times as many as the bare route the door serves with the same processor."""
    ours, bare = found.values()
    ratios = [mine.of_processor / other.of_processor for mine, other in zip(ours, bare, strict=True)]
    return statistics.median(ratios)


def main() -> int:
    """Measure and print; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--rounds", metavar="N", type=int, default=ROUNDS)
    parser.add_argument("--requests", metavar="N", type=int, default=REQUESTS)
    options = parser.parse_args()
    found = measure(max(1, options.rounds), max(1, options.requests))
    print("| server | requests per second of its processor, median | slowest to fastest | of the clock, median |")
    print("|---|---|---|---|")
    for name, rates in found.items():
        processor, clock = zip(*rates, strict=True)
        spread = f"{min(processor):.0f} to {max(processor):.0f}"
        print(f"| {name} | {statistics.median(processor):.0f} | {spread} | {statistics.median(clock):.0f} |")
    times = ratio(found)
    print(f"\nThe door serves {times:.2f} times as many as the bare route, round by round; the goal is {GOAL}.")
    return 0 if times >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
