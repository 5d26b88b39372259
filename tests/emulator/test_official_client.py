"""Microsoft's WebSocket client for Python, sync and aio, in its default settings: every call it has.

By default it speaks the reliable subprotocol, waits for an acknowledgement of everything, recovers after a cut socket
and rejoins its groups when there was nothing to recover.
"""

import asyncio
import gc
import itertools
import logging
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from azure.messaging.webpubsubclient import WebPubSubClient, WebPubSubClientCredential
from azure.messaging.webpubsubclient.aio import WebPubSubClient as AioWebPubSubClient
from azure.messaging.webpubsubclient.aio import WebPubSubClientCredential as AioWebPubSubClientCredential
from azure.messaging.webpubsubclient.models import (
    CallbackType,
    OpenClientError,
    SendMessageError,
    WebPubSubDataType,
    WebPubSubProtocolType,
)

from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.events import EventHandler, UserEvent

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # clients may still be closing when the next test runs
    pytest.mark.timeout(60),
    # The client leaves the socket of a connection that broke to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

EVERYTHING = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"]
Official: TypeAlias = WebPubSubClient | AioWebPubSubClient

_hub_numbers = itertools.count(1)


@dataclass
class Driver:
    """The official client in one colour, and what its callbacks were given."""

    client: Official
    heard: dict[CallbackType, "asyncio.Queue[Any]"] = field(default_factory=dict)

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method: in a thread if it blocks."""
        bound = getattr(self.client, method)
        if isinstance(self.client, AioWebPubSubClient):
            return await bound(*arguments, **options)
        return await asyncio.to_thread(bound, *arguments, **options)

    async def listen(self, *kinds: CallbackType) -> None:
        """Begin to hear callbacks."""
        for kind in kinds:
            self.heard[kind] = asyncio.Queue()
            await self.call("subscribe", kind, self.listener(self.heard[kind]))

    def listener(self, queue: "asyncio.Queue[Any]") -> Callable[..., Any]:
        """Make a callback of the right colour; the sync client calls it in threads of its own."""
        loop = asyncio.get_running_loop()

        def listen(argument: Any = None) -> None:
            with suppress(RuntimeError):  # threads of the client outlive its closing, and so the test and its loop
                loop.call_soon_threadsafe(queue.put_nowait, argument)

        async def aio_listen(argument: Any = None) -> None:
            queue.put_nowait(argument)

        return aio_listen if isinstance(self.client, AioWebPubSubClient) else listen

    async def next(self, kind: CallbackType) -> Any:
        """Wait for a callback."""
        return await self.heard[kind].get()

    def cut(self) -> None:
        """Let the connection break under the client, without a word."""
        websocket: Any = self.client._ws
        if isinstance(self.client, AioWebPubSubClient):
            websocket.sock.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        else:
            websocket.sock.sock.shutdown(socket.SHUT_RDWR)

    @property
    def connection_id(self) -> str | None:
        return self.client._connection_id


@dataclass
class Hub:
    """A hub of its own for each test."""

    service: WebPubSubServiceClient
    colour: str
    closings: "list[asyncio.Task[None]]"
    callers: int = 0

    @asynccontextmanager
    async def client(
        self, roles: list[str] = EVERYTHING, user_id: str = "ann", **options: Any
    ) -> AsyncIterator[Driver]:
        """Open a client, past its greeting, and begin to close it: the aio client takes a second for that."""
        driver = await self.make(roles, **options)
        await driver.listen(*CallbackType)
        await driver.call("open")
        await driver.next(CallbackType.CONNECTED)
        try:
            yield driver
        finally:
            self.closings.append(asyncio.create_task(self.close(driver)))

    async def close(self, driver: Driver) -> None:
        """Close a client for good."""
        await driver.call("close")
        driver.client._is_stopping = True  # its threads would go on connecting after a cut, for other tests to see

    async def make(self, roles: list[str] = EVERYTHING, **options: Any) -> Driver:
        """Make a client whose every connection gets a URL of its own."""
        if self.colour == "sync":
            # It overlooks what comes at once, on a busy machine, and goes on when it has waited this long.
            options = {"start_timeout": 5, "ack_timeout": 5, **options}
        urls = itertools.cycle([(await self.service.get_client_access_token(user_id="ann", roles=roles)).url])

        async def aio_url() -> str:
            self.callers += 1
            return next(urls)

        def url() -> str:
            self.callers += 1
            return next(urls)

        if self.colour == "aio":
            return Driver(AioWebPubSubClient(AioWebPubSubClientCredential(aio_url), **options))
        return Driver(WebPubSubClient(WebPubSubClientCredential(url), **options))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    handler = EventHandler(hub="orders", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"])

    @handler.on_event("order")
    async def order(event: UserEvent[dict[str, int]]) -> dict[str, int]:
        return {"ordered": event.data["id"]}

    # A busy machine makes its clients overlook what comes at once.
    with Emulator(event_handlers={"orders": handler.asgi}, ack_delay_seconds=0.03) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closings(emulator: Emulator) -> "AsyncIterator[list[asyncio.Task[None]]]":
    """What tests left closing is closed before the service ends."""
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    await asyncio.gather(*tasks)


@pytest_asyncio.fixture(loop_scope="module", params=["sync", "aio"])
async def hub(
    emulator: Emulator, closings: "list[asyncio.Task[None]]", request: pytest.FixtureRequest
) -> AsyncIterator[Hub]:
    name = f"hub{next(_hub_numbers)}"
    async with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub=name) as service:
        yield Hub(service, request.param, closings)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The emulator has nothing to complain about. The sync client leaves cut sockets to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    complaints = [record for record in caplog.get_records("call") if record.name.startswith("webpubsub.emulator")]
    assert [record.getMessage() for record in complaints if record.levelno >= logging.WARNING] == []


async def test_it_opens_with_the_reliable_subprotocol_and_closes(hub: Hub) -> None:
    """The defaults are taken; closing ends the session at once."""
    async with hub.client() as driver:
        connection_id = driver.connection_id
        assert driver.client.is_connected()
        assert driver.client._reconnection_token
        assert connection_id is not None
        assert await hub.service.connection_exists(connection_id)
    await hub.closings[-1]
    await driver.next(CallbackType.STOPPED)

    assert not driver.client.is_connected()
    while await hub.service.connection_exists(connection_id):
        continue


async def test_it_is_a_context_manager(hub: Hub) -> None:
    """`with` opens and closes it."""
    driver = await hub.make()
    client = driver.client
    if isinstance(client, AioWebPubSubClient):
        async with client:
            assert client.is_connected()
    else:
        await asyncio.to_thread(client.__enter__)
        assert client.is_connected()
        await asyncio.to_thread(client.__exit__, None, None, None)

    assert not client.is_connected()


async def test_groups_are_joined_and_left(hub: Hub) -> None:
    """Both wait for the acknowledgement, so the effect is there."""
    async with hub.client() as driver:
        await driver.call("join_group", "g")
        joined = await hub.service.group_exists("g")
        await driver.call("leave_group", "g")

        assert (joined, await hub.service.group_exists("g")) == (True, False)


CONTENTS = [
    (WebPubSubDataType.TEXT, "hällo"),
    (WebPubSubDataType.JSON, {"a": [1, None, "é"]}),
    (WebPubSubDataType.BINARY, memoryview(b"\x00\xff")),
]


@pytest.mark.parametrize(("data_type", "content"), CONTENTS, ids=["text", "json", "binary"])
async def test_messages_to_a_group_arrive_as_they_were_sent(
    hub: Hub, data_type: WebPubSubDataType, content: Any
) -> None:
    """Every type of data, with the sender's user id and a number, once."""
    async with hub.client() as driver:
        await driver.call("join_group", "g")
        await driver.call("send_to_group", "g", content, data_type)
        message = await driver.next(CallbackType.GROUP_MESSAGE)

    assert (message.group, message.from_user_id, message.sequence_id) == ("g", "ann", 1)
    assert message.data_type == data_type
    assert bytes(message.data) == b"\x00\xff" if data_type == "binary" else message.data == content


