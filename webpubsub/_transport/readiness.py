"""Asking the operating system about a socket, without waiting for long."""

import select

_HAS_POLL = hasattr(select, "poll")  # Windows has not


def is_readable(descriptor: int) -> bool:
    """Tell whether there is something to read, the end of the connection included."""
    if _HAS_POLL:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])


def wait(descriptor: int, seconds: float) -> None:
    """Wait until something can be read or written."""
    if _HAS_POLL:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLOUT)
        poll.poll(1000 * seconds)
    else:
        select.select([descriptor], [descriptor], [], seconds)
