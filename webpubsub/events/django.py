"""The door for Django, under ASGI as well as WSGI: one view."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from webpubsub.errors import EventError

from .handler import EventHandler
from .http import make_response, too_large
from .wsgi import headers_of, length_of

__all__ = ["View", "view"]

View: TypeAlias = Callable[..., Awaitable[HttpResponse]]


def view(handler: EventHandler) -> View:
    """Make a view, for `path("eventhandler", ...)` under any path, with variables such as `<event>` or without.

    It is exempt from the check for forged forms.
    """
    handler.after_each_call(close_old_connections)

    async def webpubsub_events(request: Any, *_groups: object, **_variables: object) -> HttpResponse:
        method, limit = str(request.method), handler.body_limit
        try:
            body = _read(request, limit)
        except EventError as error:
            response = make_response(None, error)
        else:
            response = await (
                handler.respond(method, request.scope["headers"], body)
                if hasattr(request, "scope")
                else sync_to_async(handler.respond_blocking)(method, list(headers_of(request.META)), body)
            )
        return HttpResponse(response.body, status=response.status, headers=dict(response.headers))

    exempt: View = csrf_exempt(webpubsub_events)
    return exempt


def _read(request: Any, limit: int) -> bytes:
    """Read the body in pieces: `request.body` has a limit of Django's own."""
    environ = getattr(request, "environ", None)
    read = request.read
    if environ is not None and length_of(environ) is None:
        # Of a body without a length, Django reads nothing under WSGI, even where the server marks its end.
        read = environ["wsgi.input"].read
    body = bytearray()
    while chunk := read(min(limit + 1 - len(body), 64 * 1024)):
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)
