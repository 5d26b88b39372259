"""The subprotocol `protobuf.webpubsub.azure.v1`: binary frames of one protobuf message each.

`spec/webpubsub_v1.proto` describes the messages. Protobuf is loaded with this module, which is loaded with the first
such client.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeAlias

from google.protobuf.message import DecodeError

from .._hub import json_text, names
from .._hub.messages import (
    Ack,
    CancelInvocation,
    ClientMessage,
    CloseCode,
    Connected,
    DataType,
    Disconnected,
    Event,
    Failure,
    Frame,
    GroupState,
    Invoke,
    InvokeResponse,
    JoinGroup,
    LeaveGroup,
    Message,
    Outgoing,
    Payload,
    Ping,
    Pong,
    ProtocolError,
    Send,
    SendToGroup,
    SequenceAck,
    ServerMessage,
    SetGroupState,
    StartStream,
    StreamAck,
    StreamClosed,
    StreamData,
    StreamEnd,
    StreamInfo,
    StreamNack,
    SubscribeGroupState,
    UnsubscribeGroupState,
)
from . import webpubsub_v1_pb2 as schema

__all__ = ["ProtobufCodec"]

_LONGEST_ID = 1024
_IDLE_MS = 300_000
_LONGEST_TTL_SECONDS = 300


class ProtobufCodec:
    """Writes and reads the frames of `protobuf.webpubsub.azure.v1`, and numbered ones of its reliable sister."""

    shared = True

    def decode(self, frame: Frame) -> Iterable[ClientMessage]:
        """Read a frame of the client: one message."""
        if isinstance(frame, str):
            raise ProtocolError(CloseCode.UNSUPPORTED_DATA, "Text frames are not part of this subprotocol.")
        try:
            upstream = schema.UpstreamMessage.FromString(frame)
        except DecodeError:
            _refuse("The frame is not a protobuf message of this subprotocol.")
        kind = upstream.WhichOneof("message")
        decode = None if kind is None else _DECODERS.get(kind)
        if kind is None or decode is None:
            _refuse("The type of the message is not known.")
        return (decode(getattr(upstream, kind)),)

    def encode(self, message: ServerMessage, sequence_id: int | None = None) -> Outgoing | None:
        """Write what a client is told."""
        match message:
            case Message(state=GroupState() as state):
                return Send(_group_state(message, state, sequence_id), is_message=True)
            case Message():
                frame = _data_frame(message, sequence_id)
                return Send(frame, message.expires_at, is_message=True)
            case Ack(None, _):
                return None
            case Ack(ack_id, failure):
                ack = schema.AckMessage(ack_id=ack_id, success=failure is None, error=_error(failure))
                return Send(_frame(ack_message=ack), is_ack=True)
            case Connected(connection_id, user_id, token):
                connected = schema.ConnectedMessage(
                    connection_id=connection_id, user_id=user_id or "", reconnection_token=token
                )
                return Send(_frame(system_message=schema.SystemMessage(connected_message=connected)))
            case Disconnected(reason):
                disconnected = schema.DisconnectedMessage(reason=reason)
                return Send(_frame(system_message=schema.SystemMessage(disconnected_message=disconnected)))
            case Pong():
                return Send(_frame(pong_message=schema.PongMessage()))
            case InvokeResponse(invocation_id, payload, failure):
                response = schema.InvokeResponseMessage(
                    invocation_id=invocation_id,
                    success=failure is None,
                    data=None if payload is None else _data(payload),
                    error=_error(failure),
                )
                return Send(_frame(invoke_response=response), is_message=True)
            case StreamAck(stream_id, expected):
                stream_ack = schema.StreamAckMessage(stream_id=stream_id, expected_sequence_id=expected)
                return Send(_frame(stream_ack=stream_ack))
            case StreamNack(stream_id, expected, failure):
                nack = schema.StreamNackMessage(
                    stream_id=stream_id, name=failure.name, message=failure.message, expected_sequence_id=expected
                )
                return Send(_frame(stream_nack=nack))
            case StreamClosed(stream_id, failure):
                return Send(
                    _frame(stream_closed=schema.StreamClosedMessage(stream_id=stream_id, error=_error(failure)))
                )


def _group_state(message: Message, state: GroupState, sequence_id: int | None) -> bytes:
    items = [
        schema.GroupStateItem(
            connection_id=item.connection_id,
            user_id=item.user_id,
            state=None if item.state is None else schema.GroupState(entries=item.state),
            updated_at=item.updated_at,
        )
        for item in state.items
    ]
    news = schema.GroupStateMessage(group=message.group, items=items, sequence_id=sequence_id)
    return _frame(group_state_snapshot=news) if state.is_snapshot else _frame(group_state_update=news)


def _error(failure: Failure | None) -> schema.ErrorMessage | None:
    return None if failure is None else schema.ErrorMessage(name=failure.name, message=failure.message)


def _stream(stream: StreamInfo) -> schema.StreamInfo:
    failure = stream.failure
    return schema.StreamInfo(
        stream_id=stream.stream_id,
        stream_sequence_id=stream.sequence_id,
        end_of_stream=True if stream.end else None,
        error=None
        if failure is None
        else schema.StreamError(name=failure.name, message=failure.message, user_error_code=stream.user_error_code),
    )


def _frame(**message: Any) -> bytes:
    return schema.DownstreamMessage(**message).SerializeToString()


class _DataFrame(NamedTuple):
    """What is written of a message once, for every number: before it, and behind it."""

    head: bytes
    tail: bytes


def _data_frame(message: Message, sequence_id: int | None) -> bytes:
    """Write a message. Of a protobuf message, only what carries the number differs from client to client."""
    written = message.encoded.get(_DataFrame)
    if not isinstance(written, _DataFrame):
        written = message.encoded[_DataFrame] = _write_data(message)
    number = b"" if sequence_id is None else _SEQUENCE_ID + _varint(sequence_id)
    size = len(written.head) + len(number) + len(written.tail)
    return b"".join((_DATA_MESSAGE, _varint(size), written.head, number, written.tail))


def _write_data(message: Message) -> _DataFrame:
    origin: dict[str, Any] = {"from": "server" if message.group is None else "group"}  # Python has a keyword `from`
    head = schema.DataMessage(group=message.group, data=_data(message.payload), **origin)
    stream = None if message.stream is None else _stream(message.stream)
    tail = schema.DataMessage(metadata=message.metadata, stream=stream)
    return _DataFrame(head.SerializeToString(), tail.SerializeToString())


def _tag(message: type[Any], field: str, wire_type: int) -> bytes:
    return bytes((message.DESCRIPTOR.fields_by_name[field].number << 3 | wire_type,))


_DATA_MESSAGE = _tag(schema.DownstreamMessage, "data_message", 2)
_SEQUENCE_ID = _tag(schema.DataMessage, "sequence_id", 0)


def _varint(number: int) -> bytes:
    """Write a number as protobuf does: seven bits a byte, the lowest first."""
    if number < 128:
        return bytes((number,))
    written = bytearray()
    while number >= 128:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _data(payload: Payload) -> schema.MessageData:
    if isinstance(payload.data, str):
        if payload.data_type is DataType.JSON:
            return schema.MessageData(json_data=payload.data)
        return schema.MessageData(text_data=payload.data)
    if payload.data_type is DataType.PROTOBUF:
        data = schema.MessageData()
        try:
            data.protobuf_data.ParseFromString(payload.data)
        except DecodeError:
            return schema.MessageData(binary_data=payload.data)
        return data
    return schema.MessageData(binary_data=payload.data)


def _join_group(message: schema.JoinGroupMessage) -> JoinGroup:
    return JoinGroup(_group(message), _ack_id(message))


def _leave_group(message: schema.LeaveGroupMessage) -> LeaveGroup:
    return LeaveGroup(_group(message), _ack_id(message))


def _send_to_group(message: schema.SendToGroupMessage) -> SendToGroup | StartStream:
    metadata = _metadata(message.metadata)
    if message.HasField("stream"):
        return _start_stream(message, metadata)
    if message.ttl_seconds > _LONGEST_TTL_SECONDS:
        _refuse(f"ttl_seconds must be from 0 to {_LONGEST_TTL_SECONDS}.")
    return SendToGroup(
        group=_group(message),
        payload=_payload(message.data, metadata),
        no_echo=message.no_echo,
        ttl_seconds=message.ttl_seconds,
        metadata=metadata,
        ack_id=_ack_id(message),
    )


def _event(message: schema.EventMessage) -> Event:
    if not names.is_event(message.event):
        _refuse("The name of the event is not valid.")
    metadata = _metadata(message.metadata)
    return Event(message.event, _payload(message.data, metadata), metadata, _ack_id(message))


def _start_stream(message: schema.SendToGroupMessage, metadata: Mapping[str, str] | None) -> StartStream:
    stream = message.stream
    if message.HasField("data") or message.HasField("ack_id"):
        _refuse("The start of a stream has neither data nor an ack_id.")
    if stream.HasField("idle_timeout_ms") and stream.idle_timeout_ms == 0:
        _refuse("idle_timeout_ms must be greater than 0.")
    return StartStream(_group(message), _id(stream.stream_id), (stream.idle_timeout_ms or _IDLE_MS) / 1000, metadata)


def _stream_data(message: schema.StreamDataMessage) -> StreamData:
    stream_id = _id(message.stream_id)
    parts = message.HasField("stream_sequence_id"), message.HasField("data")
    if parts == (False, False):
        return StreamData(stream_id)
    if parts != (True, True) or message.stream_sequence_id == 0:
        _refuse("A piece of a stream has a stream_sequence_id, from 1, and data, or neither.")
    return StreamData(stream_id, message.stream_sequence_id, _payload(message.data, None))


def _stream_end(message: schema.StreamEndMessage) -> StreamEnd:
    stream_id = _id(message.stream_id)
    if not message.HasField("error"):
        return StreamEnd(stream_id)
    code = message.error.user_error_code if message.error.HasField("user_error_code") else None
    return StreamEnd(stream_id, Failure("UserError", message.error.message), code)


def _set_group_state(message: schema.SetGroupStateMessage) -> SetGroupState:
    state = dict(message.state.entries) if message.HasField("state") else None
    return SetGroupState(_group(message), state, _ack_id(message))


def _subscribe_group_state(message: schema.SubscribeGroupStateMessage) -> SubscribeGroupState:
    return SubscribeGroupState(_group(message), _ack_id(message))


def _unsubscribe_group_state(message: schema.UnsubscribeGroupStateMessage) -> UnsubscribeGroupState:
    return UnsubscribeGroupState(_group(message), _ack_id(message))


def _invoke(message: schema.InvokeEventMessage) -> Invoke:
    if not names.is_event(message.event):
        _refuse("The name of the event is not valid.")
    metadata = _metadata(message.metadata)
    payload = _payload(message.data, metadata) if message.HasField("data") else Payload(DataType.TEXT, "")
    return Invoke(_id(message.invocation_id), message.event, payload, metadata)


def _cancel_invocation(message: schema.CancelInvocationMessage) -> CancelInvocation:
    return CancelInvocation(_id(message.invocation_id))


def _id(text: str) -> str:
    if not 1 <= len(text) <= _LONGEST_ID:
        _refuse(f"An id must have 1 to {_LONGEST_ID} characters.")
    return text


def _ping(_: schema.PingMessage) -> Ping:
    return Ping()


def _sequence_ack(message: schema.SequenceAckMessage) -> SequenceAck:
    return SequenceAck(message.sequence_id)


_DECODERS: Mapping[str, Callable[[Any], ClientMessage]] = {
    "join_group_message": _join_group,
    "leave_group_message": _leave_group,
    "send_to_group_message": _send_to_group,
    "event_message": _event,
    "ping_message": _ping,
    "sequence_ack_message": _sequence_ack,
    "invoke_event_message": _invoke,
    "cancel_invocation_message": _cancel_invocation,
    "stream_data_message": _stream_data,
    "stream_end_message": _stream_end,
    "set_group_state_message": _set_group_state,
    "subscribe_group_state_message": _subscribe_group_state,
    "unsubscribe_group_state_message": _unsubscribe_group_state,
}


_OfGroup: TypeAlias = (
    schema.JoinGroupMessage
    | schema.LeaveGroupMessage
    | schema.SendToGroupMessage
    | schema.SetGroupStateMessage
    | schema.SubscribeGroupStateMessage
    | schema.UnsubscribeGroupStateMessage
)


def _group(message: _OfGroup) -> str:
    if not names.is_group(message.group):
        _refuse("The name of the group is not valid.")
    return message.group


def _ack_id(message: _OfGroup | schema.EventMessage) -> int | None:
    return message.ack_id if message.HasField("ack_id") else None


def _metadata(given: Mapping[str, str]) -> dict[str, str] | None:
    if not given:
        return None
    try:
        return names.metadata(given.items())
    except names.MetadataError as error:
        _refuse(str(error))


def _payload(data: schema.MessageData, metadata: Mapping[str, str] | None) -> Payload:
    match data.WhichOneof("data"):
        case "text_data":
            return Payload(DataType.TEXT, data.text_data)
        case "binary_data":
            return Payload(DataType.BINARY, data.binary_data)
        case "protobuf_data":
            return Payload(DataType.PROTOBUF, data.protobuf_data.SerializeToString())
        case "json_data":
            return Payload(DataType.JSON, _json(data.json_data))
        case _:
            return Payload(DataType.TEXT, "") if metadata is not None else _refuse("data is missing.")


def _json(text: str) -> str:
    try:
        json_text.parse(text)
    except json_text.JSONError as error:
        _refuse(str(error))
    return text


def _refuse(reason: str) -> NoReturn:
    raise ProtocolError(CloseCode.INVALID_PAYLOAD, reason)
