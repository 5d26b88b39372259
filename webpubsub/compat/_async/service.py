"""The HTTP client under the drop-in client: what azure-core's keywords ask for, around each request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import httpx
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest

from webpubsub_rest import Operation, Request

from ..._async.service import Service
from ...errors import ConfigurationError, ServiceError, TransportError, WebPubSubError
from ...options import Settings
from .._errors import refused, unserved
from .._options import CallSettings, Extras
from .response import AsyncHttpResponse

P = ParamSpec("P")
T = TypeVar("T")

_NOTHING = Extras()
_EXTRAS = "webpubsub.compat"


class DropInService(Service):
    """Runs operations as the native client does; errors are those of azure-core as well."""

    async def _result(self, settings: Settings, operation: Operation[P, T], arguments: Request) -> T:
        extras = _of(settings)
        if extras.query:
            joint = "&" if "?" in arguments["url"] else "?"
            arguments = {**arguments, "url": f"{arguments['url']}{joint}{extras.query}"}
        if extras.cls is not None:
            operation = Operation(operation.name, operation.build, _told(operation.parse, extras.cls))
        return await super()._result(settings, operation, arguments)

    async def _built(self, arguments: Request, settings: Settings) -> httpx.Request:
        request = await super()._built(arguments, settings)
        request.extensions[_EXTRAS] = _of(settings)
        return request

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        extras = request.extensions.get(_EXTRAS, _NOTHING)
        if extras.raw_request_hook is None and extras.raw_response_hook is None:
            return await super()._exchange(request)
        shown: PipelineRequest[HttpRequest] = PipelineRequest(_shown(request), PipelineContext(None))
        if extras.raw_request_hook is not None:
            extras.raw_request_hook(shown)
            request = self._changed(shown.http_request, request)
        response = await super()._exchange(request)
        if extras.raw_response_hook is not None:
            extras.raw_response_hook(_pipeline_response(response, shown.context))
        return response

    def _changed(self, shown: HttpRequest, request: httpx.Request) -> httpx.Request:
        """Take a request as a hook left it."""
        if not shown.url.startswith(f"{self.endpoints.target}/"):
            raise ConfigurationError(
                f"raw_request_hook must leave the request at {self.endpoints.target}; it was not sent."
            )
        headers = {name: value for name, value in shown.headers.items() if name.lower() != "content-length"}
        return httpx.Request(
            shown.method, shown.url, headers=headers, content=shown.content, extensions=request.extensions
        )

    def error_to_raise(
        self, error: WebPubSubError, request: httpx.Request, response: httpx.Response | None
    ) -> WebPubSubError:
        """Return the error that is one of azure-core as well.

        Raises:
            Exception: What the `error_map` of the call says.
        """
        if isinstance(error, TransportError):
            return unserved(error, sys.exception())
        if isinstance(error, ServiceError) and response is not None:
            own = _response(response)
            chosen = request.extensions[_EXTRAS].error_map.get(error.status)
            if chosen is not None:
                raise chosen(response=own) from None
            return refused(error, own)
        return error


def _of(settings: Settings) -> Extras:
    return settings.extras if isinstance(settings, CallSettings) else _NOTHING


def _shown(request: httpx.Request) -> HttpRequest:
    return HttpRequest(request.method, str(request.url), headers=dict(request.headers), content=request.content or None)


def _response(response: httpx.Response) -> AsyncHttpResponse:
    """Show a response, and of its request all but the credential."""
    request = _shown(response.request)
    request.headers.pop("Authorization", None)
    return AsyncHttpResponse(request, response)


def _pipeline_response(response: httpx.Response, context: PipelineContext) -> PipelineResponse[HttpRequest, Any]:
    own = _response(response)
    return PipelineResponse(own.request, own, context)


def _told(parse: Callable[[httpx.Response], T], cls: Callable[..., object]) -> Callable[[httpx.Response], T]:
    """Return a parser that calls `cls` with what it parsed; with None where the status is all there is, as there."""

    def parse_and_tell(response: httpx.Response) -> T:
        result = parse(response)
        cls(_pipeline_response(response, PipelineContext(None)), None if isinstance(result, bool) else result, {})
        return result

    return parse_and_tell
