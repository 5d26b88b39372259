"""The time that an emulator goes by."""

import time

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
