"""`webpubsub emulator`: the local service, with a line on the terminal for everything that happens."""

import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from webpubsub.emulator import DEVELOPMENT_KEY, Emulator, fault_of

from .event_log import json_log, text_log, warnings_shown
from .output import examples

__all__ = ["emulator"]

_WAIT_SECONDS = 0.5


@click.command(
    epilog=examples(
        "emulator", "emulator --event-handler chat=http://localhost:8000/events", "emulator --tls --ca-file ca.pem"
    )
)
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
    "--accept-unvalidated-entra-tokens",
    is_flag=True,
    help="Take every unexpired token for Microsoft Entra ID's audience, whoever signed it; on loopback only.",
)
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
@click.option("--inspect", is_flag=True, help="Serve a page that shows what happens; its address is printed.")
@click.option("--quiet", is_flag=True, help="Log nothing but warnings.")
def emulator(
    host: str,
    port: int,
    access_key: str,
    secondary_access_key: str | None,
    anonymous_hubs: tuple[str, ...],
    simulate_entra: bool,
    accept_unvalidated_entra_tokens: bool,
    api_versions: tuple[str, ...],
    tls: bool,
    ca_file: Path | None,
    handlers: tuple[str, ...],
    config: Path | None,
    faults_file: Path | None,
    log_format: str,
    inspect: bool,
    quiet: bool,
) -> None:
    """Run a local Web PubSub service until it is interrupted.

    The first line on standard output is the connection string and nothing else. The log goes to standard error.
    """
    if tls != (ca_file is not None):
        raise click.UsageError(
            "--tls and --ca-file need each other: the file is where the certificate is written that clients must trust."
        )
    with warnings_shown(as_json=log_format == "json"):
        try:
            running = Emulator(
                host=host,
                port=port,
                access_key=access_key,
                secondary_access_key=secondary_access_key,
                anonymous_hubs=anonymous_hubs,
                simulate_entra=simulate_entra,
                accept_unvalidated_entra_tokens=accept_unvalidated_entra_tokens,
                api_versions=None if "any" in api_versions else api_versions,
                tls=tls,
                event_handlers=_by_hub(handlers),
                config_file=config,
                inspector=inspect,
            )
        except OSError as error:
            raise click.UsageError(f"cannot read {config}: {os.strerror(error.errno or 0)}") from None
        if faults_file is not None:
            running.faults.add(*_faults(faults_file))
        if not quiet:
            running.observe(json_log() if log_format == "json" else text_log())
        try:
            running.start()
        except ModuleNotFoundError as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise click.UsageError(error.strerror or str(error)) from None
        try:
            with _told_to_stop() as stopping:
                if ca_file is not None:
                    _write(ca_file, running.ca_certificate)
                click.echo(running.connection_string)
                if inspect:
                    click.echo(f"Inspector: {running.inspector_url}", err=True)
                while not stopping.wait(_WAIT_SECONDS):
                    pass
        finally:
            running.stop()


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Give an event that is set when the process is told to stop."""
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "ascii")
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None


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
