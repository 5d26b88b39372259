"""`EventHandler`: which function is called with what, and what becomes of its result. No server, no framework."""

import asyncio
import functools
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, TypeAlias, TypeVar
from uuid import UUID

import pytest

from tests.support.event_requests import (
    CONNECTION_STRING,
    KEY,
    ORIGIN,
    SECOND_KEY,
    Request,
    digest,
    event,
    preflight,
    text,
)
from webpubsub.credentials import AzureKeyCredential
from webpubsub.errors import ConfigurationError, EventError
from webpubsub.events import (
    BearerToken,
    ConnectEvent,
    EventHandler,
    HttpResponse,
    UserEvent,
    accept,
    reject,
    reply,
)

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]

    Later: TypeAlias = "Order"

LOGGER = "azure.webpubsub.events"


@dataclass
class Order:
    """What clients send."""

    number: int


def make(**options: Any) -> EventHandler:
    """Make a handler."""
    return EventHandler(**({"hub": "chat", "access_keys": [KEY]} | options))


async def respond(handler: EventHandler, request: Request) -> HttpResponse:
    """Handle a request on both ways, and check that they agree."""
    blocking = await asyncio.to_thread(handler.respond_blocking, *request)
    response = await handler.respond(*request)
    await handler.aclose()
    assert response == blocking
    return response


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        (None, 204, b""),
        (accept(groups=["a"]), 200, b'{"groups":["a"]}'),
        (reject(403, "no"), 403, b"no"),
        ("text", 500, b"Internal server error"),
        (True, 500, b"Internal server error"),
        (reply("hi"), 500, b"Internal server error"),
    ],
)
async def test_on_connect_accepts_or_rejects(asynchronous: bool, result: Any, status: int, body: bytes) -> None:
    """Anything else is a mistake, and lets nobody in."""
    handler = make()
    handler.on_connect(function_returning(result, asynchronous))

    response = await respond(handler, event("sys.connect", {}))

    assert (response.status, response.body) == (status, body)


def function_returning(result: Any, asynchronous: bool) -> Callable[[Any], Any]:
    """Make a function of one argument."""

    async def coroutine(event: object) -> Any:
        return result

    return coroutine if asynchronous else lambda event: result


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        (None, 204, None, b""),
        ("ä", 200, "text/plain; charset=utf-8", "ä".encode()),
        (b"\xff", 200, "application/octet-stream", b"\xff"),
        ({"a": 1}, 200, "application/json; charset=utf-8", b'{"a":1}'),
        (Order(1), 200, "application/json; charset=utf-8", b'{"number":1}'),
        (False, 200, "application/json; charset=utf-8", b"false"),
        (reply("a", content_type="application/json"), 200, "application/json; charset=utf-8", b'"a"'),
        (reject(400, "no"), 400, "text/plain; charset=utf-8", b"no"),
        (accept(), 500, "text/plain; charset=utf-8", b"Internal server error"),
        (object(), 500, "text/plain; charset=utf-8", b"Internal server error"),
        (reply(b"a", content_type="image/png"), 500, "text/plain; charset=utf-8", b"Internal server error"),
    ],
)
async def test_a_plain_value_is_a_reply(
    asynchronous: bool, result: Any, status: int, content_type: str | None, body: bytes
) -> None:
    """A value, a reply with everything said, or a rejection."""
    handler = make()
    handler.on_message(function_returning(result, asynchronous))

    response = await respond(handler, text("message", "hi"))

    assert (response.status, response.body) == (status, body)
    assert dict(response.headers).get("Content-Type") == content_type


async def test_without_functions_clients_may_connect_and_their_events_fail() -> None:
    """The token decides who may connect; an event that nobody handles must not look handled."""
    handler = make()

    assert (await respond(handler, event("sys.connect", {}))).status == 204
    assert (await respond(handler, event("sys.connected", {}))).status == 204
    assert (await respond(handler, event("sys.paused", {}))).status == 204
    assert (await respond(handler, text("message", "hi"))).status == 404


