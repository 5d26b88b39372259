"""The log of `webpubsub emulator`: what happened, in a line for people or an object for machines."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import attrs
import click
from rich.console import Console
from rich.markup import escape

from webpubsub.emulator import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
)

from .output import give_up, printable

__all__ = ["fields_of", "json_log", "line_of", "text_log", "warnings_shown"]

_SHORT = (str, int, float, tuple, type(None))
_LEAST_WIDTH, _MOST_WIDTH = 4, 24
"""Columns for the hub: as many as the longest name so far has."""
_AUDIENCE = "The audience is invalid: "
"""How the service begins the reason that is told behind it."""
_COLOURS = {2: "green", 4: "yellow", 5: "red", 0: "red"}


def text_log() -> Callable[[Record], None]:
    """Write lines for people to standard error; colours are for terminals."""
    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    write = _writer()
    width = _LEAST_WIDTH

    def log(record: Record) -> None:
        nonlocal width
        line = line_of(record)
        if line is None:
            return
        words, colour = line
        hub = printable(record.hub or "-")
        width = min(max(width, len(hub)), _MOST_WIDTH)
        time = datetime.fromtimestamp(record.time)
        with console.capture() as captured:
            console.print(
                f"[dim]{time:%H:%M:%S}[/] {escape(f'{hub:<{width}}')}  [{colour}]{escape(printable(words))}[/]"
            )
        write(captured.get())

    return log


def json_log() -> Callable[[Record], None]:
    """Write JSON objects, one on each line, to standard error."""
    write = _writer()

    def log(record: Record) -> None:
        if not isinstance(record, FrameRecord):
            write(json.dumps(fields_of(record)) + "\n")

    return log


@contextmanager
def warnings_shown(*, as_json: bool) -> Iterator[None]:
    """Write what the service warns of to standard error, such as of a settings file that cannot be read any more."""
    logger, handler = logging.getLogger("webpubsub.emulator"), _Warnings(as_json=as_json)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    """Writes warnings and errors in a line each, or as objects of the kind `warning`."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(logging.WARNING)
        self._as_json = as_json
        self._write = _writer()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if self._as_json:
            self._write(json.dumps({"kind": "warning", "time": record.created, "message": message}) + "\n")
        else:
            self._write(f"Warning: {printable(message)}\n")


def _writer() -> Callable[[str], None]:
    """Write until nobody reads any more: the service goes on without its log."""
    read = True

    def write(text: str) -> None:
        nonlocal read
        if read:
            try:
                click.echo(text, nl=False, err=True, color=True)  # there are none but where they are shown
            except OSError:
                read = False
                give_up(sys.stderr)

    return write


def line_of(record: Record) -> tuple[str, str] | None:
    """Say in a line what happened, and in which colour; None for what the line of something else says."""
    match record:
        case RequestRecord(status=status):
            path = record.target.partition("?")[0].partition("/hubs/")[2].partition("/")[2] or record.target
            words = f"{record.method} {path}  {status or 'cut'}"
            if status >= 400:
                words += f" {record.reason.removeprefix(_AUDIENCE)}"
            elif record.recipients is not None:
                words += f" -> {_clients(record.recipients)}"
            return words.rstrip(), _COLOURS.get(status // 100, "white")
        case MessageRecord(from_server=True) | FrameRecord():
            return None
        case MessageRecord():
            who = record.from_user_id or "an anonymous client"
            where = "" if record.group is None else f" to group {record.group}"
            return f"{who} sent a message{where} -> {_clients(len(record.to))}", "cyan"
        case EventRecord(event=event, status=status):
            if not record.url:
                return f"event {event} of {record.user_id or 'an anonymous client'}: nobody hears of it", "yellow"
            if not record.attempts:
                return f"event {event}: the event handler does not allow requests from here", "red"
            came = "no response" if status is None else str(status)
            words = f"event {event} -> {came} in {1000 * record.seconds:.0f} ms"
            return words, _COLOURS.get((status or 0) // 100, "white")
        case ConnectionRecord(what="refused"):
            return f"client refused: {record.reason.replace(_AUDIENCE, '')}", "red"
        case ConnectionRecord() | MembershipRecord():
            return str(record), "blue"
        case FaultRecord():
            return str(record), "magenta"


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def fields_of(record: Record) -> dict[str, Any]:
    """Read a record for machines: what is short. Bodies, headers and payloads stay with the emulator."""
    kind = type(record).__name__.removesuffix("Record").lower()
    fields = attrs.asdict(record, recurse=False, filter=lambda _, value: isinstance(value, _SHORT))
    return {"kind": kind, **fields}
