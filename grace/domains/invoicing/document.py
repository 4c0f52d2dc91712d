"""An invoice as the document that a client receives."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fastapi import Response

from grace.domains.invoicing import queries
from grace.domains.invoicing.errors import WrongState
from grace.domains.invoicing.models import Invoice, InvoiceLine
from grace.domains.invoicing.rules.status import due_minor
from grace.domains.invoicing.schemas import ISSUER, PayLinks, plain
from grace.domains.invoicing.service import PAY_LINK
from grace.kit import links
from grace.kit.pdf.documents import InvoiceDocument, PartyBlock, TaxLine
from grace.kit.pdf.documents import InvoiceLine as DocumentLine
from grace.kit.pdf.render import render_invoice
from grace.kit.tx import Tx

_STAMPS = {"paid": "PAID", "void": "VOID"}


async def answer(tx: Tx, invoice: Invoice) -> Response:
    """The PDF of an issued invoice, to be kept under its number; WrongState for a draft."""
    [document] = await documents(tx, [invoice])
    content = await asyncio.to_thread(render_invoice, document)
    headers = {"Content-Disposition": f'inline; filename="{file_name(document)}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


def file_name(document: InvoiceDocument) -> str:
    """What its PDF is called."""
    return f"{document.number.replace('/', '-')}.pdf"


async def documents(tx: Tx, invoices: Sequence[Invoice]) -> list[InvoiceDocument]:
    """What stands in the PDFs of issued invoices, in three statements; WrongState for a draft."""
    ids = [invoice.id for invoice in invoices]
    lines = await queries.lines(tx, ids)
    tokens = await links.tokens(tx, kind=PAY_LINK, subjects=ids)
    instructions = (await ISSUER.read(tx)).payment_instructions or ""
    return [_document(invoice, lines[invoice.id], tokens.get(invoice.id), instructions) for invoice in invoices]


def _document(invoice: Invoice, lines: Sequence[InvoiceLine], token: str | None, instructions: str) -> InvoiceDocument:
    if invoice.issuer is None or invoice.client is None or invoice.issued_at is None:
        raise WrongState("A draft has no document; issue it first.", invoice_status=invoice.state)
    due = due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor)
    return InvoiceDocument(
        number=invoice.invoice_number or "",
        issued_on=invoice.issued_at.date(),
        due_on=invoice.due_at.date() if invoice.due_at and due else None,
        currency=invoice.currency,
        issuer=block(invoice.issuer),
        client=block(invoice.client),
        lines=tuple(
            DocumentLine(
                description=line.description,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                amount_minor=line.net_minor,
                tax=_percent(line.tax_rate) if invoice.taxes else "",
            )
            for line in lines
        ),
        taxes=tuple(
            TaxLine(
                f"Tax {_percent(Decimal(str(tax['rate'])))}", amount_minor=tax["tax_minor"], base_minor=tax["net_minor"]
            )
            for tax in invoice.taxes
        ),
        subtotal_minor=invoice.net_minor,
        total_minor=invoice.total_minor,
        paid_minor=invoice.paid_minor,
        due_minor=due,
        pay_url=PayLinks.of(token).page if token and due else "",
        payment_note=instructions if due else "",
        notes=invoice.notes or "",
        stamp=_STAMPS.get(invoice.state, ""),
    )


def block(party: dict[str, Any]) -> PartyBlock:
    """A party as documents print it."""
    name, company = party["name"], party["company"]
    lines = [name] if company and company != name else []
    lines += (party["address"] or "").splitlines()
    lines += [party["country"]] if party["country"] else []
    return PartyBlock(
        name=company or name,
        lines=tuple(line for line in lines if line.strip()),
        email=party["email"] or "",
        numbers=(f"Tax no. {party['tax_id']}",) if party["tax_id"] else (),
    )


def _percent(rate: Decimal) -> str:
    return f"{plain(rate)} %"
