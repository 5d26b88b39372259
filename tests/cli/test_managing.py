"""`groups`, `connections`, `users`, `permission`, `health`: each looks and changes, and says so in two ways."""

import io
import json
import sys

import pytest

from webpubsub.cli import main
from webpubsub.emulator import Emulator, RequestFault

from .conftest import Command


def test_a_group_is_listed_for_people_and_for_machines(command: Command, emulator: Emulator, hub: str) -> None:
    """A table with a head, and JSON with the same."""
    with emulator.connect(hub, user_id="ann", groups=["room"]) as ann:
        table = command("groups", "list", hub, "room")
        document = command("groups", "list", hub, "room", "--output", "json")
        nobody = command("groups", "list", hub, "other")
        empty = command("groups", "list", hub, "other", "--output", "json")

        assert [line.split() for line in table.out.splitlines()] == [["connection", "user"], [ann.connection_id, "ann"]]
        assert json.loads(document.out) == [{"connection": ann.connection_id, "user": "ann"}]
    assert (nobody.out, empty.out) == ("Nobody is in other.\n", "[]\n")
    assert {outcome.code for outcome in (table, document, nobody, empty)} == {0}


def test_a_narrow_terminal_folds_lines_and_not_words(
    emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table whose columns are a letter wide is no table."""
    shown = io.StringIO()
    shown.isatty = lambda: True  # type: ignore[method-assign]
    for name, value in {"COLUMNS": "20", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", shown)
    with emulator.connect(hub, user_id="ann", groups=["room"]) as ann:
        assert main(["groups", "list", hub, "room", "--connection-string", emulator.connection_string]) == 0

        assert shown.getvalue().splitlines()[1].split() == [ann.connection_id, "ann"]


def test_a_list_ends_where_it_is_told_to(command: Command, emulator: Emulator, hub: str) -> None:
    """`--top` is the most that is listed."""
    with emulator.connect(hub, groups=["room"]), emulator.connect(hub, groups=["room"]):
        assert len(json.loads(command("groups", "list", hub, "room", "--top", "1", "--output", "json").out)) == 1


@pytest.mark.parametrize("kind", ["--user", "--connection"])
def test_who_is_added_is_in_the_group_until_removed(command: Command, emulator: Emulator, hub: str, kind: str) -> None:
    """By user and by connection."""
    with emulator.connect(hub, user_id="ann") as ann:
        who = "ann" if kind == "--user" else ann.connection_id

        assert command("groups", "add", hub, "room", kind, who) == (0, "added to room\n", "")
        assert emulator.hub(hub).groups == {"room": [ann.connection_id]}
        assert command("groups", "remove", hub, "room", kind, who) == (0, "removed from room\n", "")
        assert not emulator.hub(hub).groups.get("room")


@pytest.mark.parametrize("way", ["connections", "users"])
def test_one_command_leaves_all_groups(command: Command, emulator: Emulator, hub: str, way: str) -> None:
    """For one connection, or for all of a user."""
    with emulator.connect(hub, user_id="ann", groups=["room", "hall"]) as ann:
        who = "ann" if way == "users" else ann.connection_id

        assert command(way, "leave-all-groups", hub, who) == (0, "removed from all groups\n", "")
        assert not any(emulator.hub(hub).groups.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("groups", "exists", "{hub}", "room"), "group room exists"),
        (("users", "exists", "{hub}", "ann"), "user ann exists"),
        (("connections", "exists", "{hub}", "{connection}"), "connection {connection} exists"),
    ],
)
def test_what_exists_is_a_yes_and_what_does_not_an_exit_code(
    command: Command, emulator: Emulator, hub: str, arguments: tuple[str, ...], words: str
) -> None:
    """Scripts ask with the exit code, people read, machines parse."""
    with emulator.connect(hub, user_id="ann", groups=["room"]) as ann:
        values = {"hub": hub, "connection": ann.connection_id}
        there = [argument.format(**values) for argument in arguments]

        assert command(*there) == (0, words.format(**values) + "\n", "")
        assert command(*there, "--output", "json") == (0, "true\n", "")

    gone = [*there[:-1], "nobody"]
    assert command(*gone)[0] == 1
    assert command(*gone, "--output", "json") == (1, "false\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("groups", "close", "{hub}", "room"),
        ("users", "close", "{hub}", "ann"),
        ("connections", "close", "{hub}", "{connection}"),
        ("connections", "close", "{hub}", "--all"),
    ],
)
def test_clients_are_closed_and_told_why(
    command: Command, emulator: Emulator, hub: str, arguments: tuple[str, ...]
) -> None:
    """The reason goes along."""
    with emulator.connect(hub, user_id="ann", groups=["room"]) as ann:
        filled = [argument.format(hub=hub, connection=ann.connection_id) for argument in arguments]

        outcome = command(*filled, "--reason", "the end")

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("closed")
        ann.wait_closed()
        assert "the end" in str(ann.disconnected_message)


def test_a_permission_is_granted_checked_and_revoked(command: Command, emulator: Emulator, hub: str) -> None:
    """And a check that says no has exit code 1."""
    with emulator.connect(hub) as client:
        rest = (hub, "sendToGroup", client.connection_id, "--group", "room")

        assert command("permission", "check", *rest) == (1, "not allowed\n", "")
        assert command("permission", "grant", *rest) == (0, "granted\n", "")
        assert command("permission", "check", *rest) == (0, "allowed\n", "")
        assert command("permission", "check", *rest, "--output", "json") == (0, "true\n", "")
        assert command("permission", "revoke", *rest, "--output", "json") == (0, "true\n", "")
        assert command("permission", "check", *rest, "--output", "json") == (1, "false\n", "")


def test_health_is_a_word_and_an_exit_code(command: Command, emulator: Emulator) -> None:
    """Of a service that is well, and of one that refuses."""
    assert command("health") == (0, "healthy\n", "")
    assert command("health", "--output", "json") == (0, "true\n", "")

    emulator.faults.add(RequestFault(status=404, path="health", times=None))

    outcome = command("health")
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("groups", "add", "{hub}", "room", "--connection", "nobody"), "Error.Connection.NotExisted"),
        (("permission", "grant", "{hub}", "sendToGroup", "nobody", "--group", "room"), "404"),
    ],
)
def test_what_the_service_refuses_is_one_line(
    command: Command, hub: str, arguments: tuple[str, ...], said: str
) -> None:
    """With what the service said, and exit code 1."""
    code, out, err = command(*[argument.format(hub=hub) for argument in arguments])

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err
