"""Responses in the shape of azure-core, over responses of httpx that were read whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
from azure.core import rest
from azure.core.utils import case_insensitive_dict

from ...errors import from_response
from .._errors import refused


class AsyncHttpResponse(rest.AsyncHttpResponse):
    """A response of azure-core whose body is there already."""

    def __init__(self, request: rest.HttpRequest, response: httpx.Response) -> None:
        self._request = request
        self._status_code = response.status_code
        self._reason = response.reason_phrase
        self._url = str(response.request.url)
        self._request_id = response.request.headers.get("x-ms-client-request-id")
        self._headers = case_insensitive_dict(response.headers.items())
        self._content = response.content
        self._encoding = response.charset_encoding

    @property
    def request(self) -> rest.HttpRequest:
        """The request, without the headers that signing added."""
        return self._request

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._status_code

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers; the case of their names does not matter."""
        return self._headers

    @property
    def content_type(self) -> str | None:
        """The content type."""
        return self._headers.get("Content-Type")

    @property
    def is_closed(self) -> bool:
        """Always True: the body is here, the connection is free again."""
        return True

    @property
    def is_stream_consumed(self) -> bool:
        """Always True: the body was read."""
        return True

    @property
    def encoding(self) -> str | None:
        """The encoding of the text, when the response names it or it was set."""
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        """Where the request went."""
        return self._url

    @property
    def content(self) -> bytes:
        """The body."""
        return self._content

    def text(self, encoding: str | None = None) -> str:
        """Decode the body; what cannot be decoded is replaced."""
        return self._content.decode(encoding or self._encoding or "utf-8-sig", "replace")

    def json(self) -> Any:
        """Decode the body as JSON."""
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        """Raise the error that a method of the client would raise, for a status of 400 and more."""
        if self._status_code >= 400:
            raise refused(from_response(self, "send_request", self._request_id), self)

    async def read(self) -> bytes:
        """Return the body."""
        return self._content

    async def iter_raw(self, **_: Any) -> AsyncIterator[bytes]:
        """Iterate over the body, which comes in one piece."""
        yield self._content

    async def iter_bytes(self, **_: Any) -> AsyncIterator[bytes]:
        """Iterate over the body, which comes in one piece."""
        yield self._content

    async def close(self) -> None:
        """Do nothing: the connection is free already."""

    async def __aenter__(self) -> AsyncHttpResponse:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        content_type = f", Content-Type: {self.content_type}" if self.content_type else ""
        return f"<{type(self).__name__}: {self._status_code} {self._reason}{content_type}>"
