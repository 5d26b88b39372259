"""A transport of azure-core, such as one with a session of one's own, under the client."""

from __future__ import annotations

from typing import Any

import httpx
from azure.core import exceptions as core
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest

_FAILURES: tuple[tuple[type[core.AzureError], type[httpx.TransportError]], ...] = (
    (core.ServiceRequestTimeoutError, httpx.ConnectTimeout),
    (core.ServiceRequestError, httpx.ConnectError),
    (core.ServiceResponseTimeoutError, httpx.ReadTimeout),
    (core.AzureError, httpx.ReadError),
)
_FRAMING = ("content-encoding", "content-length", "transfer-encoding")


def adapted(transport: Any) -> Any:
    """Return a transport that the native client takes: one of azure-core is wrapped, others stay.

    Raises:
        TypeError: It is one for the client of the other colour, or none at all.
    """
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport
    if isinstance(transport, AsyncHttpTransport):
        return _Adapted(transport)
    ours, theirs = httpx.AsyncBaseTransport.__name__, AsyncHttpTransport.__name__
    raise TypeError(f"transport must be a {theirs} of azure-core or a httpx.{ours}, not {type(transport).__name__}.")


class _Adapted(httpx.AsyncBaseTransport):
    def __init__(self, transport: AsyncHttpTransport[Any, Any]) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = request.content or None
        sent = HttpRequest(request.method, str(request.url), headers=dict(request.headers), content=content)
        timeout = request.extensions["timeout"]
        try:
            response = await self._transport.send(
                sent, connection_timeout=timeout["connect"], read_timeout=timeout["read"]
            )
        except core.AzureError as error:
            failure = next(ours for theirs, ours in _FAILURES if isinstance(error, theirs))
            raise failure(type(error).__name__, request=request) from error
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _FRAMING]
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    async def aclose(self) -> None:
        await self._transport.close()
