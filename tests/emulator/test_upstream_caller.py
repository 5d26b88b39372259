"""How events get to handlers in this process and to listeners: without sockets, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from webpubsub.emulator import EventHandlerSettings, EventListener
from webpubsub.emulator._clock import Clock
from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._hub.upstream import (
    ConnectedEvent,
    ConnectEvent,
    ConnectRefused,
    ConnectReply,
    DisconnectedEvent,
    EventFailed,
    EventReply,
    MqttResponse,
    UserEvent,
)
from webpubsub.emulator._upstream.caller import UpstreamCaller, UpstreamClient, UpstreamExchange, wait_before_retry
from webpubsub.emulator._upstream.configuration import Configuration
from webpubsub.emulator._upstream.requests import ClientOfEvent, WebhookResponse

ORDER = UserEvent("order", Payload(DataType.TEXT, "x"))
CONNECT = ConnectEvent({}, {}, {}, ())
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Reply = Callable[[Receive, Send], Awaitable[None]]


class Application:
    """An ASGI application that allows everything and replies to events as a test wants it."""

    def __init__(self, reply: Reply) -> None:
        self.allows = True
        self.validations = 0
        self.reply = reply

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve a request."""
        assert scope["type"] == "http"
        if scope["method"] == "OPTIONS":
            self.validations += 1
            await respond(200, (b"webhook-allowed-origin", b"*" if self.allows else b"example.com"))(receive, send)
            return
        await self.reply(receive, send)


def respond(status: int, *headers: tuple[bytes, bytes], body: tuple[bytes, ...] = (b"",)) -> Reply:
    """Make a reply, with its body in pieces."""

    async def reply(receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(body, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(body)})

    return reply


class Running:
    """A caller of handlers that runs, and the client whose events it sends."""

    def __init__(self, application: Application | None, listener: EventListener | None, **settings: Any) -> None:
        handlers = {} if application is None else {"chat": EventHandlerSettings(app=application, **settings)}
        listeners = {} if listener is None else {"chat": listener}
        self.clock = Clock()
        self.seen: list[UpstreamExchange] = []
        self.application = application or Application(respond(204))
        self.caller = UpstreamCaller(
            Configuration(handlers, listeners),
            service_host="127.0.0.1:8080",
            access_keys=["k" * 32],
            clock=self.clock,
            observe=self.seen.append,
        )
        self.client = UpstreamClient(ClientOfEvent("chat", "c1"), CONNECT)


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts callers, and stops them."""
    started: list[Running] = []

    async def start(
        reply: Reply | None = None, listener: EventListener | None = None, *, allows: bool = True, **settings: Any
    ) -> Running:
        running = Running(None if reply is None else Application(reply), listener, **settings)
        running.application.allows = allows
        await running.caller.start()
        started.append(running)
        return running

    yield start
    for running in started:
        await running.caller.stop()


async def test_without_a_handler_everybody_may_connect_and_no_event_is_taken(start: Start) -> None:
    """A handler that wants other events is as good as none."""
    running = await start(respond(500), system_events=[], event_pattern="other")

    assert not running.caller.hears("chat", CONNECT)
    assert await running.caller.connect(CONNECT, running.client) == ConnectReply()
    assert await running.caller.user_event(ORDER, running.client, 2) == EventFailed()
    assert running.seen == []


async def test_a_listener_alone_is_enough(start: Start) -> None:
    """The event has succeeded; a notice reaches the listener, too, and `connect` never does."""
    listener = EventListener(event_pattern="order")
    running = await start(listener=listener)

    assert await running.caller.user_event(ORDER, running.client, 2) == EventReply()
    running.caller.notify(ConnectedEvent(), running.client, 1)
    assert not running.caller.hears("chat", CONNECT)
    assert running.caller.hears("chat", DisconnectedEvent(""))
    assert [event.properties["cloudEvents:eventname"] for event in listener.events] == ["order", "connected"]


async def test_a_listener_whose_file_cannot_be_written_disturbs_nobody(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why, and the event goes on to the handler."""
    running = await start(respond(204), EventListener(path=tmp_path))

    assert await running.caller.user_event(ORDER, running.client, 2) == EventReply()
    assert "An event listener cannot write: " in caplog.text


