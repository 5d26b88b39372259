"""Where functions run, in which order, and what waits for them."""

import asyncio
import logging
import os
import threading
from typing import Any

import pytest

from tests.support.event_requests import KEY, event, text
from webpubsub.events import (
    ConnectedEvent,
    DisconnectedEvent,
    EventHandler,
    GroupJoinedEvent,
    GroupLeftEvent,
    HttpResponse,
)

SECONDS_TO_WAIT = 20
LOGGER = "azure.webpubsub.events"


def make(**options: Any) -> EventHandler:
    """Make a handler."""
    return EventHandler(hub="chat", access_keys=[KEY], **options)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_what_nobody_waits_for_is_handled_in_the_background(asynchronous: bool) -> None:
    """The response goes out at once; closing waits for the functions."""
    handler, seen, go = make(), [], threading.Event()

    async def coroutine(event: Any) -> None:
        await asyncio.to_thread(go.wait)
        seen.append(event)

    def function(event: Any) -> None:
        go.wait()
        seen.append(event)

    for register in (handler.on_connected, handler.on_disconnected, handler.on_joined, handler.on_left):
        register(coroutine if asynchronous else function)
    requests = [
        event("sys.connected", {}, {"ce-connectionId": "a"}),
        event("sys.disconnected", {"reason": "bye"}, {"ce-connectionId": "b"}),
        event("gp.joined", {"group": "g"}, {"ce-connectionId": "c"}),
        event("gp.left", {"group": "g"}, {"ce-connectionId": "d"}),
    ]

    for request in requests:
        assert (await handler.respond(*request)).status == 204
        assert (await asyncio.to_thread(handler.respond_blocking, *request)).status == 204
    assert seen == []
    go.set()
    await handler.aclose()

    kinds = [ConnectedEvent, DisconnectedEvent, GroupJoinedEvent, GroupLeftEvent]
    assert sorted(type(one).__name__ for one in seen) == sorted(kind.__name__ for kind in kinds * 2)


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_events_of_one_connection_keep_their_order(blocking: bool, asynchronous: bool) -> None:
    """No `left` overtakes its `joined`, however slow that is; other connections do not wait."""
    handler, seen, go = make(), [], threading.Event()

    def joined(event: GroupJoinedEvent) -> None:
        if event.connection_id == "slow":
            go.wait()
        seen.append(f"{event.connection_id} joined")

    async def joined_slowly(event: GroupJoinedEvent) -> None:
        await asyncio.to_thread(joined, event)

    def left(event: GroupLeftEvent) -> None:
        seen.append(f"{event.connection_id} left")
        if event.connection_id == "fast":
            go.set()

    handler.on_joined(joined_slowly if asynchronous else joined)
    handler.on_left(left)
    for connection in ("slow", "fast"):
        for kind in ("gp.joined", "gp.left"):
            request = event(kind, {"group": "g"}, {"ce-connectionId": connection})
            await (asyncio.to_thread(handler.respond_blocking, *request) if blocking else handler.respond(*request))
    await handler.aclose()

    assert seen == ["fast joined", "fast left", "slow joined", "slow left"]


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("kind", ["sync", "async", "returns a coroutine"])
async def test_an_error_in_the_background_is_logged_and_the_next_event_handled(
    blocking: bool, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the response, so the log is the only place."""
    handler, seen = make(), []

    def fail(event: ConnectedEvent) -> None:
        seen.append(event)
        raise LookupError("database of ann")

    async def fail_later(event: ConnectedEvent) -> None:
        fail(event)

    handler.on_connected(
        {"sync": fail, "async": fail_later, "returns a coroutine": lambda event: fail_later(event)}[kind]
    )
    with caplog.at_level(logging.ERROR, LOGGER):
        for _ in range(2):
            request = event("sys.connected", {})
            await (asyncio.to_thread(handler.respond_blocking, *request) if blocking else handler.respond(*request))
        await handler.aclose()

    assert len(seen) == 2
    assert caplog.text.count("LookupError: database of ann") == 2


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_slow_functions_do_not_hold_up_others(asynchronous: bool) -> None:
    """A function waits for another that is called after it: they run side by side."""
    handler, reached = make(), threading.Event()

    def slow(event: object) -> str:
        return "in time" if reached.wait(30) else "too late"

    async def slow_coroutine(event: object) -> str:
        return await asyncio.to_thread(slow, event)

    handler.on_event("slow")(slow_coroutine if asynchronous else slow)
    handler.on_event("fast")(lambda event: reached.set())

    slow_response, fast_response = await asyncio.gather(
        handler.respond(*text("slow", "")), handler.respond(*text("fast", ""))
    )

    assert (slow_response.body, fast_response.status) == (b"in time", 204)
    await handler.aclose()


async def test_sync_functions_run_in_threads_and_async_ones_in_the_loop() -> None:
    """Under ASGI nothing blocks the loop; under WSGI the function has the thread of its request."""
    handler = make()
    handler.on_event("sync")(lambda event: threading.current_thread().name)

    @handler.on_event("async")
    async def name(event: object) -> str:
        return threading.current_thread().name

    async def thread(kind: str) -> str:
        return (await handler.respond(*text(kind, ""))).body.decode()

    assert (await thread("sync")).startswith("webpubsub-events")
    assert await thread("async") == threading.current_thread().name
    here = handler.respond_blocking
    assert here(*text("sync", "")).body.decode() == threading.current_thread().name
    assert (await asyncio.to_thread(here, *text("async", ""))).body.startswith(b"webpubsub-events-loop")
    await handler.aclose()


async def test_a_handler_goes_on_after_it_was_closed() -> None:
    """Closing ends threads, nothing else."""
    handler = make()
    handler.on_message(lambda event: "hi")

    for _ in range(2):
        assert (await handler.respond(*text("message", ""))).body == b"hi"
        await handler.aclose()
    with handler:
        assert handler.respond_blocking(*text("message", "")).body == b"hi"
    async with handler:
        assert (await handler.respond(*text("message", ""))).body == b"hi"
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("webpubsub-events")] == []


async def test_what_the_loop_takes_along_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that ends in spite of running functions loses events; the log says how many."""
    handler, started = make(), asyncio.Event()

    @handler.on_connected
    async def connected(event: ConnectedEvent) -> None:
        started.set()
        await asyncio.Event().wait()

    for _ in range(3):
        await handler.respond(*event("sys.connected", {}))
    await started.wait()
    (task,) = [task for task in asyncio.all_tasks() if "_work_off" in repr(task.get_coro())]
    with caplog.at_level(logging.ERROR, LOGGER):
        task.cancel()
        await asyncio.wait([task])

    assert "2 more were not begun" in caplog.text
    await handler.aclose()


async def test_what_is_left_open_is_closed_after_each_function_in_a_thread() -> None:
    """Frameworks close connections to databases there."""
    handler, closed = make(), []
    handler.after_each_call(note := lambda: closed.append(threading.current_thread().name))
    handler.after_each_call(note)
    handler.on_message(lambda event: "hi")
    handler.on_connected(lambda event: None)

    await handler.respond(*text("message", ""))
    await handler.respond(*event("sys.connected", {}))
    await asyncio.to_thread(handler.respond_blocking, *event("sys.connected", {}))
    await handler.aclose()

    assert len(closed) == 3
    assert all(name.startswith("webpubsub-events") for name in closed)


@pytest.mark.parametrize("blocking", [False, True])
async def test_what_fails_after_a_function_is_logged_and_nothing_is_lost(
    blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The reply stays the reply, and the next event of the connection is handled."""
    handler = make()
    seen: list[object] = []

    def fail() -> None:
        raise LookupError("the database is gone")

    async def respond(request: Any) -> HttpResponse:
        return await (asyncio.to_thread(handler.respond_blocking, *request) if blocking else handler.respond(*request))

    handler.after_each_call(fail)
    handler.on_message(lambda event: "hi")
    handler.on_connected(seen.append)
    with caplog.at_level(logging.ERROR, LOGGER):
        assert (await respond(text("message", ""))).body == b"hi"
        for _ in range(2):
            await respond(event("sys.connected", {}))
        await asyncio.wait_for(handler.aclose(), SECONDS_TO_WAIT)

    assert len(seen) == 2
    assert "the database is gone" in caplog.text


def test_a_function_that_exits_does_not_hold_up_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the next event nor closing waits for a function that has gone without a word."""
    handler = make()
    seen: list[object] = []

    @handler.on_connected
    def connected(event: ConnectedEvent) -> None:
        raise SystemExit

    handler.on_disconnected(seen.append)
    closing = threading.Thread(target=handler.close, daemon=True)

    handler.respond_blocking(*event("sys.connected", {}))
    closing.start()
    closing.join(SECONDS_TO_WAIT)
    assert not closing.is_alive()
    assert "0 more were not begun" in caplog.text
    handler.respond_blocking(*event("sys.disconnected", {}))
    handler.close()
    assert len(seen) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    """Servers fork their workers after the application, and perhaps its first threads, have begun."""
    handler = make(threads=1)

    @handler.on_message
    async def message(event: object) -> str:
        return threading.current_thread().name

    handler.on_connected(lambda event: None)
    handler.respond_blocking(*event("sys.connected", {}))
    assert handler.respond_blocking(*text("message", "")).status == 200

    child = os.fork()
    if not child:  # pragma: no cover
        status = handler.respond_blocking(*text("message", "")).status
        handler.respond_blocking(*event("sys.connected", {}))
        handler.close()
        os._exit(0 if status == 200 else 1)
    assert os.waitpid(child, 0)[1] == 0
    handler.close()


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_cancelled_thing_that_a_function_waited_for_is_its_error(blocking: bool, asynchronous: bool) -> None:
    """500, as for any other; a request is only given up when the request itself is cancelled."""
    handler = make()

    def function(event: Any) -> None:
        raise asyncio.CancelledError

    async def coroutine(event: Any) -> None:
        raise asyncio.CancelledError

    handler.on_message(coroutine if asynchronous else function)
    request = text("message", "")
    async with handler:
        if blocking:
            response = await asyncio.to_thread(handler.respond_blocking, *request)
        else:
            response = await handler.respond(*request)

    assert (response.status, response.body) == (500, b"Internal server error")


async def test_a_cancelled_request_is_cancelled() -> None:
    """Servers cancel what they gave up, and wait for it to end."""
    handler, begun = make(), asyncio.Event()

    @handler.on_message
    async def message(event: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    request = asyncio.create_task(handler.respond(*text("message", "")))
    await begun.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await handler.aclose()


def test_a_function_that_exits_does_not_end_the_loop_of_the_others() -> None:
    """Under WSGI all async functions share one; `SystemExit` goes to the server, and the next request is served."""
    with make() as handler:

        @handler.on_event()
        async def function(event: Any) -> str:
            if event.event_name == "exit":
                raise SystemExit
            return "fine"

        with pytest.raises(SystemExit):
            handler.respond_blocking(*text("exit", ""))
        assert handler.respond_blocking(*text("message", "")).body == b"fine"
