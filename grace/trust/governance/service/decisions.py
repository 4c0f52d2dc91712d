"""What perform and vote share: judging an action, and the only writes to decisions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from grace.kit import json
from grace.kit.ids import new_id
from grace.kit.settings import settings
from grace.kit.tx import Principal, Tx
from grace.trust.audit import service as audit
from grace.trust.governance import facts, queries
from grace.trust.governance.cedar import Judgement, context_faults
from grace.trust.governance.models import Decision, Reason, Status
from grace.trust.governance.registry import ActionKind
from grace.trust.governance.rules import Bench, Quorum, digest
from grace.trust.identity import queries as identity

_ENDS: Mapping[Status, tuple[str, type[facts.DecisionFact] | None]] = {
    Status.ALLOWED: ("allow_action", None),
    Status.DENIED: ("deny_action", facts.ActionDenied),
    Status.EXECUTED: ("grant_action", facts.ActionGranted),
    Status.REJECTED: ("reject_action", facts.ActionRejected),
    Status.EXPIRED: ("expire_action", facts.ActionExpired),
    Status.STALE: ("drop_stale_action", facts.ActionStale),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement with what it was made on."""

    judgement: Judgement
    context: Mapping[str, object]
    in_force: queries.InForce | None

    def with_approval(self, tx: Tx, kind: ActionKind, proposer: Principal, approved: frozenset[str]) -> "Judged":
        """The same facts judged again with the quorums that are met."""
        return replace(self, judgement=_ask(tx, kind, proposer, self.context, self.in_force, approved))


async def judge(tx: Tx, kind: ActionKind, action: Any, proposer: Principal) -> Judged:
    """Gather the facts of an action and ask the policy in force."""
    context = await kind.context(tx, action)
    in_force = await queries.policy_in_force(tx)
    return Judged(_ask(tx, kind, proposer, context, in_force, frozenset()), context, in_force)


async def benches(tx: Tx, holds: list[Reason]) -> dict[str, Bench]:
    """For each hold, by its policy, who has a vote on it now."""
    return seated(holds, await identity.members(tx, groups_of(holds)))


def groups_of(holds: list[Reason]) -> list[str]:
    """The groups that some holds name."""
    return sorted({group for hold in holds for group in Quorum.parse(hold.quorum).groups})


def seated(holds: list[Reason], members: Mapping[str, list[identity.Member]]) -> dict[str, Bench]:
    """For each hold, by its policy, who of these members has a vote on it."""
    quorums = {hold: Quorum.parse(hold.quorum) for hold in holds}
    return {
        hold.policy or "": Bench(
            quorum, {one.id: one.person for group in quorum.groups for one in members[group]}, hold.solo
        )
        for hold, quorum in quorums.items()
    }


async def store(
    tx: Tx,
    kind: ActionKind,
    arguments: dict[str, Any],
    judged: Judged,
    *,
    state: Mapping[str, object] | None = None,
    result: Any = None,
) -> Decision | None:
    """Store a decision on an action of the principal. None when the same action is held for them already."""
    status, reasons = judged.judgement.status, judged.judgement.reasons
    held = status is Status.AWAITING_APPROVAL
    context = dict(judged.context) if not context_faults(judged.context, kind.context_types) else {}
    arguments_sha256 = digest({"action": kind.name, "arguments": arguments})
    principal = tx.principal
    inputs = {
        "arguments": arguments_sha256,
        "context": context,
        "policy": judged.in_force and judged.in_force.policy.sha256,
        "principal": [principal.kind, principal.id, principal.owner, sorted(principal.roles)],
    }
    given_back = reference(result)
    stored = await tx.first(
        Decision,
        "insert into decision (id, action, effect, arguments, arguments_sha256, state_sha256, context,"
        " inputs_sha256, policy_version, reasons, status, proposer_kind, proposer_id, proposer_name,"
        " proposer_owner, proposer_roles, proposed_at, expires_at, decided_at, result)"
        " values (%(id)s, %(action)s, %(effect)s, %(arguments)s::jsonb, %(arguments_sha256)s,"
        " %(state_sha256)s, %(context)s::jsonb, %(inputs_sha256)s, %(policy_version)s, %(reasons)s::jsonb,"
        " %(status)s, %(proposer_kind)s, %(proposer_id)s, %(proposer_name)s, %(proposer_owner)s,"
        " %(proposer_roles)s, %(now)s, %(expires_at)s, %(decided_at)s, %(result)s::jsonb)"
        f" on conflict do nothing returning {queries.DECISION}",
        id=new_id("dec"),
        action=kind.name,
        effect=kind.effect,
        arguments=json.dumps(arguments),
        arguments_sha256=arguments_sha256,
        state_sha256=digest(state) if held else None,
        context=json.dumps(context),
        inputs_sha256=digest(inputs),
        policy_version=judged.in_force and judged.in_force.version,
        reasons=json.dumps([asdict(reason) for reason in reasons]),
        status=status,
        proposer_kind=principal.kind,
        proposer_id=principal.id,
        proposer_name=principal.name,
        proposer_owner=principal.owner,
        proposer_roles=sorted(principal.roles),
        now=tx.now,
        expires_at=tx.now + timedelta(days=settings().governance_decision_days) if held else None,
        decided_at=None if held else tx.now,
        result=None if given_back is None else json.dumps(given_back),
    )
    if stored is not None:
        _tell(tx, stored, before=None)
    return stored