@pytest.mark.parametrize("user_id", ["a\nb", "a\rb", "\0", "\x7f"])
async def test_a_user_that_no_header_can_carry_is_told(
    start: Start, caplog: pytest.LogCaptureFixture, user_id: str
) -> None:
    """Its client is refused in a sentence, and none of its events is sent, not even once."""
    running = await start(respond(204))
    running.client.client = attrs.evolve(running.client.client, user_id=user_id)

    reply = await running.caller.connect(CONNECT, running.client)
    failed = await running.caller.user_event(ORDER, running.client, 1)

    sentence = "The header 'ce-userId' of a request to an event handler would hold a control character."
    assert isinstance(reply, ConnectRefused)
    assert (reply.status, reply.body) == (400, sentence.encode())
    assert failed == EventFailed()
    assert [record.getMessage() for record in caplog.records] == [f"The event order was not sent: {sentence}"]
    assert [exchange.attempts for exchange in running.seen] == [0]
    assert running.application.validations == 0


async def test_a_handler_that_takes_too_long_fails_the_event_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """After 100 seconds of the emulator's time; there is no other try, and an earlier move of the clock is no end."""
    called = asyncio.Event()

    async def never(receive: Receive, send: Send) -> None:
        called.set()
        await asyncio.Event().wait()

    running = await start(never)
    event = asyncio.create_task(running.caller.user_event(ORDER, running.client, 2))
    await called.wait()
    running.clock.advance(99)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not event.done()
    running.clock.advance(2)
    running.clock.advance(2)

    assert await event == EventFailed()
    assert "An event handler took too long." in caplog.text
    assert [(exchange.attempts, exchange.response) for exchange in running.seen] == [(1, None)]


WAITS: list[tuple[int | None, list[float | None]]] = [
    (None, [1, 3, 5, None]),
    (408, [1, 3, 5, None]),
    (500, [1, 3, 5, None]),
    (599, [1, 3, 5, None]),
    (429, [None]),
    (404, [None]),
    (200, [None]),
]


@pytest.mark.parametrize(("status", "waits"), WAITS)
def test_what_may_pass_is_tried_four_times(status: int | None, waits: list[float | None]) -> None:
    """No response, 408 and 5xx; never 429."""
    outcome = None if status is None else WebhookResponse(status)

    assert [wait_before_retry(outcome, attempt) for attempt in range(1, len(waits) + 1)] == waits


async def test_a_webhook_that_says_no_is_asked_again_ever_later(start: Start) -> None:
    """After 1, 2, 4 seconds and so on, up to a minute; events that come at once share the question."""
    running = await start(respond(204), allows=False)
    asked: list[float] = []
    for second in range(200):
        before = running.application.validations
        await asyncio.gather(*(running.caller.user_event(ORDER, running.client, 2) for _ in range(3)))
        if running.application.validations > before:
            assert running.application.validations == before + 1
            asked.append(second)
        running.clock.advance(1)

    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert {exchange.attempts for exchange in running.seen} == {0}


async def test_a_webhook_that_agreed_is_asked_again_beside_the_event(start: Start) -> None:
    """After a minute the event goes out at once; a no counts from the next one on."""
    running = await start(respond(204))
    outcomes = [await running.caller.user_event(ORDER, running.client, 2)]
    running.clock.advance(61)
    running.application.allows = False
    outcomes.append(await running.caller.user_event(ORDER, running.client, 3))
    while running.application.validations < 2:
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    outcomes.append(await running.caller.user_event(ORDER, running.client, 4))

    assert outcomes == [EventReply(), EventReply(), EventFailed()]


