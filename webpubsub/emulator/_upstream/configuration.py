"""What is set for each hub: in code, and in a file that is read again when it changes."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from .._hub.names import check_hub, hub_key
from .listeners import EventListener
from .settings import AsgiApplication, EventHandlerSettings, HubSettings, hub_settings_of

__all__ = ["Configuration", "EventHandlers", "EventListeners"]

EventHandlers: TypeAlias = (
    str | EventHandlerSettings | Callable[..., Any] | Sequence[str | EventHandlerSettings | Callable[..., Any]]
)
"""The handlers of one hub: a URL for everything, settings, an ASGI application, or several of these."""

EventListeners: TypeAlias = EventListener | Sequence[EventListener]
"""The listeners of one hub."""

_NOTHING = HubSettings()

_logger = logging.getLogger("webpubsub.emulator")


class Configuration:
    """The settings of all hubs of one emulator.

    Args:
        event_handlers: By hub; they come before those of the file.
        event_listeners: By hub.
        path: A JSON file, as `hub_settings_of` reads it. It is looked at whenever a setting is needed; when it cannot
            be read any more, what it said last stays, and the log says why, once.

    Raises:
        ValueError: A name or a setting is not acceptable.
        TypeError: A handler or a listener is of a type that cannot be one.
        OSError: The file cannot be read now.
    """

    def __init__(
        self,
        event_handlers: Mapping[str, EventHandlers] | None = None,
        event_listeners: Mapping[str, EventListeners] | None = None,
        path: str | Path | None = None,
    ) -> None:
        for what, given in (("event_handlers", event_handlers), ("event_listeners", event_listeners)):
            if given is not None and not isinstance(given, Mapping):
                raise TypeError(f"{what} must map names of hubs, not be a {type(given).__name__}.")
        self._handlers = {_checked(hub): tuple(_handlers(given)) for hub, given in (event_handlers or {}).items()}
        self._listeners = {_checked(hub): tuple(_listeners(given)) for hub, given in (event_listeners or {}).items()}
        if not isinstance(path, str | Path | None):
            raise TypeError(f"config_file must be a str or a Path, not {type(path).__name__}.")
        self._path = None if path is None else Path(path)
        self._seen: tuple[int, int] | None = None
        self._from_file: dict[str, HubSettings] = {}
        self._hubs: dict[str, HubSettings] = {}
        if self._path is not None:
            try:
                self._read(self._path)
            except OSError as error:
                raise type(error)(error.errno, f"config_file cannot be read: {error.strerror}", str(path)) from None
        self._merge()

    def hub(self, name: str) -> HubSettings:
        """Return the settings of a hub; a hub that is not set up has no handlers."""
        self._look_at_the_file()
        return self._hubs.get(hub_key(name), _NOTHING)

    def listeners(self, name: str) -> Sequence[EventListener]:
        """Return the listeners of a hub."""
        return self._listeners.get(hub_key(name), ())

    def applications(self) -> Iterable[AsgiApplication]:
        """Return every application that is called in this process."""
        return [handler.app for handlers in self._handlers.values() for handler in handlers if handler.app is not None]

    def _look_at_the_file(self) -> None:
        if self._path is None:
            return
        if self._stamp(self._path) == self._seen:
            return
        try:
            self._read(self._path)
        except (OSError, ValueError) as error:
            _logger.error("The settings stay as they are: %s", error)
            return
        self._merge()
        _logger.info("The settings in %s were read again.", self._path)

    def _read(self, path: Path) -> None:
        self._seen = self._stamp(path)
        try:
            self._from_file = hub_settings_of(json.loads(path.read_text("utf-8")))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: {error}") from None

    @staticmethod
    def _stamp(path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return status.st_mtime_ns, status.st_size

    def _merge(self) -> None:
        self._hubs = {**self._from_file}
        for name, handlers in self._handlers.items():
            settings = self._from_file.get(name, _NOTHING)
            self._hubs[name] = attrs.evolve(settings, event_handlers=(*handlers, *settings.event_handlers))


def _checked(hub: str) -> str:
    return hub_key(check_hub(hub))


def _handlers(given: EventHandlers) -> Iterable[EventHandlerSettings]:
    for handler in given if isinstance(given, list | tuple) else [given]:
        if isinstance(handler, EventHandlerSettings):
            if not handler.has_target:
                raise ValueError("EventHandlerSettings for a hub need a url_template, or app=, an ASGI application.")
            yield handler
        elif isinstance(handler, str):
            yield EventHandlerSettings(handler)
        elif callable(handler):
            yield EventHandlerSettings(app=handler)
        else:
            kind = type(handler).__name__
            raise TypeError(f"An event handler is a URL, EventHandlerSettings or an ASGI application, not {kind}.")


def _listeners(given: EventListeners) -> Iterable[EventListener]:
    for listener in given if isinstance(given, list | tuple) else [given]:
        if not isinstance(listener, EventListener):
            raise TypeError(f"An event listener is an EventListener, not {type(listener).__name__}.")
        yield listener
