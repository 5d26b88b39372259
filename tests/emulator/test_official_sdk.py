"""The official server SDK, sync and async, against the local service: every operation, judged by its effect."""

import base64
import inspect
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient as AioWebPubSubServiceClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK
from websockets.typing import Subprotocol

from webpubsub.emulator import Emulator
from webpubsub.tokens import sign

T = TypeVar("T")
Service: TypeAlias = WebPubSubServiceClient | AioWebPubSubServiceClient

JSON = Subprotocol("json.webpubsub.azure.v1")
MARKER = "marker"

_hub_numbers = itertools.count(1)


async def outcome(result: T | Awaitable[T]) -> T:
    """Return what a call of either colour comes to."""
    return await result if inspect.isawaitable(result) else result


@dataclass(frozen=True)
class Client:
    """A WebSocket client that is connected."""

    socket: ClientConnection
    connection_id: str

    async def frame(self) -> dict[str, Any]:
        """Receive one frame of JSON."""
        received: dict[str, Any] = json.loads(await self.socket.recv())
        return received

    async def ask(self, ack_id: int, **frame: object) -> dict[str, Any]:
        """Send a frame and return its ack."""
        await self.socket.send(json.dumps(frame | {"ackId": ack_id}))
        return await self.frame()


class Identity:
    """A token credential whose tokens the emulator takes for those of Microsoft Entra ID."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Issue a token for the scope that the SDK asks for."""
        (scope,) = scopes
        expiry = int(time.time()) + 3600
        return AccessToken(sign({"aud": scope.removesuffix("/.default"), "exp": expiry}, self._key), expiry)


class AioIdentity(Identity):
    """The same for the async SDK."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override]
        """Issue a token for the scope that the SDK asks for."""
        return super().get_token(*scopes, **options)

    async def close(self) -> None:
        """Hold nothing open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Connect(Protocol):
    """How tests open a client."""

    async def __call__(
        self, user_id: str | None = None, *, roles: Sequence[str] = (), groups: Sequence[str] = ()
    ) -> Client: ...


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(simulate_entra=True) as running:
        yield running


@pytest.fixture
def hub() -> str:
    return f"hub{next(_hub_numbers)}"


@pytest.fixture(params=[WebPubSubServiceClient, AioWebPubSubServiceClient], ids=["sync", "aio"])
async def service(request: pytest.FixtureRequest, emulator: Emulator, hub: str) -> AsyncIterator[Service]:
    client: Service = request.param.from_connection_string(emulator.connection_string, hub, retry_total=0)
    yield client
    await outcome(client.close())


@pytest.fixture
async def open_client(service: Service) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def open_(user_id: str | None = None, *, roles: Sequence[str] = (), groups: Sequence[str] = ()) -> Client:
            granted = await outcome(
                service.get_client_access_token(user_id=user_id, roles=list(roles), groups=list(groups))
            )
            socket = await stack.enter_async_context(connect(granted["url"], subprotocols=[JSON]))
            return Client(socket, json.loads(await socket.recv())["connectionId"])

        yield open_


async def received_before_marker(service: Service, client: Client) -> list[object]:
    """Return the data of all messages that reached the client until now."""
    await outcome(service.send_to_connection(client.connection_id, MARKER, content_type="text/plain"))
    data = []
    while (frame := await client.frame())["data"] != MARKER:
        data.append(frame["data"])
    return data


async def test_a_client_access_token_opens_a_connection_with_user_roles_and_groups(
    service: Service, open_client: Connect
) -> None:
    """A token that the SDK signs locally carries user, roles and groups into the connection."""
    ann = await open_client("ann", roles=["webpubsub.sendToGroup.room"], groups=["room"])

    assert await outcome(service.user_exists("ann"))
    await ann.socket.send(json.dumps({"type": "sendToGroup", "group": "room", "dataType": "text", "data": "hi"}))
    assert await ann.frame() == {
        "type": "message",
        "from": "group",
        "fromUserId": "ann",
        "group": "room",
        "dataType": "text",
        "data": "hi",
    }


BODIES = [
    ({"a": [1, None, "é"]}, "application/json", "json", {"a": [1, None, "é"]}),
    ("plain é", "application/json", "json", "plain é"),
    ("plain", "text/plain", "text", "plain"),
    (b"\x00\xff", "application/octet-stream", "binary", base64.b64encode(b"\x00\xff").decode()),
]


