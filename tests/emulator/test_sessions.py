"""What the frames of clients cause, without sockets."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import ClientMessage, Close, DataType, Frame, Message, Payload, StreamInfo

EVERYTHING = ("webpubsub.sendToGroup", "webpubsub.joinLeaveGroup")


@pytest.fixture
def service() -> Service:
    return Service()


def ack(ack_id: int) -> str:
    return f'{{"type":"ack","ackId":{ack_id},"success":true}}'


def nack(ack_id: int, name: str, message: str) -> str:
    error = f'{{"name":"{name}","message":"{message}"}}'
    return f'{{"type":"ack","ackId":{ack_id},"success":false,"error":{error}}}'


def forbidden(ack_id: int, deed: str, group: str = "g") -> str:
    return nack(ack_id, "Forbidden", f"The client does not have permission to {deed} group '{group}'.")


def test_a_client_is_greeted_before_anything_else(service: Service) -> None:
    """The first frame is the greeting, and from then on the client can be reached."""
    client = service.connect("ann", connection_id="c1")

    client.open()
    service.call("POST", "chat/:send", b"hi", content_type="text/plain")

    assert client.frames == [
        '{"type":"system","event":"connected","userId":"ann","connectionId":"c1"}',
        '{"type":"message","from":"server","dataType":"text","data":"hi"}',
    ]


def test_joining_and_leaving_change_the_group(service: Service) -> None:
    """A client with the role joins and leaves, and is told both times."""
    client = service.connect(roles=EVERYTHING)

    client.send(type="joinGroup", group="g", ackId=1)
    joined = service.hub().group("g")
    client.send(type="leaveGroup", group="g", ackId=2)

    assert joined == [client.connection]
    assert service.hub().group("g") == []
    assert client.frames == [ack(1), ack(2)]


REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "joinGroup", "group": "g"}, "join"),
    ({"type": "leaveGroup", "group": "g"}, "leave"),
    ({"type": "sendToGroup", "group": "g", "data": 1}, "send to"),
]


@pytest.mark.parametrize(("request_", "deed"), REQUESTS)
def test_without_the_role_a_request_is_forbidden(service: Service, request_: dict[str, Any], deed: str) -> None:
    """Nothing happens, the client is told if it wants to know, and stays connected."""
    client, member = service.connect(), service.connect(None, "g")

    client.send(**request_)
    client.send(**request_, ackId=1)

    assert client.frames == [forbidden(1, deed)]
    assert member.frames == []
    assert service.hub().group("g") == [member.connection]
    assert client.closed is None


def test_each_role_covers_its_own_requests(service: Service) -> None:
    """Joining needs another role than sending, and a role may be for one group."""
    client = service.connect(roles=("webpubsub.joinLeaveGroup.a", "webpubsub.sendToGroups.b*"))

    for ack_id, (kind, group) in enumerate(
        [("joinGroup", "a"), ("joinGroup", "b"), ("sendToGroup", "a"), ("sendToGroup", "bb")]
    ):
        client.send(type=kind, group=group, data=1, ackId=ack_id)

    assert client.frames == [ack(0), forbidden(1, "join", "b"), forbidden(2, "send to", "a"), ack(3)]


GROUP_MESSAGE = '{"type":"message","from":"group","fromUserId":"ann","group":"g","dataType":"json","data":1}'


@pytest.mark.parametrize(("no_echo", "own"), [(False, [GROUP_MESSAGE]), (True, [])])
def test_a_message_goes_to_the_members_of_the_group(service: Service, no_echo: bool, own: list[Frame]) -> None:
    """Members get it with the sender's user id; a sender that is a member gets it unless it asked not to."""
    sender = service.connect("ann", "g", roles=EVERYTHING)
    member, stranger = service.connect("bob", "g"), service.connect("cy")
    other_hub = service.connect("bob", "g", hub="other")

    sender.send(type="sendToGroup", group="g", data=1, noEcho=no_echo)

    assert sender.frames == own
    assert (member.frames, stranger.frames, other_hub.frames) == ([GROUP_MESSAGE], [], [])


def test_a_sender_need_not_be_a_member(service: Service) -> None:
    """Sending does not join; the fromUserId of an anonymous sender is null."""
    sender, member = service.connect(roles=EVERYTHING), service.connect(None, "g")

    sender.send(type="sendToGroup", group="g", data=1, metadata={"k": "v"}, ttlSeconds=5)

    assert (sender.frames, sender.connection.groups) == ([], set())
    assert member.frames == [
        '{"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"json","data":1,"metadata":{"k":"v"}}'
    ]
    assert [getattr(item, "expires_at", None) for item in member.outgoing] == [service.clock.now() + 5]


def test_one_message_is_written_for_each_kind_of_client(service: Service) -> None:
    """JSON clients and simple clients get the same message in their own form."""
    sender = service.connect(roles=EVERYTHING)
    simple = service.connect(None, "g", codec=SimpleCodec())
    envelope = service.connect(None, "g")

    sender.receive('{"type":"sendToGroup","group":"g","data":{"a" : 1.0}}')

    assert simple.frames == ['{"a" : 1.0}']
    assert envelope.frames == [
        '{"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"json","data":{"a" : 1.0}}'
    ]


def test_an_event_that_nobody_handles_fails(service: Service) -> None:
    """Without an event handler an event ends in an error, if the client wants to know; it stays connected."""
    client = service.connect()

    client.send(type="event", event="e", data=1)
    client.send(type="event", event="e", data=1, ackId=1)

    assert client.frames == [nack(1, "InternalServerError", "Internal server error")]
    assert client.closed is None