async def test_names_choose_the_function() -> None:
    """Without regard to case; `*` for all others."""
    handler = make()
    handler.on_event("Order")(lambda event: "order")
    handler.on_event()(lambda event: event.event_name)
    handler.on_message(lambda event: "message")

    for name, body in {"ORDER": "order", "message": "message", "other.thing": "other.thing"}.items():
        assert (await respond(handler, text(name, "hi"))).body == body.encode()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_error_in_a_function_is_logged_and_not_told(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """500 and three words to the caller; the log has the traceback and the request's id."""
    handler = make()

    def fail(event: object) -> None:
        raise LookupError("database of ann")

    async def fail_later(event: object) -> None:
        raise LookupError("database of ann")

    handler.on_message(fail_later if asynchronous else fail)
    with caplog.at_level(logging.ERROR, LOGGER):
        response = await handler.respond(*text("message", "hi"))

    assert (response.status, response.body) == (500, b"Internal server error")
    assert "5f6b7c88-0000-4000-8000-000000000000" in caplog.text
    assert "'azure.webpubsub.user.message' of connection 'c1'" in caplog.text
    assert "LookupError: database of ann" in caplog.text
    await handler.aclose()


async def test_a_function_may_raise_what_to_answer() -> None:
    """An `EventError` is a rejection from deep inside."""
    handler = make()

    @handler.on_message
    def message(event: UserEvent[str]) -> str:
        raise EventError(422, "not like that")

    response = await respond(handler, text("message", "hi"))

    assert (response.status, response.body) == (422, b"not like that")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_the_annotation_says_what_data_is(content_type: str) -> None:
    """`UserEvent[Order]` gets an `Order`, and an annotated dict is validated, too."""
    handler = make()

    @handler.on_event("order")
    async def order(event: UserEvent[Order]) -> Order:
        return Order(event.data.number + 1)

    @handler.on_event("lines")
    def lines(event: UserEvent[list[int]]) -> int:
        return sum(event.data)

    def request(name: str, body: object) -> Request:
        return event(f"user.{name}", body, {"Content-Type": content_type})

    assert (await respond(handler, request("order", {"number": 1}))).body == b'{"number":2}'
    assert (await respond(handler, request("lines", [1, 2]))).body == b"3"
    assert (await respond(handler, request("order", {}))).status == 400


class Service:
    """An application whose functions are methods."""

    def method(self, event: UserEvent[Order]) -> int:
        """Handle an event."""
        return event.data.number

    async def __call__(self, event: UserEvent[Order]) -> int:
        """Handle an event, as an object that can be called."""
        return event.data.number

    @staticmethod
    def static(event: UserEvent[Order], more: int = 0) -> int:
        """Handle an event, with an argument that has a default."""
        return event.data.number + more


def plus(more: int, event: UserEvent[Order]) -> int:
    """Add."""
    return event.data.number + more


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@pytest.mark.parametrize(
    "function",
    [Service().method, Service(), Service.static, functools.partial(plus, 0), decorated(Service.static)],
)
async def test_whatever_can_be_called_is_a_function(function: Callable[[Any], Any]) -> None:
    """Methods, objects, partials, decorated functions: the annotation is found in each."""
    handler = make()
    handler.on_event("order")(function)

    assert (await respond(handler, event("user.order", {"number": 7}))).body == b"7"


async def test_an_annotation_may_name_what_comes_later() -> None:
    """It is resolved when the first event comes; what never comes is an error that the log explains."""
    handler = make()

    @handler.on_event("later")
    def later(event: "UserEvent[Later]") -> int:
        return event.data.number

    @handler.on_event("never")
    def never(event: "UserEvent[Missing]") -> int:
        return 0

    globals()["Later"] = Order
    try:
        assert (await respond(handler, event("user.later", {"number": 7}))).body == b"7"
        assert (await respond(handler, event("user.never", {"number": 7}))).status == 500
    finally:
        del globals()["Later"]


def no_argument() -> None:
    """Take nothing."""


def two_arguments(event: object, other: object) -> None:
    """Take too much."""


def wrong_event(event: UserEvent[str]) -> None:
    """Want another event."""


def wrong_parameter(order: Order) -> None:
    """Want the payload where the event comes."""


def generator(event: ConnectEvent) -> Iterator[None]:
    """Give, and not return."""
    yield


async def asynchronous_generator(event: ConnectEvent) -> AsyncIterator[None]:
    """Give, and not return."""
    yield


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (None, "A handler must be a function, not NoneType"),
        ("name", "A handler must be a function, not str"),
        (no_argument, "no_argument must take one argument, the event"),
        (two_arguments, "two_arguments must take one argument, the event"),
        (wrong_event, "wrong_event wants a UserEvent, but would get a ConnectEvent"),
        (wrong_parameter, "wrong_parameter wants a Order, but would get a ConnectEvent"),
        (generator, "generator must return its reply"),
        (asynchronous_generator, "asynchronous_generator must return its reply"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused(function: Any, words: str) -> None:
    """When it is registered, not when the first event comes."""
    with pytest.raises(TypeError, match=words):
        make().on_connect(function)


def test_two_functions_for_one_event_are_refused() -> None:
    """One of them would never be called."""
    handler = make()
    handler.on_connect(lambda event: None)
    handler.on_event("order")(Service.static)

    with pytest.raises(ConfigurationError, match="ConnectEvent has a function already"):
        handler.on_connect(lambda event: None)
    with pytest.raises(ConfigurationError, match=r"The event order has a function already: Service\.static"):
        handler.on_event("ORDER")(lambda event: None)
    with pytest.raises(ConfigurationError, match="name must not be empty"):
        handler.on_event("")
    with pytest.raises(TypeError, match="name must be a str"):
        handler.on_event(7)  # type: ignore[arg-type]


def test_an_event_without_a_name_says_how_to_write_it() -> None:
    """The parentheses are forgotten most often of all."""

    def order(event: UserEvent[Any]) -> None: ...

    with pytest.raises(TypeError, match=r'write @handler\.on_event\("order"\), or @handler\.on_event\(\) for all'):
        make().on_event(order)  # type: ignore[arg-type]


class Unreadable:
    """A class that says nothing of what it consists of."""


@dataclass
class Inside:
    """A class that holds one, and itself."""

    many: list[Unreadable]
    inside: "Inside | None" = None


@dataclass
class Unresolved:
    """A class whose annotations name what is not defined."""

    later: "NotYet"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Unreadable, "Unreadable"),
        (Inside, "Unreadable"),
        (list[Unreadable], "Unreadable"),
        (dict[str, Unreadable | None], "Unreadable"),
        (tuple[int, complex], "complex"),
        (tuple[complex, ...], "complex"),
        (Annotated[Unreadable, "x"], "Unreadable"),
        (NewType("Id", complex), "complex"),
        (str | bytes, "bytes"),
        (type[int], "type"),
    ],
)
def test_a_payload_that_nothing_can_become_is_refused_at_once(kind: Any, name: str) -> None:
    """When the function is registered, however deep the type is."""

    def order(event: Any) -> None: ...

    order.__annotations__["event"] = UserEvent[kind]
    with pytest.raises(TypeError, match=rf"order wants .*, which no payload can be: JSON cannot be read as .*{name}"):
        make().on_event("order")(order)


