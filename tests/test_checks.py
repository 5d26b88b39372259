"""Names and numbers: the limits of the service, and that nothing beyond them gets through."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ClientProtocol, ConfigurationError, Permission, _checks

Check = Callable[[object], object]


def identifier(value: object) -> object:
    """Check an id as the client does."""
    return _checks.identifier(value, "user_id")  # type: ignore[arg-type]


def text(value: object) -> object:
    """Check a free text as the client does."""
    return _checks.text(value, "reason")  # type: ignore[arg-type]


TAKEN: list[tuple[Callable[..., object], object, object]] = [
    (_checks.hub, "chat", "chat"),
    (_checks.hub, "A", "A"),
    (_checks.hub, "a_`,.[]9", "a_`,.[]9"),
    (_checks.hub, "a" * 128, "a" * 128),
    (_checks.group, "g", "g"),
    (_checks.group, "x" * 1024, "x" * 1024),
    (_checks.group, "a/b?c#d%20 e+é李", "a/b?c#d%20 e+é李"),
    (_checks.group, "...", "..."),
    (_checks.group, " .. ", " .. "),
    (identifier, " ", " "),
    (identifier, "x" * 5000, "x" * 5000),
    (_checks.groups, [], []),
    (_checks.groups, ("a", "b"), ["a", "b"]),
    (_checks.groups, {"a": 1}, ["a"]),
    (_checks.some_groups, {"a"}, ["a"]),
    (_checks.ids, None, None),
    (_checks.ids, [], []),
    (_checks.ids, ("a", "b"), ["a", "b"]),
    (_checks.ids, iter(["a", "b"]), ["a", "b"]),
    (text, None, None),
    (text, "", ""),
    (text, "bye", "bye"),
    (_checks.permission, "sendToGroup", Permission.SEND_TO_GROUP),
    (_checks.permission, "joinleavegroup", Permission.JOIN_LEAVE_GROUP),
    (_checks.permission, Permission.JOIN_LEAVE_GROUP, Permission.JOIN_LEAVE_GROUP),
    (_checks.client_protocol, "default", ClientProtocol.DEFAULT),
    (_checks.client_protocol, "mqtt", ClientProtocol.MQTT),
    (_checks.client_protocol, "SocketIO", ClientProtocol.SOCKET_IO),
    (_checks.client_protocol, ClientProtocol.MQTT, ClientProtocol.MQTT),
    (_checks.minutes, 1, 1),
    (_checks.minutes, 10**6, 10**6),
    (_checks.ttl, None, None),
    (_checks.ttl, 0, 0),
    (_checks.ttl, 300, 300),
    (_checks.page_size, None, None),
    (_checks.page_size, 1, 1),
    (_checks.page_size, 200, 200),
    (_checks.top, None, None),
    (_checks.top, 1, 1),
    (_checks.top, 2**31 - 1, 2**31 - 1),
]

REFUSED: list[tuple[Callable[..., object], object, str]] = [
    (_checks.hub, "", "hub"),
    (_checks.hub, "1bad", "hub"),
    (_checks.hub, "bad/hub", "hub"),
    (_checks.hub, "bad?hub", "hub"),
    (_checks.hub, "bad hub", "hub"),
    (_checks.hub, "chat\n", "hub"),
    (_checks.hub, "é", "hub"),
    (_checks.hub, "..", "hub"),
    (_checks.hub, "a" * 129, "hub"),
    (_checks.group, "", "group"),
    (_checks.group, ".", "group"),
    (_checks.group, "..", "group"),
    (_checks.group, " ", "blank"),
    (_checks.group, "\t\n\u3000", "blank"),
    (_checks.group, "x" * 1025, "1024 characters; it had 1025"),
    (_checks.group, "\ud800", "surrogate"),
    (identifier, "", "user_id"),
    (identifier, ".", "user_id"),
    (identifier, "..", "user_id"),
    (identifier, "\udfff", "surrogate"),
    (_checks.groups, ["a", ""], r"groups\[1\]"),
    (_checks.groups, ["a", "b", ".."], r"groups\[2\]"),
    (_checks.some_groups, [], "at least one"),
    (_checks.ids, [""], r"excluded\[0\]"),
    (_checks.ids, ["a", ".."], r"excluded\[1\]"),
    (_checks.permission, "sendToAll", "'sendToGroup', 'joinLeaveGroup'"),
    (_checks.permission, "", "permission"),
    (_checks.client_protocol, "WebSocket", "'Default', 'MQTT', 'SocketIO'"),
    (_checks.client_protocol, "", "client_protocol"),
    (_checks.minutes, 0, "1 or more"),
    (_checks.minutes, -5, "1 or more"),
    (_checks.ttl, -1, "from 0 to 300"),
    (_checks.ttl, 301, "from 0 to 300"),
    (_checks.page_size, 0, "from 1 to 200"),
    (_checks.page_size, 201, "from 1 to 200"),
    (_checks.top, 0, "from 1 to 2147483647"),
    (_checks.top, 2**31, "from 1 to 2147483647"),
]

OF_ANOTHER_TYPE: list[tuple[Callable[..., object], object, str]] = [
    (_checks.hub, None, "hub must be a str, not NoneType"),
    (_checks.group, b"g", "group must be a str, not bytes"),
    (_checks.group, 1, "group must be a str, not int"),
    (identifier, 7, "user_id must be a str, not int"),
    (_checks.groups, "abc", "groups must be a list of strings, not a single str"),
    (_checks.groups, 1, "groups must be a list of strings"),
    (_checks.groups, [1], r"groups\[0\] must be a str"),
    (_checks.ids, "abc", "excluded must be a list of strings, not a single str"),
    (_checks.ids, b"abc", "excluded must be a list of strings"),
    (_checks.ids, [None], r"excluded\[0\] must be a str"),
    (text, b"x", "reason must be a str"),
    (_checks.permission, None, "permission must be a str"),
    (_checks.client_protocol, None, "client_protocol must be a str"),
    (_checks.minutes, 1.5, "minutes_to_expire must be an int, not float"),
    (_checks.minutes, None, "minutes_to_expire must be an int"),
    (_checks.minutes, True, "minutes_to_expire must be an int, not bool"),
    (_checks.ttl, "5", "message_ttl_seconds must be an int"),
    (_checks.page_size, 1.0, "max_page_size must be an int"),
    (_checks.top, False, "top must be an int"),
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
        _checks.hub("1" * 5000)

    assert len(str(refused.value)) < 200


def test_an_iterator_is_read_once() -> None:
    """Ids may come from a generator."""

    def ids() -> Iterator[str]:
        yield from ("a", "b")

    assert _checks.ids(ids()) == ["a", "b"]


@given(st.text(min_size=1, max_size=1024))
def test_every_text_but_the_named_exceptions_is_a_group(name: str) -> None:
    """No character but the line feed is forbidden in a group; blank names and dot segments are."""
    if name.isspace() or "\n" in name or name in (".", ".."):
        with pytest.raises(ConfigurationError, match="group"):
            _checks.group(name)
    else:
        assert _checks.group(name) == name
