"""Pages of results: lists in the synchronous client, and lists that can be iterated asynchronously in the other."""

from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")

Page = list


class AsyncPage(list[T]):
    """A list that `async for` takes, too, as the official SDK wants it."""

    async def __aiter__(self) -> AsyncIterator[T]:
        for item in self:
            yield item
