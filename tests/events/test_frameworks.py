"""The examples, complete, in each framework as it is, called by the emulator for real WebSocket clients."""

import asyncio
import importlib.util
import inspect
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import azure.functions as func
import httpx
import pytest
from django.conf import settings
from django.test.utils import override_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.web_servers import aiohttp_server, listener, uvicorn_server, werkzeug_server
from webpubsub.emulator import Emulator

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "events"
SECONDS_TO_WAIT = 20

SERVERS: list[tuple[str, str]] = [
    ("with_fastapi", "asgi"),
    ("with_litestar", "asgi"),
    ("with_aiohttp", "aiohttp"),
    ("with_flask", "wsgi"),
    ("with_quart", "asgi"),
    ("with_azure_functions", "functions"),
    ("with_bottle", "wsgi"),
    ("with_django", "wsgi"),
    ("with_django", "asgi"),
]


def load(name: str) -> ModuleType:
    """Run an example as a module of its own."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def functions_host(app: func.AsgiFunctionApp) -> Starlette:
    """Do what the host of Azure Functions does: hand each HTTP request to the only function of the application."""
    (function,) = app.get_functions()
    run = function.get_user_function()

    async def trigger(request: Request) -> Response:
        headers = {name.decode(): value.decode() for name, value in request.headers.raw}
        given = func.HttpRequest(
            request.method, str(request.url), headers=headers, params=dict(request.query_params),
            route_params={}, body=await request.body(),
        )  # fmt: skip
        context = SimpleNamespace(
            function_directory="", function_name="", invocation_id="", thread_local_storage=None, trace_context=None,
            retry_context=None,
        )  # fmt: skip
        answer = await run(given, context)
        return Response(answer.get_body(), answer.status_code, dict(answer.headers))

    return Starlette(routes=[Route("/{path:path}", trigger, methods=["GET", "OPTIONS", "POST"])])


@contextmanager
def serving(name: str, kind: str, sock: socket.socket) -> Iterator[str]:
    """Run an example on a socket, and close what it leaves open."""
    if not settings.configured:
        settings.configure(SECRET_KEY="not a secret")
    module: Any = load(name)
    urls = type("Urls", (), {"urlpatterns": getattr(module, "urlpatterns", [])})
    with override_settings(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        match kind:
            case "aiohttp":
                with aiohttp_server(module.app, sock) as url:
                    yield url
            case "asgi":
                app, lifespan = (module.asgi, "off") if name == "with_django" else (module.app, "on")
                with uvicorn_server(app, sock, lifespan=lifespan) as url:  # type: ignore[arg-type]
                    yield url
            case "functions":
                with uvicorn_server(functions_host(module.app), sock, lifespan="off") as url:
                    yield url
                module.app.startup_task_done = False  # it would run a loop of its own when it is garbage
            case "wsgi":
                with werkzeug_server(module.wsgi if name == "with_django" else module.app, sock) as url:
                    yield url
    del sys.modules[name]
    module.handler.close()
    closing = module.service.close()
    if inspect.iscoroutine(closing):
        asyncio.run(closing)


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: "-".join(server))
def application(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the emulator and an example that it calls."""
    with listener() as sock, pytest.MonkeyPatch.context() as patch:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with Emulator(event_handlers={"hub": f"{url}/eventhandler"}) as emulator:
            patch.setenv("WEBPUBSUB_CONNECTION_STRING", emulator.connection_string)
            with serving(request.param[0], request.param[1], sock) as url:
                yield url
                emulator.stop()  # before the application: its last events would come to a server that is about to end


def client_url(application: str, user: str) -> str:
    """Ask the application for the URL of a client."""
    answer = httpx.get(f"{application}/negotiate", params={"user": user}, timeout=SECONDS_TO_WAIT, trust_env=False)
    return str(answer.raise_for_status().json()["url"])


@pytest.mark.parametrize("user", ["ann", "Zoë 雪 🚀"])
def test_clients_hear_who_comes_and_get_answers(application: str, user: str) -> None:
    """Connect, connected, and an event with its reply, over real sockets, for users beyond ASCII, too."""
    with connect(client_url(application, user)) as first:
        assert first.recv(timeout=SECONDS_TO_WAIT) == f"{user} is here."
        with connect(client_url(application, "bob")) as second:
            assert first.recv(timeout=SECONDS_TO_WAIT) == "bob is here."
            assert second.recv(timeout=SECONDS_TO_WAIT) == "bob is here."
            second.send("hi")
            assert second.recv(timeout=SECONDS_TO_WAIT) == "You said hi."


def test_a_refused_client_learns_why(application: str) -> None:
    """The function's status and words come back in the answer to the handshake."""
    with pytest.raises(InvalidStatus) as caught, connect(client_url(application, "nobody")):
        pass

    assert caught.value.response.status_code == 403
    assert caught.value.response.body == b"Nobody is not welcome."
