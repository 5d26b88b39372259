"""What a caller sees when the network or the service fails, and what the service sees, in both colours."""

import gc
import pickle
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
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
    messages,
)
from webpubsub._async import exchange as async_exchange
from webpubsub._sync import exchange as sync_exchange
from webpubsub.tokens import InvalidTokenError, verify

from ..support.clients import KEY, Calls, connect
from ..support.server import ACCEPTED, Behaviour, Connection, Server, answer, answering

__all__ = ["connect"]

TRIES = RetryPolicy(attempts=2, base_delay_seconds=0)
TINY = 0.1
VERIFY = ssl.create_default_context()
MEBIBYTE = 1024 * 1024
EMPTY_PAGE = answer("200 OK", b'{"value":[]}', "Content-Type: application/json")
Connect = Callable[..., Calls]


async def reset_before_reading(connection: Connection) -> None:
    await connection.read_part(1)
    await connection.reset()


async def reset_during_the_request(connection: Connection) -> None:
    await connection.read_part(64)
    await connection.reset()


async def reset_after_the_request(connection: Connection) -> None:
    await connection.read_request()
    await connection.reset()


async def never_answer(connection: Connection) -> None:
    await connection.read_request()


def and_then_silence(part: bytes) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(part)

    return behave


def and_then_the_end(part: bytes) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(part)
        await connection.close()

    return behave


