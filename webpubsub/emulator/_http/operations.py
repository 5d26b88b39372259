"""The 25 operations of the REST data plane: what each one does, and the table of them.

An operation gets a `Call` that has been routed, authorized and checked for its API version, and returns a response.
"""

import json
import uuid
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlencode

import attrs

from webpubsub.tokens import JSONValue, sign

from .._clock import Clock
from .._hub.filters import Filter
from .._hub.hub import Connection, Hub
from .._hub.messages import Message
from .._hub.permissions import Permissions, TooManyRulesError
from . import parameters as read
from .auth import ENTRA_AUDIENCE
from .refusals import conflict, not_found
from .request import Query, Request, Response

__all__ = ["API_VERSIONS", "OPERATIONS", "Call", "Operation"]

API_VERSIONS = ("2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01")

_JSON = "application/json; charset=utf-8"
_OK, _ACCEPTED, _NO_CONTENT = Response(200), Response(202), Response(204)
_LARGEST_PAGE = 200
_LARGEST_INT32 = 2**31 - 1
_DEFAULT_MINUTES = 60


@attrs.frozen
class Call:
    """One call of an operation.

    Attributes:
        request: The request as it came.
        path: The path of the request as it was sent.
        query: Its parameters.
        names: What the placeholders of the operation's path stand for.
        hub: The hub it is about.
        origin: Scheme, host and port that the client used.
        endpoint: The emulator's own endpoint.
        clock: The emulator's time.
        access_key: The key that signs tokens.
    """

    request: Request
    path: str
    query: Query
    names: dict[str, str]
    hub: Hub
    origin: str
    endpoint: str
    clock: Clock
    access_key: str = attrs.field(repr=False)

    @property
    def group(self) -> str:
        """The group in the path, checked."""
        return read.require_group(self.names["group"])

    @property
    def connection(self) -> Connection | None:
        """The connection in the path, if it exists."""
        return self.hub.connection(read.require_id(self.names["connection_id"], "connection"))

    @property
    def user(self) -> list[Connection]:
        """The connections of the user in the path."""
        return self.hub.user(read.require_id(self.names["user_id"], "user"))

    def no_connection(self, severity: str) -> Response:
        """Say that the connection in the path does not exist."""
        return not_found(f"{severity}.Connection.NotExisted", "Connection", self.names["connection_id"])

    def no_user(self) -> Response:
        """Say that the user in the path has no connection."""
        return not_found("Warning.User.NotExisted", "User", self.names["user_id"])


Handler: TypeAlias = Callable[[Call], Response]


@attrs.frozen
class Operation:
    """One row of the table.

    Attributes:
        method: The HTTP method.
        path: The path with `{placeholders}`.
        handle: What it does.
        entra_only: Whether it refuses tokens signed with the access key.
        public: Whether it needs no token.
    """

    method: str
    path: str
    handle: Handler
    entra_only: bool = False
    public: bool = False


def get_service_status(_: Call) -> Response:
    return _OK


def send_to_all(call: Call) -> Response:
    return _send(call, call.hub.everyone())


def send_to_group(call: Call) -> Response:
    return _send(call, call.hub.group(call.group), group=call.group)


def send_to_user(call: Call) -> Response:
    return _send(call, call.user)


def send_to_connection(call: Call) -> Response:
    return _send(call, _existing(call.connection))


def _send(call: Call, targets: list[Connection], *, group: str | None = None) -> Response:
    selected = _select(targets, read.filter_(call.query), read.excluded(call.query))
    ttl_seconds = read.ttl_seconds(call.query)
    metadata = read.metadata(call.request)
    expires_at = call.clock.now() + ttl_seconds if ttl_seconds else None
    message = Message(read.payload(call.request), group, metadata=metadata, expires_at=expires_at)
    call.hub.publish(selected, message)
    return _ACCEPTED


def connection_exists(call: Call) -> Response:
    return _OK if call.connection else call.no_connection("Warning")


def group_exists(call: Call) -> Response:
    return _OK if call.hub.group(call.group) else not_found("Warning.Group.NotExisted", "Group", call.group)


def user_exists(call: Call) -> Response:
    return _OK if call.user else call.no_user()


