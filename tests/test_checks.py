"""Values that callers give: the limits of the service, and that nothing beyond them gets through."""

from collections.abc import Callable, Iterator
from unittest.mock import ANY
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ClientProtocol, ConfigurationError, Permission, _checks

from .support.tables import every_row

Check = Callable[[object], object]


def identifier(value: object) -> object:
    """Check an id as the client does."""
    return _checks.identifier(value, "user_id")  # type: ignore[arg-type]


def text(value: object) -> object:
    """Check a free text as the client does."""
    return _checks.optional_text(value, "reason")  # type: ignore[arg-type]


def permission(value: object) -> object:
    """Check a permission as the client does."""
    return _checks.member(Permission, value, "permission")  # type: ignore[arg-type]


def protocol(value: object) -> object:
    """Check a client protocol as the client does."""
    return _checks.member(ClientProtocol, value, "client_protocol")  # type: ignore[arg-type]


def seconds(value: object) -> object:
    """Check a span of time as the client does."""
    return _checks.seconds(value, "read_timeout")


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
    (identifier, 7, "7"),
    (identifier, -1, "-1"),
    (identifier, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (seconds, 0.001, 0.001),
    (seconds, 1000000, 1000000),
    (_checks.metadata, {}, {}),
    (_checks.metadata, {"Trace": "a b"}, {"x-webpubsub-metadata-trace": "a b"}),
    (
        _checks.metadata,
        {"k" * 256: "", "!": "v" * 1024},
        {f"x-webpubsub-metadata-{'k' * 256}": "", "x-webpubsub-metadata-!": "v" * 1024},
    ),
    (_checks.metadata, {f"{number:03}": "v" * 1021 for number in range(8)}, ANY),
    (_checks.groups, [], []),
    (_checks.groups, ("a", "b"), ["a", "b"]),
    (_checks.groups, {"a": 1}.keys(), ["a"]),
    (_checks.some_groups, {"a"}, ["a"]),
    (_checks.ids, None, None),
    (_checks.ids, [], []),
    (_checks.ids, ("a", 7), ["a", "7"]),
    (_checks.ids, iter(["a", "b"]), ["a", "b"]),
    (text, None, None),
    (text, "", ""),
    (text, "bye", "bye"),
    (permission, "sendToGroup", Permission.SEND_TO_GROUP),
    (permission, "joinleavegroup", Permission.JOIN_LEAVE_GROUP),
    (permission, Permission.JOIN_LEAVE_GROUP, Permission.JOIN_LEAVE_GROUP),
    (protocol, "default", ClientProtocol.DEFAULT),
    (protocol, "mqtt", ClientProtocol.MQTT),
    (protocol, "SocketIO", ClientProtocol.SOCKET_IO),
    (protocol, ClientProtocol.MQTT, ClientProtocol.MQTT),
    (_checks.minutes, 1, 1),
    (_checks.minutes, 2**31 - 1, 2**31 - 1),
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
    (permission, "sendToAll", "'sendToGroup', 'joinLeaveGroup'"),
    (permission, "", "permission"),
    (protocol, "WebSocket", "'Default', 'MQTT', 'SocketIO'"),
    (protocol, "", "client_protocol"),
    (_checks.minutes, 0, "minutes_to_expire must be 1 or more; it was 0"),
    (_checks.minutes, 2**31, "minutes_to_expire must be from 1 to 2147483647; it was 2147483648"),
    (identifier, 2**256, "user_id must be a number of at most 256 bits"),
    (text, "\ud800", "reason holds half of a surrogate pair"),
    (seconds, 0, "read_timeout must be more than 0 and at most 1000000 seconds; it was 0"),
    (seconds, 1e10, "at most 1000000 seconds; it was 10000000000.0"),
    (seconds, float("nan"), "it was nan"),
    (_checks.metadata, {"": "v"}, "A key of metadata must be 1 to 256"),
    (_checks.metadata, {"a b": "v"}, "it was 'a b'"),
    (_checks.metadata, {"k" * 257: "v"}, "A key of metadata must be 1 to 256"),
    (_checks.metadata, {"é": "v"}, "A key of metadata"),
    (_checks.metadata, {"k": "é"}, r"metadata\['k'\] must be at most 1024 characters of printable ASCII"),
    (_checks.metadata, {"k": "v" * 1025}, r"metadata\['k'\]"),
    (_checks.metadata, {"k": "a\r\nb: c"}, r"metadata\['k'\]"),
    (_checks.metadata, {"k": " v"}, "without spaces at its ends"),
    (_checks.metadata, {"k": "1", "K": "2"}, "metadata has 'K' twice"),
    (
        _checks.metadata,
        {f"{number:03}": "v" * 1022 for number in range(8)},
        "metadata has 8200 bytes; .* may have 8192",
    ),
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
    (identifier, 7.0, "user_id must be a str, an int or a UUID, not float"),
    (identifier, True, "user_id must be a str, an int or a UUID, not bool"),
    (_checks.metadata, [("k", "v")], "metadata must be a mapping of str to str, not list"),
    (_checks.metadata, {1: "v"}, "A key of metadata must be a str"),
    (_checks.metadata, {"k": 1}, r"metadata\['k'\] must be a str, not int"),
    (_checks.groups, "abc", "groups must be a list of strings, not a single str"),
    (_checks.groups, {"groups": ["a"], "filter": "x"}, "groups must be a list of strings, not a single dict"),
    (_checks.groups, 1, "groups must be a list of strings"),
    (_checks.groups, [1], r"groups\[0\] must be a str"),
    (_checks.ids, "abc", "excluded must be a list of strings, not a single str"),
    (_checks.ids, b"abc", "excluded must be a list of strings"),
    (_checks.ids, [None], r"excluded\[0\] must be a str, an int or a UUID"),
    (text, b"x", "reason must be a str"),
    (permission, None, "permission must be a str"),
    (protocol, None, "client_protocol must be a str"),
    (_checks.minutes, 1.5, "minutes_to_expire must be an int, not float"),
    (_checks.minutes, None, "minutes_to_expire must be an int"),
    (_checks.minutes, True, "minutes_to_expire must be an int, not bool"),
    (_checks.ttl, "5", "message_ttl_seconds must be an int"),
    (_checks.page_size, 1.0, "max_page_size must be an int"),
    (_checks.top, False, "top must be an int"),
]


@every_row(("check", "value", "taken"), TAKEN)
def test_what_the_service_allows_is_taken(check: Check, value: object, taken: object) -> None:
    """The last value inside of each limit, and every form that callers use."""
    assert check(value) == taken


@every_row(("check", "value", "reason"), REFUSED)
def test_what_the_service_forbids_is_refused(check: Check, value: object, reason: str) -> None:
    """The first value outside of each limit; the error says what is allowed."""
    with pytest.raises(ConfigurationError, match=reason):
        check(value)


@every_row(("check", "value", "reason"), OF_ANOTHER_TYPE)
def test_a_value_of_another_type_is_a_type_error(check: Check, value: object, reason: str) -> None:
    """The error names the argument and the type that was given."""
    with pytest.raises(TypeError, match=reason):
        check(value)


def test_a_long_value_is_shown_shortened() -> None:
    """An error stays one line that fits on a screen."""
    with pytest.raises(ConfigurationError) as refused:
        _checks.hub("1" * 5000)

    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("check", [_checks.minutes, _checks.ttl, _checks.top, seconds])
def test_a_number_of_very_many_digits_is_not_shown(check: Check) -> None:
    """Python refuses to write them out, and nobody wants to read them."""
    with pytest.raises(ConfigurationError, match="it was a number of very many digits"):
        check(10**5000)


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
