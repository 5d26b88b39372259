"""The vocabulary of the client: values that survive JSON, pickle and comparison, and hide what is secret."""

import json
import pickle

import pytest

from webpubsub import ClientAccessToken, ClientProtocol, GroupMember, Permission

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


def test_group_members_are_compared_by_value() -> None:
    """Two answers about the same connection are equal; a connection may have no user."""
    ann = GroupMember(connection_id="c1", user_id="ann")

    assert ann == GroupMember("c1", "ann")
    assert ann != GroupMember("c1")
    assert GroupMember("c1").user_id is None
    assert "c1" in repr(ann)
    assert pickle.loads(pickle.dumps(ann)) == ann
