"""Streams to a group: numbered pieces, acknowledgements, and every way to end."""

import json
from typing import Any

import pytest

from tests.support import mqtt_in_memory as mqtt
from tests.support.service_in_memory import Client, Service
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema
from webpubsub.emulator._clients.protobuf_v1 import ProtobufCodec
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._clients.streams import MOST_STREAMS

EVERYTHING = ("webpubsub.sendToGroup", "webpubsub.joinLeaveGroup")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def publisher(service: Service) -> Client:
    """A client with an open stream `s` to the group `g`."""
    client = service.connect("ann", roles=EVERYTHING, reliable=True)
    start(client)
    assert told(client) == [{"type": "streamAck", "streamId": "s", "expectedSequenceId": 1}]
    return client


@pytest.fixture
def subscriber(service: Service) -> Client:
    return service.connect("bob", "g")


def start(client: Client, **stream: Any) -> None:
    client.send(type="sendToGroup", group="g", stream={"streamId": "s", **stream})


def piece(client: Client, number: int, data: object = "x") -> None:
    client.send(type="streamData", streamId="s", streamSequenceId=number, dataType="json", data=data)


def told(client: Client) -> list[dict[str, Any]]:
    """Return what a client was sent since last time."""
    frames = [json.loads(frame) for frame in client.frames]
    client.outgoing.clear()
    return frames


def pieces(client: Client) -> list[tuple[object, dict[str, Any]]]:
    """Return data and place of the pieces that a subscriber got since last time."""
    return [(frame["data"], frame["stream"]) for frame in told(client)]


def test_pieces_reach_the_group_in_order_and_are_acknowledged(publisher: Client, subscriber: Client) -> None:
    """Each has its number; the publisher is told which one is expected next."""
    piece(publisher, 1, "a")
    piece(publisher, 2, "b")

    assert [ack["expectedSequenceId"] for ack in told(publisher)] == [2, 3]
    assert told(subscriber) == [
        {
            "type": "message",
            "from": "group",
            "fromUserId": "ann",
            "group": "g",
            "dataType": "json",
            "data": data,
            "stream": {"streamId": "s", "streamSequenceId": number},
        }
        for number, data in ((1, "a"), (2, "b"))
    ]


def test_a_repeated_piece_is_acknowledged_and_not_published(publisher: Client, subscriber: Client) -> None:
    """So a publisher can repeat what it is not sure of."""
    piece(publisher, 1)
    piece(publisher, 1)

    assert [ack["expectedSequenceId"] for ack in told(publisher)] == [2, 2]
    assert len(told(subscriber)) == 1


def test_a_piece_that_is_too_early_is_not_taken(publisher: Client, subscriber: Client) -> None:
    """The publisher is told which one is missing."""
    piece(publisher, 3)

    assert told(publisher) == [
        {
            "type": "streamNack",
            "streamId": "s",
            "name": "InvalidSequenceId",
            "message": "The next sequence id must be 1.",
            "expectedSequenceId": 1,
        }
    ]
    assert told(subscriber) == []


ENDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"error": {"message": "m"}}, {"error": {"name": "UserError", "message": "m"}}),
    (
        {"error": {"message": "m", "userErrorCode": "c"}},
        {"error": {"name": "UserError", "message": "m", "userErrorCode": "c"}},
    ),
]


