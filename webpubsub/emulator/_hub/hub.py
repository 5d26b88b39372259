"""Hubs, connections, groups and users, in memory, and who gets which message.

No I/O and no clock: what a client is to be told goes to its `outbox`, a function that whoever owns the socket
provides and that must not call back into the hub. Hubs are told apart without regard to case; groups, users and
connections are exact.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from .messages import Close, CloseCode, Frame, Message, Outgoing, Send, Subprotocol
from .names import hub_key
from .permissions import Permissions

__all__ = ["Connection", "Hub", "Hubs", "Outbox"]

Outbox: TypeAlias = Callable[[Outgoing], None]

_REMEMBERED_ACKS = 1000
_CLOSED = "Application server closed the connection."


@attrs.define(eq=False)
class Connection:
    """A client that is connected."""

    connection_id: str
    user_id: str | None
    subprotocol: Subprotocol
    permissions: Permissions
    outbox: Outbox
    groups: set[str] = attrs.field(factory=set)
    _acked: OrderedDict[int, None] = attrs.field(factory=OrderedDict)

    @property
    def protocol(self) -> str | None:
        """The name of the subprotocol; None for a simple client."""
        return self.subprotocol.name

    def tell(self, frame: Frame | None) -> None:
        """Send a frame, if there is one for this kind of client."""
        if frame is not None:
            self.outbox(Send(frame))

    def is_acked(self, ack_id: int) -> bool:
        """Tell whether a request with this id was carried out before."""
        return ack_id in self._acked

    def remember_ack(self, ack_id: int) -> None:
        """Keep in mind that a request was carried out; the last 1000 are."""
        self._acked[ack_id] = None
        if len(self._acked) > _REMEMBERED_ACKS:
            self._acked.popitem(last=False)


class Hub:
    """The connections of one hub, by id, by group and by user."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._groups: dict[str, dict[str, Connection]] = {}
        self._users: dict[str, dict[str, Connection]] = {}

    def add(self, connection: Connection) -> None:
        """Take a connection in, with the groups it has."""
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
        if connection.user_id is not None:
            _discard(self._users, connection.user_id, connection)

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
        """Put a connection into a group."""
        connection.groups.add(group)
        self._groups.setdefault(group, {})[connection.connection_id] = connection

    def leave(self, connection: Connection, group: str) -> None:
        """Take a connection out of a group; one that is not in it is no error."""
        connection.groups.discard(group)
        _discard(self._groups, group, connection)

    def leave_all(self, connection: Connection) -> None:
        """Take a connection out of all its groups."""
        for group in tuple(connection.groups):
            self.leave(connection, group)

    def publish(self, targets: Iterable[Connection], message: Message, *, ttl_seconds: int = 0) -> None:
        """Send a message to connections, writing it once per subprotocol."""
        prepared: dict[str | None, Send] = {}
        for connection in targets:
            send = prepared.get(connection.protocol)
            if send is None:
                send = Send(connection.subprotocol.message(message), ttl_seconds)
                prepared[connection.protocol] = send
            connection.outbox(send)

    def close(self, targets: Iterable[Connection], reason: str | None) -> None:
        """Close connections on behalf of the application; they are gone at once."""
        text = f"{_CLOSED} Reason: {reason}" if reason else _CLOSED
        for connection in targets:
            self.remove(connection)
            connection.tell(connection.subprotocol.disconnected(text))
            connection.outbox(Close(CloseCode.NORMAL))


def _discard(index: dict[str, dict[str, Connection]], key: str, connection: Connection) -> None:
    members = index.get(key)
    if members is not None:
        members.pop(connection.connection_id, None)
        if not members:
            del index[key]


class Hubs:
    """Every hub there is. One comes into being with its first connection."""

    def __init__(self) -> None:
        self._hubs: dict[str, Hub] = {}

    def get(self, name: str) -> Hub:
        """Look a hub up; one that nobody is connected to is empty."""
        return self._hubs.get(hub_key(name)) or Hub()

    def open(self, name: str) -> Hub:
        """Look a hub up, in order to connect to it."""
        return self._hubs.setdefault(hub_key(name), Hub())
