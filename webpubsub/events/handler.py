"""`EventHandler`: which function handles which event, and what becomes of its result.

Checking and reading requests is in `http`, running functions in `execution`; nothing here knows a web framework.
"""

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, Unpack

import attrs

from webpubsub import _checks
from webpubsub.errors import ConfigurationError, EventError

from . import bodies
from .acceptance import AcceptanceOptions, accepting, check_names, logger, some_keys
from .execution import Execution, Job, is_asynchronous
from .http import Headers, HttpResponse, hub_of, make_response, pairs_of, receive
from .replies import AcceptReply, MessageReply, RejectReply, reply
from .signatures import KeyHolder
from .values import (
    AnyEvent,
    ConnectedEvent,
    ConnectEvent,
    DisconnectedEvent,
    Event,
    GroupJoinedEvent,
    GroupLeftEvent,
    Preflight,
    UserEvent,
)

if TYPE_CHECKING:
    from . import aiohttp, asgi, django, fastapi, flask, wsgi
    from .testing import EventTestClient

__all__ = ["EventHandler"]

ConnectResult: TypeAlias = AcceptReply | RejectReply | None
ConnectFunction = TypeVar("ConnectFunction", bound=Callable[[ConnectEvent], ConnectResult | Awaitable[ConnectResult]])
ConnectedFunction = TypeVar("ConnectedFunction", bound=Callable[[ConnectedEvent], object])
DisconnectedFunction = TypeVar("DisconnectedFunction", bound=Callable[[DisconnectedEvent], object])
JoinedFunction = TypeVar("JoinedFunction", bound=Callable[[GroupJoinedEvent], object])
LeftFunction = TypeVar("LeftFunction", bound=Callable[[GroupLeftEvent], object])
UserFunction = TypeVar("UserFunction", bound=Callable[[UserEvent[Any]], object])
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])

_Received: TypeAlias = AnyEvent | Preflight | EventError

raised: ContextVar[list[BaseException] | None] = ContextVar("raised", default=None)
"""Where the exceptions of functions go instead of the log: a test sets it."""

_ANY_NAME = "*"
_UNRESOLVED = object()
_SERVER_ERROR = RejectReply(status=500, reason="Internal server error")


