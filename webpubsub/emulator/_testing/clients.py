"""Clients for tests, so that a test needs no WebSocket library: real sockets, in both colours.

aiohttp is imported when a client connects.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import wait
from contextlib import suppress
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

import attrs

from webpubsub import _checks

from .._journal import refusal_in_words, without_token
from .._process import Home

if TYPE_CHECKING:
    import aiohttp

__all__ = ["AsyncTestClient", "Connector", "ReceivedMessage", "RefusedError", "TestClient"]

_TIMEOUT_SECONDS = 5.0
_SWITCHING_PROTOCOLS = 101
_SUBPROTOCOL = "json.webpubsub.azure.v1"
_LOOK_SECONDS = 0.1
_STOPPED = "The emulator that this client was connected to has stopped."

P = ParamSpec("P")
T = TypeVar("T")


class RefusedError(Exception):
    """The service said no to a client, or to what it asked for.

    Example:
        >>> from webpubsub.emulator import Emulator, RefusedError
        >>> with Emulator() as emulator, emulator.connect("chat") as ann:
        ...     try:
        ...         ann.join_group("room")
        ...     except RefusedError as error:
        ...         print(error.name)
        Forbidden

    Attributes:
        name: `Forbidden` for example, or the status of the response.
        message: Why, in words: those of the event handler, where it was one that refused a client.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@attrs.frozen
class ReceivedMessage:
    """A message that a client received.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     roles = ["webpubsub.sendToGroup"]
        ...     with emulator.connect("chat", user_id="ann", groups=["room"], roles=roles) as ann:
        ...         ann.send_to_group("room", "Hello")
        ...         ann.receive()
        ReceivedMessage(source='group', data='Hello', data_type='text', group='room', from_user_id='ann', metadata=None)

    Attributes:
        source: `group` or `server`.
        data: The value of JSON, a str, or bytes.
        group: The group that it came from.
        from_user_id: The user that sent it, if a client did.
        metadata: What was sent with it.
        frame: The frame as it came.
    """

    source: str
    data: Any
    data_type: str
    group: str | None = None
    from_user_id: str | None = None
    metadata: Mapping[str, str] | None = None
    frame: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


