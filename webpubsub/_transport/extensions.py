"""What travels with a request from the door of a client to its connection."""

from collections.abc import Mapping
from typing import Required, TypedDict

import httpx

from ..retries import RetryPolicy


class Extensions(TypedDict, total=False):
    """The `extensions` of an `httpx.Request` that a client sends.

    Attributes:
        timeout: Seconds for each phase, in httpx's form: `connect`, `read`, `write`, `pool`.
        logging_enable: Write every attempt down.
        retry_policy: How the request is repeated.
        attempt: The number of the attempt, 1 for the first.
        watched: The request itself, where it passes through httpx's own transport.
        maybe_sent: An attempt that failed can have reached the service.
    """

    timeout: Required[Mapping[str, float]]
    logging_enable: Required[bool]
    retry_policy: Required[RetryPolicy]
    attempt: int
    watched: httpx.Request
    maybe_sent: bool
