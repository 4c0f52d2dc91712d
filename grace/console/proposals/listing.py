"""Proposals: the list by state, and a new one from what the client wants."""

from decimal import Decimal

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.shell import demand, see, show
from grace.domains.crm import queries as crm
from grace.domains.crm.models import Lead
from grace.domains.proposals import queries as offers
from grace.flows.win_work import api
from grace.flows.win_work.schemas import GenerateProposal
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.money import to_major
from grace.kit.paging import after_id, page
from grace.trust.governance import queries as governance

doors = Doors(tags=["Console"])
ROWS = 40
STATES = (
    ("draft", "Drafts"),
    ("sent", "Sent"),
    ("accepted", "Accepted"),
    ("declined", "Declined"),
    ("expired", "Expired"),
    ("superseded", "Replaced"),
)


@doors.get("/app/proposals", may="proposals:read", hidden=True)
async def proposals(tx: InTx, request: Request) -> Response:
    """The list, the newest first; a state's tab is an address."""
    asked = request.query_params.get("state")
    state = asked if asked in dict(STATES) else None
    rows = await offers.listed(tx, status=state, after=after_id(request.query_params.get("cursor")), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="id")
    drafts = [row.id for row in shown.items if row.status == "draft"]
    sums = await offers.sums(tx)
    return await show(
        request,
        tx,
        "proposals/list.html",
        here="proposals",
        live="proposal decision",
        state=state,
        states=STATES,
        sums=sums,
        total=sum(found.count for name, found in sums.items() if name != "superseded"),
        rows=shown.items,
        next_cursor=shown.next_cursor,
        waiting_for=await governance.awaiting_about(tx, action="send_proposal", argument="proposal_id", values=drafts)
        if drafts
        else {},
        address=f"/app/proposals?state={state}" if state else "/app/proposals",
    )


@doors.get("/app/proposals/new", may="proposals:read", hidden=True)
async def new_proposal(tx: InTx, request: Request) -> Response:
    """What the client wants and would spend, from the lead that is named in the address."""
    query = request.query_params
    named, whose = query.get("lead", "")[:64], query.get("client", "")[:256]
    if named or whose:
        demand(tx, "clients:read")
    lead = await crm.lead(tx, named) if named else None
    client = await crm.client(tx, lead.client_id if lead else whose) if lead or whose else None
    return await show(
        request,
        tx,
        "proposals/new.html",
        here="proposals",
        live=f"lead:{lead.id}" if lead else "",
        lead=lead,
        client=client,
        earlier=await offers.versions(tx, lead.id) if lead else [],
        budget=_budget(lead),
    )


@doors.post("/app/proposals/new", may="proposals:write", hidden=True)
async def generate(unit: InUnit, request: Request) -> Response:
    """Have the architect write it."""
    made = await api.generate_proposal(unit, await read_form(request, GenerateProposal))
    return see(f"/app/proposals/{made.proposal_id}", f"Proposal P-{made.proposal.number} was written. Read it first.")


def _budget(lead: Lead | None) -> Decimal | str:
    """What the lead would spend, in major units: its budget, else what it is thought to be worth."""
    if lead is None or not (minor := lead.budget_minor or lead.value_estimate_minor):
        return ""
    return to_major(minor, lead.currency)
