"""Payments and refunds: lists, one payment with all that is known of it, and taking back one recorded by mistake."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response

from grace.console.forms import read_form
from grace.console.shell import demand, see, show
from grace.domains.invoicing import queries as invoices
from grace.domains.payments import queries as payments
from grace.domains.payments.models import MANUAL, Attempt, PaymentStatus
from grace.domains.payments.schemas import ReversePayment
from grace.flows.collect_cash import api, listing
from grace.kit import inbox
from grace.kit.edge import Doors, InTx
from grace.kit.inbox import EventSeen
from grace.kit.paging import Cursor, after_id, number_in, page
from grace.kit.tx import Tx

doors = Doors(tags=["Console"])
ROWS = 50
PaymentPath = Annotated[str, Path(max_length=64)]
Search = Annotated[str | None, Query(max_length=100)]
METHODS = (
    ("", "Any method"),
    ("card", "Card"),
    ("bank_transfer", "Bank transfer"),
    ("upi", "UPI"),
    ("cash", "Cash"),
    ("cheque", "Cheque"),
    ("credit", "Credit"),
    ("other", "Other"),
)
STATES = (("", "Any state"), ("paid", "Received"), ("refunded", "Refunded"), ("failed", "Taken back"))


@doors.get("/app/payments", may="payments:read", hidden=True)
async def list_payments(
    tx: InTx,
    request: Request,
    method: Annotated[str, Query(max_length=20)] = "",
    status: PaymentStatus | Literal[""] = "",
    q: Search = None,
    sort: str = "-received_at",
    cursor: Cursor = None,
) -> Response:
    """Payments, the newest first."""
    wanted = (q or "").strip() or None
    rows = await listing.payment_rows(
        tx,
        method=method or None,
        status=status or None,
        q=wanted,
        sort=sort,
        after=after_id(cursor),
        limit=ROWS + 1,
    )
    shown = page(rows, limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "payments.html",
        here="payments",
        live="payment refund",
        rows=shown.items,
        next_cursor=shown.next_cursor,
        methods=METHODS,
        states=STATES,
        method=method,
        state=status,
        q=wanted or "",
        sort=sort,
    )


@doors.get("/app/payments/refunds", may="payments:read", hidden=True)
async def list_refunds(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """Refunds, the newest first."""
    rows = await listing.refund_rows(tx, before=number_in(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="number")
    return await show(
        request,
        tx,
        "refunds.html",
        here="payments",
        live="refund",
        rows=shown.items,
        next_cursor=shown.next_cursor,
    )


@doors.get("/app/payments/{id}", may="payments:read", hidden=True)
async def show_payment(tx: InTx, request: Request, id: PaymentPath) -> Response:
    """One payment: what it is of, what the processor did and told, what went back, whether it is as it was signed."""
    return await _payment(request, tx, id)


@doors.get("/app/payments/{id}/reverse", may="payments:read", hidden=True)
async def ask_reverse(tx: InTx, request: Request, id: PaymentPath) -> Response:
    """The same, asking why it is taken back."""
    demand(tx, "payments:write")
    return await _payment(request, tx, id, doing="reverse")


@doors.post("/app/payments/{id}/reverse", may="payments:write", hidden=True)
async def reverse(tx: InTx, request: Request, id: PaymentPath) -> Response:
    """Take back a payment that was recorded by mistake."""
    gone = await api.reverse_payment(tx, id, await read_form(request, ReversePayment))
    return see(f"/app/payments/{gone.id}", "The payment is taken back: so much is due again")


async def _payment(request: Request, tx: Tx, id: str, *, doing: str = "") -> Response:
    payment = await payments.payment(tx, id)
    attempt = await listing.attempt_behind(tx, payment)
    return await show(
        request,
        tx,
        "payment.html",
        here="payments",
        live="payment payment_attempt refund inbox",
        payment=payment,
        invoice=await invoices.invoice(tx, payment.invoice_id),
        attempt=attempt,
        calls=await listing.calls_of(tx, attempt.id) if attempt is not None else [],
        events=await _events(tx, attempt),
        back=await listing.back(tx, payment.id),
        genuine=await payments.is_unaltered(tx, payment),
        reversible=payment.provider == MANUAL and payment.status == "paid",
        doing=doing,
        words=dict(METHODS),
    )


async def _events(tx: Tx, attempt: Attempt | None) -> Sequence[EventSeen]:
    if attempt is None:
        return []
    objects = [named for named in (attempt.intent, attempt.charge) if named]
    return await inbox.about(tx, source=attempt.provider, objects=objects)
