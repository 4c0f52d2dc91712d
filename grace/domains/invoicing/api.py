"""Doors of invoicing that need no other domain; those that name a client are in `flows/collect_cash`."""

from typing import Annotated

from fastapi import Path, Response

from grace.domains.invoicing import document, queries, service
from grace.domains.invoicing.records import record
from grace.domains.invoicing.schemas import DraftIn, InvoiceOut, VoidIn
from grace.kit.edge import Doors, InTx

doors = Doors(tags=["Invoices"])
InvoicePath = Annotated[
    str, Path(max_length=64, description="Its id, its invoice number (a / in it as %2F), or its number.")
]


@doors.get("/api/v1/invoices/{id}", may="invoices:read", returns=InvoiceOut)
async def get_invoice(tx: InTx, id: InvoicePath) -> InvoiceOut:
    """An invoice with its lines."""
    return await record(tx, await queries.invoice(tx, id))


@doors.post("/api/v1/invoices/{id}", may="invoices:write", returns=InvoiceOut)
async def revise_draft(tx: InTx, id: InvoicePath, body: DraftIn) -> InvoiceOut:
    """Replace what a draft says."""
    invoice = await queries.invoice(tx, id)
    return await record(tx, await service.revise_draft(tx, reference=invoice.id, terms=body.terms(invoice.currency)))


@doors.post("/api/v1/invoices/{id}/void", may="invoices:write", returns=InvoiceOut)
async def void_invoice(tx: InTx, id: InvoicePath, body: VoidIn) -> InvoiceOut:
    """Take an unpaid invoice back; it keeps its number. A draft is discarded."""
    return await record(tx, await service.void_invoice(tx, reference=id, reason=body.reason))


@doors.get("/api/v1/invoices/{id}/pdf", may="invoices:read", gives="application/pdf")
async def get_pdf(tx: InTx, id: InvoicePath) -> Response:
    """The invoice as PDF."""
    return await document.answer(tx, await queries.invoice(tx, id))
