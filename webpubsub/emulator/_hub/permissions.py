"""What one connection may do with which groups: roles of its token, later changed by grants and revocations.

A literal rule, newest last, beats a pattern; a pattern beats nothing but adds to the role for any group.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

__all__ = ["Permission", "Permissions", "RoleError", "TooManyRulesError"]

_MOST_STARS = 5
_MOST_PATTERNS = 10
_MOST_LITERALS = 1000
_LONGEST_PATTERN = 1024
_PIECES = re.compile(r"\\[\\*?]|\*\*|[*?]|[^\\*?]+|\\")
_PREFIX = "webpubsub."


class Permission(StrEnum):
    """What can be allowed per group, by the name that roles use; REST paths know the first two."""

    JOIN_LEAVE_GROUP = "joinLeaveGroup"
    SEND_TO_GROUP = "sendToGroup"
    GET_GROUP_STATE = "getGroupState"
    SET_GROUP_STATE = "setGroupState"


class RoleError(ValueError):
    """A role in a token is not one that the service can apply."""


class TooManyRulesError(Exception):
    """A connection has as many literal rules of one permission as it may have."""


class Permissions:
    """The rules of one connection."""

    def __init__(self, roles: Iterable[str] = ()) -> None:
        """Start from roles.

        Raises:
            RoleError: There are too many roles, or a pattern is malformed.
        """
        self._any_group: set[Permission] = set()
        self._patterns: dict[Permission, list[str]] = {permission: [] for permission in Permission}
        self._literals: dict[Permission, dict[str, bool]] = {permission: {} for permission in Permission}
        for role in roles:
            self._add_role(role)

    def allows(self, permission: Permission, group: str) -> bool:
        """Tell whether the connection may do this with this group."""
        literal = self._literals[permission].get(group)
        if literal is not None:
            return literal
        return permission in self._any_group or any(matches(pattern, group) for pattern in self._patterns[permission])

    def grant(self, permission: Permission, group: str) -> None:
        """Allow one group, whatever the roles say.

        Raises:
            TooManyRulesError: There are 1000 rules already.
        """
        self._set(permission, group, True)

    def revoke(self, permission: Permission, group: str) -> None:
        """Forbid one group, whatever the roles say.

        Raises:
            TooManyRulesError: There are 1000 rules already.
        """
        self._set(permission, group, False)

    def rules(self) -> list[str]:
        """List what is allowed, as roles; a group that is forbidden has a `-` before it."""
        rules: list[str] = []
        for permission in Permission:
            name = _PREFIX + permission
            rules += [name] if permission in self._any_group else []
            rules += [f"{name}s.{pattern}" for pattern in self._patterns[permission]]
            rules += [f"{'' if on else '-'}{name}.{group}" for group, on in self._literals[permission].items()]
        return rules

    def _set(self, permission: Permission, group: str, allowed: bool) -> None:
        literals = self._literals[permission]
        if group not in literals and len(literals) >= _MOST_LITERALS:
            raise TooManyRulesError
        literals[group] = allowed

    def _add_role(self, role: str) -> None:
        for permission in Permission:
            name = _PREFIX + permission
            if role == name:
                self._any_group.add(permission)
            elif role.startswith(name + "."):
                try:
                    self.grant(permission, role.removeprefix(name + "."))
                except TooManyRulesError:
                    raise RoleError(f"The token has more than {_MOST_LITERALS} roles for groups.") from None
            elif role.startswith(name + "s."):
                self._add_pattern(permission, role.removeprefix(name + "s."))

    def _add_pattern(self, permission: Permission, pattern: str) -> None:
        patterns = self._patterns[permission]
        if not 1 <= len(pattern) <= _LONGEST_PATTERN:
            raise RoleError(f"A pattern in a role must be 1 to {_LONGEST_PATTERN} characters long.")
        pieces = _pieces(pattern)
        if "\\" in pieces:
            raise RoleError(r"In a pattern of a role, \ must be followed by \, * or ?.")
        if sum(piece.count("*") for piece in pieces if piece in ("*", "**")) > _MOST_STARS:
            raise RoleError(f"A pattern in a role must have at most {_MOST_STARS} wildcards *.")
        if len(patterns) >= _MOST_PATTERNS:
            raise RoleError(f"The token has more than {_MOST_PATTERNS} patterns in roles of one kind.")
        patterns.append(pattern)


@lru_cache(maxsize=256)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(_PIECES.findall(pattern))


def matches(pattern: str, group: str) -> bool:
    r"""Tell whether a pattern covers a group.

    `?` is one character but a dot, `*` any run without a dot, `**` any run; `\` takes the meaning away. How far the
    group may have been read is a set of bits, so that the work does not grow with the number of ways to read it.
    """
    plain = sum(1 << position for position, character in enumerate(group) if character != ".")
    starts: dict[str, int] = {}
    ends = 1
    for piece in _pieces(pattern):
        if piece == "?":
            ends = (ends & plain) << 1
        elif piece == "*":
            ends = _spread(ends, plain, len(group))
        elif piece == "**":
            ends = ((2 << len(group)) - 1) & -(ends & -ends)
        else:
            literal = piece[1:] if piece.startswith("\\") else piece
            if literal not in starts:
                starts[literal] = _starts(literal, group)
            ends = (ends & starts[literal]) << len(literal)
    return bool(ends >> len(group) & 1)


def _spread(ends: int, plain: int, length: int) -> int:
    for position in range(length):
        ends |= (ends & plain & 1 << position) << 1
    return ends


def _starts(literal: str, group: str) -> int:
    starts, position = 0, group.find(literal)
    while position >= 0:
        starts |= 1 << position
        position = group.find(literal, position + 1)
    return starts
