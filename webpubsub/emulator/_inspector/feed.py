"""The records of the journal with numbers, as many as are kept, and where each viewer is in them.

A viewer has no queue of its own that could grow: it has the number of the last record that it was given, and gets what
came behind it, so many at once. What was dropped before its turn is counted and told.
"""

import json
from collections import deque
from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

from .._journal import EventRecord, FrameRecord, MessageRecord, Record, RequestRecord
from .connections import Board
from .records import Teller

__all__ = ["Feed", "Viewer"]

_MOST_KEPT = 5000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_AT_ONCE = 500
_MOST_TO_BEGIN_WITH = 500
_MOMENTS_OF_SILENCE = 150
_RETRY = b"retry: 500\n"


class _Ring:
    """The newest records, bounded in number and in size."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Record]] = deque()
        self._size = 0

    def add(self, number: int, record: Record) -> None:
        self._kept.append((number, record))
        self._size += _size_of(record)
        while len(self._kept) > _MOST_KEPT or self._size > _MOST_BYTES:
            self._size -= _size_of(self._kept.popleft()[1])

    def after(self, number: int) -> list[tuple[int, Record]]:
        """List what is behind a number, oldest first."""
        found: list[tuple[int, Record]] = []
        for item in reversed(self._kept):
            if item[0] <= number:
                break
            found.append(item)
        return found[::-1]

    def newest(self) -> list[tuple[int, Record]]:
        """List as many as a viewer begins with, oldest first."""
        return list(islice(reversed(self._kept), _MOST_TO_BEGIN_WITH))[::-1]

    def find(self, number: int) -> Record | None:
        return next((record for own, record in self._kept if own == number), None)


def _size_of(record: Record) -> int:
    match record:
        case RequestRecord() | EventRecord():
            return len(record.body) + len(record.response_body)
        case MessageRecord():
            return len(record.payload.data)
        case FrameRecord():
            return len(record.frame)
    return 0


class Feed:
    """Numbers records as they come. Frames are kept apart, so that they push nothing else out."""

    def __init__(self) -> None:
        self.last = 0
        self._frames = _Ring()
        self._others = _Ring()

    def add(self, record: Record) -> None:
        """Take the next record."""
        self.last += 1
        (self._frames if type(record) is FrameRecord else self._others).add(self.last, record)

    def after(self, number: int) -> list[tuple[int, Record]]:
        """List what came behind a number and is still there, oldest first, not more than can be shown at once."""
        return _in_order(self._frames.after(number), self._others.after(number))[:_MOST_AT_ONCE]

    def newest(self) -> list[tuple[int, Record]]:
        """List what a viewer begins with, oldest first."""
        return _in_order(self._frames.newest(), self._others.newest())

    def find(self, number: int) -> Record | None:
        """Return a record by its number; None if it is not kept any more."""
        return self._others.find(number) or self._frames.find(number)


def _in_order(*rings: list[tuple[int, Record]]) -> list[tuple[int, Record]]:
    return sorted(chain(*rings), key=lambda item: item[0])


class Viewer:
    """One page that looks on: what it has been given already, and what is news to it.

    Args:
        after: The number of the last record that it has, if it was here before.
        headers: What its response begins with.
    """

    def __init__(self, feed: Feed, board: Board, teller: Teller, after: int | None, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._feed = feed
        self._board = board
        self._teller = teller
        self._is_new = after is None or not 0 <= after <= feed.last
        self._given = 0 if after is None or self._is_new else after
        self._views: Mapping[str, object] = {}
        self._facts: Mapping[str, object] = {}
        self._silence = 0

    def begin(self) -> bytes:
        """Return how everything stands, as an event of Server-Sent Events, and how soon to come back if it ends."""
        self._views, self._facts = self._board.views(), self._board.facts()
        if self._is_new:
            found, self._given = self._feed.newest(), self._feed.last
            records, skipped = self._told(found), 0
        else:
            records, skipped = self._next()
        return _RETRY + _event(
            "snapshot",
            self._given,
            connections=list(self._views.values()),
            **self._facts,
            records=records,
            skipped=skipped,
        )

    def news(self) -> bytes:
        """Return what has changed since, or a sign of life now and then, or nothing."""
        chunk = self._changes()
        if self._feed.last != self._given:
            records, skipped = self._next()
            chunk += _event("records", self._given, records=records, skipped=skipped)
        self._silence = 0 if chunk else self._silence + 1
        if self._silence == _MOMENTS_OF_SILENCE:
            self._silence, chunk = 0, b":\n\n"
        return chunk

    def _next(self) -> tuple[list[Mapping[str, Any]], int]:
        """Go on to what comes next, and count what is not there any more."""
        found, before = self._feed.after(self._given), self._given
        self._given = found[-1][0] if found else self._feed.last
        return self._told(found), self._given - before - len(found)

    def _told(self, found: list[tuple[int, Record]]) -> list[Mapping[str, Any]]:
        return [self._teller.line(number, record) for number, record in found]

    def _changes(self) -> bytes:
        before, self._views = self._views, self._board.views()
        facts_before, self._facts = self._facts, self._board.facts()
        if before is self._views and facts_before == self._facts:
            return b""
        changed = [view for key, view in self._views.items() if before.get(key) is not view]
        gone = [key for key in before if key not in self._views]
        if not changed and not gone and facts_before == self._facts:
            return b""
        return _event("state", None, changed=changed, gone=gone, **self._facts)


def _event(name: str, number: int | None, **data: object) -> bytes:
    identifier = "" if number is None else f"id: {number}\n"
    return f"{identifier}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
