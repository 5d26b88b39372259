"""Results in pages, as the official SDK gives them, over the pages of the native client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import AzureError

from ..._async import paging as native
from .._colours import AsyncPage

T = TypeVar("T")


class AsyncItems(AsyncItemPaged[T]):
    """The items of a list call. They can be iterated any number of times; each time starts anew."""

    def __init__(self, items: native.AsyncItemPaged[T], continuation_token: str | None = None) -> None:
        super().__init__()
        self._items = items
        self._start = continuation_token
        self._one_by_one: AsyncIterator[T] | None = None

    def by_page(self, continuation_token: str | None = None) -> AsyncPages[T]:  # type: ignore[override]
        """Iterate over pages, each of which can be iterated.

        Args:
            continuation_token: Where to go on: the `continuation_token` of an earlier iteration.
        """
        return AsyncPages(self._items.by_page(continuation_token or self._start))

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.by_page():
            async for item in page:
                yield item

    async def __anext__(self) -> T:
        if self._one_by_one is None:
            self._one_by_one = self.__aiter__()
        return await anext(self._one_by_one)


class AsyncPages(AsyncIterator[AsyncPage[T]], Generic[T]):
    """An iterator over pages.

    Attributes:
        continuation_token: Where the page after the last one begins; None before the first and after the last.
    """

    def __init__(self, pages: native.AsyncPages[T]) -> None:
        self._pages = pages

    @property
    def continuation_token(self) -> str | None:
        return self._pages.continuation_token

    async def __anext__(self) -> AsyncPage[T]:
        try:
            return AsyncPage(await anext(self._pages))
        except AzureError as error:
            error.continuation_token = error.continuation_token or self.continuation_token
            raise
