"""The frames of `protobuf.webpubsub.azure.v1`, read and written."""

import base64
from typing import Any

import pytest
from google.protobuf import any_pb2, wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tables import every_row
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema
from webpubsub.emulator._clients.codec import Codec
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._clients.protobuf_v1 import ProtobufCodec
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import (
    Ack,
    CancelInvocation,
    ClientMessage,
    Connected,
    DataType,
    Disconnected,
    Event,
    Failure,
    Frame,
    Invoke,
    InvokeResponse,
    JoinGroup,
    LeaveGroup,
    Message,
    Payload,
    Ping,
    Pong,
    ProtocolError,
    Send,
    SendToGroup,
    SequenceAck,
    ServerMessage,
    StartStream,
    StreamAck,
    StreamClosed,
    StreamData,
    StreamEnd,
    StreamNack,
)

CODEC = ProtobufCodec()
ANY = any_pb2.Any()
ANY.Pack(wrappers_pb2.StringValue(value="x"))
TEXT = Payload(DataType.TEXT, "x")


def up(**message: dict[str, Any]) -> bytes:
    """Write a frame of a client, from plain values."""
    return schema.UpstreamMessage(**message).SerializeToString()


REQUESTS: list[tuple[bytes, ClientMessage]] = [
    (up(join_group_message={"group": "g"}), JoinGroup("g")),
    (up(join_group_message={"group": "g", "ack_id": 0}), JoinGroup("g", 0)),
    (up(join_group_message={"group": "g", "ack_id": 2**64 - 1}), JoinGroup("g", 2**64 - 1)),
    (up(leave_group_message={"group": "g.h", "ack_id": 1}), LeaveGroup("g.h", 1)),
    (up(send_to_group_message={"group": "g", "data": {"text_data": "x"}}), SendToGroup("g", TEXT)),
    (
        up(send_to_group_message={"group": "g", "data": {"text_data": "x"}, "no_echo": True, "ack_id": 2}),
        SendToGroup("g", TEXT, True, ack_id=2),
    ),
    (
        up(send_to_group_message={"group": "g", "data": {"text_data": "x"}, "ttl_seconds": 300}),
        SendToGroup("g", TEXT, ttl_seconds=300),
    ),
    (
        up(send_to_group_message={"group": "g", "data": {"text_data": "x"}, "metadata": {"k": "v"}}),
        SendToGroup("g", TEXT, metadata={"k": "v"}),
    ),
    (
        up(send_to_group_message={"group": "g", "metadata": {"k": "v"}}),
        SendToGroup("g", Payload(DataType.TEXT, ""), metadata={"k": "v"}),
    ),
    (up(event_message={"event": "e", "data": {"text_data": "x"}}), Event("e", TEXT)),
    (
        up(event_message={"event": "e", "data": {"text_data": "x"}, "ack_id": 3, "metadata": {"k": "v"}}),
        Event("e", TEXT, {"k": "v"}, 3),
    ),
    (up(ping_message={}), Ping()),
    (up(sequence_ack_message={"sequence_id": 5}), SequenceAck(5)),
    (up(ping_message={}) + b"\xf8\x7f\x01", Ping()),
]


@pytest.mark.parametrize(("frame", "message"), REQUESTS)
def test_requests_are_read(frame: bytes, message: ClientMessage) -> None:
    """Every kind of request, with and without what is optional; unknown fields are ignored."""
    assert list(CODEC.decode(frame)) == [message]


OF_THEIR_OWN: list[tuple[bytes, ClientMessage]] = [
    (
        up(invoke_event_message={"event": "e", "invocation_id": "i", "data": {"text_data": "x"}}),
        Invoke("i", "e", TEXT),
    ),
    (up(cancel_invocation_message={"invocation_id": "i"}), CancelInvocation("i")),
    (up(send_to_group_message={"group": "g", "stream": {"stream_id": "s"}}), StartStream("g", "s", 300)),
    (up(stream_data_message={"stream_id": "s"}), StreamData("s")),
    (
        up(stream_data_message={"stream_id": "s", "stream_sequence_id": 1, "data": {"text_data": "x"}}),
        StreamData("s", 1, TEXT),
    ),
    (up(stream_end_message={"stream_id": "s"}), StreamEnd("s")),
    (
        up(stream_end_message={"stream_id": "s", "error": {"message": "m", "user_error_code": "c"}}),
        StreamEnd("s", Failure("UserError", "m"), "c"),
    ),
]