@pytest.mark.parametrize(("message", "content_type", "data_type", "data"), BODIES)
async def test_send_to_all_reaches_every_connection(
    service: Service, open_client: Connect, message: Any, content_type: str, data_type: str, data: object
) -> None:
    """Every client of the hub gets the message in the form that its content type asks for."""
    clients = [await open_client(), await open_client("ann")]

    await outcome(service.send_to_all(message, content_type=content_type))

    for client in clients:
        assert await client.frame() == {"type": "message", "from": "server", "dataType": data_type, "data": data}


async def test_send_to_all_leaves_out_the_excluded_and_the_unfiltered(service: Service, open_client: Connect) -> None:
    """`excluded` and `filter` both narrow a broadcast."""
    ann, bob, cid = await open_client("ann"), await open_client("bob"), await open_client("cid")

    await outcome(
        service.send_to_all("hi", content_type="text/plain", excluded=[ann.connection_id], filter="userId ne 'bob'")
    )

    assert [await received_before_marker(service, client) for client in (ann, bob, cid)] == [[], [], ["hi"]]


async def test_send_to_group_reaches_its_members_only(service: Service, open_client: Connect) -> None:
    """Members get a message that names the group; others and the excluded get nothing."""
    member, other = await open_client(groups=["room 1&ä"]), await open_client()
    excluded, filtered = await open_client(groups=["room 1&ä"]), await open_client("bob", groups=["room 1&ä"])

    await outcome(
        service.send_to_group("room 1&ä", {"n": 1}, excluded=[excluded.connection_id], filter="not (userId eq 'bob')")
    )

    assert await member.frame() == {
        "type": "message",
        "from": "group",
        "fromUserId": None,
        "group": "room 1&ä",
        "dataType": "json",
        "data": {"n": 1},
    }
    for client in (other, excluded, filtered):
        assert await received_before_marker(service, client) == []


async def test_send_to_user_reaches_all_connections_of_the_user(service: Service, open_client: Connect) -> None:
    """A user is all of his connections, narrowed by the filter."""
    first, second, other = await open_client("ann"), await open_client("ann", groups=["vip"]), await open_client("bob")

    await outcome(service.send_to_user("ann", "both", content_type="text/plain"))
    await outcome(service.send_to_user("ann", "one", content_type="text/plain", filter="'vip' in groups"))

    received = [await received_before_marker(service, client) for client in (first, second, other)]
    assert received == [["both"], ["both", "one"], []]


async def test_send_to_connection_reaches_that_connection_only(service: Service, open_client: Connect) -> None:
    """One connection is meant, and a connection that does not exist is no error."""
    one, other = await open_client("ann"), await open_client("ann")

    await outcome(service.send_to_connection(one.connection_id, "hi", content_type="text/plain"))
    await outcome(service.send_to_connection("nobody", "hi", content_type="text/plain"))

    assert [await received_before_marker(service, client) for client in (one, other)] == [["hi"], []]


async def test_simple_clients_receive_json_as_it_was_sent(service: Service) -> None:
    """Without a subprotocol the payload arrives bare."""
    granted = await outcome(service.get_client_access_token())
    async with connect(granted["url"]) as socket:
        await (await socket.ping())
        await outcome(service.send_to_all({"from": "user1"}))

        assert await socket.recv() == '{"from": "user1"}'


async def test_close_all_connections_spares_the_excluded(service: Service, open_client: Connect) -> None:
    """Every other client is told the reason and closed normally."""
    closed, spared = await open_client(), await open_client()

    await outcome(service.close_all_connections(excluded=[spared.connection_id], reason="maintenance"))

    await assert_closed(closed, "maintenance")
    assert await received_before_marker(service, spared) == []


async def test_close_group_connections_closes_the_members(service: Service, open_client: Connect) -> None:
    """Members are closed, but for the excluded; others stay."""
    member, spared = await open_client(groups=["room"]), await open_client(groups=["room"])
    other = await open_client()

    await outcome(service.close_group_connections("room", excluded=[spared.connection_id], reason="over"))

    await assert_closed(member, "over")
    for client in (spared, other):
        assert await received_before_marker(service, client) == []


async def test_close_user_connections_closes_the_user(service: Service, open_client: Connect) -> None:
    """All connections of the user are closed, but for the excluded; others stay."""
    closed, spared, other = await open_client("ann"), await open_client("ann"), await open_client("bob")

    await outcome(service.close_user_connections("ann", excluded=[spared.connection_id], reason="signed out"))

    await assert_closed(closed, "signed out")
    for client in (spared, other):
        assert await received_before_marker(service, client) == []


