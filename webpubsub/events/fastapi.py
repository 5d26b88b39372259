"""The door for FastAPI's dependencies, for routes that want to be routes: `event: UserEvent = Depends(handler.event)`.

Mounting `handler.asgi` is less to write, and calls the functions that are registered; a route handles every event
itself.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from webpubsub.errors import EventError

from .handler import EventHandler
from .http import Reply, make_response, too_large
from .values import AnyEvent, Preflight

__all__ = ["Dependency", "dependency", "respond"]

Dependency: TypeAlias = Callable[[Request], Awaitable[AnyEvent]]


def dependency(handler: EventHandler) -> Dependency:
    """Make a dependency that gives the verified event of a request, and refuses what is none."""

    async def event(request: Request) -> AnyEvent:
        try:
            received = await handler.receive(request.method, request.headers.raw, await _read(request, handler))
        except EventError as error:
            status, headers, body = make_response(None, error)
            kept = {name: value for name, value in headers if name != "Content-Type"}
            raise HTTPException(status, body.decode(), kept) from None
        if isinstance(received, Preflight):
            raise HTTPException(204, headers=dict(make_response(received).headers))
        return received

    return event


def respond(event: AnyEvent, reply: Reply | EventError | None = None) -> Response:
    """Make the response of a route.

    Args:
        event: The event that the route got.
        reply: What `accept`, `reject` or `reply` made; None for success without a word.

    Raises:
        TypeError: The reply does not go with the event.
    """
    status, headers, body = make_response(event, reply)
    return Response(body, status, dict(headers))


async def _read(request: Request, handler: EventHandler) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > handler.body_limit:
            raise too_large(handler.body_limit)
    return bytes(body)
