"""TLS contexts, and TLS inside of TLS for the way through a proxy.

Loading certificates costs milliseconds and a megabyte, so clients with the same settings share one context.
"""

import os
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import httpx

from ..errors import ConfigurationError

T = TypeVar("T")

_CHUNK_BYTES = 64 * 1024


class TlsInTls:
    """TLS over a socket that speaks TLS itself; what `ssl` wraps must be a plain one.

    Attributes:
        outer: The socket.
    """

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str) -> None:
        self.outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._exchange(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        """Return what has come, or nothing at the end of the connection."""
        try:
            return self._exchange(lambda: self._tls.read(size))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""

    def send(self, data: bytes | memoryview) -> int:
        """Send, and tell how many bytes were."""
        return self._exchange(lambda: self._tls.write(data))

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        self.send(data)

    def pending(self) -> int:
        """Tell how many bytes have come and wait to be read."""
        return self._tls.pending() + self._incoming.pending + self.outer.pending()

    def settimeout(self, seconds: float) -> None:
        """Say how long each of the others may take."""
        self.outer.settimeout(seconds)

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return self.outer.fileno()

    def close(self) -> None:
        """Close the socket."""
        self.outer.close()

    def _exchange(self, step: Callable[[], T]) -> T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
            else:
                self._flush()
                return result
            received = self.outer.recv(_CHUNK_BYTES)
            if received:
                self._incoming.write(received)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self.outer.sendall(self._outgoing.read())


def context(verify: ssl.SSLContext | bool | str) -> ssl.SSLContext:
    """Return the context that the option `connection_verify` asks for.

    Raises:
        ConfigurationError: It is a path, and no file with certificates is there.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        return _built_in(verify, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    try:
        file = os.stat(verify)
        return _from_file(verify, file.st_mtime_ns, file.st_size)
    except (OSError, ValueError):
        raise ConfigurationError("connection_verify is not the path of a file with certificates.") from None


@lru_cache(maxsize=8)
def _built_in(verify: bool, file: str | None, directory: str | None) -> ssl.SSLContext:  # noqa: ARG001
    return httpx.create_ssl_context(verify=verify)


@lru_cache(maxsize=8)
def _from_file(path: str, changed: int, size: int) -> ssl.SSLContext:  # noqa: ARG001
    return ssl.create_default_context(cafile=path)
