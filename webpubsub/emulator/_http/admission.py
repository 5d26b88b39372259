"""Whether a WebSocket client may connect, and as whom: everything that is decided before the upgrade.

Pure: a request goes in; an `Admission`, or the response that refuses the upgrade, comes out.
"""

import json
from collections.abc import Mapping, Sequence

import attrs

from .._clients.endpoints import ENDPOINTS, ClientEndpoint, Speaker
from .._clients.simple import SimpleCodec
from .._hub.names import is_group, is_hub, is_unicode
from .._hub.permissions import Permissions, RoleError
from .._hub.upstream import ConnectEvent, ConnectReply
from .auth import Claims, Verifier
from .refusals import RefusedError, bad_request, empty, unauthorized
from .request import MalformedRequestError, Query, Request

__all__ = ["Admission", "Recovery", "admit", "apply_reply", "find_endpoint"]

_PRIVATE_PARAMETERS = frozenset(("access_token",))
_PRIVATE_HEADERS = frozenset(("authorization",))


@attrs.frozen
class Admission:
    """A client as it comes in.

    Attributes:
        protocol: The subprotocol that was agreed on; None for a simple client.
        speaker: Begins its session.
        event: What an event handler may be told, before the client is let in.
    """

    hub: str
    user_id: str | None
    groups: frozenset[str]
    permissions: Permissions
    protocol: str | None
    speaker: Speaker
    event: ConnectEvent


@attrs.frozen
class Recovery:
    """A client that wants its session back.

    Attributes:
        token: What it proves itself with, as it came.
        protocol: What it is spoken to in if it does not get the session.
    """

    hub: str
    connection_id: str
    token: str = attrs.field(repr=False)
    protocol: str | None


def find_endpoint(request: Request) -> ClientEndpoint | None:
    """Look up which address for WebSocket clients a request goes to, if any."""
    try:
        segments = request.parse_target().segments
    except MalformedRequestError:
        return None
    return next((row for row in ENDPOINTS if any(_fits(path, segments) for path in row.paths)), None)


def _fits(path: Sequence[str], segments: Sequence[str]) -> bool:
    return len(path) == len(segments) and all(
        expected in ("{hub}", segment) for expected, segment in zip(path, segments, strict=True)
    )


def admit(request: Request, verifier: Verifier, endpoint: ClientEndpoint) -> Admission | Recovery:
    """Decide about a client.

    Args:
        request: A request to this address for clients.
        verifier: Checks its token.
        endpoint: The address.

    Raises:
        RefusedError: The client may not connect; holds the response.
    """
    try:
        target = request.parse_target()
        authority = request.authority()
    except MalformedRequestError as error:
        raise RefusedError(bad_request("request", str(error))) from None
    if request.method != "GET" or (request.header("upgrade") or "").lower() != "websocket":
        raise RefusedError(bad_request("Upgrade", "This is an address for WebSocket clients."))
    verifier.check_origin(request.header("origin"), authority)
    hub = _hub_name(target.segments, target.query)
    if not is_hub(hub):
        raise RefusedError(bad_request("hub", "The name of the hub is not valid."))
    offered = _offered(request)
    connection_id = target.query.last("awps_connection_id")
    if connection_id:
        known = (name for name in offered if name in endpoint.subprotocols)
        return Recovery(hub, connection_id, target.query.last("awps_reconnection_token") or "", next(known, None))
    token = target.query.last("access_token") or request.bearer_token()
    claims = verifier.check_client(token, authority, endpoint.audience + hub, hub)
    protocol, speaker = _negotiate(offered, target.query, endpoint)
    permissions = _permissions(_names(claims, "role"))
    groups = frozenset(_names(claims, "webpubsub.group"))
    if not all(is_group(group) for group in groups):
        raise RefusedError(bad_request("webpubsub.group", "The token names a group that is not valid."))
    event = ConnectEvent(
        {name: _texts(value) for name, value in claims.items()},
        {name: values for name, values in target.query.items() if name.lower() not in _PRIVATE_PARAMETERS},
        _headers(request),
        offered,
    )
    return Admission(hub, _user_id(claims), groups, permissions, protocol, speaker, event)


