"""Which ports of this machine are served by event loops of this process.

A blocking call from inside of such a loop to a server in the same loop would wait for itself until its time is over.
"""

import sys

_served: dict[int, object] = {}


def is_serving(port: int, loop: object) -> None:
    """Say that an event loop serves a port."""
    _served[port] = loop


def is_no_longer_serving(port: int) -> None:
    """Say that nobody serves a port any more."""
    _served.pop(port, None)


def would_block(port: int) -> bool:
    """Tell whether a server on this machine would be blocked by a call that blocks this thread."""
    if port not in _served:
        return False
    try:
        return _served[port] is sys.modules["asyncio"].get_running_loop()
    except RuntimeError:
        return False
