"""The records of the journal with numbers, as many as are kept, and where each viewer is in them.

A viewer has no queue of its own that could grow: it has the number of the last record that it was given. What was
dropped before it came is counted and told.
"""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from .._journal import EventRecord, FrameRecord, MessageRecord, Record, RequestRecord
from .connections import Board
from .records import Teller

__all__ = ["Feed", "Viewer"]

_MOST_KEPT = 5000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_AT_ONCE = 500
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
        """List the newest records behind a number, oldest first, as many as are given at once."""
        found: list[tuple[int, Record]] = []
        for item in reversed(self._kept):
            if item[0] <= number or len(found) == _MOST_AT_ONCE:
                break
            found.append(item)
        return found[::-1]

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
        return sorted([*self._frames.after(number), *self._others.after(number)], key=lambda item: item[0])

    def find(self, number: int) -> Record | None:
        """Return a record by its number; None if it is not kept any more."""
        return self._others.find(number) or self._frames.find(number)


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
        self._given = after if after is not None and 0 <= after <= feed.last else None
        self._views: Mapping[str, object] = {}
        self._facts: Mapping[str, object] = {}
        self._silence = 0

    def begin(self) -> bytes:
        """Return everything that there is, as an event of Server-Sent Events, and how soon to come back if it ends."""
        self._views, self._facts = self._board.views(), self._board.facts()
        beginning = self._given is None
        records, skipped = self._take(self._given or 0)
        return _RETRY + _event(
            "snapshot",
            self._feed.last,
            connections=list(self._views.values()),
            **self._facts,
            records=records,
            skipped=0 if beginning else skipped,
        )

    def news(self) -> bytes:
        """Return what has changed since, or a sign of life now and then, or nothing."""
        chunk = self._changes()
        if self._feed.last != self._given:
            records, skipped = self._take(self._given or 0)
            chunk += _event("records", self._feed.last, records=records, skipped=skipped)
        self._silence = 0 if chunk else self._silence + 1
        if self._silence == _MOMENTS_OF_SILENCE:
            self._silence, chunk = 0, b":\n\n"
        return chunk

    def _take(self, after: int) -> tuple[list[Mapping[str, Any]], int]:
        found, self._given = self._feed.after(after), self._feed.last
        return [self._teller.line(number, record) for number, record in found], self._feed.last - after - len(found)

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
