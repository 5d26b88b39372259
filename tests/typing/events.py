"""Never run, only checked: mypy and pyright see what event handlers may take and return.

A line with an ignore is a mistake that both have to report; an ignore that suppresses nothing is an error itself.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_type

from webpubsub import AzureKeyCredential
from webpubsub.events import (
    AcceptReply,
    ConnectedEvent,
    ConnectEvent,
    Event,
    EventHandler,
    GroupJoinedEvent,
    HttpResponse,
    MessageReply,
    RejectReply,
    UserEvent,
    accept,
    make_response,
    parse_event,
    reject,
    reply,
)


@dataclass
class Order:
    """What a client sends."""

    number: int


handler = EventHandler(hub="chat", access_keys=["key", AzureKeyCredential("key")], max_age=timedelta(minutes=5))
EventHandler(hub=["chat", "news"], connection_string="Endpoint=...", allowed_origins=["*"], body_limit=10, threads=4)
EventHandler(hub="chat", access_keys=["key"], accesskeys=["key"])  # type: ignore[call-arg]
EventHandler(access_keys=["key"])  # type: ignore[call-arg]


@handler.on_connect
async def connect(event: ConnectEvent) -> AcceptReply | RejectReply | None:
    """Everything that a connect function may return."""
    assert_type(event.query, Mapping[str, tuple[str, ...]])
    return reject(401) if event.user_id is None else accept(groups=["a"])


@handler.on_connect
def connect_at_once(event: Event) -> AcceptReply:
    """A function may want less than it gets."""
    assert_type(event.time, datetime | None)
    return accept(state=Order(1), user_properties={"a": "b"})


@handler.on_connect  # type: ignore[type-var]
def connect_with_text(event: ConnectEvent) -> str:
    """Text is no reply to connect."""
    return "yes"


@handler.on_connected  # type: ignore[type-var]
def wrong_event(event: GroupJoinedEvent) -> None:
    """Another event than it would get."""


@handler.on_event("order")
async def order(event: UserEvent[Order]) -> Order:
    """A payload as a type, and a value as the reply."""
    assert_type(event.data, Order)
    assert_type(event.data_as(int), int)
    assert_type(event.state_as(Order), Order | None)
    return event.data


@handler.on_message
def message(event: UserEvent[str]) -> MessageReply:
    """A decorated function stays what it is."""
    return reply(event.data, content_type="text/plain", metadata={"a": "b"})


@handler.on_connected
async def connected(event: ConnectedEvent) -> None:
    """Nothing is returned to the service."""


async def check() -> None:
    """Results of the rest."""
    assert_type(await order(UserEvent(**{})), Order)
    client = handler.test_client()
    assert_type(await client.connect(user_id="ann", query={"a": ["b"]}), AcceptReply | RejectReply)
    assert_type(await client.event("order", {"number": 1}, connection_id="c"), MessageReply | RejectReply)
    assert_type(await client.joined("group"), None)
    await client.event("order", user="ann")  # type: ignore[call-arg]
    assert_type(await handler.respond("POST", {"a": "b"}, b""), HttpResponse)
    event = parse_event("POST", [(b"a", b"b")], b"", access_keys=["key"])
    if isinstance(event, UserEvent):
        assert_type(event.data, Any)
    status, headers, body = make_response(event, reject(400))
    assert_type(status, int)
    assert_type(headers, list[tuple[str, str]])
    assert_type(body, bytes)