async def test_close_connection_closes_that_connection(service: Service, open_client: Connect) -> None:
    """One connection is closed; closing it again is no error."""
    closed, other = await open_client("ann"), await open_client("ann")

    await outcome(service.close_connection(closed.connection_id, reason="bye"))
    await outcome(service.close_connection(closed.connection_id, reason="bye"))

    await assert_closed(closed, "bye")
    assert not await outcome(service.connection_exists(closed.connection_id))
    assert await outcome(service.connection_exists(other.connection_id))


async def test_existence_follows_the_connection(service: Service, open_client: Connect) -> None:
    """Connection, user and group exist while a connection makes them, and not a moment longer."""
    ann = await open_client("ann", groups=["room"])

    async def existing() -> list[bool]:
        return [
            await outcome(service.connection_exists(ann.connection_id)),
            await outcome(service.user_exists("ann")),
            await outcome(service.group_exists("room")),
        ]

    assert await existing() == [True, True, True]
    await outcome(service.close_connection(ann.connection_id))
    assert await existing() == [False, False, False]


async def test_a_connection_is_added_to_and_removed_from_a_group(service: Service, open_client: Connect) -> None:
    """Membership given by the server decides who gets the group's messages."""
    ann = await open_client("ann")

    await outcome(service.add_connection_to_group("room", ann.connection_id))
    await outcome(service.send_to_group("room", "in", content_type="text/plain"))
    await outcome(service.remove_connection_from_group("room", ann.connection_id))
    await outcome(service.send_to_group("room", "out", content_type="text/plain"))

    assert await received_before_marker(service, ann) == ["in"]
    assert not await outcome(service.group_exists("room"))


async def test_a_missing_connection_cannot_be_added_to_a_group(service: Service) -> None:
    """The SDK raises its not-found error with the code of the service."""
    with pytest.raises(ResourceNotFoundError) as caught:
        await outcome(service.add_connection_to_group("room", "nobody"))

    assert caught.value.error is not None
    assert caught.value.error.code == "Error.Connection.NotExisted"


async def test_a_connection_is_removed_from_all_groups(service: Service, open_client: Connect) -> None:
    """One call ends every membership of one connection."""
    ann, bob = await open_client("ann", groups=["a", "b"]), await open_client("bob", groups=["a"])

    await outcome(service.remove_connection_from_all_groups(ann.connection_id))

    assert await members(service, "a") == [(bob.connection_id, "bob")]
    assert await members(service, "b") == []


async def test_a_user_is_added_to_and_removed_from_a_group(service: Service, open_client: Connect) -> None:
    """All connections of the user go in and out together."""
    first, second = await open_client("ann"), await open_client("ann")

    await outcome(service.add_user_to_group("room", "ann"))
    assert await members(service, "room") == sorted((client.connection_id, "ann") for client in (first, second))

    await outcome(service.remove_user_from_group("room", "ann"))
    assert await members(service, "room") == []


async def test_a_user_is_removed_from_all_groups(service: Service, open_client: Connect) -> None:
    """One call ends every membership of one user."""
    await open_client("ann", groups=["a", "b"])
    bob = await open_client("bob", groups=["a"])

    await outcome(service.remove_user_from_all_groups("ann"))

    assert await members(service, "a") == [(bob.connection_id, "bob")]
    assert not await outcome(service.group_exists("b"))


@pytest.mark.parametrize(
    ("permission", "frame"),
    [
        ("joinLeaveGroup", {"type": "joinGroup", "group": "room"}),
        ("sendToGroup", {"type": "sendToGroup", "group": "room", "dataType": "text", "data": "hi"}),
    ],
)
async def test_a_permission_is_granted_seen_used_and_revoked(
    service: Service, open_client: Connect, permission: str, frame: dict[str, object]
) -> None:
    """What the server grants, the client may do at once; what it revokes, no longer."""
    client = await open_client()

    async def state(ack_id: int) -> tuple[bool, bool, str | None]:
        seen = await outcome(service.has_permission(permission, client.connection_id, target_name="room"))
        ack = await client.ask(ack_id, **frame)
        return seen, ack["success"], ack.get("error", {}).get("name")

    assert await state(1) == (False, False, "Forbidden")
    await outcome(service.grant_permission(permission, client.connection_id, target_name="room"))
    assert await state(2) == (True, True, None)
    await outcome(service.revoke_permission(permission, client.connection_id, target_name="room"))
    assert await state(3) == (False, False, "Forbidden")


