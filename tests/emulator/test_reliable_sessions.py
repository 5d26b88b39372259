"""Reliable subprotocols: numbered messages, recovery, and what they keep meanwhile."""

import json

import pytest

from tests.support.service_in_memory import Client, Service
from webpubsub.emulator._clients.reliable import LARGEST_WINDOW, LONGEST_WINDOW, Window
from webpubsub.emulator._hub.messages import Close, CloseCode, DataType, Message, Payload, Send
from webpubsub.emulator._hub.upstream import CallUpstream, DisconnectedEvent, EventReply

EVERYTHING = ("webpubsub.sendToGroup", "webpubsub.joinLeaveGroup")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Client:
    """A reliable client, in the group `g`."""
    return service.connect("ann", "g", roles=EVERYTHING, reliable=True)


def publish(service: Service, text: str, query: str = "") -> None:
    service.call("POST", f"chat/groups/g/:send{query}", text.encode(), content_type="text/plain")


def numbered(client: Client) -> list[tuple[int, str]]:
    """Return number and data of every message that was sent since last time."""
    frames = [json.loads(frame) for frame in client.frames]
    client.outgoing.clear()
    return [(frame["sequenceId"], frame["data"]) for frame in frames if frame["type"] == "message"]


def test_the_greeting_has_what_a_client_comes_back_with(service: Service, client: Client) -> None:
    """The reconnection token is in it, last; other subprotocols have none."""
    client.open()

    greeting = json.loads(client.frames[0])
    assert list(greeting) == ["type", "event", "userId", "connectionId", "reconnectionToken"]
    assert greeting["reconnectionToken"] == client.connection.reconnection_token
    assert service.connect().connection.reconnection_token is None


def test_messages_are_numbered_and_nothing_else_is(service: Service, client: Client) -> None:
    """Numbers begin with 1 and come first; acknowledgements and pongs have none and use none up."""
    publish(service, "a")
    client.send(type="ping")
    client.send(type="joinGroup", group="h", ackId=1)
    service.call("POST", "chat/:send", b"b", content_type="text/plain")

    assert client.frames == [
        '{"sequenceId":1,"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"text","data":"a"}',
        '{"type":"pong"}',
        '{"type":"ack","ackId":1,"success":true}',
        '{"sequenceId":2,"type":"message","from":"server","dataType":"text","data":"b"}',
    ]


def test_what_was_not_acknowledged_is_repeated_in_order(service: Service, client: Client) -> None:
    """An acknowledgement covers everything up to its number; what came while nobody was there is delivered, too."""
    for text in "abc":
        publish(service, text)
    client.send(type="sequenceAck", sequenceId=2)
    client.outgoing.clear()

    client.leave()
    publish(service, "d")
    away = numbered(client)
    client.come_back()
    publish(service, "e")

    assert (away, numbered(client)) == ([], [(3, "c"), (4, "d"), (5, "e")])


def test_coming_back_is_no_new_beginning(service: Service, client: Client) -> None:
    """There is no greeting; groups, changed permissions and requests that were carried out are kept."""
    client.send(type="joinGroup", group="h", ackId=1)
    service.call("DELETE", f"chat/permissions/joinLeaveGroup/connections/{client.id}?targetName=i")
    client.outgoing.clear()

    client.leave()
    client.come_back()
    came = list(client.frames)
    client.send(type="joinGroup", group="h", ackId=1)
    client.send(type="joinGroup", group="i", ackId=2)

    assert came == []
    assert [json.loads(frame)["error"]["name"] for frame in client.frames] == ["Duplicate", "Forbidden"]
    assert client.connection.groups == {"g", "h"}
    assert len(client.calls) == 1


def test_a_client_that_does_not_come_back_in_time_is_gone(service: Service, client: Client) -> None:
    """For 30 seconds it is there, for REST as well; then its groups and its handler learn that it is not."""
    client.leave()
    service.clock.advance(29.9)
    client.wake()
    before = service.call("HEAD", f"chat/connections/{client.id}").status, service.hub().group("g")
    service.clock.advance(0.1)
    client.wake()

    assert before == (200, [client.connection])
    assert service.call("HEAD", f"chat/connections/{client.id}").status == 404
    assert client.calls[1:] == [CallUpstream(2, DisconnectedEvent("The connection recovery timeout expired."))]


def test_a_client_that_came_back_is_not_gone_later(service: Service, client: Client) -> None:
    """The time that it had is over when it is there; the next time begins anew."""
    client.leave()
    service.clock.advance(20)
    client.come_back()
    service.clock.advance(20)
    client.wake()
    client.leave()
    service.clock.advance(20)
    client.wake()

    assert service.hub().group("g") == [client.connection]