@pytest.mark.parametrize(("frame", "message"), OF_THEIR_OWN, ids=range(len(OF_THEIR_OWN)))
def test_invocations_and_streams_are_read(frame: bytes, message: ClientMessage) -> None:
    """The same facts as in JSON."""
    assert list(CODEC.decode(frame)) == [message]


ABOUT_THEM: list[tuple[ServerMessage, dict[str, Any]]] = [
    (
        InvokeResponse("i", TEXT),
        {"invoke_response": {"invocation_id": "i", "success": True, "data": {"text_data": "x"}}},
    ),
    (
        InvokeResponse("i", failure=Failure("n", "m")),
        {"invoke_response": {"invocation_id": "i", "error": {"name": "n", "message": "m"}}},
    ),
    (StreamAck("s", 2), {"stream_ack": {"stream_id": "s", "expected_sequence_id": 2}}),
    (
        StreamNack("s", 2, Failure("n", "m")),
        {"stream_nack": {"stream_id": "s", "name": "n", "message": "m", "expected_sequence_id": 2}},
    ),
    (
        StreamClosed("s", Failure("n", "m")),
        {"stream_closed": {"stream_id": "s", "error": {"name": "n", "message": "m"}}},
    ),
]


@pytest.mark.parametrize(("message", "fields"), ABOUT_THEM)
def test_what_is_said_about_invocations_and_streams(message: ServerMessage, fields: dict[str, Any]) -> None:
    """In the fields of the schema."""
    assert CODEC.encode(message) == Send(down(**fields).SerializeToString())


PAYLOADS: list[tuple[dict[str, Any], Payload]] = [
    ({"text_data": "é"}, Payload(DataType.TEXT, "é")),
    ({"text_data": ""}, Payload(DataType.TEXT, "")),
    ({"binary_data": b"\x00\xff"}, Payload(DataType.BINARY, b"\x00\xff")),
    ({"json_data": '{"a" : 1.0}'}, Payload(DataType.JSON, '{"a" : 1.0}')),
    (
        {"protobuf_data": {"type_url": ANY.type_url, "value": ANY.value}},
        Payload(DataType.PROTOBUF, ANY.SerializeToString()),
    ),
]


@pytest.mark.parametrize(("data", "payload"), PAYLOADS)
def test_data_is_read_and_written(data: dict[str, Any], payload: Payload) -> None:
    """JSON stays the text it was; a protobuf message stays packed with its type."""
    frame = up(send_to_group_message={"group": "g", "data": data})

    assert list(CODEC.decode(frame)) == [SendToGroup("g", payload)]
    assert written(Message(payload)).data_message.data == schema.MessageData(**data)


