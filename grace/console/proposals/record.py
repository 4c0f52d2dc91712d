"""One proposal: what it says and costs, what became of it, and the editor that makes its next version."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from grace.console.answers import told
from grace.console.forms import read_fields, read_form
from grace.console.happenings import Happening, happened, timeline
from grace.console.shell import see, show
from grace.domains.delivery import queries as delivery
from grace.domains.proposals import api as doors_of_proposals
from grace.domains.proposals import queries as offers
from grace.domains.proposals.api import ProposalPath
from grace.domains.proposals.models import Contract, Proposal
from grace.domains.proposals.schemas import proposal_url
from grace.domains.proposals.service import proposals as service
from grace.flows.win_work import api, pages, revising
from grace.flows.win_work.schemas import LineIn, ReviseProposal
from grace.kit import links
from grace.kit.display import format_money
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.errors import Invalid
from grace.kit.markdown import read_markdown
from grace.kit.money import InvalidMoney, to_major, to_minor
from grace.kit.tx import Tx
from grace.providers.architect.port import Deliverable
from grace.providers.architect.pricing import discount_percent
from grace.trust.governance import queries as governance

doors = Doors(tags=["Console"])
NEW_LINES = 3
"""Empty lines of the editor."""


class FormLine(LineIn):
    """A line of the editor, which may be struck out."""

    drop: bool = False


class EditorForm(ReviseProposal):
    """The editor's fields."""

    deliverables: Annotated[list[FormLine], Field(min_length=1, max_length=60)]  # type: ignore[assignment]

    def asked(self) -> ReviseProposal:
        """The body of the API's door: what is struck out is left away."""
        kept = [line.model_dump(exclude={"drop"}) for line in self.deliverables if not line.drop]
        if not kept:
            raise Invalid("An offer has one deliverable at least.")
        return ReviseProposal.model_validate({**self.model_dump(exclude={"deliverables"}), "deliverables": kept})


@dataclass(frozen=True, slots=True)
class Figures:
    """What a price means for the business: `margin_minor` is None while no project's cost is known."""

    subtotal_minor: int
    discount_minor: int
    discount: str
    total_minor: int
    over_budget_minor: int
    hours: int
    weeks: int
    hour_minor: int
    margin_minor: int | None
    margin: str
    learned_from: int


@doors.get("/app/proposals/{id}", may="proposals:read", hidden=True)
async def proposal(tx: InTx, request: Request, id: ProposalPath) -> Response:
    """What it offers, how it stands, what comes next."""
    found = await offers.proposal(tx, id)
    contract = await offers.contract_of(tx, found.id) if found.status == "accepted" else None
    token = (await links.tokens(tx, kind=service.LINK, subjects=[found.id])).get(found.id)
    waiting = {}
    if found.status == "draft":
        waiting = await governance.awaiting_about(tx, action="send_proposal", argument="proposal_id", values=[found.id])
    return await show(
        request,
        tx,
        "proposals/record.html",
        here="proposals",
        live=f"proposal contract decision lead:{found.lead_id}",
        offer=found,
        client=found.parties["client_company"] or found.parties["client"],
        over=found.status in ("draft", "sent") and found.expires_at <= tx.now,
        figures=await _figures(tx, found, found.subtotal_minor, found.discount_minor, found.hours, found.weeks),
        blocks=read_markdown(found.content),
        versions=await offers.versions(tx, found.lead_id) if found.lead_id else [],
        contract=contract,
        project=await delivery.project_of(tx, found.id) if contract else None,
        client_url=proposal_url(token) if token and found.status != "superseded" else "",
        decision=waiting.get(found.id),
        happenings=_happenings(found, contract),
    )


@doors.get("/app/proposals/{id}/preview", may="proposals:read", hidden=True)
async def preview(tx: InTx, id: ProposalPath) -> Response:
    """The page that the client sees."""
    found = await offers.proposal(tx, id)
    return await pages.offer_page(tx, found, None, back=f"/app/proposals/{found.id}")


