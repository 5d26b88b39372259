"""What real traffic of the emulator is billed as: outbound messages and requests to event handlers, by the byte."""

from typing import Any

import httpx
import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Billing, ClientFault, Emulator, EventHandlerSettings
from webpubsub.emulator._billing import Meter
from webpubsub.emulator._clients.codec import Codec
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._clients.protobuf_v1 import ProtobufCodec
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._hub.messages import (
    Ack,
    Connected,
    DataType,
    Disconnected,
    Failure,
    GroupState,
    InvokeResponse,
    Message,
    Payload,
    Pong,
    Send,
    ServerMessage,
    StreamAck,
    StreamClosed,
    StreamNack,
)
from webpubsub.events import EventHandler, UserEvent

TEXT = Payload(DataType.TEXT, "häh")
SEND_AND_JOIN = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"]


def test_readings_are_added_and_subtracted() -> None:
    """Each figure by itself; the cost of something is what came after it less what was before."""
    before, after = Billing(1, 100, 1, 48, 2), Billing(4, 2048, 2, 148, 7)

    assert after - before == Billing(3, 1948, 1, 100, 5)
    assert (after - before) + before == after
    assert (after - before).messages == 1
    assert str(after - before) == (
        "1.00 messages billed: 1948 bytes in 3 deliveries to clients, 100 bytes in 1 requests to event handlers"
    )


@pytest.mark.parametrize("other", [1, None, (1, 2, 3, 4, 5)])
def test_a_reading_goes_with_readings_only(other: Any) -> None:
    """A number in its place is a mistake, and no sum."""
    with pytest.raises(TypeError):
        Billing() + other
    with pytest.raises(TypeError):
        Billing() - other


def test_each_hub_has_a_meter() -> None:
    """Their sum is that of the emulator; the case of a name does not matter, and looking makes no meter."""
    meter = Meter()
    meter.hub("Chat").delivered(2049)
    meter.hub("chat").delivered(1)
    meter.hub("other").called(5000, times=2)
    meter.hub("other").called(10, times=0)

    assert meter.reading("CHAT") == Billing(2, 2050, 0, 0, 3)
    assert meter.reading("other") == Billing(0, 0, 2, 10_000, 6)
    assert meter.reading("third") == Billing()
    assert meter.reading() == Billing(2, 2050, 2, 10_000, 9)


BILLED: list[ServerMessage] = [Message(TEXT), Message(TEXT, "room"), InvokeResponse("1", TEXT)]
FREE: list[ServerMessage] = [
    Ack(1),
    Connected("c1", "ann"),
    Disconnected("enough"),
    Pong(),
    StreamAck("s", 1),
    StreamNack("s", 1, Failure("InvalidSequenceId", "1")),
    StreamClosed("s"),
]


@pytest.mark.parametrize("codec", [JsonCodec(), ProtobufCodec()])
def test_what_somebody_has_sent_is_billed_and_what_the_service_says_itself_is_not(codec: Codec) -> None:
    """Messages, group state and responses to invocations, but no greetings, acknowledgements and pongs."""
    billed = [codec.encode(message) for message in [*BILLED, Message(TEXT, "room", state=GroupState(True, ()))]]
    free = [codec.encode(message) for message in FREE]

    assert [isinstance(send, Send) and send.is_message for send in billed] == [True] * 4
    assert [isinstance(send, Send) and not send.is_message for send in free] == [True] * len(FREE)


def test_a_frame_is_as_large_as_its_bytes() -> None:
    """Those of UTF-8, not characters; an envelope counts."""
    simple, enveloped = SimpleCodec().encode(Message(TEXT)), JsonCodec().encode(Message(TEXT))
    assert isinstance(simple, Send)
    assert isinstance(enveloped, Send)

    assert (simple.size, simple.is_message) == (4, True)
    assert enveloped.size == len('{"type":"message","from":"server","dataType":"text","data":"häh"}'.encode())
    assert Send(b"123").size == 3


