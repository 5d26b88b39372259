"""The vocabulary of the client: values that survive JSON, pickle and comparison, and hide what is secret."""

import json
import pickle

import pytest

from webpubsub import ClientAccessToken, ClientProtocol, ConfigurationError, GroupMember, Permission, Role
from webpubsub.emulator._hub.permissions import Permissions
from webpubsub.models import check_roles

PATHS = [
    (ClientProtocol.DEFAULT, "/client/hubs/Chat"),
    (ClientProtocol.MQTT, "/clients/mqtt/hubs/Chat"),
    (ClientProtocol.SOCKET_IO, "/clients/socketio/hubs/Chat"),
]


@pytest.mark.parametrize(("protocol", "path"), PATHS)
def test_each_client_protocol_has_its_path(protocol: ClientProtocol, path: str) -> None:
    """The case of the hub is kept, as in the official SDK."""
    assert protocol.path("Chat") == path


def test_permissions_and_protocols_are_the_strings_of_the_service() -> None:
    """They can be used wherever a str is wanted."""
    assert [*Permission] == ["sendToGroup", "joinLeaveGroup"]
    assert [*ClientProtocol] == ["Default", "MQTT", "SocketIO"]
    assert json.dumps(Permission.SEND_TO_GROUP) == '"sendToGroup"'


def test_a_client_access_token_is_the_dict_of_the_official_sdk_with_attributes() -> None:
    """Both ways of reading it give the same, and it goes through a JSON encoder."""
    token = ClientAccessToken("wss://h/client/hubs/chat", "abc")
    official = {
        "baseUrl": "wss://h/client/hubs/chat",
        "token": "abc",
        "url": "wss://h/client/hubs/chat?access_token=abc",
    }

    assert token == official
    assert (token.base_url, token.token, token.url) == tuple(official.values())
    assert json.loads(json.dumps(token)) == official


def test_a_client_access_token_hides_its_token() -> None:
    """`repr` and `str` are safe to log; a copy through pickle is whole."""
    token = ClientAccessToken("wss://h/client/hubs/chat", "abc")

    assert repr(token) == "ClientAccessToken(base_url='wss://h/client/hubs/chat', token=REDACTED)"
    assert str(token) == f"{token}" == repr(token)
    assert pickle.loads(pickle.dumps(token)) == token
    assert type(pickle.loads(pickle.dumps(token))) is ClientAccessToken


ROLES = {
    "webpubsub.sendToGroup": Role.send_to_group(),
    "webpubsub.sendToGroup.a.b": Role.send_to_group("a.b"),
    "webpubsub.joinLeaveGroup": Role.join_leave_group(),
    "webpubsub.joinLeaveGroup.room": Role.join_leave_group("room"),
    "webpubsub.sendToGroups.room.*": Role.send_to_groups("room.*"),
    r"webpubsub.joinLeaveGroups.a?**\*\?\\*": Role.join_leave_groups(r"a?**\*\?\\*"),
    "webpubsub.getGroupState": Role.get_group_state(),
    "webpubsub.setGroupState": Role.set_group_state(),
}


@pytest.mark.parametrize(("text", "role"), ROLES.items())
def test_a_role_is_the_str_that_the_service_knows(text: str, role: Role) -> None:
    """Made or written, it passes the check and is JSON; the local service takes it."""
    assert role == text
    assert json.dumps(check_roles([role])) == json.dumps([text])
    assert check_roles([text]) == [text]
    assert Permissions([text]) is not None


MISTYPED = {
    "webpubsub.sendToGruop.room": "did you mean 'webpubsub.sendToGroup....'?",
    "webpubsub.sendtogroup": "did you mean 'webpubsub.sendToGroup...'?",
    "sendToGroup.room": "did you mean 'webpubsub.sendToGroup....'?",
    "joinLeaveGroup": "did you mean 'webpubsub.joinLeaveGroup...'?",
    "webpubsub.joinLeaveGroups": "needs a pattern",
    "webpubsub.joinLeaveGroup.": "roles[0] must not be empty",
    "webpubsub.sendToGroups.": "a pattern must have 1 to 1024 characters",
    "webpubsub.sendToGroups.******": "at most 5 times *",
    "webpubsub.getGroupState.room": "is for all groups",
    r"webpubsub.sendToGroups.a\b": "must be followed by",
    "webpubsub.sendToGroups.a\\": "must be followed by",
    "": "roles[0] must not be empty",
    "\ud800": "surrogate",
}


@pytest.mark.parametrize(("role", "reason"), MISTYPED.items(), ids=range(len(MISTYPED)))
def test_a_mistyped_role_is_refused(role: str, reason: str) -> None:
    """The service takes it without a word, and the client may do nothing."""
    with pytest.raises(ConfigurationError) as refused:
        check_roles([role])

    assert reason in str(refused.value)


def test_roles_of_ones_own_pass() -> None:
    """An event handler may know them."""
    assert check_roles(["admin", "r.1", "webpubsub.newThing"]) == ["admin", "r.1", "webpubsub.newThing"]
    assert check_roles(None) is None
    with pytest.raises(TypeError, match=r"roles\[0\] must be a str, not int"):
        check_roles([7])  # type: ignore[list-item]


@pytest.mark.parametrize("pattern", ["", "******", "a\\b", "x" * 1025, "\ud800"])
def test_a_pattern_is_checked_where_it_is_written(pattern: str) -> None:
    """Both kinds of roles with patterns."""
    for make in (Role.send_to_groups, Role.join_leave_groups):
        with pytest.raises(ConfigurationError, match="pattern"):
            make(pattern)


def test_group_members_are_compared_by_value() -> None:
    """Two answers about the same connection are equal; a connection may have no user."""
    ann = GroupMember(connection_id="c1", user_id="ann")

    assert ann == GroupMember("c1", "ann")
    assert ann != GroupMember("c1")
    assert GroupMember("c1").user_id is None
    assert "c1" in repr(ann)
    assert pickle.loads(pickle.dumps(ann)) == ann