class EventHandler:
    """Handles what the clients of a hub do, with functions of yours.

    They are called when the service sends an event, and are sync or async; sync ones run in threads. Mount `asgi`,
    `wsgi`, or the door of your framework where the event handler settings of the hub point to.

    Example:
        >>> from webpubsub.events import EventHandler, accept
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_connect
        ... async def connect(event):
        ...     return accept(groups=["lobby"])
        >>> @handler.on_event("order")
        ... async def order(event):
        ...     return {"ordered": event.data["id"]}
        >>> import asyncio
        >>> asyncio.run(handler.test_client().event("order", {"id": 1})).data
        {'ordered': 1}
    """

    def __init__(self, *, hub: str | Iterable[str], threads: int = 32, **options: Unpack[AcceptanceOptions]) -> None:
        """Handle the events of a hub, or of several.

        Args:
            hub: The hub, or several that share the functions; hubs with functions of their own are added by
                `include`. Upper and lower case do not matter.
            threads: How many functions that are not coroutines may run at once.
            **options: How requests are verified, one of `access_keys`, `connection_string`, `bearer` at least; see
                `AcceptanceOptions`.

        Raises:
            ConfigurationError: A value is not acceptable, or nothing says how to verify requests.
            TypeError: A value has the wrong type, or there is no such option.
        """
        check_names(options, type(self))
        hubs = (hub,) if isinstance(hub, str) else tuple(hub)
        if not hubs:
            raise ConfigurationError("hub must name at least one hub.")
        self._acceptance = accepting(hubs, **options)
        self._execution = Execution(_checks.number(threads, "threads", 1))
        self._functions: dict[object, _Function] = {}
        self._included: list[EventHandler] = []

    @property
    def hubs(self) -> frozenset[str]:
        """The hubs, in lower case, those of included handlers too."""
        return self._acceptance.hubs.union(*(other.hubs for other in self._included))

    @property
    def body_limit(self) -> int:
        """The bytes that the body of a request may have."""
        return max([self._acceptance.body_limit, *(other.body_limit for other in self._included)])

    def update_access_keys(self, access_keys: Iterable[str | KeyHolder]) -> None:
        """Exchange the access keys.

        Requests from now on are verified with the new ones.

        Args:
            access_keys: All keys that are good from now on: one at least, while the keys of the resource are
                exchanged the old one and the new one.

        Raises:
            ConfigurationError: There is no key, or an empty one; the old ones stay in use.
        """
        keys = some_keys(access_keys)
        if not keys:
            raise ConfigurationError("access_keys must hold at least one key.")
        self._acceptance = attrs.evolve(self._acceptance, access_keys=keys)

    def include(self, other: "EventHandler") -> None:
        """Serve the hubs of another handler at the doors of this one.

        It keeps its own functions and its own keys.

        Raises:
            ConfigurationError: Both handlers have the same hub.
        """
        if twice := self.hubs & other.hubs:
            raise ConfigurationError(f"The hub {sorted(twice)[0]} has a handler already.")
        self._included.append(other)

    def on_connect(self, function: ConnectFunction) -> ConnectFunction:
        """Handle clients that want to connect.

        Without such a function, all may whose token is good.
        The function returns `accept(...)`, `reject(...)`, or None to accept what the token says.
        """
        return self._register(ConnectEvent, ConnectEvent, function)

    def on_connected(self, function: ConnectedFunction) -> ConnectedFunction:
        """Handle clients that have connected."""
        return self._register(ConnectedEvent, ConnectedEvent, function)

    def on_disconnected(self, function: DisconnectedFunction) -> DisconnectedFunction:
        """Handle connections that have ended."""
        return self._register(DisconnectedEvent, DisconnectedEvent, function)

    def on_joined(self, function: JoinedFunction) -> JoinedFunction:
        """Handle connections that have joined a group."""
        return self._register(GroupJoinedEvent, GroupJoinedEvent, function)

    def on_left(self, function: LeftFunction) -> LeftFunction:
        """Handle connections that have left a group."""
        return self._register(GroupLeftEvent, GroupLeftEvent, function)

    def on_message(self, function: UserFunction) -> UserFunction:
        """Handle the event `message`.

        Every frame of a simple WebSocket client is one.
        """
        return self.on_event("message")(function)

    def on_event(self, name: str = _ANY_NAME) -> Callable[[UserFunction], UserFunction]:
        """Handle a user event.

        An event without a function fails for the client that sent it.

        The function returns the message to reply with, `reply(...)`, `reject(...)`, or None for no message. When the
        parameter is annotated as `UserEvent[Order]`, its `data` is an `Order`: a dataclass, a class of attrs, a
        model of pydantic or msgspec, a protobuf message, or a type of the JSON world such as `list[int]`.

        Args:
            name: The name of the event without regard to case; `*` for all that have no function of their own.

        Raises:
            ConfigurationError: The name is empty; where a function is registered, the event has one already.
            TypeError: The name is not a str; where a function is registered, it cannot take such an event, or no
                payload can be read as the type that it wants.
        """
        if callable(name):
            example = getattr(name, "__name__", "order")
            raise TypeError(
                f'on_event takes the name of the event: write @handler.on_event("{example}"), '
                "or @handler.on_event() for all without a function of their own."
            )
        if not _checks.string(name, "name"):
            raise ConfigurationError("name must not be empty.")

        def register(function: UserFunction) -> UserFunction:
            return self._register(name.lower(), UserEvent, function)

        return register

    async def receive(self, method: str, headers: Headers, body: bytes) -> AnyEvent | Preflight:
        """Verify a request and return the event in it.

        No function is called: this is for those who handle events themselves, and respond with
        `make_response(event, reply)`.

        Args:
            method: The HTTP method.
            headers: The headers; as bytes where the framework has them.
            body: The body, whole.

        Raises:
            EventError: The request is not acceptable; `status` is what to respond with.
        """
        received = await self._received(*self._reader(method, headers, body))
        if isinstance(received, EventError):
            raise received
        return received

    async def respond(self, method: str, headers: Headers, body: bytes) -> HttpResponse:
        """Handle a request; what every asynchronous door does.

        Args:
            method: The HTTP method.
            headers: The headers; as bytes where the framework has them.
            body: The body, whole.
        """
        owner, read = self._reader(method, headers, body)
        call = owner._begin(await self._received(owner, read), owner._execution.start)
        if isinstance(call, HttpResponse):
            return call
        try:
            result = await owner._execution.call(call.job)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not this request was cancelled, but something that the function waited for.
            return failed(call.event, error)
        except Exception as error:
            return failed(call.event, error)
        return call.finished(result)

    def respond_blocking(self, method: str, headers: Headers, body: bytes) -> HttpResponse:
        """Handle a request and wait for it; what every blocking door does.

        Async functions run on an event loop of the handler's own, in another thread.

        Args:
            method: The HTTP method.
            headers: The headers; as bytes where the framework has them.
            body: The body, whole.
        """
        owner, read = self._reader(method, headers, body)
        call = owner._begin(read(), owner._execution.start_blocking)
        if isinstance(call, HttpResponse):
            return call
        try:
            result = owner._execution.call_blocking(call.job)
        except (Exception, asyncio.CancelledError) as error:
            return failed(call.event, error)
        return call.finished(result)

    async def aclose(self) -> None:
        """Wait for the functions that are running, and end the threads.

        Call it where the application ends.
        """
        for handler in (self, *self._included):
            await handler._execution.aclose()

    def close(self) -> None:
        """Wait for the functions that are running, and end the threads."""
        for handler in (self, *self._included):
            handler._execution.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventHandler of {', '.join(sorted(self.hubs))}>"

    @cached_property
    def asgi(self) -> "asgi.Application":
        """This handler as an ASGI application, to be mounted or run.

        Starlette and FastAPI take `app.mount("/eventhandler", handler.asgi)` for `/eventhandler/` and all below, such
        as `/eventhandler/{event}`, or `Route("/eventhandler", handler.asgi)` for that path alone.
        """
        from . import asgi

        return asgi.Application(self)

    @cached_property
    def wsgi(self) -> "wsgi.Application":
        """This handler as a WSGI application, to be mounted or run."""
        from . import wsgi

        return wsgi.application(self)

    @cached_property
    def aiohttp(self) -> "aiohttp.RequestHandler":
        """This handler as a request handler of aiohttp, for `app.router.add_route("*", path, handler.aiohttp)`."""
        from . import aiohttp

        return aiohttp.request_handler(self)

    @cached_property
    def flask(self) -> "flask.View":
        """This handler as a view of Flask, for `app.add_url_rule(path, view_func=handler.flask)`."""
        from . import flask

        return flask.view(self)

    @cached_property
    def django(self) -> "django.View":
        """This handler as a view of Django, under ASGI and WSGI, for `path("eventhandler", handler.django)`."""
        from . import django

        return django.view(self)

    @cached_property
    def event(self) -> "fastapi.Dependency":
        """A dependency of FastAPI that gives the event, for `event: UserEvent = Depends(handler.event)`.

        No function is called. The route must take POST and OPTIONS, and respond with what
        `webpubsub.events.fastapi.respond(event, reply)` makes.
        """
        from . import fastapi

        return fastapi.dependency(self)

    def after_each_call(self, function: Callable[[], None]) -> None:
        """Have something done after each function that ran in a thread.

        Frameworks close there what the function has opened, such as connections to a database.

        Args:
            function: What to call, in the same thread.
        """
        self._execution.after_call(function)

    def test_client(self, *, bearer_token: str | None = None) -> "EventTestClient":
        """Make a client for unit tests.

        It sends signed events to this handler without any server.

        Args:
            bearer_token: What to send to a handler that checks bearer tokens.
        """
        from .testing import EventTestClient

        return EventTestClient(self, bearer_token)

    async def _respond_in_test(self, headers: Headers, body: bytes) -> HttpResponse:
        """Handle a request to the end, what runs in the background too, and raise what a function raised."""
        owner, read = self._reader("POST", headers, body)
        received = await self._received(owner, read)
        failures: list[BaseException] = []
        token = raised.set(failures)
        try:
            response = await self.respond("POST", headers, body)
            if isinstance(received, Event):
                await owner._execution.finish(connection_key(received))
        finally:
            raised.reset(token)
        if failures:
            raise failures[0]
        return response

    def _reader(self, method: str, headers: Headers, body: bytes) -> "tuple[EventHandler, Callable[[], _Received]]":
        pairs = list(pairs_of(headers))
        owner = self._owner(hub_of(pairs).lower()) if self._included else self
        return owner, partial(owner._receive, method, pairs, body)

    async def _received(self, owner: "EventHandler", read: "Callable[[], _Received]") -> "_Received":
        if owner._acceptance.bearer is None:
            return read()
        # The decoder of a bearer token may fetch keys over the network.
        return typing.cast(_Received, await owner._execution.call(read))

    def _owner(self, hub: str) -> "EventHandler":
        return next((other._owner(hub) for other in self._included if hub in other.hubs), self)

    def _receive(self, method: str, headers: Headers, body: bytes) -> "_Received":
        try:
            return receive(method, headers, body, self._acceptance)
        except EventError as error:
            # A preflight names no hub: whichever of the handlers knows its origin says yes.
            for other in self._included if method.upper() in ("OPTIONS", "GET") else ():
                if isinstance(preflight := other._receive(method, headers, body), Preflight):
                    return preflight
            return error
        except Exception:
            # A key that is none any more, for example; what it is must not be told.
            logger.exception("A request could not be verified.")
            return EventError(500, _SERVER_ERROR.reason)

    def _begin(self, received: "_Received", start: Callable[[str, Job], None]) -> "HttpResponse | _Call":
        if isinstance(received, EventError):
            logger.warning("A request was refused with %d: %s.", received.status, received.reason)
            return make_response(None, received)
        if isinstance(received, Preflight):
            return make_response(received)
        function = self._function(received)
        if isinstance(received, (ConnectEvent, UserEvent)):
            return self._begin_call(received, function)
        if function is not None:
            start(connection_key(received), _in_background(function.function, received))
        return make_response(received)

    def _begin_call(self, event: ConnectEvent | UserEvent[Any], function: "_Function | None") -> "HttpResponse | _Call":
        if function is None:
            return make_response(event) if isinstance(event, ConnectEvent) else failed(event, _no_function(event))
        try:
            return _Call(event, partial(function.function, function.fitted(event)))
        except Exception as error:
            return failed(event, error)

    def _function(self, event: Event) -> "_Function | None":
        if isinstance(event, UserEvent):
            return self._functions.get(event.event_name.lower()) or self._functions.get(_ANY_NAME)
        return self._functions.get(type(event))

    def _register(self, key: object, kind: type[Event], function: AnyFunction) -> AnyFunction:
        if key in self._functions:
            what = f"The event {key}" if isinstance(key, str) else getattr(key, "__name__", "")
            raise ConfigurationError(f"{what} has a function already: {_name(self._functions[key].function)}.")
        self._functions[key] = _Function(function, kind)
        return function


