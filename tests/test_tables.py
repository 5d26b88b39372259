"""Tables that are checked by one test: no row is left out, none that fails is left untold."""

import inspect

import pytest

from .support.tables import every_row

ROWS = [(1, "a"), pytest.param(2, "b", id="the second"), (3, "c")]


def test_every_row_is_checked_and_each_that_fails_is_told() -> None:
    """By its id, or by its values, with its error; those after it are checked, too."""
    seen = []

    @every_row(("number", "letter"), ROWS)
    def check(number: int, letter: str, fixture: str) -> None:
        seen.append((number, letter, fixture))
        if number == 1:
            raise ValueError("one is wrong")
        assert number != 2, "two as well"

    with pytest.raises(AssertionError) as told:
        check(fixture="f")

    assert seen == [(1, "a", "f"), (2, "b", "f"), (3, "c", "f")]
    assert str(told.value).splitlines()[:3] == [
        "2 of 3 rows fail, the first as above:",
        "1, 'a': ValueError: one is wrong",
        "the second: AssertionError: two as well",
    ]
    assert isinstance(told.value.__cause__, ValueError)
    assert list(inspect.signature(check).parameters) == ["fixture"]


async def test_rows_of_an_asynchronous_test_are_awaited() -> None:
    """And `pytest.fail` is a failure as any other."""

    @every_row("number", [1, 2], ids=["one", "two"])
    async def check(number: int) -> None:
        pytest.fail(f"not {number}")

    with pytest.raises(AssertionError, match="2 of 2 rows fail") as told:
        await check()

    assert "two: Failed: not 2" in str(told.value)


def test_a_table_without_rows_is_a_mistake() -> None:
    """It would be a test that cannot fail."""
    with pytest.raises(ValueError, match="the table has no row"):
        every_row("number", [])
