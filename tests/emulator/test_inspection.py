"""Looking inside of a running emulator, and clients of tests: both colours, in a thread and in the loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.aio import WebPubSubServiceClient as AsyncServiceClient
from webpubsub.emulator import AsyncTestClient, ClientFault, Emulator, RefusedError, RequestFault

ROLES = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator of its own for each test, since the journal is looked at."""
    with Emulator() as running:
        yield running


@pytest.fixture
def service(emulator: Emulator) -> Iterator[WebPubSubServiceClient]:
    """A client of the hub `chat`."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as client:
        yield client


def test_a_hub_shows_who_is_there(emulator: Emulator) -> None:
    """Connections, users and groups, as they are at this moment; the case of the hub's name does not matter."""
    hub = emulator.hub("Chat")
    with emulator.connect("chat", user_id="ann", groups=["b", "a"]) as ann, emulator.connect("chat") as nobody:
        assert [(it.user_id, it.groups, it.protocol) for it in hub.connections] == [
            ("ann", ("a", "b"), "json.webpubsub.azure.v1"),
            (None, (), "json.webpubsub.azure.v1"),
        ]
        assert [it.connection_id for it in hub.connections] == [ann.connection_id, nobody.connection_id]
        assert hub.users == {"ann": [ann.connection_id]}
        assert hub.groups == {"a": [ann.connection_id], "b": [ann.connection_id]}
        assert repr(hub) == "<hub Chat with 2 connections>"
    emulator.wait_for(lambda: not hub.connections)

    assert emulator.hub("other").connections == []


