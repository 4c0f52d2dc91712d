"""What is done to invoices from the console: each door stands for one of the API, and calls it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path, Request, Response
from fastapi.responses import Response as Answered
from pydantic import BeforeValidator

from grace.console.forms import read_form
from grace.console.invoices.reading import typed
from grace.console.shell import see
from grace.domains.invoicing import api as invoicing
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.schemas import DraftIn, InvoiceOut, VoidIn
from grace.domains.payments.schemas import ManualPaymentIn
from grace.flows.collect_cash import api, card_doors, refund_doors
from grace.flows.collect_cash.schemas import ApplyCredit, NewInvoice, Processing, ProcessPayment, RefundPaymentIn
from grace.kit import json
from grace.kit.display import format_amount
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.errors import Invalid
from grace.kit.money import exact, to_minor
from grace.kit.web import Held, Moment

doors = Doors(tags=["Console"])
InvoicePath = Annotated[str, Path(max_length=64)]


def _at(clock: str) -> Callable[[Any], Any]:
    """Reads what a date field sends as that time of the day, in UTC."""

    def read(day: Any) -> Any:
        return f"{day}T{clock}Z" if isinstance(day, str) and len(day) == len("2026-12-31") else day

    return read


def _amount(value: Any) -> Any:
    return typed(value) if isinstance(value, str) else value


Day = Annotated[Moment, BeforeValidator(_at("23:59:59"))]


class NewForm(NewInvoice):
    """A new invoice as its form sends it. `then`: `issue` sends it at once."""

    due_at: Day | None = None
    then: str | None = None


class DraftForm(DraftIn):
    """A draft as its form sends it."""

    due_at: Day | None = None
    then: str | None = None


class PaymentForm(ManualPaymentIn):
    """A payment by hand as its form sends it."""

    amount: Annotated[Decimal, BeforeValidator(exact), BeforeValidator(_amount)]
    received_at: Annotated[Moment | None, BeforeValidator(_at("00:00:00"))] = None


class RefundForm(RefundPaymentIn):
    """A refund as its form sends it; `confirm` is the amount typed once more."""

    confirm: str


@doors.post("/app/invoices/new", may="invoices:write", hidden=True)
async def draft(tx: InTx, request: Request) -> Response:
    """Draft an invoice, and send it where that was asked."""
    body = await read_form(request, NewForm)
    return await _then(tx, await api.draft_invoice(tx, body), body.then)


@doors.post("/app/invoices/{id}/edit", may="invoices:write", hidden=True)
async def revise(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """Change a draft, and send it where that was asked."""
    body = await read_form(request, DraftForm)
    return await _then(tx, await invoicing.revise_draft(tx, id, body), body.then)


@doors.post("/app/invoices/{id}/issue", may="invoices:write", hidden=True)
async def issue(tx: InTx, id: InvoicePath) -> Response:
    """Send a draft."""
    sent = await api.issue_invoice(tx, id)
    return see(f"/app/invoices/{sent.id}", f"{sent.invoice_number} is sent: its pay link works now")


@doors.post("/app/invoices/{id}/void", may="invoices:write", hidden=True)
async def void(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """Take an unpaid invoice back."""
    gone = await invoicing.void_invoice(tx, id, await read_form(request, VoidIn))
    return see(
        f"/app/invoices/{gone.id}",
        f"{gone.invoice_number} is void" if gone.invoice_number else "The draft is discarded",
    )


@doors.post("/app/invoices/{id}/pay", may="payments:write", hidden=True)
async def record_payment(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """Write down money that came by another way."""
    body = await read_form(request, PaymentForm, invoice_id=id)
    paid = await api.record_manual_payment(tx, body)
    amount = format_amount(paid.amount, paid.currency)
    return see(f"/app/invoices/{paid.invoice_id}", f"{amount} recorded")


@doors.post("/app/invoices/{id}/credit", may="payments:write", hidden=True)
async def spend_credit(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """Spend the client's credit on it."""
    done = await api.apply_credit(tx, id, await read_form(request, ApplyCredit))
    amount = format_amount(done.amount_applied, done.currency)
    return see(f"/app/invoices/{done.invoice_id}", f"{amount} of credit applied")


@doors.post("/app/invoices/{id}/charge", may="payments:write", hidden=True)
async def charge(unit: InUnit, id: InvoicePath) -> Response:
    """Charge the client's card with what is due."""
    done = await card_doors.process_payment(unit, ProcessPayment(invoice_id=id))
    path = f"/app/invoices/{done.invoice_id}"
    if isinstance(done, Processing):
        return see(path, "The card processor has not answered yet: the page shows it when it does")
    if done.paid:
        return see(path, "The card was charged")
    return see(path, f"The card did not pay: {done.failure or 'there is none, or nothing is due.'}")


@doors.post("/app/invoices/{id}/refund", may="payments:write", hidden=True)
async def refund(unit: InUnit, request: Request, id: InvoicePath) -> Response:
    """Give money back; the amount is typed twice. Above the policy's limit it waits for approval."""
    form = await read_form(request, RefundForm, invoice_id=id)
    invoice = await invoices.invoice(unit.tx, id)
    amount = exact(typed(str(form.amount)))
    if not typed(form.confirm) or to_minor(exact(typed(form.confirm)), invoice.currency) != to_minor(
        amount, invoice.currency
    ):
        raise Invalid("The amount typed to confirm is another one. Nothing was refunded.", type="not-confirmed")
    body = RefundPaymentIn(invoice_id=invoice.id, reason=form.reason, amount=amount)
    done = await refund_doors.refund_payment(unit, body, request)
    path, said = f"/app/invoices/{invoice.id}", format_amount(amount, invoice.currency)
    if isinstance(done, Answered):
        return _not_done(path, done)
    if isinstance(done, Held):
        return see(path, f"The refund of {said} is on its way; the processor has not answered yet")
    return see(path, f"The refund of {said} is on its way")


def _not_done(path: str, answer: Answered) -> Response:
    """What a held or refused refund says: the decision to be made, or why it is not."""
    told = json.loads(bytes(answer.body))
    if told.get("decision_id"):
        where = f"/app/approvals/{told['decision_id']}"
        return see(where, "The refund waits for approval. Nothing has moved yet.")
    return see(path, str(told.get("detail", "The refund was not made.")))


async def _then(tx: InTx, drafted: InvoiceOut, then: str | None) -> Response:
    if then != "issue":
        return see(f"/app/invoices/{drafted.id}", "The draft is kept")
    sent = await api.issue_invoice(tx, drafted.id)
    return see(f"/app/invoices/{sent.id}", f"{sent.invoice_number} is sent: its pay link works now")