class _Function:
    """A function of the application, and the type that it wants the payload to have."""

    def __init__(self, function: Callable[..., object], kind: type[Event]) -> None:
        if not callable(function):
            raise TypeError(f"A handler must be a function, not {type(function).__name__}.")
        try:
            inspect.signature(function).bind(None)
        except TypeError:
            raise TypeError(f"{_name(function)} must take one argument, the event.") from None
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{_name(function)} must return its reply; a function with yield would not be run.")
        self.function = function
        self._kind = kind
        self._payload: object = _UNRESOLVED
        with suppress(NameError):  # what the annotation names may be defined later
            self._resolve()

    def fitted(self, event: Event) -> Event:
        """Give the event with its payload as the type that the function wants.

        Raises:
            EventError: The payload does not fit.
            NameError: The annotation names something that does not exist.
        """
        if self._payload is _UNRESOLVED:
            self._resolve()
        if self._payload is None or not isinstance(event, UserEvent):
            return event
        return attrs.evolve(event, data=event.data_as(typing.cast(type, self._payload)))

    def _resolve(self) -> None:
        function = inspect.unwrap(self.function)
        function = getattr(function, "func", function)
        hinted = function if inspect.isroutine(function) else type(function).__call__
        parameters = list(inspect.signature(self.function).parameters)
        hint = typing.get_type_hints(hinted).get(parameters[0])
        wanted = typing.get_origin(hint) or hint
        anything = wanted is Any or getattr(wanted, "_is_protocol", False)
        if isinstance(wanted, type) and not anything and wanted not in self._kind.__mro__:
            raise TypeError(f"{_name(function)} wants a {wanted.__name__}, but would get a {self._kind.__name__}.")
        payload = next(iter(typing.get_args(hint)), Any) if wanted is UserEvent else Any
        if payload is Any or isinstance(payload, TypeVar):
            self._payload = None
            return
        try:
            bodies.check(payload)
        except NameError:
            raise
        except TypeError as error:
            raise TypeError(f"{_name(function)} wants {hint}, which no payload can be: {error}") from None
        self._payload = payload


