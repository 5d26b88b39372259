"""The subprotocol `protobuf.webpubsub.azure.v1`: binary frames of one protobuf message each.

`spec/webpubsub_v1.proto` describes the messages. Protobuf is loaded with this module, which is loaded with the first
such client.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from google.protobuf.message import DecodeError

from .._hub import json_text, names
from .._hub.messages import (
    Ack,
    ClientMessage,
    CloseCode,
    Connected,
    DataType,
    Disconnected,
    Event,
    Frame,
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
)
from . import webpubsub_v1_pb2 as schema

__all__ = ["ProtobufCodec"]

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
            case Message():
                return Send(_frame(data_message=_data_message(message, sequence_id)), message.expires_at)
            case Ack(None, _):
                return None
            case Ack(ack_id, failure):
                error = None if failure is None else schema.ErrorMessage(name=failure.name, message=failure.message)
                ack = schema.AckMessage(ack_id=ack_id, success=failure is None, error=error)
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


def _frame(**message: Any) -> bytes:
    return schema.DownstreamMessage(**message).SerializeToString()


def _data_message(message: Message, sequence_id: int | None) -> schema.DataMessage:
    origin: dict[str, Any] = {"from": "server" if message.group is None else "group"}  # Python has a keyword `from`
    return schema.DataMessage(
        group=message.group,
        data=_data(message.payload),
        sequence_id=sequence_id,
        metadata=message.metadata,
        **origin,
    )


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


def _send_to_group(message: schema.SendToGroupMessage) -> SendToGroup:
    metadata = _metadata(message.metadata)
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
}


def _group(message: schema.JoinGroupMessage | schema.LeaveGroupMessage | schema.SendToGroupMessage) -> str:
    if not names.is_group(message.group):
        _refuse("The name of the group is not valid.")
    return message.group


def _ack_id(
    message: schema.JoinGroupMessage | schema.LeaveGroupMessage | schema.SendToGroupMessage | schema.EventMessage,
) -> int | None:
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
