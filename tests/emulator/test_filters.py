"""OData filters of the local service: what they select, and how they refuse."""

import contextlib
import pickle
from collections.abc import Collection
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tables import every_row
from webpubsub.emulator._hub.filters import FilterSyntaxError, parse


@dataclass(frozen=True)
class Connection:
    """A connection as a filter sees it."""

    user_id: str | None = "Ann O'Hara"
    connection_id: str = "c-1"
    groups: Collection[str] = frozenset({"group1", "chess"})
    protocol: str | None = "json.webpubsub.azure.v1"


MEMBER = Connection()
STRANGER = Connection(user_id=None, groups=(), protocol=None)

SELECTED = [
    # documented examples
    "userId ne null",
    "'group1' in groups and not ('group2' in groups)",
    "userId in ('a','Ann O''Hara')",
    "length(groups) gt 1",
    "userId eq 'Ann O''Hara'",
    # everyone
    "true",
    # names ignore case, values do not
    "USERID eq 'Ann O''Hara' and ConnectionID eq 'c-1' and 'chess' in GROUPS",
    "protocol eq 'json.webpubsub.azure.v1'",
    "userId ne 'ann o''hara'",
    # operators
    "1 eq 1 and 1 ne 2 and 2 gt 1 and 2 ge 2 and 1 lt 2 and 2 le 2",
    "'a' in ('b','a') and 2 in (1,2) and null in (null) and true in (false,true)",
    "not ('a' in ('b'))",
    "(1 eq 1) eq true",
    "-1 lt 0 and -9223372036854775808 lt 9223372036854775807",
    # white space is needed only between words
    "'chess'in groups and(not(userId eq'x'))",
    # functions
    "tolower(userId) eq 'ann o''hara' and toupper('a') eq 'A'",
    "trim('  x ') eq 'x'",
    "concat(userId, '!') eq 'Ann O''Hara!'",
    "substring(userId, 4) eq 'O''Hara' and substring(userId, 0, 3) eq 'Ann'",
    "substring('ab', 7) eq '' and substring('ab', -7, 1) eq 'a' and substring('ab', 0, -1) eq ''",
    "contains(userId, 'O''') and startswith(userId, 'Ann') and endswith(userId, 'Hara')",
    "indexof(userId, 'n') eq 1 and indexof(userId, 'z') eq -1",
    "length('') eq 0 and length(userId) eq 10",
    "length(tolower(concat(userId, trim(' x ')))) eq 11",
]

REJECTED = [
    "false",
    "userId eq null",
    "userId eq 'ANN O''HARA'",
    "'Group1' in groups",
    "userId in ('a','b')",
    "userId in groups",
]

PRECEDENCE = [
    ("true or true and false", True),
    ("(true or true) and false", False),
    ("true or false and false or false", True),
    ("not true or true", True),
    ("not (true or true)", False),
    ("not false and false", False),
    ("not (false and false)", True),
    ("not true eq false", True),
    ("1 eq 2 or 1 eq 1", True),
    ("not not true", True),
]

NULL_RULES = [
    ("userId eq null", True),
    ("userId ne null", False),
    ("userId eq ''", False),
    ("null eq null", True),
    ("protocol eq null", True),
    ("length(groups) eq 0", True),
    ("length(userId) eq null", True),
    ("tolower(userId) eq null and toupper(userId) eq null and trim(userId) eq null", True),
    ("concat(userId, 'a') eq null and concat('a', null) eq null", True),
    ("substring(userId, 1) eq null and substring('a', null) eq null", True),
    ("contains(userId, 'a') or startswith(userId, 'a') or endswith('a', userId)", False),
    ("indexof(userId, 'a') eq -1 and indexof('a', null) eq -1", True),
    ("length(userId) gt 0 or length(userId) le 0 or null ge null or 1 lt null", False),
    ("userId in ('a', null)", True),
    ("userId in ('a', 'b')", False),
    ("userId in groups", False),
]

