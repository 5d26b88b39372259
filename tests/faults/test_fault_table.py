"""What a caller sees when the network or the service fails, and what the service sees, over all three transports."""

import gc
import logging
import pickle
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest
import trustme

from webpubsub import (
    AuthenticationError,
    AzureKeyCredential,
    RetryPolicy,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
    WebPubSubError,
)
from webpubsub.tokens import InvalidTokenError, verify

from .clients import KEY, Calls, connect
from .server import ACCEPTED, Behaviour, Connection, Server, answer, answering

__all__ = ["connect"]

TRIES = RetryPolicy(attempts=2, base_delay_seconds=0)
TINY = 0.1
VERIFY = ssl.create_default_context()
MEBIBYTE = 1024 * 1024
EMPTY_PAGE = answer("200 OK", b'{"value":[]}', "Content-Type: application/json")
Connect = Callable[..., Calls]


async def reset_before_reading(connection: Connection) -> None:
    await connection.read_part(1)
    connection.reset()


async def reset_during_the_request(connection: Connection) -> None:
    await connection.read_part(64)
    connection.reset()


async def reset_after_the_request(connection: Connection) -> None:
    await connection.read_request()
    connection.reset()


async def hang_up_after_the_request(connection: Connection) -> None:
    await connection.read_request()
    connection.close()


def and_then_silence(part: bytes) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(part)

    return behave


def and_then_the_end(part: bytes) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(part)
        connection.close()

    return behave


def pouring(head: bytes, chunk: bytes, times: int) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(head)
        for _ in range(times):
            await connection.send(chunk)
        connection.close()

    return behave


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        behaviour: What the server does.
        raised: The class of the error, None for success; for a broadcast and for a list.
        having: Attributes of the error.
        post: How many broadcasts the server gets to see.
        get: How many lists the server gets to see.
        retries: How many retries there are of a broadcast and of a list.
    """

    behaviour: Behaviour
    raised: type[WebPubSubError]
    having: Mapping[str, object]
    post: int
    get: int
    retries: tuple[int, int]
    options: Mapping[str, Any] = field(default_factory=dict)


def unanswered(behaviour: Behaviour, reason: str, *, seen: int = 1, **options: float) -> Row:
    return Row(
        behaviour, TransportError, {"maybe_sent": True, "reason": reason}, seen, 2 * seen, (0, 1), options
    )


def answered(raw: bytes, raised: type[ServiceError], retries: tuple[int, int], **having: object) -> Row:
    return Row(answering(raw), raised, having, 1 + retries[0], 1 + retries[1], retries)


BROKE = r"the connection broke|the answer is cut short or not valid HTTP"
LATE = "the answer took too long"
CUT = "the answer is cut short or not valid HTTP"
LARGE = "the answer is larger than 16 MiB"
IN_AN_HOUR = formatdate(time.time() + 3600, usegmt=True)
SMALL_MEGABYTE = b"10000\r\n" + bytes(65536) + b"\r\n"

ROWS = {
    "reset before the request": unanswered(reset_before_reading, BROKE, seen=0),
    "reset during the request": unanswered(reset_during_the_request, BROKE, seen=0),
    "reset after the request": unanswered(reset_after_the_request, BROKE),
    "hang-up after the request": unanswered(hang_up_after_the_request, CUT),
    "no headers": unanswered(and_then_silence(b""), LATE, read_timeout=TINY),
    "slow headers": unanswered(and_then_silence(b"HTTP/1.1 200 OK\r\nContent-"), LATE, read_timeout=TINY),
    "slow body": unanswered(
        and_then_silence(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"val'), LATE, read_timeout=TINY
    ),
    "truncated headers": unanswered(and_then_the_end(b"HTTP/1.1 200 OK\r\nContent-"), CUT),
    "truncated body": unanswered(and_then_the_end(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"val'), CUT),
    "truncated chunk": unanswered(and_then_the_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), CUT),
    "Content-Length that is no number": unanswered(
        and_then_the_end(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"), CUT
    ),
    "not HTTP": unanswered(and_then_the_end(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), CUT),
    "50 MB, announced": Row(
        pouring(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n", bytes(65536), 800),
        TransportError, {"maybe_sent": True, "reason": LARGE}, 1, 1, (0, 0),
    ),
    "50 MB, in chunks": Row(
        pouring(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", SMALL_MEGABYTE, 800),
        TransportError, {"maybe_sent": True, "reason": LARGE}, 1, 1, (0, 0),
    ),
    "50 MB, until the end": Row(
        pouring(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536), 800),
        TransportError, {"maybe_sent": True, "reason": LARGE}, 1, 1, (0, 0),
    ),
    "400": answered(answer("400 Bad Request"), ServiceError, (0, 0), status=400),
    "408": answered(answer("408 Request Timeout"), ServiceError, (0, 1), status=408),
    "500": answered(answer("500 Internal Server Error"), ServiceUnavailableError, (0, 1), status=500),
    "502 of a gateway": answered(
        answer("502 Bad Gateway", b"<html>", "Content-Type: text/html"), ServiceUnavailableError, (0, 1),
        status=502, message="an HTML page, which comes from a gateway or another server than the service",
    ),
    "503": answered(answer("503 Service Unavailable"), ServiceUnavailableError, (1, 1), status=503),
    "504": answered(answer("504 Gateway Timeout"), ServiceUnavailableError, (0, 1), status=504),
    "429": answered(answer("429 Too Many Requests"), ThrottledError, (1, 1), status=429, retry_after=None),
    "429, wait 0 s": answered(
        answer("429 Too Many Requests", b"", "Retry-After: 0"), ThrottledError, (1, 1), retry_after=0.0
    ),
    "429, wait until yesterday": answered(
        answer("429 Too Many Requests", b"", "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT"),
        ThrottledError, (1, 1), retry_after=0.0,
    ),
    "429, wait an hour": answered(
        answer("429 Too Many Requests", b"", "Retry-After: 3600"), ThrottledError, (0, 0), retry_after=3600.0
    ),
    "429, wait until in an hour": answered(
        answer("429 Too Many Requests", b"", f"Retry-After: {IN_AN_HOUR}"), ThrottledError, (0, 0), status=429
    ),
    "503, wait an hour": answered(
        answer("503 Service Unavailable", b"", "Retry-After: 3600"), ServiceUnavailableError, (0, 0), retry_after=3600.0
    ),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("name", ROWS)
def test_fault(connect: Connect, caplog: pytest.LogCaptureFixture, name: str, method: str) -> None:
    """Each fault has its error, is retried only where that is safe, and leaves nothing behind."""
    row = ROWS[name]
    with Server(row.behaviour) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY, **row.options)
        with pytest.raises(row.raised) as caught:
            getattr(calls, method)()
        calls.close()
        server.wait_until_all_left()

    error = caught.value
    for attribute, expected in row.having.items():
        matches = re.fullmatch(expected, getattr(error, attribute)) if attribute == "reason" else None
        assert matches or getattr(error, attribute) == expected
    assert len(server.requests) == getattr(row, method)
    assert [record.levelname for record in caplog.records if record.name.startswith("azure")] == ["WARNING"] * (
        row.retries[method == "get"]
    )
    assert server.bytes_sent < 24 * MEBIBYTE
    assert_presentable(error)


def assert_presentable(error: WebPubSubError) -> None:
    """One line, without the key and without a token, that names the request and survives pickling."""
    assert "\n" not in str(error)
    assert KEY not in repr(error)
    assert "eyJ" not in repr(error)
    assert re.search(r"\(request [0-9a-f-]{36}\)$", str(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
