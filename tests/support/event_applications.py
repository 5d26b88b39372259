"""The same event handlers in every framework, as it is, under a path of its own: `/api/events`."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from queue import SimpleQueue
from typing import Any

from aiohttp import web
from attrs import asdict
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test.utils import override_settings
from django.urls import path
from fastapi import Depends, FastAPI, Response
from flask import Flask
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.event_requests import KEY, ORIGIN, SECOND_KEY
from tests.support.web_servers import aiohttp_server, uvicorn_server, werkzeug_server, wsgiref_server
from webpubsub.events import (
    AnyEvent,
    ConnectEvent,
    Event,
    EventHandler,
    UserEvent,
    accept,
    reject,
    reply,
)
from webpubsub.events.fastapi import respond

PATH = "/api/events"
BODY_LIMIT = 3 * 1024 * 1024
"""More than Django and aiohttp take on their own."""

Started = tuple[str, "SimpleQueue[Event]"]


def handlers() -> tuple[EventHandler, "SimpleQueue[Event]"]:
    """Make the handlers, and a queue of what nobody waits for."""
    handler = EventHandler(
        hub="chat", access_keys=[KEY, SECOND_KEY], allowed_origins=[ORIGIN], body_limit=BODY_LIMIT, threads=4
    )
    seen: SimpleQueue[Event] = SimpleQueue()
    handler.on_connect(connect)
    handler.on_event()(user_event)

    @handler.on_joined
    async def joined(event: Event) -> None:
        seen.put(event)

    for register in (handler.on_connected, handler.on_disconnected, handler.on_left):
        register(seen.put)
    return handler, seen


def connect(event: ConnectEvent) -> Any:
    """Accept what the query asks for."""
    if "refuse" in event.query:
        return reject(int(event.query["refuse"][0]), "nö")
    if "fail" in event.query:
        raise LookupError("secret")
    if "accept" in event.query:
        return accept(user_id="Zoë", groups=["a"], roles=[], subprotocol="custom", state={"n": 1})
    return None


async def user_event(event: UserEvent[Any]) -> Any:
    """Tell what arrived, or do what the name of the event says."""
    match event.event_name:
        case "inspect":
            told = asdict(event, filter=lambda attribute, value: attribute.name not in ("request_headers", "body"))
            return told | {"data": event.data if not isinstance(event.data, bytes) else list(event.data)}
        case "echo":
            return reply(event.data, metadata=dict(event.metadata), state="left")
        case "length":
            return str(len(event.body))
        case "nothing":
            return None
        case "refuse":
            return reject(422, "not like that")
        case "fail":
            raise LookupError("secret")
    return object()


def starlette_application(handler: EventHandler) -> Any:
    """Have one route in Starlette."""
    return Starlette(routes=[Route(PATH, handler.asgi)], lifespan=lifespan(handler))


def fastapi_application(handler: EventHandler) -> Any:
    """Have one route in FastAPI."""
    return FastAPI(routes=[Route(PATH, handler.asgi)], lifespan=lifespan(handler))


def fastapi_mounted(handler: EventHandler) -> Any:
    """Mount the ASGI door in FastAPI, where it gets every path below."""
    app = FastAPI(lifespan=lifespan(handler))
    app.mount(PATH.rpartition("/")[0], handler.asgi)
    return app


def fastapi_route(handler: EventHandler, seen: "SimpleQueue[Event]") -> Any:
    """Take the event as a dependency of a route, which dispatches itself."""
    app = FastAPI(lifespan=lifespan(handler))

    @app.api_route(PATH, methods=["GET", "OPTIONS", "POST"])
    async def events(event: AnyEvent = Depends(handler.event)) -> Response:  # noqa: B008
        match event:
            case ConnectEvent():
                return respond(event, connect(event))
            case UserEvent():
                answer = await user_event(event)
                known = answer is None or hasattr(answer, "state") or hasattr(answer, "status")
                return respond(event, answer if known else reply(answer))
        seen.put(event)
        return respond(event)

    return app


def litestar_application(handler: EventHandler) -> Any:
    """Mount the ASGI door in Litestar."""
    route = asgi(PATH, is_mount=True, copy_scope=True)(handler.asgi)
    return Litestar([route], on_shutdown=[handler.aclose], logging_config=None)


def flask_application(handler: EventHandler) -> Any:
    """Have one view in Flask."""
    app = Flask(__name__)
    app.add_url_rule(PATH, view_func=handler.flask)
    return app


def aiohttp_application(handler: EventHandler) -> web.Application:
    """Have one route in aiohttp."""

    async def close(app: web.Application) -> None:
        await handler.aclose()

    app = web.Application()
    app.router.add_route("*", PATH, handler.aiohttp)
    app.on_cleanup.append(close)
    return app


def lifespan(handler: EventHandler) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Close a handler when its application ends."""

    @asynccontextmanager
    async def live(app: object) -> AsyncIterator[None]:
        async with handler:
            yield

    return live


@contextmanager
def django_settings(handler: EventHandler) -> Iterator[None]:
    """Configure Django with one view, and with its protection against forged forms, which the view must not need."""
    if not settings.configured:
        settings.configure(SECRET_KEY="not a secret")
    urls = type("Urls", (), {"urlpatterns": [path(PATH.removeprefix("/"), handler.django)]})
    with override_settings(
        ROOT_URLCONF=urls,
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        LOGGING_CONFIG=None,
    ):
        yield


@contextmanager
def start(name: str) -> Iterator[Started]:
    """Run one of the applications, and close its handlers in the end."""
    handler, seen = handlers()
    with _server(name, handler, seen) as url:
        yield url + PATH, seen
    handler.close()


@contextmanager
def _server(name: str, handler: EventHandler, seen: "SimpleQueue[Event]") -> Iterator[str]:
    match name:
        case "asgi":
            with uvicorn_server(handler.asgi) as url:
                yield url
        case "starlette":
            with uvicorn_server(starlette_application(handler)) as url:
                yield url
        case "fastapi":
            with uvicorn_server(fastapi_application(handler)) as url:
                yield url
        case "fastapi-mounted":
            with uvicorn_server(fastapi_mounted(handler)) as url:
                yield url
        case "fastapi-route":
            with uvicorn_server(fastapi_route(handler, seen)) as url:
                yield url
        case "litestar":
            with uvicorn_server(litestar_application(handler)) as url:
                yield url
        case "django-asgi":
            with django_settings(handler), uvicorn_server(get_asgi_application(), lifespan="off") as url:
                yield url
        case "wsgi":
            with wsgiref_server(handler.wsgi) as url:
                yield url
        case "flask":
            with werkzeug_server(flask_application(handler)) as url:
                yield url
        case "flask-mounted":
            mounted = DispatcherMiddleware(Flask(__name__), {PATH: handler.wsgi})
            with werkzeug_server(mounted) as url:
                yield url
        case "django-wsgi":
            with django_settings(handler), werkzeug_server(get_wsgi_application()) as url:
                yield url
        case "aiohttp":
            with aiohttp_server(aiohttp_application(handler)) as url:
                yield url


NAMES = [
    "asgi", "starlette", "fastapi", "fastapi-mounted", "fastapi-route", "litestar", "django-asgi",
    "wsgi", "flask", "flask-mounted", "django-wsgi", "aiohttp",
]  # fmt: skip
