"""Proposals and contracts as the documents that a client receives."""

import asyncio
from datetime import timedelta

from fastapi import Response

from grace.domains.proposals.models import Contract, Parties, Proposal
from grace.domains.proposals.schemas import proposal_url
from grace.kit.pdf.documents import ContractDocument, PartyBlock, ProposalDocument, Signature
from grace.kit.pdf.render import render_contract, render_proposal


async def proposal_pdf(proposal: Proposal, *, token: str | None) -> Response:
    """The PDF of a proposal; with the client's token it says where to accept it."""
    who = Parties(**proposal.parties)
    document = ProposalDocument(
        number=proposal.name,
        version=proposal.revision,
        title=proposal.title,
        issuer=_business(who),
        client=_client(who),
        made_on=proposal.created_at.date(),
        valid_until=(proposal.expires_at - timedelta(days=1)).date(),
        currency=proposal.currency,
        total_minor=proposal.total_minor,
        weeks=proposal.weeks,
        text=proposal.content,
        accept_url=proposal_url(token) if token and proposal.status == "sent" else "",
    )
    return _pdf(await asyncio.to_thread(render_proposal, document), proposal.name)


async def contract_pdf(contract: Contract, *, offered_by: Proposal) -> Response:
    """The PDF of a contract with what both sides signed: the business by sending the offer, the client by link."""
    who = Parties(**contract.parties)
    document = ContractDocument(
        number=contract.contract_number,
        title=contract.title,
        made_on=contract.created_at.date(),
        issuer=_business(who),
        client=_client(who),
        text=contract.content,
        sha256=contract.sha256,
        signatures=(
            Signature(
                "The provider",
                who.business,
                offered_by.sent_by or "",
                offered_by.sent_at,
                manner="Agreed by sending the offer",
            ),
            Signature("The client", who.client_company or who.client, contract.signed_by or "", contract.signed_at),
        ),
    )
    return _pdf(await asyncio.to_thread(render_contract, document), contract.contract_number)


def _business(who: Parties) -> PartyBlock:
    return PartyBlock(who.business, _lines(who.business_address), who.business_email, _numbers(who.business_tax_id))


def _client(who: Parties) -> PartyBlock:
    person = (who.client,) if who.client_company else ()
    lines = (*person, *_lines(who.client_address))
    return PartyBlock(who.client_company or who.client, lines, who.client_email, _numbers(who.client_tax_id))


def _lines(address: str) -> tuple[str, ...]:
    return tuple(line for line in address.splitlines() if line.strip())


def _numbers(tax_id: str) -> tuple[str, ...]:
    return (f"Tax no. {tax_id}",) if tax_id else ()


def _pdf(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
