"""One contract: its text, the link to sign it, and making it anew."""

from fastapi import Request, Response

from grace.console.happenings import happened, timeline
from grace.console.shell import see, show
from grace.domains.proposals import api
from grace.domains.proposals import queries as offers
from grace.domains.proposals.api import ProposalPath
from grace.domains.proposals.schemas import contract_url
from grace.domains.proposals.service import contracts as service
from grace.kit import links
from grace.kit.edge import Doors, InTx
from grace.kit.markdown import read_markdown

doors = Doors(tags=["Console"])


@doors.get("/app/contracts/{id}", may="proposals:read", hidden=True)
async def contract(tx: InTx, request: Request, id: ProposalPath) -> Response:
    """What was agreed, and whether it is signed."""
    found = await offers.contract(tx, id)
    token = (await links.tokens(tx, kind=service.LINK, subjects=[found.id])).get(found.id)
    all_versions = await offers.contracts(tx, proposal_id=found.proposal_id, sort="-number", after=None, limit=20)
    return await show(
        request,
        tx,
        "proposals/contract.html",
        here="proposals",
        live="contract",
        contract=found,
        client=found.parties["client_company"] or found.parties["client"],
        blocks=read_markdown(found.content),
        client_url=contract_url(token) if token else "",
        versions=all_versions,
        happenings=timeline(
            happened(found.created_at, "Made from the accepted proposal" if found.revision == 1 else "Made anew"),
            happened(found.signed_at, "Signed", "client", found.signed_by or "", f"Text {found.sha256[:8]}…"),
        ),
    )


@doors.post("/app/contracts/{id}/revise", may="proposals:write", hidden=True)
async def revise(tx: InTx, id: ProposalPath) -> Response:
    """Make an unsigned one anew with today's clauses."""
    made = await api.revise_contract(tx, id)
    return see(f"/app/contracts/{made.id}", f"Contract {made.contract_number} takes its place. Send the new link.")
