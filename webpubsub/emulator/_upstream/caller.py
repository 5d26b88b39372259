"""Sends events to event handlers: validation of webhooks, tries, cookies, and who gets what.

What is sent and what comes back is written and read in `requests`; here is the I/O.

The server calls `connect` before the upgrade and awaits it. For an event of a client it awaits `user_event`, one at a
time for each connection. `notify` returns at once: the other events of a connection go out in the order in which they
happened, and nobody waits for them.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any

import aiohttp
import attrs
from yarl import URL

from .._clock import Clock
from .._hub.upstream import (
    ConnectEvent,
    ConnectRefused,
    ConnectReply,
    EventFailed,
    EventReply,
    Reply,
    UpstreamEvent,
    UserEvent,
)
from .asgi import Lifespan, call_application
from .configuration import Configuration
from .requests import (
    LARGEST_RESPONSE_BYTES,
    STATE,
    ClientOfEvent,
    WebhookRequest,
    WebhookResponse,
    read_connect_response,
    read_mqtt_response,
    read_user_response,
    unsendable_header,
    validation_allows,
    validation_request,
    webhook_request,
)
from .settings import EventHandlerSettings, name_of

__all__ = ["UpstreamCaller", "UpstreamClient", "UpstreamExchange", "wait_before_retry"]

_WAITS = (1.0, 3.0, 5.0)
_RETRIED = frozenset((408, *range(500, 600)))
_TIMEOUT_SECONDS = 100.0
_VALIDATION_SECONDS = 10.0
_VALID_SECONDS = 60.0
_LONGEST_BACK_OFF = 60.0

_logger = logging.getLogger("webpubsub.emulator")


def wait_before_retry(outcome: WebhookResponse | None, attempt: int) -> float | None:
    """Return how many seconds to wait before another try; None for no other try.

    Args:
        outcome: The response; None when there was none.
        attempt: How many tries there were, 1 or more.
    """
    if outcome is not None and outcome.status not in _RETRIED:
        return None
    return _WAITS[attempt - 1] if attempt <= len(_WAITS) else None


@attrs.define(eq=False)
class UpstreamClient:
    """What event handlers know, and have stored, of one connection.

    Attributes:
        client: Its facts; `state` is what a handler stored last.
        connect: How it came in, but for what an MQTT client says later in its CONNECT.
        cookies: What responses have set.
        pending: The last event that went out without anybody waiting for it.
    """

    client: ClientOfEvent
    connect: ConnectEvent
    cookies: dict[str, str] = attrs.field(factory=dict)
    pending: asyncio.Task[None] | None = None

    def store(self, state: str | None) -> None:
        """Store what a handler wants back with each later event; None keeps what is stored."""
        if state is not None:
            self.client = attrs.evolve(self.client, state=state)


@attrs.frozen
class UpstreamExchange:
    """One event that went to a handler.

    Attributes:
        response: What came back in the end; None for nothing.
        attempts: How often it was sent.
        seconds: How long all tries took.
    """

    client: ClientOfEvent
    event: str
    request: WebhookRequest
    response: WebhookResponse | None
    attempts: int
    seconds: float


class UpstreamCaller:
    """The way from one emulator to its event handlers.

    Args:
        configuration: What is set for each hub.
        service_host: Host and port, as the emulator calls itself.
        access_keys: The keys that sign, the first one first.
        clock: The emulator's time.
        observe: Is told of each exchange.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        service_host: str,
        access_keys: Sequence[str],
        clock: Clock,
        observe: Callable[[UpstreamExchange], None],
    ) -> None:
        self._configuration = configuration
        self._service_host = service_host
        self._access_keys = access_keys
        self._clock = clock
        self._observe = observe
        self._session: aiohttp.ClientSession | None = None
        self._validations: dict[str, _Validation] = {}
        self._lifespans: list[Lifespan] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sleeping: set[asyncio.Event] = set()
        self._limits: dict[asyncio.Timeout, float] = {}
        self._stop_listening: Callable[[], None] | None = None

    async def start(self) -> None:
        """Start the applications that are called in this process.

        Raises:
            RuntimeError: One of them does not start.
        """
        self._loop = asyncio.get_running_loop()
        self._stop_listening = self._clock.on_advance(self._moved)
        for app in {id(app): app for app in self._configuration.applications()}.values():
            lifespan = Lifespan(app)
            await lifespan.start()
            self._lifespans.append(lifespan)

    async def stop(self) -> None:
        """Drop what is under way, and stop the applications."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._stop_listening is not None:
            self._stop_listening()
        for lifespan in self._lifespans:
            await lifespan.stop()
        if self._session is not None:
            await self._session.close()

    def hears(self, hub: str, event: ConnectEvent | UpstreamEvent) -> bool:
        """Tell whether anybody is told of an event."""
        return self._configuration.hub(hub).handler_of(event) is not None or (
            not isinstance(event, ConnectEvent)
            and any(listener.hears(event) for listener in self._configuration.listeners(hub))
        )

    async def connect(self, event: ConnectEvent, to: UpstreamClient) -> ConnectReply | ConnectRefused:
        """Ask whether a client may connect. Without a handler for it, it may."""
        handler = self._configuration.hub(to.client.hub).handler_of(event)
        if handler is None:
            return ConnectReply()
        if (name := unsendable_header(self._request(event, to, "", 0))) is not None:
            return ConnectRefused(400, {"Content-Type": "text/plain; charset=utf-8"}, _unsendable(name).encode())
        response = await self._deliver(handler, event, to, number=0)
        reply = ConnectRefused(500) if response is None else read_connect_response(response)
        if isinstance(reply, ConnectReply):
            to.store(reply.state)
        return reply

    async def user_event(self, event: UserEvent, to: UpstreamClient, number: int) -> Reply:
        """Send an event of a client, and return what comes of it. Nobody hearing of it is a failure."""
        heard = self._tell_listeners(event, to, number)
        handler = self._configuration.hub(to.client.hub).handler_of(event)
        if handler is None:
            return EventReply() if heard else EventFailed()
        response = await self._deliver(handler, event, to, number=number)
        if response is None:
            return EventFailed()
        if to.client.physical_connection_id is not None:
            if response.is_success:
                to.store(response.header(STATE))
            return read_mqtt_response(response)
        reply = read_user_response(response)
        if isinstance(reply, EventReply):
            to.store(response.header(STATE))
        return reply

    def notify(self, event: UpstreamEvent, to: UpstreamClient, number: int) -> None:
        """Send an event that nobody waits for."""
        self._tell_listeners(event, to, number)
        handler = self._configuration.hub(to.client.hub).handler_of(event)
        if handler is None:
            return
        to.pending = self.spawn(self._notify(handler, event, to, number, to.pending))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something that ends when the emulator stops, if it has not ended before."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _notify(
        self,
        handler: EventHandlerSettings,
        event: ConnectEvent | UpstreamEvent,
        to: UpstreamClient,
        number: int,
        earlier: asyncio.Task[None] | None,
    ) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        await self._deliver(handler, event, to, number=number)

    def _tell_listeners(self, event: UpstreamEvent, to: UpstreamClient, number: int) -> bool:
        wanted = [listener for listener in self._configuration.listeners(to.client.hub) if listener.hears(event)]
        for listener in wanted:
            try:
                listener.record(self._request(event, to, "", number))
            except OSError as error:
                _logger.error("An event listener cannot write: %s", error)
        return bool(wanted)

    def _request(
        self, event: ConnectEvent | UpstreamEvent, to: UpstreamClient, url: str, number: int
    ) -> WebhookRequest:
        return webhook_request(
            event,
            to.client,
            url=url,
            number=number,
            time=self._clock.wall(),
            access_keys=self._access_keys,
            service_host=self._service_host,
            request_id=str(uuid.uuid4()),
            cookies="; ".join(f"{name}={value}" for name, value in to.cookies.items()) or None,
        )

    async def _deliver(
        self, handler: EventHandlerSettings, event: ConnectEvent | UpstreamEvent, to: UpstreamClient, *, number: int
    ) -> WebhookResponse | None:
        request = self._request(event, to, handler.url(to.client.hub, name_of(event)), number)
        started = self._clock.now()
        attempts, response = 0, None
        if (name := unsendable_header(request)) is not None:
            _logger.warning("The event %s was not sent: %s", name_of(event), _unsendable(name))
        elif await self._is_valid(handler, to.client.hub):
            attempts, response = await self._tries(lambda: self._send(handler, request, _TIMEOUT_SECONDS))
        if response is not None:
            _keep_cookies(response, to.cookies)
        seconds = self._clock.now() - started
        self._observe(UpstreamExchange(to.client, name_of(event), request, response, attempts, seconds))
        return response

    async def _tries(self, send: Callable[[], Awaitable[WebhookResponse]]) -> tuple[int, WebhookResponse | None]:
        attempt = 0
        while True:
            attempt += 1
            try:
                response: WebhookResponse | None = await send()
            except TimeoutError:
                _logger.warning("An event handler took too long.")
                return attempt, None
            except (aiohttp.ClientError, ConnectionError, OSError, ValueError) as error:
                _logger.warning("An event handler cannot be called: %s", error)
                response = None
            wait = wait_before_retry(response, attempt)
            if wait is None:
                return attempt, response
            await self._sleep(wait)

    async def _send(self, handler: EventHandlerSettings, request: WebhookRequest, seconds: float) -> WebhookResponse:
        async with self._limited(seconds):
            if handler.app is not None:
                return await call_application(handler.app, request, self._service_host)
            return await self._post(request)

    async def _post(self, request: WebhookRequest) -> WebhookResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding")
            )
        async with self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LARGEST_RESPONSE_BYTES:
                    break
            headers = [(name.lower(), value) for name, value in response.headers.items()]
            return WebhookResponse(response.status, headers, bytes(body))

    async def _is_valid(self, handler: EventHandlerSettings, hub: str) -> bool:
        """Tell whether the webhook wants requests. One that did is asked again in the background."""
        url = handler.url(hub, "validate")
        key = url if handler.app is None else f"{id(handler.app)} {url}"
        validation = self._validations.setdefault(key, _Validation())
        if validation.is_due(self._clock.now()) and validation.task is None:
            validation.task = self.spawn(self._validate(handler, url, validation))
        if validation.task is not None and not validation.allowed:
            await asyncio.wait({validation.task})
        return validation.allowed

    async def _validate(self, handler: EventHandlerSettings, url: str, validation: "_Validation") -> None:
        try:
            response = None
            for method in ("OPTIONS", "GET"):
                request = validation_request(url, method=method, service_host=self._service_host)
                _, response = await self._tries(lambda sent=request: self._send(handler, sent, _VALIDATION_SECONDS))  # type: ignore[misc]
                if response is None or response.status != 404:
                    break
            allowed = response is not None and validation_allows(response, self._service_host)
            if not allowed:
                _logger.warning("The event handler at %s does not allow requests from %s.", url, self._service_host)
            validation.settle(allowed, self._clock.now())
        finally:
            validation.task = None

    @asynccontextmanager
    async def _limited(self, seconds: float) -> AsyncIterator[None]:
        """Raise `TimeoutError` after so much of the emulator's time."""
        async with asyncio.timeout(seconds) as limit:
            self._limits[limit] = self._clock.now() + seconds
            try:
                yield
            finally:
                del self._limits[limit]

    async def _sleep(self, seconds: float) -> None:
        end = self._clock.now() + seconds
        while (left := end - self._clock.now()) > 0:
            moved = asyncio.Event()
            self._sleeping.add(moved)
            try:
                async with asyncio.timeout(left):
                    await moved.wait()
            except TimeoutError:
                pass
            finally:
                self._sleeping.discard(moved)

    def _moved(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody sleeps any more
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for moved in self._sleeping:
            moved.set()
        for limit, end in self._limits.items():
            if not limit.expired():
                limit.reschedule(self._loop.time() + end - self._clock.now())


def _unsendable(name: str) -> str:
    return f"The header {name!r} of a request to an event handler would hold a control character."


class _Validation:
    """Whether one webhook wants requests, and how long that is known."""

    def __init__(self) -> None:
        self.allowed = False
        self.known = False
        self.task: asyncio.Task[None] | None = None
        self._until = 0.0
        self._back_off = 0.0

    def is_due(self, now: float) -> bool:
        return not self.known or now >= self._until

    def settle(self, allowed: bool, now: float) -> None:
        self.known, self.allowed = True, allowed
        self._back_off = 0.0 if allowed else min(max(2 * self._back_off, 1.0), _LONGEST_BACK_OFF)
        self._until = now + (_VALID_SECONDS if allowed else self._back_off)


def _keep_cookies(response: WebhookResponse, cookies: dict[str, str]) -> None:
    for name, value in response.headers:
        if name == "set-cookie":
            try:
                parsed = SimpleCookie(value)
            except CookieError:
                continue
            for morsel in parsed.values():
                if morsel["max-age"] == "0" or not morsel.coded_value:
                    cookies.pop(morsel.key, None)
                else:
                    cookies[morsel.key] = morsel.coded_value
