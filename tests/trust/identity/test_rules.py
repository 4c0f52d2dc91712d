"""Permissions: what a role, a key and an agent leave of each other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.edge import permits
from grace.kit.errors import Invalid
from grace.kit.tx import Principal
from grace.trust.identity import rules
from grace.trust.identity.models import Acting
from grace.trust.identity.rules import PERMISSIONS, ROLES, Role

NOUNS = st.sampled_from(["*", "clients", "users", "decisions"])
VERBS = st.sampled_from(["*", "read", "write", "vote"])
PATTERN = st.builds(lambda noun, verb: "*" if (noun, verb) == ("*", "*") else f"{noun}:{verb}", NOUNS, VERBS)
PATTERNS = st.frozensets(PATTERN, max_size=5)


def holder(*roles: Role, permissions: frozenset[str] | None = None) -> Principal:
    held = rules.permissions(roles) if permissions is None else permissions
    return Principal("user", "usr_x", "X", frozenset(roles), held)


@given(PATTERNS, PATTERNS)
def test_meet_allows_exactly_what_both_allow(one: frozenset[str], other: frozenset[str]) -> None:
    both = rules.meet(one, other)
    for permission in PERMISSIONS:
        expected = permits(holder(permissions=one), permission) and permits(holder(permissions=other), permission)
        assert permits(holder(permissions=both), permission) == expected


@given(PATTERNS, PATTERN)
def test_what_covers_a_pattern_permits_all_that_the_pattern_does(held: frozenset[str], wanted: str) -> None:
    if rules.covers(held, wanted):
        for permission in PERMISSIONS:
            if rules.covers([wanted], permission):
                assert permits(holder(permissions=held), permission)


@given(PATTERNS, st.sampled_from(sorted(PERMISSIONS)))
def test_the_edge_and_the_rules_read_a_permission_alike(held: frozenset[str], wanted: str) -> None:
    assert rules.covers(held, wanted) == permits(holder(permissions=held), wanted)


EXPECTED = {
    "clients:read": "owner admin operator member agent viewer",
    "clients:write": "owner admin operator member agent",
    "payments:write": "owner admin operator member agent",
    "rates:write": "owner admin",
    "audit:read": "owner admin operator",
    "ledger:read": "owner admin operator",
    "users:read": "owner admin operator",
    "users:write": "owner admin",
    "agents:write": "owner admin operator member",
    "keys:write": "owner admin operator member viewer",
    "policies:write": "owner admin",
    "parliament:write": "owner",
    "workspace:write": "owner",
    "decisions:vote": "owner admin",
    "decisions:read": "owner admin operator member agent viewer",
}


@pytest.mark.parametrize(("permission", "roles"), EXPECTED.items())
def test_the_table_of_roles(permission: str, roles: str) -> None:
    assert [role for role in Role if permits(holder(role), permission)] == roles.split()


def test_every_role_has_a_row_of_known_permissions() -> None:
    assert set(ROLES) == set(Role)
    for held in ROLES.values():
        assert all(any(rules.covers([one], known) for known in PERMISSIONS) for one in held)


def test_a_seat_in_parliament_lets_one_vote() -> None:
    def member(parliament: bool, owner_roles: list[str] | None = None) -> Principal:
        kind = "user" if owner_roles is None else "agent"
        return Acting(kind, "x", "X", ["viewer"], parliament, owner_roles and "usr_o", owner_roles).principal()

    assert not permits(member(False), rules.VOTE)
    assert permits(member(True), rules.VOTE)
    assert permits(member(True, ["viewer"]), rules.VOTE), "an agent's seat is its own"
    assert not permits(member(False, ["owner"]), rules.VOTE)


@pytest.mark.parametrize(("roles", "role"), [("owner", "admin"), ("admin", "operator"), ("member", "agent")])
def test_a_role_includes_those_below_it(roles: str, role: str) -> None:
    assert rules.includes([roles], role)
    assert rules.includes([roles], roles)
    assert not rules.includes([role], roles)


@pytest.mark.parametrize(
    ("giver", "roles", "parliament", "may"),
    [
        ([Role.OWNER], [Role.OWNER], True, True),
        ([Role.ADMIN], [Role.OPERATOR], False, True),
        ([Role.ADMIN], [Role.VIEWER, Role.AGENT], False, True),
        ([Role.ADMIN], [Role.ADMIN], False, False),
        ([Role.ADMIN], [Role.OWNER], False, False),
        ([Role.ADMIN], [Role.MEMBER], True, False),
        ([Role.OPERATOR], [Role.ADMIN], False, False),
        ([Role.MEMBER], [Role.AGENT], False, True),
        ([Role.MEMBER], [Role.OPERATOR], False, False),
        ([Role.VIEWER], [Role.AGENT], False, False),
    ],
)
def test_nobody_gives_what_they_do_not_hold(giver: list[Role], roles: list[Role], parliament: bool, may: bool) -> None:
    assert rules.may_give(holder(*giver), roles=roles, parliament=parliament) is may


def test_a_narrow_key_of_an_owner_gives_no_wide_role() -> None:
    narrow = holder(Role.OWNER, permissions=frozenset({"users:write"}))
    assert not rules.may_give(narrow, roles=[Role.VIEWER])
    assert not rules.may_give(narrow, roles=[Role.OWNER])


@pytest.mark.parametrize("scope", ["", "clients", "clients:fly", "nothing:read", "*:*:*", "CLIENTS:read", "a b:read"])
def test_a_scope_that_no_door_asks_for_is_refused(scope: str) -> None:
    with pytest.raises(Invalid):
        rules.check_scopes([scope])


def test_scopes_are_sorted_and_said_once() -> None:
    assert rules.check_scopes(["clients:read", "*:read", "clients:read"]) == ["*:read", "clients:read"]
    with pytest.raises(Invalid):
        rules.check_scopes([])


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("  Ann@Example.COM ", "ann@example.com"),
        ("ann@localhost", "ann@localhost"),
        ("a.b+c@sub.example.com", "a.b+c@sub.example.com"),
        ("ａnn@example.com", "ann@example.com"),
    ],
)
def test_one_spelling_of_an_email(text: str, email: str) -> None:
    assert rules.normal_email(text) == email
    assert rules.normal_email(email) == email


@pytest.mark.parametrize(
    "text", ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "a\u202e@b.c", "a@" + "b" * 260]
)
def test_what_is_no_email(text: str) -> None:
    with pytest.raises(Invalid):
        rules.normal_email(text)


def test_proof_of_presence_lasts_five_minutes() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    person = Principal("user", "usr_x", "X", authenticated_at=at)
    assert rules.has_just_signed_in(person, real_now=at + timedelta(minutes=5))
    assert not rules.has_just_signed_in(person, real_now=at + timedelta(minutes=5, seconds=1))
    assert not rules.has_just_signed_in(person, real_now=at - timedelta(seconds=1))
    assert not rules.has_just_signed_in(holder(Role.OWNER), real_now=at)
