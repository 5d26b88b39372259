"""What a server cannot do: pass off a response as another's, hold a call for ever, fill the memory, learn a secret."""

import gzip
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trustme

from webpubsub import (
    AuthenticationError,
    PayloadTooLargeError,
    RetryPolicy,
    ServiceError,
    ServiceUnavailableError,
    TransportError,
    WebPubSubError,
)

from ..support.clients import KEY, Calls, connect
from ..support.server import ACCEPTED, Behaviour, Connection, Server, answer, answering

__all__ = ["connect"]

ONCE = RetryPolicy.none()
TINY = 0.2
MEBIBYTE = 1024 * 1024
EMPTY_PAGE = answer("200 OK", b'{"value":[]}', "Content-Type: application/json")
NOT_FOUND = answer("404 Not Found")
Connect = Callable[..., Calls]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
def tls(request: pytest.FixtureRequest, authority: trustme.CA) -> "Tls":
    """What the server and the client of a test encrypt with."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return (server if request.param == "https" else None), client


Tls = tuple[ssl.SSLContext | None, ssl.SSLContext]


async def surplus_with_the_response(connection: Connection, response: bytes, surplus: bytes) -> None:
    await connection.send(response + surplus)


async def surplus_after_the_response(connection: Connection, response: bytes, surplus: bytes) -> None:
    await connection.send(response)
    await connection.send(surplus)


SURPLUS = [surplus_with_the_response, surplus_after_the_response]


@pytest.mark.parametrize("sending", SURPLUS, ids=["at once", "afterwards"])
def test_a_response_that_nobody_asked_for_is_nobodys(
    connect: Connect, sending: Callable[[Connection, bytes, bytes], Awaitable[None]], tls: Tls
) -> None:
    """What comes beyond a response is not taken for the next: the connection is not used again."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await sending(connection, ACCEPTED, NOT_FOUND)
        sent.set()

    sent = threading.Event()
    with Server(behave, tls[0]) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_verify=tls[1])
        for _ in range(5):
            calls.post()
            assert sent.wait(10)
            sent.clear()
        calls.close()
        server.wait_until_all_left()
    assert len(server.requests) == len(server.connections) == 5


def test_a_response_to_head_with_a_body(connect: Connect, tls: Tls) -> None:
    """The body is no response to the send that follows, which was accepted once."""

    async def behave(connection: Connection) -> None:
        while True:
            request = await connection.read_request()
            await connection.send(answer("404 Not Found", b"nobody") if request.method == "HEAD" else ACCEPTED)

    with Server(behave, tls[0]) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_verify=tls[1])
        for _ in range(3):
            assert not calls.exists()
            calls.post()
        calls.close()
        server.wait_until_all_left()
    assert [request.method for request in server.requests] == ["HEAD", "POST"] * 3


