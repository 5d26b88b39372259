"""One request and its outcome: attempt it, read the response whole, and try again as often as that is right."""
# Rendered by codegen.py from webpubsub/_async/exchange.py. Do not edit: change that file and run `python codegen.py`.
import time
from datetime import timedelta
from typing import cast

import httpx

from .._logging import log_failure, log_request, log_response, logger
from .._transport.blocking import sleep
from .._transport.extensions import Extensions
from .._transport.failures import UNSENT, EncodedResponseError, ResponseTooLargeError
from .._transport.http1 import LARGEST_RESPONSE_BYTES
from .._transport.retrying import wait_before_retry


def exchange(transport: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """Send a request until its outcome stands, as the policy in its extensions says.

    Raises:
        httpx.RequestError: There is no response. `maybe_sent` in the extensions of the request tells whether any
            attempt can have reached the service.
    """
    policy = cast("Extensions", request.extensions)["retry_policy"]
    started = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        outcome = _attempt(transport, request, attempt)
        wait = wait_before_retry(policy, request, outcome, attempt, time.monotonic() - started)
        if wait is None:
            break
        cause = type(outcome).__name__ if isinstance(outcome, Exception) else str(outcome.status_code)
        logger.warning("Retrying after %s: attempt %d of %d in %.2f s", cause, attempt + 1, policy.attempts, wait)
        sleep(wait)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _attempt(
    transport: httpx.BaseTransport, request: httpx.Request, attempt: int
) -> httpx.Response | httpx.RequestError:
    extensions = cast("Extensions", request.extensions)
    extensions["attempt"] = attempt
    logged = extensions["logging_enable"]
    if logged:
        log_request(attempt, request.method, str(request.url), request.headers.items(), request.content)
    started = time.perf_counter()
    try:
        response = _whole(transport.handle_request(request))
    except httpx.RequestError as error:
        error.request = request
        if not isinstance(error, UNSENT):
            extensions["maybe_sent"] = True
        if logged:
            log_failure(attempt, request.method, str(request.url), error, 1000 * (time.perf_counter() - started))
        return error
    seconds = time.perf_counter() - started
    response.request = request
    response.elapsed = timedelta(seconds=seconds)
    if logged:
        log_response(
            attempt,
            request.method,
            str(request.url),
            response.status_code,
            response.headers.items(),
            response.content,
            1000 * seconds,
        )
    return response


def _whole(response: httpx.Response) -> httpx.Response:
    """Read a response whole, within bounds: those of a transport that was given to the client have not been read."""
    if response.is_closed:
        return response
    content = bytearray()
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise EncodedResponseError("the response is compressed, which was not asked for")
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > LARGEST_RESPONSE_BYTES:
            raise ResponseTooLargeError("the response is announced to be too large")
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > LARGEST_RESPONSE_BYTES:
                raise ResponseTooLargeError("the response is too large")
    finally:
        response.close()
    return httpx.Response(
        response.status_code, headers=response.headers, content=bytes(content), extensions=response.extensions
    )
