"""Event handlers inside of this process: a webhook request goes to an ASGI application without a socket."""

import asyncio
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from .requests import WebhookRequest, WebhookResponse
from .settings import AsgiApplication

__all__ = ["Lifespan", "call_application"]

_logger = logging.getLogger("webpubsub.emulator")


async def call_application(app: AsgiApplication, request: WebhookRequest, origin: str) -> WebhookResponse:
    """Call an application once.

    Args:
        app: The application.
        request: The request; of its URL, the path and the query are used.
        origin: What the application is to see as its own host.

    Raises:
        ConnectionError: It raised an exception, or it ended without a response.
    """
    parts = urlsplit(request.url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [
            (b"host", origin.encode()),
            (b"content-length", str(len(request.body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in request.headers.items()),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []
    responded = asyncio.Event()
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await responded.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            responded.set()

    try:
        await app(scope, receive, send)
    except (Exception, SystemExit) as error:  # an exit would end the loop, and with it the emulator
        _logger.exception("The event handler in this process raised an exception.")
        raise ConnectionError(f"{type(error).__name__} in the event handler") from error
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        raise ConnectionError("the event handler ended without a response")
    headers = [(name.decode("latin-1").lower(), _text(value)) for name, value in start.get("headers", ())]
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return WebhookResponse(start["status"], headers, body)


def _text(value: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return value.decode()
    return value.decode("latin-1")


class Lifespan:
    """Starts an application and stops it, where it has something to do then."""

    def __init__(self, app: AsgiApplication) -> None:
        self._app = app
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        """Start the application.

        Raises:
            RuntimeError: It says that it cannot start.
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._incoming.put({"type": "lifespan.startup"})
        message = await self._outgoing.get()
        if message is not None and message["type"] == "lifespan.startup.failed":
            await self._task
            raise RuntimeError(f"An event handler did not start: {message.get('message', '')}".rstrip(": "))

    async def stop(self) -> None:
        """Stop it, if it still runs; it was started."""
        if not self._task.done():
            await self._incoming.put({"type": "lifespan.shutdown"})
            await self._outgoing.get()
        await self._task

    async def _run(self) -> None:
        # An application without a lifespan raises at once; the specification says that this is no error.
        try:
            scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
            await self._app(scope, self._incoming.get, self._outgoing.put)
        except Exception:
            _logger.debug("An event handler in this process has no lifespan.", exc_info=True)
        except SystemExit as error:
            await self._outgoing.put({"type": "lifespan.startup.failed", "message": f"it exited with {error.code}"})
        await self._outgoing.put(None)
