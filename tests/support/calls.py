"""Every method of the client as a table: what it sends, what it returns, and what it refuses to send.

The table has no colour: the tests of both clients read it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webpubsub import ClientProtocol, Permission
from webpubsub.errors import ConfigurationError

HUB = "chat"
FILTER = "userId eq 'O''Neil'"
FILTER_IN_URL = "userId%20eq%20%27O%27%27Neil%27"


@dataclass(frozen=True)
class Call:
    """One call of a method and the request that it has to become.

    Attributes:
        operation: The operation of the service that it runs.
        target: Path and query, as sent, without the `api-version`.
    """

    operation: str
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    verb: str
    target: str
    content_type: str | None = None
    content: bytes = b""

    @property
    def url(self) -> str:
        """Return the path and query as they have to be sent."""
        path, _, query = self.target.partition("?")
        return f"{path}?api-version=2024-12-01{'&' if query else ''}{query}"


def call(
    name: str,
    verb: str,
    target: str,
    *args: object,
    method: str = "",
    sent: tuple[str, bytes] | None = None,
    **kwargs: object,
) -> Call:
    """Make a row; the method is called as the operation is unless it says otherwise."""
    content_type, content = sent or (None, b"")
    return Call(name, method or name, args, kwargs, verb, target, content_type, content)


JSON_HI = ("application/json", b'"hi"')
TEXT_HI = ("text/plain", b"hi")
BYTES_HI = ("application/octet-stream", b"hi")
GROUPS_A = ("application/json", b'{"groups":["a","b c"]}')
GROUPS_F = ("application/json", b'{"groups":["a"],"filter":"userId eq \'O\'\'Neil\'"}')

CALLS = [
    call("send_to_all", "POST", "/api/hubs/chat/:send", "hi", sent=JSON_HI),
    call("send_to_all", "POST", "/api/hubs/chat/:send", message=b"hi", sent=BYTES_HI),
    call(
        "send_to_all",
        "POST",
        f"/api/hubs/chat/:send?excluded=c1&excluded=c%2F2&filter={FILTER_IN_URL}&messageTtlSeconds=60",
        "hi",
        excluded=["c1", "c/2"],
        filter=FILTER,
        content_type="text/plain",
        message_ttl_seconds=60,
        sent=TEXT_HI,
    ),
    call("send_to_group", "POST", "/api/hubs/chat/groups/a%2Fb%20%C3%A9/:send", "a/b é", "hi", sent=JSON_HI),
    call(
        "send_to_group",
        "POST",
        f"/api/hubs/chat/groups/g/:send?excluded=c1&filter={FILTER_IN_URL}&messageTtlSeconds=0",
        group="g",
        message="hi",
        excluded=("c1",),
        filter=FILTER,
        content_type="application/octet-stream",
        message_ttl_seconds=0,
        sent=BYTES_HI,
    ),
    call("send_to_user", "POST", "/api/hubs/chat/users/ann%40example.com/:send", "ann@example.com", "hi", sent=JSON_HI),
    call(
        "send_to_user",
        "POST",
        f"/api/hubs/chat/users/ann/:send?filter={FILTER_IN_URL}&messageTtlSeconds=300",
        user_id="ann",
        message="hi",
        filter=FILTER,
        content_type="text/plain",
        message_ttl_seconds=300,
        sent=TEXT_HI,
    ),
    call("send_to_connection", "POST", "/api/hubs/chat/connections/c1/:send", "c1", "hi", sent=JSON_HI),
    call(
        "send_to_connection",
        "POST",
        "/api/hubs/chat/connections/c1/:send?messageTtlSeconds=1",
        connection_id="c1",
        message="hi",
        content_type="text/plain",
        message_ttl_seconds=1,
        sent=TEXT_HI,
    ),
    call("send_to_user", "POST", "/api/hubs/chat/users/7/:send", 7, "hi", sent=JSON_HI),
    call("user_exists", "HEAD", f"/api/hubs/chat/users/{UUID(int=7)}", UUID(int=7)),
    call("close_all_connections", "POST", "/api/hubs/chat/:closeConnections?excluded=7", excluded=[7]),
    call("close_all_connections", "POST", "/api/hubs/chat/:closeConnections"),
    call(
        "close_all_connections",
        "POST",
        "/api/hubs/chat/:closeConnections?excluded=c1&excluded=c2&reason=good%20night%21",
        excluded=["c1", "c2"],
        reason="good night!",
    ),
    call("close_group_connections", "POST", "/api/hubs/chat/groups/g/:closeConnections", "g"),
    call(
        "close_group_connections",
        "POST",
        "/api/hubs/chat/groups/g/:closeConnections?excluded=c1&reason=bye",
        group="g",
        excluded=["c1"],
        reason="bye",
    ),
    call("close_user_connections", "POST", "/api/hubs/chat/users/ann/:closeConnections", "ann"),
    call(
        "close_user_connections",
        "POST",
        "/api/hubs/chat/users/ann/:closeConnections?excluded=c1&reason=bye",
        user_id="ann",
        excluded=["c1"],
        reason="bye",
    ),
    call("close_connection", "DELETE", "/api/hubs/chat/connections/c1", "c1"),
    call("close_connection", "DELETE", "/api/hubs/chat/connections/c1?reason=bye", connection_id="c1", reason="bye"),
    call("connection_exists", "HEAD", "/api/hubs/chat/connections/c1", "c1"),
    call("connection_exists", "HEAD", "/api/hubs/chat/connections/c1", connection_id="c1"),
    call("group_exists", "HEAD", "/api/hubs/chat/groups/g", "g"),
    call("group_exists", "HEAD", "/api/hubs/chat/groups/g%3Fx%23y", group="g?x#y"),
    call("user_exists", "HEAD", "/api/hubs/chat/users/ann", "ann"),
    call("user_exists", "HEAD", "/api/hubs/chat/users/ann", user_id="ann"),
    call("list_connections_in_group", "GET", "/api/hubs/chat/groups/g/connections", "g", method="list_connections"),
    call(
        "list_connections_in_group",
        "GET",
        "/api/hubs/chat/groups/g/connections?maxpagesize=200&top=5",
        method="list_connections",
        group="g",
        top=5,
        max_page_size=200,
    ),
    call("add_connection_to_group", "PUT", "/api/hubs/chat/groups/g/connections/c1", "g", "c1"),
    call("add_connection_to_group", "PUT", "/api/hubs/chat/groups/g/connections/c1", group="g", connection_id="c1"),
    call("remove_connection_from_group", "DELETE", "/api/hubs/chat/groups/g/connections/c1", "g", "c1"),
    call(
        "remove_connection_from_group",
        "DELETE",
        "/api/hubs/chat/groups/g/connections/c1",
        group="g",
        connection_id="c1",
    ),
    call("remove_connection_from_all_groups", "DELETE", "/api/hubs/chat/connections/c1/groups", "c1"),
    call("add_user_to_group", "PUT", "/api/hubs/chat/users/ann/groups/g", "g", "ann"),
    call("add_user_to_group", "PUT", "/api/hubs/chat/users/ann/groups/g", group="g", user_id="ann"),
    call("remove_user_from_group", "DELETE", "/api/hubs/chat/users/ann/groups/g", "g", "ann"),
    call("remove_user_from_group", "DELETE", "/api/hubs/chat/users/ann/groups/g", group="g", user_id="ann"),
    call("remove_user_from_all_groups", "DELETE", "/api/hubs/chat/users/ann/groups", "ann"),
    call("add_connections_to_groups", "POST", "/api/hubs/chat/:addToGroups", ["a", "b c"], sent=GROUPS_A),
    call(
        "add_connections_to_groups", "POST", "/api/hubs/chat/:addToGroups", groups=["a"], filter=FILTER, sent=GROUPS_F
    ),
    call("remove_connections_from_groups", "POST", "/api/hubs/chat/:removeFromGroups", ["a", "b c"], sent=GROUPS_A),
    call("remove_connections_from_groups", "POST", "/api/hubs/chat/:removeFromGroups", ["a"], FILTER, sent=GROUPS_F),
    call(
        "grant_permission",
        "PUT",
        "/api/hubs/chat/permissions/sendToGroup/connections/c1?targetName=room%201",
        "sendToGroup",
        "c1",
        target_name="room 1",
    ),
    call(
        "grant_permission",
        "PUT",
        "/api/hubs/chat/permissions/joinLeaveGroup/connections/c1",
        Permission.JOIN_LEAVE_GROUP,
        "c1",
    ),
    call(
        "revoke_permission",
        "DELETE",
        "/api/hubs/chat/permissions/joinLeaveGroup/connections/c1?targetName=g",
        permission="joinleavegroup",
        connection_id="c1",
        target_name="g",
    ),
    call(
        "check_permission",
        "HEAD",
        "/api/hubs/chat/permissions/sendToGroup/connections/c1?targetName=g",
        "sendToGroup",
        "c1",
        method="has_permission",
        target_name="g",
    ),
    call(
        "generate_client_token",
        "POST",
        "/api/hubs/chat/:generateToken?minutesToExpire=60&clientType=Default",
        method="get_client_access_token",
    ),
    call(
        "generate_client_token",
        "POST",
        "/api/hubs/chat/:generateToken?userId=ann&role=r.1&role=r.2&minutesToExpire=5&group=a&group=b&clientType=MQTT",
        method="get_client_access_token",
        user_id="ann",
        roles=["r.1", "r.2"],
        groups=["a", "b"],
        minutes_to_expire=5,
        client_protocol=ClientProtocol.MQTT,
    ),
    call("get_service_status", "HEAD", "/api/health"),
]

PLAIN_CALLS = {call.method: call for call in reversed(CALLS)}
"""The first row of each method."""


@dataclass(frozen=True)
class Refused:
    """A call that must not send anything, and what its error says."""

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: type[Exception]
    reason: str


Place = tuple[str, list[Any], dict[str, Any]]


class Nameless:
    """A value that no argument takes; no address is in its `repr`, which is part of the names of tests."""

    def __repr__(self) -> str:
        return "Nameless()"


WRONG: Any = Nameless()
"""Where the wrong value of a row belongs."""


def each(
    places: list[Place], values: list[Any], reason: str, error: type[Exception] = ConfigurationError
) -> list[Refused]:
    """Put every wrong value into every place where it does not belong."""
    return [
        Refused(
            method,
            tuple(value if argument is WRONG else argument for argument in args),
            {name: value if argument is WRONG else argument for name, argument in kwargs.items()},
            error,
            reason,
        )
        for method, args, kwargs in places
        for value in values
    ]


A_GROUP: list[Place] = [
    ("send_to_group", [WRONG, "hi"], {}),
    ("group_exists", [WRONG], {}),
    ("close_group_connections", [WRONG], {}),
    ("list_connections", [WRONG], {}),
    ("add_connection_to_group", [WRONG, "c1"], {}),
    ("remove_connection_from_group", [WRONG, "c1"], {}),
    ("add_user_to_group", [WRONG, "ann"], {}),
    ("remove_user_from_group", [WRONG, "ann"], {}),
]
A_TARGET: list[Place] = [
    ("grant_permission", ["sendToGroup", "c1"], {"target_name": WRONG}),
    ("revoke_permission", ["sendToGroup", "c1"], {"target_name": WRONG}),
    ("has_permission", ["sendToGroup", "c1"], {"target_name": WRONG}),
]
SOME_GROUPS: list[Place] = [
    ("add_connections_to_groups", [WRONG], {}),
    ("remove_connections_from_groups", [WRONG], {}),
]
A_USER: list[Place] = [
    ("send_to_user", [WRONG, "hi"], {}),
    ("user_exists", [WRONG], {}),
    ("close_user_connections", [WRONG], {}),
    ("add_user_to_group", ["g", WRONG], {}),
    ("remove_user_from_group", ["g", WRONG], {}),
    ("remove_user_from_all_groups", [WRONG], {}),
    ("get_client_access_token", [], {"user_id": WRONG}),
]
A_CONNECTION: list[Place] = [
    ("send_to_connection", [WRONG, "hi"], {}),
    ("connection_exists", [WRONG], {}),
    ("close_connection", [WRONG], {}),
    ("add_connection_to_group", ["g", WRONG], {}),
    ("remove_connection_from_group", ["g", WRONG], {}),
    ("remove_connection_from_all_groups", [WRONG], {}),
    ("grant_permission", ["sendToGroup", WRONG], {"target_name": "g"}),
    ("revoke_permission", ["sendToGroup", WRONG], {"target_name": "g"}),
    ("has_permission", ["sendToGroup", WRONG], {"target_name": "g"}),
]
A_PERMISSION: list[Place] = [
    ("grant_permission", [WRONG, "c1"], {"target_name": "g"}),
    ("revoke_permission", [WRONG, "c1"], {"target_name": "g"}),
    ("has_permission", [WRONG, "c1"], {"target_name": "g"}),
]
EXCLUDED: list[Place] = [
    ("send_to_all", ["hi"], {"excluded": WRONG}),
    ("send_to_group", ["g", "hi"], {"excluded": WRONG}),
    ("close_all_connections", [], {"excluded": WRONG}),
    ("close_group_connections", ["g"], {"excluded": WRONG}),
    ("close_user_connections", ["ann"], {"excluded": WRONG}),
]
A_MESSAGE: list[Place] = [
    ("send_to_all", [WRONG], {}),
    ("send_to_group", ["g", WRONG], {}),
    ("send_to_user", ["ann", WRONG], {}),
    ("send_to_connection", ["c1", WRONG], {}),
]
AS_TEXT = [(method, args, {"content_type": "text/plain"}) for method, args, _ in A_MESSAGE]
SENDS = [(method, [*args[:-1], "hi"]) for method, args, _ in A_MESSAGE]
A_CONTENT_TYPE = [(method, args, {"content_type": WRONG}) for method, args in SENDS]
A_TTL = [(method, args, {"message_ttl_seconds": WRONG}) for method, args in SENDS]
METADATA = [(method, args, {"metadata": WRONG}) for method, args in SENDS]
A_FILTER = [
    *((method, args, {"filter": WRONG}) for method, args in SENDS[:3]),
    ("add_connections_to_groups", [["g"]], {"filter": WRONG}),
    ("remove_connections_from_groups", [["g"]], {"filter": WRONG}),
]
A_REASON: list[Place] = [
    ("close_all_connections", [], {"reason": WRONG}),
    ("close_group_connections", ["g"], {"reason": WRONG}),
    ("close_user_connections", ["ann"], {"reason": WRONG}),
    ("close_connection", ["c1"], {"reason": WRONG}),
]
WRONG_GROUPS = ["", ".", "..", "  ", "x" * 1025]
WRONG_IDS = ["", ".", ".."]

REFUSED = [
    *each(A_GROUP, WRONG_GROUPS, "group must"),
    *each(A_GROUP, [None, 7, b"g"], "group must be a str", TypeError),
    *each(A_TARGET, WRONG_GROUPS, "target_name must"),
    *each(SOME_GROUPS, [[group] for group in WRONG_GROUPS], r"groups\[0\] must"),
    *each(SOME_GROUPS, [[]], "groups must hold at least one group"),
    *each(SOME_GROUPS, ["room", 7, None], "groups must be a list of strings", TypeError),
    *each(A_USER, WRONG_IDS, "user_id must"),
    *each(A_USER, [7.5, True], "user_id must be a str, an int or a UUID, not", TypeError),
    *each(A_CONNECTION, WRONG_IDS, "connection_id must"),
    *each(A_CONNECTION, [None, b"c1"], "connection_id must be a str, an int or a UUID", TypeError),
    *each(A_PERMISSION, ["sendToAll", ""], "permission must be one of 'sendToGroup', 'joinLeaveGroup'"),
    *each(EXCLUDED, ["abc", b"abc"], "excluded must be a list of strings, not a single", TypeError),
    *each(EXCLUDED, [["a", ""], ["a", ".."]], r"excluded\[1\] must"),
    *each(A_MESSAGE, [float("nan"), {"a": [float("-inf")]}], "NaN or an infinity"),
    *each(A_MESSAGE, [Nameless(), {1, 2}, {"a": b"x"}], "which JSON cannot express", TypeError),
    *each(AS_TEXT, [{"a": 1}, [1], 1, None], "cannot be sent as text/plain", TypeError),
    *each(A_CONTENT_TYPE, ["text/html", ""], "content_type must be one of"),
    *each(A_TTL, [-1, 301], "message_ttl_seconds must be from 0 to 300"),
    *each(A_TTL, [1.5, "60"], "message_ttl_seconds must be an int", TypeError),
    *each(METADATA, [{"a b": "v"}, {"k": "é"}], "metadata"),
    *each(METADATA, ["k=v", {"k": 1}], "metadata", TypeError),
    *each(A_FILTER, [7], "filter must be a str", TypeError),
    *each(A_REASON, [7], "reason must be a str", TypeError),
    *each([("list_connections", ["g"], {"max_page_size": WRONG})], [0, 201], "max_page_size must be from 1 to 200"),
    *each([("list_connections", ["g"], {"top": WRONG})], [0, -1], "top must be from 1"),
    *each(
        [("get_client_access_token", [], {"minutes_to_expire": WRONG})], [0, -1], "minutes_to_expire must be 1 or more"
    ),
    *each(
        [("get_client_access_token", [], {"client_protocol": WRONG})],
        ["WebSocket", ""],
        "client_protocol must be one of",
    ),
    *each(
        [("get_client_access_token", [], {"roles": WRONG})],
        ["webpubsub.sendToGroup"],
        "roles must be a list",
        TypeError,
    ),
    *each([("get_client_access_token", [], {"groups": WRONG})], ["room"], "groups must be a list", TypeError),
    *each(
        [("get_client_access_token", [], {"groups": WRONG})], [[group] for group in WRONG_GROUPS], r"groups\[0\] must"
    ),
    *each([("send_to_all", ["hi"], {"ttl": WRONG})], [5], "no argument 'ttl': did you mean 'message_ttl", TypeError),
    *each([("user_exists", ["ann"], {"read_timeout": WRONG})], [0, -1], "read_timeout must be more than 0"),
]
