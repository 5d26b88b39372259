"""What the blocking client waits with and sends over. `asynchronous` is its partner: same names, for event loops."""

import inspect
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from .._loops import would_block
from ..errors import ConfigurationError
from .lifetimes import forget_after_fork
from .readiness import is_readable, wait
from .tls import TlsInTls

__all__ = ["Local", "Lock", "Places", "Stream", "call", "now", "open_stream", "sleep"]

T = TypeVar("T")
Lock = threading.Lock
now = time.monotonic
sleep = time.sleep

_CHUNK_BYTES = 64 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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


class Local(Generic[T]):
    """One value for each process: made when it is first asked for, by a forked child anew."""

    def __init__(self, make: Callable[[], T], end: Callable[[T], None] | None = None) -> None:
        self._make = make
        self._end = end
        self._lock = Lock()
        self._values: list[T] = []
        forget_after_fork(self)

    def get(self) -> T:
        """Return the value of this process."""
        if self._values:
            return self._values[0]
        with self._lock:
            if not self._values:
                self._values.append(self._make())
            return self._values[0]

    def end(self) -> None:
        """End the value."""
        with self._lock:
            values, self._values = self._values, []
        for value in values:
            if self._end is not None:
                self._end(value)

    def forget(self) -> None:
        """Start anew in a forked child, where a lock may be held by a thread that does not exist."""
        self._lock = Lock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # to end them in order would end the parent's
            self._values = []


class Places:
    """A number of places; who finds none free waits."""

    def __init__(self, most: int) -> None:
        self._places = threading.Semaphore(most)

    def take(self, deadline: float) -> None:
        """Take a place.

        Raises:
            TimeoutError: There was none until the deadline.
        """
        if not self._places.acquire(blocking=False) and not self._places.acquire(timeout=_remaining(deadline)):
            raise TimeoutError

    def give(self) -> None:
        """Give a place back."""
        self._places.release()


class Stream:
    """One connection, as bytes in both directions."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket: socket.socket | TlsInTls = connected
        self._early: bytes | None = None

    def is_quiet(self) -> bool:
        """Tell whether the server has sent nothing more, not even the end of the connection."""
        pending = isinstance(self._socket, (ssl.SSLSocket, TlsInTls)) and self._socket.pending()
        return not (pending or is_readable(self._socket.fileno()))

    def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        """Encrypt from now on; the server must prove that it is the host."""
        self._socket.settimeout(_remaining(deadline))
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket = TlsInTls(self._socket, context, host)
        elif isinstance(self._socket, socket.socket):
            self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def send(self, data: bytes, deadline: float) -> bool:
        """Send, and tell whether all was sent: a server that responds before that, or hangs up, gets no more.

        Raises:
            OSError: The connection broke.
            TimeoutError: The server has not taken it until the deadline.
        """
        self._socket.settimeout(_remaining(deadline))
        if len(data) <= _CHUNK_BYTES:
            self._socket.sendall(data)
            return True
        rest = memoryview(data)
        while rest:
            wait(self._socket.fileno(), _remaining(deadline))
            if self._has_response():
                return False
            self._socket.settimeout(_remaining(deadline))
            rest = rest[self._socket.send(rest[:_CHUNK_BYTES]) :]
        return True

    def receive(self, deadline: float) -> bytes:
        """Return what has come, or nothing at the end of the connection.

        Raises:
            OSError: The connection broke.
            TimeoutError: Nothing came until the deadline.
        """
        if self._early is not None:
            data, self._early = self._early, None
            return data
        self._socket.settimeout(_remaining(deadline))
        return self._socket.recv(_CHUNK_BYTES)

    def close(self) -> None:
        """End the connection at once."""
        self._socket.close()

    def interrupt(self) -> None:
        """End the connection that another thread is using: that thread closes it."""
        with suppress(OSError):
            outer = self._socket.outer if isinstance(self._socket, TlsInTls) else self._socket
            socket.socket.shutdown(outer, socket.SHUT_RDWR)

    def _has_response(self) -> bool:
        """Tell whether the server has begun to respond; what is readable may also be a matter of TLS alone."""
        if not is_readable(self._socket.fileno()):
            return False
        self._socket.settimeout(0)
        with suppress(BlockingIOError, ssl.SSLWantReadError):
            self._early = self._socket.recv(_CHUNK_BYTES)
        return self._early is not None


def open_stream(host: str, port: int, deadline: float) -> Stream:
    """Connect.

    Raises:
        ConfigurationError: The server is in the event loop that this call would block.
        OSError: There is no connection.
        TimeoutError: There was none until the deadline.
    """
    if host in _LOOPBACK and would_block(port):
        raise ConfigurationError(
            "The emulator runs in the event loop of this thread, which a blocking call would stop: use webpubsub.aio "
            "here, or start the emulator with `with Emulator()`, which gives it a thread of its own."
        )
    failure: OSError = ConnectionError("the host has no address")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_remaining(deadline) / (len(addresses) - tried))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return Stream(connection)
    raise failure


def _remaining(deadline: float) -> float:
    """Return how long an operation may still take.

    Raises:
        TimeoutError: No longer at all.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
