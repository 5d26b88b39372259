"""The servers whose deliveries are measured: the emulator and a bare broadcast loop of aiohttp, a process each."""

import asyncio
import gc
import json
import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from .measure import resident_bytes

__all__ = ["Contender", "serve_bare", "serve_emulator", "serving"]


class Contender:
    """A server in a process of its own.

    Attributes:
        address: What it calls its address: the port of the bare loop, the connection string of the emulator.
    """

    def __init__(self, control: Connection, address: Any) -> None:
        self.address = address
        self._control = control

    async def cpu(self) -> float:
        """Return the seconds that it has computed."""
        return float(await self._ask("cpu"))

    async def memory(self) -> int:
        """Return the bytes that it has in memory; 0 on systems that do not tell."""
        return int(await self._ask("memory"))

    async def complaints(self) -> int:
        """Return how many warnings and errors it has logged."""
        return int(await self._ask("complaints"))

    async def left(self) -> int:
        """Return how many tasks and connections there are in the emulator."""
        return int(await self._ask("left"))

    async def _ask(self, what: str) -> float:
        self._control.send(what)
        figure: float = await asyncio.to_thread(self._control.recv)
        return figure


@contextmanager
def serving(serve: Callable[[Connection], None]) -> Iterator[Contender]:
    """Run a server in a process."""
    spawn = multiprocessing.get_context("spawn")
    control, its_end = spawn.Pipe()
    process = spawn.Process(target=serve, args=(its_end,), daemon=True)
    process.start()
    try:
        yield Contender(control, control.recv())
        control.send("stop")
        process.join(10)
    finally:
        process.terminate()
        process.join()


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
    await asyncio.to_thread(_tell, control, {})
    await runner.cleanup()


def serve_emulator(control: Connection) -> None:
    """Be the local service."""
    asyncio.run(_serve_emulator(control))


async def _serve_emulator(control: Connection) -> None:
    from webpubsub.emulator import Emulator

    complaints = _Complaints(logging.WARNING)
    logging.getLogger().addHandler(complaints)
    async with Emulator(keep_alive_seconds=None) as emulator:
        before = len(asyncio.all_tasks())
        server = emulator._running()

        async def left() -> int:
            return len(asyncio.all_tasks()) - before - 1 + len(server._sockets) + len(server.hubs.everyone())

        loop = asyncio.get_running_loop()
        control.send(emulator.connection_string)
        await asyncio.to_thread(
            _tell,
            control,
            {
                "complaints": lambda: complaints.number,
                "left": lambda: asyncio.run_coroutine_threadsafe(left(), loop).result(),
            },
        )


class _Complaints(logging.Handler):
    number = 0

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        self.number += 1


def _tell(control: Connection, figures: dict[str, Callable[[], float]]) -> None:
    known: dict[str, Callable[[], float]] = {"cpu": time.process_time, "memory": _memory, **figures}
    while (what := control.recv()) != "stop":
        control.send(known[what]())


def _memory() -> int:
    gc.collect()
    return resident_bytes()
