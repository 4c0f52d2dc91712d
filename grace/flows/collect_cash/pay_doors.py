"""Doors at which somebody waits to see an invoice paid. They look at the provider themselves, a moment after the payer
has been there, so that a webhook that is late or lost keeps nobody waiting."""

from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import RedirectResponse

from grace.domains.invoicing import pages
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.schemas import PaymentStatus
from grace.flows.collect_cash import looking, pay_pages
from grace.flows.collect_cash.card_doors import payment_status
from grace.flows.collect_cash.schemas import PayPage
from grace.kit.edge import LINK, Doors, InUnit
from grace.kit.errors import Gone
from grace.kit.pages import wants_page
from grace.kit.unit import Unit

doors = Doors(tags=["Client links"])


@doors.get("/pay/{token}", may=LINK, returns=PayPage, paged=True)
async def pay_page(unit: InUnit, token: str, request: Request) -> PayPage | Response:
    """An invoice and how to pay it; a page for `Accept: text/html`."""
    try:
        found = await pay_pages.seen(unit.tx, await _looked_at(unit, token), token)
    except Gone:
        if not wants_page(request):
            raise
        return pay_pages.gone(request, test=unit.tx.workspace.kind == "test")
    return pay_pages.pay(unit.tx, found, token, request) if wants_page(request) else found.page


@doors.get("/pay/{token}/receipt", may=LINK, paged=True, hidden=True)
async def pay_receipt(unit: InUnit, token: str, request: Request) -> Response:
    """What was paid on an invoice, to print; where nothing was, the way to the invoice."""
    found = await pay_pages.seen(unit.tx, await _looked_at(unit, token), token)
    if not found.payments:
        return RedirectResponse(f"/pay/{token}", 303)
    return pay_pages.receipt(unit.tx, found, token, request)


@doors.get("/api/business/payments/status/{invoice_id}", may="invoices:read", returns=PaymentStatus)
async def track_payment_status(unit: InUnit, invoice_id: Annotated[str, Path(max_length=64)]) -> PaymentStatus:
    """Whether an invoice is paid, and what is due."""
    invoice = await invoices.invoice(unit.tx, invoice_id)
    if await looking.look(unit, invoice_id=invoice.id):
        invoice = await invoices.invoice(unit.tx, invoice_id)
    return await payment_status(unit.tx, invoice)


async def _looked_at(unit: Unit, token: str) -> Invoice:
    """The invoice of a pay link, after a look at the provider where that is due."""
    invoice = await pages.named(unit.tx, token)
    if await looking.look(unit, invoice_id=invoice.id):
        return await pages.named(unit.tx, token)
    return invoice
