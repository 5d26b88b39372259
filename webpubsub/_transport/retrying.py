"""Whether and when a request is sent again. A decision only: nothing is sent, and nobody waits, here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ..errors import retry_after_seconds
from .failures import PASSING, UNSENT, is_lasting

if TYPE_CHECKING:
    import httpx

    from ..retries import RetryPolicy

_REPEATABLE_METHODS = frozenset(("HEAD", "GET", "PUT", "DELETE"))
_PASSING_STATUSES = frozenset((408, 429, 500, 502, 503, 504))
_UNPROCESSED_STATUSES = frozenset((429, 503))
_MOST_DOUBLINGS = 64


def wait_before_retry(
    policy: RetryPolicy,
    request: httpx.Request,
    outcome: httpx.Response | httpx.RequestError,
    attempt: int,
    elapsed: float,
) -> float | None:
    """Tell how many seconds to wait before a request is sent again; None when its outcome stands.

    Args:
        policy: What the caller chose.
        request: The request.
        outcome: The response, or why there is none.
        attempt: How many times the request has been sent, 1 or more.
        elapsed: Seconds since it was sent for the first time.
    """
    repeatable = request.method in _REPEATABLE_METHODS or policy.retry_sends
    if attempt >= policy.attempts or not _may_pass(outcome, repeatable):
        return None
    asked = None if isinstance(outcome, Exception) else retry_after_seconds(outcome.headers)
    wait = _backoff(policy, attempt) if asked is None else asked
    return wait if elapsed + wait <= policy.total_seconds else None


def _may_pass(outcome: httpx.Response | httpx.RequestError, repeatable: bool) -> bool:
    if isinstance(outcome, Exception):
        return isinstance(outcome, PASSING if repeatable else UNSENT) and not is_lasting(outcome)
    return outcome.status_code in (_PASSING_STATUSES if repeatable else _UNPROCESSED_STATUSES)


def _backoff(policy: RetryPolicy, attempt: int) -> float:
    bound = policy.base_delay_seconds * 2 ** min(attempt - 1, _MOST_DOUBLINGS)
    return random.uniform(0, min(bound, policy.maximum_delay_seconds))  # noqa: S311