SYNTAX_ERRORS = [
    ("", 0),
    (" \n", 2),
    ("invalid filter", 14),
    ("userId eq", 9),
    ("userId eq eq", 12),
    ("userId EQ 'a'", 9),
    ("userId = 'a'", 8),
    ("userId eq 'a", 12),
    ("userId eq 'a''", 14),
    ("userId eq 'a'' or true", 22),
    ("userId eq 'a' and", 17),
    ("userId eq 'a' userId", 20),
    ("(true", 5),
    ("true)", 5),
    ("()", 2),
    ("userId in ()", 12),
    ("userId in ('a',)", 16),
    ("userId in ('a' 'b')", 18),
    ("userId in (tolower('a'))", 18),
    ("'a' in ('a') in ('b')", 15),
    ("1 eq 1 eq true", 9),
    ("length() eq 1", 8),
    ("length(userId", 13),
    ("and", 3),
    ("not", 3),
    ("1.5 gt 1", 1),
    ("1x eq 1", 1),
    ("9223372036854775808 gt 1", 19),
    ("userId eq 'a' or ☃", 18),
]

TYPE_ERRORS = [
    ("userId and true", None, "Type 'string', expect 'bool'"),
    ("null", None, "Type 'null', expect 'bool'"),
    ("1", None, "Type 'int', expect 'bool'"),
    ("groups", None, "Type 'groups', expect 'bool'"),
    ("not null", None, "Type 'null', expect 'bool'"),
    ("not length(userId) gt 5", None, "Type 'int', expect 'bool'"),
    ("not 'a' in groups", None, "Type 'string', expect 'bool'"),
    ("true or 1", None, "Type 'int', expect 'bool'"),
    ("false and length(groups)", None, "Type 'int', expect 'bool'"),
    ("userid2 eq 'a'", 7, "Unknown name 'userid2'"),
    ("true or length2('a') eq 1", 15, "Unknown function 'length2'"),
    ("Length('a') eq 1", 6, "Unknown function 'Length'"),
    ("length('a', 'b') eq 1", 6, "Wrong number of arguments for 'length'"),
    ("substring('a') eq ''", 9, "Wrong number of arguments for 'substring'"),
    ("contains(groups, 'a')", None, "Type 'groups', expect 'string'"),
    ("length(1) eq 1", None, "Type 'int', expect 'string'"),
    ("substring('a', 'b') eq ''", None, "Type 'string', expect 'int'"),
    ("userId lt 1", None, "Type 'string', expect 'int'"),
    ("userId eq 5", None, "Type 'int', expect 'string'"),
    ("true ne 'true'", None, "Type 'string', expect 'bool'"),
    ("userId gt 'a'", None, "Type 'string', expect 'int'"),
    ("true le false", None, "Type 'bool', expect 'int'"),
    ("groups eq null", None, "Type 'groups', expect 'string'"),
    ("null ne groups", None, "Type 'groups', expect 'null'"),
    ("groups in groups", None, "Type 'groups', expect 'string'"),
    ("userId in ('a', 1)", None, "Type 'int', expect 'string'"),
    ("1 in groups", None, "Type 'int', expect 'string'"),
    ("'a' in userId", None, "Type 'string', expect 'groups'"),
]


@every_row("text", SELECTED)
def test_a_filter_selects_a_connection_it_describes(text: str) -> None:
    """Every documented word of the language can select a connection."""
    assert parse(text).matches(MEMBER) is True


@pytest.mark.parametrize("text", REJECTED)
def test_a_filter_rejects_a_connection_it_does_not_describe(text: str) -> None:
    """Values are compared as they are, case included."""
    assert parse(text).matches(MEMBER) is False


@pytest.mark.parametrize(("text", "expected"), PRECEDENCE)
def test_not_binds_before_comparison_before_and_before_or(text: str, expected: bool) -> None:
    """Without parentheses the documented precedence decides."""
    assert parse(text).matches(MEMBER) is expected


@pytest.mark.parametrize(("text", "expected"), NULL_RULES)
def test_null_spreads_through_strings_and_stops_at_questions(text: str, expected: bool) -> None:
    """A string made of null is null; a question about null has a plain answer."""
    assert parse(text).matches(STRANGER) is expected