def every(seconds: float, piece: bytes, head: bytes = b"") -> Behaviour:
    """Send a little now and then, without end."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(head)
        while True:
            await connection.send(piece)
            await connection.wait(seconds)

    return behave


NEVER_ENDING = {
    "a header now and then": every(TINY / 4, b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"),
    "a byte now and then": every(TINY / 4, b" ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
    "a chunk now and then": every(TINY / 4, b"1\r\n \r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "100 Continue, then nothing": every(60, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue now and then": every(TINY / 4, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints now and then": every(TINY / 4, b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
}


@pytest.mark.parametrize("name", NEVER_ENDING)
def test_an_attempt_has_an_end(connect: Connect, name: str) -> None:
    """Whatever the server sends meanwhile, a call does not go on for ever."""
    with Server(NEVER_ENDING[name]) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_timeout=TINY, read_timeout=TINY)
        started = time.monotonic()
        with pytest.raises(TransportError, match="the response took too long") as caught:
            calls.post()
        assert time.monotonic() - started < 10 * TINY
        calls.close()
        server.wait_until_all_left()
    assert caught.value.maybe_sent


def squeezed(times: int) -> bytes:
    content = bytes(64 * MEBIBYTE)
    for _ in range(times):
        content = gzip.compress(content)
    return answer("200 OK", content, "Content-Encoding: " + ", ".join(["gzip"] * times))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_compressed_response_is_refused(connect: Connect, times: int) -> None:
    """Nobody asked for it; it is not inflated, so that a few bytes cannot become gigabytes."""
    with Server(answering(squeezed(times))) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises(TransportError, match="the response is compressed, which was not asked for") as caught:
            calls.get()
        calls.close()
        server.wait_until_all_left()
    assert caught.value.maybe_sent
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_length_beside_chunks_does_not_switch_the_limit_off(connect: Connect) -> None:
    """What counts is what comes."""
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"

    async def pour(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await connection.send(chunk)

    with Server(pour) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises(TransportError, match=r"too large|not valid HTTP"):
            calls.get()
        calls.close()
        server.wait_until_all_left()
    assert server.bytes_sent < 32 * MEBIBYTE


async def stays(connection: Connection) -> None:
    await connection.wait_for_release()


async def reads_on(connection: Connection) -> None:
    await connection.wait_until_client_leaves()


@pytest.mark.parametrize("then", [stays, reads_on, Connection.abort])
def test_a_refusal_that_comes_before_a_large_body_is_read(connect: Connect, tls: Tls, then: Behaviour) -> None:
    """The service says 413 while the body is under way, and reads no more, the rest, or hangs up: it is the 413."""

    async def refuse(connection: Connection) -> None:
        await connection.read_part(1000)
        await connection.send(answer("413 Payload Too Large", b"", "Connection: close"))
        await then(connection)

    with Server(refuse, tls[0]) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_verify=tls[1])
        for _ in range(4):
            with pytest.raises(PayloadTooLargeError):
                calls.call_raw(bytes(20 * MEBIBYTE))
        calls.close()


def test_tls_that_breaks_after_the_handshake(connect: Connect, authority: trustme.CA) -> None:
    """It is a broken connection like any other, and not an exception of `ssl`."""
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)

    async def break_off(connection: Connection) -> None:
        await connection.read_request()
        connection.send_unencrypted(b"\x17\x03\x03\x00\x20" + bytes(32))
        await connection.abort()

    with Server(break_off, server_tls) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_verify=client_tls)
        with pytest.raises(TransportError) as caught:
            calls.post()
        calls.close()
    assert caught.value.maybe_sent
    assert_no_secret(caught.value)


NOT_HTTP = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70000,
    "another protocol to switch to": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_no_exception_on_the_way_holds_the_credential(connect: Connect, name: str) -> None:
    """Causes and contexts too: an error handler that prints the chain prints neither key nor token."""

    async def misbehave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(NOT_HTTP[name])
        await connection.close()

    with Server(misbehave) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises(WebPubSubError) as caught:
            calls.get()
        calls.close()
    assert_no_secret(caught.value)


def assert_no_secret(error: BaseException) -> None:
    """Look at every exception of a chain, and at what Python prints for it."""
    pending, seen = [error], set[int]()
    while pending:
        link = pending.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        for text in (repr(link), str(link), repr(link.args), repr(vars(link))):
            assert KEY not in text
            assert "Bearer " not in text
            assert "eyJ" not in text
        pending += [further for further in (link.__cause__, link.__context__) if further is not None]
    assert "eyJ" not in "".join(traceback.format_exception(error))


RETRY_AFTER = [
    "Mon, 01 Jan 99999 00:00:00 GMT",
    "Mon, 99 Jan 2024 00:00:00 GMT",
    "Mon, 01 Jan 0000 00:00:00 GMT",
    "Mon, 01 Jan 2024 00:00:00 +999999",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "9" * 400,
    "1e400",
    "-1",
    "nonsense",
    "\xb2",
]


@pytest.mark.parametrize("value", RETRY_AFTER)
def test_a_strange_wait_is_no_exception_of_its_own(connect: Connect, value: str) -> None:
    """What the service means is unknown then; its response is not."""
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: %b\r\n\r\n" % value.encode("latin-1")
    with Server(answering(busy)) as server:
        calls = connect(server.endpoint, retry_policy=RetryPolicy(attempts=2, base_delay_seconds=0, total_seconds=1))
        with pytest.raises(ServiceUnavailableError):
            calls.post()
        calls.close()


def test_texts_of_the_service_are_cut_and_printable(connect: Connect) -> None:
    """An error is one line that a terminal can show, however long and strange what the service says."""
    code = "x" * 5000 + "\x1b[31m"
    hostile = answer("401 Unauthorized", b"", f"x-ms-error-code: {code}", f'WWW-Authenticate: Bearer error="{code}"')
    with Server(answering(hostile)) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises((AuthenticationError, TransportError)) as caught:
            calls.get()
        calls.close()
    assert len(str(caught.value)) < 2000
    assert str(caught.value).isprintable()


LINKS = ["", "/api/hubs/chat/groups/room/connections?api-version=2024-12-01&token=1"]


@pytest.mark.parametrize("link", LINKS, ids=["empty", "to itself"])
def test_a_list_has_an_end(connect: Connect, link: str) -> None:
    """A next page that is this page, or none, is refused and not asked for again and again."""
    page = answer("200 OK", b'{"value":[],"nextLink":"%b"}' % link.encode(), "Content-Type: application/json")
    with Server(answering(page)) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises(ServiceError, match="next page"):
            calls.get()
        calls.close()
    assert len(server.requests) <= 2


def test_a_large_page_comes_whole(connect: Connect, tls: Tls) -> None:
    """Faster than it is read, over a connection that goes on to serve the next call."""
    ids = ",".join(f'{{"connectionId":"{number:064}"}}' for number in range(60_000))
    page = answer("200 OK", b'{"value":[%b]}' % ids.encode(), "Content-Type: application/json")
    with Server(answering(page), tls[0]) as server:
        calls = connect(server.endpoint, retry_policy=ONCE, connection_verify=tls[1])
        for _ in range(2):
            assert len(calls.get()) == 60_000
        calls.close()
    assert len(server.connections) == 1


def test_a_server_of_these_tests_leaves_no_handshake_open(authority: trustme.CA) -> None:
    """A socket that stays open when it stops would be a warning in some later test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Server(answering(ACCEPTED), context) as server:
        client = socket.create_connection(("127.0.0.1", server.port), 10)
        client.sendall(b"\x16\x03\x01")
    with client, suppress(ConnectionResetError):
        assert client.recv(1) == b""


HOSTILE_LINKS = [
    "/api\\u0000",
    "/api\\n",
    "/api\\ud800",
    "/" + "a" * 70000,
    "https://[",
    "http://\\ud800",
    "\\ud800",
    "a" * 70000,
]


@pytest.mark.parametrize("link", HOSTILE_LINKS)
def test_a_link_that_is_none_is_refused(connect: Connect, link: str) -> None:
    """With an exception of ours, whatever is in it."""
    page = answer("200 OK", b'{"value":[],"nextLink":"%b"}' % link.encode(), "Content-Type: application/json")
    with Server(answering(page)) as server:
        calls = connect(server.endpoint, retry_policy=ONCE)
        with pytest.raises(WebPubSubError):
            calls.get()
        calls.close()
    assert len(server.requests) <= 2