def pouring(head: bytes, chunk: bytes, times: int) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(head)
        for _ in range(times):
            await connection.send(chunk)
        await connection.close()

    return behave


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        behaviour: What the server does.
        raised: The class of the error.
        having: Attributes of the error.
        post: How many broadcasts the server gets to see.
        get: How many lists the server gets to see.
        retries: How many retries there are of a broadcast and of a list.
        text: A pattern in what the error says.
        options: What the client is made with.
    """

    behaviour: Behaviour
    raised: type[WebPubSubError]
    having: Mapping[str, object]
    post: int
    get: int
    retries: tuple[int, int]
    text: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def unanswered(behaviour: Behaviour, text: str, *, seen: int = 1, **options: float) -> Row:
    return Row(behaviour, TransportError, {"maybe_sent": True}, seen, 2 * seen, (0, 1), text, options)


def answered(raw: bytes, raised: type[ServiceError], retries: tuple[int, int], **having: object) -> Row:
    return Row(answering(raw), raised, having, 1 + retries[0], 1 + retries[1], retries)


BROKE = r"the connection broke|the response is cut short or not valid HTTP"
LATE = "the response took too long"
CUT = "the response is cut short or not valid HTTP"
LARGE = "the response is too large"
IN_AN_HOUR = formatdate(time.time() + 3600, usegmt=True)
CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"

ROWS = {
    "reset before the request": unanswered(reset_before_reading, BROKE, seen=0),
    "reset during the request": unanswered(reset_during_the_request, BROKE, seen=0),
    "reset after the request": unanswered(reset_after_the_request, BROKE),
    "hang-up after the request": unanswered(Connection.read_request_and_leave, CUT),
    "no headers": unanswered(and_then_silence(b""), LATE, read_timeout=TINY),
    "slow headers": unanswered(and_then_silence(b"HTTP/1.1 200 OK\r\nContent-"), LATE, read_timeout=TINY),
    "slow body": unanswered(
        and_then_silence(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"val'), LATE, read_timeout=TINY
    ),
    "truncated headers": unanswered(and_then_the_end(b"HTTP/1.1 200 OK\r\nContent-"), CUT),
    "truncated body": unanswered(and_then_the_end(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"val'), CUT),
    "truncated chunk": unanswered(
        and_then_the_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), CUT
    ),
    "Content-Length that is no number": unanswered(
        and_then_the_end(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"), CUT
    ),
    "not HTTP": unanswered(and_then_the_end(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), CUT),
    "50 MB, announced": Row(
        pouring(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n", bytes(65536), 800),
        TransportError, {"maybe_sent": True}, 1, 1, (0, 0), LARGE,
    ),
    "50 MB, in chunks": Row(
        pouring(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNK, 800),
        TransportError, {"maybe_sent": True}, 1, 1, (0, 0), LARGE,
    ),
    "50 MB, until the end": Row(
        pouring(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536), 800),
        TransportError, {"maybe_sent": True}, 1, 1, (0, 0), LARGE,
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
    assert {attribute: getattr(error, attribute) for attribute in row.having} == row.having
    assert re.search(row.text, str(error))
    assert len(server.requests) == getattr(row, method)
    assert [record.levelname for record in caplog.records if record.name.startswith("azure")] == ["WARNING"] * (
        row.retries[method == "get"]
    )
    assert server.bytes_sent < 32 * MEBIBYTE
    assert_presentable(error)


def assert_presentable(error: WebPubSubError) -> None:
    """One line, without the key and without a token, that names the request and survives pickling."""
    assert "\n" not in str(error)
    assert KEY not in repr(error)
    assert "eyJ" not in repr(error)
    assert re.search(r"\(request [0-9a-f]{32}\)$", str(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_endless_answer(connect: Connect) -> None:
    """Of an answer without an end, a bounded part is read and a bounded part is kept."""

    async def pour(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await connection.send(CHUNK)

    with Server(pour) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
        tracemalloc.start()
        try:
            with pytest.raises(TransportError, match="the response is too large"):
                calls.get()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        calls.close()
        server.wait_until_all_left()

    assert peak < 48 * MEBIBYTE
    assert server.bytes_sent < 32 * MEBIBYTE
    assert len(server.requests) == 1


def test_refused(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody listens, a broadcast is tried again, and certainly not sent."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        calls = connect(f"http://127.0.0.1:{reserved.getsockname()[1]}", retry_policy=TRIES, connection_verify=VERIFY)
        for method in (calls.post, calls.get):
            with pytest.raises(
                TransportError, match=r"\(.*(refused|failed).*\); it did not reach the service"
            ) as caught:
                method()
            assert not caught.value.maybe_sent
            assert_presentable(caught.value)
    assert len(caplog.records) == 2


def test_proxy_that_does_not_connect(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that makes no tunnel has not passed anything on: a broadcast is tried again, and certainly not sent."""
    with Server(answering(answer("502 Bad Gateway"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.endpoint)
        calls = connect("https://example.webpubsub.azure.com", retry_policy=TRIES, connection_verify=VERIFY)
        for method in (calls.post, calls.get):
            with pytest.raises(TransportError, match="the proxy made no tunnel: it responded with 502") as caught:
                method()
            assert not caught.value.maybe_sent
            assert_presentable(caught.value)
        calls.close()
        proxy.wait_until_all_left()
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 4


def test_unknown_host(connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved is tried again, and nothing was sent."""

    def unknown(host: object, *args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    calls = connect("https://nobody.webpubsub.azure.test", retry_policy=TRIES, connection_verify=VERIFY)
    for method in (calls.post, calls.get):
        with pytest.raises(TransportError, match="Name or service not known") as caught:
            method()
        assert not caught.value.maybe_sent
        assert_presentable(caught.value)
    assert len(caplog.records) == 2


def test_certificate_of_an_unknown_authority(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is sent to a server that cannot prove who it is, nor tried again; with its authority known, all works."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    known = ssl.create_default_context()
    authority.configure_trust(known)
    with Server(answering(ACCEPTED), tls) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
        with pytest.raises(TransportError, match=r"\(\[SSL: CERTIFICATE_VERIFY_FAILED\] certificate") as caught:
            calls.post()
        assert not caught.value.maybe_sent
        assert_presentable(caught.value)
        assert server.requests == []
        assert [record.message for record in caplog.records if record.name.startswith("azure")] == []
        trusting = connect(server.endpoint, connection_verify=known)
        trusting.post()
        calls.close()
        trusting.close()
        server.wait_until_all_left()
    assert len(server.requests) == 1


def test_no_tls_at_all(connect: Connect) -> None:
    """A server that does not speak TLS where it should gets nothing to read."""

    async def answer_in_plain_text(connection: Connection) -> None:
        await connection.read_part(1)
        await connection.send(ACCEPTED)
        await connection.close()

    with Server(answer_in_plain_text) as server:
        calls = connect(f"https://127.0.0.1:{server.port}", retry_policy=TRIES, connection_verify=VERIFY)
        with pytest.raises(TransportError, match="it did not reach the service") as caught:
            calls.post()
        calls.close()
        server.wait_until_all_left()
    assert_presentable(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("status", ["408 Request Timeout", "429 Too Many Requests", "500 Internal Server Error",
                                    "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])  # fmt: skip
def test_failure_that_passes(connect: Connect, status: str) -> None:
    """A list is repeated after any passing failure; a broadcast after those that prove that it was not processed."""
    safe = status[:3] in ("429", "503")
    with Server(answering(answer(status), EMPTY_PAGE, answer(status), ACCEPTED)) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
        assert calls.get() == []
        with nullcontext() if safe else pytest.raises(ServiceError, match=status[:3]):
            calls.post()
    assert [request.method for request in server.requests] == ["GET", "GET", "POST", "POST"][: 4 if safe else 3]


@pytest.fixture
def _larger_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let through what does not fit into the buffers of a socket."""
    monkeypatch.setattr(messages, "_LARGEST_BYTES", 64 * MEBIBYTE)


@pytest.mark.usefixtures("_larger_messages")
def test_reset_in_the_middle_of_a_large_message(connect: Connect) -> None:
    """A message that was cut off on its way may have reached the service and is not sent again."""
    with Server(reset_during_the_request) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
        with pytest.raises(TransportError, match="it may have reached the service"):
            calls.post("x" * 8 * MEBIBYTE)
    assert len(server.connections) == 1


@pytest.mark.usefixtures("_larger_messages")
def test_server_that_does_not_read_a_large_message(connect: Connect) -> None:
    """Waiting for a server to take a message has an end as well."""

    async def stop_reading(connection: Connection) -> None:
        await connection.read_part(64)
        await connection.wait_for_release()

    with Server(stop_reading) as server:
        calls = connect(
            server.endpoint, retry_policy=TRIES, connection_verify=VERIFY, connection_timeout=TINY, read_timeout=TINY
        )
        with pytest.raises(TransportError, match="sending took too long"):
            calls.post("x" * 32 * MEBIBYTE)
    calls.close()
    assert server.requests == []


@pytest.mark.parametrize("end", [Connection.read_request_and_leave, reset_after_the_request])
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "reused connection"])
def test_broadcast_is_never_delivered_twice_by_a_retry(connect: Connect, end: Behaviour, reused: bool) -> None:
    """A server that reads a broadcast and hangs up gets it once; twice only with `retry_sends`."""

    async def behave(connection: Connection) -> None:
        if reused:
            await connection.read_request()
            await connection.send(EMPTY_PAGE)
        await end(connection)

    for retry_sends, deliveries in ((False, 1), (True, 2)):
        with Server(behave) as server:
            policy = RetryPolicy(attempts=2, base_delay_seconds=0, retry_sends=retry_sends)
            calls = connect(server.endpoint, retry_policy=policy, connection_verify=VERIFY)
            if reused:
                calls.get()
            with suppress(TransportError):
                calls.post()
            calls.close()
            server.wait_until_all_left()
        assert len([request for request in server.requests if request.method == "POST"]) == deliveries


@pytest.mark.parametrize("end", [Connection.close, Connection.reset], ids=["closed", "reset"])
@pytest.mark.parametrize("method", ["post", "get"])
def test_server_that_ends_idle_connections(
    connect: Connect, caplog: pytest.LogCaptureFixture, end: Behaviour, method: str
) -> None:
    """A connection that the server has closed between two calls is not used; nobody notices."""
    ended = threading.Event()

    async def answer_once(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(EMPTY_PAGE)
        await connection.wait_until(ended_may_begin)
        await end(connection)
        ended.set()

    ended_may_begin = threading.Event()
    with Server(answer_once) as server:
        calls = connect(server.endpoint, retry_policy=RetryPolicy.none(), connection_verify=VERIFY)
        for _ in range(3):
            getattr(calls, method)()
            ended_may_begin.set()
            assert ended.wait(10)
            ended_may_begin.clear()
            ended.clear()
        calls.close()
        server.wait_until_all_left()
    assert len(server.requests) == len(server.connections) == 3
    assert caplog.records == []


def test_pool_without_a_free_connection(connect: Connect) -> None:
    """A call that gets no connection in time says so, and was not sent."""
    with Server(never_answer) as server:
        calls = connect(
            server.endpoint, retry_policy=TRIES, connection_verify=VERIFY, max_connections=1, connection_timeout=TINY
        )
        finish = calls.post_in_background(server)
        with pytest.raises(TransportError, match=r"no connection became free|connecting took") as caught:
            calls.post()
        server.drop_all()
        with suppress(TransportError):
            finish()
        calls.close()
    assert not caught.value.maybe_sent
    assert_presentable(caught.value)
    assert len(server.requests) == 1


def test_failures_use_nothing_up(connect: Connect) -> None:
    """After many failures of every kind, all of the few connections can still be used."""
    faults = [reset_after_the_request, Connection.read_request_and_leave, ROWS["truncated body"].behaviour,
              ROWS["50 MB, announced"].behaviour, ROWS["Content-Length that is no number"].behaviour] * 6  # fmt: skip

    async def fail_at_first(connection: Connection) -> None:
        await (faults.pop() if faults else answering(ACCEPTED))(connection)

    with Server(fail_at_first) as server:
        policy = RetryPolicy.none()
        calls = connect(server.endpoint, retry_policy=policy, connection_verify=VERIFY, max_connections=2)
        for _ in range(len(faults)):
            with pytest.raises(TransportError):
                calls.post()
        calls.post()
        calls.close()
        server.wait_until_all_left()
    assert len(server.connections) == 31


def test_redirect(connect: Connect) -> None:
    """A redirect is an error; nothing, least of all the credential, goes to where it leads."""
    with Server(answering(ACCEPTED)) as elsewhere:
        location = f"Location: {elsewhere.endpoint}/api"
        with Server(answering(answer("307 Temporary Redirect", b"", location))) as server:
            calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
            for method in (calls.post, calls.get):
                with pytest.raises(ServiceError, match="a redirect, which is not followed") as caught:
                    method()
                assert caught.value.status == 307
                assert_presentable(caught.value)
            calls.close()
            server.wait_until_all_left()
    assert len(server.requests) == 2
    assert elsewhere.connections == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"<html>", b'{"value":7}', b'{"value":[{"connectionId":1}]}', b"\xff"]
)
def test_list_that_is_not_one(connect: Connect, body: bytes) -> None:
    """An answer that is not what the service documents is an error that does not repeat it."""
    with Server(answering(answer("200 OK", body, "Content-Type: application/json"))) as server:
        calls = connect(server.endpoint, retry_policy=TRIES, connection_verify=VERIFY)
        with pytest.raises(ServiceError, match="not the JSON that the service documents") as caught:
            calls.get()
        calls.close()
        server.wait_until_all_left()
    assert caught.value.status == 200
    assert_presentable(caught.value)
    assert len(server.requests) == 1


