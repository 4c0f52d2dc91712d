"""Doors of card payments: charge an invoice, a client's cards, the payer's side, open cases."""

from typing import Annotated, Any

from fastapi import Path, Request, Response

from grace.domains.crm import queries as crm
from grace.domains.crm.models import EXTERNAL_ID_LENGTH
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.schemas import PaymentStatus, amounts
from grace.domains.invoicing.service import PAY_LINK
from grace.domains.payments import queries
from grace.domains.payments.errors import MethodRefused, PaymentRefused
from grace.domains.payments.models import Attempt, StoredMethod
from grace.domains.payments.schemas import CallList, CallOut, DropCall, MethodList, MethodOut, StoreMethod
from grace.domains.payments.service import calls
from grace.domains.payments.service import cards as attempts
from grace.domains.payments.service.calls import Work
from grace.flows.collect_cash import cards
from grace.flows.collect_cash.schemas import IntentOut, Processed, Processing, ProcessPayment
from grace.kit import links
from grace.kit.edge import LINK, Doors, InTx, InUnit
from grace.kit.errors import Problem
from grace.kit.money import to_major
from grace.kit.paging import Cursor, Limit, number_in, page
from grace.kit.tx import Tx
from grace.kit.web import ExactJSON, Held, problem_response
from grace.providers.payments import port

doors = Doors(tags=["Card payments"])
ClientPath = Annotated[str, Path(max_length=EXTERNAL_ID_LENGTH)]
IdPath = Annotated[str, Path(max_length=64)]


@doors.post("/api/business/payments/process", may="payments:write", returns=Processed, held=Processing)
async def process_payment(unit: InUnit, body: ProcessPayment) -> Processed | Processing:
    """Charge the client's default card with what is due; without one, or with nothing due, nothing changes."""

    async def begin(tx: Tx) -> Work:
        return await cards.begin_by_method(tx, invoice=body.invoice_id)

    async def answer(tx: Tx, work: Work) -> Processed | Processing:
        invoice = await invoices.invoice(tx, body.invoice_id)
        attempt = await queries.last_attempt(tx, invoice.id)
        if attempt is not None and attempt.open and await queries.has_open_call(tx, attempt.id):
            figures = {name: value for name, value in amounts(invoice).items() if name in Processing.model_fields}
            return Processing(invoice_id=invoice.id, paid=invoice.state == "paid", currency=invoice.currency, **figures)
        status = await payment_status(tx, invoice, last=attempt)
        return Processed(
            success=status.status not in ("failed",),
            invoice_id=invoice.id,
            paid=status.paid,
            amount_paid=status.amount_paid,
            amount_due=status.amount_due,
            currency=invoice.currency,
            status=status.status,
            failure=attempt.failure_message if attempt is not None and not status.paid else None,
        )

    return await cards.run(unit, begin=begin, answer=answer)


@doors.post("/pay/{token}/intent", may=LINK, returns=IntentOut, held=True)
async def pay_intent(unit: InUnit, token: str, request: Request) -> Response | Held:
    """What the payer's browser needs to pay the invoice by card; asked again, it is the same."""
    invoice_id = (await links.find(unit.tx, token, kind=PAY_LINK)).subject

    async def begin(tx: Tx) -> Work:
        return await cards.begin_by_link(tx, invoice_id=invoice_id)

    async def answer(tx: Tx, work: Work) -> Response | Held:
        attempt = await queries.attempt(tx, work.id)
        secret = attempts.client_secret(tx, attempt)
        if secret is None and attempt.open:
            return Held(requires_approval=False, status="processing")
        if secret is None:
            return _refusal(PaymentRefused(attempt.failure_message or "The provider refuses this payment."), request)
        found = IntentOut(
            client_secret=secret,
            publishable_key=port.cards().publishable_key(tx.workspace),
            amount=to_major(attempt.amount_minor, attempt.currency),
            currency=attempt.currency,
        )
        return ExactJSON(found, headers={"Cache-Control": "no-store"})

    return await cards.run(unit, begin=begin, answer=answer)


@doors.post("/api/v1/clients/{id}/payment-methods", may="payments:write", returns=MethodOut, held=True)
async def store_payment_method(
    unit: InUnit, id: ClientPath, body: StoreMethod, request: Request
) -> MethodOut | Held | Response:
    """Keep a card that the client entered at the provider, to charge it when the client is not there."""

    async def begin(tx: Tx) -> Work:
        _, work = await cards.begin_method(
            tx, client=id, provider_method=body.payment_method, make_default=body.default
        )
        return work

    async def answer(tx: Tx, work: Work) -> MethodOut | Held | Response:
        method: StoredMethod = await queries.method(tx, work.id)
        if method.state == "pending":
            return Held(requires_approval=False, status="processing")
        if method.state == "refused":
            why = MethodRefused(method.failure_message or "The card was refused.", code=method.failure_code)
            return _refusal(why, request)
        return MethodOut.of(method)

    return await cards.run(unit, begin=begin, answer=answer)


@doors.get("/api/v1/clients/{id}/payment-methods", may="payments:read", returns=MethodList)
async def list_payment_methods(tx: InTx, id: ClientPath) -> MethodList:
    """A client's stored cards, the default first."""
    client = await crm.client(tx, id)
    found = await queries.methods(tx, await crm.family(tx, client.id))
    return MethodList(items=[MethodOut.of(method) for method in found])


@doors.get("/api/v1/provider-calls", may="payments:read", returns=CallList)
async def list_provider_calls(tx: InTx, limit: Limit = 50, cursor: Cursor = None) -> CallList:
    """Calls to the provider whose outcome is unknown, the newest first; `case` waits for a person."""
    rows = await queries.waiting_calls(tx, before=number_in(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="number")
    return CallList(items=[CallOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


@doors.post("/api/v1/provider-calls/{id}/retry", may="payments:write", returns=CallOut)
async def retry_provider_call(tx: InTx, id: IdPath) -> CallOut:
    """Have the provider asked again, with the same key."""
    return CallOut.of(await calls.ask_again(tx, call_id=id))


@doors.post("/api/v1/provider-calls/{id}/drop", may="payments:write", returns=CallOut)
async def drop_provider_call(tx: InTx, id: IdPath, body: DropCall) -> CallOut:
    """Say, having looked at the provider, that a call had no effect; it is not made again."""
    return CallOut.of(await cards.drop_call(tx, call_id=id, reason=body.reason))


async def payment_status(tx: Tx, invoice: Invoice, *, last: Attempt | None = None) -> PaymentStatus:
    """Document 1's status of an invoice; `last` is its newest attempt where that is known."""
    attempt = last or await queries.last_attempt(tx, invoice.id)
    return PaymentStatus.of(
        invoice,
        refunded_minor=await queries.refunded_minor(tx, invoice.id),
        last_attempt_failed=attempt is not None and attempt.failure_code is not None,
    )


def _refusal(problem: Problem, request: Request) -> Response:
    """A refusal to commit: what was tried is kept."""
    state: Any = request.state
    return problem_response(problem, state.id)
