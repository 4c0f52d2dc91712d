"""Doors of governance: decisions and votes, policies, exchange rates."""

from typing import Annotated

from fastapi import Path, Query, Response

from grace.kit.edge import Doors, InTx
from grace.kit.errors import Invalid
from grace.kit.paging import Cursor, Limit, decode, page
from grace.trust.governance import queries, registry
from grace.trust.governance.actions import ActivatePolicy
from grace.trust.governance.checks import check
from grace.trust.governance.models import Status
from grace.trust.governance.schemas import (
    DecisionList,
    DecisionOut,
    PolicyIn,
    PolicyList,
    PolicyOut,
    PolicyProposed,
    RatesIn,
    RatesStored,
    VoteIn,
    not_run,
)
from grace.trust.governance.service.perform import perform
from grace.trust.governance.service.rates import import_rates
from grace.trust.governance.service.vote import vote

doors = Doors(tags=["Governance"])
DecisionId = Annotated[str, Path(max_length=64)]


def _number(cursor: str | None) -> int | None:
    position = decode(cursor)
    if position is not None and not (isinstance(position, int) and 0 <= position < 2**63):
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return position


@doors.get("/api/v1/decisions", may="decisions:read", returns=DecisionList)
async def list_decisions(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[Status | None, Query(description="Only decisions of this status.")] = None,
) -> DecisionList:
    """Decisions, the newest first."""
    rows = await queries.decisions(tx, status=status, before=_number(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="number")
    return DecisionList(items=[DecisionOut.of(row, []) for row in shown.items], next_cursor=shown.next_cursor)


@doors.get("/api/v1/decisions/{id}", may="decisions:read", returns=DecisionOut)
async def get_decision(tx: InTx, id: DecisionId) -> DecisionOut:
    """A decision with its votes."""
    decision = await queries.decision(tx, id)
    return DecisionOut.of(decision, await queries.votes(tx, decision.id))


@doors.post("/api/v1/decisions/{id}/vote", may="decisions:vote", returns=DecisionOut)
async def cast_vote(tx: InTx, id: DecisionId, body: VoteIn) -> DecisionOut:
    """Vote on a held action; the last vote that it needs runs it."""
    decision = (await vote(tx, decision_id=id, approve=body.approve, reason=body.reason)).decision
    return DecisionOut.of(decision, await queries.votes(tx, decision.id))


@doors.get("/api/v1/policies", may="policies:read", returns=PolicyList)
async def list_policies(tx: InTx, limit: Limit = 20, cursor: Cursor = None) -> PolicyList:
    """Policy versions, the one in force first."""
    rows = await queries.policy_versions(tx, before=_number(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="version")
    return PolicyList(items=[PolicyOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


@doors.post("/api/v1/policies", may="policies:write", returns=PolicyProposed, held=True)
async def propose_policy(tx: InTx, body: PolicyIn) -> PolicyProposed | Response:
    """Check a text and its cases, show which past decisions it would change, and propose it."""
    check(body.text, body.cases, registry.registered())
    changes = await queries.changed_by(tx, body.text)
    if body.dry_run:
        return PolicyProposed.of(None, None, changes)
    outcome = await perform(tx, ActivatePolicy(body.text, body.cases))
    return not_run(outcome, tx.request_id) or PolicyProposed.of(outcome.decision.id, outcome.result, changes)


@doors.post("/api/v1/rates", may="rates:write", returns=RatesStored)
async def store_rates(tx: InTx, body: RatesIn) -> RatesStored:
    """Store exchange rates; all of them, or none when one is wrong."""
    done = await import_rates(tx, [rate.model_dump() for rate in body.rates])
    if done.rejected:
        wrong = [f"Rate {rejected.row}: {rejected.reason}" for rejected in done.rejected]
        raise Invalid(" ".join(wrong[:5]), findings=wrong)
    return RatesStored(stored=done.stored)