@pytest.mark.parametrize(
    "kind",
    [
        bytes, str, int, Any, object, None, list, dict, Literal["a"], list[set[UUID]], tuple[int, ...], Unresolved,
        Annotated[int, []], NewType("Id", int), dict[str, Decimal | None], Order, TypeVar("T"),
    ],
)  # fmt: skip
def test_a_payload_that_can_be_read_is_taken(kind: Any) -> None:
    """What is not defined yet may be by the time an event comes."""

    def order(event: Any) -> None: ...

    order.__annotations__["event"] = UserEvent[kind]
    assert make().on_event("order")(order) is order


async def test_several_hubs_share_the_functions_of_one_handler() -> None:
    """Without regard to case."""
    handler = make(hub=["chat", "News"])
    handler.on_message(lambda event: event.hub)

    for hub in ("chat", "news", "NEWS"):
        assert (await respond(handler, text("message", "", **{"ce-hub": hub}))).body == hub.encode()
    assert (await respond(handler, text("message", "", **{"ce-hub": "other"}))).status == 404
    assert repr(handler) == "<EventHandler of chat, news>"


async def test_several_handlers_share_one_door() -> None:
    """Each with its own functions, keys and origins."""
    chat, news, deep = make(), make(hub="news", access_keys=[SECOND_KEY]), make(hub="deep", body_limit=5_000_000)
    for name, handler in {"chat": chat, "news": news, "deep": deep}.items():
        handler.on_message(function_returning(name, False))
    news.include(deep)
    chat.include(news)

    signed_by_second = {"ce-hub": "news", "ce-signature": f"sha256={digest('c1', SECOND_KEY)}"}
    assert (await respond(chat, text("message", ""))).body == b"chat"
    assert (await respond(chat, text("message", "", **signed_by_second))).body == b"news"
    assert (await respond(chat, text("message", "", **{"ce-hub": "news"}))).status == 401
    assert (await respond(chat, text("message", "", **{"ce-hub": "deep"}))).body == b"deep"
    assert (await respond(chat, text("message", "", **{"ce-hub": "other"}))).status == 404
    assert chat.hubs == {"chat", "news", "deep"}
    assert chat.body_limit == 5_000_000
    with pytest.raises(ConfigurationError, match="The hub news has a handler already"):
        chat.include(make(hub="news"))


