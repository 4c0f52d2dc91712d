"""The calls on payments: invoice a client, charge the stored method, refund, ask for the state.

Amounts are floats in major units in both directions; money that comes back works with `* 0.95` and `:,.2f`. A float
that goes out is rounded half-even to the currency's decimals.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from grace.client.amounts import Amount, outgoing
from grace.client.environment import connection
from grace.client.http import Json

_PAYMENTS = "/api/business/payments"


async def create_invoice(
    project_id: int | str | None,
    amount: Amount,
    description: str,
    client_id: str,
    currency: str = "usd",
    metadata: Mapping[str, Any] | None = None,
) -> Json:
    """Make and issue an invoice; an unknown `client_id` makes a client of that name.

    Answers `success`, `invoice_id`, `hosted_invoice_url` (the pay page), `invoice_pdf`. GraceError when refused.
    """
    body = {
        "project_id": project_id,
        "amount": outgoing(amount, currency),
        "description": description,
        "client_id": client_id,
        "currency": currency,
        "metadata": metadata,
    }
    async with connection() as grace:
        return dict(await grace.post(f"{_PAYMENTS}/invoice", body))


async def process_payment(invoice_id: str) -> Json:
    """Charge what is due to the client's stored default method; without one nothing changes.

    Answers `paid`, `amount_paid`, `status`. An outcome that is not known yet has `status` "processing" and what is
    paid so far.
    """
    async with connection() as grace:
        return dict(await grace.post(f"{_PAYMENTS}/process", {"invoice_id": invoice_id}))


async def refund_payment(
    invoice_id: str, reason: str, amount: Amount | None = None, approver: str | None = None
) -> Json:
    """Pay back `amount`, or all of it. Above the threshold the answer has `requires_approval` and `decision_id`.

    `approver` is only a claim: it counts when the caller is that person and may vote. Answers `success`, `refund_id`.
    """
    async with connection() as grace:
        if isinstance(amount, float):
            invoice = await grace.get(f"{_PAYMENTS}/status/{quote(invoice_id, safe='')}")
            amount = outgoing(amount, invoice["currency"])
        body = {"invoice_id": invoice_id, "reason": reason, "amount": amount, "approver": approver}
        return dict(await grace.post(f"{_PAYMENTS}/refund", body))


async def track_payment_status(invoice_id: str) -> Json:
    """`status` (pending, paid, failed, refunded), `paid`, `amount_due` of an invoice."""
    async with connection() as grace:
        return dict(await grace.get(f"{_PAYMENTS}/status/{quote(invoice_id, safe='')}"))
