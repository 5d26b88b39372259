"""The vocabulary of the client: permissions, roles, client protocols, access tokens, group members."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from . import _checks
from .errors import ConfigurationError

__all__ = [
    "ClientAccessToken",
    "ClientProtocol",
    "ClientProtocolName",
    "GroupMember",
    "Permission",
    "PermissionName",
    "Role",
]

PermissionName: TypeAlias = Literal["sendToGroup", "joinLeaveGroup"]
ClientProtocolName: TypeAlias = Literal["Default", "MQTT", "SocketIO"]

_SPACE = "webpubsub."
_KINDS = ("sendToGroup", "joinLeaveGroup", "sendToGroups", "joinLeaveGroups", "getGroupState", "setGroupState")
_PATTERN = r"(?s)(?:[^\\]|\\[\\*?])*"
_ESCAPED = r"(?s)\\."
_LONGEST_PATTERN = 1024
_MOST_STARS = 5

if TYPE_CHECKING:
    from webpubsub_rest.v2024_12_01.models import GroupMember
else:

    def __getattr__(name: str) -> object:
        """Import a model when it is first used: only models need attrs."""
        if name != "GroupMember":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from webpubsub_rest.v2024_12_01.models import GroupMember

        return globals().setdefault(name, GroupMember)


class Permission(StrEnum):
    """What a connection may be allowed to do by itself.

    Example:
        >>> Permission("sendToGroup") is Permission.SEND_TO_GROUP
        True
    """

    SEND_TO_GROUP = "sendToGroup"
    """Publish to a group."""

    JOIN_LEAVE_GROUP = "joinLeaveGroup"
    """Join and leave a group."""


class Role(str):
    r"""What the bearer of a client access token may do by itself.

    It is a str, made by methods that cannot be mistyped. In a pattern `?` stands for one character but a dot, `*` for
    any run of characters without a dot, `**` for any run; `\` takes the meaning of the next `*`, `?` or `\` away.

    Example:
        >>> Role.send_to_group("room"), Role.join_leave_groups("room.*")
        ('webpubsub.sendToGroup.room', 'webpubsub.joinLeaveGroups.room.*')
    """

    __slots__ = ()

    @classmethod
    def send_to_group(cls, group: str | None = None) -> Self:
        """Publish to a group; None means to any group.

        Raises:
            ConfigurationError: No group can be called this.
        """
        return cls._of("sendToGroup", group)

    @classmethod
    def join_leave_group(cls, group: str | None = None) -> Self:
        """Join and leave a group; None means any group.

        Raises:
            ConfigurationError: No group can be called this.
        """
        return cls._of("joinLeaveGroup", group)

    @classmethod
    def send_to_groups(cls, pattern: str) -> Self:
        """Publish to every group whose name fits a pattern.

        Raises:
            ConfigurationError: The pattern is not valid.
        """
        return cls._of("sendToGroups", pattern)

    @classmethod
    def join_leave_groups(cls, pattern: str) -> Self:
        """Join and leave every group whose name fits a pattern.

        Raises:
            ConfigurationError: The pattern is not valid.
        """
        return cls._of("joinLeaveGroups", pattern)

    @classmethod
    def get_group_state(cls) -> Self:
        """Subscribe to the state that connections set in groups."""
        return cls._of("getGroupState")

    @classmethod
    def set_group_state(cls) -> Self:
        """Set a state of one's own in groups."""
        return cls._of("setGroupState")

    @classmethod
    def _of(cls, kind: str, target: str | None = None) -> Self:
        _check_role(kind, target, "pattern" if kind.endswith("s") else "group")
        return cls(f"{_SPACE}{kind}" if target is None else f"{_SPACE}{kind}.{target}")


def check_roles(values: Iterable[str] | None) -> list[str] | None:
    """Check a list of roles; None stays None. Roles of other kinds than the known ones pass.

    Raises:
        ConfigurationError: A role is a known one with a mistake in it.
        TypeError: They are not a list of strings.
    """
    return None if values is None else [_checked_role(value, name) for name, value in _checks.items(values, "roles")]


def _checked_role(value: str, name: str) -> str:
    role = _checks.text(value, name)
    if not role:
        raise ConfigurationError(f"{name} must not be empty.")
    kind, dot, target = role.removeprefix(_SPACE).partition(".")
    if role.startswith(_SPACE) and kind in _KINDS:
        _check_role(kind, target if dot else None, name)
    else:
        import difflib

        close = difflib.get_close_matches(kind.lower(), [known.lower() for known in _KINDS], n=1, cutoff=0.8)
        for known in _KINDS:
            if known.lower() in close:
                raise ConfigurationError(f"{name} is {_checks.show(role)}; did you mean '{_SPACE}{known}{dot}...'?")
    return role


def _check_role(kind: str, target: str | None, name: str) -> None:
    if kind.endswith("State"):
        if target is not None:
            raise ConfigurationError(f"{name}: the role {_SPACE}{kind} is for all groups; leave out what follows.")
    elif not kind.endswith("s"):
        if target is not None:
            _checks.group(target, name)
    elif target is None:
        raise ConfigurationError(f"{name}: the role {_SPACE}{kind} needs a pattern, or write it without the s.")
    else:
        _check_pattern(target, name)


def _check_pattern(pattern: str, name: str) -> None:
    _checks.text(pattern, name)
    if not 1 <= len(pattern) <= _LONGEST_PATTERN:
        raise ConfigurationError(f"{name}: a pattern must have 1 to {_LONGEST_PATTERN} characters.")
    if not re.fullmatch(_PATTERN, pattern):
        raise ConfigurationError(
            rf"{name}: in a pattern \ must be followed by \, * or ?; it was {_checks.show(pattern)}."
        )
    if re.sub(_ESCAPED, "", pattern).count("*") > _MOST_STARS:
        raise ConfigurationError(f"{name}: a pattern must have at most {_MOST_STARS} times *.")


class ClientProtocol(StrEnum):
    """The kind of client that an access token is for.

    It decides the path of the client URL.

    Example:
        >>> ClientProtocol.MQTT.path("chat")
        '/clients/mqtt/hubs/chat'
    """

    DEFAULT = "Default"
    """A plain WebSocket client, or one of the Web PubSub subprotocols."""

    MQTT = "MQTT"
    """An MQTT client over WebSocket."""

    SOCKET_IO = "SocketIO"
    """A Socket.IO client of a resource in Socket.IO mode."""

    def path(self, hub: str) -> str:
        """Return the path of the client URL of a hub."""
        root = "/client" if self is ClientProtocol.DEFAULT else f"/clients/{self.value.lower()}"
        return f"{root}/hubs/{hub}"


class ClientAccessToken(dict[str, str]):
    """What a WebSocket client needs to connect.

    It is a dict with the keys `baseUrl`, `token` and `url`, as in the official SDK, so it can be handed to a
    JSON encoder; the same values are attributes. Its `repr` hides the token.

    Example:
        >>> token = ClientAccessToken("wss://example.webpubsub.azure.com/client/hubs/chat", "eyJ...")
        >>> token.base_url
        'wss://example.webpubsub.azure.com/client/hubs/chat'
        >>> token["url"]
        'wss://example.webpubsub.azure.com/client/hubs/chat?access_token=eyJ...'
    """

    def __init__(self, base_url: str, token: str) -> None:
        super().__init__(baseUrl=base_url, token=token, url=f"{base_url}?access_token={token}")

    @property
    def base_url(self) -> str:
        """The client URL without the token; starts with ws:// or wss://."""
        return self["baseUrl"]

    @property
    def token(self) -> str:
        """The token alone, for an `Authorization: Bearer` header."""
        return self["token"]

    @property
    def url(self) -> str:
        """The client URL with the token: all that a WebSocket library needs.

        Treat it as a secret.
        """
        return self["url"]

    def __reduce__(self) -> tuple[type["ClientAccessToken"], tuple[str, str]]:
        return ClientAccessToken, (self.base_url, self.token)

    def __repr__(self) -> str:
        return f"ClientAccessToken(base_url={self.base_url!r}, token=REDACTED)"

    __str__ = __repr__
