"""Running a coroutine that Ctrl-C ends, whenever it comes."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["run"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run as `asyncio.run` does, whose loop overlooks an interrupt that comes just before it begins to wait.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """

    async def wakeful() -> T:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # on Windows, and in other threads
                asyncio.get_running_loop().add_signal_handler(signal.SIGINT, handler, signal.SIGINT, None)
        return await main

    return asyncio.run(wakeful())
