"""The chat preview, called raw: conditional changes, pages, answers that differ by status, alternatives."""

import json

import httpx
import pytest

from webpubsub import RetryPolicy
from webpubsub.aio import WebPubSubServiceClient
from webpubsub_rest import UNSET, UnexpectedContent
from webpubsub_rest.chat import v2026_08_01_preview as chat

from ..support.wire import ENDPOINT, KEY, Wire, audience

AT_ONCE = RetryPolicy(attempts=3, base_delay_seconds=0)
CHAT = f"{ENDPOINT}/api/hubs/hub/chat"
VERSION = "api-version=2026-08-01-preview"
MESSAGE = {
    "id": "7",
    "createdBy": "ann",
    "content": {"binary": "AP8="},
    "createdAt": "2026-08-01T10:00:00.1234567Z",
    "etag": '"2"',
}
ANN = {"kind": "Human", "id": "ann", "nickname": "Ann", "etag": '"1"', "roleName": "user.guest"}
BOT = {"kind": "Bot", "id": "bot", "nickname": "Bot", "etag": '"1"', "skills": ["weather"]}


def users(*members: object, link: str | None = None) -> httpx.Response:
    """One page of users."""
    return httpx.Response(200, json={"value": members, **({"nextLink": link} if link else {})})


async def test_a_conditional_patch_is_repeated_as_it_was() -> None:
    """After a 503 the same content goes out once more, under the same condition; what is left out is not null."""
    wire = Wire(httpx.Response(503), httpx.Response(200, json=MESSAGE))
    body = chat.models.ChatMessageUpdate(content=chat.models.MessageContentPatch(text=None, binary=b"\x00\xff"))

    async with WebPubSubServiceClient(ENDPOINT, "hub", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        message = await chat.update_message.asyncio(service.http, "hub", "c.r.t", "7", body=body, if_match='"1"')

    assert [(request.method, str(request.url)) for request in wire.requests] == [
        ("PATCH", f"{CHAT}/conversations/c.r.t/messages/7?{VERSION}")
    ] * 2
    assert [json.loads(request.content) for request in wire.requests] == [
        {"content": {"text": None, "binary": "AP8="}}
    ] * 2
    assert {request.headers["content-type"] for request in wire.requests} == {"application/merge-patch+json"}
    assert [request.headers["if-match"] for request in wire.requests] == ['"1"'] * 2
    assert {"if-none-match"}.isdisjoint(wire.requests[0].headers)
    assert body.created_by is UNSET
    assert (message.content.binary, message.content.text, message.created_at.isoformat()) == (
        b"\x00\xff",
        None,
        "2026-08-01T10:00:00.123456+00:00",
    )


async def test_all_pages_are_followed() -> None:
    """Three pages, each asked for when it is needed, by its link and with a signature of its own."""
    links = [f"{CHAT}/users?{VERSION}&continuationToken={token}" for token in ("a%2Fb", "c")]
    wire = Wire(users(ANN, link=links[0]), users(BOT, link=links[1]), users())

    async with WebPubSubServiceClient(ENDPOINT, "hub", KEY, transport=wire.transport) as service:
        pages = chat.list_users.pages(service.http, "hub", maxpagesize=1)
        assert wire.requests == []
        found = [page.value async for page in pages]

    assert found == [[chat.models.HumanChatUser.from_dict(ANN)], [BOT], []]
    assert [str(request.url) for request in wire.requests] == [f"{CHAT}/users?{VERSION}&maxpagesize=1", *links]
    assert [audience(request) for request in wire.requests] == [str(request.url) for request in wire.requests]
    assert {request.headers["accept"] for request in wire.requests} == {"application/json"}


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("https://evil.example/users", "another address"),
        ("", "was there already"),
        (f"{CHAT}/users?{VERSION}", "was there already"),
        ("/\0", "Invalid non-printable"),
    ],
)
async def test_a_link_that_leads_astray_is_refused(link: str, says: str) -> None:
    """The credentials are for the service only, and a listing has an end; the page before is there all the same."""
    wire = Wire(httpx.Response(200, json={"value": [ANN], "nextLink": link}))

    async with WebPubSubServiceClient(ENDPOINT, "hub", KEY, transport=wire.transport) as service:
        pages = chat.list_users.pages(service.http, "hub")
        first = await anext(pages)
        with pytest.raises(UnexpectedContent) as raised:
            await anext(pages)

    assert len(first.value) == 1
    assert says in str(raised.value.__cause__)
    assert len(wire.requests) == 1


async def test_created_and_replaced_are_told_apart() -> None:
    """Both are successes with the same content; the status is in the detailed response."""
    topic = {"title": "T", "id": "t", "state": "New", "createdAt": "2026-08-01T00:00:00Z", "createdBy": "ann"}
    wire = Wire(httpx.Response(201, json={**topic, "conversationId": "c.r.t", "etag": '"1"'}, headers={"ETag": '"1"'}))

    async with WebPubSubServiceClient(ENDPOINT, "hub", KEY, transport=wire.transport) as service:
        response = await chat.create_or_replace_topic.asyncio_detailed(
            service.http, "hub", "r", "t", body=chat.models.ChatTopicInput("T"), if_none_match="*"
        )

    assert (response.status_code, response.parsed.state, response.headers["etag"]) == (201, "New", '"1"')
    assert json.loads(wire.requests[0].content) == {"title": "T"}
    assert wire.requests[0].headers["if-none-match"] == "*"


async def test_alternatives_are_read_and_sent_whole() -> None:
    """Each as a class of its own with all fields; what the document does not know comes as it is, with every key."""
    wire = Wire(httpx.Response(200, json=ANN), httpx.Response(200, json=BOT), httpx.Response(201, json=ANN))
    ann = chat.models.HumanChatUserInput("Ann", "user.guest")

    async with WebPubSubServiceClient(ENDPOINT, "hub", KEY, transport=wire.transport) as service:
        known = await chat.get_user.asyncio(service.http, "hub", "ann")
        unknown = await chat.get_user.asyncio(service.http, "hub", "bot")
        created = await chat.create_or_replace_user.asyncio(service.http, "hub", "ann", body=ann)

    assert isinstance(known, chat.models.HumanChatUser)
    assert (known.kind, known.nickname, known.role_name) == ("Human", "Ann", "user.guest")
    assert unknown == BOT
    assert created == known
    assert json.loads(wire.requests[2].content) == {"kind": "Human", "nickname": "Ann", "roleName": "user.guest"}
