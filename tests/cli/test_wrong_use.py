"""Wrong use: one line on standard error, and exit code 2."""

import io
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from webpubsub.cli import main
from webpubsub.cli.commands import webpubsub
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator, RequestFault

from .conftest import Command

ELSEWHERE = "Endpoint=https://example.webpubsub.azure.com;AccessKey=c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0;Version=1.0;"

MISTAKES = [
    (("nonsense",), "No such command 'nonsense'"),
    (("health", "--colour"), "No such option '--colour'"),
    (("send", "chat"), "Missing argument 'MESSAGE'"),
    (("send", "chat", "hi", "--user", "ann", "--group", "room"), "one of --group, --user and --connection"),
    (("send", "chat", "hi", "--connection", "c", "--exclude", "d"), "do not go with --connection"),
    (("send", "chat", "hi", "--user", "ann", "--exclude", "d"), "does not go with --user"),
    (("send", "chat", "{", "--type", "json"), "That is not JSON"),
    (("send", "chat", "@nowhere"), "nowhere cannot be read"),
    (("send", "chat", "hi", "--ttl", "301"), "'--ttl'"),
    (("send", "1 hub", "hi"), "hub"),
    (("listen", "chat", "--raw", "--reliable"), "one of --raw and --reliable"),
    (("listen", "chat", "--raw", "--output", "json"), "--output json does not go with --raw"),
    (("groups", "add", "chat", "room"), "one of --connection and --user"),
    (("groups", "remove", "chat", "room", "--connection", "c", "--user", "u"), "one of --connection and --user"),
    (("connections", "close", "chat"), "a connection, or --all"),
    (("permission", "grant", "chat", "fly", "c"), "'PERMISSION': 'fly' is not one of"),
    *(
        (("permission", action, "chat", "sendToGroup", "c"), "--group is missing: sendToGroup is a permission for one")
        for action in ("check", "grant", "revoke")
    ),
    (("permission", "check", "chat", "sendToGroup", "c", "--group", ""), "webpubsub: --group must not be empty"),
    (("token", "chat", "--minutes", "0"), "'--minutes'"),
    (("token", "chat", "--minutes", "9999999999"), "webpubsub: --minutes must be from 1 to "),
    (("token", "chat", "--user", ""), "webpubsub: --user must not be empty"),
    (("token", "chat", "--group", "room", "--group", ""), "webpubsub: --group must not be empty"),
    (("token", "chat", "--role", "webpubsub.sendToGroups"), "webpubsub: --role: the role webpubsub.sendToGroups needs"),
    (("token", "chat", "--role", "webpubsub.sendTogroup.x"), "webpubsub: --role is 'webpubsub.sendTogroup.x'; did"),
    (("token", "1 hub"), "webpubsub: HUB must start with a letter"),
    (("send", "chat", "hi", "--exclude", ""), "webpubsub: --exclude must not be empty"),
    (("connections", "close", "chat", ""), "webpubsub: CONNECTION must not be empty"),
    (("trigger", "order", "http://127.0.0.1:1/", "--type", "json", "--data", "{"), "--data is not JSON"),
    (("trigger", "or\nder", "http://127.0.0.1:1/"), "EVENT must be a name without line ends"),
    (("trigger", "order", "localhost/events"), "URL must be one of http or https"),
    (("trigger", "order", "ftp://127.0.0.1/"), "URL must be one of http or https"),
    (("trigger", "order", "http://127.0.0.1:port/"), "URL must be one of http or https"),
    (("plan", "--connections", "1"), "Missing option"),
    (("emulator", "--tls"), "--tls and --ca-file need each other"),
    (("emulator", "--event-handler", "chat"), "takes HUB=URL, not chat"),
    (("emulator", "--config", "nowhere.json"), "cannot read nowhere.json"),
    (("emulator", "--faults", "nowhere.json"), "cannot read nowhere.json"),
    (("emulator", "--access-key", "short"), "32 bytes"),
    (("load", "chat"), "say --i-own-this-resource"),
    (("health", "--ca-file", "nowhere.pem"), "nowhere.pem"),
    (("health", "--endpoint", "https://example.com"), "--endpoint needs --identity"),
    (("health", "--identity"), "--identity needs --endpoint"),
    (("health", "--local", "--endpoint", "https://example.com"), "--local does not go with"),
    (("health", "--local", "--connection-string", ELSEWHERE), "--connection-string does not go with --local"),
]


