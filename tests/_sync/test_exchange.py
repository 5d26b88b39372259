"""The loop around one request: attempts, the waits between them, and what is told about them. No real wait."""
# Rendered by codegen.py from tests/_async/test_exchange.py. Do not edit: change that file and run `python codegen.py`.
import logging
from collections.abc import Callable

import httpx
import pytest

from webpubsub import RetryPolicy
from webpubsub._sync import exchange as module

Outcome = httpx.Response | httpx.TransportError


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the waits that were asked for, of which none takes place."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module, "sleep", sleep)
    return waited


def ending_with(*outcomes: Outcome) -> Callable[[httpx.Request], httpx.Response]:
    """End each attempt with the next of these."""
    coming = iter(outcomes)

    def handle(request: httpx.Request) -> httpx.Response:
        outcome = next(coming)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return handle


def request(policy: RetryPolicy) -> httpx.Request:
    """Make a GET that is repeated as a policy says."""
    extensions = {"retry_policy": policy, "logging_enable": False}
    return httpx.Request("GET", "http://localhost/", extensions=extensions)


def busy(seconds: int) -> httpx.Response:
    """Ask to come again later."""
    return httpx.Response(503, headers={"Retry-After": str(seconds)}, content=b"the last")


def test_the_first_good_response_ends_it(waits: list[float]) -> None:
    """Failures of different kinds count together; nothing is sent after the first success."""
    good = httpx.Response(200, content=b"good")
    handle = ending_with(httpx.Response(503), httpx.ReadTimeout(""), good, httpx.Response(500))

    response = module.exchange(httpx.MockTransport(handle), request(RetryPolicy(attempts=9)))

    assert (response.status_code, response.content) == (200, b"good")
    assert len(waits) == 2


def test_the_last_outcome_stands(waits: list[float]) -> None:
    """A response is returned whole, an exception raised."""
    policy = RetryPolicy(attempts=2)
    last = httpx.ConnectError("refused")

    response = module.exchange(httpx.MockTransport(ending_with(busy(7), busy(8))), request(policy))
    with pytest.raises(httpx.ConnectError) as raised:
        module.exchange(httpx.MockTransport(ending_with(busy(9), last)), request(policy))

    assert (response.status_code, response.content) == (503, b"the last")
    assert raised.value is last
    assert waits == [7, 9]


def test_every_repetition_is_told(waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """One line of the logger of the client, with the cause, the attempt and the wait."""
    handle = ending_with(busy(2), busy(3), httpx.Response(200))

    with caplog.at_level(logging.WARNING, "azure.webpubsub"):
        module.exchange(httpx.MockTransport(handle), request(RetryPolicy(attempts=3)))

    assert waits == [2, 3]
    assert caplog.messages == [
        "Retrying after 503: attempt 2 of 3 in 2.00 s",
        "Retrying after 503: attempt 3 of 3 in 3.00 s",
    ]
