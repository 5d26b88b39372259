"""The time that an emulator goes by."""

import threading
import time
from typing import Any

import pytest

from webpubsub.emulator._clock import Clock


def test_it_goes_with_the_machine() -> None:
    """Unmoved, it is the time that everybody else has, and it does not go back."""
    clock = Clock()

    first, before = clock.now(), time.time()
    wall, after, second = clock.wall(), time.time(), clock.now()

    assert before <= wall <= after
    assert first <= second


def test_it_can_be_moved_forward_only() -> None:
    """Both readings move by as much, whoever listens is told, and going back is refused."""
    clock, told = Clock(), list[float]()
    clock.on_advance(lambda: told.append(clock.now()))
    now, wall = clock.now(), clock.wall()

    clock.advance(3600)

    assert clock.now() - now >= 3600
    assert clock.wall() - wall >= 3600
    assert len(told) == 1
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300])
def test_it_cannot_be_moved_to_nowhere(seconds: float) -> None:
    """A time that is no time would stop everything that waits."""
    with pytest.raises(ValueError, match="seconds must be from 0 to"):
        Clock().advance(seconds)


def test_only_a_number_moves_it() -> None:
    """A sentence, not an error of arithmetic."""
    wrong: Any = "31"
    with pytest.raises(TypeError, match="seconds must be a number, not str"):
        Clock().advance(wrong)


def test_many_threads_may_move_it() -> None:
    """Nothing of what they add is lost."""
    clock = Clock()
    begin = clock.now()

    def move() -> None:
        for _ in range(200):
            clock.advance(1)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock.now() - begin >= 800