def close_all_connections(call: Call) -> Response:
    return _close(call, call.hub.everyone())


def close_group_connections(call: Call) -> Response:
    return _close(call, call.hub.group(call.group))


def close_user_connections(call: Call) -> Response:
    return _close(call, call.user)


def close_connection(call: Call) -> Response:
    return _close(call, _existing(call.connection))


def _close(call: Call, targets: list[Connection]) -> Response:
    reason = read.single(call.query, "reason")
    call.hub.close(_select(targets, None, read.excluded(call.query)), reason)
    return _NO_CONTENT


def add_connection_to_group(call: Call) -> Response:
    group, connection = call.group, call.connection
    if connection is None:
        return call.no_connection("Error")
    call.hub.join(connection, group)
    return _OK


def remove_connection_from_group(call: Call) -> Response:
    return _remove(call, _existing(call.connection))


def remove_connection_from_all_groups(call: Call) -> Response:
    return _remove_from_all(call, _existing(call.connection))


def add_user_to_group(call: Call) -> Response:
    group, connections = call.group, call.user
    if not connections:
        return call.no_user()
    for connection in connections:
        call.hub.join(connection, group)
    return _OK


def remove_user_from_group(call: Call) -> Response:
    return _remove(call, call.user)


def remove_user_from_all_groups(call: Call) -> Response:
    return _remove_from_all(call, call.user)


def _remove(call: Call, connections: list[Connection]) -> Response:
    group = call.group
    for connection in connections:
        call.hub.leave(connection, group)
    return _NO_CONTENT


def _remove_from_all(call: Call, connections: list[Connection]) -> Response:
    for connection in connections:
        call.hub.leave_all(connection)
    return _NO_CONTENT


def add_connections_to_groups(call: Call) -> Response:
    return _change_groups(call, call.hub.join)


def remove_connections_from_groups(call: Call) -> Response:
    return _change_groups(call, call.hub.leave)


def _change_groups(call: Call, change: Callable[[Connection, str], None]) -> Response:
    groups, filter_ = read.groups_request(call.request)
    for connection in _select(call.hub.everyone(), filter_, frozenset()):
        for group in groups:
            change(connection, group)
    return _OK


def list_connections_in_group(call: Call) -> Response:
    group = call.group
    page_size = read.integer(call.query, "maxpagesize", 1, _LARGEST_PAGE) or _LARGEST_PAGE
    top = read.integer(call.query, "top", 1, _LARGEST_INT32)
    after = read.single(call.query, "continuationToken") or ""
    members = sorted(call.hub.group(group), key=lambda connection: connection.connection_id)
    remaining = [connection for connection in members if connection.connection_id > after]
    page = remaining[: page_size if top is None else min(page_size, top)]
    listing: dict[str, object] = {
        "value": [{"connectionId": member.connection_id, "userId": member.user_id} for member in page]
    }
    if len(page) not in (len(remaining), top):
        listing["nextLink"] = _next_link(call, page[-1], None if top is None else top - len(page))
    return _json(listing)


def _next_link(call: Call, last: Connection, top: int | None) -> str:
    parameters = {
        "top": None if top is None else str(top),
        "maxpagesize": call.query.last("maxpagesize"),
        "continuationToken": last.connection_id,
        "api-version": call.query.last("api-version"),
    }
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{call.origin}{call.path}?{query}"


def grant_permission(call: Call) -> Response:
    def grant(permissions: Permissions) -> Response:
        permissions.grant(permission, group)
        return _OK

    permission, group = read.permission(call.names["permission"]), _target_name(call)
    if call.connection is None:
        return call.no_connection("Info")
    return _change_rules(call.connection, grant)


def revoke_permission(call: Call) -> Response:
    def revoke(permissions: Permissions) -> Response:
        permissions.revoke(permission, group)
        return _NO_CONTENT

    permission, group = read.permission(call.names["permission"]), _target_name(call)
    return _NO_CONTENT if call.connection is None else _change_rules(call.connection, revoke)


def check_permission(call: Call) -> Response:
    permission, group = read.permission(call.names["permission"]), _target_name(call)
    connection = call.connection
    if connection is None or not connection.permissions.allows(permission, group):
        return call.no_connection("Info")
    return _OK


