"""The connections as the page shows them, looked at now and then for all viewers together."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from .._clock import Clock
from .._connections import Client
from .._hub.hub import Connection, Hubs
from .._testing.faults import Faults

__all__ = ["Board"]

_LOOK_SECONDS = 0.5


class Board:
    """How the emulator stands: its connections, its clock, its faults."""

    def __init__(
        self, hubs: Hubs, clock: Clock, faults: Faults, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._hubs = hubs
        self._clock = clock
        self._faults = faults
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._views: Mapping[str, Mapping[str, Any]] = {}

    def views(self) -> Mapping[str, Mapping[str, Any]]:
        """Return each connection by its id, at most half a second old; one that did not change is the same object."""
        now = self._monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            before = self._views
            views = {connection.connection_id: _view(connection) for connection in self._hubs.everyone()}
            for key, view in views.items():
                if before.get(key) == view:
                    views[key] = before[key]
            self._views = views
        return self._views

    def facts(self) -> Mapping[str, Any]:
        """Return how far the clock is ahead of the machine's, in seconds, and how many faults can still happen."""
        return {"ahead": round(self._clock.wall() - time.time(), 2), "faults": len(self._faults.active)}


def _view(connection: Connection) -> Mapping[str, Any]:
    client = connection.receiver
    assert isinstance(client, Client)
    return {
        "id": connection.connection_id,
        "hub": connection.hub_name,
        "user": connection.user_id,
        "protocol": connection.protocol,
        "groups": sorted(connection.groups),
        "roles": connection.permissions.rules(),
        "attached": client.is_attached,
        "waiting": client.waiting,
        "unacknowledged": client.session.unacknowledged,
    }
