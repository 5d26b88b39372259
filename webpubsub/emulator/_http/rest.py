"""From a REST request to a response: routing, authorization, API version; the operations are in `operations`.

Pure but for the state it changes and the outboxes that the state writes to.
"""

import difflib
from collections.abc import Sequence

import attrs

from .._clock import Clock
from .._hub.hub import Hub, Hubs
from .._hub.names import is_hub
from .auth import Verifier
from .operations import API_VERSIONS, OPERATIONS, Call, Operation
from .refusals import (
    LARGEST_BODY,
    RefusedError,
    bad_request,
    empty,
    method_not_allowed,
    payload_too_large,
    reports_versions,
    unknown_path,
)
from .request import MalformedRequestError, Query, Request, Response, Target

__all__ = ["Admitted", "RestApi"]

_LONGEST_COMPARED = 200
_ROUTES = [(tuple(operation.path.split("/")[1:]), operation) for operation in OPERATIONS]


@attrs.frozen
class RestApi:
    """The REST data plane over some hubs.

    Attributes:
        hubs: What the operations read and change.
        verifier: Checks the tokens of requests.
        endpoint: The emulator's own endpoint.
        clock: The emulator's time.
        api_versions: Which versions are accepted besides those of the service; None accepts any.
    """

    hubs: Hubs
    verifier: Verifier
    endpoint: str
    clock: Clock
    api_versions: Sequence[str] | None = ()

    def operation_of(self, request: Request) -> str | None:
        """Return the name of the operation that a request is for, if it is for one."""
        try:
            return _route(request.method, request.parse_target().segments)[0].handle.__name__
        except (MalformedRequestError, RefusedError):
            return None

    def handle(self, request: Request) -> Response:
        """Carry out a request that is there with its body, and return the response."""
        admitted = self.admit(request)
        return admitted if isinstance(admitted, Response) else admitted.carry_out(request.body)

    def admit(self, request: Request) -> "Response | Admitted":
        """Say everything about a request that can be said before its body is read."""
        try:
            return self._admit(request)
        except MalformedRequestError as error:
            return bad_request("request", str(error))
        except RefusedError as refused:
            return refused.response

    def _admit(self, request: Request) -> "Admitted":
        target = request.parse_target()
        authority = request.authority()
        operation, names = _route(request.method, target.segments)
        if operation.entra_only:
            self.verifier.check_entra(request.bearer_token())
        elif not operation.public:
            self.verifier.check_service(request.bearer_token(), authority, target.path)
        self._check_version(target.query)
        if (request.header("content-encoding") or "identity").lower() != "identity":
            raise RefusedError(empty(415))
        versions = () if operation.public else (*API_VERSIONS, *(self.api_versions or ()))
        return Admitted(operation, self._call(request, target, names, authority), versions)

    def _check_version(self, query: Query) -> None:
        asked = query.all("api-version")
        if len(asked) > 1:
            raise RefusedError(bad_request("api-version", "The API version is given more than once."))
        if asked and self.api_versions is not None and asked[0] not in (*API_VERSIONS, *self.api_versions):
            known = ", ".join((*API_VERSIONS, *self.api_versions))
            message = f"The API version must be one of {known}. The emulator's option api_versions lets others in."
            raise RefusedError(bad_request("api-version", message))

    def _call(self, request: Request, target: Target, names: dict[str, str], authority: str | None) -> Call:
        hub = names.get("hub")
        if hub is not None and not is_hub(hub):
            raise RefusedError(bad_request("hub", "The name of the hub is not valid."))
        return Call(
            request=request,
            path=target.path,
            query=target.query,
            names=names,
            hub=Hub() if hub is None else self.hubs.get(hub),
            origin=self.endpoint if authority is None else f"{self.endpoint.partition('://')[0]}://{authority}",
            endpoint=self.endpoint,
            clock=self.clock,
            access_key=self.verifier.access_keys[0],
        )


@attrs.frozen
class Admitted:
    """A request that may be carried out when its body is there."""

    operation: Operation
    call: Call
    versions: Sequence[str]

    def carry_out(self, body: bytes) -> Response:
        """Do what the request asks for, and return the response.

        Args:
            body: The whole body, or as much of it as shows that it is too long.
        """
        if len(body) > LARGEST_BODY:
            return payload_too_large()
        request = attrs.evolve(self.call.request, body=body)
        try:
            response = self.operation.handle(attrs.evolve(self.call, request=request))
        except RefusedError as refused:
            response = refused.response
        if not self.versions or not reports_versions(response):
            return response
        return attrs.evolve(response, headers={**response.headers, "api-supported-versions": ", ".join(self.versions)})


def _route(method: str, segments: Sequence[str]) -> tuple[Operation, dict[str, str]]:
    found = [(operation, names) for template, operation in _ROUTES if (names := _match(template, segments)) is not None]
    for operation, names in found:
        if operation.method == method:
            return operation, names
    allowed = sorted(operation.method for operation, _ in found)
    if allowed:
        raise RefusedError(method_not_allowed(allowed))
    path = "/" + "/".join(segments)
    raise RefusedError(unknown_path(path, _closest(path)))


def _closest(path: str) -> list[str]:
    """List the operations whose paths resemble what was asked for most."""
    known = dict.fromkeys(operation.path for operation in OPERATIONS)
    close = difflib.get_close_matches(path[:_LONGEST_COMPARED], known, n=3, cutoff=0)
    return [f"{row.method} {row.path}" for path in close for row in OPERATIONS if row.path == path]


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    names: dict[str, str] = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{") and segment:
            names[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return names
