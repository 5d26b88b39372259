"""Which request is repeated after what, how often, and after which wait: a decision without a socket or a clock."""

import random

import httpx
import pytest

from webpubsub import RetryPolicy
from webpubsub._transport.retrying import wait_before_retry

from .support.tables import every_row

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

DECISIONS = [
    *(
        (method, outcome, AT_ONCE, True)
        for method in SAFE
        for outcome in [*NO_CONNECTION, *BROKEN, *UNPROCESSED, *PASSING]
    ),
    *((method, outcome, AT_ONCE, False) for method in [*SAFE, "POST"] for outcome in FINAL),
    *(("POST", outcome, AT_ONCE, True) for outcome in [*NO_CONNECTION, *UNPROCESSED]),
    *(("POST", outcome, AT_ONCE, False) for outcome in [*BROKEN, *PASSING]),
    *(("POST", outcome, SENDS_TOO, True) for outcome in [*NO_CONNECTION, *BROKEN, *UNPROCESSED, *PASSING]),
    *(("POST", outcome, SENDS_TOO, False) for outcome in FINAL),
    *(("GET", outcome, RetryPolicy.none(), False) for outcome in [503, httpx.ConnectError]),
]


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let chance choose the longest wait that it may."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: (lowest, highest)[1])


def wait(
    policy: RetryPolicy, outcome: Outcome, *, method: str = "GET", attempt: int = 1, elapsed: float = 0, **headers: str
) -> float | None:
    """Decide about one attempt."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    ended = httpx.Response(outcome, headers=named) if isinstance(outcome, int) else outcome("on purpose")
    return wait_before_retry(policy, httpx.Request(method, "http://localhost/"), ended, attempt, elapsed)


@every_row(("method", "outcome", "policy", "again"), DECISIONS)
def test_a_request_is_repeated_only_where_that_is_safe(
    method: str, outcome: Outcome, policy: RetryPolicy, again: bool
) -> None:
    """A POST is repeated only when the service certainly did not process it, unless the caller wants more."""
    assert (wait(policy, outcome, method=method) is not None) is again


@pytest.mark.parametrize(("attempt", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_attempts_are_counted_from_the_first(attempt: int, again: bool) -> None:
    """Three attempts are one request and two repetitions."""
    assert (wait(AT_ONCE, 503, attempt=attempt) is not None) is again


@pytest.mark.usefixtures("longest")
def test_waits_double_up_to_a_limit() -> None:
    """The upper bounds of the waits; a wait itself is anywhere between 0 and its bound."""
    policy = RetryPolicy(attempts=9, base_delay_seconds=1, maximum_delay_seconds=10, total_seconds=100)

    assert [wait(policy, 503, attempt=attempt) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_waits_are_random_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full jitter: clients that failed together do not come back together."""
    monkeypatch.setattr(random, "uniform", lambda lowest, highest: (lowest, highest)[0])

    assert [wait(RetryPolicy(), 503, attempt=attempt) for attempt in (1, 2, 3)] == [0, 0, 0]


def test_very_many_attempts_are_possible() -> None:
    """Doubling two thousand times does not leave the range of numbers."""
    assert wait(RetryPolicy(attempts=3000, base_delay_seconds=0.0), 503, attempt=2000) == 0


ASKED = [
    ("7", 60, 0, 7),
    ("0", 60, 0, 0),
    ("30", 60, 0, 30),
    ("60", 60, 0, 60),
    ("61", 60, 0, None),
    ("25", 60, 35, 25),
    ("25", 60, 35.1, None),
]


@pytest.mark.parametrize(("asked", "total", "elapsed", "waited"), ASKED)
def test_the_wait_that_the_service_asks_for_is_taken_if_there_is_time(
    asked: str, total: float, elapsed: float, waited: float | None
) -> None:
    """Also when it is longer than any computed one; one that does not fit into the budget is not begun."""
    policy = RetryPolicy(attempts=9, maximum_delay_seconds=1, total_seconds=total)

    assert wait(policy, 429, elapsed=elapsed, retry_after=asked) == waited


@pytest.mark.usefixtures("longest")
def test_a_failure_without_time_left_stands() -> None:
    """An exception stands as a response does."""
    policy = RetryPolicy(attempts=9, base_delay_seconds=30, maximum_delay_seconds=40, total_seconds=60)

    assert wait(policy, httpx.ConnectError, elapsed=0) == 30
    assert wait(policy, httpx.ConnectError, attempt=2, elapsed=30) is None
