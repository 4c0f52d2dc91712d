"""An invoice as the document that a client receives."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from grace.domains.invoicing.errors import WrongState
from grace.domains.invoicing.models import Invoice, InvoiceLine
from grace.domains.invoicing.rules.status import due_minor
from grace.domains.invoicing.schemas import plain
from grace.kit.pdf.documents import InvoiceDocument, PartyBlock, TaxLine
from grace.kit.pdf.documents import InvoiceLine as DocumentLine
from grace.kit.pdf.render import render_invoice

_STAMPS = {"paid": "PAID", "void": "VOID"}


async def pdf(
    invoice: Invoice, lines: Sequence[InvoiceLine], *, pay_url: str = "", payment_instructions: str | None = None
) -> bytes:
    """The PDF of an issued invoice; WrongState for a draft."""
    if invoice.issuer is None or invoice.client is None or invoice.issued_at is None:
        raise WrongState("A draft has no document; issue it first.", status=invoice.state)
    due = due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor)
    document = InvoiceDocument(
        number=invoice.invoice_number or "",
        issued_on=invoice.issued_at.date(),
        due_on=invoice.due_at.date() if invoice.due_at and due else None,
        currency=invoice.currency,
        issuer=_block(invoice.issuer),
        client=_block(invoice.client),
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
        pay_url=pay_url if due else "",
        payment_note=(payment_instructions or "") if due else "",
        notes=invoice.notes or "",
        stamp=_STAMPS.get(invoice.state, ""),
    )
    return await asyncio.to_thread(render_invoice, document)


def _block(party: dict[str, Any]) -> PartyBlock:
    name, company = party["name"], party["company"]
    lines = [name] if company and company != name else []
    lines += (party["address"] or "").splitlines()
    lines += [party["country"]] if party["country"] else []
    return PartyBlock(
        name=company or name,
        lines=tuple(line for line in lines if line.strip()),
        email=party["email"] or "",
        numbers=(f"Tax id {party['tax_id']}",) if party["tax_id"] else (),
    )


def _percent(rate: Decimal) -> str:
    return f"{plain(rate)} %"
