"""Who may call: checking the tokens of REST requests and of clients that connect.

Tokens are checked for real: algorithm, signature, times, audience. An audience is the URL that the token is for;
it is compared without query, without regard to case, scheme and percent-encoding, and its path segment by segment.
That of a REST request may go on below the path of the request, as the service has it.
The host may be the one that the request was addressed to or the emulator's own, so that tokens for the origin
work through a reverse proxy.
"""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import unquote

import attrs

from webpubsub.tokens import InvalidTokenError, read_unverified, verify

from .._clock import Clock
from .._hub.names import is_hub
from .refusals import RefusedError, forbidden_origin, unauthorized

__all__ = ["ENTRA_AUDIENCE", "Claims", "Location", "Verifier", "locate"]

ENTRA_AUDIENCE = "https://webpubsub.azure.com"
"""The audience of Microsoft Entra ID tokens for the service."""

Claims: TypeAlias = dict[str, object]
Location: TypeAlias = tuple[str, tuple[str, ...]]
"""Host with port, and the decoded segments of the path; both in lower case."""

_WRONG_AUDIENCE = "The audience is invalid"
_SCHEMES = {"http", "https", "ws", "wss"}
_DEFAULT_PORTS = (":80", ":443")
_LEEWAY_SECONDS = 300


def locate(url: str) -> Location | None:
    """Reduce a URL to what audiences are compared by; None when it is not one."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        return None
    authority, _, path = rest.partition("?")[0].partition("/")
    return location(authority, path)


def location(authority: str, path: str) -> Location:
    """Reduce a host and a path, which begins after the first slash, to what audiences are compared by."""
    authority = authority.lower()
    for port in _DEFAULT_PORTS:
        authority = authority.removesuffix(port)
    return authority, tuple(unquote(segment).lower() for segment in path.rstrip("/").split("/"))


@attrs.frozen
class Verifier:
    """Checks tokens against the access key.

    Attributes:
        access_keys: The keys, one of which must have signed them; new ones are signed with the first.
        own_authorities: Hosts with ports under which the emulator knows itself.
        simulate_entra: Whether a token for the audience of Entra ID counts as one from there.
        accept_unvalidated_entra_tokens: Whether it does so whoever signed it.
        clock: What the tokens of clients expire by. Those of REST requests expire by the time of the machine, which
            signs them anew for each request.
        anonymous_hubs: Hubs, in lower case, whose clients need no token; `*` stands for all of them.
        local_pages_only: Whether web pages from elsewhere are turned away: where everybody knows the key, or needs
            none, any page that a browser of this machine shows could connect.
    """

    access_keys: Sequence[str] = attrs.field(repr=False)
    own_authorities: frozenset[str]
    simulate_entra: bool = False
    accept_unvalidated_entra_tokens: bool = False
    clock: Clock = attrs.field(factory=Clock)
    anonymous_hubs: frozenset[str] = frozenset()
    local_pages_only: bool = False

    def check_origin(self, origin: str | None, authority: str | None) -> None:
        """Refuse a client in a web page that comes from neither this machine nor the emulator's own address."""
        if origin is None or not self.local_pages_only:
            return
        host = origin.lower().partition("://")[2]
        name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
        if not (_is_local(name) or (host == (authority or "").lower() and host in self.own_authorities)):
            raise RefusedError(forbidden_origin())

    def check_service(self, token: str | None, authority: str | None, path: str) -> None:
        """Refuse a REST request unless its token is good for this host and path."""
        claims = self._read(token)
        if not self._is_for(claims, authority, path, may_go_on=True) and not self._is_from_entra(claims):
            raise RefusedError(unauthorized(_wrong_audience(claims, path)))

    def check_entra(self, token: str | None) -> None:
        """Refuse a REST request unless its token comes from Entra ID: no access key will do."""
        claims = self._read(token)
        if not self._is_from_entra(claims):
            raise RefusedError(unauthorized("This operation takes tokens of Microsoft Entra ID only."))

    def check_client(self, token: str | None, authority: str | None, path: str, hub: str) -> Claims:
        """Refuse a client unless its token is good for this host and path; return what it says.

        Where a hub lets clients in without a token, one that has none says nothing.
        """
        if token is None and not self.anonymous_hubs.isdisjoint(("*", hub.lower())):
            return {}
        claims = self._read(token, signed=True)
        expiry = claims.get("exp")
        if isinstance(expiry, str):
            expiry = float(expiry)
        if isinstance(expiry, int | float) and expiry + _LEEWAY_SECONDS <= self.clock.wall():
            raise RefusedError(unauthorized("The token has expired."))
        if not self._is_for(claims, authority, path):
            raise RefusedError(unauthorized(_wrong_audience(claims, path)))
        return claims

    def _read(self, token: str | None, *, signed: bool = False) -> Claims:
        if token is None:
            raise RefusedError(unauthorized("There is no token."))
        try:
            if self.accept_unvalidated_entra_tokens and not signed:
                claims: Claims = dict(read_unverified(token))
                if _is_for_entra(claims):
                    return claims
            return self._verify(token)
        except InvalidTokenError as error:
            raise RefusedError(unauthorized(str(error))) from None

    def _verify(self, token: str) -> Claims:
        *others, last = self.access_keys
        for key in others:
            with suppress(InvalidTokenError):
                return dict(verify(token, key))
        return dict(verify(token, last))

    def _is_for(self, claims: Claims, authority: str | None, path: str, *, may_go_on: bool = False) -> bool:
        authorities = self.own_authorities if authority is None else {authority, *self.own_authorities}
        accepted = [location(host, path.removeprefix("/")) for host in authorities]
        for audience in filter(None, map(locate, _audiences(claims))):
            if any(_covers(audience, own, may_go_on=may_go_on) for own in accepted):
                return True
        return False

    def _is_from_entra(self, claims: Claims) -> bool:
        return (self.simulate_entra or self.accept_unvalidated_entra_tokens) and _is_for_entra(claims)


def _covers(audience: Location, own: Location, *, may_go_on: bool) -> bool:
    host, segments = audience
    return (host, segments[: len(own[1])] if may_go_on else segments) == own


def _wrong_audience(claims: Claims, path: str) -> str:
    asked = _hub_in(location("", path.removeprefix("/"))[1])
    for audience in filter(None, map(locate, _audiences(claims))):
        named = _hub_in(audience[1])
        if named is not None and asked is not None and named != asked:
            return f"{_WRONG_AUDIENCE}: the token is for hub {named}, not {asked}"
    return _WRONG_AUDIENCE


def _hub_in(segments: Sequence[str]) -> str | None:
    hub = next((after for before, after in pairwise(segments) if before == "hubs"), "")
    return hub if is_hub(hub) else None


def _is_local(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _is_for_entra(claims: Claims) -> bool:
    return any(audience.rstrip("/") == ENTRA_AUDIENCE for audience in _audiences(claims))


def _audiences(claims: Claims) -> list[str]:
    """Return the audiences of a token, of which there may be several; what is no string is none."""
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
