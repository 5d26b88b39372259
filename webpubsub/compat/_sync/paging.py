"""Results in pages, as the official SDK gives them, over the pages of the native client."""
# Rendered by codegen.py from webpubsub/compat/_async/paging.py. Do not edit: change that file and run `python codegen.py`.
from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from azure.core.paging import ItemPaged
from azure.core.exceptions import AzureError

from ..._sync import paging as native
from .._colours import Page

T = TypeVar("T")


class Items(ItemPaged[T]):
    """The items of a list call. They can be iterated any number of times; each time starts anew."""

    def __init__(self, items: native.ItemPaged[T], continuation_token: str | None = None) -> None:
        super().__init__()
        self._items = items
        self._start = continuation_token
        self._one_by_one: Iterator[T] | None = None

    def by_page(self, continuation_token: str | None = None) -> Pages[T]:  # type: ignore[override]
        """Iterate over pages, each of which can be iterated.

        Args:
            continuation_token: Where to go on: the `continuation_token` of an earlier iteration.
        """
        return Pages(self._items.by_page(continuation_token or self._start))

    def __iter__(self) -> Iterator[T]:
        for page in self.by_page():
            for item in page:
                yield item

    def __next__(self) -> T:
        if self._one_by_one is None:
            self._one_by_one = self.__iter__()
        return next(self._one_by_one)


class Pages(Iterator[Page[T]], Generic[T]):
    """An iterator over pages.

    Attributes:
        continuation_token: Where the page after the last one begins; None before the first and after the last.
    """

    def __init__(self, pages: native.Pages[T]) -> None:
        self._pages = pages

    @property
    def continuation_token(self) -> str | None:
        return self._pages.continuation_token

    def __next__(self) -> Page[T]:
        try:
            return Page(next(self._pages))
        except AzureError as error:
            error.continuation_token = error.continuation_token or self.continuation_token
            raise
