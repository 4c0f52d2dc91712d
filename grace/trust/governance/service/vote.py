"""Votes on held actions, and what follows from them: grant, rejection, expiry."""

from collections.abc import Collection
from typing import Any

from grace.kit.errors import Conflict, InProgress, Invalid, NotFound
from grace.kit.tx import Principal, Tx
from grace.trust.audit import service as audit
from grace.trust.governance import queries, registry
from grace.trust.governance.errors import DecisionClosed, NoVote
from grace.trust.governance.facts import VoteCast
from grace.trust.governance.models import Decision, Outcome, Reason, Status
from grace.trust.governance.registry import ActionKind
from grace.trust.governance.rules import (
    Bench,
    digest,
    is_parliament_of_one,
    person,
    tally,
    why_no_solo_vote,
    why_no_vote,
)
from grace.trust.governance.service import decisions
from grace.trust.identity import queries as identity

MAX_REASON = 2000
_STALE = "What the action was judged on has changed since it was held; propose it again."


async def vote(tx: Tx, *, decision_id: str, approve: bool, reason: str = "") -> Outcome:
    """Cast the principal's vote on a held action, or change it while the decision is open.

    With the last vote that its quorums need, the action runs in this transaction, exactly as it was held, and
    the voter is its principal; an exception of its executor means that the vote was not cast either. A vote
    against ends a hold for a number of votes, and a majority's once it is out of reach. NoVote when the
    principal may not vote, DecisionClosed when the decision has ended; a decision past its time expires
    instead.
    """
    if len(reason) > MAX_REASON:
        raise Invalid(f"The reason is longer than {MAX_REASON} characters.")
    decision = await queries.decision(tx, decision_id, lock=True)
    if decision.status != Status.AWAITING_APPROVAL:
        raise DecisionClosed(f"This decision has ended: {decision.status}.")
    if decision.expires_at is None or decision.expires_at <= tx.now:
        return Outcome(await decisions.close(tx, decision, Status.EXPIRED))
    solo = await _admit(tx, decision, approve, reason)
    await _store(tx, decision, approve, reason, solo)
    return await _settle(tx, decision, approve)


async def expire_due(tx: Tx, *, limit: int = 200) -> list[Decision]:
    """End the decisions whose time is over (business time), at most `limit` of them; never runs an action."""
    due = await tx.all(
        Decision,
        f"select {queries.DECISION} from decision where status = 'awaiting_approval'"
        " and expires_at <= %(now)s order by id limit %(limit)s for update skip locked",
        now=tx.now,
        limit=limit,
    )
    return [await decisions.close(tx, decision, Status.EXPIRED) for decision in due]


async def _admit(tx: Tx, decision: Decision, approve: bool, reason: str) -> bool:
    """Refuse (NoVote) whom the policy does not name; True for the vote of a Parliament of one."""
    benches = (await decisions.benches(tx, decision.holds)).values()
    solo = is_solo(tx.principal, decision, benches)
    why = why_not(tx, decision, benches, reason=reason) if approve or not solo else None
    if why is not None:
        raise NoVote(why, type="sign-in-again") if solo else NoVote(why)
    return solo


def is_solo(principal: Principal, decision: Decision, benches: Collection[Bench]) -> bool:
    """Whether the principal decides on an own action as the Parliament of one."""
    return principal.id == decision.proposer_id and is_parliament_of_one(benches, decision.proposer_id)


def why_not(tx: Tx, decision: Decision, benches: Collection[Bench], *, reason: str) -> str | None:
    """Why the principal may not approve now; None when it may."""
    if is_solo(tx.principal, decision, benches):
        return why_no_solo_vote(tx.principal, reason=reason, real_now=tx.real_now)
    return why_no_vote(
        tx.principal,
        voters={member for bench in benches for member in bench.members},
        proposer_id=decision.proposer_id,
        proposer_owner=decision.proposer_owner,
    )


