"""Doors of proposals that name clients and leads."""

from typing import Annotated, Literal

from fastapi import Path, Query

from grace.domains.crm import queries as crm
from grace.domains.crm.models import EXTERNAL_ID_LENGTH
from grace.domains.proposals import queries as offers
from grace.domains.proposals.models import ProposalStatus
from grace.domains.proposals.queries import ProposalFilter
from grace.domains.proposals.schemas import ProposalList, ProposalOut
from grace.domains.proposals.service import proposals
from grace.flows.win_work import revising, service
from grace.flows.win_work.schemas import GeneratedProposal, GenerateProposal, ProjectPlan, ReviseProposal
from grace.kit import links
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.paging import Cursor, Limit, after_id, page

doors = Doors(tags=["Proposals"])
ProposalSort = Literal[
    "number", "-number", "total", "-total", "created_at", "-created_at", "expires_at", "-expires_at"
]  # fmt: skip


@doors.post("/api/business/proposals/generate", may="proposals:write", returns=GeneratedProposal)
async def generate_proposal(unit: InUnit, body: GenerateProposal) -> GeneratedProposal:
    """Have the architect write a proposal for a client from the rate card, the templates and past projects."""
    made = await service.generate_proposal(
        unit, client=body.client_id, lead=body.lead_id, requirements=body.requirements, budget=body.budget
    )
    return GeneratedProposal(
        proposal_id=made.proposal.id,
        proposal=ProposalOut.of(made.proposal, None),
        project_plan=ProjectPlan.of(made.plan, made.proposal.currency),
    )


@doors.get("/api/v1/proposals", may="proposals:read", returns=ProposalList)
async def list_proposals(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: ProposalSort = "-created_at",
    status: ProposalStatus | None = None,
    client_id: Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH, description="By any of its ids.")] = None,
    lead_id: Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH)] = None,
) -> ProposalList:
    """Proposals, the newest first."""
    where = ProposalFilter(
        status=status,
        client_ids=None if client_id is None else await crm.family(tx, (await crm.client(tx, client_id)).id),
        lead_id=None if lead_id is None else (await crm.lead(tx, lead_id)).id,
    )
    rows = await offers.proposals(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    tokens = await links.tokens(tx, kind=proposals.LINK, subjects=[row.id for row in shown.items])
    items = [ProposalOut.of(row, tokens.get(row.id)) for row in shown.items]
    return ProposalList(items=items, next_cursor=shown.next_cursor)


@doors.post("/api/v1/proposals/{id}/revise", may="proposals:write", returns=ProposalOut)
async def revise_proposal(
    unit: InUnit,
    id: Annotated[str, Path(max_length=64, description="Its id or its number.")],
    body: ReviseProposal,
) -> ProposalOut:
    """Make the next version of an offer with another scope, price or title, as a draft; the text is written anew."""
    proposal = await offers.proposal(unit.tx, id)
    made = await revising.revise_proposal(unit, proposal=proposal, revision=body.revision(proposal.currency))
    return ProposalOut.of(made, None)
