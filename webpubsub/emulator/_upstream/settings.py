"""Which event handler hears of which event: the settings of a hub, with the names of the service.

Pure: the file that they may come from is read elsewhere.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import attrs

from .._hub.names import is_hub
from .._hub.permissions import matches
from .._hub.upstream import (
    ConnectedEvent,
    ConnectEvent,
    DisconnectedEvent,
    GroupJoinedEvent,
    GroupLeftEvent,
    UpstreamEvent,
    UserEvent,
)

__all__ = ["AsgiApplication", "EventHandlerSettings", "HubSettings", "SystemEvent", "hub_settings_of", "name_of"]


class SystemEvent(StrEnum):
    """Events that clients do not name themselves. The last two exist only where group presence is switched on."""

    CONNECT = "connect"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    JOINED = "joined"
    LEFT = "left"


AsgiApplication: TypeAlias = Any
"""An ASGI application: `async def app(scope, receive, send)`."""

_logger = logging.getLogger("webpubsub.emulator")

_EVENT_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,127}", re.IGNORECASE)
_IN_PROCESS = "http://event-handler.invalid/{event}"
_SYSTEM = (SystemEvent.CONNECT, SystemEvent.CONNECTED, SystemEvent.DISCONNECTED)
_GROUP = (SystemEvent.JOINED, SystemEvent.LEFT)
_NAMES: dict[type, SystemEvent] = {
    ConnectEvent: SystemEvent.CONNECT,
    ConnectedEvent: SystemEvent.CONNECTED,
    DisconnectedEvent: SystemEvent.DISCONNECTED,
    GroupJoinedEvent: SystemEvent.JOINED,
    GroupLeftEvent: SystemEvent.LEFT,
}


def name_of(event: ConnectEvent | UpstreamEvent) -> str:
    """Return the name of an event, as `ce-eventName` has it."""
    return event.name if isinstance(event, UserEvent) else _NAMES[type(event)].value


def _url_template(instance: object, attribute: object, value: str) -> None:  # noqa: ARG001
    if not isinstance(value, str):
        raise TypeError(f"The URL of an event handler must be a str, not {type(value).__name__}.")
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not the URL of an event handler: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"The URL of an event handler must begin with http:// or https:// and name a host, not {value!r}."
        )
    if "{" in parts.netloc:
        raise ValueError("The URL of an event handler may have {hub} and {event} in its path and query only.")


def _event_pattern(instance: object, attribute: object, value: str) -> None:  # noqa: ARG001
    if not isinstance(value, str):
        raise TypeError(f"event_pattern must be a str, not {type(value).__name__}.")
    for name in value.split(","):
        if name.strip() not in ("", "*") and not _EVENT_NAME.fullmatch(name.strip()):
            raise ValueError(f"{name.strip()!r} in an event pattern is not the name of an event, nor *.")


def _system_events(names: Iterable[str]) -> frozenset[SystemEvent]:
    return _chosen(names, _SYSTEM, "system_events")


def _group_events(names: Iterable[str]) -> frozenset[SystemEvent]:
    return _chosen(names, _GROUP, "group_events")


def _chosen(names: Iterable[str], allowed: Sequence[SystemEvent], what: str) -> frozenset[SystemEvent]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{what} must be a list of names; it was {names!r}.")
    chosen = set()
    for name in names:
        if str(name).lower() not in allowed:
            raise ValueError(f"{what} may hold {', '.join(allowed)}; {name!r} is none of them.")
        chosen.add(SystemEvent(str(name).lower()))
    return frozenset(chosen)


def _patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(patterns, str) or not isinstance(patterns, Iterable):
        raise TypeError(f"group_filters must be a list of patterns; it was {patterns!r}.")
    return tuple(patterns)


def _application(instance: object, attribute: object, value: object) -> None:  # noqa: ARG001
    if value is not None and not callable(value):
        raise TypeError(f"app must be an ASGI application, not {type(value).__name__}.")


@attrs.frozen
class EventHandlerSettings:
    """Where the events of a hub go, and which of them.

    Example:
        >>> EventHandlerSettings("http://localhost:5000/api/{event}", event_pattern="order,cancel").url("chat", "order")
        'http://localhost:5000/api/order'

    Attributes:
        url_template: The address; `{hub}` and `{event}` in its path and query are replaced.
        system_events: Some of `connect`, `connected` and `disconnected`.
        event_pattern: Which events of clients: `*` for all, a name, or names with commas between; empty for none.
        group_events: Some of `joined` and `left`; the service calls this group presence, and it is off by default.
        group_filters: Patterns of groups whose `joined` and `left` are wanted; none means all.
        app: An ASGI application in this process that is called instead of the address.
    """

    url_template: str = attrs.field(default=_IN_PROCESS, validator=_url_template)
    system_events: frozenset[SystemEvent] = attrs.field(
        default=frozenset(_SYSTEM), converter=_system_events, kw_only=True
    )
    event_pattern: str = attrs.field(default="*", validator=_event_pattern, kw_only=True)
    group_events: frozenset[SystemEvent] = attrs.field(default=frozenset(), converter=_group_events, kw_only=True)
    group_filters: tuple[str, ...] = attrs.field(default=(), converter=_patterns, kw_only=True)
    app: AsgiApplication | None = attrs.field(default=None, validator=_application, kw_only=True)

    @property
    def has_target(self) -> bool:
        """Whether there is somebody to call, an address or an application."""
        return self.url_template != _IN_PROCESS or self.app is not None

    def hears(self, event: ConnectEvent | UpstreamEvent) -> bool:
        """Tell whether an event is wanted.

        Names are compared without regard to case.
        """
        match event:
            case UserEvent(name):
                wanted = [part.strip().lower() for part in self.event_pattern.split(",")]
                return "*" in wanted or name.lower() in wanted
            case GroupJoinedEvent(group) | GroupLeftEvent(group):
                return name_of(event) in self.group_events and (
                    not self.group_filters or any(matches(pattern, group) for pattern in self.group_filters)
                )
        return name_of(event) in self.system_events

    def url(self, hub: str, event: str) -> str:
        """Fill the template in."""
        return self.url_template.replace("{hub}", quote(hub, safe="")).replace("{event}", quote(event, safe=""))


@attrs.frozen
class HubSettings:
    """What is set for one hub.

    Attributes:
        event_handlers: The first one that wants an event gets it.
        anonymous_connect: Whether clients may connect without a token.
    """

    event_handlers: tuple[EventHandlerSettings, ...] = ()
    anonymous_connect: bool = False

    def handler_of(self, event: ConnectEvent | UpstreamEvent) -> EventHandlerSettings | None:
        """Return the handler that hears of an event."""
        return next((handler for handler in self.event_handlers if handler.hears(event)), None)


def hub_settings_of(document: Mapping[str, Any]) -> dict[str, HubSettings]:
    """Read the hubs of a settings document: `WebPubSub`, `Hubs`, and in each hub `EventHandlers`.

    Names are compared without regard to case. This is the file of Microsoft's emulator, with `GroupPresenceEvents` and
    `AnonymousConnectPolicy` as the management interface of the service has them.

    Raises:
        ValueError: Something in it is not understood; the sentence says where.
    """
    root = _fields(document, "the document")
    if "webpubsub" in root:
        allowed = {"hubs", "accesskey", "allowunvalidatedentratokens"}
        service = _known(_fields(root["webpubsub"], "WebPubSub"), "WebPubSub", allowed)
        for name in sorted(service.keys() - {"hubs"}):
            _logger.warning("WebPubSub:%s is not read from a file: it is an argument of the emulator.", name)
    elif "hubs" in root or not root:
        service = root
    else:
        raise ValueError("The document has neither WebPubSub nor Hubs.")
    hubs = service.get("hubs", {})
    if not isinstance(hubs, Mapping):
        raise ValueError("WebPubSub:Hubs must be an object, with a name of a hub for each field.")
    return {str(name).lower(): _hub(str(name), settings) for name, settings in hubs.items()}


def _hub(name: str, value: object) -> HubSettings:
    place = f"WebPubSub:Hubs:{name}"
    if not is_hub(name):
        raise ValueError(f"{place}: that is not the name of a hub.")
    fields = _known(_fields(value, place), place, {"eventhandlers", "anonymousconnectpolicy", "eventlisteners"})
    if fields.get("eventlisteners"):
        _logger.warning("%s:EventListeners: there are no Event Hubs here; event_listeners stand for them.", place)
    handlers = fields.get("eventhandlers", [])
    if not isinstance(handlers, list):
        raise ValueError(f"{place}:EventHandlers must be a list.")
    policy = str(fields.get("anonymousconnectpolicy", "deny")).lower()
    if policy not in ("allow", "deny"):
        raise ValueError(f"{place}:AnonymousConnectPolicy must be allow or deny, not {policy!r}.")
    return HubSettings(
        tuple(_handler(f"{place}:EventHandlers:{number}", handler) for number, handler in enumerate(handlers)),
        policy == "allow",
    )


def _handler(place: str, value: object) -> EventHandlerSettings:
    allowed = {"urltemplate", "systemevents", "eventpattern", "usereventpattern", "grouppresenceevents", "auth"}
    fields = _known(_fields(value, place), place, allowed)
    if str(_fields(fields.get("auth") or {}, f"{place}:Auth").get("type", "none")).lower() != "none":
        _logger.warning("%s:Auth: requests to event handlers carry no token here.", place)
    presence = _fields(fields.get("grouppresenceevents", {}), f"{place}:GroupPresenceEvents")
    if not isinstance(fields.get("urltemplate"), str):
        raise ValueError(f"{place}:UrlTemplate must be a string.")
    try:
        return EventHandlerSettings(
            fields["urltemplate"],
            system_events=fields.get("systemevents", ()),
            event_pattern=fields.get("eventpattern", fields.get("usereventpattern", "")),
            group_events=presence.get("eventnames", ()),
            group_filters=presence.get("groupfilters", ()),
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None


def _fields(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} must be an object.")
    return {str(name).lower(): content for name, content in value.items()}


def _known(fields: dict[str, Any], place: str, allowed: set[str]) -> dict[str, Any]:
    for name in fields:
        if name not in allowed:
            raise ValueError(f"{place} has a field {name!r} that is not known here.")
    return fields
