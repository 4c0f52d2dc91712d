"""The one way in to a governed verb."""

from dataclasses import replace
from typing import Any

from grace.kit.tx import Tx
from grace.trust.governance import queries
from grace.trust.governance.cedar import Judgement
from grace.trust.governance.errors import DecisionClosed, NoVote
from grace.trust.governance.models import Decision, Outcome, Reason, Status
from grace.trust.governance.registry import ActionKind, kind_of
from grace.trust.governance.rules import can_be_met, digest, is_parliament_of_one
from grace.trust.governance.service import decisions
from grace.trust.governance.service.decisions import Judged
from grace.trust.governance.service.vote import vote


async def perform(tx: Tx, action: Any, *, claim: str | None = None) -> Outcome:
    """Have the policy judge an action of the principal: allowed it runs now, in this transaction.

    Held, it is stored and runs when its quorums are met; the same action of the same proposer is held once.
    Denied, that is stored. All three are answers to commit; an exception of the executor means that nothing
    happened. `claim` names a caller's claim of approval (`governance_approved`, `approver`): it counts only
    as the caller's vote on the same action held for someone else.
    """
    kind = kind_of(action)
    arguments = kind.encode(action)
    ignored = None
    if claim is not None:
        granted, ignored = await _as_vote(tx, kind, arguments, claim)
        if granted is not None:
            return granted
    judged = await decisions.judge(tx, kind, action, tx.principal)
    if judged.judgement.status is Status.AWAITING_APPROVAL:
        judged = await _deny_what_nobody_can_approve(tx, judged)
    if judged.judgement.status is Status.AWAITING_APPROVAL:
        return Outcome(await _hold(tx, kind, action, arguments, judged), claim_ignored=ignored)
    result = None
    if judged.judgement.status is Status.ALLOWED:
        result = await kind.executor(tx, action)
    decision = await decisions.store(tx, kind, arguments, judged, result=result)
    if decision is None:
        raise LookupError("a decision that ends at once was not stored")
    return Outcome(decision, result, ignored)


async def _as_vote(
    tx: Tx, kind: ActionKind, arguments: dict[str, Any], claim: str
) -> tuple[Outcome | None, str | None]:
    """The claim as a vote, or why it is ignored."""
    sha256 = digest({"action": kind.name, "arguments": arguments})
    held = await queries.awaiting_from_others(tx, action=kind.name, arguments_sha256=sha256)
    if held is None:
        return None, f"{claim} is ignored: an action is approved by the vote of others than its proposer."
    try:
        return await vote(tx, decision_id=held.id, approve=True, reason=f"claimed by {claim}"), None
    except (NoVote, DecisionClosed) as refusal:
        return None, f"{claim} is ignored: {refusal.detail}"


async def _deny_what_nobody_can_approve(tx: Tx, judged: Judged) -> Judged:
    """A hold that today's members cannot meet denies at once: nothing waits for nobody."""
    holds = judged.judgement.reasons
    benches = await decisions.benches(tx, holds)
    alone = is_parliament_of_one(benches.values(), tx.principal.id)
    final = []
    for hold in holds:
        bench = benches[hold.policy or ""]
        voters = bench.voters(proposer_id=tx.principal.id, proposer_owner=tx.principal.owner, alone=alone)
        if not can_be_met(bench.quorum, voters):
            people = len(set(voters.values()))
            says = f"{hold.says} It takes {hold.quorum}; {people} may vote."
            final.append(Reason(says, hold.policy))
    return replace(judged, judgement=Judgement(Status.DENIED, final)) if final else judged


async def _hold(tx: Tx, kind: ActionKind, action: Any, arguments: dict[str, Any], judged: Judged) -> Decision:
    state = await kind.state(tx, action)
    decision = await decisions.store(tx, kind, arguments, judged, state=state)
    if decision is not None:
        return decision
    pending = await queries.awaiting_from_me(
        tx, action=kind.name, arguments_sha256=digest({"action": kind.name, "arguments": arguments})
    )
    if pending is not None and pending.state_sha256 == digest(state):
        if pending.expires_at is not None and tx.now < pending.expires_at:
            return pending
        await decisions.close(tx, pending, Status.EXPIRED)
    elif pending is not None:
        await decisions.close(tx, pending, Status.STALE)
    decision = await decisions.store(tx, kind, arguments, judged, state=state)
    if decision is None:
        raise LookupError("a held action was not stored")
    return decision
