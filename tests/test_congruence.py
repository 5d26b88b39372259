"""What "emulates" means: the same calls against the local service and, where there is one, against the real service.

Set WEBPUBSUB_CONNECTION_STRING to the connection string of an Azure resource to run every scenario there as well. Each
scenario has a hub of its own and judges by effect: what WebSocket clients receive, and what the service answers.
"""

import base64
import itertools
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from webpubsub import (
    AuthenticationError,
    BadRequestError,
    ConnectionString,
    ContentType,
    GroupMember,
    Id,
    NotFoundError,
    Role,
    ServiceError,
    odata,
)
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import Emulator

JSON = Subprotocol("json.webpubsub.azure.v1")
REAL = os.environ.get("WEBPUBSUB_CONNECTION_STRING")
TARGETS = ["emulator", "azure"] if REAL else ["emulator"]
MARKER = "that was all"
_ack_ids = itertools.count(1)


@dataclass(frozen=True)
class Client:
    """A client of the subprotocol json.webpubsub.azure.v1."""

    socket: ClientConnection
    connection_id: str

    async def frame(self) -> dict[str, Any]:
        """Receive one frame."""
        received: dict[str, Any] = json.loads(await self.socket.recv())
        return received

    async def ask(self, **frame: object) -> object:
        """Send a frame that wants an answer, and return True or the name of the error."""
        await self.socket.send(json.dumps({**frame, "ackId": next(_ack_ids)}))
        answer = await self.frame()
        return answer["success"] or answer["error"]["name"]


class Open(Protocol):
    """How scenarios open a client."""

    async def __call__(
        self, user_id: Id | None = None, *, roles: Sequence[str] = (), groups: Sequence[str] = ()
    ) -> Client: ...


@pytest.fixture(params=TARGETS)
def connection_string(request: pytest.FixtureRequest, emulator: Emulator) -> str:
    return emulator.connection_string if request.param == "emulator" else str(REAL)


@pytest.fixture
async def service(connection_string: str) -> AsyncIterator[WebPubSubServiceClient]:
    hub = f"t{uuid4().hex}"
    async with WebPubSubServiceClient.from_connection_string(connection_string, hub) as client:
        yield client


@pytest.fixture
async def open_client(service: WebPubSubServiceClient) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_(user_id: Id | None = None, *, roles: Sequence[str] = (), groups: Sequence[str] = ()) -> Client:
            token = await service.get_client_access_token(user_id=user_id, roles=roles, groups=groups)
            socket = await stack.enter_async_context(connect(token.url, subprotocols=[JSON]))
            return Client(socket, json.loads(await socket.recv())["connectionId"])

        yield open_


@pytest.fixture
async def simple_client(service: WebPubSubServiceClient) -> AsyncIterator[ClientConnection]:
    token = await service.get_client_access_token(user_id="simple", groups=["room"])
    async with connect(token.url) as socket:
        yield socket


async def received(service: WebPubSubServiceClient, *clients: Client) -> list[list[object]]:
    """Return the data of all messages that reached each client until now."""
    found: list[list[object]] = []
    for client in clients:
        await service.send_to_connection(client.connection_id, MARKER, content_type="text/plain")
        found.append([])
        while (frame := await client.frame())["data"] != MARKER:
            found[-1].append(frame["data"])
    return found


async def closing(client: Client) -> tuple[str, int | None]:
    """Return what a client is told when it is closed: the message, and the code."""
    frame = await client.frame()
    with pytest.raises(ConnectionClosed):
        await client.socket.recv()
    assert frame["event"] == "disconnected"
    return str(frame["message"]), client.socket.close_code


KINDS: list[tuple[Any, str | None, str, object, str | bytes]] = [
    ({"a": [1, None, "é"], "b": {}}, None, "json", {"a": [1, None, "é"], "b": {}}, '{"a": [1, null, "é"], "b": {}}'),
    ("Grüße 🎉", None, "json", "Grüße 🎉", '"Grüße 🎉"'),
    (None, None, "json", None, "null"),
    (b' {"a" : 1}', "application/json", "json", {"a": 1}, ' {"a" : 1}'),
    ("Grüße 🎉", "text/plain", "text", "Grüße 🎉", "Grüße 🎉"),
    ("", "text/plain", "text", "", ""),
    (b"\x00\xff", None, "binary", base64.b64encode(b"\x00\xff").decode(), b"\x00\xff"),
]


