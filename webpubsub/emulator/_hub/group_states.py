"""Group state: what each connection says about itself in a group, and who follows it. No I/O."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

import attrs

from .messages import DataType, Failure, GroupState, GroupStateItem, Message, Payload

__all__ = ["LARGEST_STATE", "MOST_FOLLOWED", "MOST_STATES", "Follower", "GroupStates"]

MOST_STATES = 1000
"""In how many groups a connection may say something about itself."""

MOST_FOLLOWED = 1000
"""How many groups a connection may follow."""

LARGEST_STATE = 1024 * 1024
"""How much a connection may say about itself in all groups together, in characters."""

T = TypeVar("T")

_NOTHING = Payload(DataType.TEXT, "")
_TOO_MANY = Failure("BadRequest", f"A connection may have a state in {MOST_STATES} groups.")
_TOO_LARGE = Failure("BadRequest", f"The states of a connection may have {LARGEST_STATE} characters together.")
_TOO_CURIOUS = Failure("BadRequest", f"A connection may follow the state of {MOST_FOLLOWED} groups.")


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
    _sizes: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)
    _followed: dict[str, dict[str, None]] = attrs.field(factory=dict, init=False)
    _last: int = attrs.field(default=0, init=False)

    def set(self, owner: Follower, group: str, state: Mapping[str, str] | None) -> Failure | None:
        """Let a connection say something else about itself; None takes back what it said.

        Returns why it may not say that, if it may not.
        """
        if state is not None:
            size = sum(len(name) + len(value) for name, value in state.items())
            sizes = self._sizes.get(owner.connection_id, {})
            if group not in sizes and len(sizes) >= MOST_STATES:
                return _TOO_MANY
            if sum(sizes.values()) - sizes.get(group, 0) + size > LARGEST_STATE:
                return _TOO_LARGE
            self._sizes.setdefault(owner.connection_id, {})[group] = size
        else:
            _discard(self._sizes, owner.connection_id, group)
        self._last = max(self._last + 1, int(self.wall() * 1000))  # strictly rising
        item = GroupStateItem(owner.connection_id, owner.user_id, state, self._last)
        if state is None:
            _discard(self._items, group, owner.connection_id)
        else:
            self._items.setdefault(group, {})[owner.connection_id] = item
        self._tell(self._followers.get(group, ()), group, GroupState(False, (item,)))
        return None

    def follow(self, follower: Follower, group: str) -> Failure | None:
        """Tell a connection everything, and from now on every change.

        Returns why it may not follow the group, if it may not.
        """
        followed = self._followed.setdefault(follower.connection_id, {})
        if group not in followed and len(followed) >= MOST_FOLLOWED:
            return _TOO_CURIOUS
        followed[group] = None
        self._followers.setdefault(group, {})[follower.connection_id] = None
        items = tuple(self._items.get(group, {}).values())
        self._tell((follower.connection_id,), group, GroupState(True, items))
        return None

    def unfollow(self, follower: Follower, group: str) -> None:
        """Tell a connection nothing any more."""
        _discard(self._followed, follower.connection_id, group)
        _discard(self._followers, group, follower.connection_id)

    def said_by(self, connection_id: str) -> dict[str, Mapping[str, str]]:
        """Return what a connection says about itself, by group."""
        states = {group: self._items[group][connection_id].state for group in self._sizes.get(connection_id, ())}
        return {group: state for group, state in states.items() if state is not None}

    def followed_by(self, connection_id: str) -> list[str]:
        """List the groups whose state a connection is told."""
        return list(self._followed.get(connection_id, ()))

    def forget(self, owner: Follower) -> None:
        """Take back what a connection has said, and tell it nothing any more: it is gone."""
        for group in tuple(self._followed.get(owner.connection_id, ())):
            self.unfollow(owner, group)
        for group in tuple(self._sizes.get(owner.connection_id, ())):
            self.set(owner, group, None)

    def _tell(self, followers: Iterable[str], group: str, state: GroupState) -> None:
        message = Message(_NOTHING, group, state=state)
        for connection_id in tuple(followers):
            self.deliver(connection_id, message)


def _discard(index: dict[str, dict[str, T]], key: str, member: str) -> None:
    members = index.get(key)
    if members is not None:
        members.pop(member, None)
        if not members:
            del index[key]
