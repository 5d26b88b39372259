"""What the blocking client waits with and sends over. `asynchronous` is its partner: same names, for event loops."""

import inspect
import ssl
import threading
import time
from collections.abc import Callable

import httpx

__all__ = ["Lock", "call", "open_transport", "sleep"]

Lock = threading.Lock
sleep = time.sleep


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


def open_transport(verify: ssl.SSLContext | bool, proxy: str | None, limits: httpx.Limits) -> httpx.BaseTransport:
    """Make the transport that has the sockets."""
    return httpx.HTTPTransport(verify=verify, proxy=proxy, limits=limits)