class AsyncTestClient:
    """A client of `json.webpubsub.azure.v1` for tests, connected and greeted.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> async with Emulator() as emulator, emulator.connect("chat", user_id="ann") as ann:
        ...     ann.user_id
        'ann'

    Attributes:
        connection_id: The id of its connection.
        user_id: Its user; None for an anonymous one.
        received: Every message that came, oldest first.
        timeout_seconds: How long it waits for an acknowledgement.
    """

    timeout_seconds = _TIMEOUT_SECONDS

    __test__ = False  # not a class of tests, whatever its name says

    def __init__(self, session: aiohttp.ClientSession, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._websocket = websocket
        self._ack_ids = itertools.count(1)
        self._acks: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._unread: deque[ReceivedMessage] = deque()
        self._changed = asyncio.Condition()
        self._reader: asyncio.Task[None]
        self.received: list[ReceivedMessage] = []
        self.connection_id = ""
        self.user_id: str | None = None
        self.disconnected_message: str | None = None

    @classmethod
    async def open(cls, url: str, headers: Mapping[str, str], ssl: Any) -> Self:
        """Connect, and wait for the greeting.

        Raises:
            RefusedError: The service does not let the client in.
        """
        import aiohttp

        refusal = ""

        async def read_refusal(_session: object, _context: object, done: aiohttp.TraceRequestEndParams) -> None:
            nonlocal refusal
            if done.response.status != _SWITCHING_PROTOCOLS:
                with suppress(aiohttp.ClientError):  # the status is told, with its words or without
                    refusal = without_token(refusal_in_words(done.response.headers, await done.response.read()))

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(read_refusal)
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace])
        try:
            websocket, status = None, 0
            try:
                websocket = await session.ws_connect(url, protocols=[_SUBPROTOCOL], headers=headers, ssl=ssl)
            except aiohttp.WSServerHandshakeError as error:
                status = error.status  # the error itself has the URL, and with it the token
            if websocket is None:
                raise RefusedError(str(status), refusal or "the service does not let the client in")
            self = cls(session, websocket)
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                greeting = await websocket.receive_json()
        except BaseException:
            await session.close()
            raise
        self.connection_id, self.user_id = greeting["connectionId"], greeting["userId"]
        self._reader = asyncio.get_running_loop().create_task(self._read())
        return self

    @property
    def close_code(self) -> int | None:
        """The code that the connection was closed with; None while it is open."""
        return self._websocket.close_code

    def __repr__(self) -> str:
        what = "open" if self.close_code is None else f"closed with {self.close_code}"
        return f"<client {self.connection_id} of {self.user_id or 'nobody'}, {what}>"

    async def receive(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> ReceivedMessage:
        """Return the next message that was not returned before.

        Raises:
            AssertionError: None came in this time.
        """
        __tracebackhide__ = True  # pytest shows the line of the test instead
        await self._until(lambda: self._unread, timeout_seconds, "no message came")
        return self._unread.popleft()

    async def wait_for(
        self, condition: Callable[[ReceivedMessage], object], timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> ReceivedMessage:
        """Wait for a message that fits, and return it; it may have come already.

        Raises:
            AssertionError: None came in this time; the message lists those that did.
        """
        __tracebackhide__ = True
        await self._until(lambda: any(map(condition, self.received)), timeout_seconds, "no message came that fits")
        return next(filter(condition, self.received))

    async def wait_closed(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> int | None:
        """Wait until the connection is closed, and return the code.

        Raises:
            AssertionError: It is still open after this time.
        """
        __tracebackhide__ = True
        await self._until(lambda: self._websocket.closed, timeout_seconds, "the connection is still open")
        return self.close_code

    async def join_group(self, group: str) -> None:
        """Join a group, and wait for the acknowledgement.

        Raises:
            RefusedError: The service says no.
            TypeError: The group is not a str; nothing is sent.
        """
        await self._request({"type": "joinGroup", "group": _checks.string(group, "group")})

    async def leave_group(self, group: str) -> None:
        """Leave a group, and wait for the acknowledgement.

        Raises:
            RefusedError: The service says no.
            TypeError: The group is not a str; nothing is sent.
        """
        await self._request({"type": "leaveGroup", "group": _checks.string(group, "group")})

    async def send_to_group(self, group: str, data: Any, *, no_echo: bool = False) -> None:
        """Send to a group, and wait for the acknowledgement.

        Raises:
            RefusedError: The service says no.
            TypeError: An argument is of a wrong type, or JSON cannot hold the data; nothing is sent.
            ValueError: JSON cannot hold the data, such as NaN; nothing is sent.
        """
        target = {"group": _checks.string(group, "group"), "noEcho": _checks.boolean(no_echo, "no_echo")}
        await self._request({"type": "sendToGroup", **target, **_payload(data)})

    async def send_event(self, name: str, data: Any = None) -> None:
        """Send an event, and wait until an event handler has taken it.

        Raises:
            RefusedError: There is no handler, or it failed.
            TypeError: An argument is of a wrong type, or JSON cannot hold the data; nothing is sent.
            ValueError: JSON cannot hold the data, such as NaN; nothing is sent.
        """
        await self._request({"type": "event", "event": _checks.string(name, "name"), **_payload(data)})

    async def send_frame(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """Send a frame as it is, and wait for nothing."""
        if isinstance(frame, bytes):
            await self._websocket.send_bytes(frame)
        else:
            await self._websocket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def close(self) -> None:
        """Close the connection as a client does that has finished."""
        await self._websocket.close()
        await asyncio.wait({self._reader})

    def drop(self) -> None:
        """Cut the connection without a word, as a network does that is gone."""
        connected: socket.socket | None = self._websocket.get_extra_info("socket")
        if connected is not None:
            connected.shutdown(socket.SHUT_RDWR)

    async def _request(self, frame: dict[str, Any]) -> None:
        __tracebackhide__ = True
        if self._websocket.closed:
            raise RefusedError("closed", "the connection is closed")
        ack_id = next(self._ack_ids)
        acked = self._acks[ack_id] = asyncio.get_running_loop().create_future()
        try:
            await self.send_frame({**frame, "ackId": ack_id})
            async with asyncio.timeout(self.timeout_seconds):
                ack = await acked
        except TimeoutError:
            reason = f"{frame['type']} was not acknowledged within {self.timeout_seconds} seconds"
            raise AssertionError(reason) from None
        finally:
            del self._acks[ack_id]
        if not ack["success"]:
            error = ack.get("error", {})
            raise RefusedError(error.get("name", ""), error.get("message", ""))

    async def _read(self) -> None:
        try:
            async for message in self._websocket:
                await self._take(json.loads(message.data))
        finally:
            for future in self._acks.values():
                if not future.done():
                    future.set_exception(RefusedError("closed", "the connection is closed"))
            async with self._changed:
                self._changed.notify_all()
            await self._session.close()

    async def _take(self, frame: Mapping[str, Any]) -> None:
        match frame["type"]:
            case "ack":
                future = self._acks.get(frame["ackId"])
                if future is not None and not future.done():
                    future.set_result(frame)
            case "message":
                message = _message(frame)
                self.received.append(message)
                self._unread.append(message)
            case "system" if frame["event"] == "disconnected":
                self.disconnected_message = frame.get("message")
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: bool(condition()) or self._websocket.closed)
        except TimeoutError:
            pass
        if not condition():
            came = "\n".join(f"  {message}" for message in self.received[-20:]) or "  nothing"
            ended = f" The connection was closed with code {self.close_code}." if self._websocket.closed else ""
            raise AssertionError(f"Within {seconds} seconds {what}.{ended} What came:\n{came}")


def _blocking(
    method: Callable[Concatenate[AsyncTestClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[TestClient, P], T]:
    """Make the blocking partner of a method; its name, arguments and docstring stay."""

    @wraps(method)
    def blocking(self: TestClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            work = method(self._client, *args, **kwargs)
        except TypeError as error:  # the arguments are not those of the method, of which nothing has run yet
            raise TypeError(str(error).replace(AsyncTestClient.__name__, TestClient.__name__)) from None
        return self.run(work)

    return blocking


class TestClient:
    """The same as `AsyncTestClient`, blocking.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator, emulator.connect("chat", user_id="ann", groups=["room"]) as ann:
        ...     with emulator.connect("chat", roles=["webpubsub.sendToGroup.room"]) as bob:
        ...         bob.send_to_group("room", {"text": "Hello"})
        ...     ann.receive().data
        {'text': 'Hello'}
    """

    __test__ = False

    def __init__(self, client: AsyncTestClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop
        self._home = Home()

    def __repr__(self) -> str:
        return repr(self._client)

    @property
    def connection_id(self) -> str:
        """The id of its connection."""
        return self._client.connection_id

    @property
    def user_id(self) -> str | None:
        """Its user; None for an anonymous one."""
        return self._client.user_id

    @property
    def timeout_seconds(self) -> float:
        """How long it waits for an acknowledgement."""
        return self._client.timeout_seconds

    @timeout_seconds.setter
    def timeout_seconds(self, seconds: float) -> None:
        self._client.timeout_seconds = seconds

    @property
    def received(self) -> list[ReceivedMessage]:
        """Every message that came, oldest first."""
        return list(self._client.received)

    @property
    def close_code(self) -> int | None:
        """The code that the connection was closed with; None while it is open."""
        return self._client.close_code

    @property
    def disconnected_message(self) -> str | None:
        """Why the service closed the connection, if it said so."""
        return self._client.disconnected_message

    def wait_closed(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> int | None:
        """Wait until the connection is closed, and return the code.

        Raises:
            AssertionError: It is still open after this time.
        """
        __tracebackhide__ = True
        return self.close_code if self._loop.is_closed() else self.run(self._client.wait_closed(timeout_seconds))

    def close(self) -> None:
        """Close the connection as a client does that has finished.

        In a process that was forked from it, nothing is done: the connection is the parent's.
        """
        if not self._loop.is_closed() and self._home.is_here:
            self.run(self._client.close())

    receive = _blocking(AsyncTestClient.receive)
    wait_for = _blocking(AsyncTestClient.wait_for)
    join_group = _blocking(AsyncTestClient.join_group)
    leave_group = _blocking(AsyncTestClient.leave_group)
    send_to_group = _blocking(AsyncTestClient.send_to_group)
    send_event = _blocking(AsyncTestClient.send_event)
    send_frame = _blocking(AsyncTestClient.send_frame)

    def drop(self) -> None:
        """Cut the connection without a word, as a network does that is gone."""
        self._home.check()
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._client.drop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the emulator's loop do something, and wait for it.

        Raises:
            RuntimeError: The emulator has stopped, or runs in the process that this one was forked from.
        """
        __tracebackhide__ = True
        if self._loop.is_closed() or not self._home.is_here:
            work.close()
            self._home.check()
            raise RuntimeError(_STOPPED)
        return _result(work, self._loop)


@attrs.define(eq=False)
class Connector:
    """A client of a test that is about to connect: `with` for a blocking one, `async with` for an asynchronous one."""

    _url: str = attrs.field(repr=False)
    _headers: Mapping[str, str]
    _ssl: Any
    _loop: asyncio.AbstractEventLoop
    _thread_id: int
    _client: AsyncTestClient | None = attrs.field(default=None, init=False)
    _blocking: TestClient | None = attrs.field(default=None, init=False)

    def __enter__(self) -> TestClient:
        if threading.get_ident() == self._thread_id:
            raise RuntimeError("This emulator runs in this event loop: use `async with emulator.connect(...)`.")
        opening = AsyncTestClient.open(self._url, self._headers, self._ssl)
        self._blocking = TestClient(_result(opening, self._loop), self._loop)
        return self._blocking

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._blocking is not None:
            self._blocking.close()

    async def __aenter__(self) -> AsyncTestClient:
        self._client = await AsyncTestClient.open(self._url, self._headers, self._ssl)
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()


def _result(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Have a loop of another thread do something, and wait for it as long as that loop can do it."""
    __tracebackhide__ = True
    future = asyncio.run_coroutine_threadsafe(work, loop)
    while not wait([future], _LOOK_SECONDS).done:
        if loop.is_closed():
            raise RuntimeError(_STOPPED)
    if future.cancelled():
        raise RuntimeError(_STOPPED)
    return future.result()


def _payload(data: Any) -> dict[str, Any]:
    if isinstance(data, bytes):
        return {"dataType": "binary", "data": base64.b64encode(data).decode()}
    if isinstance(data, str):
        return {"dataType": "text", "data": data}
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"data must be bytes, a str, or something that JSON can hold: {error}.") from None
    return {"dataType": "json", "data": data if data is not None else {}}


def _message(frame: Mapping[str, Any]) -> ReceivedMessage:
    data, data_type = frame["data"], frame["dataType"]
    if data_type in ("binary", "protobuf"):
        data = base64.b64decode(data)
    return ReceivedMessage(
        frame["from"], data, data_type, frame.get("group"), frame.get("fromUserId"), frame.get("metadata"), frame
    )
