"""Results that come in pages: items one by one, or a page at a time with a token to go on from later."""

from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

from .. import _checks
from ..errors import ServiceError

T = TypeVar("T")


class Fetch(Protocol[T]):
    """Fetches one page: None asks for the first. Returns its items, and the token of the next page if there is one."""

    async def __call__(self, token: str | None, /) -> tuple[list[T], str | None]: ...


class AsyncItemPaged(Generic[T]):
    """The items of a list call, fetched page by page as they are needed.

    It can be iterated any number of times; each time starts anew.

    Example:
        >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        ...     async for member in service.list_connections("room"):
        ...         print(member.connection_id, member.user_id)
    """

    def __init__(self, fetch: Fetch[T]) -> None:
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.by_page():
            for item in page:
                yield item

    def by_page(self, continuation_token: str | None = None) -> "AsyncPages[T]":
        """Iterate over pages, each a list of items.

        Args:
            continuation_token: Where to go on: the `continuation_token` of an earlier iteration. None starts with
                the first page.

        Raises:
            ConfigurationError: The token cannot be sent.
            TypeError: The token is not a str.
        """
        return AsyncPages(self._fetch, _checks.optional_text(continuation_token, "continuation_token"))


class AsyncPages(Generic[T]):
    """An iterator over pages.

    Example:
        >>> async with WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service:
        ...     pages = service.list_connections("room", max_page_size=100).by_page()
        ...     async for page in pages:
        ...         print(len(page), pages.continuation_token)
        0 None

    Attributes:
        continuation_token: Where the page after the last one begins: a str to keep and to give to `by_page` later,
            in another process even. It is None before the first page and after the last.
    """

    def __init__(self, fetch: Fetch[T], continuation_token: str | None) -> None:
        self._fetch = fetch
        self._ended = False
        self._listed = {"", continuation_token}
        self.continuation_token = continuation_token

    def __aiter__(self) -> "AsyncPages[T]":
        return self

    async def __anext__(self) -> list[T]:
        if self._ended:
            raise StopAsyncIteration
        page, following = await self._fetch(self.continuation_token)
        if following is not None and following in self._listed:
            message = "the next page is empty, or one that was listed before; the list would have no end"
            raise ServiceError("list_connections_in_group", 200, None, message)
        self._listed.add(following)
        self.continuation_token = following
        self._ended = following is None
        return page
