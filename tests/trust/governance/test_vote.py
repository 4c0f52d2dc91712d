"""Votes: who counts, what ends a decision, and that a grant runs exactly once what was held."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from grace.kit.errors import Conflict, Invalid, NotFound
from grace.kit.tx import Principal
from grace.trust.governance.errors import DecisionClosed, NoVote
from grace.trust.governance.models import Outcome
from grace.trust.governance.service.vote import expire_due, vote
from tests.trust.governance import sample
from tests.trust.governance.office import Office
from tests.trust.governance.voting import cast, held, refunds, stored


async def test_the_last_vote_needed_runs_the_action_once(office: Office) -> None:
    ann = await office.member("Ann", "member")
    a, b, c = [await office.member(name, parliament=True) for name in "ABC"]
    decision_id = await held(office, ann)
    assert (await cast(office, a, decision_id)).held
    assert await refunds(office) == []
    granted = await cast(office, b, decision_id, reason="checked")
    assert (granted.decision.status, granted.decision.result) == ("executed", {"id": 1})
    with pytest.raises(DecisionClosed):
        await cast(office, c, decision_id)
    assert await refunds(office) == [20000]
    kinds = [row["kind"] for row in await office.all("select kind from fact where topic = 'decision' order by id")]
    assert kinds == ["ActionHeld", "VoteCast", "VoteCast", "ActionGranted"]
    actions = [
        row["action"]
        for row in await office.all("select action from audit_entry where subject_kind = 'decision' order by id")
    ]
    assert actions == ["hold_action", "cast_vote", "cast_vote", "grant_action"]


async def test_votes_at_the_same_moment_run_it_once(office: Office) -> None:
    ann = await office.member("Ann", "member")
    voters = [await office.member(f"V{n}", parliament=True) for n in range(6)]
    decision_id = await held(office, ann)
    answers = await asyncio.gather(*(cast(office, voter, decision_id) for voter in voters), return_exceptions=True)
    assert [a.decision.status for a in answers if isinstance(a, Outcome)].count("executed") == 1
    assert sum(isinstance(a, DecisionClosed) for a in answers) == 2
    assert await refunds(office) == [20000]


async def test_the_proposers_own_vote_never_counts(office: Office) -> None:
    ann = await office.member("Ann", "owner", "admin", "member", parliament=True)
    await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    signed_in = replace(ann, authenticated_at=datetime.now(UTC))
    for me in (ann, signed_in):
        with pytest.raises(NoVote, match="proposer"):
            await cast(office, me, decision_id, reason="please")
    assert await refunds(office) == []
    assert await office.all("select person from vote") == []


async def test_only_whom_the_policy_names_may_vote(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    outsiders = [
        await office.member("Olga", "owner"),
        await office.member("Adam", "admin"),
        await office.member("Mia", "member"),
        Principal("client", "cust_1", "C", frozenset({"owner"})),
        Principal("system", "system", "Grace", frozenset({"owner"})),
        Principal("user", "usr_unknown", "Sly", frozenset({"owner", "parliament"})),
    ]
    decision_id = await held(office, ann)
    for outsider in outsiders:
        with pytest.raises(NoVote):
            await cast(office, outsider, decision_id)
    assert (await stored(office, decision_id)).status == "awaiting_approval"


async def test_a_group_of_the_same_name_elsewhere_does_not_count(office: Office, other_office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    elsewhere = await other_office.member("Eve", "owner", parliament=True)
    decision_id = await held(office, ann)
    with pytest.raises(NoVote):
        await cast(office, elsewhere, decision_id)
    with pytest.raises(NotFound):
        await cast(other_office, elsewhere, decision_id)


async def test_an_agents_owner_may_vote_on_its_action(office: Office) -> None:
    ann = await office.member("Ann", "owner", parliament=True)
    bot = await office.member("Bot", "agent", owner=ann)
    assert (await cast(office, ann, await held(office, bot))).decision.status == "executed"


async def test_an_agent_never_votes_for_its_owner_nor_for_itself_or_its_siblings(office: Office) -> None:
    ann = await office.member("Ann", "member")
    bot = await office.member("Bot", "agent", parliament=True, owner=ann)
    sibling = await office.member("Bit", "agent", parliament=True, owner=ann)
    await office.member("Bob", parliament=True)
    of_owner, of_bot = await held(office, ann), await held(office, bot, 30000)
    for voter, decision_id in ((bot, of_owner), (sibling, of_owner), (bot, of_bot), (sibling, of_bot)):
        with pytest.raises(NoVote):
            await cast(office, voter, decision_id)
    assert await refunds(office) == []


async def test_one_person_has_one_vote_with_all_their_agents(office: Office) -> None:
    ann = await office.member("Ann", "member")
    bob = await office.member("Bob", parliament=True)
    bots = [await office.member(f"Bot{n}", "agent", parliament=True, owner=bob) for n in range(3)]
    decision_id = await held(office, ann)
    await office.member("Cat", parliament=True)
    await office.member("Dan", parliament=True)
    for voter in (*bots, bob):
        assert (await cast(office, voter, decision_id)).held
    with pytest.raises(NoVote, match="owner has voted"):
        await cast(office, bots[0], decision_id, approve=False)
    assert await office.all("select person, voter_id from vote") == [{"person": bob.id, "voter_id": bob.id}]


async def test_one_vote_against_ends_a_hold_for_a_number_of_votes(office: Office) -> None:
    ann = await office.member("Ann", "member")
    owners = [await office.member(f"O{n}", "owner", parliament=True) for n in range(4)]
    decision_id = await held(office, ann, 200000)
    rejected = await cast(office, owners[0], decision_id, approve=False, reason="too much")
    assert rejected.decision.status == "rejected"
    with pytest.raises(DecisionClosed):
        await cast(office, owners[1], decision_id)
    assert await refunds(office) == []


async def test_a_majority_is_rejected_once_it_is_out_of_reach(office: Office) -> None:
    ann = await office.member("Ann", "member")
    voters = [await office.member(f"V{n}", parliament=True) for n in range(4)]
    decision_id = await held(office, ann)
    assert (await cast(office, voters[0], decision_id, approve=False)).held
    assert (await cast(office, voters[1], decision_id, approve=False)).decision.status == "rejected"
    assert await refunds(office) == []


async def test_a_vote_can_be_changed_while_the_decision_is_open(office: Office) -> None:
    ann = await office.member("Ann", "member")
    a, b, _ = [await office.member(name, parliament=True) for name in "ABC"]
    decision_id = await held(office, ann)
    assert (await cast(office, a, decision_id, approve=False)).held
    assert (await cast(office, a, decision_id, approve=True)).held
    assert (await cast(office, b, decision_id)).ran


async def test_several_holds_must_all_be_met(office: Office) -> None:
    ann = await office.member("Ann", "member")
    p = await office.member("P", parliament=True)
    o, q = [await office.member(name, role) for name, role in (("O", "owner"), ("Q", "admin"))]
    decision_id = await held(office, ann, 200000)
    assert (await cast(office, p, decision_id)).held
    assert (await cast(office, o, decision_id)).held
    assert (await cast(office, q, decision_id)).ran


async def test_the_vote_of_one_who_lost_the_seat_does_not_count(office: Office) -> None:
    ann = await office.member("Ann", "member")
    a, b, c = [await office.member(name, parliament=True) for name in "ABC"]
    decision_id = await held(office, ann)
    assert (await cast(office, a, decision_id)).held
    await office.shut_out(a)
    assert (await cast(office, b, decision_id)).held
    assert (await cast(office, c, decision_id)).ran


async def test_a_vote_against_never_runs_an_action(office: Office) -> None:
    ann = await office.member("Ann", "member")
    a, b, c, d = [await office.member(name, parliament=True) for name in "ABCD"]
    decision_id = await held(office, ann)
    await cast(office, a, decision_id)
    await cast(office, b, decision_id)
    await office.shut_out(d)
    assert (await cast(office, c, decision_id, approve=False)).held
    assert await refunds(office) == []
    assert (await cast(office, a, decision_id)).ran


async def test_the_policy_is_asked_again_at_the_grant(office: Office) -> None:
    ann = await office.member("Ann", "member")
    bob = await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    never = '@id("now-never") @says("No longer.") forbid (principal, action == Action::"sample_refund", resource)'
    async with office.tx() as tx:
        await sample.activate(tx, never + " when { context.total_usd_minor > 15000 };")
    denied = (await cast(office, bob, decision_id)).decision
    assert (denied.status, denied.policy_version, denied.reasons[0]["says"]) == ("denied", 3, "No longer.")
    assert await refunds(office) == []


async def test_a_hold_that_came_up_meanwhile_must_be_met_too(office: Office) -> None:
    ann = await office.member("Ann", "member")
    bob, olga = await office.member("Bob", parliament=True), await office.member("Olga", "owner")
    decision_id = await held(office, ann)
    also = (
        '@id("also") @says("Owners too.") @quorum("1 of owner")'
        ' forbid (principal, action == Action::"sample_refund", resource)'
        ' when { context.total_usd_minor > 15000 } unless { context.approved_quorums.contains("also") };'
    )
    async with office.tx() as tx:
        await sample.activate(tx, also)
    waiting = await cast(office, bob, decision_id)
    assert waiting.held
    assert sorted(hold.policy or "" for hold in waiting.decision.holds) == ["also", "sample-big"]
    assert (await cast(office, olga, decision_id)).ran


async def test_a_proposer_who_was_shut_out_or_demoted_is_denied(office: Office) -> None:
    bob = await office.member("Bob", parliament=True)
    gone, demoted = await office.member("Gone", "member"), await office.member("Demoted", "member")
    first, second = await held(office, gone), await held(office, demoted, 30000)
    await office.shut_out(gone)
    await office.set_roles(demoted, "viewer")
    assert (await cast(office, bob, first)).decision.status == "denied"
    assert (await cast(office, bob, second)).decision.status == "denied"
    assert await refunds(office) == []


async def test_what_changed_since_it_was_judged_makes_it_stale(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    async with office.tx() as tx:
        await tx.execute("update sample_invoice set version = version + 1")
    stale = await cast(office, bob, decision_id)
    assert (stale.decision.status, stale.denied) == ("stale", True)
    vanished = await held(office, ann)
    async with office.tx() as tx:
        await tx.execute("delete from sample_invoice")
    assert (await cast(office, bob, vanished)).decision.status == "stale"
    assert await refunds(office) == []


@pytest.mark.parametrize(
    "change",
    [
        "arguments = jsonb_set(arguments, '{amount_minor}', '20001')",
        'arguments = arguments || \'{"currency": "EUR"}\'',
        "action = 'activate_policy'",
        "action = 'unknown'",
    ],
)
async def test_other_arguments_than_those_held_never_run(office: Office, change: str) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with office.tx() as tx:
            await tx.execute(f"update decision set {change}")
    async with office.workspaces.owner(office.handle) as connection:
        await connection.execute(f"update decision set {change}")  # type: ignore[call-overload]
    assert (await cast(office, bob, decision_id)).decision.status == "stale"
    assert await refunds(office) == []


async def test_an_end_is_never_changed(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    await cast(office, bob, decision_id, approve=False)
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with office.workspaces.owner(office.handle) as connection:
            await connection.execute("update decision set status = 'awaiting_approval', decided_at = null")
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with office.workspaces.owner(office.handle) as connection:
            await connection.execute("delete from decision")


async def test_an_executor_that_refuses_leaves_the_decision_open_and_the_vote_uncast(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", parliament=True)
    decision_id = await held(office, ann, 20013)
    with pytest.raises(Conflict, match="bad luck"):
        await cast(office, bob, decision_id)
    assert (await stored(office, decision_id)).status == "awaiting_approval"
    assert await office.all("select person from vote") == []


async def test_a_vote_after_the_deadline_expires_the_decision(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", parliament=True)
    decision_id = await held(office, ann)
    deadline = (await stored(office, decision_id)).expires_at
    assert deadline is not None
    async with office.tx(bob) as tx:
        tx.now = deadline
        assert (await vote(tx, decision_id=decision_id, approve=True)).decision.status == "expired"
    assert await refunds(office) == []


async def test_expire_due_ends_what_is_due_in_business_time(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    first, second = await held(office, ann), await held(office, ann, 30000)
    async with office.tx(later=timedelta(days=6, hours=23)) as tx:
        assert await expire_due(tx) == []
    async with office.tx(later=timedelta(days=7, minutes=1)) as tx:
        assert [decision.id for decision in await expire_due(tx, limit=1)] == [min(first, second)]
        assert [decision.id for decision in await expire_due(tx)] == [max(first, second)]
        assert await expire_due(tx) == []
    kinds = [row["kind"] for row in await office.all("select kind from fact where kind = 'ActionExpired'")]
    assert len(kinds) == 2


async def test_a_reason_has_a_limit_and_a_decision_must_exist(office: Office) -> None:
    bob = await office.member("Bob", parliament=True)
    with pytest.raises(Invalid):
        await cast(office, bob, "dec_x", reason="x" * 2001)
    with pytest.raises(NotFound):
        await cast(office, bob, "dec_x")