def test_a_ping_is_answered(service: Service) -> None:
    """A ping gets a pong; a sequenceAck is for reliable subprotocols and gets nothing."""
    client = service.connect()

    client.send(type="ping")
    client.send(type="sequenceAck", sequenceId=1)

    assert client.frames == ['{"type":"pong"}']


def test_a_repeated_ack_id_is_not_carried_out_again(service: Service) -> None:
    """What succeeded once is refused the second time, whatever it is; it has no effect then."""
    sender, member = service.connect(roles=EVERYTHING), service.connect(None, "g")

    sender.send(type="sendToGroup", group="g", data=1, ackId=1)
    sender.send(type="sendToGroup", group="g", data=2, ackId=1)

    assert sender.frames == [ack(1), nack(1, "Duplicate", "Message with ack-id: 1 has been processed")]
    assert len(member.frames) == 1


def test_what_failed_can_be_tried_again_with_its_ack_id(service: Service) -> None:
    """Only successes are remembered."""
    client = service.connect()

    client.send(type="joinGroup", group="g", ackId=1)
    service.call("PUT", f"chat/permissions/joinLeaveGroup/connections/{client.id}?targetName=g")
    client.send(type="joinGroup", group="g", ackId=1)

    assert client.frames == [forbidden(1, "join"), ack(1)]


def test_the_last_thousand_ack_ids_are_remembered(service: Service) -> None:
    """The oldest one is forgotten when there are more."""
    client = service.connect(roles=EVERYTHING)
    for ack_id in range(1001):
        client.send(type="joinGroup", group="g", ackId=ack_id)

    client.send(type="joinGroup", group="g", ackId=1)
    client.send(type="joinGroup", group="g", ackId=0)

    assert client.frames[-2:] == [nack(1, "Duplicate", "Message with ack-id: 1 has been processed"), ack(0)]


def test_a_violation_ends_the_connection(service: Service) -> None:
    """The client is told why, closed, and gone at once; what it sends afterwards is ignored."""
    client = service.connect(None, "g", roles=EVERYTHING)

    client.receive("nonsense")
    client.send(type="joinGroup", group="h", ackId=1)

    assert client.frames == ['{"type":"system","event":"disconnected","message":"The text is not valid JSON."}']
    assert client.closed == Close(1007, "The text is not valid JSON.")
    assert service.hub().everyone() == service.hub().group("g") == service.hub().group("h") == []


class TwoAtOnce(SimpleCodec):
    """Each frame is two messages."""

    def decode(self, frame: Frame) -> Iterable[ClientMessage]:
        """Read it twice."""
        return [*super().decode(frame), *super().decode(frame)]


def test_what_comes_after_the_end_in_one_frame_is_not_carried_out(service: Service) -> None:
    """The first message ends the session, so the second one has no effect; both have one otherwise."""
    allowed, stranger = (service.connect(None, "g", roles=roles, codec=TwoAtOnce("g")) for roles in (EVERYTHING, ()))
    for client in (allowed, stranger):
        client.receive("hi")

    assert allowed.frames == ["hi", "hi"]
    assert stranger.outgoing.count(Close(1008, "The client does not have permission to send to group 'g'.")) == 1


@pytest.mark.parametrize("reliable", [False, True])
def test_a_client_that_was_closed_hears_nothing_more(service: Service, reliable: bool) -> None:
    """Neither messages that are on their way to it, nor news when it comes back or is lost."""
    client = service.connect("ann", "g", roles=EVERYTHING, reliable=reliable)
    client.close("enough")
    client.outgoing.clear()

    client.deliver(Message(Payload(DataType.TEXT, "late")))
    client.send(type="ping")
    client.leave()
    client.wake()
    if not reliable:
        client.come_back()

    assert client.outgoing == []


def test_a_reliable_client_is_told_nothing_that_its_subprotocol_cannot_say(service: Service) -> None:
    """Such a message has no number, and the next one has the first."""
    client = service.connect("ann", codec=SimpleCodec(), reliable=True)
    end = StreamInfo("s", 1, end=True)

    client.deliver(Message(Payload(DataType.TEXT, ""), "g", stream=end))

    assert client.outgoing == []


@pytest.mark.parametrize(("no_echo", "own"), [(False, ["hi", b"\x00"]), (True, [])])
def test_a_simple_client_publishes_to_its_group(service: Service, no_echo: bool, own: list[Frame]) -> None:
    """In the mode sendToGroup each frame is a message to the group."""
    sender = service.connect(None, "g", roles=("webpubsub.sendToGroup.g",), codec=SimpleCodec("g", no_echo=no_echo))
    member = service.connect(None, "g")

    sender.receive("hi")
    sender.receive(b"\x00")

    assert sender.frames == own
    assert member.frames == [
        '{"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"text","data":"hi"}',
        '{"type":"message","from":"group","fromUserId":null,"group":"g","dataType":"binary","data":"AA=="}',
    ]


@pytest.mark.parametrize(("group", "code"), [("g", 1008), (None, 1011)])
def test_a_simple_client_that_fails_is_closed(service: Service, group: str | None, code: int) -> None:
    """Publishing without the role is 1008; an event that nobody handles is 1011."""
    client = service.connect(codec=SimpleCodec(group))

    client.receive("hi")

    assert client.closed is not None
    assert (client.closed.code, client.frames, service.hub().everyone()) == (code, [], [])


def test_a_client_that_is_gone_is_gone_everywhere(service: Service) -> None:
    """A lost connection leaves its groups and its user; losing it twice is no error."""
    client = service.connect("ann", "a", "b")

    client.leave()
    client.leave()

    hub = service.hub()
    assert (hub.everyone(), hub.group("a"), hub.group("b"), hub.user("ann")) == ([], [], [], [])
    assert hub.connection(client.id) is None
