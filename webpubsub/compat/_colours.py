"""What the two clients call by different names: pages of results, and methods that take any keyword."""

from collections.abc import AsyncIterator, Callable
from types import CoroutineType
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Doing: TypeAlias = Callable[..., None]
AsyncDoing: TypeAlias = "Callable[..., CoroutineType[Any, Any, None]]"

Asking: TypeAlias = Callable[..., bool]
AsyncAsking: TypeAlias = "Callable[..., CoroutineType[Any, Any, bool]]"

Page = list


class AsyncPage(list[T]):
    """A list that `async for` takes, too, as the official SDK wants it."""

    async def __aiter__(self) -> AsyncIterator[T]:
        for item in self:
            yield item