async def test_what_an_application_sends_in_pieces_is_one_response(start: Start) -> None:
    """Headers that are no UTF-8 are read as Latin-1, and cookies that are none are left out."""
    cookies = [(b"Set-Cookie", value) for value in (b"a=1; Path=/", b"b=2", b"c d=\xff", b"b=; Max-Age=0", b"[]=\x00=")]
    running = await start(
        respond(200, (b"content-type", b"text/plain"), (b"ce-connectionState", b"\xff"), *cookies, body=(b"h", b"i"))
    )

    first = await running.caller.user_event(ORDER, running.client, 2)
    await running.caller.user_event(ORDER, running.client, 3)

    assert first == EventReply(Payload(DataType.TEXT, "hi"))
    assert running.client.client.state == "\xff"
    assert running.seen[1].request.headers["Cookie"] == "a=1"


async def test_an_application_hears_that_its_response_was_taken(start: Start) -> None:
    """Who goes on receiving after the body is told of the end, once the response is whole."""
    received: list[str] = []

    async def curious(receive: Receive, send: Send) -> None:
        received.append((await receive())["type"])
        waiting = asyncio.create_task(_next(receive))
        await respond(204)(lambda: asyncio.sleep(0, {}), send)
        received.append(await waiting)

    running = await start(curious)

    assert await running.caller.user_event(ORDER, running.client, 2) == EventReply()
    assert received == ["http.request", "http.disconnect"]


async def _next(receive: Receive) -> str:
    return str((await receive())["type"])


async def test_an_application_that_does_not_respond_is_asked_again(start: Start) -> None:
    """As one over a network whose connection breaks: after 1, 3 and 5 seconds."""
    calls = 0
    called = asyncio.Event()

    async def silent(receive: Receive, send: Send) -> None:
        nonlocal calls
        calls += 1
        called.set()

    running = await start(silent)
    event = asyncio.create_task(running.caller.user_event(ORDER, running.client, 2))
    for seconds in (1, 3, 5):
        await called.wait()
        called.clear()
        for _ in range(5):
            await asyncio.sleep(0)
        running.clock.advance(seconds)

    assert await event == EventFailed()
    assert calls == 4


async def test_an_mqtt_client_gets_refusals_whole_and_keeps_its_state(start: Start) -> None:
    """What is no success stores nothing."""
    running = await start(respond(400, (b"ce-connectionstate", b"new"), body=(b"no",)))
    running.client.client = ClientOfEvent("chat", "c1", state="old", physical_connection_id="p1")

    reply = await running.caller.user_event(ORDER, running.client, 2)

    assert reply == MqttResponse(400, None, b"no")
    assert running.client.client.state == "old"


async def test_a_success_of_an_mqtt_client_is_kept_in_mind(start: Start) -> None:
    """Its state comes with the next event."""
    running = await start(
        respond(200, (b"ce-connectionstate", b"new"), (b"content-type", b"text/plain"), body=(b"yes",))
    )
    running.client.client = ClientOfEvent("chat", "c1", state="old", physical_connection_id="p1")

    assert await running.caller.user_event(ORDER, running.client, 2) == MqttResponse(200, "text/plain", b"yes")
    assert running.client.client.state == "new"


async def test_a_stop_drops_what_is_under_way() -> None:
    """Neither an event that is being sent, nor one that waits behind it, keeps the emulator from stopping."""
    called = asyncio.Event()

    async def never(receive: Receive, send: Send) -> None:
        called.set()
        await asyncio.Event().wait()

    running = Running(Application(never), None)
    await running.caller.start()
    for number in (1, 2):
        running.caller.notify(ConnectedEvent(), running.client, number)
    await called.wait()
    await running.caller.stop()

    assert running.client.pending is not None
    assert running.client.pending.cancelled()


def test_a_listener_never_hears_of_connect() -> None:
    """Whoever asks for it has mistaken it for a handler; a path that is none is told at once, too."""
    with pytest.raises(ValueError, match="A listener never hears of connect"):
        EventListener(system_events=["connect"])
    with pytest.raises(TypeError, match="path must be a str or a Path, not int"):
        EventListener(path=3)  # type: ignore[arg-type]