LONG = "g" * 1025
VIOLATIONS = [
    b"",
    b"\xff",
    b"\x0a\x05",
    up(join_group_message={}),
    up(join_group_message={"group": " "}),
    up(join_group_message={"group": LONG}),
    up(leave_group_message={"group": "a\nb"}),
    up(send_to_group_message={"group": "g"}),
    up(send_to_group_message={"group": "g", "data": {}}),
    up(send_to_group_message={"data": {"text_data": "x"}}),
    up(send_to_group_message={"group": "g", "data": {"text_data": "x"}, "ttl_seconds": 301}),
    up(send_to_group_message={"group": "g", "data": {"json_data": "{"}}),
    up(send_to_group_message={"group": "g", "data": {"json_data": "[" * 100_000}}),
    up(send_to_group_message={"group": "g", "data": {"text_data": "x"}, "metadata": {"k k": "v"}}),
    up(event_message={"event": "1e", "data": {"text_data": "x"}}),
    up(event_message={"event": "e"}),
    up(send_to_group_message={"group": "g", "stream": {"stream_id": "s"}, "data": {"text_data": "x"}}),
    up(send_to_group_message={"group": "g", "stream": {"stream_id": "s"}, "ack_id": 1}),
    up(send_to_group_message={"group": "g", "stream": {"stream_id": "s", "idle_timeout_ms": 0}}),
    up(send_to_group_message={"group": "g", "stream": {}}),
    up(stream_data_message={"stream_id": "s", "stream_sequence_id": 1}),
    up(stream_data_message={"stream_id": "s", "data": {"text_data": "x"}}),
    up(stream_data_message={"stream_id": "s", "stream_sequence_id": 0, "data": {"text_data": "x"}}),
    up(stream_data_message={"stream_id": LONG}),
    up(invoke_event_message={"event": "1e", "invocation_id": "i"}),
    up(invoke_event_message={"event": "e"}),
    up(cancel_invocation_message={}),
]


@every_row("frame", VIOLATIONS, ids=range(len(VIOLATIONS)))
def test_a_frame_that_is_not_allowed_ends_the_connection(frame: bytes) -> None:
    """Bytes that are no message, and messages that say too little or too much, are 1007."""
    with pytest.raises(ProtocolError) as violation:
        CODEC.decode(frame)

    assert violation.value.code == 1007
    assert len(violation.value.reason.encode()) <= 123


def test_a_text_frame_is_not_for_this_subprotocol() -> None:
    """Text frames are 1003."""
    with pytest.raises(ProtocolError) as violation:
        CODEC.decode("")

    assert violation.value.code == 1003


@given(
    st.binary(max_size=50)
    | st.sampled_from([frame for frame, _ in REQUESTS]).flatmap(
        lambda frame: st.tuples(st.integers(0, len(frame) - 1), st.integers(0, 255)).map(
            lambda damage: frame[: damage[0]] + bytes([damage[1]]) + frame[damage[0] + 1 :]
        )
    )
)
def test_any_bytes_are_requests_or_refused(frame: bytes) -> None:
    """Nothing but `ProtocolError` comes out."""
    try:
        read = CODEC.decode(frame)
    except ProtocolError as error:
        read = ()
        code = error.code
    else:
        code = 1007

    assert code == 1007
    assert all(message is not None for message in read)


def written(message: ServerMessage, sequence_id: int | None = None) -> schema.DownstreamMessage:
    """Write what a client is told, and read it as its library does."""
    outgoing = CODEC.encode(message, sequence_id)
    assert isinstance(outgoing, Send)
    assert isinstance(outgoing.frame, bytes)
    return schema.DownstreamMessage.FromString(outgoing.frame)


def down(**message: dict[str, Any]) -> schema.DownstreamMessage:
    """Make what a client is told, from plain values."""
    return schema.DownstreamMessage(**message)


TOLD: list[tuple[ServerMessage, schema.DownstreamMessage]] = [
    (Ack(1), down(ack_message={"ack_id": 1, "success": True})),
    (
        Ack(1, Failure("Forbidden", "No.")),
        down(ack_message={"ack_id": 1, "success": False, "error": {"name": "Forbidden", "message": "No."}}),
    ),
    (Connected("c", "ann"), down(system_message={"connected_message": {"connection_id": "c", "user_id": "ann"}})),
    (Connected("c", None), down(system_message={"connected_message": {"connection_id": "c", "user_id": ""}})),
    (Disconnected("bye"), down(system_message={"disconnected_message": {"reason": "bye"}})),
    (Pong(), down(pong_message={})),
    (Message(TEXT), down(data_message={"from": "server", "data": {"text_data": "x"}})),
    (
        Message(TEXT, "g", "ann", {"k": "v"}),
        down(data_message={"from": "group", "group": "g", "data": {"text_data": "x"}, "metadata": {"k": "v"}}),
    ),
]


