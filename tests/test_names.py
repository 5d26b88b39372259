"""Names and numbers: the limits of the service, and that nothing beyond them gets through."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ClientProtocol, ConfigurationError, Permission, names

Check = Callable[[object], object]


def identifier(value: object) -> object:
    """Check an id as the client does."""
    return names.identifier(value, "user_id")  # type: ignore[arg-type]


def text(value: object) -> object:
    """Check a free text as the client does."""
    return names.text(value, "reason")  # type: ignore[arg-type]


TAKEN: list[tuple[Callable[..., object], object, object]] = [
    (names.hub, "chat", "chat"),
    (names.hub, "A", "A"),
    (names.hub, "a_`,.[]9", "a_`,.[]9"),
    (names.hub, "a" * 128, "a" * 128),
    (names.group, "g", "g"),
    (names.group, "x" * 1024, "x" * 1024),
    (names.group, "a/b?c#d%20 e+é李", "a/b?c#d%20 e+é李"),
    (names.group, "...", "..."),
    (names.group, " .. ", " .. "),
    (identifier, " ", " "),
    (identifier, "x" * 5000, "x" * 5000),
    (names.groups, [], []),
    (names.groups, ("a", "b"), ["a", "b"]),
    (names.groups, {"a": 1}, ["a"]),
    (names.some_groups, {"a"}, ["a"]),
    (names.ids, None, None),
    (names.ids, [], []),
    (names.ids, ("a", "b"), ["a", "b"]),
    (names.ids, iter(["a", "b"]), ["a", "b"]),
    (text, None, None),
    (text, "", ""),
    (text, "bye", "bye"),
    (names.permission, "sendToGroup", Permission.SEND_TO_GROUP),
    (names.permission, "joinleavegroup", Permission.JOIN_LEAVE_GROUP),
    (names.permission, Permission.JOIN_LEAVE_GROUP, Permission.JOIN_LEAVE_GROUP),
    (names.client_protocol, "default", ClientProtocol.DEFAULT),
    (names.client_protocol, "mqtt", ClientProtocol.MQTT),
    (names.client_protocol, "SocketIO", ClientProtocol.SOCKET_IO),
    (names.client_protocol, ClientProtocol.MQTT, ClientProtocol.MQTT),
    (names.minutes, 1, 1),
    (names.minutes, 10**6, 10**6),
    (names.ttl, None, None),
    (names.ttl, 0, 0),
    (names.ttl, 300, 300),
    (names.page_size, None, None),
    (names.page_size, 1, 1),
    (names.page_size, 200, 200),
    (names.top, None, None),
    (names.top, 1, 1),
    (names.top, 2**31 - 1, 2**31 - 1),
]

REFUSED: list[tuple[Callable[..., object], object, str]] = [
    (names.hub, "", "hub"),
    (names.hub, "1bad", "hub"),
    (names.hub, "bad/hub", "hub"),
    (names.hub, "bad?hub", "hub"),
    (names.hub, "bad hub", "hub"),
    (names.hub, "chat\n", "hub"),
    (names.hub, "é", "hub"),
    (names.hub, "..", "hub"),
    (names.hub, "a" * 129, "hub"),
    (names.group, "", "group"),
    (names.group, ".", "group"),
    (names.group, "..", "group"),
    (names.group, " ", "blank"),
    (names.group, "\t\n\u3000", "blank"),
    (names.group, "x" * 1025, "1024 characters; it had 1025"),
    (names.group, "\ud800", "surrogate"),
    (identifier, "", "user_id"),
    (identifier, ".", "user_id"),
    (identifier, "..", "user_id"),
    (identifier, "\udfff", "surrogate"),
    (names.groups, ["a", ""], r"groups\[1\]"),
    (names.groups, ["a", "b", ".."], r"groups\[2\]"),
    (names.some_groups, [], "at least one"),
    (names.ids, [""], r"excluded\[0\]"),
    (names.ids, ["a", ".."], r"excluded\[1\]"),
    (names.permission, "sendToAll", "'sendToGroup', 'joinLeaveGroup'"),
    (names.permission, "", "permission"),
    (names.client_protocol, "WebSocket", "'Default', 'MQTT', 'SocketIO'"),
    (names.client_protocol, "", "client_protocol"),
    (names.minutes, 0, "1 or more"),
    (names.minutes, -5, "1 or more"),
    (names.ttl, -1, "from 0 to 300"),
    (names.ttl, 301, "from 0 to 300"),
    (names.page_size, 0, "from 1 to 200"),
    (names.page_size, 201, "from 1 to 200"),
    (names.top, 0, "from 1 to 2147483647"),
    (names.top, 2**31, "from 1 to 2147483647"),
]

OF_ANOTHER_TYPE: list[tuple[Callable[..., object], object, str]] = [
    (names.hub, None, "hub must be a str, not NoneType"),
    (names.group, b"g", "group must be a str, not bytes"),
    (names.group, 1, "group must be a str, not int"),
    (identifier, 7, "user_id must be a str, not int"),
    (names.groups, "abc", "groups must be a list of strings, not a single str"),
    (names.groups, 1, "groups must be a list of strings"),
    (names.groups, [1], r"groups\[0\] must be a str"),
    (names.ids, "abc", "excluded must be a list of strings, not a single str"),
    (names.ids, b"abc", "excluded must be a list of strings"),
    (names.ids, [None], r"excluded\[0\] must be a str"),
    (text, b"x", "reason must be a str"),
    (names.permission, None, "permission must be a str"),
    (names.client_protocol, None, "client_protocol must be a str"),
    (names.minutes, 1.5, "minutes_to_expire must be an int, not float"),
    (names.minutes, None, "minutes_to_expire must be an int"),
    (names.minutes, True, "minutes_to_expire must be an int, not bool"),
    (names.ttl, "5", "message_ttl_seconds must be an int"),
    (names.page_size, 1.0, "max_page_size must be an int"),
    (names.top, False, "top must be an int"),
]


@pytest.mark.parametrize(("check", "value", "taken"), TAKEN)
def test_what_the_service_allows_is_taken(check: Check, value: object, taken: object) -> None:
    """The last value inside of each limit, and every form that callers use."""
    assert check(value) == taken


@pytest.mark.parametrize(("check", "value", "reason"), REFUSED)
def test_what_the_service_forbids_is_refused(check: Check, value: object, reason: str) -> None:
    """The first value outside of each limit; the error says what is allowed."""
    with pytest.raises(ConfigurationError, match=reason):
        check(value)


@pytest.mark.parametrize(("check", "value", "reason"), OF_ANOTHER_TYPE)
def test_a_value_of_another_type_is_a_type_error(check: Check, value: object, reason: str) -> None:
    """The error names the argument and the type that was given."""
    with pytest.raises(TypeError, match=reason):
        check(value)


def test_a_long_value_is_shown_shortened() -> None:
    """An error stays one line that fits on a screen."""
    with pytest.raises(ConfigurationError) as refused:
        names.hub("1" * 5000)

    assert len(str(refused.value)) < 200


def test_an_iterator_is_read_once() -> None:
    """Ids may come from a generator."""

    def ids() -> Iterator[str]:
        yield from ("a", "b")

    assert names.ids(ids()) == ["a", "b"]


@given(st.text(min_size=1, max_size=1024))
def test_every_text_but_the_named_exceptions_is_a_group(name: str) -> None:
    """No character but the line feed is forbidden in a group; blank names and dot segments are."""
    if name.isspace() or "\n" in name or name in (".", ".."):
        with pytest.raises(ConfigurationError, match="group"):
            names.group(name)
    else:
        assert names.group(name) == name
