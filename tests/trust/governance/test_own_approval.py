"""Approving one's own: the Parliament of one, and claims of callers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from grace.kit.tx import Principal
from grace.trust.governance.errors import NoVote
from grace.trust.governance.models import Outcome
from grace.trust.governance.service.perform import perform
from tests.trust.governance.office import Office
from tests.trust.governance.sample import SampleRefund
from tests.trust.governance.voting import cast, held, refunds


class TestParliamentOfOne:
    """A single voting member may approve an own action after signing in again, with a reason."""

    async def test_alone_after_signing_in_again_with_a_reason(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        decision_id = await held(office, ann)
        with pytest.raises(NoVote, match="sign in again") as refused:
            await cast(office, ann, decision_id, reason="urgent")
        assert refused.value.type == "sign-in-again"
        just_now = replace(ann, authenticated_at=datetime.now(UTC) - timedelta(minutes=1))
        with pytest.raises(NoVote, match="give a reason"):
            await cast(office, just_now, decision_id)
        assert (await cast(office, just_now, decision_id, reason="urgent")).ran
        assert await office.all("select voter_id, solo, reason from vote") == [
            {"voter_id": ann.id, "solo": True, "reason": "urgent"}
        ]

    async def test_not_where_the_policy_does_not_allow_it(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        async with office.tx(ann) as tx:
            await tx.execute("insert into sample_invoice values ('in_1', 1)")
            assert (await perform(tx, SampleRefund("in_1", 200000))).denied

    async def test_not_once_another_has_a_vote(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        decision_id = await held(office, ann)
        await office.member("Bob", parliament=True)
        just_now = replace(ann, authenticated_at=datetime.now(UTC))
        with pytest.raises(NoVote, match="proposer"):
            await cast(office, just_now, decision_id, reason="urgent")

    async def test_a_single_member_votes_on_others_actions_as_ever(self, office: Office) -> None:
        ann, bob = await office.member("Ann", "owner", parliament=True), await office.member("Bob", "member")
        assert (await cast(office, ann, await held(office, bob))).ran
        assert await office.all("select solo from vote") == [{"solo": False}]

    async def test_one_may_always_turn_down_an_own_action(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        rejected = await cast(office, ann, await held(office, ann), approve=False)
        assert rejected.decision.status == "rejected"


class TestClaims:
    """`governance_approved`, `auto_approved`, `approver`: claims of the caller, at most a vote."""

    async def claim(self, office: Office, who: Principal, amount_minor: int = 20000) -> Outcome:
        async with office.tx(who) as tx:
            await tx.execute("insert into sample_invoice values ('in_1', 1) on conflict do nothing")
            return await perform(tx, SampleRefund("in_1", amount_minor), claim="governance_approved")

    async def test_the_proposers_claim_is_ignored_and_the_answer_says_so(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        await office.member("Bob", parliament=True)
        for _ in range(2):
            outcome = await self.claim(office, ann)
            assert outcome.held
            assert "governance_approved is ignored" in (outcome.claim_ignored or "")
        assert await refunds(office) == []

    async def test_the_claim_of_one_who_may_vote_is_their_vote_on_what_another_proposed(self, office: Office) -> None:
        ann, bob = await office.member("Ann", "member"), await office.member("Bob", "member", parliament=True)
        decision_id = await held(office, ann)
        granted = await self.claim(office, bob)
        assert (granted.decision.id, granted.ran, granted.claim_ignored) == (decision_id, True, None)
        assert await refunds(office) == [20000]

    async def test_it_counts_for_exactly_the_same_arguments_only(self, office: Office) -> None:
        ann, bob = await office.member("Ann", "member"), await office.member("Bob", "member", parliament=True)
        await office.member("Cat", parliament=True)
        decision_id = await held(office, ann)
        other = await self.claim(office, bob, 20001)
        assert other.held
        assert other.decision.id != decision_id
        assert other.claim_ignored

    async def test_of_the_proposers_agent_and_of_outsiders_it_is_ignored(self, office: Office) -> None:
        ann = await office.member("Ann", "member")
        bot = await office.member("Bot", "agent", parliament=True, owner=ann)
        mia = await office.member("Mia", "member")
        await office.member("Bob", parliament=True)
        await held(office, ann)
        for who in (bot, mia):
            outcome = await self.claim(office, who)
            assert outcome.held
            assert "is ignored" in (outcome.claim_ignored or "")
        assert await refunds(office) == []

    async def test_it_is_no_approval_of_an_own_action_in_a_parliament_of_one(self, office: Office) -> None:
        ann = await office.member("Ann", "owner", parliament=True)
        just_now = replace(ann, authenticated_at=datetime.now(UTC))
        for _ in range(2):
            assert (await self.claim(office, just_now)).held
        assert await refunds(office) == []

    async def test_below_the_threshold_a_claim_changes_nothing(self, office: Office) -> None:
        assert (await self.claim(office, await office.member("Ann", "member"), 100)).ran
