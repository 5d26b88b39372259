"""One try of one request: send it, read the answer whole, write both down.

This transport sits between the one that repeats requests and the one that has the sockets. It tells the two apart
that matter to a caller: whether a failed request can have reached the service, and whether it certainly has not.
"""

import time
from datetime import timedelta

import httpx

from .._failures import UNSENT, AnswerTooLargeError
from .._logging import log_failure, log_request, log_response

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
_FRAMING = ("content-encoding", "transfer-encoding")


class Exchange(httpx.AsyncBaseTransport):
    """Wraps the transport that has the sockets."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        extensions = request.extensions
        extensions["attempt"] = attempt = extensions.get("attempt", 0) + 1
        logged = extensions.get("logging_enable", False)
        if logged:
            log_request(attempt, request.method, str(request.url), request.headers.items(), request.content)
        started = time.perf_counter()
        try:
            response = await _whole(await self._transport.handle_async_request(request))
        except httpx.RequestError as error:
            error.request = request
            if not isinstance(error, UNSENT):
                extensions["maybe_sent"] = True
            if logged:
                log_failure(attempt, request.method, str(request.url), error, 1000 * (time.perf_counter() - started))
            raise
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

    async def aclose(self) -> None:
        await self._transport.aclose()


async def _whole(response: httpx.Response) -> httpx.Response:
    try:
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > LARGEST_ANSWER_BYTES:
            raise AnswerTooLargeError(f"the answer has {declared} bytes")
        if declared.isdigit() and "content-encoding" not in response.headers:
            await response.aread()
            return response
        return await _within_limit(response)
    except BaseException:
        await response.aclose()
        raise


async def _within_limit(response: httpx.Response) -> httpx.Response:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER_BYTES:
            raise AnswerTooLargeError(f"the answer has more than {LARGEST_ANSWER_BYTES} bytes")
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _FRAMING]
    return httpx.Response(response.status_code, headers=headers, content=bytes(content), extensions=response.extensions)
