"""The benchmark of the ASGI door runs, and its contenders do the same. No time is asserted here."""

import pytest

from benchmarks.events import CONTENDERS, Rates, measure, ratio


def test_every_contender_answers_every_request_alike() -> None:
    """The client of the benchmark compares each response."""
    found = measure(rounds=1, requests=20)

    assert found.keys() == CONTENDERS.keys()
    assert all(len(rates) == 1 and min(rates[0]) > 0 for rates in found.values())


def test_rounds_are_compared_one_by_one() -> None:
    """By what the same processor served, so that a round that was disturbed decides nothing."""
    found = {"ours": [Rates(8, 1), Rates(80, 1), Rates(9, 1)], "bare": [Rates(10, 9), Rates(100, 9), Rates(1, 9)]}

    assert ratio(found) == pytest.approx(0.8)
