"""Which request is repeated after what, how often, and after which wait. No socket, and no real wait."""

import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from webpubsub import RetryPolicy
from webpubsub._attempts import RetryingTransport

Outcome = int | type[httpx.TransportError]

AT_ONCE = RetryPolicy(attempts=3, base_delay_seconds=0)
SENDS_TOO = RetryPolicy(attempts=3, base_delay_seconds=0, retry_sends=True)
SAFE = ["HEAD", "GET", "PUT", "DELETE"]

NO_CONNECTION: list[Outcome] = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
BROKEN: list[Outcome] = [
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.CloseError,
    httpx.RemoteProtocolError,
]
FINAL: list[Outcome] = [200, 202, 204, 301, 307, 400, 401, 403, 404, 409, 413, 501, 505, httpx.LocalProtocolError]
UNPROCESSED: list[Outcome] = [429, 503]
PASSING: list[Outcome] = [408, 500, 502, 504]

TRIES = [
    *(
        (method, outcome, AT_ONCE, 3)
        for method in SAFE
        for outcome in [*NO_CONNECTION, *BROKEN, *UNPROCESSED, *PASSING]
    ),
    *((method, outcome, AT_ONCE, 1) for method in [*SAFE, "POST"] for outcome in FINAL),
    *(("POST", outcome, AT_ONCE, 3) for outcome in [*NO_CONNECTION, *UNPROCESSED]),
    *(("POST", outcome, AT_ONCE, 1) for outcome in [*BROKEN, *PASSING]),
    *(("POST", outcome, SENDS_TOO, 3) for outcome in [*NO_CONNECTION, *BROKEN, *UNPROCESSED, *PASSING]),
    *(("POST", outcome, SENDS_TOO, 1) for outcome in FINAL),
    *(("GET", outcome, RetryPolicy.none(), 1) for outcome in [503, httpx.ConnectError]),
]


@pytest.mark.parametrize(("method", "outcome", "policy", "tries"), TRIES)
def test_a_request_is_repeated_only_where_that_is_safe(
    method: str, outcome: Outcome, policy: RetryPolicy, tries: int
) -> None:
    """A POST is repeated only when the service certainly did not process it, unless the caller wants more."""
    seen = attempts(method, itertools.repeat(outcome), policy)

    assert seen == [outcome] * tries


def test_the_first_good_answer_ends_it() -> None:
    """Different failures count together."""
    assert attempts("GET", iter([503, httpx.ReadTimeout, 200, 500]), AT_ONCE) == [503, httpx.ReadTimeout, 200]


def attempts(method: str, outcomes: Iterator[Outcome], policy: RetryPolicy) -> list[Outcome]:
    """Send one request and return how each of its tries ended."""
    seen: list[Outcome] = []

    def handle(request: httpx.Request) -> httpx.Response:
        outcome = next(outcomes)
        seen.append(outcome)
        if isinstance(outcome, int):
            return httpx.Response(outcome)
        raise outcome("on purpose")

    transport = RetryingTransport(httpx.MockTransport(handle), policy)
    with suppress(httpx.TransportError):
        transport.handle_request(httpx.Request(method, "http://localhost/", content=b"body"))
    return seen


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stand in for the clock: the waits that were asked for, of which none takes place."""
    waited: list[float] = []
    start = time.monotonic()
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("time.monotonic", lambda: start + sum(waited))
    return waited


def answer(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """Give the same answer always."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=named, content=b"the last")


def send(handle: Callable[[httpx.Request], httpx.Response], policy: RetryPolicy) -> httpx.Response:
    """Send one GET."""
    transport = RetryingTransport(httpx.MockTransport(handle), policy)
    return transport.handle_request(httpx.Request("GET", "http://localhost/"))


def test_waits_double_up_to_a_limit(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """The upper bounds of the waits; a wait itself is anywhere between 0 and its bound."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: (lowest, highest)[1])

    send(answer(503), RetryPolicy(attempts=7, base_delay_seconds=1, maximum_delay_seconds=10, total_seconds=100))

    assert waits == [1, 2, 4, 8, 10, 10]


def test_waits_are_random_from_zero(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Full jitter: clients that failed together do not come back together."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: (lowest, highest)[0])

    send(answer(503), RetryPolicy(attempts=4))

    assert waits == [0, 0, 0]


def test_very_many_attempts_are_possible(waits: list[float]) -> None:
    """Doubling two thousand times does not leave the range of numbers."""
    send(answer(503), RetryPolicy(attempts=2000, base_delay_seconds=0.0))

    assert waits == [0] * 1999


@pytest.mark.parametrize(("asked", "waited"), [("7", [7.0, 7.0]), ("0", [0.0, 0.0]), ("30", [30.0, 30.0])])
def test_the_wait_that_the_service_asks_for_is_taken(asked: str, waited: list[float], waits: list[float]) -> None:
    """Also when it is longer than any computed one, as long as there is time."""
    send(answer(429, retry_after=asked), RetryPolicy(attempts=3, maximum_delay_seconds=1))

    assert waits == waited


def test_a_wait_that_does_not_fit_is_not_begun(waits: list[float]) -> None:
    """The answer is given to the caller at once, whole, instead of after a wait that changes nothing."""
    response = send(answer(503, retry_after="61"), RetryPolicy(attempts=10, total_seconds=60))

    assert waits == []
    assert (response.status_code, response.content) == (503, b"the last")


def test_the_budget_covers_all_waits_together(waits: list[float]) -> None:
    """Two waits of 25 seconds fit into a minute, a third does not."""
    send(answer(503, retry_after="25"), RetryPolicy(attempts=10, total_seconds=60))

    assert waits == [25, 25]


def test_a_failure_without_time_left_is_raised(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception stands as an answer does."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: (lowest, highest)[1])

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(httpx.ConnectError, match="refused"):
        send(refuse, RetryPolicy(attempts=10, base_delay_seconds=30, maximum_delay_seconds=40, total_seconds=60))
    assert waits == [30]


async def test_the_asynchronous_side_makes_the_same_waits(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that stand, and waits that are awaited."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    transport = RetryingTransport(
        httpx.MockTransport(answer(503, retry_after="25")), RetryPolicy(attempts=10, total_seconds=60)
    )

    response = await transport.handle_async_request(httpx.Request("GET", "http://localhost/"))

    assert waits == [25, 25]
    assert response.status_code == 503


def test_the_policy_of_a_request_goes_before_that_of_the_client(waits: list[float]) -> None:
    """A request brings its own policy along in its extensions."""
    transport = RetryingTransport(httpx.MockTransport(answer(503, retry_after="1")), RetryPolicy(attempts=10))

    transport.handle_request(
        httpx.Request("GET", "http://localhost/", extensions={"retry_policy": RetryPolicy(attempts=2)})
    )
    transport.handle_request(httpx.Request("GET", "http://localhost/"))

    assert waits == [1] * (1 + 9)


@pytest.mark.usefixtures("waits")
def test_every_repetition_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """One line of the logger of the client, with the cause, the attempt and the wait."""
    with caplog.at_level(logging.WARNING, "azure.webpubsub"):
        send(answer(503, retry_after="2"), RetryPolicy(attempts=3))

    assert caplog.messages == [
        "Retrying after 503: attempt 2 of 3 in 2.00 s",
        "Retrying after 503: attempt 3 of 3 in 2.00 s",
    ]
