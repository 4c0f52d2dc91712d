"""Doors of proposals and contracts. Those that name clients or are the client's are in
`flows/win_work`."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from grace.domains.proposals import document, queries
from grace.domains.proposals.actions import SendProposal
from grace.domains.proposals.schemas import ContractList, ContractOut, ProposalOut
from grace.domains.proposals.service import contracts, proposals
from grace.kit import links
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, Limit, after_id, page
from grace.kit.tx import Tx
from grace.trust.governance.schemas import not_run
from grace.trust.governance.service.perform import perform

doors = Doors(tags=["Proposals"])
ProposalPath = Annotated[str, Path(max_length=64, description="Its id or its number.")]
ContractSort = Literal["number", "-number", "created_at", "-created_at"]


@doors.get("/api/v1/proposals/{id}", may="proposals:read", returns=ProposalOut)
async def get_proposal(tx: InTx, id: ProposalPath) -> ProposalOut:
    """A proposal with all that it says, its scan, and the client's link once it is sent."""
    proposal = await queries.proposal(tx, id)
    return ProposalOut.of(proposal, await _token(tx, proposals.LINK, proposal.id))


@doors.get("/api/v1/proposals/{id}/pdf", may="proposals:read", gives="application/pdf")
async def get_proposal_pdf(tx: InTx, id: ProposalPath) -> Response:
    """A proposal as PDF."""
    proposal = await queries.proposal(tx, id)
    return await document.proposal_pdf(proposal, token=await _token(tx, proposals.LINK, proposal.id))


@doors.post("/api/v1/proposals/{id}/send", may="proposals:write", returns=ProposalOut, held=True)
async def send_proposal(tx: InTx, id: ProposalPath) -> ProposalOut | Response:
    """Send a draft to its client, as policy allows; the client's link is in the proposal from then on."""
    proposal = await queries.proposal(tx, id)
    outcome = await perform(tx, SendProposal(proposal.id))
    return not_run(outcome, tx.request_id) or await get_proposal(tx, proposal.id)


@doors.get("/api/v1/contracts", may="proposals:read", returns=ContractList)
async def list_contracts(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: ContractSort = "-created_at",
    proposal_id: Annotated[str | None, Query(max_length=64)] = None,
) -> ContractList:
    """Contracts, the newest first."""
    rows = await queries.contracts(tx, proposal_id=proposal_id, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    tokens = await links.tokens(tx, kind=contracts.LINK, subjects=[row.id for row in shown.items])
    items = [ContractOut.of(row, tokens.get(row.id)) for row in shown.items]
    return ContractList(items=items, next_cursor=shown.next_cursor)


@doors.get("/api/v1/contracts/{id}", may="proposals:read", returns=ContractOut)
async def get_contract(tx: InTx, id: ProposalPath) -> ContractOut:
    """A contract with its text and the link to sign it."""
    contract = await queries.contract(tx, id)
    return ContractOut.of(contract, await _token(tx, contracts.LINK, contract.id))


@doors.get("/api/v1/contracts/{id}/pdf", may="proposals:read", gives="application/pdf")
async def get_contract_pdf(tx: InTx, id: ProposalPath) -> Response:
    """A contract as PDF, with its signatures."""
    contract = await queries.contract(tx, id)
    return await document.contract_pdf(contract, offered_by=await queries.proposal(tx, contract.proposal_id))


@doors.post("/api/v1/contracts/{id}/revise", may="proposals:write", returns=ContractOut)
async def revise_contract(tx: InTx, id: ProposalPath) -> ContractOut:
    """Make an unsigned contract anew with today's clauses; the link to the old version ends."""
    contract = await contracts.revise_contract(tx, reference=id)
    return ContractOut.of(contract, await _token(tx, contracts.LINK, contract.id))


async def _token(tx: Tx, kind: str, subject: str) -> str | None:
    return (await links.tokens(tx, kind=kind, subjects=[subject])).get(subject)
