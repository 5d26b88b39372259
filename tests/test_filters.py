"""Filters: every value arrives as itself. The witness is the parser of the local service, which shares no code."""

import operator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import ConfigurationError, odata
from webpubsub.emulator._hub.filter_syntax import Comparison, Literal, Name
from webpubsub.emulator._hub.filter_syntax import parse as parse_syntax
from webpubsub.emulator._hub.filters import parse

Value = str | int | bool | None

WRITTEN: dict[str, tuple[str, dict[str, Value], str]] = {
    "a str": ("userId eq {user}", {"user": "ann"}, "userId eq 'ann'"),
    "a quote": ("userId eq {user}", {"user": "O'Neil"}, "userId eq 'O''Neil'"),
    "only quotes": ("userId eq {user}", {"user": "''"}, "userId eq ''''''"),
    "an empty str": ("userId eq {user}", {"user": ""}, "userId eq ''"),
    "an injection": (
        "userId eq {user}",
        {"user": "x' or userId ne '"},
        "userId eq 'x'' or userId ne '''",
    ),
    "a value with braces": ("userId eq {user}", {"user": "{group}"}, "userId eq '{group}'"),
    "other letters": ("userId eq {user}", {"user": "Zoë 李 %41"}, "userId eq 'Zoë 李 %41'"),
    "None": ("userId ne {user}", {"user": None}, "userId ne null"),
    "True": ("contains(userId, 'a') eq {yes}", {"yes": True}, "contains(userId, 'a') eq true"),
    "False": ("contains(userId, 'a') eq {yes}", {"yes": False}, "contains(userId, 'a') eq false"),
    "an int": ("length(groups) gt {many}", {"many": 3}, "length(groups) gt 3"),
    "a negative int": ("length(groups) gt {many}", {"many": -3}, "length(groups) gt -3"),
    "two values": (
        "userId eq {user} and {group} in groups",
        {"user": "ann", "group": "room 1"},
        "userId eq 'ann' and 'room 1' in groups",
    ),
    "a value in two places": ("userId in ({a}, {a})", {"a": "x"}, "userId in ('x', 'x')"),
    "a literal brace": ("userId eq '{{}}'", {}, "userId eq '{}'"),
    "a value called self": ("userId eq {self}", {"self": "x"}, "userId eq 'x'"),
    "a value called expression": ("userId eq {expression}", {"expression": "x"}, "userId eq 'x'"),
    "a value after a text": (
        "userId ne 'O''Neil' and userId ne {a}",
        {"a": "x"},
        "userId ne 'O''Neil' and userId ne 'x'",
    ),
    "no value": ("userId eq null", {}, "userId eq null"),
    "nothing": ("", {}, ""),
}

REFUSED: dict[str, tuple[str, dict[str, object], type[Exception], str]] = {
    "a value that is missing": ("userId eq {user}", {}, ConfigurationError, "{user}"),
    "a value that is not used": ("userId eq null", {"user": "x", "group": "y"}, ConfigurationError, "group, user"),
    "a position": ("userId eq {}", {}, ConfigurationError, "plain names"),
    "a number": ("userId eq {0}", {}, ConfigurationError, "plain names"),
    "an attribute": ("userId eq {user.name}", {"user": "x"}, ConfigurationError, "plain names"),
    "an item": ("userId eq {user[0]}", {"user": "x"}, ConfigurationError, "plain names"),
    "a conversion": ("userId eq {user!r}", {"user": "x"}, ConfigurationError, "plain names"),
    "a format": ("userId eq {user:>9}", {"user": "x"}, ConfigurationError, "plain names"),
    "a value in quotes": ("userId eq '{user}'", {"user": "x"}, ConfigurationError, "{user} inside of quotes"),
    "a value in a longer text": ("userId eq 'O''{user}s'", {"user": "x"}, ConfigurationError, "inside of quotes"),
    "a value after an open quote": ("userId eq 'a or {user}", {"user": "x"}, ConfigurationError, "inside of quotes"),
    "a brace that is not closed": ("userId eq {user", {"user": "x"}, ConfigurationError, "brace"),
    "a brace that is not opened": ("userId eq user}", {}, ConfigurationError, "brace"),
    "a float": ("length(groups) gt {many}", {"many": 1.5}, TypeError, "many must be"),
    "bytes": ("userId eq {user}", {"user": b"x"}, TypeError, "not bytes"),
    "a list": ("userId in {users}", {"users": ["x"]}, TypeError, "not list"),
}


@pytest.mark.parametrize(("expression", "values", "written"), WRITTEN.values(), ids=WRITTEN)
def test_values_are_quoted_and_escaped(expression: str, values: dict[str, Value], written: str) -> None:
    """Each kind of value has its literal in OData, and everything around them stays as it is."""
    assert odata(expression, **values) == written


@pytest.mark.parametrize(("expression", "values", "error", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_filter_is_refused(
    expression: str, values: dict[str, Value], error: type[Exception], reason: str
) -> None:
    """A mistake is told where it was made, not by a 400 of the service or by silence."""
    with pytest.raises(error, match=reason):
        odata(expression, **values)


@pytest.mark.parametrize("expression", [None, 1, b"userId eq 'x'"])
def test_an_expression_is_a_str(expression: object) -> None:
    """Another type is a TypeError."""
    with pytest.raises(TypeError, match="filter must be a str"):
        odata(expression)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Connection:
    """What a filter is asked about."""

    user_id: str | None
    connection_id: str = "c"
    groups: frozenset[str] = frozenset()
    protocol: str | None = None


@given(st.text())
def test_any_text_selects_exactly_the_connection_of_that_user(user: str) -> None:
    """No name of a user can end the quotes: the service reads back the same text."""
    selected = parse(odata("userId eq {user}", user=user))
    in_group = parse(odata("{group} in groups", group=user))

    assert selected.matches(Connection(user))
    assert not selected.matches(Connection(user + "x"))
    assert in_group.matches(Connection(None, groups=frozenset([user])))


@given(st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none() | st.text())
def test_every_value_is_read_back_as_itself(value: Value) -> None:
    """Type and value survive the way through the text."""
    tree = parse_syntax(odata("userId eq {value}", value=value))

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Name)
    assert isinstance(tree.right, Literal)
    assert (type(tree.right.value), tree.right.value) == (type(value), value)


def test_the_literals_of_other_types_of_int_and_str_are_those_of_their_values() -> None:
    """A subclass such as an IntEnum is written as the plain value."""
    assert odata("{a} {b}", a=type("N", (int,), {"__str__": operator.methodcaller("hex")})(7), b=True) == "7 true"
