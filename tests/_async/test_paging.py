"""Listing: items and pages, where to go on later, and links that lead elsewhere."""

import pickle
from collections.abc import AsyncIterator

import httpx
import pytest

from webpubsub import ConfigurationError, GroupMember, NotFoundError
from webpubsub.aio import AsyncItemPaged, WebPubSubServiceClient

from ..support.wire import ENDPOINT, KEY, Wire, audience, page

NEXT = f"{ENDPOINT}/api/hubs/chat/groups/g/connections?api-version=2024-12-01&continuationToken=a%2Fb%3D"


def three_pages() -> Wire:
    """Answer with the connections c1 to c5 on three pages, and again from the first."""
    pages = [page(["c1", "c2"], NEXT), page(["c3", "c4"], f"{NEXT}&n=3"), page(["c5"])]
    return Wire(*pages, page(["c1"]))


async def collect(members: AsyncItemPaged[GroupMember], found: list[GroupMember]) -> None:
    """Put every item into a list as it comes."""
    async for member in members:
        found += [member]


@pytest.fixture
def wire() -> Wire:
    return three_pages()


@pytest.fixture
async def members(wire: Wire) -> AsyncIterator[AsyncItemPaged[GroupMember]]:
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        yield service.list_connections("g", max_page_size=2)


async def test_nothing_is_sent_before_the_first_item_is_wanted(wire: Wire) -> None:
    """Listing is free until it is iterated, and then asks for no page too many."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        members = service.list_connections("g")
        assert wire.requests == []
        async for member in members:
            assert member == GroupMember("c1")
            break

    assert len(wire.requests) == 1


async def test_all_items_come_one_by_one(members: AsyncItemPaged[GroupMember], wire: Wire) -> None:
    """The pages are fetched behind the scenes, each link as the service wrote it, signed for its own URL."""
    assert [member.connection_id async for member in members] == ["c1", "c2", "c3", "c4", "c5"]
    assert [str(request.url) for request in wire.requests] == [
        f"{ENDPOINT}/api/hubs/chat/groups/g/connections?api-version=2024-12-01&maxpagesize=2",
        NEXT,
        f"{NEXT}&n=3",
    ]
    assert [audience(request) for request in wire.requests] == [str(request.url) for request in wire.requests]


async def test_a_list_can_be_iterated_again(members: AsyncItemPaged[GroupMember]) -> None:
    """Each time anew; the official SDK yields nothing the second time."""
    first = [member.connection_id async for member in members]
    second = [member.connection_id async for member in members]

    assert (first, second) == (["c1", "c2", "c3", "c4", "c5"], ["c1"])


async def test_pages_are_lists_with_a_token_to_go_on_from(members: AsyncItemPaged[GroupMember]) -> None:
    """The token is None before the first page and after the last."""
    pages = members.by_page()
    tokens = [pages.continuation_token]
    found = []

    async for members_of_page in pages:
        found.append([member.connection_id for member in members_of_page])
        tokens.append(pages.continuation_token)

    assert found == [["c1", "c2"], ["c3", "c4"], ["c5"]]
    assert tokens == [None, NEXT, f"{NEXT}&n=3", None]


async def test_a_saved_token_resumes_where_it_was_taken(wire: Wire) -> None:
    """With another client, after a restart for example: a token is a str."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        pages = service.list_connections("g").by_page()
        await anext(pages)
        saved = pickle.dumps(pages.continuation_token)

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        rest = service.list_connections("g").by_page(continuation_token=pickle.loads(saved))
        found = [[member.connection_id for member in page] async for page in rest]

    assert found == [["c3", "c4"], ["c5"]]
    assert str(wire.requests[1].url) == NEXT