async def test_list_connections_follows_the_pages(service: Service, open_client: Connect) -> None:
    """Members come with their users, over as many pages as it takes, and `top` ends the listing."""
    clients = {user: await open_client(user, groups=["room"]) for user in ("ann", "bob", "cid", "dan", "eve")}
    anonymous = await open_client(groups=["room"])
    everyone = sorted(
        [*((client.connection_id, user) for user, client in clients.items()), (anonymous.connection_id, None)]
    )

    assert await members(service, "room") == everyone
    assert await members(service, "room", maxpagesize=2) == everyone
    assert await members(service, "room", maxpagesize=2, top=3) == everyone[:3]
    assert await members(service, "nobody") == []


async def test_an_invalid_filter_is_refused_in_the_words_of_the_service(service: Service) -> None:
    """The SDK shows where the filter is wrong."""
    with pytest.raises(HttpResponseError) as caught:
        await outcome(service.send_to_all("hi", filter="invalid filter"))

    assert caught.value.status_code == 400
    assert "Syntax error at position 14 in 'invalid filter'." in str(caught.value)


async def test_a_wrong_key_is_refused(emulator: Emulator, hub: str) -> None:
    """Signatures are checked for real."""
    wrong = emulator.connection_string.replace(emulator.access_key, "x" * 44)
    with (
        WebPubSubServiceClient.from_connection_string(wrong, hub, retry_total=0) as service,
        pytest.raises(ClientAuthenticationError),
    ):
        service.send_to_all("hi")


@pytest.fixture(
    params=[(WebPubSubServiceClient, Identity), (AioWebPubSubServiceClient, AioIdentity)], ids=["sync", "aio"]
)
async def entra_service(request: pytest.FixtureRequest, emulator: Emulator, hub: str) -> AsyncIterator[Service]:
    client_class, identity_class = request.param
    client: Service = client_class(emulator.endpoint, hub, identity_class(emulator.access_key), retry_total=0)
    yield client
    await outcome(client.close())


async def test_a_token_credential_has_the_service_issue_client_tokens(entra_service: Service) -> None:
    """With Entra ID the service makes the token, and that token opens a connection just as well."""
    granted = await outcome(
        entra_service.get_client_access_token(
            user_id="ann", roles=["webpubsub.sendToGroup"], groups=["a", "b"], minutes_to_expire=5, enforce_https=False
        )
    )
    async with connect(granted["url"], subprotocols=[JSON]) as socket:
        greeting = json.loads(await socket.recv())
        await outcome(entra_service.send_to_group("b", {"n": 1}, enforce_https=False))
        message = json.loads(await socket.recv())

    assert greeting["userId"] == "ann"
    assert (message["group"], message["data"]) == ("b", {"n": 1})


async def test_tokens_of_entra_id_are_refused_unless_simulated(hub: str) -> None:
    """An audience that covers every URL is accepted only where that was asked for."""
    with (
        Emulator() as emulator,
        WebPubSubServiceClient(emulator.endpoint, hub, Identity(emulator.access_key), retry_total=0) as service,
        pytest.raises(ClientAuthenticationError),
    ):
        service.send_to_all("hi", enforce_https=False)


async def test_an_access_key_does_not_make_the_service_issue_client_tokens(service: Service, hub: str) -> None:
    """Who has the key signs client tokens without the service."""
    sending: Any = service.send_request(HttpRequest("POST", f"/api/hubs/{hub}/:generateToken?api-version=2024-12-01"))

    assert (await outcome(sending)).status_code == 401


async def test_send_request_signs_any_request(service: Service, open_client: Connect, hub: str) -> None:
    """A hand-made request, here for an operation that the SDK lacks, goes through its pipeline."""
    ann = await open_client("ann")
    url = f"/api/hubs/{hub}/:addToGroups?api-version=2024-12-01"

    sending: Any = service.send_request(HttpRequest("POST", url, json={"groups": ["a", "b"]}))

    assert (await outcome(sending)).status_code == 200
    assert await members(service, "a") == await members(service, "b") == [(ann.connection_id, "ann")]


async def assert_closed(client: Client, reason: str) -> None:
    assert await client.frame() == {
        "type": "system",
        "event": "disconnected",
        "message": f"Application server closed the connection. Reason: {reason}",
    }
    with pytest.raises(ConnectionClosedOK):
        await client.socket.recv()
    assert (client.socket.close_code, client.socket.close_reason) == (1000, "")


async def members(service: Service, group: str, **paging: int) -> list[tuple[str, str | None]]:
    listed = service.list_connections(group=group, **paging)
    if isinstance(listed, AsyncIterator):
        return [(member.connection_id, member.user_id) async for member in listed]
    return [(member.connection_id, member.user_id) for member in listed]
