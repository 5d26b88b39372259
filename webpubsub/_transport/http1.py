"""HTTP/1.1 (RFC 9112) as bytes: how a request is written and a response is read. No socket and no clock in here.

A response is read whole and kept within bounds, whatever a server sends. What comes after its end is never taken for
the beginning of another one: such a connection is not used again.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

import httpx

from .failures import EncodedResponseError, ResponseTooLargeError

LARGEST_RESPONSE_BYTES = 16 * 1024 * 1024
_LARGEST_HEAD_BYTES = 64 * 1024
_LARGEST_LINE_BYTES = 1024
_LARGEST_FRAMING_BYTES = 1024 * 1024

_FRAMING = (b"content-length", b"transfer-encoding")
_NAME = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_HEAD = rb"%b [!-~]+ HTTP/1\.1\r\n(?:%b: [^\r\n\0]*\r\n)+\r\n" % (_NAME, _NAME)
_STATUS_LINE = rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\r\0]*))?"
_HEADER_LINE = rb"(%b):[ \t]*([^\r\0]*?)[ \t]*" % _NAME
_END_OF_HEAD = rb"\n\r?\n"
_FOLD = rb"\r?\n[ \t]+"
_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?"


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    """Compile a pattern when it is first used: an import needs none."""
    return re.compile(pattern)


def request_head(method: str, target: bytes, headers: list[tuple[bytes, bytes]], size: int) -> bytes:
    """Write the part of a request that comes before its body.

    Raises:
        httpx.LocalProtocolError: A character of the method, the URL or a header is not allowed there, or the headers
            do not announce a body of that size.
    """
    framing = [value for name, value in headers if name.lower() in _FRAMING]
    if framing != [b"%d" % size] and (framing or size):
        raise httpx.LocalProtocolError("the headers do not announce the body as it is")
    lines = [b"%s: %s\r\n" % header for header in headers]
    head = b"%s %s HTTP/1.1\r\n%s\r\n" % (method.encode("latin-1"), target, b"".join(lines))
    if head.count(b"\n") != len(headers) + 2 or not _compiled(_REQUEST_HEAD).fullmatch(head):
        raise httpx.LocalProtocolError("the request is not valid HTTP")
    return head


class ResponseReader:
    """Reads one response from what comes over a connection.

    Attributes:
        status_code: The status, once the head has been read.
        reason: The words after the status.
        headers: The headers as they came.
        content: The body as far as it has come.
    """

    def __init__(self, method: str) -> None:
        self.status_code = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.content = bytearray()
        self._method = method
        self._buffer = bytearray()
        self._searched = 0
        self._missing = 0
        self._framing_bytes = 0
        self._keep_alive = False
        self._step: Callable[[], bool] | None = self._read_head

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow on the connection: the response is whole, and nothing came after it."""
        return self._keep_alive and self._step is None and not self.has_surplus

    @property
    def has_surplus(self) -> bool:
        """Whether something came that does not belong to the response."""
        return bool(self._buffer)

    def receive(self, data: bytes) -> bool:
        """Take the next bytes, none at the end of the connection, and tell whether the response is whole.

        Raises:
            httpx.RemoteProtocolError: It is cut short, or not valid HTTP.
            httpx.RequestError: It is larger than any that the service gives, or it is compressed.
        """
        if not data:
            if self._step != self._read_rest:
                raise httpx.RemoteProtocolError("the connection ended before the response")
            self._step = None
        self._buffer += data
        while self._step is not None and self._step():
            pass
        return self._step is None

    def response(self) -> httpx.Response:
        """Return the response."""
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": self.reason}
        return httpx.Response(
            self.status_code, headers=self.headers, content=bytes(self.content), extensions=extensions
        )

    def _read_head(self) -> bool:
        end = _compiled(_END_OF_HEAD).search(self._buffer, max(0, self._searched - 2))
        self._searched = len(self._buffer)
        if (end.start() if end else self._searched) > _LARGEST_HEAD_BYTES:
            raise ResponseTooLargeError("the head of the response is too large")
        if end is None:
            return False
        head = bytes(self._buffer[: end.start()])
        del self._buffer[: end.end()]
        self._searched = 0
        first, *lines = _compiled(_FOLD).sub(b" ", head).split(b"\n")
        status = _compiled(_STATUS_LINE).fullmatch(first.removesuffix(b"\r"))
        headers = [_compiled(_HEADER_LINE).fullmatch(line.removesuffix(b"\r")) for line in lines]
        if status is None or None in headers or status[2] == b"101":
            raise httpx.RemoteProtocolError("the head of the response is not valid HTTP")
        if status[2] >= b"200":
            self.status_code, self.reason = int(status[2]), status[3] or b""
            self.headers = [(header[1], header[2]) for header in headers if header]
            self._step = self._framing(status[1] == b"1")
        return True

    def _framing(self, persistent: bool) -> Callable[[], bool] | None:
        """Find out where the body ends."""
        lengths, codings, connection, encodings = self._values(
            b"content-length", b"transfer-encoding", b"connection", b"content-encoding"
        )
        self._keep_alive = (persistent and b"close" not in connection) or b"keep-alive" in connection
        if self._method == "HEAD" or self.status_code in (204, 304) or self._is_tunnel():
            return None
        if set(encodings) - {b"identity"}:
            raise EncodedResponseError("the response is compressed, which was not asked for")
        if codings:
            if codings != [b"chunked"] or not persistent:
                raise httpx.RemoteProtocolError("the response has a transfer coding that was not asked for")
            self._keep_alive = self._keep_alive and not lengths
            return self._read_chunk_size
        if lengths:
            if len(set(lengths)) > 1 or not lengths[0].isdigit():
                raise httpx.RemoteProtocolError("the response has a Content-Length that is no number")
            if len(lengths[0]) > 20 or int(lengths[0]) > LARGEST_RESPONSE_BYTES:
                raise ResponseTooLargeError("the response is announced to be too large")
            self._missing = int(lengths[0])
            return self._read_length
        self._keep_alive = False
        return self._read_rest

    def _is_tunnel(self) -> bool:
        return self._method == "CONNECT" and self.status_code < 300

    def _values(self, *names: bytes) -> Iterable[list[bytes]]:
        named: dict[bytes, list[bytes]] = {name: [] for name in names}
        for name, value in self.headers:
            values = named.get(name.lower())
            if values is not None:
                values += [part.strip().lower() for part in value.split(b",")]
        return named.values()

    def _read_length(self) -> bool:
        self._take()
        if not self._missing:
            self._step = None
        return False

    def _read_rest(self) -> bool:
        self._missing = len(self._buffer)
        self._take()
        return False

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size = _compiled(_CHUNK_SIZE).fullmatch(line)
        if size is None:
            raise httpx.RemoteProtocolError("the response has a chunk without a size")
        self._missing = int(size[1], 16)
        self._step = self._read_chunk if self._missing else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take()
        if self._missing:
            return False
        line = self._line()
        if line:
            raise httpx.RemoteProtocolError("the response has a chunk of another size than announced")
        if line is not None:
            self._step = self._read_chunk_size
        return line is not None

    def _read_trailer(self) -> bool:
        line = self._line()
        if line == b"":
            self._step = None
        return bool(line)

    def _take(self) -> None:
        part = self._buffer[: self._missing]
        del self._buffer[: self._missing]
        self._missing -= len(part)
        self.content += part
        if len(self.content) > LARGEST_RESPONSE_BYTES:
            raise ResponseTooLargeError("the response is too large")

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if (
            len(self._buffer) if end < 0 else end
        ) > _LARGEST_LINE_BYTES or self._framing_bytes > _LARGEST_FRAMING_BYTES:
            raise ResponseTooLargeError("the response has too much around its body")
        if end < 0:
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._framing_bytes += end + 1
        return line