@pytest.mark.parametrize(("message", "content_type", "data_type", "data", "bare"), KINDS)
async def test_each_kind_of_message_reaches_each_kind_of_client(
    message: Any,
    content_type: ContentType | None,
    data_type: str,
    data: object,
    bare: str | bytes,
    service: WebPubSubServiceClient,
    open_client: Open,
    simple_client: ClientConnection,
) -> None:
    """To all, a group, a user and a connection: in an envelope for the subprotocol, bare for a simple client."""
    client = await open_client("ann", groups=["room"])

    await service.send_to_all(message, content_type=content_type)
    await service.send_to_group("room", message, content_type=content_type)
    await service.send_to_user("ann", message, content_type=content_type)
    await service.send_to_user("simple", message, content_type=content_type)
    await service.send_to_connection(client.connection_id, message, content_type=content_type)

    envelope = {"type": "message", "dataType": data_type, "data": data}
    assert [await client.frame() for _ in range(4)] == [
        {**envelope, "from": "server"},
        {**envelope, "from": "group", "fromUserId": None, "group": "room"},
        {**envelope, "from": "server"},
        {**envelope, "from": "server"},
    ]
    assert [await simple_client.recv() for _ in range(3)] == [bare] * 3


async def test_a_message_reaches_those_it_is_for(service: WebPubSubServiceClient, open_client: Open) -> None:
    """Everybody, the members, the user, the connection, and nobody when there is none."""
    ann, other_ann = await open_client("ann", groups=["room"]), await open_client("ann")
    bob = await open_client("bob", groups=["room"])

    await service.send_to_all("all")
    await service.send_to_group("room", "group")
    await service.send_to_user("ann", "user")
    await service.send_to_connection(bob.connection_id, "connection")
    await service.send_to_group("nowhere", "nobody")
    await service.send_to_user("nobody", "nobody")
    await service.send_to_connection("nobody", "nobody")

    assert await received(service, ann, other_ann, bob) == [
        ["all", "group", "user"],
        ["all", "user"],
        ["all", "group", "connection"],
    ]


async def test_the_excluded_are_left_out(service: WebPubSubServiceClient, open_client: Open) -> None:
    """By the ids of their connections; one that does not exist is no error."""
    ann, bob = await open_client("ann", groups=["room"]), await open_client("bob", groups=["room"])

    await service.send_to_all("all", excluded=[ann.connection_id, "nobody"])
    await service.send_to_group("room", "group", excluded=[bob.connection_id])

    assert await received(service, ann, bob) == [["group"], ["all"]]


FILTERS: list[tuple[str, list[str]]] = [
    (odata("userId eq {user}", user="O'Neil"), ["O'Neil"]),
    ("userId eq null", ["anonymous"]),
    ("userId ne null", ["ann", "O'Neil"]),
    ("userId in ('ann', 'nobody')", ["ann"]),
    ("'room' in groups", ["ann", "anonymous"]),
    (odata("{group} in groups and not ({other} in groups)", group="room", other="vip"), ["anonymous"]),
    ("'vip' in groups or userId eq 'O''Neil'", ["ann", "O'Neil"]),
    ("length(groups) gt 1", ["ann"]),
    ("length(groups) eq 0", ["O'Neil"]),
    ("startswith(userId, 'a')", ["ann"]),
    ("tolower(userId) eq 'o''neil'", ["O'Neil"]),
    ("", ["ann", "O'Neil", "anonymous"]),
]


@pytest.mark.parametrize(("expression", "reached"), FILTERS)
async def test_a_filter_selects_connections(
    expression: str, reached: list[str], service: WebPubSubServiceClient, open_client: Open
) -> None:
    """The language of filters, by who gets a broadcast."""
    clients = {
        "ann": await open_client("ann", groups=["room", "vip"]),
        "O'Neil": await open_client("O'Neil"),
        "anonymous": await open_client(groups=["room"]),
    }

    await service.send_to_all("hi", filter=expression)

    found = await received(service, *clients.values())
    assert [name for name, messages in zip(clients, found, strict=True) if messages] == reached


async def test_filters_narrow_groups_and_users_too(service: WebPubSubServiceClient, open_client: Open) -> None:
    """On top of what the path selects."""
    ann, bob = await open_client("ann", groups=["room", "vip"]), await open_client("bob", groups=["room"])

    await service.send_to_group("room", "group", filter="userId eq 'bob'")
    await service.send_to_user("ann", "user", filter="'vip' in groups")
    await service.send_to_user("bob", "user", filter="'vip' in groups")

    assert await received(service, ann, bob) == [["user"], ["group"]]


