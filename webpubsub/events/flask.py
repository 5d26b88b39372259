"""The door for Flask: one view, which takes every method and refuses what the service does not send."""

from collections.abc import Callable
from http import HTTPMethod
from typing import TypeAlias

from flask import request
from werkzeug.wrappers import Response

from .handler import EventHandler
from .wsgi import application

__all__ = ["View", "view"]

View: TypeAlias = Callable[..., Response]

METHODS = tuple(method.value for method in HTTPMethod)


def view(handler: EventHandler) -> View:
    """Make a view, for `app.add_url_rule("/eventhandler", view_func=...)` under any path, with `<event>` or without."""
    serve = application(handler)

    def webpubsub_events(**_variables: object) -> Response:
        return Response.from_app(serve, request.environ)

    # Flask reads these from the view: without them it would handle OPTIONS itself.
    webpubsub_events.methods = METHODS  # type: ignore[attr-defined]
    webpubsub_events.provide_automatic_options = False  # type: ignore[attr-defined]
    return webpubsub_events
