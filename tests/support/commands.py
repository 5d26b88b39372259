"""A command that runs until it is told to stop, in this process."""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

__all__ = ["Outcome", "Stream", "stopped"]


class Outcome(NamedTuple):
    """What a run of the command came to."""

    code: int
    out: str
    err: str


class Stream(io.StringIO):
    """A standard stream that tells when its first line is there."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if "\n" in text:
            self.told.set()
        return count


def stopped(
    monkeypatch: pytest.MonkeyPatch,
    main: Callable[[Sequence[str]], int],
    arguments: Sequence[str],
    use: Callable[[str], object],
    *,
    number: signal.Signals = signal.SIGINT,
) -> Outcome:
    """Run a command in this thread, use what its first line tells in another one, and tell it to stop."""
    out, err = Stream(), Stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    def visit() -> None:
        out.told.wait(20)
        try:
            use(out.getvalue().strip())
        finally:
            os.kill(os.getpid(), number)

    visitor = threading.Thread(target=visit)
    visitor.start()
    code = main(arguments)
    visitor.join()
    return Outcome(code, out.getvalue(), err.getvalue())
