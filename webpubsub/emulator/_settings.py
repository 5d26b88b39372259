"""What an emulator can be told, checked once, whoever tells it."""

import ipaddress
from collections.abc import Sequence

import attrs

__all__ = ["DEVELOPMENT_KEY", "Settings", "is_loopback"]

DEVELOPMENT_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
"""The published access key of Microsoft's `awps-emulator`. It protects nothing."""

_SHORTEST_KEY = 32


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one emulator; `Emulator` says what they mean.

    Raises:
        ValueError: One is not acceptable, or does not go with another.
    """

    host: str = "127.0.0.1"
    port: int = 0
    access_key: str = attrs.field(default=DEVELOPMENT_KEY, repr=False)
    tls: bool = False
    simulate_entra: bool = False
    accept_unvalidated_entra_tokens: bool = False
    ack_delay_seconds: float = 0.001
    api_versions: Sequence[str] | None = ()

    def __attrs_post_init__(self) -> None:
        _check_key(self.access_key)
        if not 0 <= self.port <= 65535:
            raise ValueError("The port must be from 0 to 65535.")
        if self.ack_delay_seconds < 0:
            raise ValueError("ack_delay_seconds must not be negative.")
        if self.accept_unvalidated_entra_tokens and not is_loopback(self.host):
            raise ValueError("Unvalidated tokens are accepted only where the host is 127.0.0.1, localhost or ::1.")


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
