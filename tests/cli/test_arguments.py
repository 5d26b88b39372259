"""Names of arguments, as the user of a command typed them."""

import click
import pytest

from webpubsub.cli.arguments import as_typed


@click.command("send")
@click.argument("hub")
@click.option("--user")
@click.option("--exclude", multiple=True)
@click.option("--filter", "odata_filter")
def send() -> None:
    """Stand for a command."""


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        ("hub must start with a letter.", "HUB must start with a letter."),
        ("user_id must not be empty.", "--user must not be empty."),
        ("excluded[2] is empty.", "--exclude is empty."),
        ("filter: that is too long.", "--filter: that is too long."),
        ("group must not be blank.", "group must not be blank."),
        ("The access key is empty.", "The access key is empty."),
        ("hubbub must not be empty.", "hubbub must not be empty."),
    ],
)
def test_a_message_begins_with_what_was_typed(message: str, typed: str) -> None:
    """Where the command has a parameter for the argument; other messages stay as they are."""
    assert as_typed(message, send) == typed