def test_a_message_is_billed_once_for_each_client(emulator: Emulator, hub: str) -> None:
    """Sent over REST or by a client: what comes in is free, and so are acknowledgements and other hubs."""
    service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub)
    other = WebPubSubServiceClient.from_connection_string(emulator.connection_string, f"{hub}other")
    connect = [emulator.connect(hub, groups=["room"], roles=SEND_AND_JOIN) for _ in range(3)]
    with service, other, connect[0] as ann, connect[1] as bob, connect[2] as cid:
        service.send_to_all("x" * 3000, content_type="text/plain")
        other.send_to_all("nobody is here")
        ann.send_to_group("room", "hi", no_echo=True)
        ann.join_group("other")
        for client, count in ((ann, 1), (bob, 2), (cid, 2)):
            assert len([client.receive() for _ in range(count)]) == count
        billing = emulator.hub(hub).billing
        text = sum(len(message.frame["data"]) for client in (ann, bob, cid) for message in client.received)

    assert (billing.deliveries, billing.events, billing.event_bytes) == (5, 0, 0)
    assert billing.rounded_up == 3 * 2 + 2
    assert text == 9004
    assert 9004 < billing.delivered_bytes < 9004 + 5 * 120
    assert billing.messages == billing.delivered_bytes / 2048
    assert emulator.hub(f"{hub}OTHER").billing == Billing()
    assert emulator.billing.deliveries >= 5


def test_event_handlers_are_billed_by_the_byte_and_the_try() -> None:
    """The body of each request counts, in this process too; an event that nobody hears costs nothing."""
    handler = EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"])

    @handler.on_event("order")
    def order(event: UserEvent[str]) -> str:
        return event.data[:5]

    settings = EventHandlerSettings(app=handler.asgi, system_events=[], event_pattern="order")
    with Emulator(event_handlers={"chat": settings}) as emulator, emulator.connect("chat") as ann:
        ann.send_event("order", "x" * 4096)
        reply = ann.receive()
        billing = emulator.billing

    assert reply.data == "xxxxx"
    assert (billing.events, billing.event_bytes, billing.deliveries) == (1, 4096, 1)
    assert billing.rounded_up == 3
    assert billing.messages == (4096 + billing.delivered_bytes) / 2048


def test_a_feature_costs_at_most_so_many_messages_for_each_user_and_minute(emulator: Emulator, hub: str) -> None:
    """The test that one writes: what a minute of it costs, divided by the users."""
    users = ["ann", "bob", "cid"]
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service:
        connect = [emulator.connect(hub, user_id=user, groups=["room"]) for user in users]
        with connect[0] as ann, connect[1], connect[2]:
            before = emulator.hub(hub).billing
            for second in range(0, 60, 10):  # presence of one minute
                service.send_to_group("room", {"online": users, "at": second})
            ann.wait_for(lambda message: message.data["at"] == 50)
            cost = emulator.hub(hub).billing - before

    assert cost.deliveries == 18
    assert 0.1 < cost.messages / len(users) <= 0.7, str(cost)
    assert cost.rounded_up / len(users) == 6


def test_what_is_lost_on_purpose_is_not_billed(emulator: Emulator, hub: str) -> None:
    """What has not left the service costs nothing; what has left it twice costs twice."""
    emulator.faults.add(ClientFault(action="lose", hub=hub), ClientFault(action="duplicate", hub=hub))
    service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub)
    with service, emulator.connect(hub) as ann:
        service.send_to_all(1)
        service.send_to_all(2)
        assert [ann.receive().data, ann.receive().data] == [2, 2]

        assert emulator.hub(hub).billing.deliveries == 2


def test_a_suite_in_another_language_reads_it_over_http(emulator: Emulator, hub: str) -> None:
    """Of one hub or of all."""
    service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub)
    with service, emulator.connect(hub) as ann:
        service.send_to_all("hi", content_type="text/plain")
        ann.receive()
    read = httpx.get(f"{emulator.endpoint}/_emulator/billing", params={"hub": hub}).json()
    everything = httpx.get(f"{emulator.endpoint}/_emulator/billing").json()

    billing = emulator.hub(hub).billing
    assert read == {
        "messages": billing.messages,
        "deliveries": 1,
        "deliveredBytes": billing.delivered_bytes,
        "events": 0,
        "eventBytes": 0,
        "roundedUp": 1,
    }
    assert everything["deliveries"] >= 1
