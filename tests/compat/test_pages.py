"""Listing in pages, in the shapes of the official SDK."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from azure.core.async_paging import AsyncItemPaged
from azure.core.paging import ItemPaged
from websockets.sync.client import connect

from tests.support.compat_doors import ALL, OURS, Door, Driven, opened
from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator


@pytest.fixture
def members(emulator: Emulator, hub: str) -> Iterator[set[str]]:
    """Five users in a group, connected."""
    with (
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service,
        ExitStack() as connections,
    ):
        for number in range(5):
            token = service.get_client_access_token(user_id=f"user{number}", groups=["room"])
            connections.enter_context(connect(token.url))
        yield {f"user{number}" for number in range(5)}


@pytest.mark.parametrize("door", ALL)
def test_items_come_one_by_one(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """Members with `connection_id` and `user_id`, in one iteration."""
    with opened(door, emulator, hub) as service:
        found = service.listed(service.list_connections(group="room", maxpagesize=2))

    assert {member.user_id for member in found} == members
    assert all(member.connection_id for member in found)


@pytest.mark.parametrize("door", ALL)
def test_pages_come_page_by_page(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """`by_page()`: each page is iterated as the client is coloured, `async for` with the asynchronous one."""
    with opened(door, emulator, hub) as service:
        found = service.paged(service.list_connections(group="room", maxpagesize=2).by_page())

    assert [len(page) for page in found] == [2, 2, 1]
    assert {member.user_id for page in found for member in page} == members


@pytest.mark.parametrize("door", ALL)
def test_top_ends_the_list(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """The most members in all."""
    with opened(door, emulator, hub) as service:
        assert len(service.listed(service.list_connections(group="room", top=3, maxpagesize=2))) == 3


@pytest.mark.parametrize("door", ALL)
def test_a_list_can_begin_at_a_token(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """`continuation_token_parameter`, hidden in 1.3.0."""
    with opened(door, emulator, hub) as service:
        token = next_token(emulator, hub)
        rest = service.list_connections(group="room", maxpagesize=2, continuation_token_parameter=token)
        assert len(service.listed(rest)) == 3


def next_token(emulator: Emulator, hub: str) -> str:
    """Return the token of the second page of two."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service:
        pages = service.list_connections("room", max_page_size=2).by_page()
        next(pages)
    return httpx.URL(str(pages.continuation_token)).params["continuationToken"]


def first_page(service: Driven) -> Any:
    """Read one page of two."""
    pages = service.list_connections(group="room", maxpagesize=2).by_page()
    service.settled(pages.__anext__ if hasattr(pages, "__anext__") else pages.__next__)()
    return pages


@pytest.mark.parametrize("door", OURS)
def test_a_cursor_can_be_kept(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """`pages.continuation_token`, which 1.3.0 lacks; given to `by_page` it goes on there."""
    with opened(door, emulator, hub) as service:
        token = first_page(service).continuation_token
        rest = service.listed(service.list_connections(group="room", maxpagesize=2).by_page(token))

    assert isinstance(token, str)
    assert [len(page) for page in rest] == [2, 1]


@pytest.mark.parametrize("door", OURS)
def test_a_list_is_one_of_azure_core_and_can_be_iterated_again(
    door: Door, emulator: Emulator, hub: str, members: set[str]
) -> None:
    """`next()` works, and a second iteration starts anew."""
    with opened(door, emulator, hub) as service:
        items = service.list_connections(group="room")
        first = service.settled(items.__anext__ if door.asynchronous else items.__next__)()
        again = [service.listed(items), service.listed(items)]

    assert isinstance(items, AsyncItemPaged if door.asynchronous else ItemPaged)
    assert first in again[0]
    assert again[0] == again[1]


@pytest.mark.parametrize("door", OURS)
def test_a_page_is_a_list_as_well(door: Door, emulator: Emulator, hub: str, members: set[str]) -> None:
    """In both colours: it has a length, and can be iterated without `async`."""
    with opened(door, emulator, hub) as service:
        (page,) = service.listed(service.list_connections(group="room").by_page())

    assert len(page) == 5
    assert {member.user_id for member in page} == members


@pytest.mark.parametrize("door", OURS)
def test_a_wrong_call_is_refused_at_once(door: Door, emulator: Emulator, hub: str) -> None:
    """Not when it is iterated."""
    with opened(door, emulator, hub) as service:
        with pytest.raises(ValueError, match="top must be from 1"):
            service.list_connections(group="room", top=0)
        with pytest.raises(TypeError, match="has no argument 'nonsense'"):
            service.list_connections(group="room", nonsense=1)
        with pytest.raises(TypeError, match="has no argument 'cls'"):
            service.list_connections(group="room", cls=print)
