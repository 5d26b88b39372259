"""What the asynchronous client waits with. `_blocking` is its partner: same names, for threads."""

import asyncio
import inspect
from collections.abc import Callable

__all__ = ["Lock", "call"]

Lock = asyncio.Lock


async def call(function: Callable[..., object], *args: object) -> object:
    """Call a function that may be asynchronous; one that is not runs in a thread of its own."""
    asynchronous = inspect.iscoroutinefunction(function)
    result = function(*args) if asynchronous else await asyncio.to_thread(function, *args)
    return await result if inspect.isawaitable(result) else result
