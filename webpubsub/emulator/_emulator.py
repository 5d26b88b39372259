"""`Emulator`: starting and stopping the local service, in a thread of its own or in the running loop.

The server itself, and with it aiohttp, is imported when an emulator starts; trustme when it starts with TLS.
"""

import asyncio
import inspect
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from webpubsub._loops import is_no_longer_serving, is_serving, would_block
from webpubsub.connection_string import ConnectionString
from webpubsub.tokens import JSONValue, sign

from ._billing import Billing, Meter
from ._clock import Clock
from ._http.auth import Verifier
from ._hub.names import check_hub
from ._journal import EventRecord, Journal, Record, RequestRecord
from ._process import Home
from ._settings import BACKLOG, DEVELOPMENT_KEY, Settings, is_loopback
from ._testing.clients import Connector
from ._testing.faults import Faults
from ._testing.inspection import HubView, wait_for, wait_for_async
from ._upstream.configuration import Configuration, EventHandlers, EventListeners

if TYPE_CHECKING:
    from ._server import Server

__all__ = ["Emulator"]

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_ANY_HOSTS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_TOKEN_SECONDS = 3600
_EXTRA = ("aiohttp", "trustme")

_logger = logging.getLogger("webpubsub.emulator")
_logger.addHandler(logging.NullHandler())


P = ParamSpec("P")
T = TypeVar("T")


def _hinting(method: Callable[P, T]) -> Callable[P, T]:
    """Have a keyword that a method does not take told with the nearest one that it does."""
    known = inspect.signature(method).parameters

    @wraps(method)
    def checked(*args: P.args, **keywords: P.kwargs) -> T:
        for name in keywords:
            if name not in known:
                from webpubsub._keywords import unknown  # only where somebody made a mistake

                raise unknown(name, Emulator if method.__name__ == "__init__" else method, hints={})
        return method(*args, **keywords)

    return checked


