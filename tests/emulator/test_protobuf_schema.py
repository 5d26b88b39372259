"""The protobuf messages: their numbers are those of the service, and they share no names with the process."""

from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor

from tests.support.tables import every_row
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema

# As the service documents them: `name number type`, where `?` marks what tells absence from emptiness.
FIELDS = {
    "UpstreamMessage": """send_to_group_message 1 SendToGroupMessage, event_message 5 EventMessage,
        join_group_message 6 JoinGroupMessage, leave_group_message 7 LeaveGroupMessage,
        sequence_ack_message 8 SequenceAckMessage, ping_message 9 PingMessage,
        invoke_event_message 10 InvokeEventMessage, cancel_invocation_message 11 CancelInvocationMessage,
        stream_data_message 13 StreamDataMessage, stream_end_message 14 StreamEndMessage,
        set_group_state_message 15 SetGroupStateMessage,
        subscribe_group_state_message 16 SubscribeGroupStateMessage,
        unsubscribe_group_state_message 17 UnsubscribeGroupStateMessage""",
    "DownstreamMessage": """ack_message 1 AckMessage, data_message 2 DataMessage, system_message 3 SystemMessage,
        pong_message 4 PongMessage, invoke_response 5 InvokeResponseMessage, stream_ack 6 StreamAckMessage,
        stream_nack 7 StreamNackMessage, stream_closed 8 StreamClosedMessage,
        group_state_update 9 GroupStateMessage, group_state_snapshot 10 GroupStateMessage""",
    "MessageData": "text_data 1 string, binary_data 2 bytes, protobuf_data 3 Any, json_data 4 string",
    "SendToGroupMessage": """group 1 string, ack_id 2 uint64?, data 3 MessageData, no_echo 4 bool?,
        ttl_seconds 5 uint32?, metadata 6 MetadataEntry*, stream 7 StreamStartInfo""",
    "EventMessage": """event 1 string, data 2 MessageData, ack_id 3 uint64?, metadata 4 MetadataEntry*,
        stream 5 StreamStartInfo""",
    "JoinGroupMessage": "group 1 string, ack_id 2 uint64?",
    "LeaveGroupMessage": "group 1 string, ack_id 2 uint64?",
    "SequenceAckMessage": "sequence_id 1 uint64",
    "PingMessage": "",
    "InvokeEventMessage": """event 1 string, invocation_id 2 string, data 3 MessageData,
        metadata 4 MetadataEntry*, stream 5 StreamStartInfo""",
    "CancelInvocationMessage": "invocation_id 1 string",
    "StreamStartInfo": "stream_id 1 string, idle_timeout_ms 2 uint32?",
    "StreamDataMessage": "stream_id 1 string, stream_sequence_id 2 uint64?, data 3 MessageData?",
    "StreamEndMessage": "stream_id 1 string, error 2 StreamEndError?",
    "StreamEndError": "message 1 string?, user_error_code 2 string?",
    "SetGroupStateMessage": "group 1 string, ack_id 2 uint64?, state 3 GroupState?",
    "SubscribeGroupStateMessage": "group 1 string, ack_id 2 uint64?",
    "UnsubscribeGroupStateMessage": "group 1 string, ack_id 2 uint64?",
    "AckMessage": "ack_id 1 uint64, success 2 bool, error 3 ErrorMessage",
    "ErrorMessage": "name 1 string, message 2 string",
    "DataMessage": """from 1 string, group 2 string?, data 3 MessageData, sequence_id 4 uint64?,
        metadata 5 MetadataEntry*, stream 6 StreamInfo?""",
    "StreamInfo": "stream_id 1 string, stream_sequence_id 2 uint64, end_of_stream 3 bool?, error 4 StreamError?",
    "StreamError": "name 1 string, message 2 string, user_error_code 3 string",
    "SystemMessage": "connected_message 1 ConnectedMessage, disconnected_message 2 DisconnectedMessage",
    "ConnectedMessage": "connection_id 1 string, user_id 2 string, reconnection_token 3 string",
    "DisconnectedMessage": "reason 2 string",
    "PongMessage": "",
    "InvokeResponseMessage": """invocation_id 1 string, success 2 bool, data 3 MessageData?,
        error 4 ErrorMessage?, metadata 5 MetadataEntry*""",
    "StreamAckMessage": "stream_id 1 string, expected_sequence_id 2 uint64",
    "StreamNackMessage": "stream_id 1 string, name 2 string, message 3 string, expected_sequence_id 4 uint64",
    "StreamClosedMessage": "stream_id 1 string, error 2 ErrorMessage?",
    "GroupStateMessage": "group 1 string, items 2 GroupStateItem*, sequence_id 3 uint64?",
    "GroupStateItem": "connection_id 1 string, user_id 2 string?, state 3 GroupState?, updated_at 4 int64",
    "GroupState": "entries 1 EntriesEntry*",
}
NAMES: dict[int, str] = {
    value.number: name.removeprefix("TYPE_").lower()
    for name, value in descriptor_pb2.FieldDescriptorProto.Type.DESCRIPTOR.values_by_name.items()
}


def spelled(message: Descriptor) -> Iterator[str]:
    """Write the fields of a message as the table does."""
    written: Any = descriptor_pb2.DescriptorProto()
    message.CopyToProto(written)
    for field in written.field:
        repeated = field.label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
        mark = "*" if repeated else "?" if field.proto3_optional else ""
        yield f"{field.name} {field.number} {field.type_name.rpartition('.')[2] or NAMES[field.type]}{mark}"


@every_row("name", FIELDS)
def test_a_message_has_the_fields_of_the_service(name: str) -> None:
    """Numbers and types decide whether a client understands; names are how its library calls them."""
    wanted = [" ".join(field.split()) for field in FIELDS[name].split(",") if field.strip()]

    assert list(spelled(getattr(schema, name).DESCRIPTOR)) == wanted


def test_there_is_no_other_message() -> None:
    """The table is complete."""
    assert set(schema.DESCRIPTOR.message_types_by_name) == FIELDS.keys()


def test_a_frame_is_these_bytes() -> None:
    """A known answer, worked out by hand."""
    frame = schema.UpstreamMessage(
        send_to_group_message=schema.SendToGroupMessage(
            group="g", ack_id=1, data=schema.MessageData(text_data="hi"), no_echo=True
        )
    )

    assert frame.SerializeToString().hex(" ") == "0a 0d 0a 01 67 10 01 1a 04 0a 02 68 69 20 01"


def test_an_application_may_have_messages_of_the_same_names() -> None:
    """It may have compiled the service's own file; one process cannot have two of a name in one pool."""
    theirs = descriptor_pb2.FileDescriptorProto(
        name="webpubsub_v1.proto",
        package="azure.webpubsub",
        message_type=[descriptor_pb2.DescriptorProto(name="UpstreamMessage")],
    )

    descriptor_pool.Default().AddSerializedFile(theirs.SerializeToString())

    other = descriptor_pool.Default().FindMessageTypeByName("azure.webpubsub.UpstreamMessage")
    assert other is not schema.UpstreamMessage.DESCRIPTOR
    assert len(schema.UpstreamMessage.DESCRIPTOR.fields) == 13
