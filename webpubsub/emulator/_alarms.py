"""What is to happen later, by the emulator's time: with the event loop, and at once when the clock is moved."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from ._clock import Clock
from ._process import Home

__all__ = ["Alarms"]

_LOOK_SECONDS = 0.1
"""How often whoever moved the clock looks whether the loop is still there."""


class Alarms:
    """The alarms of one running server. Made, and set, in its event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._home = Home()
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stop_listening = clock.on_advance(self._moved)

    def at(self, time: float, callback: Callable[[], object]) -> None:
        """Have a function called when it is this late; one that is late enough already is called soon."""
        heapq.heappush(self._waiting, (time, next(self._numbers), callback))
        self._wind()

    def cancel(self) -> None:
        """Forget everything."""
        self._stop_listening()
        self._waiting.clear()
        self._wind()

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = self._loop.call_later(max(self._waiting[0][0] - self._clock.now(), 0), self._ring)

    def _ring(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._clock.now():
            heapq.heappop(self._waiting)[2]()
        self._wind()

    def _moved(self) -> None:
        """Ring in the loop, and come back when everything that is due has been done."""
        self._home.check()
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            self._ring()
            return
        done: Future[None] = Future()
        with suppress(RuntimeError):  # the loop is closed: nothing is due any more
            self._loop.call_soon_threadsafe(self._ring_and_tell, done)
        while not (done.done() or self._loop.is_closed()):
            with suppress(TimeoutError):
                done.exception(_LOOK_SECONDS)

    def _ring_and_tell(self, done: "Future[None]") -> None:
        try:
            self._ring()
        finally:
            done.set_result(None)
