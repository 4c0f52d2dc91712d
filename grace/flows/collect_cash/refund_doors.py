"""Doors of refunds."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from grace.domains.invoicing import queries as invoices
from grace.domains.payments import queries
from grace.domains.payments.errors import OverRefund, RefundRefused
from grace.domains.payments.schemas import RefundList, RefundOut
from grace.domains.payments.service import calls
from grace.domains.payments.service.calls import Work
from grace.flows.collect_cash import cards
from grace.flows.collect_cash.actions import RefundPayment
from grace.flows.collect_cash.schemas import Refunded, RefundPaymentIn
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.errors import Invalid
from grace.kit.money import to_major, to_minor
from grace.kit.paging import Cursor, Limit, number_in, page
from grace.kit.tx import Tx
from grace.kit.web import Held, problem_response
from grace.trust.governance.models import Outcome
from grace.trust.governance.schemas import not_run
from grace.trust.governance.service.perform import perform

doors = Doors(tags=["Refunds"])


@doors.post("/api/business/payments/refund", may="payments:write", returns=Refunded, held=True)
async def refund_payment(unit: InUnit, body: RefundPaymentIn, request: Request) -> Refunded | Held | Response:
    """Give back all or part of what was paid on an invoice. Above the policy's threshold it awaits approval."""
    outcome: Outcome | None = None

    async def begin(tx: Tx) -> Work:
        nonlocal outcome
        action = await _action(tx, body)
        outcome = await perform(tx, action, claim="approver" if body.approver else None)
        return await calls.take(tx, outcome.result.id) if outcome.ran else Work(outcome.decision.id, tx.workspace)

    async def answer(tx: Tx, work: Work) -> Refunded | Held | Response:
        stopped = not_run(outcome, request.state.id, success=False) if outcome is not None else None
        if stopped is not None:
            return stopped
        refund = await queries.refund(tx, work.id)
        if await queries.has_open_work(tx, refund.id):
            return Held(requires_approval=False, status="processing", success=False)
        if refund.state == "failed":
            failures = [part.failure for part in await queries.parts(tx, refund.id) if part.failure]
            problem = RefundRefused("; ".join(failures) or "The refund failed.", refund_id=refund.id)
            return problem_response(problem, request.state.id)
        return Refunded(
            refund_id=refund.id,
            invoice_id=refund.invoice_id,
            amount=to_major(refund.amount_minor, refund.currency),
            currency=refund.currency,
            status=refund.state,
        )

    return await cards.run(unit, begin=begin, answer=answer)


@doors.get("/api/v1/refunds", may="payments:read", returns=RefundList)
async def list_refunds(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    invoice_id: Annotated[str | None, Query(max_length=64)] = None,
) -> RefundList:
    """Refunds, the newest first."""
    named = (await invoices.invoice(tx, invoice_id)).id if invoice_id else None
    rows = await queries.refunds(tx, invoice_id=named, before=number_in(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="number")
    return RefundList(items=[RefundOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


@doors.get("/api/v1/refunds/{id}", may="payments:read", returns=RefundOut)
async def get_refund(tx: InTx, id: Annotated[str, Path(max_length=64)]) -> RefundOut:
    """A refund."""
    return RefundOut.of(await queries.refund(tx, id))


async def _action(tx: Tx, body: RefundPaymentIn) -> RefundPayment:
    """The action with its exact amount; without one it is all that is left."""
    invoice = await invoices.invoice(tx, body.invoice_id)
    if body.amount is None:
        amount_minor = sum(payment.left_minor for payment in await queries.refundable(tx, invoice.id))
        if not amount_minor:
            raise OverRefund(to_major(0, invoice.currency), invoice.currency)
    else:
        amount_minor = to_minor(body.amount, invoice.currency)
        if not amount_minor:
            raise Invalid("A refund is more than nothing.", type="invalid-amount")
    return RefundPayment(invoice.id, amount_minor, invoice.currency, body.reason)