async def test_sending_has_options(hub: Hub) -> None:
    """Without an acknowledgement, without an echo, and with an id of the caller's own."""
    async with hub.client() as driver:
        await driver.call("join_group", "g", ack_id=7)
        await driver.call("send_to_group", "g", "spared", WebPubSubDataType.TEXT, no_echo=True)
        await driver.call("send_to_group", "g", "quiet", WebPubSubDataType.TEXT, ack=False)
        await driver.call("send_to_group", "g", "own id", WebPubSubDataType.TEXT, ack_id=70)

        received = [(await driver.next(CallbackType.GROUP_MESSAGE)).data for _ in range(2)]
    assert received == ["quiet", "own id"]


async def test_a_repeated_request_is_a_success(hub: Hub) -> None:
    """An id that was carried out already is told as a duplicate, which this client takes for done; it has no effect."""
    async with hub.client() as driver:
        await driver.call("join_group", "g")
        await driver.call("send_to_group", "g", "once", WebPubSubDataType.TEXT, ack_id=70)
        await driver.call("send_to_group", "g", "twice", WebPubSubDataType.TEXT, ack_id=70)
        await driver.call("send_to_group", "g", "end", WebPubSubDataType.TEXT)

        received = [(await driver.next(CallbackType.GROUP_MESSAGE)).data for _ in range(2)]
    assert received == ["once", "end"]


