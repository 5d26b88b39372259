"""What an emulator can be told, checked once, whoever tells it."""

import ipaddress
import math
import re
from collections.abc import Sequence

import attrs

from ._hub.names import is_hub

__all__ = ["BACKLOG", "DEVELOPMENT_KEY", "Settings", "is_loopback"]

DEVELOPMENT_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
"""The published access key of Microsoft's `awps-emulator`. It protects nothing."""

BACKLOG = 512
"""How many connections may wait to be accepted."""

_SHORTEST_KEY = 32
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-[a-z0-9]+)?")


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one emulator; `Emulator` says what they mean.

    Raises:
        ValueError: One is not acceptable, or does not go with another.
    """

    host: str = "127.0.0.1"
    port: int = 0
    access_key: str = attrs.field(default=DEVELOPMENT_KEY, repr=False)
    secondary_access_key: str | None = attrs.field(default=None, repr=False)
    anonymous_hubs: Sequence[str] = ()
    tls: bool = False
    simulate_entra: bool = False
    accept_unvalidated_entra_tokens: bool = False
    ack_delay_seconds: float = 0.001
    api_versions: Sequence[str] | None = ()
    keep_alive_seconds: float | None = 20.0
    request_seconds: float = 75.0
    history: int = 1000
    seed: int = 0
    inspector: bool = False

    def __attrs_post_init__(self) -> None:
        _check_types(self)
        for key in self.access_keys:
            _check_key(key)
        if not 0 <= self.port <= 65535:
            raise ValueError("The port must be from 0 to 65535.")
        if self.ack_delay_seconds < 0:
            raise ValueError("ack_delay_seconds must not be negative.")
        if self.keep_alive_seconds is not None and self.keep_alive_seconds <= 0:
            raise ValueError("keep_alive_seconds must be positive, or None for no pings.")
        if self.request_seconds <= 0:
            raise ValueError("request_seconds must be positive.")
        if self.history < 0:
            raise ValueError(f"history must be 0 or more; it was {self.history}.")
        for hub in self.anonymous_hubs:
            if not isinstance(hub, str) or (hub != "*" and not is_hub(hub)):
                raise ValueError(f"anonymous_hubs must be names of hubs, or '*' for all of them, not {hub!r}.")
        if self.accept_unvalidated_entra_tokens and not is_loopback(self.host):
            raise ValueError("Unvalidated tokens are accepted only where the host is 127.0.0.1, localhost or ::1.")

        if self.inspector and not is_loopback(self.host):
            raise ValueError("The inspector is served only where the host is 127.0.0.1, localhost or ::1.")

    @property
    def access_keys(self) -> tuple[str, ...]:
        """Every key that tokens may be signed with, the one for new tokens first."""
        return (self.access_key,) if self.secondary_access_key is None else (self.access_key, self.secondary_access_key)

    @property
    def is_open(self) -> bool:
        """Whether anybody could make a token, or needs none."""
        return DEVELOPMENT_KEY in self.access_keys or bool(self.anonymous_hubs)


_NUMBERS = ("ack_delay_seconds", "keep_alive_seconds", "request_seconds")
_SWITCHES = ("tls", "simulate_entra", "accept_unvalidated_entra_tokens", "inspector")


def _check_types(settings: Settings) -> None:
    for name in ("host", "access_key", "secondary_access_key"):
        value = getattr(settings, name)
        if not isinstance(value, str) and not (value is None and name == "secondary_access_key"):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}.")
    for name in ("port", "history", "seed"):
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}.")
    for name in _NUMBERS:
        value = getattr(settings, name)
        if value is None and name == "keep_alive_seconds":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}.")
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a number of seconds; it was {value}.")
    for name in _SWITCHES:
        if not isinstance(getattr(settings, name), bool):
            raise TypeError(f"{name} must be True or False, not {getattr(settings, name)!r}.")
    for name in ("anonymous_hubs", "api_versions"):
        value = getattr(settings, name)
        if not isinstance(value, Sequence) and not (value is None and name == "api_versions"):
            raise TypeError(f"{name} must be a list of str, not {type(value).__name__}.")
    for version in settings.api_versions or ():
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise ValueError(f"api_versions must be versions such as '2024-12-01'; {version!r} is none.")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_key(access_key: str) -> None:
    if len(access_key.encode()) < _SHORTEST_KEY:
        raise ValueError(f"The access key must be at least {_SHORTEST_KEY} bytes of UTF-8.")
    if access_key != access_key.strip():
        raise ValueError("The access key must not begin or end with white space.")
    if ";" in access_key or any(ord(character) < 32 or 127 <= ord(character) < 160 for character in access_key):
        raise ValueError("The access key must not contain a semicolon or control characters.")
