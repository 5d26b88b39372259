"""The frames of `json.webpubsub.azure.v1`, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tables import every_row
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._hub.messages import (
    Ack,
    CancelInvocation,
    ClientMessage,
    Connected,
    DataType,
    Disconnected,
    Event,
    Failure,
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
    StreamInfo,
    StreamNack,
)

CODEC = JsonCodec()
X = Payload(DataType.JSON, '"x"')
NOTHING = Payload(DataType.TEXT, "")
OOPS = Failure("UserError", "m")

REQUESTS: list[tuple[str, ClientMessage]] = [
    ('{"type":"joinGroup","group":"g"}', JoinGroup("g")),
    ('{"type":"joinGroup","group":"g","ackId":0}', JoinGroup("g", 0)),
    ('{"type":"JOINGROUP","group":"g","ackId":18446744073709551615}', JoinGroup("g", 2**64 - 1)),
    ('{"type":"leaveGroup","group":"g.h","ackId":1}', LeaveGroup("g.h", 1)),
    ('{"type":"leaveGroup","group":"g","ackId":null}', LeaveGroup("g")),
    ('{"type":"joinGroup","group":"a","group":"b"}', JoinGroup("b")),
    ('{"type":"sendToGroup","group":"g","data":"x"}', SendToGroup("g", X)),
    ('{"type":"sendToGroup","group":"g","dataType":"JSON","data":"x"}', SendToGroup("g", X)),
    ('{"type":"sendToGroup","group":"g","data":"x","noEcho":true,"ackId":2}', SendToGroup("g", X, True, ack_id=2)),
    ('{"type":"sendToGroup","group":"g","data":"x","ttlSeconds":300}', SendToGroup("g", X, ttl_seconds=300)),
    ('{"type":"sendToGroup","group":"g","data":"x","metadata":{"k":"v"}}', SendToGroup("g", X, metadata={"k": "v"})),
    ('{"type":"sendToGroup","group":"g","metadata":{}}', SendToGroup("g", Payload(DataType.TEXT, ""), metadata={})),
    ('{"type":"event","event":"e","data":"x"}', Event("e", X)),
    ('{"type":"event","event":"A.b-c_1","data":"x","ackId":3}', Event("A.b-c_1", X, ack_id=3)),
    ('{"type":"ping"}', Ping()),
    (' \t\r\n{ "type" : "ping" , "more" : [ 1 ] } ', Ping()),
    ('{"type":"sequenceAck","sequenceId":5}', SequenceAck(5)),
    ('{"type":"invoke","invocationId":"i","target":"event","event":"e","data":"x"}', Invoke("i", "e", X)),
    ('{"type":"invoke","invocationId":"i","target":"event","event":"e"}', Invoke("i", "e", NOTHING)),
    ('{"type":"cancelInvocation","invocationId":"i"}', CancelInvocation("i")),
    ('{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}', StartStream("g", "s", 300)),
    ('{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":50}}', StartStream("g", "s", 0.05)),
    ('{"type":"streamData","streamId":"s"}', StreamData("s")),
    ('{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"json","data":"x"}', StreamData("s", 1, X)),
    ('{"type":"streamEnd","streamId":"s"}', StreamEnd("s")),
    ('{"type":"streamEnd","streamId":"s","error":{"message":"m","userErrorCode":"c"}}', StreamEnd("s", OOPS, "c")),
]


@every_row(("frame", "message"), REQUESTS)
def test_requests_are_read(frame: str, message: ClientMessage) -> None:
    """Every kind of request, with and without what is optional; unknown members are ignored."""
    assert list(CODEC.decode(frame)) == [message]


PAYLOADS = [
    ("json", '{"a" : 1.0, "a":2}', Payload(DataType.JSON, '{"a" : 1.0, "a":2}')),
    ("json", "1e5", Payload(DataType.JSON, "1e5")),
    ("json", "[\n]", Payload(DataType.JSON, "[\n]")),
    ("json", '"\\u00e9"', Payload(DataType.JSON, '"\\u00e9"')),
    ("json", "9" * 5000, Payload(DataType.JSON, "9" * 5000)),
    ("json", "false", Payload(DataType.JSON, "false")),
    ("text", '"\\u00e9"', Payload(DataType.TEXT, "é")),
    ("text", '""', Payload(DataType.TEXT, "")),
    ("binary", '"AP8="', Payload(DataType.BINARY, b"\x00\xff")),
    ("binary", '""', Payload(DataType.BINARY, b"")),
    ("protobuf", '"AP8="', Payload(DataType.PROTOBUF, b"\x00\xff")),
]


@pytest.mark.parametrize(("data_type", "data", "payload"), PAYLOADS)
def test_data_is_read_by_its_type(data_type: str, data: str, payload: Payload) -> None:
    """JSON stays the text it was, text is a string, binary and protobuf are base64."""
    frame = f'{{"type":"sendToGroup","data": {data} ,"group":"g","dataType":"{data_type}"}}'

    assert list(CODEC.decode(frame)) == [SendToGroup("g", payload)]


VIOLATIONS = [
    "",
    "{",
    "[]",
    "null",
    '"ping"',
    "{}",
    '{"type":1}',
    '{"type":"fly"}',
    '{"type":"invoke","invocationId":"1","target":"group","event":"e"}',
    '{"type":"invoke","invocationId":"","target":"event","event":"e"}',
    '{"type":"invoke","target":"event","event":"e"}',
    '{"type":"invoke","invocationId":"i","target":"event","event":"1e"}',
    '{"type":"cancelInvocation"}',
    '{"type":"sendToGroup","group":"g","stream":1}',
    '{"type":"sendToGroup","group":"g","stream":{}}',
    '{"type":"sendToGroup","group":"g","stream":{"streamId":"s"},"data":1}',
    '{"type":"sendToGroup","group":"g","stream":{"streamId":"s"},"ackId":1}',
    '{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":0}}',
    '{"type":"streamData","streamId":"s","streamSequenceId":1}',
    '{"type":"streamData","streamId":"s","streamSequenceId":0,"dataType":"json","data":1}',
    '{"type":"streamEnd"}',
    '{"type":"streamEnd","streamId":"s","error":"oops"}',
    '{"type":"ping"} x',
    '\ufeff{"type":"ping"}',
    '{"type":"ping","x":NaN}',
    "[" * 100_000,
    '{"a":' * 50_000,
    '{"type":"sendToGroup","group":"g","data":' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"type":"joinGroup"}',
    '{"type":"joinGroup","group":1}',
    '{"type":"joinGroup","group":" "}',
    '{"type":"joinGroup","group":"' + "g" * 1025 + '"}',
    '{"type":"joinGroup","group":"\\ud800"}',
    '{"type":"joinGroup","group":"g","ackId":-1}',
    '{"type":"joinGroup","group":"g","ackId":1.0}',
    '{"type":"joinGroup","group":"g","ackId":true}',
    '{"type":"joinGroup","group":"g","ackId":"1"}',
    '{"type":"joinGroup","group":"g","ackId":18446744073709551616}',
    '{"type":"joinGroup","group":"g","ackId":' + "9" * 5000 + "}",
    '{"type":"sendToGroup","group":"g"}',
    '{"type":"sendToGroup","group":"g","data":null}',
    '{"type":"sendToGroup","group":"g","data":1,"dataType":"text"}',
    '{"type":"sendToGroup","group":"g","data":"\\ud800","dataType":"text"}',
    '{"type":"sendToGroup","group":"g","data":"AP8","dataType":"binary"}',
    '{"type":"sendToGroup","group":"g","data":"A P8=","dataType":"binary"}',
    '{"type":"sendToGroup","group":"g","data":"é","dataType":"binary"}',
    '{"type":"sendToGroup","group":"g","data":1,"dataType":"binary"}',
    '{"type":"sendToGroup","group":"g","data":1,"dataType":"xml"}',
    '{"type":"sendToGroup","group":"g","data":1,"dataType":5}',
    '{"type":"sendToGroup","group":"g","data":1,"noEcho":"true"}',
    '{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}',
    '{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":-1}',
    '{"type":"sendToGroup","group":"g","data":1,"metadata":[]}',
    '{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":1}}',
    '{"type":"sendToGroup","group":"g","data":1,"metadata":{"k k":"v"}}',
    '{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":"é"}}',
    '{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":"v","k":"v"}}',
    '{"type":"event","data":1}',
    '{"type":"event","event":"","data":1}',
    '{"type":"event","event":"1e","data":1}',
    '{"type":"event","event":"e e","data":1}',
    '{"type":"event","event":"' + "e" * 129 + '","data":1}',
    '{"type":"event","event":"e"}',
    '{"type":"sequenceAck"}',
    '{"type":"sequenceAck","sequenceId":"1"}',
]


@every_row("frame", VIOLATIONS, ids=range(len(VIOLATIONS)))
def test_a_frame_that_is_not_allowed_ends_the_connection(frame: str) -> None:
    """Whatever is not a known, complete request is 1007, with a reason that fits into a close frame."""
    with pytest.raises(ProtocolError) as violation:
        CODEC.decode(frame)

    assert violation.value.code == 1007
    assert len(violation.value.reason.encode()) <= 123


def test_a_binary_frame_is_not_for_this_subprotocol() -> None:
    """Binary frames are 1003, even if they hold JSON."""
    with pytest.raises(ProtocolError) as violation:
        CODEC.decode(b'{"type":"ping"}')

    assert violation.value.code == 1003


@given(st.text() | st.binary())
def test_noise_is_a_violation_and_nothing_worse(frame: str | bytes) -> None:
    """No text and no bytes make the decoder fail in any other way."""
    with pytest.raises(ProtocolError):
        CODEC.decode(frame)


MESSAGES = [
    (Message(Payload(DataType.JSON, '{"a" : 1.0}')), '"from":"server","dataType":"json","data":{"a" : 1.0}'),
    (Message(Payload(DataType.TEXT, 'é"')), '"from":"server","dataType":"text","data":"é\\""'),
    (Message(Payload(DataType.BINARY, b"\xff")), '"from":"server","dataType":"binary","data":"/w=="'),
    (Message(Payload(DataType.PROTOBUF, b"\xff")), '"from":"server","dataType":"protobuf","data":"/w=="'),
    (Message(X, "g"), '"from":"group","fromUserId":null,"group":"g","dataType":"json","data":"x"'),
    (Message(X, 'g"', "ann"), '"from":"group","fromUserId":"ann","group":"g\\"","dataType":"json","data":"x"'),
    (Message(X, None, None, {"k": "v"}), '"from":"server","dataType":"json","data":"x","metadata":{"k":"v"}'),
    (
        Message(X, "g", stream=StreamInfo("s", 2)),
        '"from":"group","fromUserId":null,"group":"g","dataType":"json","data":"x",'
        '"stream":{"streamId":"s","streamSequenceId":2}',
    ),
    (
        Message(NOTHING, "g", stream=StreamInfo("s", 3, True, OOPS, "c")),
        '"from":"group","fromUserId":null,"group":"g","dataType":"text","data":"",'
        '"stream":{"streamId":"s","streamSequenceId":3,"endOfStream":true,'
        '"error":{"name":"UserError","message":"m","userErrorCode":"c"}}',
    ),
    (Message(X, None, None, {}), '"from":"server","dataType":"json","data":"x"'),
]


@pytest.mark.parametrize(("message", "members"), MESSAGES)
def test_messages_are_written_byte_for_byte(message: Message, members: str) -> None:
    """Frames are compact, their members in the order of the service."""
    assert CODEC.encode(message) == Send(f'{{"type":"message",{members}}}')


def test_system_frames_are_written_byte_for_byte() -> None:
    """The greeting, the farewell and the pong."""
    said: list[tuple[ServerMessage, str]] = [
        (Connected("c1", "ann"), '{"type":"system","event":"connected","userId":"ann","connectionId":"c1"}'),
        (Connected("c1", None), '{"type":"system","event":"connected","userId":null,"connectionId":"c1"}'),
        (Disconnected("bye"), '{"type":"system","event":"disconnected","message":"bye"}'),
        (Pong(), '{"type":"pong"}'),
        (
            InvokeResponse("i", X),
            '{"type":"invokeResponse","invocationId":"i","success":true,"dataType":"json","data":"x"}',
        ),
        (InvokeResponse("i"), '{"type":"invokeResponse","invocationId":"i","success":true}'),
        (
            InvokeResponse("i", failure=OOPS),
            '{"type":"invokeResponse","invocationId":"i","success":false,"error":{"name":"UserError","message":"m"}}',
        ),
        (StreamAck("s", 1), '{"type":"streamAck","streamId":"s","expectedSequenceId":1}'),
        (
            StreamNack("s", 1, OOPS),
            '{"type":"streamNack","streamId":"s","name":"UserError","message":"m","expectedSequenceId":1}',
        ),
        (StreamClosed("s"), '{"type":"streamClosed","streamId":"s"}'),
        (StreamClosed("s", OOPS), '{"type":"streamClosed","streamId":"s","error":{"name":"UserError","message":"m"}}'),
    ]

    assert [CODEC.encode(message) for message, _ in said] == [Send(frame) for _, frame in said]


def ack(rest: str) -> Send:
    return Send(f'{{"type":"ack","ackId":7,{rest}}}', is_ack=True)


def error(name: str, message: str) -> Send:
    return ack(f'"success":false,"error":{{"name":"{name}","message":"{message}"}}')


ACKS = [
    (None, ack('"success":true')),
    (Failure("Forbidden", "No."), error("Forbidden", "No.")),
    (Failure("InternalServerError", 'a"b'), error("InternalServerError", 'a\\"b')),
]


@pytest.mark.parametrize(("failure", "outgoing"), ACKS)
def test_acknowledgements_are_written_byte_for_byte(failure: Failure | None, outgoing: Send) -> None:
    """Success has no error member; nothing is said to a client that did not ask."""
    assert CODEC.encode(Ack(7, failure)) == outgoing
    assert CODEC.encode(Ack(None, failure)) is None
