"""What happened in an emulator, kept for whoever looks: tests, the log for people, the inspector.

Records are values and come in the order in which things happened. The journal may be written by the emulator's loop and
read by every thread. It keeps a bounded number of records of each kind, so a long run does not fill the memory.
"""

import asyncio
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias, TypeVar

import attrs

from ._hub.messages import DataType, Payload

__all__ = [
    "ConnectionRecord",
    "EventRecord",
    "FaultRecord",
    "FrameRecord",
    "Journal",
    "MembershipRecord",
    "MessageRecord",
    "Record",
    "RequestRecord",
    "refusal_in_words",
    "without_secrets",
    "without_token",
]

_SECRET_HEADERS = frozenset(("authorization", "ce-signature", "cookie", "set-cookie"))
_LOOK_SECONDS = 0.02
"""How often a condition is looked at where nothing happens."""
_LONGEST_LINE = 160
_LONGEST_REASON = 200
_DESCRIPTION = re.compile(r'error_description="([^"]*)"')
_TOKEN = re.compile(r"([?&]access_token=)[^&#]*", re.IGNORECASE)


@attrs.frozen
class RequestRecord:
    """A REST request and its response.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     emulator.requests
        []

    Attributes:
        time: When it came, in seconds since 1970 by the emulator's clock.
        target: Path and query as they were sent; a token in the query is left out.
        headers: Names in lower case; secrets are left out.
        hub: The hub of the path, if it has one.
        operation: The operation of the service, if the path is one of it.
        status: What the client got; 0 when it got nothing.
        seconds: How long it took.
        recipients: How many clients its message was for; None when it sent none.
    """

    time: float
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    hub: str | None
    operation: str | None
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes
    seconds: float = 0.0
    recipients: int | None = None

    @property
    def reason(self) -> str:
        """Why it was refused, in words; empty when nobody says."""
        return refusal_in_words(self.response_headers, self.response_body) if self.status >= 400 else ""

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.target} -> {self.status}"


@attrs.frozen
class MessageRecord:
    """A message that the hub sent to clients.

    Example:
        >>> from webpubsub import WebPubSubServiceClient
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        ...         service.send_to_user("ann", b"123")
        ...     message = emulator.hub("chat").messages[0]
        ...     (message.data_type, message.data, message.to)
        ('binary', b'123', ())

    Attributes:
        time: When, in seconds since 1970 by the emulator's clock.
        to: The ids of the connections that it was for, oldest first; empty when there were none.
        group: The group that it was sent to, if it was sent to one.
        from_user_id: The user of the client that sent it; None for REST and for anonymous clients.
        metadata: What was sent with it.
        from_server: Whether a REST request sent it; otherwise a client did.
    """

    time: float
    hub: str
    payload: Payload = attrs.field(repr=False)
    to: Sequence[str]
    group: str | None = None
    from_user_id: str | None = None
    metadata: Mapping[str, str] | None = None
    from_server: bool = False

    @property
    def data_type(self) -> str:
        """What it was sent as: `json`, `text`, `binary` or `protobuf`."""
        return self.payload.data_type.value

    @property
    def data(self) -> Any:
        """The value of JSON, a str, or bytes."""
        return json.loads(self.payload.data) if self.payload.data_type is DataType.JSON else self.payload.data

    def __str__(self) -> str:
        where = f"to group {self.group}" if self.group is not None else "from the server"
        return f"{self.data_type} {self.payload.data!r} {where}, to {len(self.to)} connections"


