"""Group state: what each connection says about itself in a group, and who follows it. No I/O."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import attrs

from .messages import DataType, GroupState, GroupStateItem, Message, Payload

__all__ = ["Follower", "GroupStates"]

_NOTHING = Payload(DataType.TEXT, "")


class Follower(Protocol):
    """A connection, as far as group state goes."""

    @property
    def connection_id(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...


@attrs.define(eq=False)
class GroupStates:
    """The group state of one hub.

    Attributes:
        wall: Returns the time in seconds since 1970.
        deliver: Passes a message on to a connection.
    """

    wall: Callable[[], float]
    deliver: Callable[[str, Message], None]
    _items: dict[str, dict[str, GroupStateItem]] = attrs.field(factory=dict, init=False)
    _followers: dict[str, dict[str, None]] = attrs.field(factory=dict, init=False)
    _last: int = attrs.field(default=0, init=False)

    def set(self, owner: Follower, group: str, state: Mapping[str, str] | None) -> None:
        """Let a connection say something else about itself; None takes back what it said."""
        self._last = max(self._last + 1, int(self.wall() * 1000))  # strictly rising
        item = GroupStateItem(owner.connection_id, owner.user_id, state, self._last)
        items = self._items.setdefault(group, {})
        if state is None:
            items.pop(owner.connection_id, None)
            if not items:
                del self._items[group]
        else:
            items[owner.connection_id] = item
        self._tell(self._followers.get(group, ()), group, GroupState(False, (item,)))

    def follow(self, follower: Follower, group: str) -> None:
        """Tell a connection everything, and from now on every change."""
        self._followers.setdefault(group, {})[follower.connection_id] = None
        items = tuple(self._items.get(group, {}).values())
        self._tell((follower.connection_id,), group, GroupState(True, items))

    def unfollow(self, follower: Follower, group: str) -> None:
        """Tell a connection nothing any more."""
        followers = self._followers.get(group, {})
        followers.pop(follower.connection_id, None)
        if not followers:
            self._followers.pop(group, None)

    def forget(self, owner: Follower) -> None:
        """Take back what a connection has said, and tell it nothing any more: it is gone."""
        for group in tuple(self._followers):
            self.unfollow(owner, group)
        for group in [group for group, items in self._items.items() if owner.connection_id in items]:
            self.set(owner, group, None)

    def _tell(self, followers: Iterable[str], group: str, state: GroupState) -> None:
        message = Message(_NOTHING, group, state=state)
        for connection_id in tuple(followers):
            self.deliver(connection_id, message)