@pytest.fixture(scope="module")
def gone() -> Iterator[ConnectionString]:
    """The connection string of a service that is not there, and whose port nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield ConnectionString(f"http://127.0.0.1:{taken.getsockname()[1]}", DEVELOPMENT_KEY)


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_told_in_one_line(
    bare: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is sent, without a traceback, and without the key."""
    monkeypatch.setenv("WEBPUBSUB_CONNECTION_STRING", ELSEWHERE)

    code, out, err = bare(*arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("webpubsub: ")
    assert said in err
    assert "c2VjcmV0" not in err


@pytest.mark.parametrize("arguments", [("health",), ("send", "chat", "hi"), ("doctor",), ("load", "chat")])
def test_a_service_that_nobody_named_is_asked_for(bare: Command, arguments: tuple[str, ...]) -> None:
    """With every way to name it."""
    code, out, err = bare(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("webpubsub: Which service? Give --connection-string")


def test_a_broken_connection_string_is_told_without_its_key(bare: Command) -> None:
    """The sentence names what is missing."""
    code, _, err = bare("health", "--connection-string", "Endpont=http://127.0.0.1;AccessKey=topsecret;")

    assert (code, err.count("\n")) == (2, 1)
    assert "Endpoint" in err
    assert "topsecret" not in err


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("arguments", [("health",), ("listen", "chat"), ("send", "chat", "hi"), ("load", "chat")])
@pytest.mark.usefixtures("no_waits")
def test_a_service_that_is_not_there_is_one_line(
    bare: Command, monkeypatch: pytest.MonkeyPatch, gone: ConnectionString, arguments: tuple[str, ...], local: bool
) -> None:
    """Exit code 1: the use was right. Where it is the local service, the line says what starts it."""
    monkeypatch.setattr("webpubsub.cli.service.LOCAL_CONNECTION_STRING", gone.reveal())
    few = ("--clients", "1") if arguments[0] == "load" else ()
    which = ("--local",) if local else ("--connection-string", gone.reveal())

    code, out, err = bare(*arguments, *few, *which)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.endswith(" Is it running? `webpubsub emulator` starts it.\n") == local
    assert gone.access_key not in err


def test_a_service_that_may_have_got_a_message_runs(
    command: Command, monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    """Starting it is no advice then."""
    monkeypatch.setattr("webpubsub.cli.service.LOCAL_CONNECTION_STRING", emulator.connection_string)
    emulator.faults.add(RequestFault(reset="after"))

    code, out, err = command("send", "chat", "hi", "--local")

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "may have reached the service" in err
    assert "Is it running?" not in err


def test_a_wrong_key_is_one_line(bare: Command, emulator: Emulator) -> None:
    """The service's reason, and neither key."""
    wrong = emulator.connection_string.replace(emulator.access_key, "w" * 40)

    code, out, err = bare("send", "chat", "hi", "--connection-string", wrong)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "401" in err
    assert "wwww" not in err


def test_a_file_without_certificates_is_refused(bare: Command, tmp_path: Path) -> None:
    """Before anything is sent."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing")

    code, _, err = bare("health", "--local", "--ca-file", str(file))

    assert (code, err) == (2, f"webpubsub: --ca-file {file} does not hold certificates as PEM.\n")


@pytest.mark.parametrize("more", [(), ("--lines",)])
def test_an_input_that_is_closed_is_one_line(
    bare: Command, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    """As `webpubsub send chat - <&-` has it."""
    monkeypatch.setattr(sys, "stdin", None)

    assert bare("send", "chat", "-", "--local", *more) == (2, "", "webpubsub: There is no standard input.\n")


def test_no_command_at_all_shows_what_there_is(bare: Command) -> None:
    """As a list, and exit code 2."""
    code, _, err = bare()

    assert code == 2
    assert "  listen  " in err


def test_permissions_are_spelled_as_the_documents_do(bare: Command) -> None:
    """And typed in any case."""
    _, out, _ = bare("permission", "--help")

    assert "HUB PERMISSION CONNECTION" in " ".join(out.split())
    assert "PERMISSION is sendToGroup or joinLeaveGroup." in out


def test_help_is_no_mistake(bare: Command) -> None:
    """Of all, and of one."""
    assert bare("--help").code == bare("send", "-h").code == 0


def commands(group: click.Group) -> Iterator[list[str]]:
    """Give the words of each command that is no group."""
    for name, each in group.commands.items():
        yield from ([name, *rest] for rest in commands(each)) if isinstance(each, click.Group) else [[name]]


@pytest.mark.parametrize("words", list(commands(webpubsub)), ids=" ".join)
def test_help_has_an_example_that_is_right(words: list[str]) -> None:
    """Which the command itself understands: no option in it is mistyped."""
    command: click.Command = webpubsub
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    of_all = click.Context(webpubsub, **webpubsub.context_settings)  # a command keeps the first names of its help
    lines = re.findall(r"^  webpubsub (.*)$", command.epilog or "", re.MULTILINE)

    assert lines
    for line in lines:
        arguments = shlex.split(line.partition(" < ")[0])
        assert arguments[: len(words)] == words
        command.make_context("webpubsub", arguments[len(words) :], parent=of_all)


def test_a_missing_package_is_named() -> None:
    """Installed without the extra, the command says which one to take."""
    program = "import sys; sys.modules['click'] = None; from webpubsub.cli import main; sys.exit(main(['health']))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stderr) == (2, "The command needs click: pip install 'webpubsub[cli]'\n")


def test_a_missing_package_is_named_in_this_process(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the extra; what is missing otherwise is a mistake of ours, and raised."""
    for name in ("webpubsub.cli.commands", "webpubsub.cli.loading"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hdrh", None)
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)

    code, _, err = bare("health")

    assert (code, err.endswith("pip install 'webpubsub[cli]'\n")) == (2, True)


def test_a_module_of_ours_that_is_missing_is_raised(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a mistake of ours, and no advice to install anything would help."""
    monkeypatch.delitem(sys.modules, "webpubsub.cli.commands")
    monkeypatch.setitem(sys.modules, "webpubsub.cli.planning", None)

    with pytest.raises(ModuleNotFoundError, match=r"webpubsub\.cli\.planning"):
        bare("health")


def test_an_interrupt_ends_with_130(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """While standard input is read, and without a word."""

    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted()))

    assert bare("send", "chat", "-", "--local") == (130, "", "\n")


def test_an_interrupt_of_the_start_ends_with_130(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the modules of the commands are loaded, which takes longer than many commands do."""

    class Interrupted:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "webpubsub.cli.commands")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])

    assert bare("health") == (130, "", "\n")


def test_output_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk is full, for instance."""
    arguments = ["plan", "--connections", "1", "--group-size", "1", "--rate", "1", "--bytes", "1"]
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = main(arguments)

    assert (code, capsys.readouterr().err) == (
        1,
        "webpubsub: Reading or writing failed: No space left on device.\n",
    )


def test_the_arguments_of_the_process_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the console script calls it."""
    monkeypatch.setattr(sys, "argv", ["webpubsub", "--version"])

    assert main() == 0
    assert capsys.readouterr().out.count(".") == 2