def test_more_bytes_than_the_content_length(connect: Connect) -> None:
    """What comes after the announced end of an answer is never taken for a part of it."""
    with Server(and_then_the_end(EMPTY_PAGE + b"surplus")) as server:
        calls = connect(server.endpoint, retry_policy=RetryPolicy.none(), connection_verify=VERIFY)
        assert calls.get() == []
        calls.close()
        server.wait_until_all_left()
    assert len(server.requests) == 1


def test_key_that_was_exchanged(connect: Connect) -> None:
    """After the service has got a new key, calls fail with 401, once each, until the client has it as well."""
    new_key = "the second access key, which is just as secret"

    async def check(connection: Connection) -> None:
        while True:
            request = await connection.read_request()
            try:
                verify(request.headers["authorization"].removeprefix("Bearer "), new_key)
            except InvalidTokenError:
                await connection.send(answer("401 Unauthorized"))
            else:
                await connection.send(EMPTY_PAGE if request.method == "GET" else ACCEPTED)

    with Server(check) as server:
        credential = AzureKeyCredential(KEY)
        calls = connect(server.endpoint, credential, retry_policy=TRIES, connection_verify=VERIFY)
        for method in (calls.post, calls.get):
            with pytest.raises(AuthenticationError, match="Check the access key") as caught:
                method()
            assert_presentable(caught.value)
        credential.update(new_key)
        calls.post()
        assert calls.get() == []
    assert len(server.requests) == 4


