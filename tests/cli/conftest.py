"""The command in this process, against a local service."""

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support.commands import Outcome
from webpubsub.cli import main
from webpubsub.emulator import Emulator

Command = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_service_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBPUBSUB_CONNECTION_STRING", raising=False)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the dice make every wait between tries as short as it may be."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: lowest)


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command with exactly these arguments."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(arguments)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def command(bare: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Run the command for the local service, which keeps its secrets: no output has the key in it."""
    monkeypatch.setenv("WEBPUBSUB_CONNECTION_STRING", emulator.connection_string)
    outcomes: list[Outcome] = []

    def run(*arguments: str) -> Outcome:
        outcomes.append(bare(*arguments))
        return outcomes[-1]

    yield run
    emulator.faults.clear()
    assert not [outcome for outcome in outcomes if emulator.access_key in outcome.out + outcome.err]


class Running:
    """The command in a thread, for what it does while something else happens."""

    def __init__(self, *arguments: str) -> None:
        self._code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(arguments,), name="command")
        self._thread.start()

    def _run(self, arguments: tuple[str, ...]) -> None:
        self._code = main(arguments)

    def code(self) -> int | None:
        """Wait for its end."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self._code
