"""Hubs, connections, groups and users, in memory, and who gets which message.

No I/O and no clock. A hub owns its connections. What a connection is to be told goes to its `receiver`, which is there
for as long as the connection is, with or without a socket. Hubs are told apart without regard to case; groups, users
and connections are exact.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias
from weakref import WeakValueDictionary

import attrs

from .group_states import GroupStates
from .messages import Message
from .names import hub_key
from .permissions import Permissions

__all__ = ["Connection", "Hub", "Hubs", "Observer", "Receiver"]

_CLOSED = "Application server closed the connection."


class Receiver(Protocol):
    """Takes what a connection is to be told."""

    def deliver(self, message: Message) -> None:
        """Pass a message on to the client."""
        ...

    def joined(self, group: str) -> None:
        """Take note that the connection is in a group now."""
        ...

    def left(self, group: str) -> None:
        """Take note that the connection is not in a group any more."""
        ...

    def close(self, reason: str) -> None:
        """End the connection, which its hub has forgotten already."""
        ...


@attrs.define(eq=False)
class Connection:
    """A client of a hub: who it is, what it may do and where it belongs.

    Attributes:
        hub_name: The hub as the client wrote it.
        protocol: The name of its subprotocol; None for a simple client.
        reconnection_token: What a client of a reliable subprotocol proves itself with when it comes back.
        reconnection_until: How long the token is good, in seconds of the emulator's clock.
        physical_connection_id: MQTT: an id of the network connection that it has, or had last.
        session_id: MQTT: an id of the session.
        receiver: Takes what the connection is to be told; set before the hub takes the connection in.
    """

    connection_id: str
    hub_name: str
    user_id: str | None
    protocol: str | None
    permissions: Permissions
    groups: set[str] = attrs.field(factory=set)
    reconnection_token: str | None = attrs.field(default=None, repr=False)
    reconnection_until: float = math.inf
    physical_connection_id: str | None = None
    session_id: str | None = None
    receiver: Receiver = attrs.field(init=False, repr=False)


Observer: TypeAlias = Callable[[str, Sequence[Connection], Message], None]
"""Is told of each message, with the name of the hub and the connections that it is for."""


class Hub:
    """The connections of one hub, by id, by group and by user."""

    def __init__(
        self,
        name: str = "",
        observer: Observer | None = None,
        occupied: "set[Hub] | None" = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin without connections.

        Args:
            name: How it was called first.
            observer: Is told of messages.
            occupied: Has this hub in it as long as there are connections.
            wall: Returns the time in seconds since 1970.
        """
        self._name = name
        self._occupied = set[Hub]() if occupied is None else occupied
        self._observer = observer
        self._connections: dict[str, Connection] = {}
        self._groups: dict[str, dict[str, Connection]] = {}
        self._users: dict[str, dict[str, Connection]] = {}
        self.states = GroupStates(wall, self._deliver)

    def add(self, connection: Connection) -> None:
        """Take a connection in, with the groups it has: it is not told of those."""
        self._occupied.add(self)
        self._connections[connection.connection_id] = connection
        if connection.user_id is not None:
            self._users.setdefault(connection.user_id, {})[connection.connection_id] = connection
        for group in connection.groups:
            self._groups.setdefault(group, {})[connection.connection_id] = connection

    def remove(self, connection: Connection) -> None:
        """Forget a connection; one that is gone already is no error."""
        if self._connections.pop(connection.connection_id, None) is None:
            return
        for group in connection.groups:
            _discard(self._groups, group, connection)
            connection.receiver.left(group)
        if connection.user_id is not None:
            _discard(self._users, connection.user_id, connection)
        self.states.forget(connection)
        if not self._connections:
            self._occupied.discard(self)

    def connection(self, connection_id: str) -> Connection | None:
        """Find a connection."""
        return self._connections.get(connection_id)

    def everyone(self) -> list[Connection]:
        """List every connection, oldest first."""
        return list(self._connections.values())

    def group(self, name: str) -> list[Connection]:
        """List the connections in a group."""
        return list(self._groups.get(name, {}).values())

    def user(self, user_id: str) -> list[Connection]:
        """List the connections of a user."""
        return list(self._users.get(user_id, {}).values())

    def join(self, connection: Connection, group: str) -> None:
        """Put a connection into a group; one that is in it already is no error."""
        if group not in connection.groups:
            connection.groups.add(group)
            self._groups.setdefault(group, {})[connection.connection_id] = connection
            connection.receiver.joined(group)

    def leave(self, connection: Connection, group: str) -> None:
        """Take a connection out of a group; one that is not in it is no error."""
        if group in connection.groups:
            connection.groups.discard(group)
            _discard(self._groups, group, connection)
            connection.receiver.left(group)

    def leave_all(self, connection: Connection) -> None:
        """Take a connection out of all its groups."""
        for group in tuple(connection.groups):
            self.leave(connection, group)

    def publish(self, targets: Sequence[Connection], message: Message) -> None:
        """Send a message to connections."""
        if self._observer is not None:
            self._observer(self._name, targets, message)
        for connection in targets:
            connection.receiver.deliver(message)

    def close(self, targets: Iterable[Connection], reason: str | None) -> None:
        """Close connections on behalf of the application; they are gone at once."""
        text = f"{_CLOSED} Reason: {reason}" if reason else _CLOSED
        for connection in targets:
            self.remove(connection)
            connection.receiver.close(text)

    def _deliver(self, connection_id: str, message: Message) -> None:
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.receiver.deliver(message)


def _discard(index: dict[str, dict[str, Connection]], key: str, connection: Connection) -> None:
    members = index.get(key)
    if members is not None:
        members.pop(connection.connection_id, None)
        if not members:
            del index[key]


class Hubs:
    """Every hub there is. One stays as long as it has a connection, or somebody is about to connect to it."""

    def __init__(self, observer: Observer | None = None, wall: Callable[[], float] = time.time) -> None:
        self._observer = observer
        self._wall = wall
        self._known: WeakValueDictionary[str, Hub] = WeakValueDictionary()
        self._occupied: set[Hub] = set()

    def get(self, name: str) -> Hub:
        """Look a hub up; one that nobody is connected to is empty."""
        return self._known.get(hub_key(name)) or Hub(name, self._observer)

    def open(self, name: str) -> Hub:
        """Look a hub up, in order to connect to it."""
        return self._known.setdefault(hub_key(name), Hub(name, self._observer, self._occupied, self._wall))

    def everyone(self) -> list[Connection]:
        """List the connections of every hub."""
        return [connection for hub in self._occupied for connection in hub.everyone()]

    def __len__(self) -> int:
        """Count the hubs that are in memory."""
        return len(self._known)
