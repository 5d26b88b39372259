"""What stands for an Event Hubs listener: a list in memory, and a file with a JSON object on each line."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from .._hub.upstream import UpstreamEvent
from .requests import WebhookRequest
from .settings import EventHandlerSettings, SystemEvent

__all__ = ["EventListener", "ListenedEvent"]

_ATTRIBUTES = (
    "specversion",
    "type",
    "source",
    "id",
    "time",
    "awpsversion",
    "hub",
    "eventname",
    "connectionid",
    "userid",
    "subprotocol",
    "connectionstate",
)


@attrs.frozen
class ListenedEvent:
    """One event as an Event Hubs listener gets it.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> listener = EventListener()
        >>> with Emulator(event_listeners={"chat": listener}):
        ...     [event.properties["cloudEvents:type"] for event in listener.events]
        []

    Attributes:
        properties: The application properties of the message, such as `cloudEvents:type`.
        body: The body of the message.
        message_id: The id of the connection, a slash, and the id of the event.
        partition_key: The id of the connection.
    """

    properties: Mapping[str, str]
    body: bytes
    message_id: str
    partition_key: str


class EventListener:
    """Collects events of a hub, beside its event handlers.

    The event `connect` is never among them.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> listener = EventListener(event_pattern="order")
        >>> with Emulator(event_listeners={"chat": listener}) as emulator:
        ...     listener.events
        []

    Args:
        system_events: Some of `connected` and `disconnected`.
        event_pattern: Which events of clients: `*` for all, a name, or names with commas between.
        path: A file to which each event is appended as a line of JSON, its body in `data` (text) or
            `data_base64`.
    """

    def __init__(
        self,
        *,
        system_events: Iterable[str] = ("connected", "disconnected"),
        event_pattern: str = "*",
        path: str | Path | None = None,
    ) -> None:
        self._filter = EventHandlerSettings(system_events=list(system_events), event_pattern=event_pattern)
        if SystemEvent.CONNECT in self._filter.system_events:
            raise ValueError("A listener never hears of connect; an event handler does.")
        if not isinstance(path, str | Path | None):
            raise TypeError(f"path must be a str or a Path, not {type(path).__name__}.")
        self._path = None if path is None else Path(path)
        self.events: list[ListenedEvent] = []

    def hears(self, event: UpstreamEvent) -> bool:
        """Tell whether an event is wanted."""
        return self._filter.hears(event)

    def record(self, request: WebhookRequest) -> None:
        """Take an event, written as a webhook request."""
        values = {name.lower(): value for name, value in request.headers.items()}
        properties = {f"cloudEvents:{name}": values[f"ce-{name}"] for name in _ATTRIBUTES if values.get(f"ce-{name}")}
        properties["cloudEvents:datacontenttype"] = values["content-type"]
        connection_id = values["ce-connectionid"]
        event = ListenedEvent(properties, request.body, f"{connection_id}/{values['ce-id']}", connection_id)
        self.events.append(event)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_line(event), ensure_ascii=False) + "\n")


def _line(event: ListenedEvent) -> dict[str, Any]:
    line: dict[str, Any] = {name.removeprefix("cloudEvents:"): value for name, value in event.properties.items()}
    try:
        return {**line, "data": event.body.decode()}
    except UnicodeDecodeError:
        return {**line, "data_base64": base64.b64encode(event.body).decode()}
