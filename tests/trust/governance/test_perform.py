"""perform: allowed runs in the same transaction, held is stored, denied is stored; nothing else happens."""

import asyncio
from datetime import timedelta

import pytest

from grace.kit.errors import Conflict, NotFound
from grace.kit.tx import Principal
from grace.trust.governance import queries
from grace.trust.governance.models import Outcome, Status
from grace.trust.governance.service.perform import perform
from tests.trust.governance.office import Office
from tests.trust.governance.sample import SampleRefund


async def ask(office: Office, principal: Principal, amount_minor: int, **more: str) -> Outcome:
    async with office.tx(principal) as tx:
        await tx.execute("insert into sample_invoice values ('in_1', 1) on conflict do nothing")
        return await perform(tx, SampleRefund("in_1", amount_minor, **more))


async def refunds(office: Office) -> list[int]:
    return [row["amount_minor"] for row in await office.all("select amount_minor from sample_refund order by id")]


async def test_allowed_runs_and_is_stored_with_what_it_was_judged_on(office: Office) -> None:
    ann = await office.member("Ann", "member")
    outcome = await ask(office, ann, 10000)
    assert outcome.ran
    assert outcome.result.id == 1
    async with office.tx() as tx:
        stored = await queries.decision(tx, outcome.decision.id)
    assert stored == outcome.decision
    assert (stored.status, stored.policy_version, stored.proposer_id) == ("allowed", 2, ann.id)
    assert stored.arguments == {"invoice_id": "in_1", "amount_minor": 10000, "currency": "USD"}
    assert stored.context == {"total_usd_minor": 10000}
    assert [reason["policy"] for reason in stored.reasons] == ["sample-staff"]
    assert await refunds(office) == [10000]


async def test_of_a_noun_only_the_id_is_kept_as_result(office: Office) -> None:
    outcome = await ask(office, await office.member("Ann", "member"), 100)
    assert outcome.decision.result == {"id": 1}


async def test_held_does_not_run(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    outcome = await ask(office, ann, 10001)
    assert (outcome.held, outcome.result) == (True, None)
    assert outcome.decision.expires_at == outcome.decision.proposed_at + timedelta(days=7)
    assert [(hold.policy, hold.quorum) for hold in outcome.decision.holds] == [("sample-big", "majority of parliament")]
    assert await refunds(office) == []
    facts = await office.all("select kind, subject, data from fact where topic = 'decision'")
    assert [(f["kind"], f["subject"]) for f in facts] == [("ActionHeld", outcome.decision.id)]
    assert facts[0]["data"]["groups"] == ["parliament"]


async def test_denied_is_stored_and_does_not_run(office: Office) -> None:
    await office.member("Bob", "owner", parliament=True)
    outcome = await ask(office, await office.member("Ann", "owner"), 1000001)
    assert outcome.denied
    assert [reason["says"] for reason in outcome.decision.reasons] == ["Above 10,000 dollars: never."]
    assert await refunds(office) == []
    assert [f["kind"] for f in await office.all("select kind from fact where topic = 'decision'")] == ["ActionDenied"]


async def test_without_permit_denied(office: Office) -> None:
    assert (await ask(office, await office.member("Vic", "viewer"), 100)).denied


async def test_what_nobody_may_approve_is_denied_at_once(office: Office) -> None:
    ann = await office.member("Ann", "member")
    empty = await ask(office, ann, 20000)
    assert empty.denied
    assert "0 may vote" in empty.decision.reasons[0]["says"]
    await office.member("Bob", "owner", parliament=True)
    too_few = await ask(office, ann, 200000)
    assert too_few.denied
    assert "It takes 2 of owner,admin; 1 may vote" in too_few.decision.reasons[0]["says"]


async def test_a_proposer_who_is_the_only_one_of_two_needed_is_denied(office: Office) -> None:
    ann = await office.member("Ann", "owner", parliament=True)
    await office.member("Bob", "admin")
    assert (await ask(office, ann, 200000)).denied


async def test_the_threshold_is_cumulative(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    assert (await ask(office, ann, 6000)).ran
    assert (await ask(office, ann, 4000)).ran
    assert (await ask(office, ann, 1)).held
    assert await refunds(office) == [6000, 4000]


async def test_side_by_side_requests_do_not_pass_under_the_threshold_together(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    await ask(office, ann, 1)
    outcomes = await asyncio.gather(*(ask(office, ann, 3000) for _ in range(6)))
    assert sorted(outcome.decision.status for outcome in outcomes) == ["allowed"] * 3 + ["awaiting_approval"] * 3
    assert sum(await refunds(office)) == 9001


async def test_the_same_action_of_the_same_proposer_is_held_once(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", "member", parliament=True)
    await office.member("Cat", parliament=True)
    first = await ask(office, ann, 20000)
    again = await asyncio.gather(*(ask(office, ann, 20000) for _ in range(4)))
    assert {outcome.decision.id for outcome in again} == {first.decision.id}
    assert (await ask(office, ann, 20001)).decision.id != first.decision.id
    assert (await ask(office, bob, 20000)).decision.id != first.decision.id


async def test_a_held_action_whose_state_moved_on_is_held_anew(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    first = await ask(office, ann, 20000)
    assert (await ask(office, ann, 10)).ran
    second = await ask(office, ann, 20000)
    assert second.held
    assert second.decision.id != first.decision.id
    async with office.tx() as tx:
        assert (await queries.decision(tx, first.decision.id)).status == Status.STALE


async def test_an_executor_that_refuses_undoes_everything(office: Office) -> None:
    ann = await office.member("Ann", "member")
    with pytest.raises(Conflict):
        await ask(office, ann, 113)
    with pytest.raises(NotFound):
        async with office.tx(ann) as tx:
            await perform(tx, SampleRefund("in_unknown", 1))
    assert await office.all("select id from decision") == []


async def test_without_a_policy_in_force_denied(office: Office) -> None:
    async with office.workspaces.owner(office.handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("truncate policy_set cascade")
    outcome = await ask(office, await office.member("Ann", "owner"), 1)
    assert (outcome.denied, outcome.decision.policy_version) == (True, None)


async def test_with_a_policy_text_that_is_not_what_its_hash_says_denied(office: Office) -> None:
    async with office.workspaces.owner(office.handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update policy_set set sha256 = repeat('0', 64)")
    assert (await ask(office, await office.member("Ann", "owner"), 1)).denied


async def test_an_amount_in_a_currency_without_a_recent_rate_is_above_every_threshold(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    outcome = await ask(office, ann, 1, currency="INR")
    assert outcome.denied
    assert outcome.decision.context == {"total_usd_minor": 2**63 - 1}


async def test_every_outcome_is_audited(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    for amount in (100, 20000, 2000000):
        await ask(office, ann, amount)
    actions = [
        row["action"]
        for row in await office.all("select action from audit_entry where subject_kind = 'decision' order by 1")
    ]
    assert actions == ["allow_action", "deny_action", "hold_action"]


@pytest.mark.parametrize("kind", ["client", "system"])
async def test_whom_no_policy_names_is_denied(office: Office, kind: str) -> None:
    await ask(office, await office.member("Ann", "member"), 1)
    outcome = await ask(office, Principal(kind, "x", "X", frozenset({"none"})), 1)  # type: ignore[arg-type]
    assert outcome.denied
