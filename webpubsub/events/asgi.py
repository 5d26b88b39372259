"""The door for ASGI: Starlette, FastAPI, Litestar, Quart, and servers such as uvicorn themselves."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from webpubsub.errors import EventError

from .handler import EventHandler
from .http import make_response, too_large

__all__ = ["Application"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """A handler as an ASGI application.

    An object and not a function, which a `Route` of Starlette would take for one of its endpoints.
    """

    def __init__(self, handler: EventHandler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan of a server that runs nothing else."""
        if scope["type"] == "http":
            await _respond(self._handler, scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(self._handler, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": ""})


async def _respond(handler: EventHandler, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await _read(receive, handler.body_limit)
    except EventError as error:
        response = make_response(None, error)
    else:
        if body is None:
            return
        response = await handler.respond(scope["method"], scope["headers"], body)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Read the body; None when the caller has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return bytes(body)


async def _live(handler: EventHandler, receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await handler.aclose()
    await send({"type": "lifespan.shutdown.complete"})
