"""One client for a whole application, in frameworks that run many event loops and in forked workers.

The official client fails in all of these: its session belongs to one loop, its connections to one process.
"""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import azure.messaging.webpubsubservice.aio
import django
import django.conf
import pytest
from azure.core.exceptions import ResourceNotFoundError
from websockets.sync.client import connect

from webpubsub.compat import WebPubSubServiceClient, aio
from webpubsub.emulator import Emulator


@pytest.fixture
def ann(emulator: Emulator, hub: str) -> Iterator[None]:
    """A user who is there."""
    with (
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service,
        connect(service.get_client_access_token(user_id="ann")["url"]),
    ):
        yield


@contextmanager
def shared(emulator: Emulator, hub: str) -> Iterator[aio.WebPubSubServiceClient]:
    """Make a client as a module of an application does, outside of every loop."""
    service = aio.WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub, retry_total=0)
    yield service
    asyncio.run(service.close())


@pytest.mark.usefixtures("ann")
def test_asynchronous_flask_views_share_a_client(emulator: Emulator, hub: str) -> None:
    """Each request runs in a loop of its own; errors are handled as ever."""
    from flask import Flask, jsonify

    app = Flask("chat")
    with shared(emulator, hub) as service:

        @app.get("/online/<user>")
        async def online(user: str) -> Any:
            return jsonify(await service.user_exists(user))

        @app.post("/rooms/<room>/members/<user>")
        async def join(room: str, user: str) -> Any:
            try:
                await service.add_user_to_group(room, user)
            except ResourceNotFoundError as error:
                return jsonify(error.status_code), 404
            return jsonify(None)

        browser = app.test_client()
        found = [browser.get(f"/online/{user}").json for user in ("ann", "bob", "ann")]
        joined = [browser.post(f"/rooms/lobby/members/{user}").status_code for user in ("ann", "bob")]

    assert found == [True, False, True]
    assert joined == [200, 404]


@pytest.mark.usefixtures("ann")
def test_asynchronous_django_views_share_a_client(emulator: Emulator, hub: str) -> None:
    """Under WSGI, where Django runs each of them in a loop of its own."""
    if not django.conf.settings.configured:
        django.conf.settings.configure(SECRET_KEY="of the tests", ALLOWED_HOSTS=["*"])
        django.setup()
    from django.http import JsonResponse
    from django.test import Client, override_settings
    from django.urls import path

    with shared(emulator, hub) as service:

        async def online(request: Any, user: str) -> Any:
            both = await asyncio.gather(service.user_exists(user), service.user_exists("nobody"))
            return JsonResponse({"online": both})

        class Urls:
            urlpatterns = (path("online/<str:user>", online),)

        with override_settings(ROOT_URLCONF=Urls):
            browser = Client()
            found = [browser.get(f"/online/{user}").json()["online"] for user in ("ann", "bob", "ann")]

    assert found == [[True, False], [False, False], [True, False]]


@pytest.mark.usefixtures("ann")
def test_loops_in_threads_share_a_client(emulator: Emulator, hub: str) -> None:
    """Eight at once, twice each."""
    found: list[bool] = []

    with shared(emulator, hub) as service:

        async def look() -> list[bool]:
            return await asyncio.gather(*(service.user_exists(user) for user in ("ann", "bob", "ann")))

        def work() -> None:
            for _ in range(2):
                found.extend(asyncio.run(look()))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [True, False, True] * 16


def test_the_official_client_does_not_survive_its_loop(emulator: Emulator, hub: str) -> None:
    """Why its users make a client in each view."""
    official = azure.messaging.webpubsubservice.aio.WebPubSubServiceClient

    async def look() -> bool:
        return await service.user_exists("ann")

    async def leave() -> None:
        await service.close()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        service = official.from_connection_string(emulator.connection_string, hub, retry_total=0)
        assert first.run(look()) is False
        with pytest.raises(RuntimeError):
            second.run(look())
        first.run(leave())


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # that the tests have threads is no matter
@pytest.mark.usefixtures("ann")
def test_forked_workers_inherit_a_client_that_is_in_use(emulator: Emulator, hub: str) -> None:
    """Gunicorn with --preload, Celery's prefork: all ask at once, and each gets the responses to its own requests."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service:
        assert service.user_exists("ann") is True
        workers = [forked(lambda: ask(service)) for _ in range(3)]
        mine = ask(service)
        theirs = [result_of(worker) for worker in workers]

    assert mine == []
    assert theirs == [[], [], []]


def ask(service: WebPubSubServiceClient) -> list[str]:
    """Ask many times for somebody who is there and somebody who is not, and return the wrong answers."""
    wrong = [f"ann {number}" for number in range(50) if not service.user_exists("ann")]
    return wrong + [f"nobody {number}" for number in range(50) if service.user_exists("nobody")]


def forked(work: Any) -> tuple[int, int]:
    """Run a function in a child process; return its id and where its result can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, json.dumps(work()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def result_of(worker: tuple[int, int]) -> Any:
    """Return what a child process found."""
    child, reading = worker
    with os.fdopen(reading) as pipe:
        result = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0
    return json.loads(result)
