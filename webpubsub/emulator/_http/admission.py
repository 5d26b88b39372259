"""Whether a WebSocket client may connect, and as whom: everything that is decided before the upgrade.

Pure: a request goes in; an `Admission`, or the answer that refuses the upgrade, comes out.
"""

import attrs

from .._clients.json_v1 import JsonProtocol
from .._clients.simple import SimpleProtocol
from .._hub.messages import Subprotocol
from .._hub.names import is_group, is_hub, is_unicode
from .._hub.permissions import Permissions, RoleError
from .auth import Claims, Verifier, strings
from .refusals import RefusedError, bad_request
from .request import MalformedRequestError, Query, Request

__all__ = ["Admission", "admit", "is_client_path"]

_JSON = JsonProtocol()
_SUBPROTOCOLS: dict[str, Subprotocol] = {_JSON.name: _JSON}


@attrs.frozen
class Admission:
    """A client as it comes in."""

    hub: str
    user_id: str | None
    groups: frozenset[str]
    permissions: Permissions
    subprotocol: Subprotocol


def is_client_path(request: Request) -> bool:
    """Tell whether a request goes to an address for WebSocket clients."""
    try:
        segments = request.parse_target().segments
    except MalformedRequestError:
        return False
    match segments:
        case ("client",) | ("client", "") | ("client", "hubs", _):
            return True
    return False


def admit(request: Request, verifier: Verifier) -> Admission:
    """Decide about a client.

    Args:
        request: A request whose path is an address for clients.
        verifier: Checks its token.

    Raises:
        RefusedError: The client may not connect; holds the answer.
    """
    try:
        target = request.parse_target()
        authority = request.authority()
    except MalformedRequestError as error:
        raise RefusedError(bad_request("request", str(error))) from None
    if request.method != "GET" or (request.header("upgrade") or "").lower() != "websocket":
        raise RefusedError(bad_request("Upgrade", "This is an address for WebSocket clients."))
    in_path = len(target.segments) == 3
    hub = target.segments[2] if in_path else target.query.last("hub") or ""
    if not is_hub(hub):
        raise RefusedError(bad_request("hub", "The name of the hub is not valid."))
    token = target.query.last("access_token") or request.bearer_token()
    claims = verifier.check_client(token, authority, f"/client/hubs/{hub}")
    subprotocol = _negotiate(request) or _simple(target.query)
    try:
        permissions = Permissions(strings(claims, "role"))
    except RoleError as error:
        raise RefusedError(bad_request("role", str(error))) from None
    groups = frozenset(strings(claims, "webpubsub.group"))
    if not all(is_group(group) for group in groups):
        raise RefusedError(bad_request("webpubsub.group", "The token names a group that is not valid."))
    return Admission(hub, _user_id(claims), groups, permissions, subprotocol)


def _user_id(claims: Claims) -> str | None:
    subject = claims.get("sub")
    if subject is None:
        return None
    if isinstance(subject, int) and not isinstance(subject, bool):
        return str(subject)
    if not isinstance(subject, str) or not is_unicode(subject):
        raise RefusedError(bad_request("sub", "The user of the token is not a string."))
    return subject


def _negotiate(request: Request) -> Subprotocol | None:
    offered = (value for name, value in request.headers if name == "sec-websocket-protocol")
    names = (name.strip() for value in offered for name in value.split(","))
    return next((_SUBPROTOCOLS[name] for name in names if name in _SUBPROTOCOLS), None)


def _simple(query: Query) -> SimpleProtocol:
    mode = (query.last("webpubsub_mode") or "sendEvent").lower()
    if mode == "sendevent":
        return SimpleProtocol()
    if mode != "sendtogroup":
        raise RefusedError(bad_request("webpubsub_mode", "The mode must be sendEvent or sendToGroup."))
    group = query.last("group") or ""
    if not is_group(group):
        raise RefusedError(bad_request("group", "The mode sendToGroup needs the name of a group."))
    no_echo = (query.last("noEcho") or "false").lower()
    if no_echo not in ("true", "false"):
        raise RefusedError(bad_request("noEcho", "noEcho must be true or false."))
    return SimpleProtocol(group, no_echo == "true")