@pytest.mark.parametrize(
    ("code", "stays"),
    [(1000, False), (CloseCode.NO_CODE, False), (1008, False), (1001, True), (CloseCode.ABNORMAL, True), (4000, True)],
)
def test_saying_goodbye_is_the_end(service: Service, client: Client, code: int, stays: bool) -> None:
    """1000 and a close frame without a code end a session, everything else interrupts it."""
    client.leave(code)

    assert bool(service.hub().everyone()) == stays
    assert len(client.calls) == (1 if stays else 2)


def test_a_message_that_waited_too_long_is_not_delivered(service: Service, client: Client) -> None:
    """What expires while a client is away, or before it acknowledged, is not repeated; its number is used up."""
    publish(service, "a", "?messageTtlSeconds=5")
    client.leave()
    publish(service, "b", "?messageTtlSeconds=5")
    publish(service, "c", "?messageTtlSeconds=10")
    publish(service, "d")
    client.outgoing.clear()
    service.clock.advance(5)
    client.come_back()

    assert numbered(client) == [(3, "c"), (4, "d")]


def test_a_client_that_acknowledges_nothing_is_given_up(service: Service, client: Client) -> None:
    """After 1000 messages the session is destroyed, whether the client is there or not."""
    for _ in range(LONGEST_WINDOW):
        publish(service, "x")
    before = client.closed
    publish(service, "x")

    assert before is None
    assert client.closed == Close(1008, "The reliable message buffer is full.")
    assert service.hub().everyone() == []
    assert client.calls[1:] == [CallUpstream(2, DisconnectedEvent("The reliable message buffer is full."))]


def test_acknowledging_makes_room(service: Service, client: Client) -> None:
    """The limit is for what is not acknowledged."""
    for number in range(1, 3 * LONGEST_WINDOW):
        publish(service, "x")
        client.send(type="sequenceAck", sequenceId=number)

    assert client.closed is None


@pytest.mark.parametrize("reliable", [True, False])
def test_what_was_not_sent_cannot_be_acknowledged(service: Service, reliable: bool) -> None:
    """A number beyond the last one is a violation; without numbers the frame means nothing."""
    client = service.connect(None, "g", reliable=reliable)
    publish(service, "a")

    client.send(type="sequenceAck", sequenceId=2)

    assert (client.closed is not None and client.closed.code == 1007) == reliable


def test_events_go_on_while_a_client_is_away(service: Service) -> None:
    """The message of a reply waits for the client; the acknowledgement is lost, and repeating the request tells so."""
    client = service.connect(reliable=True, unhandled=False)
    client.send(type="event", event="e", data=1, ackId=1)
    client.leave()
    client.reply(2, EventReply(Payload(DataType.TEXT, "hi")))
    client.outgoing.clear()

    client.come_back()
    repeated = numbered(client)
    client.send(type="event", event="e", data=1, ackId=1)

    assert repeated == [(1, "hi")]
    assert json.loads(client.frames[0])["error"]["name"] == "Duplicate"


def test_a_client_that_is_away_can_be_closed(service: Service, client: Client) -> None:
    """REST closes it like any other; there is nothing to come back to."""
    client.leave()
    service.call("DELETE", f"chat/connections/{client.id}")

    assert service.hub().everyone() == []
    assert client.session.ended


def test_the_size_of_what_is_kept_is_limited() -> None:
    """Sizes add up, and are given back by acknowledging; the limits are those of the service."""
    window, message = Window(), Message(Payload(DataType.TEXT, "x"))

    assert (LONGEST_WINDOW, LARGEST_WINDOW) == (1000, 16 * 1024 * 1024)
    assert window.add(message, LARGEST_WINDOW)
    assert not window.add(message, 1)
    window.acknowledge(1)
    assert window.add(message, 1)
    assert window.last == 2


def test_other_clients_get_the_same_message_without_a_number(service: Service, client: Client) -> None:
    """One message is delivered to clients of both kinds, and numbers are each client's own."""
    plain, other = service.connect(None, "g"), service.connect(None, "g", reliable=True)
    client.leave()
    publish(service, "a")
    client.come_back()
    other.send(type="sequenceAck", sequenceId=1)
    publish(service, "b")

    assert numbered(client) == numbered(other) == [(1, "a"), (2, "b")]
    assert plain.outgoing == [
        Send(f'{{"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"text","data":"{text}"}}')
        for text in "ab"
    ]


def test_clients_that_came_at_different_times_have_their_own_numbers(service: Service, client: Client) -> None:
    """What is written once for many clients is not written with the number of another one."""
    publish(service, "a")
    late = service.connect(None, "g", reliable=True)
    latest = service.connect(None, "g", reliable=True)
    publish(service, "b")

    assert numbered(client) == [(1, "a"), (2, "b")]
    assert numbered(late) == numbered(latest) == [(1, "b")]