@attrs.frozen
class EventRecord:
    """An event that an event handler was told of, or that nobody heard of.

    Example:
        >>> from webpubsub.emulator import Emulator, RefusedError
        >>> with Emulator() as emulator, emulator.connect("chat") as ann:
        ...     try:
        ...         ann.send_event("order", {"id": 1})
        ...     except RefusedError:
        ...         print([(event.event, event.json(), event.status) for event in emulator.events])
        [('order', {'id': 1}, None)]

    Attributes:
        time: When, in seconds since 1970 by the emulator's clock.
        event: Its name, such as `connect`, `message` or `order`.
        user_id: The user of the connection.
        url: Where it was sent; empty when nobody hears of it.
        headers: What was sent; signatures are left out.
        body: What was sent.
        status: The status of the response in the end; None without one.
        attempts: How often it was sent; 0 when the handler does not allow requests.
        seconds: How long all tries took.
    """

    time: float
    hub: str
    event: str
    connection_id: str
    user_id: str | None
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    response_headers: Mapping[str, str] = attrs.field(factory=dict)
    response_body: bytes = b""
    attempts: int = 1
    seconds: float = 0.0

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)

    def __str__(self) -> str:
        came = "no response" if self.status is None else self.status
        return f"event {self.event} of {self.user_id or 'an anonymous client'} -> {came}"


@attrs.frozen
class ConnectionRecord:
    """Something that became of a connection.

    Example:
        >>> from webpubsub.emulator import ConnectionRecord, Emulator
        >>> seen = []
        >>> with Emulator() as emulator:
        ...     emulator.observe(seen.append)
        ...     with emulator.connect("chat", user_id="ann"):
        ...         pass
        >>> [(record.user_id, record.what) for record in seen if isinstance(record, ConnectionRecord)]
        [('ann', 'opened'), ('ann', 'closed')]

    Attributes:
        what: `opened`, `detached` (its socket is gone, it may come back), `recovered`, `closed` or `refused`.
        reason: Why it was closed or refused.
    """

    time: float
    hub: str
    connection_id: str
    user_id: str | None
    protocol: str | None
    what: Literal["opened", "detached", "recovered", "closed", "refused"]
    reason: str = ""

    def __str__(self) -> str:
        because = f": {self.reason}" if self.reason else ""
        return f"{self.user_id or 'an anonymous client'} {self.what} ({self.connection_id}){because}"


@attrs.frozen
class MembershipRecord:
    """A connection that came into a group, or out of one.

    Example:
        >>> from webpubsub.emulator import Emulator, MembershipRecord
        >>> seen = []
        >>> with Emulator() as emulator:
        ...     emulator.observe(seen.append)
        ...     with emulator.connect("chat", user_id="ann", roles=["webpubsub.joinLeaveGroup"]) as ann:
        ...         ann.join_group("room")
        >>> [(record.user_id, record.what, record.group) for record in seen if isinstance(record, MembershipRecord)][0]
        ('ann', 'joined', 'room')
    """

    time: float
    hub: str
    connection_id: str
    user_id: str | None
    group: str
    what: Literal["joined", "left"]

    def __str__(self) -> str:
        return f"{self.user_id or 'an anonymous client'} {self.what} {self.group}"


@attrs.frozen
class FrameRecord:
    """A frame of a client.

    Frames are written down only where the inspector is switched on.

    Example:
        >>> from webpubsub.emulator import Emulator, FrameRecord
        >>> seen = []
        >>> with Emulator(inspector=True) as emulator:
        ...     emulator.observe(seen.append)
        ...     with emulator.connect("chat", user_id="ann"):
        ...         pass
        >>> [record.direction for record in seen if isinstance(record, FrameRecord)]
        ['out']

    Attributes:
        direction: `in` from the client, `out` to it.
        frame: What was said; the token that a connection could be taken over with is left out.
    """

    time: float
    hub: str
    connection_id: str
    direction: Literal["in", "out"]
    frame: str | bytes

    def __str__(self) -> str:
        return f"{'<' if self.direction == 'in' else '>'} {self.connection_id} {self.frame!r}"


@attrs.frozen
class FaultRecord:
    """A fault that was put on purpose.

    Example:
        >>> from webpubsub import WebPubSubServiceClient
        >>> from webpubsub.emulator import Emulator, FaultRecord, RequestFault
        >>> seen = []
        >>> with Emulator() as emulator:
        ...     emulator.observe(seen.append)
        ...     emulator.faults.add(RequestFault(status=429, retry_after=0))
        ...     with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        ...         service.send_to_all("Hello")
        >>> [record.what for record in seen if isinstance(record, FaultRecord)]
        ['request status=429, retry_after=0']
    """

    time: float
    hub: str | None
    what: str

    def __str__(self) -> str:
        return f"fault: {self.what}"