def test_waits_of_the_service_and_of_the_policy(connect: Connect, waits: list[float]) -> None:
    """`Retry-After` is waited for exactly; without it the wait is random below a bound that doubles."""
    busy = answer("503 Service Unavailable")
    page = answering(
        answer("429 Too Many Requests", b"", "Retry-After: 7"),
        answer("503 Service Unavailable", b"", f"Retry-After: {formatdate(time.time() + 30, usegmt=True)}"),
        busy, busy, busy, EMPTY_PAGE,
    )  # fmt: skip
    with Server(page) as server:
        policy = RetryPolicy(attempts=6, total_seconds=60, base_delay_seconds=1, maximum_delay_seconds=10)
        calls = connect(server.endpoint, retry_policy=policy, connection_verify=VERIFY)
        assert calls.get() == []
    assert waits[0] == 7
    assert 20 < waits[1] <= 30
    assert [wait <= bound for wait, bound in zip(waits[2:], (4, 8, 10), strict=True)] == [True] * 3


def test_budget_of_a_call(connect: Connect, waits: list[float]) -> None:
    """A wait that the service asks for is not begun when it would end after the budget."""
    busy = answer("429 Too Many Requests", b"", "Retry-After: 2")
    with Server(answering(busy)) as server:
        policy = RetryPolicy(attempts=9, total_seconds=1.5)
        calls = connect(server.endpoint, retry_policy=policy, connection_verify=VERIFY)
        with pytest.raises(ThrottledError, match=r"The service asks to wait 2 s\.") as caught:
            calls.post()
    assert caught.value.retry_after == 2
    assert waits == []
    assert len(server.requests) == 1


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no wait between tries take time; collect how long they would have been."""
    collected: list[float] = []

    async def collect(seconds: float) -> None:
        collected.append(seconds)

    monkeypatch.setattr(sync_exchange, "sleep", collected.append)
    monkeypatch.setattr(async_exchange, "sleep", collect)
    return collected
