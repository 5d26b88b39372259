"""Who may see the page, and what its requests stand for.

Everything is below one address that holds a token, so the page, its modules, its feed and what it does need nothing but
relative addresses. The token is new at each start.
"""

import json
import re
import secrets
from collections.abc import Mapping
from importlib.resources import files
from typing import ClassVar

import attrs

from .._billing import Meter
from .._clock import Clock
from .._http.auth import Verifier
from .._http.request import MalformedRequestError, Request, Response
from .._http.rest import RestApi
from .._hub.hub import Hubs
from .._journal import Journal
from .._testing.faults import Faults
from .connections import Board
from .feed import Feed, Viewer
from .records import Teller
from .redaction import Redaction

__all__ = ["Inspector"]

PREFIX = "/_emulator/inspector/"

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_GUARDS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = (
    "default-src 'self'; connect-src 'self' {web_socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'"
)
_KEPT_HEADERS = ("host", "content-type", "content-length", "transfer-encoding")
_RECORD = re.compile(r"records/([0-9]{1,15})")


class Trusting(Verifier):
    """Lets requests in without a token of the service: whoever makes them has shown that of the inspector."""

    def check_service(self, token: str | None, authority: str | None, path: str) -> None:
        """Refuse nobody."""

    def check_entra(self, token: str | None) -> None:
        """Refuse nobody."""


@attrs.frozen
class Inspector:
    """The inspector of one running emulator.

    Attributes:
        endpoint: The emulator's own endpoint.
        authorities: Host and port, in every form that the emulator can be addressed in.
        service: The REST operations, for requests of the page.
        feed: The records that the page shows.
        token: What the address of the page holds.
    """

    endpoint: str
    authorities: frozenset[str]
    service: RestApi
    feed: Feed
    token: str = attrs.field(repr=False)
    _board: Board
    _teller: Teller
    _files: Mapping[str, Response]
    _journal: Journal

    guards: ClassVar[Mapping[str, str]] = _GUARDS

    @classmethod
    def of(
        cls, hubs: Hubs, service: RestApi, clock: Clock, faults: Faults, journal: Journal, meter: Meter
    ) -> "Inspector":
        """Make one that sees what is written into a journal from now on, until it is stopped."""
        verifier = service.verifier
        redaction = Redaction(verifier.access_keys)
        trusting = Trusting(**{field.name: getattr(verifier, field.name) for field in attrs.fields(Verifier)})
        inspector = cls(
            service.endpoint,
            verifier.own_authorities,
            attrs.evolve(service, verifier=trusting),
            Feed(),
            secrets.token_urlsafe(24),
            Board(hubs, clock, faults, meter, redaction),
            Teller(redaction),
            _files(),
            journal,
        )
        journal.observe(inspector.feed.add)
        return inspector

    def stop(self) -> None:
        """See nothing any more."""
        self._journal.stop_observing(self.feed.add)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"{self.endpoint}{PREFIX}{self.token}/"

    def is_for(self, request: Request) -> bool:
        """Tell whether a request is for an address of the inspector."""
        return request.target.startswith(PREFIX)

    def receive(self, request: Request) -> Response | Request | Viewer:
        """Decide what becomes of a request.

        Returns:
            A response; or a request to the service or the emulator that is to be carried out instead; or a viewer who
            is to be told what happens.
        """
        try:
            authority = (request.authority() or "").lower()
            target = request.parse_target()
        except MalformedRequestError:
            return _refusal(403)
        given, _, place = target.path.removeprefix(PREFIX).partition("/")
        origin = request.header("origin")
        scheme = self.endpoint.partition("://")[0]
        if (
            authority not in self.authorities
            or (origin is not None and origin.lower() != f"{scheme}://{authority}")
            or not secrets.compare_digest(given.encode(), self.token.encode())
        ):
            return _refusal(403)
        if place.startswith("service/"):
            return self._passed_on(request, place.removeprefix("service"))
        if place.startswith("emulator/"):
            return self._passed_on(request, "/_emulator/" + place.removeprefix("emulator/"))
        if request.method != "GET":
            return attrs.evolve(_refusal(405), headers={**_GUARDS, "Allow": "GET"})
        if place == "feed":
            return self._viewer(request)
        if found := _RECORD.fullmatch(place):
            return self._record(int(found[1]))
        file = self._files.get(place or "index.html")
        if file is None:
            return _refusal(404)
        policy = _POLICY.format(web_socket=f"{scheme.replace('http', 'ws')}://{authority}")
        return attrs.evolve(file, headers={**file.headers, "Content-Security-Policy": policy})

    def _passed_on(self, request: Request, path: str) -> Request:
        query = request.target.partition("?")[1:]
        headers = [(name, value) for name, value in request.headers if name in _KEPT_HEADERS]
        headers.append(("user-agent", "webpubsub inspector"))
        return attrs.evolve(request, target=path + "".join(query), headers=headers)

    def _viewer(self, request: Request) -> Viewer:
        last = request.header("last-event-id") or ""
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 16 else None
        headers = {**_GUARDS, "Content-Type": "text/event-stream"}
        return Viewer(self.feed, self._board, self._teller, after, headers)

    def _record(self, number: int) -> Response:
        record = self.feed.find(number)
        if record is None:
            return _refusal(404)
        body = json.dumps(self._teller.details(number, record)).encode()
        return Response(200, {**_GUARDS, "Content-Type": "application/json"}, body)


def _refusal(status: int) -> Response:
    return Response(status, _GUARDS)


def _files() -> Mapping[str, Response]:
    return {
        file.name: Response(200, {**_GUARDS, "Content-Type": _KINDS[file.name.rpartition(".")[2]]}, file.read_bytes())
        for file in files(__name__.rpartition(".")[0]).joinpath("page").iterdir()
    }