@every_row(("text", "position"), SYNTAX_ERRORS)
def test_a_syntax_error_names_the_end_of_the_offending_word(text: str, position: int) -> None:
    """The text of the error is that of the service."""
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)

    assert caught.value.position == position
    assert str(caught.value) == (
        f"Invalid syntax for '{text}': Syntax error at position {position} in '{text}'. (Parameter 'filter')"
    )


@every_row(("text", "position", "reason"), TYPE_ERRORS)
def test_types_are_checked_before_anything_is_selected(text: str, position: int | None, reason: str) -> None:
    """A wrong type is found when reading, even where evaluation would stop short of it."""
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)

    assert (caught.value.position, caught.value.reason) == (position, reason)
    where = "" if position is None else f" at position {position} in '{text}'"
    assert str(caught.value) == f"Invalid syntax for '{text}': {reason}{where}. (Parameter 'filter')"


def test_syntax_is_reported_before_types() -> None:
    """An unknown name does not hide that the text is no expression at all."""
    with pytest.raises(FilterSyntaxError, match="Syntax error at position 13 "):
        parse("unknown eq eq")


@pytest.mark.parametrize(
    ("before", "core", "after", "rest"),
    [("(", "true", ")", ""), ("not ", "true", "", ""), ("trim(", "'a'", ")", " eq 'a'")],
)
def test_nesting_ends_at_one_hundred(before: str, core: str, after: str, rest: str) -> None:
    """Depth is counted, never left to the stack of the interpreter."""
    assert parse(before * 100 + core + after * 100 + rest).matches(MEMBER) is True
    for depth in (101, 20_000):
        with pytest.raises(FilterSyntaxError, match="More than 100 nested expressions"):
            parse(before * depth + core + after * depth + rest)


def test_clauses_end_at_one_hundred() -> None:
    """A filter is asked about every connection, so it is bounded; long lists are no clauses."""
    assert parse("userId eq 'x' or " * 99 + "true").matches(MEMBER) is True
    with pytest.raises(FilterSyntaxError, match="More than 100 clauses"):
        parse("userId eq 'x' or " * 60 + "(" + "true and " * 40 + "true)")
    assert parse(
        f"userId in ({','.join(repr(str(number)) for number in range(10_000))}, 'c-1')".replace(
            "userId", "connectionId"
        )
    ).matches(MEMBER)


def test_a_filter_that_is_too_long_is_not_read() -> None:
    """The error does not repeat it."""
    with pytest.raises(FilterSyntaxError, match="More than 131072 characters") as caught:
        parse("userId eq '" + "x" * 200_000 + "'")

    assert len(str(caught.value)) < 200


def test_errors_survive_pickling() -> None:
    """The error can cross a process border."""
    error = FilterSyntaxError("invalid filter", 14)

    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_filters_of_the_same_text_are_equal() -> None:
    """A filter is a value."""
    assert parse("userId eq 'a'") == parse("userId eq 'a'")
    assert parse("userId eq 'a'") != parse("userId eq 'b'")


WORDS = st.sampled_from(
    [
        *("and", "or", "not", "eq", "gt", "in", "(", ")", ",", "length(", "contains(", "userId", "groups"),
        *("'a'", "'a''b'", "'", "1", "-2", "null", "true", "x", ".", "#", "☃"),
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_any_text_is_a_filter_or_a_syntax_error(text: str) -> None:
    """Nothing else is ever raised, and what was read can be asked about anyone."""
    answers: set[object] = set()
    with contextlib.suppress(FilterSyntaxError):
        read = parse(text)
        answers = {read.matches(MEMBER), read.matches(STRANGER)}

    assert answers <= {True, False}


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_string_with_quotes_doubled_means_itself(value: str, other: str) -> None:
    """Doubling the quotes is all that a value needs."""
    read = parse("userId eq '" + value.replace("'", "''") + "'")

    assert read.matches(Connection(user_id=value)) is True
    assert read.matches(Connection(user_id=other)) is (value == other)
