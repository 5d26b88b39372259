"""The documented figures of the service, and the arithmetic of its billing."""

import pytest

from webpubsub import capacity


def test_the_documents_own_example_holds() -> None:
    """4 KB to a function, and from there to 10 clients, are 22 messages; 100 KB are 50."""
    assert capacity.billed_messages(4096 + 10 * 4096) == 22
    assert capacity.billed_messages(100 * 1024) == 50
    assert capacity.billed_messages(0) == 0


@pytest.mark.parametrize(("size", "pieces"), [(0, 1), (1, 1), (2048, 1), (2049, 2), (4096, 2), (4097, 3)])
def test_a_message_by_itself_is_whole_pieces(size: int, pieces: int) -> None:
    """One at least, and one more for each 2 KB that have begun."""
    assert capacity.pieces(size) == pieces


def test_a_unit_carries_what_is_promised_for_it() -> None:
    """The figures agree with one another: the included messages are 2,000,000 KB of traffic."""
    assert capacity.MESSAGES_PER_UNIT_AND_DAY * capacity.BILLED_BYTES == 2_000_000 * 1024
    assert capacity.DELIVERIES_PER_SECOND[10] == 10 * capacity.SENDS_TO_GROUPS_PER_SECOND
    assert list(capacity.UNITS) == sorted(set(capacity.UNITS))
    assert capacity.UNITS[-1] == capacity.UNITS_OF_PREMIUM_P2[0]
