"""Tables of many small rows, checked by one test each, which names every row that fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

import pytest


class _Row(NamedTuple):
    values: tuple[Any, ...]
    name: object


def every_row(
    names: str | Sequence[str], rows: Iterable[Any], ids: Iterable[object] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call a test with each row of a table; takes what `pytest.mark.parametrize` takes, but makes one test of it.

    For rows that are checked in less time than it takes to collect a test, to send it to a process and to tell of it.
    Fixtures are the same for all rows, and all rows are checked, however many fail.
    """
    arguments = [names] if isinstance(names, str) else list(names)
    table = [_row(row, len(arguments)) for row in rows]
    if ids is not None:
        table = [row._replace(name=name) for row, name in zip(table, ids, strict=True)]
    if not table:
        raise ValueError("the table has no row")

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def check(**fixtures: Any) -> None:
            with _failures_told(len(table)) as failures:
                for row in table:
                    with _kept(failures, row):
                        function(**fixtures, **dict(zip(arguments, row.values, strict=True)))

        @wraps(function)
        async def check_async(**fixtures: Any) -> None:
            with _failures_told(len(table)) as failures:
                for row in table:
                    with _kept(failures, row):
                        await function(**fixtures, **dict(zip(arguments, row.values, strict=True)))

        checked: Any = check_async if inspect.iscoroutinefunction(function) else check
        signature = inspect.signature(function)
        fixtures = [each for each in signature.parameters.values() if each.name not in arguments]
        checked.__signature__ = signature.replace(parameters=fixtures)
        return checked  # type: ignore[no-any-return]

    return decorate


_Failures = list[tuple[_Row, BaseException]]


def _row(row: Any, arguments: int) -> _Row:
    if hasattr(row, "marks"):  # made by `pytest.param`
        return _Row(row.values, row.id)
    return _Row((row,) if arguments == 1 else tuple(row), None)


@contextmanager
def _kept(failures: _Failures, row: _Row) -> Iterator[None]:
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        failures.append((row, error))


@contextmanager
def _failures_told(rows: int) -> Iterator[_Failures]:
    failures: _Failures = []
    yield failures
    if failures:
        told = "\n".join(f"{_name(row)}: {type(error).__name__}: {error}" for row, error in failures)
        raise AssertionError(f"{len(failures)} of {rows} rows fail, the first as above:\n{told}") from failures[0][1]


def _name(row: _Row) -> object:
    return ", ".join(f"{value!r:.60}" for value in row.values) if row.name is None else row.name