def test_messages_tell_what_went_to_whom(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """From REST and from clients, in their order, also when nobody is there."""
    with emulator.connect("chat", user_id="ann", groups=["room"], roles=ROLES) as ann:
        service.send_to_all({"n": 1})
        service.send_to_group("room", b"\x00", excluded=[ann.connection_id])
        ann.send_to_group("room", "hi")
    messages = emulator.hub("chat").messages

    assert [(it.data_type, it.data, it.group, it.from_user_id, list(it.to)) for it in messages] == [
        ("json", {"n": 1}, None, None, [ann.connection_id]),
        ("binary", b"\x00", "room", None, []),
        ("text", "hi", "room", "ann", [ann.connection_id]),
    ]
    assert str(messages[2]) == "text 'hi' to group room, to 1 connections"
    assert emulator.hub("other").messages == []


def test_requests_tell_what_came_and_what_went_back(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """With the operation, without the token."""
    service.send_to_user("ann", {"text": "hi"})
    service.group_exists("room")
    sent, asked = emulator.requests

    assert (sent.method, sent.operation, sent.hub, sent.status) == ("POST", "send_to_user", "chat", 202)
    assert sent.json() == {"text": "hi"}
    assert sent.headers["authorization"] == "REDACTED"
    assert (asked.operation, asked.status) == ("group_exists", 404)
    assert str(asked) == f"HEAD {asked.target} -> 404"
    assert emulator.hub("chat").requests == [sent, asked]


def test_events_that_nobody_hears_are_told_too(emulator: Emulator) -> None:
    """A test sees what its client sent, without any event handler."""
    with emulator.connect("chat", user_id="ann") as ann, pytest.raises(RefusedError, match="Internal server error"):
        ann.send_event("order", {"id": 1})
    (event,) = emulator.hub("chat").events

    assert (event.event, event.user_id, event.json(), event.status) == ("order", "ann", {"id": 1}, None)
    assert str(event) == "event order of ann -> no response"


def test_a_client_receives_in_order_and_says_what_came_instead(
    emulator: Emulator, service: WebPubSubServiceClient
) -> None:
    """The message of a test that fails lists what did arrive."""
    with emulator.connect("chat", user_id="ann") as ann:
        for text in ("one", "two", "three"):
            service.send_to_all(text, content_type="text/plain")
        assert ann.wait_for(lambda message: message.data == "two").data == "two"
        assert [ann.receive().data for _ in range(3)] == ["one", "two", "three"]
        with pytest.raises(AssertionError, match=r"no message came that fits\. What came:\n(.*\n)*.*three"):
            ann.wait_for(lambda message: message.data == "four", timeout_seconds=0.01)
        with pytest.raises(AssertionError, match=r"Within 0\.01 seconds no message came"):
            ann.receive(timeout_seconds=0.01)


def test_a_condition_that_does_not_hold_tells_what_happened(
    emulator: Emulator, service: WebPubSubServiceClient
) -> None:
    """The last requests, messages and connections, a line each."""
    service.send_to_all("hello")

    with pytest.raises(AssertionError, match=r"did not hold within 0\.01 seconds(.*\n)*.*POST .*:send.* -> 202"):
        emulator.wait_for(lambda: False, timeout_seconds=0.01)


async def test_waiting_in_vain_tells_what_happened_while_the_loop_goes_on(emulator: Emulator) -> None:
    """As the blocking way does."""
    with pytest.raises(AssertionError, match=r"did not hold within 0\.01 seconds"):
        await emulator.wait_for_async(lambda: False, timeout_seconds=0.01)


async def test_a_condition_that_cannot_be_waited_for_is_told_at_once(emulator: Emulator) -> None:
    """A value is no condition; and the loop that the emulator runs in must not stand still."""
    with pytest.raises(TypeError, match=r"condition must be callable, such as .*, not bool"):
        emulator.wait_for(emulator.requests == [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="condition must be callable"):
        await emulator.wait_for_async(5)  # type: ignore[arg-type]
    async with Emulator() as own:
        with pytest.raises(RuntimeError, match="use `await emulator"):
            own.wait_for(lambda: True)
        await asyncio.to_thread(own.wait_for, lambda: True)


def test_roles_hold_for_a_client_of_a_test(emulator: Emulator) -> None:
    """It is a client as every other one: what it may not do is refused."""
    with emulator.connect("chat", roles=["webpubsub.joinLeaveGroup.room"]) as ann:
        ann.join_group("room")
        ann.leave_group("room")
        with pytest.raises(RefusedError) as refused:
            ann.send_to_group("room", "hi")

    assert refused.value.name == "Forbidden"


async def refuse_connect(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """An event handler that lets the emulator call it, and nobody in."""
    if scope["type"] == "http" and scope["method"] == "OPTIONS":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"webhook-allowed-origin", b"*")]})
        await send({"type": "http.response.body"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Not today."})


def test_a_client_that_is_not_let_in_is_told_in_the_words_of_the_handler() -> None:
    """The status and what the handler wrote; the event is recorded under its plain name."""
    with Emulator(event_handlers={"chat": refuse_connect}) as emulator:
        with pytest.raises(RefusedError) as refused, emulator.connect("chat"):
            pass
        (event,) = emulator.events

    assert (refused.value.name, refused.value.message) == ("403", "Not today.")
    assert repr(event.headers["ce-eventname"]) == repr(event.event) == "'connect'"


def test_a_client_that_is_not_let_in_without_a_word_is_told_of_the_status(emulator: Emulator) -> None:
    """Nobody says why."""
    emulator.faults.add(ClientFault(action="refuse", status=503))

    with pytest.raises(RefusedError, match=r"^503: the service does not let the client in$"), emulator.connect("chat"):
        pass


def test_a_refusal_that_repeats_the_request_does_not_tell_its_token(emulator: Emulator) -> None:
    """That of aiohttp shows a line that is too long."""
    with pytest.raises(RefusedError, match="more than 8190 bytes") as refused:
        emulator.connect("chat", user_id="a" * 9000).__enter__()

    assert refused.value.name == "400"
    assert "access_token=REDACTED" in refused.value.message


def test_arguments_of_a_blocking_client_are_told_with_its_own_name(emulator: Emulator) -> None:
    """Not with that of the asynchronous one."""
    with emulator.connect("chat") as ann:
        call: Callable[..., None] = ann.join_group
        with pytest.raises(TypeError, match=r"^TestClient\.join_group\(\) missing 1 required positional argument"):
            call()
        with pytest.raises(TypeError, match=r"^TestClient\.join_group\(\) got an unexpected keyword argument 'room'"):
            call(room="room")


def test_a_closed_client_knows_why(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """The code, and what the service said before."""
    with emulator.connect("chat", user_id="ann") as ann:
        assert repr(ann) == f"<client {ann.connection_id} of ann, open>"
        service.close_user_connections("ann", reason="enough")

        assert ann.wait_closed() == 1000
        assert repr(ann) == f"<client {ann.connection_id} of ann, closed with 1000>"
        assert ann.disconnected_message == "Application server closed the connection. Reason: enough"
        with pytest.raises(AssertionError, match=r"The connection was closed with code 1000\."):
            ann.receive(timeout_seconds=0.01)


def test_a_dropped_client_is_gone(emulator: Emulator) -> None:
    """As after a cut cable, but at once."""
    with emulator.connect("chat", user_id="ann") as ann:
        ann.drop()
        emulator.wait_for(lambda: not emulator.hub("chat").connections)


def test_a_region_goes_away(emulator: Emulator) -> None:
    """Every client is closed with 1001."""
    with emulator.connect("chat") as ann, emulator.connect("other") as bob:
        emulator.go_away()

        assert [ann.wait_closed(), bob.wait_closed()] == [1001, 1001]


def test_over_tls_clients_trust_the_emulator() -> None:
    """And nobody else."""
    with Emulator(tls=True) as emulator, emulator.connect("chat", user_id="ann") as ann:
        assert ann.user_id == "ann"


async def test_asynchronous_clients_work_with_an_emulator_in_a_thread(emulator: Emulator) -> None:
    """Whatever loop the test has."""
    service = AsyncServiceClient.from_connection_string(emulator.connection_string, "chat")
    async with service, emulator.connect("chat", user_id="ann") as ann:
        await service.send_to_user("ann", "hi", content_type="text/plain")
        assert (await ann.receive()).data == "hi"
        await emulator.wait_for_async(lambda: len(emulator.hub("chat").messages) == 1)


async def test_asynchronous_clients_work_with_an_emulator_in_the_loop() -> None:
    """A blocking one would wait for itself: it says so."""
    async with Emulator() as emulator, emulator.connect("chat", roles=ROLES, groups=["room"]) as ann:
        await ann.send_to_group("room", "hi")
        assert (await ann.receive()).data == "hi"
        with pytest.raises(RuntimeError, match=r"use `async with emulator\.connect"):
            emulator.connect("chat").__enter__()


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"hub": "no hub"}, ValueError, "'no hub' is not the name of a hub: a letter, then letters, digits and"),
        ({"hub": 3}, TypeError, "A hub is named by a str, not by a value of type int"),
        ({"hub": "chat", "user_id": 3}, TypeError, "user_id must be a str, not int"),
        ({"hub": "chat", "groups": "room"}, TypeError, "groups must be a list of str; it was 'room'"),
        ({"hub": "chat", "roles": None}, TypeError, "roles must be a list of str; it was None"),
        ({"hub": "chat", "groups": iter("a")}, TypeError, "groups must be a list of str; it was <"),
        ({"hub": "chat", "headers": ["a"]}, TypeError, "headers must map names to values, both of them str"),
        ({"hub": "chat", "headers": {"a": 5}}, TypeError, "headers must map names to values, both of them str"),
        ({"hub": "chat", "roles": [1]}, TypeError, r"roles must be a list of str; it was \[1\]"),
        ({"hub": "chat", "user": "ann"}, TypeError, r"connect\(\) has no argument 'user': did you mean 'user_id'\?"),
    ],
)
def test_a_client_that_cannot_be_is_refused_before_it_connects(
    emulator: Emulator, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    """In a sentence that names what was wrong."""
    with pytest.raises(error, match=said):
        emulator.connect(**arguments)


def test_who_looks_into_a_hub_names_one(emulator: Emulator) -> None:
    """A name that no hub can have is a mistake, and not an empty hub; a token is not shown to anybody."""
    with pytest.raises(ValueError, match="'no hub' is not the name of a hub"):
        emulator.hub("no hub")
    assert "access_token" not in repr(emulator.connect("chat"))


def test_the_journal_keeps_no_more_than_it_is_told(service: WebPubSubServiceClient) -> None:
    """The oldest ones go first; none is possible, too."""
    with Emulator(history=2) as emulator:
        client = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")
        with client:
            for number in range(4):
                client.send_to_all(number)
        assert [message.data for message in emulator.hub("chat").messages] == [2, 3]


def test_looking_inside_needs_a_running_emulator() -> None:
    """Before and after there is nothing to see."""
    with pytest.raises(RuntimeError, match="The emulator is not running"):
        Emulator().hub("chat")


def test_threads_may_wait_together(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Each sees the condition hold."""
    seen: list[int] = []

    def wait(number: int) -> None:
        emulator.wait_for(lambda: len(emulator.requests) >= number)
        seen.append(number)

    threads = [threading.Thread(target=wait, args=[number]) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for _ in threads:
        service.send_to_all("hi")
    for thread in threads:
        thread.join(10)

    assert sorted(seen) == [1, 2, 3]


def test_faults_can_be_added_before_it_runs() -> None:
    """They wait for the first request."""
    emulator = Emulator()
    emulator.faults.add(RequestFault(status=404))
    with emulator, WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        assert service.get_service_status is not None
        assert not service.group_exists("room")

    assert emulator.faults.active == []


async def test_an_acknowledgement_that_does_not_come_is_missed() -> None:
    """The test that waits for it is told what was not acknowledged; one that comes late is nobody's."""
    async with Emulator(ack_delay_seconds=0.05) as emulator, emulator.connect("chat", roles=ROLES) as ann:
        ann.timeout_seconds = 0.001
        with pytest.raises(AssertionError, match=r"joinGroup was not acknowledged within 0\.001 seconds"):
            await ann.join_group("room")
        ann.timeout_seconds = 5.0
        await ann.join_group("other")
        await ann.send_frame({"type": "ping"})

    assert ann.received == []
    with pytest.raises(RefusedError, match="closed: the connection is closed"):
        await ann.join_group("room")
    ann.drop()  # a connection that is gone already is no error


async def test_whatever_a_client_sends_it_is_a_frame_of_its_own() -> None:
    """Text, bytes, or an object; a binary frame breaks the subprotocol, and waiting after the end is told of it."""
    async with Emulator() as emulator, emulator.connect("chat", groups=["room"], roles=ROLES) as ann:
        await ann.send_frame('{"type":"sendToGroup","group":"room","dataType":"binary","data":"AA=="}')
        await ann.send_to_group("room", b"\x01", no_echo=True)
        await ann.send_to_group("room", None)
        assert [(await ann.receive()).data, (await ann.receive()).data] == [b"\x00", {}]
        await ann.send_frame(b"\x00")

        assert await ann.wait_closed() == 1003
        assert ann.disconnected_message == "Binary frames are not part of this subprotocol."


def test_a_connector_that_did_not_connect_has_nothing_to_close(emulator: Emulator) -> None:
    """Leaving it is no error, in both colours."""
    connector = emulator.connect("chat")

    connector.__exit__(None, None, None)
    asyncio.run(connector.__aexit__(None, None, None))


def test_a_call_that_the_end_of_the_emulator_interrupts_says_so() -> None:
    """In a sentence, in the thread that waits for it."""
    waiting = threading.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor() as threads:
        with Emulator() as emulator:
            client = emulator.connect("chat").__enter__()
            call = threads.submit(client.run, wait())
            assert waiting.wait(10)
        with pytest.raises(RuntimeError, match="The emulator that this client was connected to has stopped"):
            call.result(10)


def test_a_client_that_is_closed_fails_its_requests(emulator: Emulator) -> None:
    """Nobody waits for an acknowledgement that cannot come."""

    async def send_and_drop() -> None:
        async with emulator.connect("chat") as ann:
            assert isinstance(ann, AsyncTestClient)
            sending = asyncio.create_task(ann.send_event("order"))
            await asyncio.sleep(0)
            ann.drop()
            with pytest.raises(RefusedError):
                await sending

    asyncio.run(send_and_drop())


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda client: client.join_group(5), TypeError, "group must be a str, not int"),
        (lambda client: client.leave_group(None), TypeError, "group must be a str, not NoneType"),
        (lambda client: client.send_to_group(5, "Hello"), TypeError, "group must be a str, not int"),
        (lambda client: client.send_to_group("room", "", no_echo="no"), TypeError, "no_echo must be"),
        (
            lambda client: client.send_to_group("room", {1}),
            TypeError,
            "data must be bytes, a str, or",
        ),
        (lambda client: client.send_event(b"order"), TypeError, "name must be a str, not bytes"),
        (
            lambda client: client.send_event("order", float("nan")),
            ValueError,
            "data must be bytes, a str, or",
        ),
    ],
)
def test_what_a_client_cannot_send_is_refused_before_it_is_sent(
    call: Callable[[Any], object], kind: type[Exception], sentence: str, emulator: Emulator
) -> None:
    """A sentence that names the argument; a frame that the service cannot read would have ended the connection."""
    with emulator.connect("chat", roles=ROLES) as ann:
        with pytest.raises(kind, match=sentence):
            call(ann)

        ann.join_group("room")