@doors.post("/app/proposals/{id}/send", may="proposals:write", hidden=True)
async def send(tx: InTx, id: ProposalPath) -> Response:
    """Send it to the client, as policy allows."""
    found = await offers.proposal(tx, id)
    answer = await doors_of_proposals.send_proposal(tx, found.id)
    return told(answer, f"/app/proposals/{found.id}", f"Proposal {found.name} was sent. Give the client the link.")


@doors.get("/app/proposals/{id}/edit", may="proposals:read", hidden=True)
async def editor(tx: InTx, request: Request, id: ProposalPath) -> Response:
    """The editor; fields in the address show their price without storing anything."""
    found = await offers.proposal(tx, id)
    figures: Figures | None = None
    lines: list[Deliverable] = []
    problem = ""
    try:
        asked = _asked(request, found)
        price = revising.price(found, asked.revision(found.currency))
        fit = price.fit
        figures = await _figures(tx, found, fit.subtotal_minor, fit.discount_minor, price.hours, price.weeks)
        lines = list(price.deliverables)
    except RequestValidationError:
        problem = "The price follows when every deliverable has a title and its hours."
    except Invalid as refusal:
        problem = refusal.detail
    except InvalidMoney as refusal:
        problem = str(refusal)
    return await show(
        request,
        tx,
        "proposals/edit.html",
        here="proposals",
        live=f"proposal:{found.id}",
        offer=found,
        lines=[*found.deliverables, *[None] * NEW_LINES],
        figures=figures,
        priced=lines,
        problem=problem,
        major=lambda minor: to_major(minor, found.currency),
    )


@doors.post("/app/proposals/{id}/edit", may="proposals:write", hidden=True)
async def revise(unit: InUnit, request: Request, id: ProposalPath) -> Response:
    """Make the next version of the offer."""
    form = await read_form(request, EditorForm)
    made = await api.revise_proposal(unit, id, form.asked())
    price = format_money(to_minor(made.pricing.total, made.pricing.currency), made.pricing.currency)
    return see(f"/app/proposals/{made.id}", f"Version {made.revision} is a draft: {price}.")


def _asked(request: Request, found: Proposal) -> ReviseProposal:
    """What the address asks for; without fields, the proposal as it is."""
    if request.query_params.get("version"):
        return read_fields(request.query_params.multi_items(), EditorForm).asked()
    lines = [
        LineIn(number=one["number"], title=one["title"][:120], hours=max(one["hours"], 1),
               hourly_rate=to_major(one["rate_minor"], found.currency))
        for one in found.deliverables
    ]  # fmt: skip
    return ReviseProposal(
        version=found.version, deliverables=lines, discount=to_major(found.discount_minor, found.currency)
    )


async def _figures(tx: Tx, offer: Proposal, subtotal: int, discount: int, hours: int, weeks: int) -> Figures:
    """What the price means, with the margin that finished projects let expect."""
    known = await delivery.work_cost(tx, offer.currency)
    total = subtotal - discount
    margin = total - hours * known.cost_minor // known.hours if known.hours else None
    return Figures(
        subtotal_minor=subtotal,
        discount_minor=discount,
        discount=f"{discount_percent(discount, subtotal):f}%",
        total_minor=total,
        over_budget_minor=0 if offer.budget_minor is None else max(0, total - offer.budget_minor),
        hours=hours,
        weeks=weeks,
        hour_minor=total // hours if hours else 0,
        margin_minor=margin,
        margin=f"{100 * margin / total:.1f}%".replace("-", "−") if margin is not None and total else "",
        learned_from=known.projects,
    )


def _happenings(offer: Proposal, contract: Contract | None) -> list[Happening]:
    client = offer.parties["client"]
    signed = contract.signed_at if contract else None
    return timeline(
        happened(offer.created_at, "Written", "system", f"Architect {offer.written_by}"),
        happened(offer.sent_at, "Sent to the client", "user", offer.sent_by or ""),
        happened(offer.accepted_at, "Accepted", "client", offer.accepted_by or client),
        happened(offer.declined_at, "Declined", "client", client, offer.decline_reason or ""),
        happened(offer.expires_at if offer.status == "expired" else None, "Expired without an answer"),
        happened(contract.created_at if contract else None, "Contract made"),
        happened(signed, "Contract signed", "client", (contract.signed_by if contract else "") or client),
    )
