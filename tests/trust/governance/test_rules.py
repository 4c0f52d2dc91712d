"""Quorums, tallies, who may vote, and the measure of thresholds."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.tx import Principal
from grace.trust.governance import rules
from grace.trust.governance.errors import UnreadableQuorum
from grace.trust.governance.rules import Bench, Quorum

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


def people(names: Iterable[str]) -> dict[str, str]:
    """Members: `a` is a person, `a1` and `a2` are agents of `a`."""
    return {name: name[0] for name in names}


def bench(members: Iterable[str], *, solo: bool = True) -> Bench:
    return Bench(Quorum(1, ("owner",)), people(members), solo)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0 of owner",
        "00 of owner",
        "-1 of owner",
        "01 of owner",
        "1.5 of owner",
        "1000 of owner",
        "one of owner",
        "1 of",
        "1 of ",
        "of owner",
        "majority",
        "parliament",
        "majority of",
        "1 of everyone",
        "1 of owner,owner",
        "1 of owner, admin",
        "1 of owner,",
        "1 of OWNER",
        "1 of owner\n",
        " 1 of owner",
        "1  of owner",
        "١ of owner",
        "1 of owner or 0 of owner",
    ],
)
def test_quorum_zero_missing_or_garbage_is_unreadable(text: str | None) -> None:
    with pytest.raises(UnreadableQuorum):
        Quorum.parse(text)


def test_quorum_notation() -> None:
    assert Quorum.parse("1 of owner,admin") == Quorum(1, ("owner", "admin"))
    assert Quorum.parse("3 of parliament") == Quorum(3, ("parliament",))
    assert Quorum.parse("majority of parliament") == Quorum(None, ("parliament",))


@given(st.integers(1, 1000))
def test_a_majority_is_more_than_half_and_never_more_than_all(voters: int) -> None:
    needed = Quorum.parse("majority of parliament").needed(voters)
    assert voters < 2 * needed <= 2 * voters


def test_a_majority_of_nobody_is_never_met() -> None:
    assert not rules.can_be_met(Quorum(None, ("parliament",)), {})
    assert rules.tally(Quorum(None, ("parliament",)), {}, {}) == "open"


@pytest.mark.parametrize(("quorum", "voters", "possible"), [("2 of owner", 1, False), ("2 of owner", 2, True)])
def test_a_number_of_votes_needs_as_many_voters(quorum: str, voters: int, possible: bool) -> None:
    assert rules.can_be_met(Quorum.parse(quorum), people("abc"[:voters])) is possible


@given(
    st.sampled_from(["1 of owner", "2 of owner", "3 of owner", "majority of owner"]),
    st.sets(st.sampled_from("abcdef")),
    st.dictionaries(st.sampled_from("abcdefgh"), st.booleans()),
)
def test_a_tally_counts_voters_only_and_ends_one_way(quorum: str, voters: set[str], votes: dict[str, bool]) -> None:
    got = rules.tally(Quorum.parse(quorum), people(voters), votes)
    yes = sum(approve for voter, approve in votes.items() if voter in voters)
    no = sum(not approve for voter, approve in votes.items() if voter in voters)
    if quorum.startswith("majority"):
        met, rejected = 2 * yes > len(voters), 2 * (len(voters) - no) <= len(voters) and no > 0
    else:
        met, rejected = yes >= int(quorum[0]), no > 0
    assert got == ("rejected" if rejected else "met" if met and yes else "open")


def test_the_proposer_has_no_seat_save_in_a_parliament_of_one() -> None:
    assert bench("ab").voters(proposer_id="a", proposer_owner=None, alone=False) == people("b")
    assert bench("a").voters(proposer_id="a", proposer_owner=None, alone=True) == people("a")


def test_agents_have_no_seat_on_their_owners_actions_nor_on_each_others() -> None:
    members = ["a", "a1", "a2", "b", "b1"]
    assert bench(members).voters(proposer_id="a", proposer_owner=None, alone=False) == people(["b", "b1"])
    assert bench(members).voters(proposer_id="a1", proposer_owner="a", alone=False) == people(["a", "b", "b1"])


def test_a_person_with_agents_is_one_person() -> None:
    majority = Quorum(None, ("parliament",))
    assert rules.tally(majority, people(["b", "b1", "b2", "b3"]), {"b2": True}) == "met"
    assert rules.tally(majority, people(["b", "b1", "c", "d"]), {"b1": True}) == "open"
    assert rules.tally(majority, people(["b", "b1", "c"]), {"b1": False}) == "rejected"
    assert not rules.can_be_met(Quorum(2, ("owner",)), people(["b", "b1", "b2"]))


@pytest.mark.parametrize(
    ("benches", "alone"),
    [
        ([bench("a")], True),
        ([bench("a"), bench("a")], True),
        ([bench("a", solo=False)], False),
        ([bench("a"), bench("a", solo=False)], False),
        ([bench("ab")], False),
        ([bench("b")], False),
        ([bench("")], False),
        ([bench("a"), bench("b")], False),
        ([bench(["a", "a1"])], True),
        ([bench(["a1"])], False),
        ([bench(["a", "b1"])], False),
        ([], False),
    ],
)
def test_parliament_of_one(benches: list[Bench], alone: bool) -> None:
    assert rules.is_parliament_of_one(benches, "a") is alone


def user(id: str) -> Principal:
    return Principal("user", id, id)


def agent(id: str, owner: str | None) -> Principal:
    return Principal("agent", id, id, owner=owner)


@pytest.mark.parametrize(
    ("voter", "proposer", "proposer_owner", "may"),
    [
        (user("u1"), "u2", None, True),
        (user("u1"), "u1", None, False),
        (user("u1"), "ag1", "u1", True),
        (user("u9"), "u2", None, False),
        (agent("ag1", "u1"), "u1", None, False),
        (agent("ag1", "u1"), "ag1", "u1", False),
        (agent("ag1", "u1"), "ag2", "u1", False),
        (agent("ag1", "u1"), "u2", None, True),
        (agent("ag1", "u1"), "ag3", "u2", True),
        (agent("ag1", None), "u2", None, False),
        (Principal("system", "u1", "x"), "u2", None, False),
        (Principal("client", "u1", "x"), "u2", None, False),
    ],
)
def test_who_may_vote(voter: Principal, proposer: str, proposer_owner: str | None, may: bool) -> None:
    why = rules.why_no_vote(
        voter, voters={"u1", "u2", "ag1", "ag2"}, proposer_id=proposer, proposer_owner=proposer_owner
    )
    assert (why is None) is may


@pytest.mark.parametrize(
    ("ago", "reason", "may"),
    [
        (timedelta(minutes=4, seconds=59), "checked twice", True),
        (timedelta(minutes=5), "checked twice", True),
        (timedelta(minutes=5, seconds=1), "checked twice", False),
        (timedelta(seconds=-1), "checked twice", False),
        (timedelta(minutes=1), " ", False),
        (None, "checked twice", False),
    ],
)
def test_alone_only_after_signing_in_again_and_with_a_reason(ago: timedelta | None, reason: str, may: bool) -> None:
    member = Principal("user", "a", "A", authenticated_at=None if ago is None else NOW - ago)
    assert (rules.why_no_solo_vote(member, reason=reason, real_now=NOW) is None) is may


def test_an_agent_is_never_a_parliament_of_one() -> None:
    member = Principal("agent", "a", "A", owner="u", authenticated_at=NOW)
    assert rules.why_no_solo_vote(member, reason="checked", real_now=NOW) is not None


def test_one_person_one_vote() -> None:
    assert rules.person(agent("ag1", "u1")) == rules.person(user("u1")) == "u1"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(st.dictionaries(st.text("abcdef"), json_values, min_size=1))
def test_the_digest_ignores_order_and_nothing_else(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert rules.digest(turned) == rules.digest(value)
    assert rules.digest({**value, next(iter(value)): ["another", value]}) != rules.digest(value)


@given(st.integers(0, 10**17), st.sampled_from(["EUR", "JPY", "KWD", "INR"]), st.fractions("1/1000", 1000))
def test_usd_is_rounded_up_and_by_less_than_a_cent(amount: int, currency: str, per_usd: Fraction) -> None:
    digits = {"EUR": 2, "JPY": 0, "KWD": 3, "INR": 2}[currency]
    exact = Fraction(amount * 100, 10**digits) / per_usd
    assert rules.usd_minor(amount, currency, per_usd) == min(ceil(exact), rules.MAX_LONG)


@pytest.mark.parametrize(
    ("amount", "currency", "per_usd", "cents"),
    [
        (1_000_000, "USD", Fraction(1), 1_000_000),
        (83_000_000, "INR", Fraction(83), 1_000_000),
        (83_000_001, "INR", Fraction(83), 1_000_001),
        (1_500_000, "JPY", Fraction(150), 1_000_000),
        (1, "JPY", Fraction(10**9), 1),
        (0, "EUR", Fraction(1), 0),
    ],
)
def test_usd_at_the_threshold(amount: int, currency: str, per_usd: Fraction, cents: int) -> None:
    assert rules.usd_minor(amount, currency, per_usd) == cents


def test_a_negative_amount_has_no_threshold() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        rules.usd_minor(-1, "USD", Fraction(1))


@pytest.mark.parametrize(("days", "recent"), [(0, True), (7, True), (8, False), (-1, False)])
def test_a_rate_measures_for_seven_days(days: int, recent: bool) -> None:
    today = date(2025, 6, 10)
    assert rules.is_recent(today - timedelta(days=days), today) is recent