async def close(
    tx: Tx,
    decision: Decision,
    status: Status,
    *,
    reasons: list[Reason] | None = None,
    policy_version: int | None = None,
    result: Any = None,
) -> Decision:
    """End a decision that this transaction has locked; given reasons replace those it was held for."""
    given_back = reference(result)
    ended = await tx.one(
        Decision,
        "update decision set status = %(status)s, reasons = %(reasons)s::jsonb, result = %(result)s::jsonb,"
        " policy_version = %(policy_version)s, decided_at = %(now)s, version = version + 1"
        f" where id = %(id)s and status = 'awaiting_approval' returning {queries.DECISION}",
        id=decision.id,
        status=status,
        reasons=json.dumps(decision.reasons if reasons is None else [asdict(r) for r in reasons]),
        result=None if given_back is None else json.dumps(given_back),
        policy_version=policy_version or decision.policy_version,
        now=tx.now,
    )
    _tell(tx, ended, before=decision)
    return ended


async def hold_anew(tx: Tx, decision: Decision, reasons: list[Reason], policy_version: int | None) -> Decision:
    """Keep a decision waiting, for the holds that the policy names now."""
    wanted = [asdict(reason) for reason in reasons]
    if wanted == decision.reasons:
        return decision
    held = await tx.one(
        Decision,
        "update decision set reasons = %(reasons)s::jsonb, policy_version = %(policy_version)s,"
        " version = version + 1 where id = %(id)s and status = 'awaiting_approval'"
        f" returning {queries.DECISION}",
        id=decision.id,
        reasons=json.dumps(wanted),
        policy_version=policy_version,
    )
    _tell(tx, held, before=decision)
    return held


def reference(result: Any) -> Any:
    """What is kept of an executor's result: plain JSON as it is, of a noun its id."""
    if result is None or isinstance(result, str | int | bool):
        return result
    if isinstance(result, Mapping):
        return dict(result)
    identifier = getattr(result, "id", None)
    return None if identifier is None else {"id": identifier}


def _tell(tx: Tx, decision: Decision, *, before: Decision | None) -> None:
    """The audit entry and the fact of what a decision has become."""
    held = decision.status == Status.AWAITING_APPROVAL
    verb, fact = ("hold_action", None) if held else _ENDS[Status(decision.status)]
    audit.record(
        tx,
        action=verb,
        subject=("decision", decision.id),
        reason="; ".join(reason["says"] for reason in decision.reasons),
        before=before and {"status": before.status, "reasons": before.reasons},
        after={
            "action": decision.action,
            "arguments": decision.arguments,
            "arguments_sha256": decision.arguments_sha256,
            "policy_version": decision.policy_version,
            "proposer": decision.proposer_id,
            "reasons": decision.reasons,
            "result": decision.result,
            "status": decision.status,
        },
    )
    if held and decision.expires_at is not None:
        groups = {group for hold in decision.holds for group in Quorum.parse(hold.quorum).groups}
        tx.emit(
            facts.ActionHeld(
                decision.id,
                decision.action,
                decision.version,
                decision.proposer_id,
                sorted(groups),
                decision.expires_at.isoformat(),
            )
        )
    elif fact is not None:
        tx.emit(fact(decision.id, decision.action, decision.version))


def _ask(
    tx: Tx,
    kind: ActionKind,
    proposer: Principal,
    context: Mapping[str, object],
    in_force: queries.InForce | None,
    approved: frozenset[str],
) -> Judgement:
    if in_force is None:
        return Judgement(Status.DENIED, [Reason("No policy is in force here.")])
    return in_force.policy.judge(
        kind, principal=proposer, workspace=tx.workspace.handle, context=context, approved=approved
    )
