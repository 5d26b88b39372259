"""What the blocking client waits with. `_awaiting` is its partner: same names, for event loops."""

import inspect
import threading
from collections.abc import Callable

__all__ = ["Lock", "call"]

Lock = threading.Lock


def call(function: Callable[..., object], *args: object) -> object:
    """Call a function that must not be asynchronous.

    Raises:
        TypeError: The function returned a coroutine.
    """
    result = function(*args)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("The credential is asynchronous: use it with webpubsub.aio, or pass its synchronous twin.")
    return result