async def test_a_bare_token_of_the_service_resumes_too(wire: Wire) -> None:
    """As `continuationToken`, not as a path; the official SDK asks for `/{token}`."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        await anext(service.list_connections("g", top=7).by_page("a/b="))

    assert wire.target == "/api/hubs/chat/groups/g/connections?api-version=2024-12-01&top=7&continuationToken=a%2Fb%3D"


async def test_after_the_last_page_there_is_none(members: AsyncItemPaged[GroupMember], wire: Wire) -> None:
    """An iterator that has ended stays so, without another request."""
    pages = members.by_page()
    async for _ in pages:
        pass

    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    assert len(wire.requests) == 3


async def test_a_page_that_failed_can_be_asked_for_again() -> None:
    """The token still points to it."""
    wire = Wire(page(["c1"], NEXT), httpx.Response(404), page(["c2"]))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        pages = service.list_connections("g").by_page()
        await anext(pages)
        with pytest.raises(NotFoundError):
            await anext(pages)
        assert pages.continuation_token == NEXT
        assert await anext(pages) == [GroupMember("c2")]


FOREIGN = [
    "https://evil.example/api/hubs/chat/groups/g/connections",
    "http://example.webpubsub.azure.com/api/hubs/chat/groups/g/connections",
    "https://example.webpubsub.azure.com:8443/api/hubs/chat/groups/g/connections",
    "https://example.webpubsub.azure.com.evil.example/",
    "https://example.webpubsub.azure.com@evil.example/",
]


@pytest.mark.parametrize("link", FOREIGN)
async def test_a_link_to_another_host_is_not_followed(link: str) -> None:
    """No request is made there, so no credential gets there; the items before it are given."""
    wire = Wire(page(["c1"], link))
    found: list[GroupMember] = []

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        with pytest.raises(ConfigurationError, match="The next page is at another address"):
            await collect(service.list_connections("g"), found)
        with pytest.raises(ConfigurationError, match="The next page is at another address"):
            await anext(service.list_connections("g").by_page(continuation_token=link))

    assert found == [GroupMember("c1")]
    assert len(wire.requests) == 1


async def test_a_link_that_is_only_a_path_stays_at_the_service() -> None:
    """Relative links are followed as well."""
    wire = Wire(page(["c1"], "/api/next?x=%27"), page(["c2"]))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        found = [member.connection_id async for member in service.list_connections("g")]

    assert found == ["c1", "c2"]
    assert str(wire.requests[1].url) == f"{ENDPOINT}/api/next?x=%27"


async def test_behind_a_proxy_links_of_the_service_go_through_the_proxy() -> None:
    """The service does not know the proxy and hands out links to itself."""
    wire = Wire(page(["c1"], NEXT), page(["c2"]))

    async with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, reverse_proxy_endpoint="http://proxy/x"
    ) as service:
        found = [member.connection_id async for member in service.list_connections("g")]

    assert found == ["c1", "c2"]
    assert str(wire.requests[1].url) == NEXT.replace(ENDPOINT, "http://proxy/x")
    assert audience(wire.requests[1]) == NEXT


async def test_the_options_of_a_list_hold_for_all_its_pages(wire: Wire) -> None:
    """Headers and timeouts of the call are on every request that it leads to."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        members = service.list_connections("g", headers={"X-Own": "1"}, read_timeout=3)
        assert len([member async for member in members]) == 5

    assert [request.headers["x-own"] for request in wire.requests] == ["1"] * 3
    assert [request.extensions["timeout"]["read"] for request in wire.requests] == [3] * 3


async def test_empty_pages_are_passed_over() -> None:
    """A page without items is not the end."""
    wire = Wire(page([], NEXT), page(["c1"]))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        assert [member.connection_id async for member in service.list_connections("g")] == ["c1"]


async def test_members_have_users_or_none() -> None:
    """As the service wrote them; what it adds one day is not in the way."""
    answer = {"value": [{"connectionId": "c1", "userId": "ann"}, {"connectionId": "c2", "new": 1}], "nextLink": None}
    wire = Wire(httpx.Response(200, json=answer))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        found = [member async for member in service.list_connections(group="g")]

    assert found == [GroupMember("c1", "ann"), GroupMember("c2", None)]
