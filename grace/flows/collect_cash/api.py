"""Doors of collecting cash: invoices to clients, payments of invoices."""

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Path, Query

from grace.domains.crm import queries as crm
from grace.domains.crm.models import EXTERNAL_ID_LENGTH
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.models import Terms
from grace.domains.invoicing.queries import InvoiceFilter
from grace.domains.invoicing.records import record, records
from grace.domains.invoicing.rules.status import InvoiceState
from grace.domains.invoicing.rules.totals import Line
from grace.domains.invoicing.schemas import InvoiceList, InvoiceOut
from grace.domains.payments import queries as payments
from grace.domains.payments.models import Method, PaymentStatus
from grace.domains.payments.queries import PaymentFilter
from grace.domains.payments.schemas import ManualPaymentIn, PaymentList, PaymentOut, ReversePayment
from grace.flows.collect_cash import service
from grace.flows.collect_cash.schemas import (
    AppliedCredit,
    ApplyCredit,
    CreatedInvoice,
    CreateInvoice,
    InvoicedProject,
    InvoiceProject,
    NewInvoice,
)
from grace.kit.edge import Doors, InTx
from grace.kit.money import check_currency, to_minor
from grace.kit.paging import Cursor, Limit, after_id, page
from grace.kit.tx import Tx

doors = Doors(tags=["Invoices"])
ClientQuery = Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH, description="A client, by any of its ids.")]
InvoiceSort = Literal[
    "created_at", "-created_at", "issued_at", "-issued_at", "due_at", "-due_at", "amount", "-amount",
    "invoice_number", "-invoice_number",
]  # fmt: skip
PaymentSort = Literal["received_at", "-received_at", "created_at", "-created_at", "amount", "-amount"]


@doors.post("/api/v1/invoices", may="invoices:write", returns=InvoiceOut)
async def draft_invoice(tx: InTx, body: NewInvoice) -> InvoiceOut:
    """Draft an invoice."""
    currency = check_currency(body.currency or tx.workspace.currency)
    invoice = await service.draft_invoice(
        tx, client=body.client_id, currency=currency, terms=body.terms(currency), project_ref=body.project_id
    )
    return await record(tx, invoice)


@doors.post("/api/v1/invoices/{id}/issue", may="invoices:write", returns=InvoiceOut)
async def issue_invoice(tx: InTx, id: Annotated[str, Path(max_length=64)]) -> InvoiceOut:
    """Give a draft its number; from then on it is frozen, owed, and has a pay page."""
    return await record(tx, await service.issue_invoice(tx, invoice=id))


@doors.get("/api/v1/invoices", may="invoices:read", returns=InvoiceList)
async def list_invoices(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: InvoiceSort = "-created_at",
    status: InvoiceState | None = None,
    client_id: ClientQuery = None,
    currency: Annotated[str | None, Query(min_length=3, max_length=3)] = None,
    overdue: Annotated[bool, Query(description="Only those due before now and not paid.")] = False,
) -> InvoiceList:
    """Invoices, the newest first."""
    where = InvoiceFilter(
        client_ids=await _family(tx, client_id),
        state=status,
        currency=currency and check_currency(currency),
        overdue_at=tx.now if overdue else None,
    )
    rows = await invoices.invoices(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    return InvoiceList(items=await records(tx, shown.items), next_cursor=shown.next_cursor)


@doors.post("/api/business/payments/invoice", may="invoices:write", returns=CreatedInvoice)
async def create_invoice(tx: InTx, body: CreateInvoice) -> CreatedInvoice:
    """Make and issue an invoice of one line; an unknown client string makes a client of that name."""
    currency = check_currency(body.currency)
    terms = Terms([Line(body.description, Decimal(1), to_minor(body.amount, currency))], metadata=body.metadata)
    draft = await service.draft_invoice(
        tx, client=body.client_id, currency=currency, terms=terms, project_ref=body.project_id
    )
    return CreatedInvoice.of(await record(tx, await service.issue_invoice(tx, invoice=draft.id)))


@doors.post("/api/business/projects/{id}/payment", may="invoices:write", returns=InvoicedProject)
async def collect_payment(
    tx: InTx, id: Annotated[str, Path(max_length=64)], body: InvoiceProject | None = None
) -> InvoicedProject:
    """Issue an invoice for a project and give its pay link."""
    said = body or InvoiceProject()
    invoice = await service.invoice_project(tx, project=id, amount=said.amount, payment_method=said.payment_method)
    return InvoicedProject.of(await record(tx, invoice))


@doors.post("/api/v1/invoices/{id}/apply-credit", may="payments:write", returns=AppliedCredit)
async def apply_credit(
    tx: InTx, id: Annotated[str, Path(max_length=64)], body: ApplyCredit | None = None
) -> AppliedCredit:
    """Spend what the client has paid in excess elsewhere on this invoice."""
    made = await service.apply_credit(tx, invoice=id, amount=body.amount if body is not None else None)
    return AppliedCredit.of(await invoices.invoice(tx, id), made)


@doors.post("/api/v1/payments/manual", may="payments:write", returns=PaymentOut)
async def record_manual_payment(tx: InTx, body: ManualPaymentIn) -> PaymentOut:
    """Write down money that came by bank, in cash or otherwise outside of Grace."""
    payment = await service.record_manual_payment(
        tx,
        invoice=body.invoice_id,
        amount=body.amount,
        method=body.method,
        reference=body.reference,
        received_at=body.received_at,
    )
    return PaymentOut.of(payment)


@doors.post("/api/v1/payments/{id}/reverse", may="payments:write", returns=PaymentOut)
async def reverse_payment(tx: InTx, id: Annotated[str, Path(max_length=64)], body: ReversePayment) -> PaymentOut:
    """Take back a payment that was recorded by mistake; what was paid by card is refunded instead."""
    return PaymentOut.of(await service.reverse_payment(tx, payment=id, reason=body.reason))


@doors.get("/api/v1/payments", may="payments:read", returns=PaymentList)
async def list_payments(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: PaymentSort = "-received_at",
    invoice_id: Annotated[str | None, Query(max_length=64)] = None,
    client_id: ClientQuery = None,
    method: Method | Literal["credit"] | None = None,
    status: PaymentStatus | None = None,
) -> PaymentList:
    """Payments, the newest first."""
    where = PaymentFilter(
        invoice_id=(await invoices.invoice(tx, invoice_id)).id if invoice_id else None,
        client_ids=await _family(tx, client_id),
        method=method,
        status=status,
    )
    rows = await payments.payments(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    return PaymentList(items=[PaymentOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


async def _family(tx: Tx, reference: str | None) -> list[str] | None:
    """The ids of a client's documents: those made under an id that was merged too."""
    return None if reference is None else await crm.family(tx, (await crm.client(tx, reference)).id)
