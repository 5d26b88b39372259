"""Carrying out a `RetryPolicy`: `httpx_retries` has the loop, this module makes the decisions that it asks for."""

import asyncio
import copy
import random
import time
from functools import lru_cache
from typing import NoReturn

import httpx
from httpx_retries import Retry, RetryTransport

from ._failures import PASSING, UNSENT, is_lasting
from ._logging import logger
from .errors import retry_after_seconds
from .retries import RetryPolicy

_REPEATABLE_METHODS = frozenset(("HEAD", "GET", "PUT", "DELETE"))
_REPEATABLE_STATUSES = (408, 429, 500, 502, 503, 504)
_UNPROCESSED_STATUSES = (429, 503)
_MOST_DOUBLINGS = 64


class GiveUpError(Exception):
    """The wait that the service asks for is longer than what is left: the answer stands."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response


class Attempts(Retry):
    """The tries of one request. `RetryTransport` makes a new one for each, through `increment`."""

    def __init__(self, policy: RetryPolicy, *, repeatable: bool) -> None:
        super().__init__(
            total=policy.attempts - 1,
            status_forcelist=_REPEATABLE_STATUSES if repeatable else _UNPROCESSED_STATUSES,
            retry_on_exceptions=PASSING if repeatable else UNSENT,
        )
        self._policy = policy
        self._deadline = 0.0

    def begin(self) -> "Attempts":
        """Return the first try; the clock starts."""
        first = copy.copy(self)
        first._deadline = time.monotonic() + self._policy.total_seconds
        return first

    def increment(self) -> "Attempts":
        following = copy.copy(self)
        following.attempts_made += 1
        return following

    def is_retryable_method(self, method: str) -> bool:  # noqa: ARG002
        return True

    def is_retryable_exception(self, exception: Exception) -> bool:
        return super().is_retryable_exception(exception) and not is_lasting(exception)

    def sleep(self, response: httpx.Response | Exception) -> None:
        time.sleep(self._schedule(response))

    async def asleep(self, response: httpx.Response | Exception) -> None:
        await asyncio.sleep(self._schedule(response))

    def _schedule(self, outcome: httpx.Response | Exception) -> float:
        asked = retry_after_seconds(outcome.headers) if isinstance(outcome, httpx.Response) else None
        delay = self._backoff() if asked is None else asked
        if time.monotonic() + delay > self._deadline:
            _stand(outcome)
        cause = str(outcome.status_code) if isinstance(outcome, httpx.Response) else type(outcome).__name__
        logger.warning(
            "Retrying after %s: attempt %d of %d in %.2f s", cause, self.attempts_made + 1, self.total + 1, delay
        )
        return delay

    def _backoff(self) -> float:
        bound = self._policy.base_delay_seconds * 2 ** min(self.attempts_made - 1, _MOST_DOUBLINGS)
        return random.uniform(0, min(bound, self._policy.maximum_delay_seconds))  # noqa: S311


class RetryingTransport(RetryTransport):
    """Repeats requests as the policy of the client says, or the one in the request's extensions."""

    def __init__(self, transport: httpx.BaseTransport | httpx.AsyncBaseTransport, policy: RetryPolicy) -> None:
        super().__init__(transport)
        self._policy = policy

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._begin(request)
        try:
            return super().handle_request(request)
        except GiveUpError as stands:
            return stands.response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._begin(request)
        try:
            return await super().handle_async_request(request)
        except GiveUpError as stands:
            return stands.response

    def _begin(self, request: httpx.Request) -> None:
        policy = request.extensions.get("retry_policy", self._policy)
        repeatable = request.method in _REPEATABLE_METHODS or policy.retry_sends
        request.extensions["retry"] = _attempts(policy, repeatable).begin()


@lru_cache
def _attempts(policy: RetryPolicy, repeatable: bool) -> Attempts:
    return Attempts(policy, repeatable=repeatable)


def _stand(outcome: httpx.Response | Exception) -> NoReturn:
    raise GiveUpError(outcome) if isinstance(outcome, httpx.Response) else outcome
