"""The benchmark of the ASGI door runs, and its contenders do the same. No time is asserted here."""

from benchmarks.events import CONTENDERS, measure


def test_every_contender_answers_every_request_alike() -> None:
    """The client of the benchmark compares each answer."""
    found = measure(rounds=1, requests=20)

    assert found.keys() == CONTENDERS.keys()
    assert all(len(rates) == 1 and rates[0] > 0 for rates in found.values())
