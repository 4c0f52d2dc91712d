"""What a client does by a signed link: read and answer a proposal, read and sign a contract.

JSON at the documented addresses, a page for `Accept: text/html` whose forms work without JavaScript.
"""

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from grace.domains.proposals import document
from grace.domains.proposals import queries as offers
from grace.domains.proposals.models import Proposal
from grace.domains.proposals.schemas import Agreement, OfferOut, SignedName
from grace.domains.proposals.service import contracts
from grace.flows.win_work import service
from grace.flows.win_work.schemas import AcceptIn, DeclineIn, ProposalAnswered, SignIn
from grace.kit import links
from grace.kit.display import format_date, format_money
from grace.kit.edge import LINK, Doors, InTx
from grace.kit.markdown import read_markdown
from grace.kit.pages import Pages, form_text, wants_page
from grace.kit.tx import Tx

doors = Doors(tags=["Client links"])
_pages = Pages("grace.flows.win_work")
TypedName = Annotated[SignedName, Form()]


@doors.get("/proposal/{token}", may=LINK, returns=OfferOut, paged=True)
async def proposal_page(tx: InTx, token: str, request: Request) -> OfferOut | Response:
    """A proposal, to be answered; a page for `Accept: text/html`."""
    proposal = await service.offer(tx, token)
    if not wants_page(request):
        return OfferOut.of(proposal, token)
    return await offer_page(tx, proposal, token)


@doors.get("/proposal/{token}/proposal.pdf", may=LINK, gives="application/pdf")
async def proposal_pdf(tx: InTx, token: str) -> Response:
    """The proposal as PDF."""
    return await document.proposal_pdf(await service.offer(tx, token), token=token)


@doors.post("/proposal/{token}/accept", may=LINK, returns=ProposalAnswered)
async def accept_proposal(tx: InTx, token: str, body: AcceptIn) -> ProposalAnswered:
    """The client says yes; the answer names the contract to sign."""
    won = await service.accept_proposal(tx, token=token, name=body.name)
    tokens = await links.tokens(tx, kind=contracts.LINK, subjects=[won.contract.id])
    return ProposalAnswered.won(won, token, tokens.get(won.contract.id))


@doors.post("/proposal/{token}/decline", may=LINK, returns=ProposalAnswered)
async def decline_proposal(tx: InTx, token: str, body: DeclineIn | None = None) -> ProposalAnswered:
    """The client says no."""
    declined = await service.decline_proposal(tx, token=token, reason=body.reason if body else None)
    return ProposalAnswered(**OfferOut.of(declined, token).model_dump())


@doors.get("/contract/{token}", may=LINK, returns=Agreement, paged=True)
async def contract_page(tx: InTx, token: str, request: Request) -> Agreement | Response:
    """A contract, to be signed; a page for `Accept: text/html`."""
    contract = await service.agreement(tx, token)
    shown = Agreement.of(contract, token)
    if not wants_page(request):
        return shown
    return _pages.render(
        "contract.html",
        contract=shown,
        token=token,
        blocks=read_markdown(contract.content),
        total=format_money(contract.total_minor, contract.currency),
        signed_on=format_date(contract.signed_at.date()) if contract.signed_at else "",
    )


@doors.get("/contract/{token}/contract.pdf", may=LINK, gives="application/pdf")
async def contract_pdf(tx: InTx, token: str) -> Response:
    """The contract as PDF."""
    contract = await service.agreement(tx, token)
    return await document.contract_pdf(contract, offered_by=await offers.proposal(tx, contract.proposal_id))


@doors.post("/contract/{token}/sign", may=LINK, returns=Agreement)
async def sign_contract(tx: InTx, token: str, body: SignIn) -> Agreement:
    """The client signs by typing a name."""
    return Agreement.of(await service.sign_contract(tx, token=token, name=body.name), token)


@doors.post("/proposal/{token}/accept/form", may=LINK, hidden=True)
async def accept_form(tx: InTx, token: str, name: TypedName) -> Response:
    """The page's form for a yes; on to the contract."""
    won = await service.accept_proposal(tx, token=token, name=name.strip())
    contract_path, _ = await _contract(tx, won.proposal)
    return _to(contract_path or f"/proposal/{token}")


@doors.post("/proposal/{token}/decline/form", may=LINK, hidden=True)
async def decline_form(tx: InTx, token: str, reason: Annotated[str, Form(max_length=2000)] = "") -> Response:
    """The page's form for a no."""
    await service.decline_proposal(tx, token=token, reason=form_text(reason))
    return _to(f"/proposal/{token}")


@doors.post("/contract/{token}/sign/form", may=LINK, hidden=True)
async def sign_form(tx: InTx, token: str, name: TypedName) -> Response:
    """The page's form to sign."""
    await service.sign_contract(tx, token=token, name=name)
    return _to(f"/contract/{token}")


async def offer_page(tx: Tx, proposal: Proposal, token: str | None, *, back: str = "") -> Response:
    """The page of a proposal; with `back`, as a preview that leads back there and cannot be answered."""
    contract_path, contract_open = await _contract(tx, proposal)
    shown = OfferOut.of(proposal, token)
    return _pages.render(
        "proposal.html",
        proposal=shown,
        token=token,
        back=back,
        blocks=read_markdown(proposal.content),
        price=format_money(proposal.total_minor, proposal.currency),
        valid_until=format_date(shown.valid_until),
        answerable=not back and proposal.status == "sent" and tx.now < proposal.expires_at,
        accepted_on=format_date(proposal.accepted_at.date()) if proposal.accepted_at else "",
        accepted_by=proposal.accepted_by or "",
        contract_path=contract_path,
        contract_open=contract_open,
    )


async def _contract(tx: Tx, proposal: Proposal) -> tuple[str | None, bool]:
    """Where the contract of an accepted proposal is read, and whether it waits for the client's signature."""
    contract = await offers.contract_of(tx, proposal.id) if proposal.status == "accepted" else None
    if contract is None:
        return None, False
    token = (await links.tokens(tx, kind=contracts.LINK, subjects=[contract.id])).get(contract.id)
    return f"/contract/{token}" if token else None, contract.status == "open"


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, {"Referrer-Policy": "no-referrer"})
