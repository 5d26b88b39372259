"""Which groups a connection may use: roles, patterns, grants and revocations."""

import pytest

from tests.support.tables import every_row
from webpubsub.emulator._hub.permissions import Permission, Permissions, RoleError, TooManyRulesError, matches

SEND, JOIN = Permission.SEND_TO_GROUP, Permission.JOIN_LEAVE_GROUP

ROLES = [
    ((), SEND, "a", False),
    (("webpubsub.sendToGroup",), SEND, "a", True),
    (("webpubsub.sendToGroup",), JOIN, "a", False),
    (("webpubsub.joinLeaveGroup",), JOIN, "a", True),
    (("webpubsub.sendToGroup.a",), SEND, "a", True),
    (("webpubsub.sendToGroup.a",), SEND, "A", False),
    (("webpubsub.sendToGroup.a.b",), SEND, "a.b", True),
    (("webpubsub.sendToGroup.a.b",), SEND, "a", False),
    (("webpubsub.sendToGroup.*",), SEND, "a", False),
    (("webpubsub.sendToGroup.*",), SEND, "*", True),
    (("webpubsub.sendToGroups.a*",), SEND, "abc", True),
    (("webpubsub.sendToGroups.a*",), JOIN, "abc", False),
    (("webpubsub.sendToGroups.x", "webpubsub.sendToGroups.y*"), SEND, "yes", True),
    (("webpubsub.sendtogroup",), SEND, "a", False),
    (("webpubsub.sendToGroupx",), SEND, "a", False),
    (("other", ""), SEND, "a", False),
]


@pytest.mark.parametrize(("roles", "permission", "group", "allowed"), ROLES)
def test_roles_allow_groups(roles: tuple[str, ...], permission: Permission, group: str, allowed: bool) -> None:
    """A role is for any group, one literal group or a pattern; other roles mean nothing here."""
    assert Permissions(roles).allows(permission, group) == allowed


PATTERNS = [
    ("a", "a", True),
    ("a", "b", False),
    ("a", "ab", False),
    ("a", "A", False),
    ("?", "x", True),
    ("?", ".", False),
    ("?", "", False),
    ("a?c", "abc", True),
    ("*", "", True),
    ("*", "abc", True),
    ("*", "a.c", False),
    ("a.*.c", "a.b.c", True),
    ("a.*.c", "a..c", True),
    ("a.*.c", "a.b.b.c", False),
    ("**", "a.b.c", True),
    ("a**", "a", True),
    ("**.c", "a.c.b.c", True),
    ("**.*", "a.b.c", True),
    ("**.*x", "a.b.cx", True),
    ("*a*b", "xaab", True),
    ("*ab*ab", "xabab", True),
    ("***", "a.b", True),
    (r"\*", "*", True),
    (r"\*", "x", False),
    (r"a\?b\\", "a?b\\", True),
    ("a+(b)[c]", "a+(b)[c]", True),
    ("*", "é\n", True),
]


@every_row(("pattern", "group", "expected"), PATTERNS)
def test_patterns_match_whole_names(pattern: str, group: str, expected: bool) -> None:
    """`?` and `*` stop at dots, `**` does not, and a backslash takes the meaning away."""
    assert matches(pattern, group) == expected


def test_a_hostile_pattern_costs_little() -> None:
    """A pattern that makes backtracking matchers explode is answered, within the test's time limit."""
    assert not matches("**a**a**a**a**a**b", "a" * 1024)


BAD_ROLES = ["webpubsub.sendToGroups.", "webpubsub.sendToGroups." + "a" * 1025, r"webpubsub.sendToGroups.a\b"]


@pytest.mark.parametrize("role", [*BAD_ROLES, "webpubsub.joinLeaveGroups.**.**.**", "webpubsub.sendToGroups.\\"])
def test_malformed_patterns_are_refused(role: str) -> None:
    """Blank, long, wrongly escaped patterns and those with more than five stars are refused."""
    with pytest.raises(RoleError):
        Permissions([role])


def test_escaped_stars_are_not_counted() -> None:
    """Five stars are the limit, literal ones are free."""
    assert Permissions([r"webpubsub.sendToGroups.**.**.*\*\*"]).allows(SEND, "a.b.c**")


def test_the_number_of_rules_is_limited() -> None:
    """There may be ten patterns and a thousand literal rules per permission."""
    with pytest.raises(RoleError):
        Permissions(f"webpubsub.sendToGroups.{number}" for number in range(11))
    with pytest.raises(RoleError):
        Permissions(f"webpubsub.sendToGroup.{number}" for number in range(1001))
    assert Permissions(f"webpubsub.sendToGroup.{number}" for number in range(1000)).allows(SEND, "999")


def test_a_full_list_of_rules_can_still_be_changed() -> None:
    """The limit is for new groups; the rule of a known one can be turned round."""
    permissions = Permissions(f"webpubsub.sendToGroup.{number}" for number in range(1000))

    permissions.revoke(SEND, "7")

    assert not permissions.allows(SEND, "7")
    with pytest.raises(TooManyRulesError):
        permissions.grant(SEND, "new")
    permissions.grant(JOIN, "new")


@pytest.mark.parametrize("role", ["webpubsub.sendToGroup", "webpubsub.sendToGroup.a", "webpubsub.sendToGroups.*"])
def test_the_last_literal_rule_beats_every_role(role: str) -> None:
    """Revoking and granting one group overrides whatever the token said, for that group only."""
    permissions = Permissions([role])

    permissions.revoke(SEND, "a")
    revoked = permissions.allows(SEND, "a")
    permissions.grant(SEND, "a")

    assert not revoked
    assert permissions.allows(SEND, "a")


@pytest.mark.timeout(10)
def test_no_pattern_takes_long() -> None:
    """Every pattern that is allowed is judged in the same, short time, whatever the group."""
    group = "a" * 1024
    patterns = ["?" * 1024, "*" + "?" * 1023, "**" + "?a" * 511, "*a*a*a*a*b", "a*" * 5 + "?" * 1000]

    assert [[matches(pattern, group) for pattern in patterns] for _ in range(50)] == [
        [True, True, True, False, True]
    ] * 50