class Emulator:
    """A local Azure Web PubSub service, in this process and in memory.

    `with` runs it in a thread of its own; `async with` runs it in the running event loop.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     emulator.connection_string.partition("=")[0]
        'Endpoint'

    Args:
        host: Where to listen. Anything but loopback lets the network in; a warning is logged.
        port: Where to listen; 0 takes a free port.
        access_key: The key that tokens must be signed with, at least 32 bytes of UTF-8.
        secondary_access_key: Another key that is as good, as services have two, so that they can be changed in turn.
        anonymous_hubs: Hubs whose clients need no token; `"*"` stands for all hubs. Such a client has no user, groups
            and roles, unless an event handler gives it some.
        tls: Whether to speak https and wss instead of http and ws, with a certificate that is made at each start.
        simulate_entra: Whether a bearer token whose audience is `https://webpubsub.azure.com` and that is signed
            with the access key counts as one of Microsoft Entra ID.
        accept_unvalidated_entra_tokens: Whether any unexpired bearer token of that audience counts, whoever signed
            it, so that real credentials can be used. Anybody can make one: a warning is logged, and the host must
            be loopback.
        ack_delay_seconds: How long acknowledgements to clients are held back. The official Python client of
            version 1.1.0 can overlook one that arrives at once.
        keep_alive_seconds: How often clients are sent a ping. One that has sent nothing, not even a pong, for twice as
            long is dropped. None sends no pings and drops nobody.
        request_seconds: How long a request may take to arrive, and how long an idle connection is kept.
        api_versions: API versions that are accepted besides those of the service, as for one that is still to come;
            None accepts any. Operations are those of 2024-12-01 in any case.
        event_handlers: What hears of events, by hub: a URL, which hears of `connect`, `connected`, `disconnected` and
            of every event of clients; `EventHandlerSettings`; an ASGI application, which is called in this process; or
            several of these, of which the first one that wants an event gets it.
        event_listeners: `EventListener`s, by hub; each hears of what it wants, beside the handlers.
        config_file: A JSON file with `WebPubSub:Hubs:<hub>:EventHandlers`, as Microsoft's emulator has it. It is read
            again when it changes.
        history: How many requests, messages, events and so on are kept for whoever looks inside, of each kind.
        seed: What the faults that happen by chance are drawn from.
        inspector: Whether to serve a page that shows what happens, at `inspector_url`. The host must be loopback.

    Raises:
        ValueError: An argument is not acceptable, or does not go with another.
        TypeError: An event handler or listener is of a type that cannot be one.
        OSError: The file cannot be read.
    """

    @_hinting
    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        access_key: str = DEVELOPMENT_KEY,
        secondary_access_key: str | None = None,
        anonymous_hubs: Sequence[str] = (),
        tls: bool = False,
        simulate_entra: bool = False,
        accept_unvalidated_entra_tokens: bool = False,
        ack_delay_seconds: float = 0.001,
        keep_alive_seconds: float | None = 20.0,
        request_seconds: float = 75.0,
        api_versions: Sequence[str] | None = (),
        event_handlers: Mapping[str, EventHandlers] | None = None,
        event_listeners: Mapping[str, EventListeners] | None = None,
        config_file: str | Path | None = None,
        history: int = 1000,
        seed: int = 0,
        inspector: bool = False,
    ) -> None:
        self._settings = Settings(
            host=host,
            port=port,
            access_key=access_key,
            secondary_access_key=secondary_access_key,
            anonymous_hubs=(anonymous_hubs,) if isinstance(anonymous_hubs, str) else anonymous_hubs,
            tls=tls,
            simulate_entra=simulate_entra,
            accept_unvalidated_entra_tokens=accept_unvalidated_entra_tokens,
            ack_delay_seconds=ack_delay_seconds,
            keep_alive_seconds=keep_alive_seconds,
            request_seconds=request_seconds,
            api_versions=(api_versions,) if isinstance(api_versions, str) else api_versions,
            history=history,
            seed=seed,
            inspector=inspector,
        )
        self._configuration = Configuration(event_handlers, event_listeners, config_file)
        self._clock = Clock()
        self._journal = Journal(history)
        self._meter = Meter()
        self._faults = Faults(seed)
        self._home = Home()
        self._endpoint: str | None = None
        self._ca_certificate = ""
        self._thread: _ServerThread | None = None
        self._server: Server | None = None

    @property
    def clock(self) -> Clock:
        """The time of this emulator.

        `emulator.clock.advance(31)` lets 31 seconds pass at once, for everything that waits or ends. A token for a
        client that is made afterwards still carries the time of the machine: let it live for longer than that.
        """
        return self._clock

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose; faults may be added before it runs, too."""
        if self._endpoint is not None:
            self._home.check()
        return self._faults

    @property
    def access_key(self) -> str:
        """The key that signs tokens."""
        return self._settings.access_key

    @property
    def endpoint(self) -> str:
        """The URL of the running emulator, such as `http://127.0.0.1:54321`.

        With TLS it begins with `https`.
        """
        if self._endpoint is None:
            raise RuntimeError("The emulator is not running.")
        return self._endpoint

    @property
    def port(self) -> int:
        """The port of the running emulator."""
        return int(self.endpoint.rpartition(":")[2])

    @property
    def inspector_url(self) -> str:
        """The address of the page that shows what happens, with `inspector=True`.

        It contains a token that is new at each start: whoever has it can do with this emulator what they like.
        """
        return self._running().inspector_url

    @property
    def connection_string(self) -> str:
        """What clients of the service are configured with.

        It contains the access key.
        """
        return ConnectionString(self.endpoint, self._settings.access_key).reveal()

    @property
    def ca_certificate(self) -> str:
        """The certificate, as PEM, that clients of a TLS emulator must trust.

        Each start makes another one.
        """
        if not self._settings.tls:
            raise RuntimeError("There is no certificate without tls=True.")
        if self._endpoint is None:
            raise RuntimeError("The emulator is not running.")
        return self._ca_certificate

    def ssl_context(self) -> ssl.SSLContext:
        """Make settings for clients that trust this emulator and nobody else.

        For `connection_verify` of our clients, `ssl` of websockets and aiohttp, and `verify` of httpx.
        """
        return ssl.create_default_context(cadata=self.ca_certificate)

    @property
    def requests(self) -> list[RequestRecord]:
        """Every REST request that came, oldest first."""
        self._home.check()
        return self._journal.of(RequestRecord)

    @property
    def events(self) -> list[EventRecord]:
        """What event handlers were told, oldest first."""
        self._home.check()
        return self._journal.of(EventRecord)

    @property
    def billing(self) -> Billing:
        """What has left all hubs so far, and what is billed for it.

        `emulator.hub("chat").billing` is that of one hub. Subtract an earlier reading for the cost of what happened
        since.
        """
        self._home.check()
        return self._meter.reading()

    def hub(self, name: str) -> HubView:
        """Look into a hub.

        One that nobody is connected to is empty.

        Raises:
            ValueError: That is not the name of a hub.
        """
        check_hub(name)
        return HubView(name, self._running().hubs, self._journal, self._meter)

    @_hinting
    def connect(
        self,
        hub: str,
        *,
        user_id: str | None = None,
        groups: Sequence[str] = (),
        roles: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Connector:
        """Connect a client for a test.

        `with` gives a `TestClient`, `async with` an `AsyncTestClient`, both of `json.webpubsub.azure.v1`.

        Args:
            hub: The hub.
            user_id: The user; None for an anonymous client.
            groups: The groups that it is in from the start.
            roles: What it may do by itself, such as `webpubsub.sendToGroup.room`.
            headers: Headers of its request, for an event handler to see.

        Raises:
            ValueError: That is not the name of a hub.
            TypeError: A value is of the wrong type.
        """
        server = self._running()
        check_hub(hub)
        if not isinstance(user_id, str | None):
            raise TypeError(f"user_id must be a str, not {type(user_id).__name__}.")
        for name, given in (("groups", groups), ("roles", roles)):
            if isinstance(given, str) or not (isinstance(given, Collection) and _are_str(given)):
                raise TypeError(f"{name} must be a list of str; it was {given!r}.")
        if headers is not None and not (isinstance(headers, Mapping) and _are_str((*headers, *headers.values()))):
            raise TypeError("headers must map names to values, both of them str.")
        path = f"/client/hubs/{hub}"
        claims: dict[str, JSONValue] = {
            "aud": self.endpoint + path,
            "exp": int(self._clock.wall()) + _TOKEN_SECONDS,
            "sub": user_id,
            "role": list(roles),
            "webpubsub.group": list(groups),
        }
        token = sign({name: value for name, value in claims.items() if value}, self.access_key)
        url = f"{self.endpoint.replace('http', 'ws', 1)}{path}?access_token={token}"
        trust = self.ssl_context() if self._settings.tls else True
        return Connector(url, dict(headers or {}), trust, server.loop, server.thread_id)

    def observe(self, observer: Callable[[Record], None]) -> None:
        """Have a function called with everything that happens.

        It is called with records such as `RequestRecord`, in the emulator's thread, and must not block.
        """
        self._journal.observe(observer)

    def go_away(self) -> None:
        """Close every client with code 1001.

        A region of the service does so when it goes away. Clients of the reliable subprotocols can come back.
        """
        server = self._running()
        server.loop.call_soon_threadsafe(server.go_away)

    def wait_for(self, condition: Callable[[], object], timeout_seconds: float = 5.0) -> None:
        """Wait until a condition holds.

        Such as `lambda: len(emulator.events) == 3`. It is looked at whenever something has happened in the emulator,
        and now and then.

        Raises:
            AssertionError: It did not hold within this time; the message tells what happened instead.
            RuntimeError: The emulator runs in the event loop of this thread, which would stand still.
            TypeError: The condition cannot be called.
        """
        __tracebackhide__ = True
        self._home.check()
        if self._server is not None and would_block(self.port):
            raise RuntimeError(
                "The emulator runs in the event loop of this thread, which wait_for would stop: "
                "use `await emulator.wait_for_async(...)`."
            )
        wait_for(self._journal, condition, timeout_seconds)

    async def wait_for_async(self, condition: Callable[[], object], timeout_seconds: float = 5.0) -> None:
        """Wait as `wait_for` does, while the running event loop goes on.

        The condition is looked at in this loop.

        Raises:
            AssertionError: The condition did not hold within this time.
            TypeError: The condition cannot be called.
        """
        __tracebackhide__ = True
        self._home.check()
        await wait_for_async(self._journal, condition, timeout_seconds)

    def start(self) -> None:
        """Start in a thread of its own, and return when connections are accepted.

        Raises:
            RuntimeError: It is running already.
            OSError: The host and port cannot be listened on.
            ImportError: aiohttp is not installed, or trustme where TLS is wanted.
            ValueError: With TLS, the host cannot be written into a certificate.
        """
        server = self._open()
        try:
            self._thread = _ServerThread(server)
        except BaseException:
            self._endpoint = None
            raise

    def stop(self) -> None:
        """Close every connection and stop.

        Stopping twice is no error; starting again begins with nothing. A process that was forked from the one that it
        runs in only forgets it.
        """
        if self._server is not None:
            raise RuntimeError("The emulator was started with `async with`, which also stops it.")
        thread, self._thread, self._endpoint = self._thread, None, None
        if thread is not None and self._home.is_here:
            thread.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        server = self._open()
        try:
            await server.start()
        except BaseException:
            self._endpoint = None
            await server.stop()
            raise
        self._server = server
        is_serving(self.port, server.loop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            is_no_longer_serving(self.port)
        server, self._server, self._endpoint = self._server, None, None
        if server is not None:
            await server.stop()

    def __repr__(self) -> str:
        return f"<Emulator {self._endpoint or 'not running'}>"

    def _running(self) -> "Server":
        self._home.check()
        server = self._server if self._thread is None else self._thread.server
        if server is None:
            raise RuntimeError("The emulator is not running.")
        return server

    def _open(self) -> "Server":
        if self._endpoint is not None:
            raise RuntimeError("The emulator is running already.")
        self._home = Home()
        try:
            from ._observer import Observer
            from ._server import Server

            tls = self._certify() if self._settings.tls else None
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA:
                raise
            message = f"The emulator needs {error.name}: pip install 'webpubsub[emulator]'"
            raise ModuleNotFoundError(message, name=error.name) from None
        listener = _listen(self._settings.host, self._settings.port)
        port = listener.getsockname()[1]
        scheme = "http" if tls is None else "https"
        self._endpoint = f"{scheme}://{_authority(_ANY_HOSTS.get(self._settings.host, self._settings.host), port)}"
        settings = self._settings
        authorities = {_authority(host, port) for host in (settings.host, *_LOOPBACK_HOSTS)}
        verifier = Verifier(
            settings.access_keys,
            frozenset(authorities),
            settings.simulate_entra,
            settings.accept_unvalidated_entra_tokens,
            self._clock,
            frozenset(map(str.lower, settings.anonymous_hubs)),
            settings.is_open,
        )
        if not is_loopback(settings.host):
            _logger.warning("The emulator listens on %s: anyone who reaches this machine can use it.", settings.host)
        if settings.accept_unvalidated_entra_tokens:
            _logger.warning(
                "The emulator accepts tokens for Microsoft Entra ID without validation: anyone can forge them."
            )
        return Server(
            listener,
            self._endpoint,
            verifier,
            settings,
            self._configuration,
            self._clock,
            self._faults,
            Observer(self._journal, self._clock, self._meter, sees_frames=settings.inspector),
            tls=tls,
        )

    def _certify(self) -> ssl.SSLContext:
        from ._certificates import issue

        context, self._ca_certificate = issue(self._settings.host)
        return context


class _ServerThread:
    """A thread with a loop of its own that runs a server until told to stop."""

    def __init__(self, server: "Server") -> None:
        """Start the thread; an error while the server starts is raised here."""
        self.server = server
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._finished: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="webpubsub-emulator", daemon=True)
        self._thread.start()
        try:
            self._loop, self._stopping = self._started.result()
        except Exception:
            self._thread.join()
            raise

    def stop(self) -> None:
        """Stop the server and end the thread; an error while the server stops is raised here."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._finished.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            (self._finished if self._started.done() else self._started).set_exception(error)
        else:
            self._finished.set_result(None)

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        try:
            await self.server.start()
            self._started.set_result((asyncio.get_running_loop(), stopping))
            await stopping.wait()
        finally:
            await self.server.stop()


def _are_str(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    where = f"host {host!r}, port {port}"
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise type(error)(error.errno, f"The emulator cannot listen on {where}: {error.strerror}.") from None
    except UnicodeError as error:
        raise ValueError(f"The emulator cannot listen on {where}: {error}.") from None