def apply_reply(admission: Admission, reply: ConnectReply, request: Request, endpoint: ClientEndpoint) -> Admission:
    """Let an event handler's reply change who comes in, and as what.

    Raises:
        RefusedError: The reply names roles that cannot be.
    """
    protocol, speaker = admission.protocol, admission.speaker
    if reply.subprotocol is not None and reply.subprotocol != protocol:
        protocol, speaker = _chosen(reply.subprotocol, request.parse_target().query, endpoint)
    return attrs.evolve(
        admission,
        user_id=admission.user_id if reply.user_id is None else reply.user_id,
        groups=admission.groups if reply.groups is None else frozenset(reply.groups),
        permissions=admission.permissions if reply.roles is None else _permissions(reply.roles),
        protocol=protocol,
        speaker=speaker,
    )


def _permissions(roles: Sequence[str]) -> Permissions:
    try:
        return Permissions(roles)
    except RoleError as error:
        raise RefusedError(bad_request("role", str(error))) from None


def _texts(value: object) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in values]


def _headers(request: Request) -> Mapping[str, Sequence[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name not in _PRIVATE_HEADERS:
            headers.setdefault(name, []).append(value)
    return headers


def _hub_name(segments: Sequence[str], query: Query) -> str:
    return segments[-1] if "hubs" in segments else query.last("hub") or ""


def _names(claims: Claims, name: str) -> list[str]:
    value = claims.get(name)
    if value is None:
        return []
    names = value if isinstance(value, list) else [value]
    texts = [item for item in names if isinstance(item, str)]
    if len(texts) < len(names):
        raise RefusedError(unauthorized(f"The claim {name} of the token is neither a string nor an array of strings."))
    return texts


def _user_id(claims: Claims) -> str | None:
    subject = claims.get("sub")
    if subject is None:
        return None
    if isinstance(subject, int) and not isinstance(subject, bool):
        return str(subject)
    if not isinstance(subject, str) or not is_unicode(subject):
        raise RefusedError(unauthorized("The user of the token is not a string."))
    return subject


def _offered(request: Request) -> Sequence[str]:
    values = (value for name, value in request.headers if name == "sec-websocket-protocol")
    return [name.strip() for value in values for name in value.split(",")]


def _negotiate(offered: Sequence[str], query: Query, endpoint: ClientEndpoint) -> tuple[str | None, Speaker]:
    for name in offered:
        if name in endpoint.subprotocols:
            return name, endpoint.subprotocols[name]
    if endpoint.simple is None:
        raise RefusedError(bad_request("Sec-WebSocket-Protocol", "The client offers no subprotocol of this address."))
    return None, endpoint.simple(_simple(query))


def _chosen(subprotocol: str, query: Query, endpoint: ClientEndpoint) -> tuple[str | None, Speaker]:
    if subprotocol in endpoint.subprotocols:
        return subprotocol, endpoint.subprotocols[subprotocol]
    if endpoint.simple is None:
        raise RefusedError(empty(500))
    return subprotocol, endpoint.simple(_simple(query))


def _simple(query: Query) -> SimpleCodec:
    mode = (query.last("webpubsub_mode") or "sendEvent").lower()
    if mode == "sendevent":
        return SimpleCodec()
    if mode != "sendtogroup":
        raise RefusedError(bad_request("webpubsub_mode", "The mode must be sendEvent or sendToGroup."))
    group = query.last("group") or ""
    if not is_group(group):
        raise RefusedError(bad_request("group", "The mode sendToGroup needs the name of a group."))
    no_echo = (query.last("noEcho") or "false").lower()
    if no_echo not in ("true", "false"):
        raise RefusedError(bad_request("noEcho", "noEcho must be true or false."))
    return SimpleCodec(group, no_echo == "true")
