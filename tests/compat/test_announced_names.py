"""The names that the next release of the official SDK announces, and the laxness of ids."""

import io
import json
from typing import Any
from uuid import UUID

import pytest
from websockets.sync.client import connect

from tests.support.compat_doors import ALL, OURS, Door, opened
from webpubsub.emulator import Emulator
from webpubsub_rest.v2024_12_01 import AddToGroupsRequest

FORMS: dict[str, Any] = {
    "a mapping": lambda request: request,
    "a stream": lambda request: io.BytesIO(json.dumps(request).encode()),
    "a model": lambda request: AddToGroupsRequest.from_dict(request),
}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("door", OURS)
def test_connections_are_put_into_groups(door: Door, make: Any, by_name: bool, emulator: Emulator, hub: str) -> None:
    """`groups_to_add` and `groups_to_remove`: a mapping, a stream of JSON, a model of the raw layer."""
    request = {"groups": ["a", "b"], "filter": "userId eq 'ann'"}

    with opened(door, emulator, hub) as service:
        url = service.get_client_access_token(user_id="ann")["url"]
        with connect(url):
            if by_name:
                service.add_connections_to_groups(groups_to_add=make(request), content_type="application/json")
            else:
                service.add_connections_to_groups(make(request))
            joined = service.group_exists("a"), service.group_exists("b")
            if by_name:
                service.remove_connections_from_groups(groups_to_remove=make(request))
            else:
                service.remove_connections_from_groups(make(request))
            left = service.group_exists("a"), service.group_exists("b")

    assert joined == (True, True)
    assert left == (False, False)


@pytest.mark.parametrize("door", OURS)
def test_the_native_form_works_as_well(door: Door, emulator: Emulator, hub: str) -> None:
    """Groups and a filter, each by its name or not."""
    with opened(door, emulator, hub) as service:
        service.add_connections_to_groups(["a"], "userId eq 'ann'")
        service.add_connections_to_groups(groups=["a"], filter="userId eq 'ann'")
        service.remove_connections_from_groups(["a"], filter="userId eq 'ann'", retry_total=0)


@pytest.mark.parametrize("door", OURS)
def test_a_wrong_selection_is_refused(door: Door, emulator: Emulator, hub: str) -> None:
    """No filter would mean everybody, so a name that is not known is no small thing."""
    with opened(door, emulator, hub) as service:
        with pytest.raises(ValueError, match="groups_to_add must hold groups and filter; it held 'filters'"):
            service.add_connections_to_groups({"groups": ["a"], "filters": "userId eq 'ann'"})
        with pytest.raises(ValueError, match="groups must hold at least one group"):
            service.remove_connections_from_groups({"filter": "userId eq 'ann'"})
        with pytest.raises(ValueError, match="groups must hold at least one group"):
            service.add_connections_to_groups()
        with pytest.raises(TypeError, match="groups_to_add already holds a filter"):
            service.add_connections_to_groups({"groups": ["a"], "filter": "x"}, filter="y")


@pytest.mark.parametrize("door", OURS)
def test_permissions_are_checked_under_both_names(door: Door, emulator: Emulator, hub: str) -> None:
    """`check_permission` is `has_permission`."""
    with opened(door, emulator, hub) as service:
        url = service.get_client_access_token(user_id="ann", groups=["room"])["url"]
        with connect(url):
            (member,) = service.listed(service.list_connections_in_group(group="room", top=1))
            service.grant_permission("sendToGroup", member.connection_id, target_name="room")
            checked = service.check_permission("sendToGroup", member.connection_id, target_name="room")
            other = service.check_permission("joinLeaveGroup", member.connection_id, "room", retry_total=0)
            told = service.check_permission(
                "sendToGroup", member.connection_id, "room", cls=lambda response, *_: response.http_response.status_code
            )
            (again,) = service.listed(service.list_connections_in_group("room"))

    assert (checked, other, told) == (True, False, 200)
    assert again == member


IDS: list[Any] = ["ann", 42, UUID(int=7)]


@pytest.mark.parametrize("user_id", IDS)
@pytest.mark.parametrize("door", ALL)
def test_ids_may_be_numbers_and_uuids(door: Door, user_id: Any, emulator: Emulator, hub: str) -> None:
    """As their text, wherever an id or a group is wanted."""
    with opened(door, emulator, hub) as service:
        assert service.user_exists(user_id) is False
        assert service.connection_exists(user_id) is False
        assert service.group_exists(user_id) is False
        service.send_to_user(user_id, "hi")
        service.send_to_connection(user_id, "hi")
        service.send_to_group(user_id, "hi", excluded=[user_id])
        service.close_user_connections(user_id)
        service.close_connection(user_id)
        service.remove_user_from_all_groups(user_id)
        service.remove_user_from_group(user_id, user_id)
        assert service.listed(service.list_connections(group=user_id)) == []


@pytest.mark.parametrize("user_id", IDS)
@pytest.mark.parametrize("door", OURS)
def test_the_user_of_a_token_may_be_a_number(door: Door, user_id: Any, emulator: Emulator, hub: str) -> None:
    """Django's `user.id`; in the token it is text, which the service wants."""
    with opened(door, emulator, hub) as service:
        url = service.get_client_access_token(user_id=user_id, groups=[user_id])["url"]
        with connect(url):
            assert service.user_exists(str(user_id)) is True
            assert service.group_exists(str(user_id)) is True