async def _store(tx: Tx, decision: Decision, approve: bool, reason: str, solo: bool) -> None:
    counted = await tx.execute(
        "insert into vote"
        " (decision_id, person, voter_kind, voter_id, voter_name, approve, reason, solo, cast_at)"
        " values (%(decision_id)s, %(person)s, %(kind)s, %(id)s, %(name)s, %(approve)s, %(reason)s, %(solo)s,"
        " %(now)s) on conflict (decision_id, person) do update set voter_kind = excluded.voter_kind,"
        " voter_id = excluded.voter_id, voter_name = excluded.voter_name, approve = excluded.approve,"
        " reason = excluded.reason, solo = excluded.solo, cast_at = excluded.cast_at"
        " where vote.voter_kind = 'agent' or excluded.voter_kind = 'user'",
        decision_id=decision.id,
        person=person(tx.principal),
        kind=tx.principal.kind,
        id=tx.principal.id,
        name=tx.principal.name,
        approve=approve,
        reason=reason,
        solo=solo,
        now=tx.now,
    )
    if counted == 0:
        raise NoVote("The agent's owner has voted; one person has one vote.")
    audit.record(
        tx,
        action="cast_vote",
        subject=("decision", decision.id),
        reason=reason,
        after={"approve": approve, "voter": tx.principal.id, "parliament_of_one": solo},
    )
    tx.emit(VoteCast(decision.id, decision.action, decision.version, tx.principal.id, approve))


async def _settle(tx: Tx, decision: Decision, approve: bool) -> Outcome:
    """Judge again, count, and end the decision if the votes suffice. A vote against never runs an action."""
    kind = registry.named(decision.action)
    try:
        action = await _unchanged(tx, kind, decision)
    except InProgress:
        raise
    except (Conflict, NotFound) as refusal:
        impossible = [Reason(f"It is no longer possible: {refusal.detail}")]
        return Outcome(await decisions.close(tx, decision, Status.STALE, reasons=impossible))
    if kind is None or action is None:
        return Outcome(await decisions.close(tx, decision, Status.STALE, reasons=[Reason(_STALE)]))
    proposer = await _proposer(tx, decision)
    if proposer is None:
        gone = [Reason("Who proposed the action may no longer act here.")]
        return Outcome(await decisions.close(tx, decision, Status.DENIED, reasons=gone))
    judged = await decisions.judge(tx, kind, action, proposer)
    version = judged.in_force and judged.in_force.version
    if judged.judgement.status is Status.DENIED:
        return await _deny(tx, decision, judged.judgement.reasons, version)
    holds = judged.judgement.reasons if judged.judgement.status is Status.AWAITING_APPROVAL else []
    counts = await _count(tx, decision, holds)
    if "rejected" in counts.values() or (not approve and not holds):
        return Outcome(await decisions.close(tx, decision, Status.REJECTED))
    if not approve or "open" in counts.values():
        return Outcome(await decisions.hold_anew(tx, decision, holds, version) if holds else decision)
    granted = judged.with_approval(tx, kind, proposer, frozenset(counts)).judgement
    if granted.status is not Status.ALLOWED:
        return await _deny(tx, decision, granted.reasons, version)
    result = await kind.executor(tx, action)
    return Outcome(await decisions.close(tx, decision, Status.EXECUTED, policy_version=version, result=result), result)


async def _proposer(tx: Tx, decision: Decision) -> Principal | None:
    """Who proposed, with the roles of now; None when they were shut out meanwhile."""
    if decision.proposer_kind in ("user", "agent"):
        return await identity.principal(tx, decision.proposer_id)
    return queries.proposer(decision)


async def _unchanged(tx: Tx, kind: ActionKind | None, decision: Decision) -> Any:
    """The action as it was held; None when it, or what it was judged on, is no longer the same."""
    held = digest({"action": decision.action, "arguments": decision.arguments})
    if kind is None or held != decision.arguments_sha256:
        return None
    try:
        action = kind.decode(decision.arguments)
        same = digest(await kind.state(tx, action)) == decision.state_sha256
    except (Invalid, NotFound):
        return None
    return action if same else None


async def _count(tx: Tx, decision: Decision, holds: list[Reason]) -> dict[str, str]:
    """Where each hold stands, by its policy."""
    benches = await decisions.benches(tx, holds)
    cast = await queries.votes(tx, decision.id)
    alone = is_parliament_of_one(benches.values(), decision.proposer_id)
    approvals = {one.voter_id: one.approve for one in cast}
    return {
        policy: tally(
            bench.quorum,
            bench.voters(proposer_id=decision.proposer_id, proposer_owner=decision.proposer_owner, alone=alone),
            approvals,
        )
        for policy, bench in benches.items()
    }


async def _deny(tx: Tx, decision: Decision, reasons: list[Reason], version: int | None) -> Outcome:
    closed = await decisions.close(tx, decision, Status.DENIED, reasons=reasons, policy_version=version)
    return Outcome(closed)
