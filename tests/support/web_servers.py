"""Real servers on loopback, each started for a test module and stopped after it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, make_server

import uvicorn
import werkzeug.serving
from aiohttp import web


def listener() -> socket.socket:
    """Listen on a free port of loopback.

    The protocol is named, because asyncio turns the delay of small packets off for such sockets only.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


@contextmanager
def uvicorn_server(
    app: Any, sock: socket.socket | None = None, *, lifespan: Literal["on", "off"] = "on"
) -> Iterator[str]:
    """Serve an ASGI application with uvicorn."""
    sock = sock or listener()
    config = uvicorn.Config(app, log_config=None, ws="none", lifespan=lifespan, timeout_graceful_shutdown=10)
    started = threading.Event()
    server = _AnnouncingServer(config, started)
    thread = threading.Thread(target=server.run, args=([sock],), name="uvicorn")
    thread.start()
    try:
        assert started.wait(30)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        sock.close()


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announced: threading.Event) -> None:
        super().__init__(config)
        self._announced = announced

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announced.set()


@contextmanager
def werkzeug_server(app: Any, sock: socket.socket | None = None) -> Iterator[str]:
    """Serve a WSGI application with the server that Flask brings."""
    with sock or listener() as listening:
        fd = listening.fileno()
        server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet, fd=fd)
        with _serving(server, listening.getsockname()[1]) as url:
            yield url


class _Quiet(werkzeug.serving.WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Write nothing."""


@contextmanager
def wsgiref_server(app: Any) -> Iterator[str]:
    """Serve a WSGI application with the server of the standard library."""
    server = make_server("127.0.0.1", 0, app, handler_class=_QuietReference)
    with _serving(server, server.server_port) as url:
        yield url


class _QuietReference(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@contextmanager
def _serving(server: Any, port: int) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="wsgi")
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def aiohttp_server(app: web.Application, sock: socket.socket | None = None) -> Iterator[str]:
    """Serve an application of aiohttp with its own runner."""
    listening, loop, started = sock or listener(), asyncio.new_event_loop(), threading.Event()
    stopping = asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        started.set()
        await stopping.wait()
        await runner.cleanup()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="aiohttp")
    thread.start()
    try:
        assert started.wait(30)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