GROUPS = ["room", "room 1&ä", "a?b#c", "%41", "+", "a;b=c,d", "李🎉", "...", "a\\b", "'\"", "x" * 500]


@pytest.mark.parametrize("group", GROUPS)
async def test_a_group_is_the_same_in_urls_tokens_frames_and_filters(
    group: str, service: WebPubSubServiceClient, open_client: Open
) -> None:
    """Whatever its name: the client joins by frame and token, the server sends by URL and filter."""
    by_token = await open_client(groups=[group])
    by_frame = await open_client(roles=["webpubsub.joinLeaveGroup"])
    assert await by_frame.ask(type="joinGroup", group=group) is True

    await service.send_to_group(group, "by URL")
    await service.send_to_all("by filter", filter=odata("{group} in groups", group=group))

    assert await received(service, by_token, by_frame) == [["by URL", "by filter"]] * 2
    assert await service.group_exists(group)


async def test_a_connection_joins_and_leaves_groups(service: WebPubSubServiceClient, open_client: Open) -> None:
    """One by one and all at once; leaving a group twice is no error."""
    ann = await open_client("ann", groups=["b"])

    await service.add_connection_to_group("a", ann.connection_id)
    await service.add_connection_to_group("a", ann.connection_id)
    await service.send_to_group("a", 1)
    await service.remove_connection_from_group("a", ann.connection_id)
    await service.remove_connection_from_group("a", ann.connection_id)
    await service.send_to_group("a", 2)
    await service.send_to_group("b", 3)
    await service.remove_connection_from_all_groups(ann.connection_id)
    await service.remove_connection_from_all_groups("nobody")
    await service.send_to_group("b", 4)

    assert await received(service, ann) == [[1, 3]]


async def test_a_user_joins_and_leaves_groups(service: WebPubSubServiceClient, open_client: Open) -> None:
    """With every connection."""
    first, second, other = await open_client("ann"), await open_client("ann"), await open_client("bob")

    await service.add_user_to_group("a", "ann")
    await service.add_user_to_group("b", "ann")
    await service.send_to_group("a", 1)
    await service.remove_user_from_group("a", "ann")
    await service.send_to_group("a", 2)
    await service.send_to_group("b", 3)
    await service.remove_user_from_all_groups("ann")
    await service.send_to_group("b", 4)
    await service.remove_user_from_group("a", "nobody")
    await service.remove_user_from_all_groups("nobody")

    assert await received(service, first, second, other) == [[1, 3], [1, 3], []]


async def test_many_connections_join_and_leave_many_groups(service: WebPubSubServiceClient, open_client: Open) -> None:
    """Those that a filter selects, or all."""
    ann, bob = await open_client("ann"), await open_client("bob")

    await service.add_connections_to_groups(["a", "b"], filter="userId eq 'ann'")
    await service.add_connections_to_groups(["c"])
    await service.send_to_group("a", 1)
    await service.send_to_group("b", 2)
    await service.send_to_group("c", 3)
    await service.remove_connections_from_groups(["b", "c"], filter="userId eq 'ann'")
    await service.send_to_group("a", 4)
    await service.send_to_group("b", 5)
    await service.send_to_group("c", 6)
    await service.remove_connections_from_groups(["a", "c"])
    await service.send_to_group("a", 7)

    assert await received(service, ann, bob) == [[1, 2, 3, 4], [3, 6]]


async def test_permissions_decide_what_a_client_may_do(service: WebPubSubServiceClient, open_client: Open) -> None:
    """Granted, asked for, revoked: for one group, and seen by the client at once."""
    ann = await open_client("ann")
    about_room: Any = {"connection_id": ann.connection_id, "target_name": "room"}
    send = {"type": "sendToGroup", "group": "room", "dataType": "text", "data": "hi"}

    assert await ann.ask(type="joinGroup", group="room") == "Forbidden"
    assert await ann.ask(**send) == "Forbidden"
    assert not await service.has_permission("joinLeaveGroup", **about_room)
    await service.grant_permission("joinLeaveGroup", **about_room)
    await service.grant_permission("sendToGroup", **about_room)
    assert await service.has_permission("joinLeaveGroup", **about_room)
    assert not await service.has_permission("joinLeaveGroup", ann.connection_id, target_name="other")
    assert await ann.ask(type="joinGroup", group="room") is True
    assert await ann.ask(type="joinGroup", group="other") == "Forbidden"
    await service.revoke_permission("sendToGroup", **about_room)
    assert await ann.ask(**send) == "Forbidden"
    assert not await service.has_permission("sendToGroup", **about_room)


