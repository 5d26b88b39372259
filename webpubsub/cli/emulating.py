"""`webpubsub emulator`: the local service, with a line on the terminal for everything that happens."""

import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console
from rich.markup import escape

from webpubsub.emulator import (
    DEVELOPMENT_KEY,
    ConnectionRecord,
    Emulator,
    EventRecord,
    FaultRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
    fault_of,
)

from .service import is_loopback

__all__ = ["emulator", "fields_of", "line_of"]

_WAIT_SECONDS = 0.5
_SHORT = (str, int, float, tuple, type(None))
_LONGEST_REASON = 100
_DESCRIPTION = re.compile(r'error_description="([^"]*)"')
_COLOURS = {2: "green", 4: "yellow", 5: "red", 0: "red"}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free port.")
@click.option(
    "--access-key", default=DEVELOPMENT_KEY, show_default="the published one", help="The key that signs tokens."
)
@click.option("--secondary-access-key", metavar="KEY", help="Another key that is as good.")
@click.option(
    "--anonymous-hub",
    "anonymous_hubs",
    multiple=True,
    metavar="HUB",
    help="A hub whose clients need no token; * for all.",
)
@click.option("--simulate-entra", is_flag=True, help="Take tokens of Microsoft Entra ID that the access key signed.")
@click.option(
    "--api-version",
    "api_versions",
    multiple=True,
    metavar="VERSION",
    help="One to accept besides the known; any for all.",
)
@click.option("--tls", is_flag=True, help="Speak https and wss, with a certificate made at each start.")
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="Where to write the certificate that clients must trust."
)
@click.option("--event-handler", "handlers", multiple=True, metavar="HUB=URL", help="Where the events of a hub go.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="A JSON file with WebPubSub:Hubs; read again when it changes."
)
@click.option("--faults", "faults_file", type=click.Path(path_type=Path), help="A JSON file with a list of faults.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to log."
)
@click.option("--quiet", is_flag=True, help="Log nothing.")
def emulator(
    host: str,
    port: int,
    access_key: str,
    secondary_access_key: str | None,
    anonymous_hubs: tuple[str, ...],
    simulate_entra: bool,
    api_versions: tuple[str, ...],
    tls: bool,
    ca_file: Path | None,
    handlers: tuple[str, ...],
    config: Path | None,
    faults_file: Path | None,
    log_format: str,
    quiet: bool,
) -> None:
    """Run a local Web PubSub service until it is interrupted.

    The first line on standard output is the connection string and nothing else. The log goes to standard error.
    """
    if tls != (ca_file is not None):
        raise click.UsageError("--tls and --ca-file need each other.")
    try:
        running = Emulator(
            host=host,
            port=port,
            access_key=access_key,
            secondary_access_key=secondary_access_key,
            anonymous_hubs=anonymous_hubs,
            simulate_entra=simulate_entra,
            api_versions=None if "any" in api_versions else api_versions,
            tls=tls,
            event_handlers=_by_hub(handlers),
            config_file=config,
        )
    except OSError as error:
        raise click.UsageError(f"cannot read {config}: {error.strerror}") from None
    if faults_file is not None:
        running.faults.add(*_faults(faults_file))
    if not quiet:
        running.observe(_json_logger() if log_format == "json" else _text_logger())
    try:
        running.start()
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    try:
        _run(running, ca_file, loopback=is_loopback(host))
    finally:
        running.stop()


def _run(running: Emulator, ca_file: Path | None, *, loopback: bool) -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    if ca_file is not None:
        try:
            ca_file.write_text(running.ca_certificate, "ascii")
        except OSError as error:
            raise click.UsageError(f"cannot write {ca_file}: {error.strerror}") from None
    click.echo(running.connection_string)
    sys.stdout.flush()
    if not loopback:
        click.echo("Warning: anyone who reaches this machine can use it.", err=True)
    while not stopping.wait(_WAIT_SECONDS):
        pass


def _by_hub(given: Iterable[str]) -> dict[str, list[str]]:
    handlers: dict[str, list[str]] = {}
    for text in given:
        hub, separator, url = text.partition("=")
        if not separator:
            raise click.UsageError(f"--event-handler takes HUB=URL, not {text}.")
        handlers.setdefault(hub, []).append(url)
    return handlers


def _faults(path: Path) -> list[Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from None
    if not isinstance(document, list):
        raise click.UsageError(f"{path} must hold a list of faults.")
    try:
        return [fault_of(item) for item in document]
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from None


def line_of(record: Record) -> tuple[str, str] | None:
    """Say in a line what happened; return its colour, too. Frames are too many to be told."""
    match record:
        case RequestRecord(status=status):
            path = record.target.partition("?")[0].partition("/hubs/")[2].partition("/")[2] or record.target
            words = f"{record.method:<6} {path:<28} {status or 'cut'}"
            if status >= 400:
                words += f"  {_reason(record)}"
            return words, _COLOURS.get(status // 100, "white")
        case MessageRecord():
            to = f"{len(record.to)} client" + ("" if len(record.to) == 1 else "s")
            return f"       {'group ' + record.group if record.group is not None else 'message'} -> {to}", "cyan"
        case EventRecord(event=event, status=status):
            if not record.url:
                return f"event  {event}: nobody hears of it", "yellow"
            came = "no response" if status is None else str(status)
            return f"event  {event} -> {came} in {1000 * record.seconds:.0f} ms", _COLOURS.get(
                (status or 0) // 100, "white"
            )
        case ConnectionRecord(what="refused"):
            return f"client refused: {record.reason}", "red"
        case ConnectionRecord():
            return str(record), "blue"
        case MembershipRecord():
            return str(record), "blue"
        case FaultRecord():
            return str(record), "magenta"
    return None


def _reason(record: RequestRecord) -> str:
    said = _DESCRIPTION.search(record.response_headers.get("www-authenticate", ""))
    if said is not None:
        return said[1]
    try:
        return str(json.loads(record.response_body)["message"])
    except (ValueError, KeyError, TypeError):
        return record.response_body.decode("utf-8", "replace").strip()[:_LONGEST_REASON]


def _text_logger() -> Callable[[Record], None]:
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def log(record: Record) -> None:
        line = line_of(record)
        if line is not None:
            words, colour = line
            hub = (record.hub or "-")[:12]
            time = datetime.fromtimestamp(record.time)
            printable = "".join(character if character.isprintable() else "?" for character in words)
            console.print(f"[dim]{time:%H:%M:%S}[/] {escape(hub):<12} [{colour}]{escape(printable)}[/]")

    return log


def _json_logger() -> Callable[[Record], None]:
    def log(record: Record) -> None:
        if line_of(record) is not None:
            click.echo(json.dumps(fields_of(record), ensure_ascii=False), err=True)

    return log


def fields_of(record: Record) -> dict[str, Any]:
    """Read a record for machines: what is short. Bodies, headers and payloads stay with the emulator."""
    kind = type(record).__name__.removesuffix("Record").lower()
    fields = attrs.asdict(record, recurse=False, filter=lambda _, value: isinstance(value, _SHORT))
    return {"kind": kind, **fields}