async def test_messages_of_the_service_arrive(hub: Hub) -> None:
    """From REST to one connection, numbered as well."""
    async with hub.client() as driver:
        assert driver.connection_id is not None
        await hub.service.send_to_connection(driver.connection_id, {"a": 1})
        message = await driver.next(CallbackType.SERVER_MESSAGE)

    assert (message.data, message.data_type, message.sequence_id) == ({"a": 1}, "json", 1)


async def test_what_is_not_allowed_is_an_error(hub: Hub) -> None:
    """The acknowledgement says why, and the client stays connected."""
    async with hub.client(roles=[], message_retry_total=0) as driver:
        for method, arguments in (
            ("join_group", ["g"]),
            ("leave_group", ["g"]),
            ("send_to_group", ["g", "x", WebPubSubDataType.TEXT]),
        ):
            with pytest.raises(SendMessageError) as refused:
                await driver.call(method, *arguments)
            assert refused.value.error_detail is not None
            assert refused.value.error_detail.name == "Forbidden"
        assert driver.client.is_connected()


async def test_an_event_without_a_handler_is_an_error(hub: Hub) -> None:
    """Nobody takes it, so it fails; without an acknowledgement nobody is told."""
    async with hub.client(message_retry_total=0) as driver:
        with pytest.raises(SendMessageError) as refused:
            await driver.call("send_event", "e", {"a": 1}, WebPubSubDataType.JSON)
        await driver.call("send_event", "e", "x", WebPubSubDataType.TEXT, ack=False)
        assert driver.client.is_connected()

    assert refused.value.error_detail is not None
    assert refused.value.error_detail.name == "InternalServerError"


async def test_an_event_reaches_its_handler(hub: Hub, emulator: Emulator) -> None:
    """The reply arrives as a message of the server, and the event counts as sent."""
    async with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub="orders") as service:
        orders = replace(hub, service=service)
        async with orders.client() as driver:
            await driver.call("send_event", "order", {"id": 7}, WebPubSubDataType.JSON)
            message = await driver.next(CallbackType.SERVER_MESSAGE)

    assert message.data == {"ordered": 7}


@pytest.mark.parametrize("client", [WebPubSubClient, AioWebPubSubClient])
async def test_this_is_every_call_that_it_has(client: type[Official]) -> None:
    """One that a later version adds wants a test here."""
    messages = {"join_group", "leave_group", "send_event", "send_to_group", "subscribe", "unsubscribe"}

    assert {name for name in dir(client) if not name.startswith("_")} == {"open", "close", "is_connected", *messages}


