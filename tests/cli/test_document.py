"""The commands of docs/cli.md run, and print what the document says."""

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.web_servers import wsgiref_server
from webpubsub.cli import main, service
from webpubsub.emulator import Emulator
from webpubsub.events import ConnectEvent, EventHandler, UserEvent

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"^```console\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
HANDLER = "http://localhost:8000/events"
CONNECTION_ID = re.compile(r"(?<![\w-])[\w-]{31}(?![\w-])")
DIFFERENT = [
    (re.compile(r"^\d\d:\d\d:\d\d", re.MULTILINE), "12:00:01"),
    (CONNECTION_ID, "ID"),
    (re.compile(r"(127\.0\.0\.1:|localhost:|port )\d+"), r"\g<1>8080"),
    (re.compile(r"in \d+ ms"), "in 1 ms"),
    (re.compile(r"^(p\d\d ms|max ms|deliveries per second|out of order) +[\d.]+", re.MULTILINE), r"\1 1"),
    (re.compile(r" +"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
]


class Step(NamedTuple):
    """A command of the document, and what it is said to print."""

    command: str
    printed: str


def sections() -> Iterator[Any]:
    """Give the steps of each section that has some."""
    for section in re.split(r"^## ", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        steps = [
            Step(command, printed)
            for block in BLOCK.findall(section)
            for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        ]
        if steps:
            yield pytest.param(steps, id=section.partition("\n")[0])


def comparable(printed: str) -> str:
    """Leave out what differs on each run."""
    for pattern, same in DIFFERENT:
        printed = pattern.sub(same, printed)
    return printed


class Section:
    """Runs the steps of a section; those that wait for others run until its end."""

    def __init__(self, emulator: Emulator, handler: str, ann: str, captured: pytest.CaptureFixture[str]) -> None:
        self._emulator = emulator
        self._handler = handler
        self._ann = ann
        self._captured = captured
        self._waiting: list[tuple[Step, subprocess.Popen[str], str]] = []

    def run(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> str | None:
        """Run a step; return what it printed, or None if it goes on."""
        left, _, right = step.command.rpartition(" | ")
        arguments = shlex.split(CONNECTION_ID.sub(self._ann, right.replace(HANDLER, self._handler)))[1:]
        if arguments[0] in ("emulator", "listen"):
            self._start(step, arguments, monkeypatch)
            return None
        if left:
            given = subprocess.run(left, shell=True, capture_output=True, check=True).stdout
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        self._captured.readouterr()
        main(arguments)
        return "".join(self._captured.readouterr()).replace(self._handler, HANDLER)

    def _start(self, step: Step, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        free = ["--port", "0"] if arguments[0] == "emulator" else []
        process = subprocess.Popen(
            [sys.executable, "-m", "webpubsub", *arguments, *free],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "WEBPUBSUB_CONNECTION_STRING": self._emulator.connection_string},
        )  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        self._waiting.append((step, process, first))
        if arguments[0] == "emulator":
            monkeypatch.setattr(service, "LOCAL_CONNECTION_STRING", first.strip())

    def finish(self) -> Iterator[tuple[Step, str]]:
        """End what goes on, and give what it printed."""
        while self._waiting:
            step, process, first = self._waiting.pop()
            with process:
                try:
                    if "emulator" in step.command:
                        process.send_signal(signal.SIGINT)
                    rest, _ = process.communicate(timeout=20)
                finally:
                    process.kill()
            yield step, first + rest


@pytest.fixture(scope="module")
def handler(emulator: Emulator) -> Iterator[str]:
    """The event handler that the document speaks to."""
    events = EventHandler(hub="chat", access_keys=[emulator.access_key], allowed_origins=["127.0.0.1"])

    @events.on_connect
    def connect(event: ConnectEvent) -> None:
        return None

    @events.on_event("order")
    def order(event: UserEvent[Any]) -> str:
        return f"{event.data['dish']}, with pleasure"

    with wsgiref_server(events.wsgi) as url:
        yield url


@pytest.mark.parametrize("steps", list(sections()))
def test_a_section_prints_what_it_says(
    steps: list[Step],
    emulator: Emulator,
    handler: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever types the commands of a section gets its output; ann is there, in the room."""
    monkeypatch.setenv("WEBPUBSUB_CONNECTION_STRING", emulator.connection_string)
    compared: list[tuple[str, str, str]] = []
    with ExitStack() as stack:
        ann = ""
        if any("groups list" in step.command for step in steps):
            ann = stack.enter_context(emulator.connect("chat", user_id="ann", groups=["room"])).connection_id
        section = Section(emulator, handler, ann, capsys)
        try:
            for step in steps:
                printed = section.run(step, monkeypatch)
                if printed is not None:
                    compared.append((step.command, step.printed, printed))
        finally:
            compared += [(step.command, step.printed, printed) for step, printed in section.finish()]

    for command, said, printed in compared:
        assert (command, comparable(printed)) == (command, comparable(said))