def _target_name(call: Call) -> str:
    return read.require_group(read.single(call.query, "targetName"))


def _change_rules(connection: Connection, change: Callable[[Permissions], Response]) -> Response:
    try:
        return change(connection.permissions)
    except TooManyRulesError:
        message = f"Connection `{connection.connection_id}` has too many permission rules."
        return conflict("Error.Connection.Conflict", "Connection", message)


def generate_client_token(call: Call) -> Response:
    minutes = read.integer(call.query, "minutesToExpire", 1, _LARGEST_INT32) or _DEFAULT_MINUTES
    client_type = read.choice(call.query, "clientType", ("Default", "MQTT")) or "Default"
    groups = [read.require_group(group) for group in call.query.all("group")]
    user_id, roles = read.single(call.query, "userId"), list(call.query.all("role"))
    path = "/clients/mqtt/hubs/" if client_type == "MQTT" else "/client/hubs/"
    now = int(call.clock.wall())
    claims: dict[str, JSONValue] = {
        "aud": call.endpoint + path + call.names["hub"],
        "iss": ENTRA_AUDIENCE,
        "nbf": now,
        "iat": now,
        "exp": now + 60 * minutes,
    }
    optional: dict[str, JSONValue] = {"sub": user_id, "role": roles, "webpubsub.group": groups}
    claims |= {name: value for name, value in optional.items() if value}
    return _json({"token": sign(claims, call.access_key, headers={"kid": f"s-{uuid.uuid4()}"})})


def _existing(connection: Connection | None) -> list[Connection]:
    return [] if connection is None else [connection]


def _select(targets: list[Connection], filter_: Filter | None, excluded: frozenset[str]) -> list[Connection]:
    return [
        target
        for target in targets
        if target.connection_id not in excluded and (filter_ is None or filter_.matches(target))
    ]


def _json(value: object) -> Response:
    return Response(200, {"Content-Type": _JSON}, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


_HUB = "/api/hubs/{hub}"
_CONNECTION = _HUB + "/connections/{connection_id}"
_GROUP = _HUB + "/groups/{group}"
_USER = _HUB + "/users/{user_id}"
_PERMISSION = _HUB + "/permissions/{permission}/connections/{connection_id}"

OPERATIONS = (
    Operation("HEAD", "/api/health", get_service_status, public=True),
    Operation("POST", _HUB + "/:send", send_to_all),
    Operation("POST", _HUB + "/:closeConnections", close_all_connections),
    Operation("POST", _HUB + "/:generateToken", generate_client_token, entra_only=True),
    Operation("POST", _HUB + "/:addToGroups", add_connections_to_groups),
    Operation("POST", _HUB + "/:removeFromGroups", remove_connections_from_groups),
    Operation("HEAD", _CONNECTION, connection_exists),
    Operation("DELETE", _CONNECTION, close_connection),
    Operation("POST", _CONNECTION + "/:send", send_to_connection),
    Operation("DELETE", _CONNECTION + "/groups", remove_connection_from_all_groups),
    Operation("HEAD", _GROUP, group_exists),
    Operation("POST", _GROUP + "/:send", send_to_group),
    Operation("POST", _GROUP + "/:closeConnections", close_group_connections),
    Operation("GET", _GROUP + "/connections", list_connections_in_group),
    Operation("PUT", _GROUP + "/connections/{connection_id}", add_connection_to_group),
    Operation("DELETE", _GROUP + "/connections/{connection_id}", remove_connection_from_group),
    Operation("HEAD", _USER, user_exists),
    Operation("POST", _USER + "/:send", send_to_user),
    Operation("POST", _USER + "/:closeConnections", close_user_connections),
    Operation("PUT", _USER + "/groups/{group}", add_user_to_group),
    Operation("DELETE", _USER + "/groups/{group}", remove_user_from_group),
    Operation("DELETE", _USER + "/groups", remove_user_from_all_groups),
    Operation("PUT", _PERMISSION, grant_permission),
    Operation("DELETE", _PERMISSION, revoke_permission),
    Operation("HEAD", _PERMISSION, check_permission),
)
