"""Requests of azure-core, turned into what the native client sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from azure.core.rest import HttpRequest

from webpubsub_rest import Request

from .._transport.endpoints import Endpoints
from ..errors import ConfigurationError
from ._messages import joined


def outgoing(request: HttpRequest, endpoints: Endpoints) -> Request:
    """Return a request as operations build them: its body whole, its URL below the endpoint.

    Args:
        request: The URL may be relative, may start with `{endpoint}`, or be one of the service or its proxy.
        endpoints: The addresses of the client.

    Raises:
        ConfigurationError: It is for another address, where the credential must not be sent.
        TypeError: The body is of a kind that cannot be sent.
    """
    if not isinstance(request, HttpRequest):
        raise TypeError(f"request must be an azure.core.rest.HttpRequest, not {type(request).__name__}.")
    content, headers = _body(request)
    named = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    made: Request = {"method": request.method, "url": _path(request.url, endpoints), "headers": {**named, **headers}}
    if content:
        made["content"] = content
    return made


def _path(url: str, endpoints: Endpoints) -> str:
    url = url.replace("{endpoint}", endpoints.service)
    if "://" not in url:
        return url if url.startswith("/") else f"/{url}"
    for own in (endpoints.target, endpoints.service):
        if url.startswith(f"{own}/"):
            return url[len(own) :]
    raise ConfigurationError(
        f"The request is for another address than {endpoints.service}; it was not sent, "
        f"because it would have carried the credential there."
    )


def _body(request: HttpRequest) -> tuple[bytes, dict[str, str]]:
    """Read the body; a form brings its content type along."""
    content: Any = request.content
    if content is None:
        return b"", {}
    if isinstance(content, Mapping):
        files: Any = request._files  # `content` gives out only one of the two
        form = httpx.Request(request.method, "http://form", data=request._data or {}, files=files)
        return form.read(), {"Content-Type": form.headers["Content-Type"]}
    if hasattr(content, "read"):
        content = content.read()
    if isinstance(content, str):
        return joined([content], "The content of the request"), {}
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content), {}
    if isinstance(content, Iterable):
        return joined(content, "The content of the request"), {}
    raise TypeError(f"The content of the request must be bytes, a str or a stream, not {type(content).__name__}.")