async def test_a_preflight_is_answered_by_whoever_knows_the_origin() -> None:
    """It names no hub."""
    chat = make(connection_string=CONNECTION_STRING)
    chat.include(make(hub="news", allowed_origins=["news.example.com"]))

    for origin, status in {ORIGIN: 200, "news.example.com": 200, "evil.example.com": 403}.items():
        for method in ("OPTIONS", "GET"):
            assert (await respond(chat, preflight(origin, method))).status == status


async def test_access_keys_are_exchanged_while_in_use() -> None:
    """Through the handler, or through a credential that it holds."""
    credential = AzureKeyCredential("first")
    by_credential, by_update = make(access_keys=[credential]), make(access_keys=["first"])
    for handler in (by_credential, by_update):
        handler.on_message(lambda event: "hi")
    first = text("message", "", **{"ce-signature": f"sha256={digest('c1', 'first')}"})
    second = text("message", "", **{"ce-signature": f"sha256={digest('c1', 'second')}"})

    for handler in (by_credential, by_update):
        assert [(await handler.respond(*one)).status for one in (first, second)] == [200, 401]
    by_update.update_access_keys(["first", "second"])
    assert [(await by_update.respond(*one)).status for one in (first, second)] == [200, 200]
    credential.update("second")
    by_update.update_access_keys(["second"])
    for handler in (by_credential, by_update):
        assert [(await handler.respond(*one)).status for one in (first, second)] == [401, 200]
        await handler.aclose()


@pytest.mark.parametrize("keys", [[], [""], "key"])
def test_no_key_is_never_the_new_key(keys: Any) -> None:
    """The old ones stay."""
    handler = make()

    with pytest.raises((ConfigurationError, TypeError)):
        handler.update_access_keys(keys)
    assert handler.respond_blocking(*event("sys.connected", {})).status == 204


