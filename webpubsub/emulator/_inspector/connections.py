"""The connections as the page shows them, looked at now and then for all viewers together."""

import json
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import attrs

from .._billing import Meter
from .._clock import Clock
from .._connections import Client
from .._hub.hub import Connection, Hubs
from .._testing.faults import Faults
from .redaction import Redaction

__all__ = ["Board"]

_LOOK_SECONDS = 0.5
_MOST_STATES = 20
_LONGEST_STATE = 160


class Board:
    """How the emulator stands: its connections, its clock, its faults, its meter."""

    def __init__(
        self,
        hubs: Hubs,
        clock: Clock,
        faults: Faults,
        meter: Meter,
        redaction: Redaction,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hubs = hubs
        self._clock = clock
        self._faults = faults
        self._meter = meter
        self._redaction = redaction
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._views: Mapping[str, Mapping[str, Any]] = {}

    def views(self) -> Mapping[str, Mapping[str, Any]]:
        """Return each connection by its id, at most half a second old; one that did not change is the same object."""
        now = self._monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            before = self._views
            views = {connection.connection_id: self._view(connection) for connection in self._hubs.everyone()}
            for key, view in views.items():
                if before.get(key) == view:
                    views[key] = before[key]
            self._views = views
        return self._views

    def facts(self) -> Mapping[str, Any]:
        """Return what is not about one connection.

        That is how far the clock is ahead of the machine's, in seconds; how many faults can still happen; and what the
        service would bill.
        """
        reading = self._meter.reading()
        return {
            "ahead": round(self._clock.wall() - time.time(), 2),
            "faults": len(self._faults.active),
            "billing": {**attrs.asdict(reading), "messages": round(reading.messages, 2)},
        }

    def _view(self, connection: Connection) -> Mapping[str, Any]:
        client = connection.receiver
        assert isinstance(client, Client)
        states = self._hubs.get(connection.hub_name).states
        said = islice(states.said_by(connection.connection_id).items(), _MOST_STATES)
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
            "states": [[group, self._redaction.text(json.dumps(state))[:_LONGEST_STATE]] for group, state in said],
            "follows": states.followed_by(connection.connection_id)[:_MOST_STATES],
        }