ROLES: list[tuple[str, list[bool]]] = [
    ("webpubsub.joinLeaveGroup", [True, True, False]),
    ("webpubsub.joinLeaveGroup.a", [True, False, False]),
    ("webpubsub.sendToGroup", [False, False, True]),
    ("webpubsub.sendToGroup.a", [False, False, True]),
    ("webpubsub.sendToGroup.b", [False, False, False]),
]


@pytest.mark.parametrize(("role", "allowed"), ROLES)
async def test_the_roles_of_a_token_decide_what_a_client_may_do(
    role: str, allowed: list[bool], open_client: Open
) -> None:
    """Joining the groups a and b, and sending to a."""
    ann = await open_client("ann", roles=[role])

    answers = [
        await ann.ask(type="joinGroup", group="a"),
        await ann.ask(type="joinGroup", group="b"),
        await ann.ask(type="sendToGroup", group="a", dataType="text", data="hi", noEcho=True),
    ]

    assert answers == [True if yes else "Forbidden" for yes in allowed]


async def test_connections_are_closed_with_a_reason(service: WebPubSubServiceClient, open_client: Open) -> None:
    """One, a user's, a group's and all of them, but for the excluded."""
    one, ann, member = await open_client("one"), await open_client("ann"), await open_client("bob", groups=["room"])
    spared, last = await open_client("ann", groups=["room"]), await open_client("last")
    spare: Any = {"excluded": [spared.connection_id]}

    await service.close_connection(one.connection_id, reason="by id")
    await service.close_user_connections("ann", reason="by user", **spare)
    await service.close_group_connections("room", reason="by group", **spare)
    await service.close_all_connections(reason="good night", **spare)
    await service.close_connection("nobody")

    told = [await closing(client) for client in (one, ann, member, last)]
    assert [message.partition("Reason: ")[2] for message, _ in told] == ["by id", "by user", "by group", "good night"]
    assert [code for _, code in told] == [1000] * 4
    assert await received(service, spared) == [[]]


async def test_things_exist_while_connections_make_them(service: WebPubSubServiceClient, open_client: Open) -> None:
    """A connection, its user and its group; an empty group does not exist."""
    ann = await open_client("ann", groups=["room"])

    async def existing() -> list[bool]:
        return [
            await service.connection_exists(ann.connection_id),
            await service.user_exists("ann"),
            await service.group_exists("room"),
        ]

    assert await existing() == [True, True, True]
    await service.close_connection(ann.connection_id)
    assert (await closing(ann))[1] == 1000
    assert await existing() == [False, False, False]
    assert await service.get_service_status()


async def test_the_connections_of_a_group_are_listed_in_pages(
    service: WebPubSubServiceClient, open_client: Open
) -> None:
    """Each once, in pages of the wanted size, to be continued later, and no more than are wanted."""
    clients = [await open_client(user, groups=["room"]) for user in ("a", "b", "c", None)]
    expected = {GroupMember(clients[3].connection_id)}
    expected |= {GroupMember(client.connection_id, user) for client, user in zip(clients, "abc", strict=False)}

    members = service.list_connections("room", max_page_size=3)
    pages = members.by_page()
    first = await anext(pages)
    resumed = [page async for page in service.list_connections("room").by_page(pages.continuation_token)]

    assert [len(first), *map(len, resumed)] == [3, 1]
    assert {*first, *resumed[0]} == expected
    assert {member async for member in members} == expected
    assert len([member async for member in service.list_connections("room", top=2)]) == 2
    assert len([member async for member in service.list_connections("room", top=3, max_page_size=2)]) == 3
    assert [member async for member in service.list_connections("nowhere")] == []


REFUSALS: list[tuple[str, tuple[Any, ...], dict[str, Any], type[ServiceError], str]] = [
    ("add_connection_to_group", ("g", "nobody"), {}, NotFoundError, "Error.Connection.NotExisted"),
    ("grant_permission", ("sendToGroup", "nobody"), {"target_name": "g"}, NotFoundError, "Info.Connection.NotExisted"),
    ("send_to_all", ("hi",), {"filter": "invalid filter"}, BadRequestError, "Error.BadRequest"),
    ("send_to_group", ("g", "hi"), {"filter": "userId eq"}, BadRequestError, "Error.BadRequest"),
    ("add_connections_to_groups", (["g"], "userId"), {}, BadRequestError, "Error.BadRequest"),
]


