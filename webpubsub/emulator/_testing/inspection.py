"""Looking inside: what a hub of a running emulator holds, and what it has done."""

from collections.abc import Callable, Mapping, Sequence

import attrs

from .._billing import Billing, Meter
from .._hub.hub import Connection, Hubs
from .._hub.names import hub_key
from .._journal import EventRecord, Journal, MessageRecord, RequestRecord

__all__ = ["ConnectionView", "HubView", "wait_for", "wait_for_async"]


@attrs.frozen
class ConnectionView:
    """A connection as it was when it was looked at.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator, emulator.connect("chat", user_id="ann", groups=["room"]):
        ...     [(connection.user_id, connection.groups) for connection in emulator.hub("chat").connections]
        [('ann', ('room',))]

    Attributes:
        user_id: Its user; None for an anonymous one.
        protocol: Its subprotocol; None for a simple client.
        groups: The groups that it is in, sorted.
    """

    connection_id: str
    user_id: str | None
    protocol: str | None
    groups: Sequence[str]

    @classmethod
    def of(cls, connection: Connection) -> "ConnectionView":
        """Look at a connection."""
        groups = tuple(sorted(connection.groups))
        return cls(connection.connection_id, connection.user_id, connection.protocol, groups)


class HubView:
    """One hub of a running emulator. Every attribute is looked up anew.

    Example:
        >>> from webpubsub import WebPubSubServiceClient
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        ...         service.send_to_group("room", {"text": "Hello"})
        ...     [(message.group, message.data) for message in emulator.hub("chat").messages]
        [('room', {'text': 'Hello'})]
    """

    def __init__(self, name: str, hubs: Hubs, journal: Journal, meter: Meter) -> None:
        self._name = name
        self._hubs = hubs
        self._journal = journal
        self._meter = meter

    @property
    def connections(self) -> list[ConnectionView]:
        """The connections, oldest first."""
        return [ConnectionView.of(connection) for connection in self._hubs.get(self._name).everyone()]

    @property
    def groups(self) -> Mapping[str, list[str]]:
        """The groups that have members, with the ids of their connections."""
        groups: dict[str, list[str]] = {}
        for connection in self.connections:
            for group in connection.groups:
                groups.setdefault(group, []).append(connection.connection_id)
        return groups

    @property
    def users(self) -> Mapping[str, list[str]]:
        """The users that are connected, with the ids of their connections."""
        users: dict[str, list[str]] = {}
        for connection in self.connections:
            if connection.user_id is not None:
                users.setdefault(connection.user_id, []).append(connection.connection_id)
        return users

    @property
    def messages(self) -> list[MessageRecord]:
        """What was sent to clients, oldest first."""
        return [record for record in self._journal.of(MessageRecord) if hub_key(record.hub) == hub_key(self._name)]

    @property
    def events(self) -> list[EventRecord]:
        """What event handlers were told, oldest first."""
        return [record for record in self._journal.of(EventRecord) if hub_key(record.hub) == hub_key(self._name)]

    @property
    def requests(self) -> list[RequestRecord]:
        """The REST requests for this hub, oldest first."""
        records = self._journal.of(RequestRecord)
        return [record for record in records if record.hub is not None and hub_key(record.hub) == hub_key(self._name)]

    @property
    def billing(self) -> Billing:
        """What has left this hub so far, and what is billed for it."""
        return self._meter.reading(self._name)

    def __repr__(self) -> str:
        return f"<hub {self._name} with {len(self.connections)} connections>"


def wait_for(journal: Journal, condition: Callable[[], object], timeout_seconds: float) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It did not in this time; the message tells what happened instead.
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    _check(condition)
    if not journal.wait_for(condition, timeout_seconds):
        raise AssertionError(_in_vain(journal, timeout_seconds))


async def wait_for_async(journal: Journal, condition: Callable[[], object], timeout_seconds: float) -> None:
    """Wait as `wait_for` does, while the event loop goes on."""
    __tracebackhide__ = True
    _check(condition)
    if not await journal.wait_for_async(condition, timeout_seconds):
        raise AssertionError(_in_vain(journal, timeout_seconds))


def _check(condition: object) -> None:
    if not callable(condition):
        raise TypeError(
            f"condition must be callable, such as `lambda: emulator.requests`, not {type(condition).__name__}."
        )


def _in_vain(journal: Journal, timeout_seconds: float) -> str:
    return f"The condition did not hold within {timeout_seconds} seconds. What happened last:\n{journal.story()}"
