"""The door for aiohttp.web."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.http import HttpProcessingError

from webpubsub.errors import EventError

from .handler import EventHandler
from .http import make_response, too_large

__all__ = ["RequestHandler", "request_handler"]

RequestHandler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


def request_handler(handler: EventHandler) -> RequestHandler:
    """Make a request handler, to be added to a router under any path and for every method."""

    async def serve(request: web.Request) -> web.Response:
        try:
            body = await _read(request, handler.body_limit)
        except EventError as error:
            status, headers, content = make_response(None, error)
        else:
            status, headers, content = await handler.respond(request.method, request.raw_headers, body)
        return web.Response(status=status, headers=headers, body=content)

    return serve


async def _read(request: web.Request, limit: int) -> bytes:
    # Not `request.read()`, whose limit is the application's.
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise too_large(limit)
    except (HttpProcessingError, web.RequestPayloadError):
        raise EventError(400, "the body is not what its headers say") from None
    return bytes(body)
