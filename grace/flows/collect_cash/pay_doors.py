"""Doors at which somebody waits to see an invoice paid. They look at the provider themselves, a moment after the payer
has been there, so that a webhook that is late or lost keeps nobody waiting."""

from typing import Annotated

from fastapi import Path, Request, Response

from grace.domains.invoicing import pages
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.schemas import PaymentStatus, PayPage
from grace.flows.collect_cash import looking
from grace.flows.collect_cash.card_doors import payment_status
from grace.kit.edge import LINK, Doors, InUnit

doors = Doors(tags=["Client links"])


@doors.get("/pay/{token}", may=LINK, returns=PayPage, paged=True)
async def pay_page(unit: InUnit, token: str, request: Request) -> PayPage | Response:
    """An invoice and how to pay it; a page for `Accept: text/html`."""
    invoice = await pages.named(unit.tx, token)
    if await looking.look(unit, invoice_id=invoice.id):
        invoice = await pages.named(unit.tx, token)
    return await pages.pay_page(unit.tx, invoice, token, request)


@doors.get("/api/business/payments/status/{invoice_id}", may="invoices:read", returns=PaymentStatus)
async def track_payment_status(unit: InUnit, invoice_id: Annotated[str, Path(max_length=64)]) -> PaymentStatus:
    """Whether an invoice is paid, and what is due."""
    invoice = await invoices.invoice(unit.tx, invoice_id)
    if await looking.look(unit, invoice_id=invoice.id):
        invoice = await invoices.invoice(unit.tx, invoice_id)
    return await payment_status(unit.tx, invoice)