async def test_a_key_that_is_none_any_more_is_500(caplog: pytest.LogCaptureFixture) -> None:
    """The holder of a key is the application's: what goes wrong there is logged, and told to nobody."""

    class Emptied:
        key = "good"

    emptied = Emptied()
    handler = make(access_keys=[emptied])
    emptied.key = ""

    with caplog.at_level(logging.ERROR, LOGGER):
        response = await respond(handler, event("sys.connect", {}))

    assert (response.status, response.body) == (500, b"Internal server error")
    assert "access_keys[0] is empty" in caplog.text


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"access_keys": []}, ConfigurationError, "Nothing says how to verify"),
        ({"hub": []}, ConfigurationError, "hub must name at least one hub"),
        ({"hub": "no hub"}, ConfigurationError, "hub must start with a letter"),
        ({"hub": [7]}, TypeError, "hub must be a str"),
        ({"threads": 0}, ConfigurationError, "threads must be 1 or more"),
        ({"conection_string": "x"}, TypeError, "did you mean 'connection_string'"),
    ],
)
def test_a_handler_is_checked_when_it_is_made(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    """Not when the first event comes."""
    with pytest.raises(kind, match=words):
        make(**options)


def test_a_handler_hides_its_keys() -> None:
    """In its `repr`, too."""
    assert KEY not in repr(make())


async def test_refusals_are_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """With the reason, and no line of the log that a caller could write."""
    handler = make()
    with caplog.at_level(logging.WARNING, LOGGER):
        await handler.respond(*event("sys.connected", {}, {"ce-signature": "sha256=00"}))
        await handler.respond(*event("sys.connected", {}, {"ce-hub": "evil\nFAKE LINE"}))

    assert "was refused with 401: the signature was not made with any of the access keys." in caplog.text
    assert "'evil\\nFAKE LINE'" in caplog.text
    assert KEY not in caplog.text


async def test_bearer_tokens_are_decoded_off_the_loop() -> None:
    """The decoder may fetch keys over the network."""
    threads = []

    def decode(token: str) -> Mapping[str, object]:
        threads.append(threading.current_thread())
        claims: dict[str, object] = json.loads(token)
        return claims

    bearer = BearerToken(decode=decode, audience="api://chat", application_ids="app-1")
    handler = make(access_keys=[], bearer=bearer)
    handler.on_message(lambda event: "hi")
    good = {"ce-signature": None, "Authorization": 'Bearer {"aud":"api://chat","azp":"app-1"}'}
    bad = {"ce-signature": None, "Authorization": 'Bearer {"aud":"api://chat","azp":"app-2"}'}

    assert (await handler.respond(*text("message", "", **good))).body == b"hi"
    assert threads[0] is not threading.current_thread()
    assert (await respond(handler, text("message", "", **bad))).status == 401
    assert (await respond(handler, text("message", "", **{"ce-signature": None}))).status == 401


async def test_with_keys_and_a_bearer_token_both_are_checked() -> None:
    """Neither stands for the other."""
    bearer = BearerToken(decode=json.loads, audience="api://chat", application_ids="app-1")
    handler = make(bearer=bearer)
    good = {"Authorization": 'Bearer {"aud":"api://chat","azp":"app-1"}'}

    assert (await respond(handler, event("sys.connect", {}, good))).status == 204
    assert (await respond(handler, event("sys.connect", {}, good | {"ce-signature": "sha256=00"}))).status == 401
    assert (await respond(handler, event("sys.connect", {}))).status == 401


async def test_events_can_be_received_without_functions() -> None:
    """For those who dispatch themselves."""
    handler = make()
    received = await handler.receive(*event("sys.connect", {"claims": {"sub": ["ann"]}}))

    assert isinstance(received, ConnectEvent)
    assert received.claims == {"sub": ("ann",)}
    with pytest.raises(EventError) as caught:
        await handler.receive(*event("sys.connect", {}, {"ce-signature": "sha256=00"}))
    assert caught.value.status == 401
