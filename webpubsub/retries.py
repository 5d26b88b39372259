"""When a failed request is sent again, and after which wait.

`RetryPolicy` is what callers choose. A request with HEAD, GET, PUT or DELETE has the same effect twice as once, so
it is repeated after any failure that may pass. A POST (sends, closes, bulk group changes, token generation) is
repeated only when the service certainly did not process it: 429, 503, or no connection.
"""

from dataclasses import dataclass

from . import _checks

__all__ = ["RetryPolicy"]

_LONGEST_SECONDS = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often, how long and how fast a failed request is repeated.

    The wait after try n is random between 0 and `base_delay_seconds * 2**(n-1)`, at most
    `maximum_delay_seconds` (full jitter). When the service names a wait in `Retry-After`, that wait is taken; if it
    does not fit into what is left of `total_seconds`, the error is raised at once.

    Example:
        >>> patient = RetryPolicy(attempts=8, total_seconds=120)
        >>> RetryPolicy.none().attempts
        1

    Attributes:
        attempts: Tries in all, the first included; 1 or more.
        total_seconds: No try starts later than this after the first; more than 0, at most 240, because a request
            is signed once, for five minutes.
        base_delay_seconds: The upper bound of the first wait; 0 or more.
        maximum_delay_seconds: The upper bound of every computed wait; 0 or more.
        retry_sends: Repeat a POST like the other methods. A message may then be delivered twice.
    """

    attempts: int = 4
    total_seconds: float = 60.0
    base_delay_seconds: float = 0.8
    maximum_delay_seconds: float = 20.0
    retry_sends: bool = False

    def __post_init__(self) -> None:
        _checks.number(self.attempts, "attempts", 1)
        _checks.seconds(self.total_seconds, "total_seconds", _LONGEST_SECONDS)
        for name in ("base_delay_seconds", "maximum_delay_seconds"):
            _checks.delay(getattr(self, name), name)
        _checks.boolean(self.retry_sends, "retry_sends")

    @classmethod
    def none(cls) -> "RetryPolicy":
        """Return the policy that never repeats a request."""
        return cls(attempts=1)
