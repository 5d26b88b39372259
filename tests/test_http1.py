"""Requests and responses as bytes: what is written, what is read, and what is refused. No socket."""

import random
import tracemalloc
from collections.abc import Iterable

import httpx
import pytest

from webpubsub._transport.failures import EncodedResponseError, ResponseTooLargeError
from webpubsub._transport.http1 import LARGEST_RESPONSE_BYTES, ResponseReader, request_head

from .support.tables import every_row

OK = b"HTTP/1.1 200 OK\r\n"
INFORMATION = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*pieces: bytes, method: str = "GET") -> ResponseReader:
    """Read pieces of a whole response."""
    reader = ResponseReader(method)
    whole = [reader.receive(piece) for piece in pieces]
    assert whole == [False] * (len(pieces) - 1) + [True]
    return reader


WHOLE: list[tuple[str, bytes, int, bytes, bool]] = [
    ("GET", OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("GET", b"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", 202, b"", True),
    ("GET", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi", True),
    ("GET", OK + b"Content-Length: 2, 2\r\n\r\nhi", 200, b"hi", True),
    ("GET", OK + b"Content-Length: 2\r\ncontent-length: 2\r\n\r\nhi", 200, b"hi", True),
    ("GET", OK + b"Content-Length: 2\r\nConnection: Close\r\n\r\nhi", 200, b"hi", False),
    ("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    ("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", 200, b"hi", True),
    ("GET", CHUNKED + b"2\r\nhi\r\nA;name=value\r\n0123456789\r\n0\r\n\r\n", 200, b"hi0123456789", True),
    ("GET", CHUNKED + b"2\r\nhi\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", 200, b"hi", True),
    ("GET", OK + b"Transfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, b"hi", False),
    ("GET", INFORMATION + OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    ("HEAD", OK + b"Content-Length: 7\r\nContent-Encoding: gzip\r\n\r\n", 200, b"", True),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b"", True),
    ("CONNECT", b"HTTP/1.0 200 Connection established\r\n\r\n", 200, b"", False),
    ("GET", OK + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("GET", OK + b"X: a\r\n  b\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
]  # fmt: skip


@pytest.mark.parametrize(("method", "raw", "status", "content", "keep_alive"), WHOLE)
def test_a_whole_response(method: str, raw: bytes, status: int, content: bytes, keep_alive: bool) -> None:
    """In one piece, in any two pieces, and byte by byte, it is the same."""
    splits = [[raw], [raw[at : at + 1] for at in range(len(raw))]]
    splits += [[raw[:at], raw[at:]] for at in range(1, len(raw))]

    for pieces in splits:
        reader = read(*pieces, method=method)
        assert (reader.status_code, bytes(reader.content), reader.keep_alive) == (status, content, keep_alive)
        assert reader.response().content == content


def test_headers_come_as_they_are() -> None:
    """Spaces around a value are no part of it; a value that goes on in the next line is one value."""
    response = read(
        OK + b"X-One:  a \t\r\nx-two:\r\nX-One: b,c\r\nX-Fold: a\r\n\tb\r\nContent-Length: 0\r\n\r\n"
    ).response()

    assert response.headers.multi_items() == [
        ("x-one", "a"),
        ("x-two", ""),
        ("x-one", "b,c"),
        ("x-fold", "a b"),
        ("content-length", "0"),
    ]
    assert response.reason_phrase == "OK"


def test_a_response_may_last_until_the_end_of_the_connection() -> None:
    """Such a connection has no second one."""
    reader = read(OK + b"\r\nhel", b"lo", b"")

    assert (bytes(reader.content), reader.keep_alive) == (b"hello", False)


SURPLUS = [
    ("GET", OK + b"Content-Length: 2\r\n\r\nhi" + OK),
    ("HEAD", OK + b"Content-Length: 2\r\n\r\nhi"),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\nx"),
    ("GET", CHUNKED + b"0\r\n\r\n\r\n"),
]


@pytest.mark.parametrize(("method", "raw"), SURPLUS)
def test_a_connection_with_surplus_bytes_is_used_up(method: str, raw: bytes) -> None:
    """They are no part of this response, and nobody takes them for the next."""
    reader = read(raw, method=method)

    assert reader.has_surplus
    assert not reader.keep_alive


INVALID = [
    b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    b"\r\n\r\n",
    b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 099 No\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    OK + b"No colon\r\n\r\n",
    OK + b"Space : x\r\n\r\n",
    OK + b": x\r\n\r\n",
    OK + b"X: a\0b\r\n\r\n",
    OK + b"X: a\rb\r\n\r\n",
    OK + b"Content-Length: many\r\n\r\n",
    OK + b"Content-Length: -1\r\n\r\n",
    OK + b"Content-Length: 1, 2\r\n\r\n",
    OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    OK + b"Content-Length:\r\n\r\n",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK + b"Transfer-Encoding: identity\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    CHUNKED + b"x\r\n",
    CHUNKED + b"\r\n",
    CHUNKED + b"-1\r\n",
    CHUNKED + b"0x1\r\n",
    CHUNKED + b"11111111111111111\r\n",
    CHUNKED + b"1\r\nab\r\n",
]


@every_row("raw", INVALID)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    """Never read as something else; the error does not repeat it."""
    with pytest.raises(httpx.RemoteProtocolError) as refused:
        ResponseReader("GET").receive(raw)

    assert raw.decode("latin-1") not in str(refused.value)


@pytest.mark.parametrize(("method", "raw", "status", "content", "keep_alive"), WHOLE)
def test_a_connection_that_ends_early(method: str, raw: bytes, status: int, content: bytes, keep_alive: bool) -> None:
    """After any byte but the last, the response is cut short."""
    for at in range(len(raw)):
        reader = ResponseReader(method)
        if at:
            assert not reader.receive(raw[:at])
        with pytest.raises(httpx.RemoteProtocolError):
            reader.receive(b"")


def endless(first: bytes, piece: bytes) -> Iterable[bytes]:
    """Come up with more than anybody wants."""
    yield first
    for _ in range(2 * LARGEST_RESPONSE_BYTES // len(piece)):
        yield piece


TOO_LARGE = {
    "announced": [OK + b"Content-Length: 16777217\r\n\r\n"],
    "announced by very many digits": [OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"],
    "in chunks": endless(CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n"),
    "in one chunk": endless(CHUNKED + b"ffffffff\r\n", bytes(65536)),
    "in chunks, with a length": endless(
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n"
    ),
    "until the end": endless(OK + b"\r\n", bytes(65536)),
    "in headers": endless(OK, b"X: " + b"a" * 4000 + b"\r\n"),
    "in one header": endless(OK + b"X: ", b"a" * 4000),
    "in a size of a chunk": endless(CHUNKED + b"1;", b"a" * 4000),
    "in trailers": endless(CHUNKED + b"0\r\n", b"X: " + b"a" * 500 + b"\r\n"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_has_no_end_is_given_up(name: str) -> None:
    """Within bounds of memory, too."""
    reader = ResponseReader("GET")
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            any(reader.receive(piece) for piece in TOO_LARGE[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * LARGEST_RESPONSE_BYTES


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"gzip, gzip, gzip", b"identity, deflate"])
def test_what_is_compressed_is_refused(coding: bytes) -> None:
    """Nobody asked for it, and a few bytes of it can be gigabytes."""
    with pytest.raises(EncodedResponseError):
        ResponseReader("GET").receive(OK + b"Content-Encoding: " + coding + b"\r\nContent-Length: 2\r\n\r\nxx")


def test_any_bytes_end_in_a_response_or_in_an_error() -> None:
    """A thousand mutations of valid responses; nothing else than the documented errors comes out."""
    chance = random.Random(20241201)
    alphabet = b"0129afHTP/.:;, \t\r\n\0\xffgzipchunkedContent-LengthTransfer-Encoding"
    for _ in range(1000):
        method, raw, *_ = chance.choice(WHOLE)
        mutated = bytearray(raw)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(mutated) + 1)
            mutated[at : at + chance.randint(0, 3)] = bytes(chance.choices(alphabet, k=chance.randint(0, 4)))
        reader = ResponseReader(method)
        try:
            if (mutated and reader.receive(bytes(mutated))) or reader.receive(b""):
                reader.response()
        except httpx.RequestError:
            continue


def test_a_request_is_written_as_it_is() -> None:
    """Line by line, in the order and the case of the headers."""
    head = request_head(
        "POST", b"/api?x=%27", [(b"Host", b"example.com"), (b"x-Note", b"\xe9"), (b"Content-Length", b"2")], 2
    )

    assert head == b"POST /api?x=%27 HTTP/1.1\r\nHost: example.com\r\nx-Note: \xe9\r\nContent-Length: 2\r\n\r\n"


HOST = (b"Host", b"example.com")
NOT_SENT: list[tuple[str, bytes, list[tuple[bytes, bytes]], int]] = [
    ("GET", b"/a b", [HOST], 0),
    ("GET", b"/\r\nX: y", [HOST], 0),
    ("GET", b"/\xe9", [HOST], 0),
    ("GE T", b"/", [HOST], 0),
    ("", b"/", [HOST], 0),
    ("GET", b"/", [HOST, (b"X", b"a\r\nY: b")], 0),
    ("GET", b"/", [HOST, (b"X", b"a\nb")], 0),
    ("GET", b"/", [HOST, (b"X", b"a\0b")], 0),
    ("GET", b"/", [HOST, (b"X Y", b"a")], 0),
    ("GET", b"/", [HOST, (b"X:", b"a")], 0),
    ("GET", b"/", [HOST, (b"", b"a")], 0),
    ("POST", b"/", [HOST], 2),
    ("POST", b"/", [HOST, (b"Content-Length", b"1")], 2),
    ("POST", b"/", [HOST, (b"Content-Length", b"2"), (b"content-length", b"2")], 2),
    ("POST", b"/", [HOST, (b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")], 2),
]


@pytest.mark.parametrize(("method", "target", "headers", "size"), NOT_SENT)
def test_a_request_that_would_be_read_as_another_is_not_written(
    method: str, target: bytes, headers: list[tuple[bytes, bytes]], size: int
) -> None:
    """Nothing that a caller gives can begin a header or a request of its own."""
    with pytest.raises(httpx.LocalProtocolError):
        request_head(method, target, headers, size)
