"""The subprotocol `json.webpubsub.azure.v1`: text frames of one JSON object each.

Frames are written compactly and with a fixed order of keys, as the service does. The `data` of a JSON message is
passed on as the text that the publisher wrote, never parsed and written again.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

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
    GroupStateItem,
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

__all__ = ["JsonCodec"]

_LARGEST_ID = 2**64 - 1
_LARGEST_INT32 = 2**31 - 1
_LONGEST_ID = 1024
_IDLE_MS = 300_000
_LONGEST_TTL_SECONDS = 300
_DATA_TYPES = {data_type.value: data_type for data_type in DataType}
_write = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class JsonCodec:
    """Writes and reads the frames of `json.webpubsub.azure.v1`, and numbered ones of its reliable sister."""

    shared = True

    def decode(self, frame: Frame) -> Iterable[ClientMessage]:
        """Read a frame of the client: one message."""
        if isinstance(frame, bytes):
            raise ProtocolError(CloseCode.UNSUPPORTED_DATA, "Binary frames are not part of this subprotocol.")
        try:
            members = json_text.members(frame)
        except json_text.JSONError as error:
            _refuse(str(error))
        decode = _DECODERS.get(_text(members, "type").lower())
        if decode is None:
            _refuse("The type of the message is not known.")
        return (decode(members),)

    def encode(self, message: ServerMessage, sequence_id: int | None = None) -> Outgoing | None:
        """Write what a client is told."""
        match message:
            case Message():
                return Send(_message(message, sequence_id), message.expires_at, is_message=True)
            case Ack(ack_id, failure):
                return None if ack_id is None else Send(_ack(ack_id, failure), is_ack=True)
            case Connected(connection_id, user_id, token):
                fields = {"type": "system", "event": "connected", "userId": user_id, "connectionId": connection_id}
                return Send(_write(fields if token is None else {**fields, "reconnectionToken": token}))
            case Disconnected(reason):
                return Send(_write({"type": "system", "event": "disconnected", "message": reason}))
            case Pong():
                return Send('{"type":"pong"}')
            case InvokeResponse():
                return Send(_invoke_response(message), is_message=True)
            case StreamAck(stream_id, expected):
                return Send(_write({"type": "streamAck", "streamId": stream_id, "expectedSequenceId": expected}))
            case StreamNack(stream_id, expected, failure):
                nack = {"type": "streamNack", "streamId": stream_id, "name": failure.name, "message": failure.message}
                return Send(_write({**nack, "expectedSequenceId": expected}))
            case StreamClosed(stream_id, failure):
                return Send(_write({"type": "streamClosed", "streamId": stream_id, **_error(failure)}))


def _message(message: Message, sequence_id: int | None) -> str:
    members = message.encoded.get(_members)
    if not isinstance(members, str):
        members = message.encoded[_members] = _members(message)
    return f"{{{members}}}" if sequence_id is None else f'{{"sequenceId":{sequence_id},{members}}}'


def _members(message: Message) -> str:
    if message.state is not None:
        kind = "groupStateSnapshot" if message.state.is_snapshot else "groupStateUpdate"
        items = [_state_item(item) for item in message.state.items]
        return f'"type":"{kind}","group":{_write(message.group)},"items":{_write(items)}'
    if message.group is None:
        origin = '"server"'
    else:
        origin = f'"group","fromUserId":{_write(message.from_user_id)},"group":{_write(message.group)}'
    payload = message.payload
    members = f'"type":"message","from":{origin},"dataType":"{payload.data_type}","data":{_data(payload)}'
    if message.metadata:
        members += f',"metadata":{_write(message.metadata)}'
    return members if message.stream is None else f'{members},"stream":{_write(_stream(message.stream))}'


def _state_item(item: GroupStateItem) -> dict[str, object]:
    written: dict[str, object] = {"connectionId": item.connection_id}
    if item.user_id is not None:
        written["userId"] = item.user_id
    if item.state is not None:
        written["state"] = dict(item.state)
    return {**written, "updatedAt": item.updated_at}


def _stream(stream: StreamInfo) -> dict[str, object]:
    written: dict[str, object] = {"streamId": stream.stream_id, "streamSequenceId": stream.sequence_id}
    if stream.end:
        written["endOfStream"] = True
    if stream.failure is not None:
        error = {"name": stream.failure.name, "message": stream.failure.message}
        code = {} if stream.user_error_code is None else {"userErrorCode": stream.user_error_code}
        written["error"] = error | code
    return written


def _invoke_response(response: InvokeResponse) -> str:
    success = "false" if response.failure else "true"
    written = f'{{"type":"invokeResponse","invocationId":{_write(response.invocation_id)},"success":{success}'
    if response.payload is not None:
        written += f',"dataType":"{response.payload.data_type}","data":{_data(response.payload)}'
    if response.failure is not None:
        written += f',"error":{_write(_error(response.failure)["error"])}'
    return written + "}"


def _error(failure: Failure | None) -> dict[str, dict[str, str]]:
    return {} if failure is None else {"error": {"name": failure.name, "message": failure.message}}


def _ack(ack_id: int, failure: Failure | None) -> str:
    ack: dict[str, object] = {"type": "ack", "ackId": ack_id, "success": failure is None}
    return _write(ack | _error(failure))


def _data(payload: Payload) -> str:
    if isinstance(payload.data, bytes):
        return f'"{base64.b64encode(payload.data).decode()}"'
    return payload.data if payload.data_type is DataType.JSON else _write(payload.data)


_Members = Mapping[str, json_text.Member]


def _join_group(members: _Members) -> JoinGroup:
    return JoinGroup(_group(members), _ack_id(members))


def _leave_group(members: _Members) -> LeaveGroup:
    return LeaveGroup(_group(members), _ack_id(members))


def _send_to_group(members: _Members) -> SendToGroup | StartStream:
    metadata = _metadata(members)
    if _value(members, "stream") is not None:
        return _start_stream(members, metadata)
    return SendToGroup(
        group=_group(members),
        payload=_payload(members, metadata),
        no_echo=_no_echo(members),
        ttl_seconds=_integer(members, "ttlSeconds", _LONGEST_TTL_SECONDS) or 0,
        metadata=metadata,
        ack_id=_ack_id(members),
    )


def _event(members: _Members) -> Event:
    name = _text(members, "event")
    if not names.is_event(name):
        _refuse("The name of the event is not valid.")
    metadata = _metadata(members)
    return Event(name, _payload(members, metadata), metadata, _ack_id(members))


def _start_stream(members: _Members, metadata: Mapping[str, str] | None) -> StartStream:
    stream = _object(members, "stream")
    if "data" in members or "ackId" in members:
        _refuse("The start of a stream has neither data nor an ackId.")
    idle = _integer(stream, "idleTimeoutMs", _LARGEST_INT32)
    if idle == 0:
        _refuse("idleTimeoutMs must be greater than 0.")
    return StartStream(_group(members), _id(stream, "streamId"), (idle or _IDLE_MS) / 1000, metadata)


def _stream_data(members: _Members) -> StreamData:
    stream_id = _id(members, "streamId")
    parts = [name for name in ("streamSequenceId", "dataType", "data") if name in members]
    if not parts:
        return StreamData(stream_id)
    sequence_id = _integer(members, "streamSequenceId", _LARGEST_ID)
    if len(parts) < 3 or not sequence_id:
        _refuse("A piece of a stream has streamSequenceId, from 1, dataType and data, or none of them.")
    return StreamData(stream_id, sequence_id, _payload(members, None))


def _stream_end(members: _Members) -> StreamEnd:
    stream_id = _id(members, "streamId")
    if _value(members, "error") is None:
        return StreamEnd(stream_id)
    error = _object(members, "error")
    text = {name: _text(error, name) for name in ("message", "userErrorCode") if _value(error, name) is not None}
    return StreamEnd(stream_id, Failure("UserError", text.get("message", "")), text.get("userErrorCode"))


def _set_group_state(members: _Members) -> SetGroupState:
    if _value(members, "state") is None:
        return SetGroupState(_group(members), None, _ack_id(members))
    entries = _object(members, "state")
    state = {_sendable(name, "state"): _text(entries, name) for name in entries}
    return SetGroupState(_group(members), state, _ack_id(members))


def _subscribe_group_state(members: _Members) -> SubscribeGroupState:
    return SubscribeGroupState(_group(members), _ack_id(members))


def _unsubscribe_group_state(members: _Members) -> UnsubscribeGroupState:
    return UnsubscribeGroupState(_group(members), _ack_id(members))


def _invoke(members: _Members) -> Invoke:
    if _text(members, "target").lower() != "event":
        _refuse("target must be event.")
    name = _text(members, "event")
    if not names.is_event(name):
        _refuse("The name of the event is not valid.")
    metadata = _metadata(members)
    payload = _payload(members, metadata) if "data" in members else Payload(DataType.TEXT, "")
    return Invoke(_id(members, "invocationId"), name, payload, metadata)


def _cancel_invocation(members: _Members) -> CancelInvocation:
    return CancelInvocation(_id(members, "invocationId"))


def _ping(_: _Members) -> Ping:
    return Ping()


def _sequence_ack(members: _Members) -> SequenceAck:
    sequence_id = _integer(members, "sequenceId", _LARGEST_ID)
    if sequence_id is None:
        _refuse("sequenceId is missing.")
    return SequenceAck(sequence_id)


_DECODERS: Mapping[str, Callable[[_Members], ClientMessage]] = {
    "joingroup": _join_group,
    "leavegroup": _leave_group,
    "sendtogroup": _send_to_group,
    "event": _event,
    "ping": _ping,
    "sequenceack": _sequence_ack,
    "invoke": _invoke,
    "cancelinvocation": _cancel_invocation,
    "streamdata": _stream_data,
    "streamend": _stream_end,
    "setgroupstate": _set_group_state,
    "subscribegroupstate": _subscribe_group_state,
    "unsubscribegroupstate": _unsubscribe_group_state,
}


def _object(members: _Members, name: str) -> _Members:
    member = members.get(name)
    if member is None or not isinstance(member.value, dict):
        _refuse(f"{name} must be an object.")
    return json_text.members(member.text)


def _id(members: _Members, name: str) -> str:
    text = _text(members, name)
    if not 1 <= len(text) <= _LONGEST_ID:
        _refuse(f"{name} must have 1 to {_LONGEST_ID} characters.")
    return text


def _group(members: _Members) -> str:
    group = _text(members, "group")
    if not names.is_group(group):
        _refuse("The name of the group is not valid.")
    return group


def _ack_id(members: _Members) -> int | None:
    return _integer(members, "ackId", _LARGEST_ID)


def _no_echo(members: _Members) -> bool:
    value = _value(members, "noEcho")
    if not isinstance(value, bool | None):
        _refuse("noEcho must be true or false.")
    return bool(value)


def _metadata(members: _Members) -> dict[str, str] | None:
    value = _value(members, "metadata")
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        _refuse("metadata must be an object of strings.")
    if json_text.count_members(members["metadata"].text) != len(value):
        _refuse("metadata must not have the same key twice.")
    try:
        return names.metadata(value.items())
    except names.MetadataError as error:
        _refuse(str(error))


def _payload(members: _Members, metadata: Mapping[str, str] | None) -> Payload:
    kind = "json" if _value(members, "dataType") is None else _text(members, "dataType")
    data_type = _DATA_TYPES.get(kind.lower())
    if data_type is None:
        _refuse("dataType must be json, text, binary or protobuf.")
    member = members.get("data")
    if member is None or member.value is None:
        if member is None and metadata is not None:
            return Payload(DataType.TEXT, "")
        _refuse("data is missing.")
    if data_type is DataType.JSON:
        return Payload(data_type, member.text)
    if not isinstance(member.value, str):
        _refuse(f"data of type {data_type} must be a string.")
    if data_type is DataType.TEXT:
        return Payload(data_type, _sendable(member.value, "data"))
    try:
        return Payload(data_type, base64.b64decode(member.value, validate=True))
    except (binascii.Error, ValueError):
        _refuse(f"data of type {data_type} must be base64.")


def _value(members: _Members, name: str) -> object:
    member = members.get(name)
    return None if member is None else member.value


def _text(members: _Members, name: str) -> str:
    value = _value(members, name)
    if not isinstance(value, str):
        _refuse(f"{name} must be a string.")
    return _sendable(value, name)


def _sendable(text: str, name: str) -> str:
    if not names.is_unicode(text):
        _refuse(f"{name} is not valid Unicode.")
    return text


def _integer(members: _Members, name: str, largest: int) -> int | None:
    value = _value(members, name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        _refuse(f"{name} must be a whole number from 0 to {largest}.")
    return value


def _refuse(reason: str) -> NoReturn:
    raise ProtocolError(CloseCode.INVALID_PAYLOAD, reason)