Record: TypeAlias = (
    RequestRecord | MessageRecord | EventRecord | ConnectionRecord | MembershipRecord | FrameRecord | FaultRecord
)

KindT = TypeVar("KindT", bound=Record)


class Journal:
    """The records of one emulator.

    Args:
        size: How many records of each kind are kept; the oldest ones go first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._records: dict[type, deque[Any]] = {}
        self._changed = threading.Condition()
        self._count = 0
        self._waiting = 0
        self._observers: list[Callable[[Record], None]] = []

    def add(self, record: Record) -> None:
        """Keep a record and tell everybody who wants to know."""
        with self._changed:
            self._records.setdefault(type(record), deque(maxlen=self._size)).append(record)
            self._count += 1
            if self._waiting:
                self._changed.notify_all()
        for observer in tuple(self._observers):
            observer(record)

    def observe(self, observer: Callable[[Record], None]) -> None:
        """Have a function called with each record, in the thread that writes it; it must not block."""
        self._observers.append(observer)

    def stop_observing(self, observer: Callable[[Record], None]) -> None:
        """Have it not called any more."""
        self._observers.remove(observer)

    def of(self, kind: type[KindT]) -> list[KindT]:
        """Return the records of a kind, oldest first."""
        with self._changed:
            return list(self._records.get(kind, ()))

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._records.clear()

    def wait_for(self, condition: Callable[[], object], timeout_seconds: float) -> bool:
        """Wait until a condition holds, which is looked at after each record, and now and then. Return whether it does.

        Not everything that it may be about is written down here: the clock, for example, and what a test does itself.
        """
        end = time.monotonic() + timeout_seconds
        while True:
            with self._changed:
                seen = self._count
            if condition():
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._wait_for_news(seen, min(left, _LOOK_SECONDS))

    def _wait_for_news(self, count: int, timeout_seconds: float) -> None:
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._count != count, timeout_seconds)
            finally:
                self._waiting -= 1

    async def wait_for_async(self, condition: Callable[[], object], timeout_seconds: float) -> bool:
        """Wait as `wait_for` does, in the running event loop; the condition is looked at in it."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        end = loop.time() + timeout_seconds

        def tell(record: Record) -> None:  # noqa: ARG001
            loop.call_soon_threadsafe(news.set)

        self.observe(tell)
        try:
            while True:
                news.clear()
                if condition():
                    return True
                left = end - loop.time()
                if left <= 0:
                    return False
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, _LOOK_SECONDS)):
                        await news.wait()
        finally:
            self.stop_observing(tell)

    def story(self, most: int = 20) -> str:
        """Tell the last records in lines, for a message of a test that failed."""
        with self._changed:
            kinds = [kind for kind in self._records if kind is not FrameRecord]
            records = sorted((record for kind in kinds for record in self._records[kind]), key=lambda it: it.time)
        lines = [f"  {record.hub or '-'}: {record}"[:_LONGEST_LINE] for record in records[-most:]]
        return "\n".join(lines) or "  nothing"


def refusal_in_words(headers: Mapping[str, str], body: bytes) -> str:
    """Find what a refusal says to people: in the challenge of a 401, the message of its JSON, or its text."""
    challenge = next((value for name, value in headers.items() if name.lower() == "www-authenticate"), "")
    said = _DESCRIPTION.search(challenge)
    if said is not None:
        return said[1]
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()[:_LONGEST_REASON]


def without_token(target: str) -> str:
    """Return a path with a query, with the token in it left out."""
    return _TOKEN.sub(r"\1REDACTED", target)


def without_secrets(headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> dict[str, str]:
    """Return headers by their name in lower case, with the values of secret ones left out."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {name.lower(): "REDACTED" if name.lower() in _SECRET_HEADERS else value for name, value in pairs}