@pytest.mark.parametrize(("given", "shown"), ENDS)
def test_the_end_is_a_last_message(
    publisher: Client, subscriber: Client, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    """Subscribers get the next number with `endOfStream`; the publisher is told that its stream is closed."""
    piece(publisher, 1)
    publisher.send(type="streamEnd", streamId="s", **given)
    publisher.send(type="streamEnd", streamId="s")

    assert pieces(subscriber)[1:] == [("", {"streamId": "s", "streamSequenceId": 2, "endOfStream": True, **shown})]
    closed = {"type": "streamClosed", "streamId": "s"}
    missing = {"name": "StreamNotFound", "message": "The stream does not exist."}
    assert told(publisher)[1:] == [closed, {**closed, "error": missing}]


def test_an_end_is_nothing_to_clients_that_know_no_streams(service: Service, publisher: Client) -> None:
    """Simple clients and those of MQTT get the pieces, and no empty message after them."""
    simple, paho = service.connect(None, "g", codec=SimpleCodec()), mqtt.client(service, "paho")
    paho.subscribe("g")
    piece(publisher, 1, "a")
    publisher.send(type="streamEnd", streamId="s")

    assert simple.frames == ['"a"']
    assert mqtt.published(paho.received()) == [("g", b'"a"', 0)]


def test_a_client_has_so_many_streams_at_once_and_no_more(service: Service) -> None:
    """One too many is closed at once; those that are open go on, and make room when they end."""
    publisher = service.connect("ann", roles=EVERYTHING)
    for number in range(MOST_STREAMS + 1):
        start(publisher, streamId=str(number))
    start(publisher, streamId="0")
    *opened, refused, again = told(publisher)

    assert {frame["type"] for frame in [*opened, again]} == {"streamAck"}
    assert refused == {
        "type": "streamClosed",
        "streamId": "1000",
        "error": {"name": "BadRequest", "message": "A client may have 1000 open streams."},
    }
    publisher.send(type="streamEnd", streamId="0")
    start(publisher, streamId="1000")
    assert [frame["type"] for frame in told(publisher)] == ["streamClosed", "streamAck"]


def test_only_who_may_send_may_stream(service: Service, publisher: Client, subscriber: Client) -> None:
    """Neither without the role nor after it was taken away."""
    stranger = service.connect()
    start(stranger)
    service.call("DELETE", f"chat/permissions/sendToGroup/connections/{publisher.id}?targetName=g")
    piece(publisher, 1)

    for client in (stranger, publisher):
        (closed,) = told(client)
        assert closed["error"] == {
            "name": "Forbidden",
            "message": "The client does not have permission to send to group 'g'.",
        }
    assert [stream["error"]["name"] for _, stream in pieces(subscriber)] == ["Forbidden"]


def test_a_piece_of_a_stream_that_is_not_there_closes_nothing_else(publisher: Client) -> None:
    """Its publisher is told, and its other streams go on."""
    publisher.send(type="streamData", streamId="other", streamSequenceId=1, dataType="json", data=1)
    piece(publisher, 1)

    closed, ack = told(publisher)
    assert (closed["type"], closed["streamId"], closed["error"]["name"]) == ("streamClosed", "other", "StreamNotFound")
    assert ack["expectedSequenceId"] == 2


def test_a_stream_that_is_idle_is_closed(service: Service, subscriber: Client) -> None:
    """A sign of life, or a piece, begins the time anew."""
    publisher = service.connect(roles=EVERYTHING)
    start(publisher, idleTimeoutMs=1000)
    service.clock.advance(0.75)
    publisher.send(type="streamData", streamId="s")
    service.clock.advance(0.75)
    publisher.wake()
    alive = told(publisher)
    service.clock.advance(0.25)
    publisher.wake()

    assert alive == [{"type": "streamAck", "streamId": "s", "expectedSequenceId": 1}]
    assert [frame["error"]["name"] for frame in told(publisher)] == ["IdleTimeout"]
    assert [stream["error"]["name"] for _, stream in pieces(subscriber)] == ["IdleTimeout"]


def test_a_stream_survives_recovery_and_ends_with_its_publisher(
    service: Service, publisher: Client, subscriber: Client
) -> None:
    """It belongs to the connection, not to the socket."""
    piece(publisher, 1)
    publisher.leave()
    publisher.come_back()
    piece(publisher, 2)
    going_on = [stream["streamSequenceId"] for _, stream in pieces(subscriber)]
    publisher.leave()
    service.clock.advance(30)
    publisher.wake()

    assert going_on == [1, 2]
    ((_, last),) = pieces(subscriber)
    assert (last["endOfStream"], last["streamSequenceId"]) == (True, 3)


def test_a_stream_is_started_once(publisher: Client) -> None:
    """Starting it again goes on with it."""
    piece(publisher, 1)
    start(publisher)

    assert told(publisher)[-1]["expectedSequenceId"] == 2


def test_subscribers_of_other_subprotocols_get_the_pieces_too(service: Service, publisher: Client) -> None:
    """Protobuf has the same facts in its own form."""
    subscriber = service.connect(None, "g", codec=ProtobufCodec())
    piece(publisher, 1)
    publisher.send(type="streamEnd", streamId="s", error={"message": "m", "userErrorCode": "c"})

    frames = [schema.DownstreamMessage.FromString(frame) for frame in subscriber.frames if isinstance(frame, bytes)]
    first, last = (frame.data_message.stream for frame in frames)
    assert (first.stream_sequence_id, first.end_of_stream) == (1, False)
    assert (last.stream_sequence_id, last.end_of_stream) == (2, True)
    assert (last.error.name, last.error.user_error_code) == ("UserError", "c")
