"""Taking request targets, queries and JSON texts apart."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tables import every_row
from webpubsub.emulator._http.request import MalformedRequestError, Query, Request, decode_segment
from webpubsub.emulator._hub import json_text, names

TARGETS = [
    ("/a/b?c", ("a", "b")),
    ("/", ("",)),
    ("/a//b/", ("a", "", "b", "")),
    ("/a%2Fb/c%20d", ("a%2Fb", "c d")),
    ("http://host/a/b?c", ("a", "b")),
    ("http://host", ("",)),
    ("*", ("",)),
]


@pytest.mark.parametrize(("target", "segments"), TARGETS)
def test_a_path_is_split_before_it_is_decoded(target: str, segments: tuple[str, ...]) -> None:
    """Slashes separate only when they stand as such; the absolute form of a target is known too."""
    assert Request("GET", target).parse_target().segments == segments


SEGMENTS = [("a%2fb", "a%2fb"), ("%25", "%"), ("%252F", "%2F"), ("%F0%9F%98%80", "😀"), ("+", "+"), ("", "")]


@pytest.mark.parametrize(("segment", "name"), SEGMENTS)
def test_a_segment_is_decoded_but_for_slashes(segment: str, name: str) -> None:
    """Every escape is decoded once, except that of a slash."""
    assert decode_segment(segment) == name


@pytest.mark.parametrize("text", ["%", "%1", "%zz", "%ff", "%C3", "a%C3b"])
def test_wrong_escapes_are_refused(text: str) -> None:
    """What is not percent-encoded UTF-8 is malformed, in paths as in queries."""
    with pytest.raises(MalformedRequestError):
        decode_segment(text)
    with pytest.raises(MalformedRequestError):
        Query(text)


def test_queries_keep_repetitions_and_ignore_case() -> None:
    """All values of a parameter are there in order, whatever the case of its name."""
    query = Query("a=1&A=2&b=x+y%26&c")

    assert (query.all("a"), query.last("A"), query.last("b"), query.last("c")) == (["1", "2"], "2", "x y&", "")
    assert (query.all("d"), query.last("d")) == ((), None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values), st.sampled_from([None, 1, "\t"]))
def test_members_have_the_text_that_spelled_them(value: dict[str, object], indent: int | str | None) -> None:
    """Each member's text is a part of the object's, and spells the same value."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)

    members = json_text.members(text)

    assert list(members) == list(value)
    assert all(member.text in text for member in members.values())
    assert {name: json.loads(member.text) for name, member in members.items()} == value


NAMES = [
    (names.is_hub, "Chat_1`,.[]", True),
    (names.is_hub, "a" * 128, True),
    (names.is_hub, "a" * 129, False),
    (names.is_hub, "_chat", False),
    (names.is_hub, "chat\n", False),
    (names.is_hub, "chät", False),
    (names.is_hub, "", False),
    (names.is_group, "g" * 1024, True),
    (names.is_group, " g\t", True),
    (names.is_group, "two\nlines", False),
    (names.is_group, "", False),
    (names.is_group, " \n", False),
    (names.is_group, "\ud800", False),
    (names.is_event, "Message.1-_", True),
    (names.is_event, "e" * 128, True),
    (names.is_event, "e" * 129, False),
    (names.is_event, "1", False),
    (names.is_event, "e\n", False),
    (names.is_event, "\u017f", False),
]


@every_row(("check", "name", "valid"), NAMES)
def test_names_are_checked(check: object, name: str, valid: bool) -> None:
    """Hubs, groups and events each have their rule."""
    assert callable(check)
    assert check(name) == valid
