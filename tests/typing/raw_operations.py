"""Never run, only checked: mypy and pyright see every argument and result of a raw operation.

A line with an ignore is a mistake that both have to report; an ignore that suppresses nothing is an error itself.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import assert_type

import httpx

from webpubsub_rest import BinaryBody, JsonBody, JSONValue, Request, Response, TextBody
from webpubsub_rest import v2024_12_01 as rest
from webpubsub_rest.chat import v2026_08_01_preview as chat
from webpubsub_rest.v2024_12_01.api.groups.send_to_group import send_to_group
from webpubsub_rest.v2024_12_01.models import AddToGroupsRequest, GroupMemberPagedValues


async def right(http: httpx.Client, ahttp: httpx.AsyncClient, strings: dict[str, list[str]]) -> None:
    """Everything here is accepted, with these results."""
    assert_type(rest.send_to_group.build("hub", "group", body=TextBody("x"), excluded={"a"}), Request)
    assert_type(send_to_group.sync(http, "hub", "group", body=JsonBody(strings), filter_=None), None)
    assert_type(await send_to_group.asyncio(ahttp, "hub", "group", body=BinaryBody(b"")), None)
    assert_type(rest.group_exists.sync(http, "hub", group="group"), bool)
    assert_type(rest.group_exists.sync_detailed(http, "hub", "group"), Response[bool])
    assert_type(await rest.group_exists.asyncio_detailed(ahttp, "hub", "group"), Response[bool])
    assert_type(rest.list_connections_in_group.sync(http, "hub", "group", top=1), GroupMemberPagedValues)
    assert_type(rest.generate_client_token.sync(http, "hub", client_type="MQTT").token, str)
    assert_type(rest.add_connections_to_groups.sync(http, "hub", body=AddToGroupsRequest(["a"])), None)
    assert_type(http.request(**rest.group_exists.build("hub", "group")), httpx.Response)


async def right_in_chat(http: httpx.Client, ahttp: httpx.AsyncClient) -> None:
    """Pages in both colours, alternatives, and fields that may be left out."""
    assert_type(chat.list_rooms.pages(http, "hub"), Iterator[chat.PagedChatRoom])
    assert_type(chat.list_rooms.pages(ahttp, "hub", maxpagesize=1), AsyncIterator[chat.PagedChatRoom])
    assert_type(chat.get_user.sync(http, "hub", "ann"), chat.HumanChatUser | Mapping[str, JSONValue])
    assert_type(chat.update_topic.sync(http, "hub", "r", "t", body=chat.ChatTopicUpdate(state=None)), chat.ChatTopic)
    chat.create_or_replace_role.sync(http, "hub", "room.x", body=chat.ChatRoleInput(["room.history", "new"]))


async def wrong_in_chat(http: httpx.Client) -> None:
    """Everything here is refused."""
    chat.list_rooms.pages(http)  # type: ignore[call-overload]
    chat.update_topic.sync(http, "hub", "r", "t", body={"title": "T"})  # type: ignore[arg-type]
    chat.ChatRoomInput(title="T", id="r")  # type: ignore[call-arg]
    chat.ChatRoomInput(title=None)  # type: ignore[arg-type]


async def wrong(http: httpx.Client, ahttp: httpx.AsyncClient) -> None:
    """Everything here is refused."""
    rest.send_to_group.sync(ahttp, "hub", "group", body=TextBody("x"))  # type: ignore[arg-type]
    await rest.send_to_group.asyncio(http, "hub", "group", body=TextBody("x"))  # type: ignore[arg-type]
    rest.send_to_group.sync(http, "hub", body=TextBody("x"))  # type: ignore[call-arg]
    rest.send_to_group.sync(http, "hub", "group")  # type: ignore[call-arg]
    rest.send_to_group.sync(http, "hub", "group", body="x")  # type: ignore[arg-type]
    rest.send_to_group.sync(http, "hub", "group", TextBody("x"))  # type: ignore[call-arg]
    rest.send_to_group.sync(http, "hub", "group", body=TextBody("x"), ttl=1)  # type: ignore[call-arg]
    rest.send_to_group.sync(http, "hub", "group", body=TextBody("x"), excluded=[1])  # type: ignore[list-item]
    rest.send_to_group.sync(http, "hub", 1, body=TextBody("x"))  # type: ignore[arg-type]
    rest.grant_permission.sync(http, "hub", 1, "connection")  # type: ignore[arg-type]
    rest.add_connections_to_groups.sync(http, "hub", body=AddToGroupsRequest("a"))  # type: ignore[arg-type]
    rest.send_to_everybody  # type: ignore[attr-defined]  # noqa: B018
    TextBody(b"x")  # type: ignore[arg-type]
    BinaryBody("x")  # type: ignore[arg-type]
    JsonBody({1, 2})  # type: ignore[arg-type]
