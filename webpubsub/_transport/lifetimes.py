"""Which values a forked child must not use: they belong to its parent."""

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """Something that a child process starts without."""

    def forget(self) -> None:
        """Let go of what belongs to the parent, and touch nothing of it."""


_all: WeakSet[Inherited] = WeakSet()


def forget_after_fork(value: Inherited) -> None:
    """Let a value be told when this is a forked child."""
    _all.add(value)


def _forget() -> None:
    for value in list(_all):
        value.forget()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_forget)
