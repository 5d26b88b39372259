"""`webpubsub send`: messages to a hub, a group, a user or a connection."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from webpubsub import WebPubSubError, WebPubSubServiceClient

from .output import examples
from .service import Service, speaks_to_a_service

__all__ = ["send"]

_CONTENT_TYPES = {"text": "text/plain", "json": "application/json", "binary": "application/octet-stream"}


@click.command(
    epilog=examples(
        'send chat "Hello" --local',
        "send chat '{\"price\": 12}' --type json --group room",
        "send chat - --lines < messages.txt",
    )
)
@click.argument("hub")
@click.argument("message")
@click.option("--group", help="Only to this group.")
@click.option("--user", help="Only to this user.")
@click.option("--connection", help="Only to this connection.")
@click.option("--filter", "odata_filter", help="Only to connections that fit, such as \"userId ne 'ann'\".")
@click.option("--exclude", multiple=True, metavar="ID", help="Not to this connection; may be given again.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["text", "json", "binary"]),
    default="text",
    show_default=True,
    help="What the message is.",
)
@click.option("--ttl", type=click.IntRange(0, 300), help="Seconds after which it is not delivered any more.")
@click.option("--lines", is_flag=True, help="Each line is a message of its own.")
@click.option("--quiet", is_flag=True, help="Print nothing when all went well.")
@speaks_to_a_service
def send(
    service: Service,
    hub: str,
    message: str,
    group: str | None,
    user: str | None,
    connection: str | None,
    odata_filter: str | None,
    exclude: tuple[str, ...],
    kind: str,
    ttl: int | None,
    lines: bool,
    quiet: bool,
) -> None:
    """Send MESSAGE to HUB.

    MESSAGE is the text itself, @FILE for the content of a file, or - for standard input, whose lines are sent as they
    come with --lines.
    """
    if sum(target is not None for target in (group, user, connection)) > 1:
        raise click.UsageError("Give one of --group, --user and --connection.")
    if connection is not None and (odata_filter is not None or exclude):
        raise click.UsageError("--filter and --exclude do not go with --connection.")
    if user is not None and exclude:
        raise click.UsageError("--exclude does not go with --user; use --filter.")
    messages = _messages(message, kind, lines=lines)
    total = None if isinstance(messages, Iterator) else len(messages)
    options: dict[str, Any] = {"content_type": _CONTENT_TYPES[kind]}
    if ttl is not None:
        options["message_ttl_seconds"] = ttl
    if odata_filter is not None:
        options["filter"] = odata_filter
    if exclude:
        options["excluded"] = list(exclude)
    accepted = 0
    with service.client(hub) as client:
        post = _target(client, group, user, connection)
        try:
            for each in _with_progress(messages, total, shown=lines and not quiet):
                post(each, **options)
                accepted += 1
        except (WebPubSubError, click.UsageError) as error:
            if not accepted:
                raise
            kind_of_end = click.UsageError if isinstance(error, click.UsageError) else click.ClickException
            raise kind_of_end(f"{_count(accepted)} accepted, then: {error}") from None
    if not quiet:
        click.echo(f"{_count(accepted)} accepted")


def _count(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages} messages"


def _messages(message: str, kind: str, *, lines: bool) -> Sequence[object] | Iterator[object]:
    """Read what is to be sent: all at once, so that nothing is sent if some of it is wrong, or lines as they come."""
    if not lines:
        return [_value(_content(message), kind)]
    if message == "-":
        return _values(_standard_input(), kind)
    return list(_values(BytesIO(_content(message)), kind))


def _values(lines: Iterable[bytes], kind: str) -> Iterator[object]:
    for line in lines:
        yield _value(line.removesuffix(b"\n").removesuffix(b"\r"), kind)


def _content(message: str) -> bytes:
    if message == "-":
        return _standard_input().read()
    if message.startswith("@"):
        try:
            return Path(message[1:]).read_bytes()
        except OSError as error:
            raise click.UsageError(f"{message[1:]} cannot be read: {error.strerror}.") from None
    return message.encode(errors="surrogateescape")


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # the process was started with it closed
        raise click.UsageError("There is no standard input.")
    return sys.stdin.buffer


def _value(content: bytes, kind: str) -> object:
    if kind == "binary":
        return content
    try:
        text = content.decode()
        return json.loads(text) if kind == "json" else text
    except UnicodeDecodeError:
        raise click.UsageError(f"That is not UTF-8; use --type binary instead of --type {kind}.") from None
    except ValueError as error:
        raise click.UsageError(f"That is not JSON: {error}.") from None


def _target(
    client: WebPubSubServiceClient, group: str | None, user: str | None, connection: str | None
) -> Callable[..., None]:
    if group is not None:
        return lambda message, **options: client.send_to_group(group, message, **options)
    if user is not None:
        return lambda message, **options: client.send_to_user(user, message, **options)
    if connection is not None:
        return lambda message, **options: client.send_to_connection(connection, message, **options)
    return client.send_to_all


def _with_progress(messages: Iterable[object], total: int | None, *, shown: bool) -> Iterable[object]:
    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield from messages
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(messages, total=total, description="Sending")
