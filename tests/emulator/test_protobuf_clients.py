"""Protobuf clients over real sockets, reliable and not, and everybody else on the other side."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema

PLAIN, RELIABLE = "protobuf.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1"
BOTH = [PLAIN, RELIABLE]
ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]
SECONDS = 10.0


@pytest.fixture
def service(emulator: Emulator, hub: str) -> Iterator[WebPubSubServiceClient]:
    """The application's server."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub=hub) as client:
        yield client


class User:
    """A client that has been greeted."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.greeting = self.receive().system_message.connected_message

    def send(self, **message: dict[str, Any]) -> None:
        """Send a message, made of plain values."""
        self.websocket.send(schema.UpstreamMessage(**message).SerializeToString())

    def receive(self) -> schema.DownstreamMessage:
        """Wait for a message."""
        frame = self.websocket.recv(SECONDS)
        assert isinstance(frame, bytes)
        return schema.DownstreamMessage.FromString(frame)


@contextmanager
def user(service: WebPubSubServiceClient, protocol: str, **token: Any) -> Iterator[User]:
    """Connect a client."""
    access = service.get_client_access_token(**({"roles": ROLES} | token))
    with connect(access.url, subprotocols=[Subprotocol(protocol)]) as websocket:
        assert websocket.subprotocol == protocol
        yield User(websocket)


@pytest.mark.parametrize("protocol", BOTH)
def test_a_client_is_greeted(service: WebPubSubServiceClient, protocol: str) -> None:
    """With its ids, and with a token to come back with if it is reliable."""
    with user(service, protocol, user_id="Ann") as ann, user(service, protocol) as anonymous:
        assert service.connection_exists(ann.greeting.connection_id)
        assert (ann.greeting.user_id, anonymous.greeting.user_id) == ("Ann", "")
        assert bool(ann.greeting.reconnection_token) == (protocol == RELIABLE)


@pytest.mark.parametrize("protocol", BOTH)
def test_requests_are_carried_out_and_acknowledged(service: WebPubSubServiceClient, protocol: str) -> None:
    """Joining, sending, leaving; what is forbidden or repeated is an error of its own."""
    with user(service, protocol, user_id="Ann", roles=[f"{role}.news" for role in ROLES]) as ann:
        ann.send(join_group_message={"group": "news", "ack_id": 1})
        ann.send(send_to_group_message={"group": "news", "ack_id": 2, "data": {"text_data": "hi"}})
        ann.send(join_group_message={"group": "news", "ack_id": 1})
        ann.send(join_group_message={"group": "other", "ack_id": 3})
        ann.send(ping_message={})
        received = [ann.receive() for _ in range(6)]
        acks = {told.ack_message.ack_id: told.ack_message for told in received if told.HasField("ack_message")}
        errors = [told.ack_message.error.name for told in received if told.ack_message.HasField("error")]
        (message,) = (told.data_message for told in received if told.HasField("data_message"))

        assert errors == ["Duplicate", "Forbidden"]
        assert acks[2].success
        assert [getattr(message, "from"), message.group, message.data.text_data] == ["group", "news", "hi"]
        assert message.HasField("sequence_id") == (protocol == RELIABLE)
        assert any(told.HasField("pong_message") for told in received)


def test_a_reliable_client_comes_back(emulator: Emulator, hub: str, service: WebPubSubServiceClient) -> None:
    """What it has not acknowledged is repeated, what came meanwhile follows, and it is not greeted again."""
    with user(service, RELIABLE, groups=["news"]) as ann:
        for text in ("1", "2"):
            service.send_to_group("news", text, content_type="text/plain")
            ann.receive()
        ann.send(sequence_ack_message={"sequence_id": 1})
        ann.send(ping_message={})
        assert ann.receive().HasField("pong_message")
        ann.websocket.socket.shutdown(2)
        greeting = ann.greeting
    service.send_to_group("news", "3", content_type="text/plain")

    query = f"awps_connection_id={greeting.connection_id}&awps_reconnection_token={greeting.reconnection_token}"
    url = f"ws://127.0.0.1:{emulator.port}/client/hubs/{hub}?{query}"
    with connect(url, subprotocols=[Subprotocol(RELIABLE)]) as websocket:
        frames = [schema.DownstreamMessage.FromString(websocket.recv(SECONDS, decode=False)) for _ in range(2)]

    repeated = [frame.data_message for frame in frames]
    assert [(message.sequence_id, message.data.text_data) for message in repeated] == [(2, "2"), (3, "3")]


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize(("frame", "code"), [("text", 1003), (b"\xff\xff", 1007), (b"", 1007)])
def test_a_frame_that_is_none_ends_the_connection(
    service: WebPubSubServiceClient, protocol: str, frame: str | bytes, code: int
) -> None:
    """The client is told why before."""
    with user(service, protocol) as ann:
        ann.websocket.send(frame)
        reason = ann.receive().system_message.disconnected_message.reason
        with pytest.raises(ConnectionClosed) as closed:
            ann.websocket.recv(SECONDS)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


def test_everybody_talks_to_everybody(service: WebPubSubServiceClient) -> None:
    """JSON, protobuf, simple clients and REST, each in its own form."""
    room: dict[str, Any] = {"groups": ["room"], "roles": ROLES}
    json_access, simple_access = (service.get_client_access_token(**room) for _ in range(2))
    json_protocol = Subprotocol("json.webpubsub.azure.v1")
    simple_url = f"{simple_access.url}&webpubsub_mode=sendToGroup&group=room&noEcho=true"
    with (
        user(service, PLAIN, **room) as binary,
        connect(json_access.url, subprotocols=[json_protocol]) as in_json,
        connect(simple_url) as simple,
    ):
        in_json.recv(SECONDS)

        binary.send(send_to_group_message={"group": "room", "data": {"json_data": '{"a" : 1}'}, "no_echo": True})
        assert json.loads(in_json.recv(SECONDS))["data"] == {"a": 1}
        assert simple.recv(SECONDS) == '{"a" : 1}'

        any_value = {"type_url": "type.example/x", "value": b"\x01"}
        binary.send(send_to_group_message={"group": "room", "data": {"protobuf_data": any_value}, "no_echo": True})
        received = json.loads(in_json.recv(SECONDS))
        assert received["dataType"] == "protobuf"
        packed = simple.recv(SECONDS)
        assert isinstance(packed, bytes)

        in_json.send(json.dumps({**received, "type": "sendToGroup", "noEcho": True}))
        assert binary.receive().data_message.data.protobuf_data.value == b"\x01"
        assert simple.recv(SECONDS) == packed

        simple.send(b"\x00")
        assert binary.receive().data_message.data.binary_data == b"\x00"

        service.send_to_all([1, 2])
        told = binary.receive().data_message
        assert (getattr(told, "from"), told.data.json_data) == ("server", "[1, 2]")


def test_the_right_client_is_told_why_it_is_closed(service: WebPubSubServiceClient) -> None:
    """Through REST."""
    with user(service, PLAIN) as ann:
        service.close_connection(ann.greeting.connection_id, reason="enough")

        told = ann.receive().system_message.disconnected_message.reason
        with pytest.raises(ConnectionClosed) as closed:
            ann.websocket.recv(SECONDS)

    assert told == "Application server closed the connection. Reason: enough"
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_order_is_kept(service: WebPubSubServiceClient) -> None:
    """Of one sender in one group, with numbers that go up by one."""
    with user(service, RELIABLE, groups=["news"]) as reader, user(service, PLAIN) as writer:
        for number in range(200):
            writer.send(send_to_group_message={"group": "news", "data": {"text_data": str(number)}})

        received = [reader.receive().data_message for _ in range(200)]

    expected = itertools.islice(zip(itertools.count(1), map(str, itertools.count())), 200)
    assert [(message.sequence_id, message.data.text_data) for message in received] == list(expected)