@pytest.mark.parametrize(("message", "frame"), TOLD)
def test_a_client_is_told(message: ServerMessage, frame: schema.DownstreamMessage) -> None:
    """Every kind of message; who sent it is not among them."""
    assert written(message) == frame


def test_a_request_without_an_id_is_not_acknowledged() -> None:
    """The client did not ask to know."""
    assert CODEC.encode(Ack(None)) is None


def test_messages_of_reliable_clients_are_numbered() -> None:
    """Number 0 could not be told from none."""
    assert written(Message(TEXT), 7).data_message.sequence_id == 7
    assert not written(Message(TEXT)).data_message.HasField("sequence_id")


def grouped(**data: Any) -> bytes:
    """Write a message from the group g, from plain values."""
    return down(data_message={"from": "group", "group": "g", "data": data}).SerializeToString()


PACKED = base64.b64encode(ANY.SerializeToString()).decode()
ACROSS: list[tuple[Codec, Frame, Codec, Frame]] = [
    (
        JsonCodec(),
        '{"type":"sendToGroup","group":"g","data":{"a" : 1}}',
        CODEC,
        grouped(json_data='{"a" : 1}'),
    ),
    (
        JsonCodec(),
        f'{{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"{PACKED}"}}',
        CODEC,
        grouped(protobuf_data={"type_url": ANY.type_url, "value": ANY.value}),
    ),
    (
        JsonCodec(),
        '{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"/w=="}',
        CODEC,
        grouped(binary_data=b"\xff"),
    ),
    (CODEC, up(send_to_group_message={"group": "g", "data": {"json_data": "[1 ]"}}), SimpleCodec(), "[1 ]"),
    (CODEC, up(send_to_group_message={"group": "g", "data": {"binary_data": b"x"}}), SimpleCodec(), b"x"),
    (
        CODEC,
        up(send_to_group_message={"group": "g", "data": {"protobuf_data": {"type_url": "t", "value": b"v"}}}),
        SimpleCodec(),
        b"\x0a\x01t\x12\x01v",
    ),
    (
        SimpleCodec("g"),
        "x",
        CODEC,
        down(data_message={"from": "group", "group": "g", "data": {"text_data": "x"}}).SerializeToString(),
    ),
]


@pytest.mark.parametrize(("sender", "sent", "receiver", "received"), ACROSS)
def test_data_crosses_subprotocols(sender: Codec, sent: Frame, receiver: Codec, received: Frame) -> None:
    """What one kind of client sends, another gets in its own form; what is no packed message stays binary."""
    (request,) = sender.decode(sent)
    assert isinstance(request, SendToGroup)

    outgoing = receiver.encode(Message(request.payload, request.group))

    assert isinstance(outgoing, Send)
    assert outgoing.frame == received


def test_protobuf_crosses_to_json_as_base64() -> None:
    """With the data type that says so."""
    (request,) = CODEC.decode(up(send_to_group_message={"group": "g", "data": {"protobuf_data": {"value": b"v"}}}))
    assert isinstance(request, SendToGroup)

    outgoing = JsonCodec().encode(Message(request.payload, "g"))

    assert isinstance(outgoing, Send)
    assert '"dataType":"protobuf","data":"EgF2"' in str(outgoing.frame)


@pytest.mark.parametrize("number", [None, 0, 1, 127, 128, 16_383, 16_384, 2**63, 2**64 - 1])
@pytest.mark.parametrize("metadata", [None, {"key": "value"}])
def test_a_number_is_put_where_protobuf_has_it(number: int | None, metadata: dict[str, str] | None) -> None:
    """The rest of the frame is written once, and the whole is what protobuf itself would write."""
    message = Message(TEXT, "group", metadata=metadata)
    data: dict[str, Any] = {"from": "group", "group": "group", "data": {"text_data": "x"}, "metadata": metadata}
    whole = schema.DownstreamMessage(data_message=schema.DataMessage(sequence_id=number, **data))
    CODEC.encode(message, 1)

    assert CODEC.encode(message, number) == Send(whole.SerializeToString())