@pytest.mark.parametrize(("method", "args", "kwargs", "error", "code"), REFUSALS)
async def test_the_service_says_no_with_a_code(
    method: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    error: type[ServiceError],
    code: str,
    service: WebPubSubServiceClient,
) -> None:
    """The class by its status, and the code for programs."""
    with pytest.raises(error) as refused:
        await getattr(service, method)(*args, **kwargs)

    assert refused.value.code == code
    assert refused.value.message


async def test_a_wrong_filter_is_shown_where_it_is_wrong(service: WebPubSubServiceClient) -> None:
    """The position and the parameter, in the words of the service."""
    with pytest.raises(BadRequestError) as refused:
        await service.send_to_all("hi", filter="invalid filter")

    assert refused.value.target == "filter"
    assert "Syntax error at position 14 in 'invalid filter'" in refused.value.message


async def test_another_key_is_refused(connection_string: str, service: WebPubSubServiceClient) -> None:
    """By REST calls and by clients that connect."""
    wrong = "another key that is long enough to sign with"
    async with WebPubSubServiceClient(service.endpoint, service.hub, wrong) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.send_to_all("hi")
        token = await stranger.get_client_access_token()

    with pytest.raises(InvalidStatus, match="401"):
        async with connect(token.url):
            pass
    assert ConnectionString.parse(connection_string).access_key != wrong


@pytest.mark.parametrize("seconds", [0, 1, 300])
async def test_a_time_to_live_is_accepted_by_every_send(
    seconds: int, service: WebPubSubServiceClient, open_client: Open
) -> None:
    """A client that takes its messages at once gets them all."""
    ann = await open_client("ann", groups=["room"])

    await service.send_to_all(1, message_ttl_seconds=seconds)
    await service.send_to_group("room", 2, message_ttl_seconds=seconds)
    await service.send_to_user("ann", 3, message_ttl_seconds=seconds)
    await service.send_to_connection(ann.connection_id, 4, message_ttl_seconds=seconds)

    assert await received(service, ann) == [[1, 2, 3, 4]]


@pytest.mark.parametrize("version", ["2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"])
async def test_every_version_of_the_service_sends(
    version: str, service: WebPubSubServiceClient, open_client: Open
) -> None:
    """The versions that the official documents list."""
    ann = await open_client("ann")

    await service.send_to_all("hi", api_version=version)

    assert await received(service, ann) == [["hi"]]


async def test_an_unknown_version_is_refused(service: WebPubSubServiceClient) -> None:
    """With a 400."""
    with pytest.raises(BadRequestError):
        await service.send_to_all("hi", api_version="1999-01-01")


async def test_metadata_comes_with_the_message(service: WebPubSubServiceClient, open_client: Open) -> None:
    """To all, a group, a user and a connection; names in lower case, values as they are."""
    ann = await open_client("ann", groups=["room"])
    metadata = {"Trace": "a b", "empty": ""}

    await service.send_to_all("hi", metadata=metadata)
    await service.send_to_group("room", "hi", metadata=metadata)
    await service.send_to_user("ann", "hi", metadata=metadata)
    await service.send_to_connection(ann.connection_id, "hi", metadata=metadata)

    assert [(await ann.frame())["metadata"] for _ in range(4)] == [{"trace": "a b", "empty": ""}] * 4


async def test_roles_let_a_client_do_what_they_say(open_client: Open) -> None:
    """With a pattern, and for one group."""
    ann = await open_client(roles=[Role.join_leave_groups("room.*"), Role.send_to_group("news")])

    assert await ann.ask(type="joinGroup", group="room.1") is True
    assert await ann.ask(type="joinGroup", group="room.1.2") == "Forbidden"
    assert await ann.ask(type="sendToGroup", group="news", dataType="text", data="hi") is True
    assert await ann.ask(type="sendToGroup", group="olds", dataType="text", data="hi") == "Forbidden"


async def test_ids_that_are_numbers_are_ids(service: WebPubSubServiceClient, open_client: Open) -> None:
    """The key of a user in a database is the id of the user."""
    number, uuid = 7, uuid4()
    seventh, other = await open_client(number), await open_client(uuid)

    await service.send_to_user(number, "to 7")
    await service.send_to_user(uuid, "to the other")

    assert await service.user_exists(7)
    assert await received(service, seventh, other) == [["to 7"], ["to the other"]]
