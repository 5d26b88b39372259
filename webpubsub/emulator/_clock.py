"""The emulator's time. Everything that depends on time asks here, so that a test can move it."""

import threading
import time
from collections.abc import Callable

__all__ = ["LONGEST_ADVANCE", "Clock"]

LONGEST_ADVANCE = 366 * 24 * 3600
"""How far the clock can be moved at once, in seconds."""


class Clock:
    """The time of one emulator.

    It goes as the machine's does, and forward at once for whoever does not want to wait.

    Example:
        >>> from webpubsub.emulator import Emulator
        >>> with Emulator() as emulator:
        ...     emulator.clock.advance(31)
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._moving = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """Return the seconds since some moment; they never go back."""
        return time.monotonic() + self._offset

    def wall(self) -> float:
        """Return the seconds since 1970, as tokens count them."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Let time pass at once.

        Args:
            seconds: How much, up to a year; it cannot go back.

        Raises:
            TypeError: It is not a number.
            ValueError: The number is negative, or more than a year.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"seconds must be a number, not {type(seconds).__name__}.")
        if not 0 <= seconds <= LONGEST_ADVANCE:
            raise ValueError(
                f"The clock cannot go back: seconds must be from 0 to {LONGEST_ADVANCE}; it was {seconds}."
            )
        with self._moving:
            self._offset += seconds
        for listener in tuple(self._listeners):
            listener()

    def on_advance(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each `advance`, in its thread.

        Returns:
            A function that ends this.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