async def test_a_callback_can_be_taken_back(hub: Hub) -> None:
    """After `unsubscribe` it is not called any more."""
    async with hub.client() as driver:
        taken_back: asyncio.Queue[Any] = asyncio.Queue()
        listener = driver.listener(taken_back)
        await driver.call("subscribe", CallbackType.GROUP_MESSAGE, listener)
        await driver.call("join_group", "g")
        await driver.call("send_to_group", "g", 1, WebPubSubDataType.JSON)
        await taken_back.get()
        await driver.call("unsubscribe", CallbackType.GROUP_MESSAGE, listener)
        await driver.call("send_to_group", "g", 2, WebPubSubDataType.JSON)
        received = [(await driver.next(CallbackType.GROUP_MESSAGE)).data for _ in range(2)]

    assert (received, taken_back.empty()) == ([1, 2], True)


async def test_a_cut_socket_is_recovered(hub: Hub) -> None:
    """The same connection goes on: groups kept, nothing lost, nothing twice, and no second greeting."""
    async with hub.client() as driver:
        await driver.call("join_group", "g")
        connection_id = driver.connection_id
        received = []
        for start in (0, 10, 20):
            for number in range(start, start + 10):
                if number == start + 5:
                    driver.cut()
                await hub.service.send_to_group("g", {"number": number})
            received += [(await driver.next(CallbackType.GROUP_MESSAGE)).data["number"] for _ in range(10)]
        await driver.call("send_to_group", "g", {"number": "last"}, WebPubSubDataType.JSON)
        received.append((await driver.next(CallbackType.GROUP_MESSAGE)).data["number"])

        assert received == [*range(30), "last"]
        assert (driver.connection_id, hub.callers) == (connection_id, 1)
        assert driver.heard[CallbackType.CONNECTED].empty()
        assert driver.heard[CallbackType.DISCONNECTED].empty()


async def test_where_nothing_can_be_recovered_it_begins_anew(hub: Hub) -> None:
    """A connection that the service has closed is another one afterwards; groups are joined again."""
    async with hub.client() as driver:
        await driver.call("join_group", "g")
        assert driver.connection_id is not None
        first = driver.connection_id
        await hub.service.close_connection(first, reason="enough")
        gone = await driver.next(CallbackType.DISCONNECTED)
        await driver.next(CallbackType.CONNECTED)
        while not await hub.service.group_exists("g"):
            continue

        assert gone.connection_id == first
        assert gone.message == "Application server closed the connection. Reason: enough"
        assert driver.connection_id != first
        assert hub.callers == 2


async def test_a_group_that_cannot_be_joined_again_is_told(hub: Hub) -> None:
    """The callback names it."""
    async with hub.client(roles=[]) as driver:
        assert driver.connection_id is not None
        await hub.service.grant_permission("joinLeaveGroup", driver.connection_id, target_name="g")
        await driver.call("join_group", "g")
        await hub.service.close_connection(driver.connection_id)
        failed = await driver.next(CallbackType.REJOIN_GROUP_FAILED)

    assert failed.group == "g"


async def test_the_other_subprotocol_works_too(hub: Hub) -> None:
    """`protocol_type` chooses plain JSON, whose messages have no numbers."""
    async with hub.client(protocol_type=WebPubSubProtocolType.JSON) as driver:
        await driver.call("join_group", "g")
        await driver.call("send_to_group", "g", "x", WebPubSubDataType.TEXT)
        message = await driver.next(CallbackType.GROUP_MESSAGE)

    assert (message.data, message.sequence_id) == ("x", None)


async def test_a_wrong_token_is_an_error(hub: Hub, emulator: Emulator) -> None:
    """Opening fails, and says that it was unauthorized."""
    url = f"ws://127.0.0.1:{emulator.port}/client/hubs/chat?access_token=x"
    driver = Driver(
        AioWebPubSubClient(url) if hub.colour == "aio" else WebPubSubClient(url, start_timeout=1)
    )  # overlooks a quick refusal

    with pytest.raises(OpenClientError, match=r"401|Invalid response status"):
        await driver.call("open")
