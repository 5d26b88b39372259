"""A transport of azure-core, such as one with a session of one's own, under the client."""
# Rendered by codegen.py from webpubsub/compat/_async/transport.py. Do not edit: change that file and run `python codegen.py`.
from __future__ import annotations

from typing import Any

import httpx
from azure.core import exceptions as core
from azure.core.pipeline.transport import HttpTransport
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
    if isinstance(transport, httpx.BaseTransport):
        return transport
    if isinstance(transport, HttpTransport):
        return _Adapted(transport)
    ours, theirs = httpx.BaseTransport.__name__, HttpTransport.__name__
    raise TypeError(f"transport must be a {theirs} of azure-core or a httpx.{ours}, not {type(transport).__name__}.")


class _Adapted(httpx.BaseTransport):
    def __init__(self, transport: HttpTransport[Any, Any]) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.content or None
        sent = HttpRequest(request.method, str(request.url), headers=dict(request.headers), content=content)
        timeout = request.extensions["timeout"]
        try:
            response = self._transport.send(
                sent, connection_timeout=timeout["connect"], read_timeout=timeout["read"]
            )
        except core.AzureError as error:
            failure = next(ours for theirs, ours in _FAILURES if isinstance(error, theirs))
            raise failure(type(error).__name__, request=request) from error
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _FRAMING]
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    def close(self) -> None:
        self._transport.close()
