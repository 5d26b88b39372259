"""What sessions ask of event handlers, and what they do with the replies."""

import pytest

from tests.support.service_in_memory import Client, Service
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import Close, DataType, Payload
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    CancelUpstream,
    ConnectedEvent,
    DisconnectedEvent,
    EventFailed,
    EventReply,
    UserEvent,
)

ONE, TWO = Payload(DataType.JSON, "1"), Payload(DataType.JSON, "2")
HI = EventReply(Payload(DataType.TEXT, "hi"))
MESSAGE = '{"type":"message","from":"server","dataType":"text","data":"hi"}'
INTERNAL = '"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}'
DUPLICATE = '"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}'


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Client:
    """A client whose events wait for a reply."""
    return service.connect(unhandled=False)


def ack(ack_id: int, rest: str = '"success":true}') -> str:
    return f'{{"type":"ack","ackId":{ack_id},{rest}'


def test_connecting_is_the_first_call(client: Client) -> None:
    """The handler is told that the client is there; nothing is replied to that."""
    assert client.calls == [CallUpstream(1, ConnectedEvent())]


def test_the_message_of_a_reply_comes_before_the_acknowledgement(client: Client) -> None:
    """A reply is a message from the server for the one that sent the event."""
    client.send(type="event", event="e", data=1, ackId=7, metadata={"k": "v"})
    pending = list(client.frames)
    client.reply(2, HI)

    assert client.calls[1:] == [CallUpstream(2, UserEvent("e", ONE, {"k": "v"}))]
    assert (pending, client.frames) == ([], [MESSAGE, ack(7)])


def test_an_empty_reply_is_no_message(client: Client) -> None:
    """The acknowledgement is all there is."""
    client.send(type="event", event="e", data=1, ackId=7)
    client.reply(2, EventReply())

    assert client.frames == [ack(7)]


def test_events_of_a_client_are_handled_one_after_the_other(client: Client) -> None:
    """The second call begins when the first is replied to; everything else goes on meanwhile."""
    client.send(type="event", event="e", data=1, ackId=1)
    client.send(type="event", event="e", data=2, ackId=2)
    client.send(type="ping")
    waiting, meanwhile = client.calls[1:], list(client.frames)
    client.reply(2, EventFailed())
    client.reply(3, HI)

    assert (waiting, meanwhile) == ([CallUpstream(2, UserEvent("e", ONE))], ['{"type":"pong"}'])
    assert client.calls[2:] == [CallUpstream(3, UserEvent("e", TWO))]
    assert client.frames[1:] == [ack(1, INTERNAL), MESSAGE, ack(2)]


def test_an_event_that_was_handled_is_not_handled_again(client: Client) -> None:
    """A repeated ackId is told apart when its turn comes; one that failed may be repeated."""
    client.send(type="event", event="e", data=1, ackId=1)
    client.send(type="event", event="e", data=1, ackId=1)
    client.send(type="event", event="e", data=1, ackId=1)
    client.reply(2, EventFailed())
    client.reply(3, EventReply())

    assert [call.call_id for call in client.calls] == [1, 2, 3]
    assert client.frames == [ack(1, INTERNAL), ack(1), ack(1, DUPLICATE)]


def test_events_outlive_the_client(service: Service, client: Client) -> None:
    """What was accepted is handled although nobody is told; the farewell is the last call."""
    client.send(type="event", event="e", data=1)
    client.send(type="event", event="e", data=2)
    client.leave()
    client.reply(2, HI)
    client.reply(3, HI)

    assert client.calls[2:] == [CallUpstream(3, UserEvent("e", TWO)), CallUpstream(4, DisconnectedEvent(""))]
    assert (client.frames, service.hub().everyone()) == ([], [])


def test_a_simple_client_that_leaves_cancels_its_event(service: Service) -> None:
    """Nobody waits for the reply, and one that comes nevertheless is ignored."""
    client = service.connect(codec=SimpleCodec(), unhandled=False)

    client.receive("hi")
    client.receive("again")
    client.leave()
    client.reply(2, HI)

    assert client.calls[2:] == [CancelUpstream(2), CallUpstream(3, DisconnectedEvent(""))]
    assert client.outgoing == []


def test_a_simple_client_whose_event_fails_is_closed(service: Service) -> None:
    """It has no other way to learn of it; the farewell says why."""
    client = service.connect(codec=SimpleCodec(), unhandled=False)

    client.receive("hi")
    client.reply(2, EventFailed())

    assert client.outgoing == [Close(1011, "Internal server error")]
    assert client.calls[2:] == [CallUpstream(3, DisconnectedEvent("Internal server error"))]


def test_the_application_that_closes_a_client_is_told_of_it(service: Service, client: Client) -> None:
    """The reason is the one that the client gets."""
    service.call("DELETE", f"chat/connections/{client.id}?reason=bye")

    assert client.calls[1:] == [
        CallUpstream(2, DisconnectedEvent("Application server closed the connection. Reason: bye"))
    ]


def invoke(client: Client, invocation_id: str, data: object = 1) -> None:
    client.send(type="invoke", invocationId=invocation_id, target="event", event="e", data=data)


def test_an_invocation_is_an_event_with_a_response_of_its_own(client: Client) -> None:
    """The handler sees a user event; what it replies comes under the id of the invocation."""
    invoke(client, "i")
    client.reply(2, HI)
    invoke(client, "j")
    client.reply(3, EventFailed())

    assert client.calls[1:] == [CallUpstream(2, UserEvent("e", ONE)), CallUpstream(3, UserEvent("e", ONE))]
    error = '"error":{"name":"InternalServerError","message":"Internal server error"}'
    assert client.frames == [
        '{"type":"invokeResponse","invocationId":"i","success":true,"dataType":"text","data":"hi"}',
        f'{{"type":"invokeResponse","invocationId":"j","success":false,{error}}}',
    ]


def test_an_invocation_can_be_cancelled(client: Client) -> None:
    """Under way or waiting: nothing is told of it any more, and the others go on; unknown ids are nothing."""
    for number in "ijk":
        invoke(client, number)
    client.send(type="cancelInvocation", invocationId="j")
    client.send(type="cancelInvocation", invocationId="i")
    client.send(type="cancelInvocation", invocationId="nobody")
    client.reply(2, HI)
    client.reply(3, EventReply())

    assert client.calls[2:] == [CancelUpstream(2), CallUpstream(3, UserEvent("e", ONE))]
    assert client.frames == ['{"type":"invokeResponse","invocationId":"k","success":true}']


def test_events_do_not_pile_up_without_end(client: Client) -> None:
    """A thousand may wait for a handler that is busy; beyond that the client is closed."""
    for number in range(1001):
        client.send(type="event", event="e", data=number)
    before = client.closed
    client.send(type="event", event="e", data=1)

    assert before is None
    assert client.closed == Close(1008, "Too many events wait for their handler.")