@attrs.frozen
class _Call:
    """A function that the service waits for."""

    event: ConnectEvent | UserEvent[Any]
    job: Job

    def finished(self, result: object) -> HttpResponse:
        """Make the response of what the function returned."""
        try:
            return make_response(self.event, self._reply(result))
        except Exception as error:
            return failed(self.event, error)

    def _reply(self, result: object) -> AcceptReply | RejectReply | MessageReply | None:
        if result is None or isinstance(result, (AcceptReply, RejectReply, MessageReply)):
            return result
        if isinstance(self.event, ConnectEvent):
            raise TypeError(f"on_connect must return accept(...), reject(...) or None, not {type(result).__name__}.")
        return reply(result)


def failed(event: ConnectEvent | UserEvent[Any], error: BaseException) -> HttpResponse:
    """Make the response of what a function raised, and log it."""
    if isinstance(error, EventError):
        logger.warning("%s was refused with %d: %s.", _describe(event), error.status, error.reason)
        return make_response(event, error)
    report(event, error)
    return make_response(event, _SERVER_ERROR)


def connection_key(event: Event) -> str:
    """Name the connection of an event, among those of all hubs."""
    return f"{event.hub.lower()}/{event.connection_id}"


def report(event: Event, error: BaseException) -> None:
    """Log what a function of the application raised, or hand it to the test that caused it."""
    failures = raised.get()
    if failures is None:
        logger.error("The function for %s failed.", _describe(event), exc_info=error)
    else:
        failures.append(error)


def _in_background(function: Callable[..., object], event: Event) -> Job:
    async def logged(result: Awaitable[object]) -> None:
        try:
            await result
        except Exception as error:
            report(event, error)

    def job() -> object:
        try:
            result = function(event)
        except Exception as error:
            report(event, error)
            return None
        return logged(result) if inspect.isawaitable(result) else None

    async def asynchronous_job() -> None:
        await logged(typing.cast(Awaitable[object], function(event)))

    return asynchronous_job if is_asynchronous(function) else job


def _no_function(event: Event) -> EventError:
    return EventError(404, f"no function handles the event {event.event_name[:128]!a}")


def _describe(event: Event) -> str:
    return f"{event.event_type!a} of connection {event.connection_id!a} (request {event.request_id!a})"


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
