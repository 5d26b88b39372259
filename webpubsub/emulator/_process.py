"""In which process an emulator runs: after a fork, there is a copy of it that nothing runs."""

import os

__all__ = ["Home"]


class Home:
    """The process that something was made in."""

    def __init__(self) -> None:
        self._process = os.getpid()

    @property
    def is_here(self) -> bool:
        """Whether this is the process."""
        return os.getpid() == self._process

    def check(self) -> None:
        """Refuse to go on in a process that was forked from it.

        Raises:
            RuntimeError: This is another process.
        """
        if not self.is_here:
            raise RuntimeError(
                "The emulator runs in the process that this one was forked from: its connection_string is good here, "
                "but it can be looked into, disturbed, moved and stopped only there."
            )
