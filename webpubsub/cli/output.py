"""What a command prints: a table for people, JSON for machines."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table

__all__ = ["examples", "give_up", "output_option", "printable", "show_result", "show_rows"]

_WIDE = 500
"""Columns of a file or a pipe, in which nothing is folded."""

_NARROW = 60
"""Columns below which a terminal folds lines better than a table does, letter by letter."""


def examples(*lines: str) -> str:
    """Write examples for the end of a command's help, each on a line of its own."""
    return "\b\n" + "\n".join(
        ("Examples:" if len(lines) > 1 else "Example:", *(f"  webpubsub {line}" for line in lines))
    )


def printable(text: str) -> str:
    """Write what a terminal would obey, such as a sequence that changes colours, as its escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def give_up(stream: TextIO) -> None:
    """Have what is still to be written to a stream go nowhere: nobody reads it any more."""
    with suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let the user choose between the two."""
    return click.option(
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="Words for people, or JSON for machines.",
    )(command)


def show_rows(rows: Sequence[Mapping[str, object]], output: str, *, empty: str) -> None:
    """Print a list: a table whose columns are the fields, or a JSON list of objects."""
    if output == "json":
        click.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else printable(str(value)) for value in row.values()))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.width = max(console.width, _NARROW)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def show_result(words: str, value: object, output: str) -> None:
    """Print one fact: a sentence, or its value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False) if output == "json" else words)
