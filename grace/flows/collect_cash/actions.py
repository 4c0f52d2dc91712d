"""The governed action of collecting: giving money back. It stands here because its thresholds know who a client is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from grace.domains.crm import queries as crm
from grace.domains.payments import queries
from grace.domains.payments.errors import OverRefund
from grace.domains.payments.models import Refund
from grace.domains.payments.service import refunds
from grace.kit.money import to_major
from grace.kit.tx import Tx
from grace.trust.governance import queries as governance
from grace.trust.governance.registry import action
from grace.trust.governance.rules import MAX_LONG

A_DAY = timedelta(hours=24)


async def _sums(tx: Tx, asked: "RefundPayment") -> Mapping[str, object]:
    """All refunds of the invoice, and of its client (all ids that stand for it) within 24 hours, this one included;
    no other one is judged meanwhile."""
    paid = await _paid(tx, asked)
    client = await crm.client(tx, paid[0].client_id)
    await refunds.lock(tx, client.id)
    of_invoice = await queries.refunds_by_currency(tx, invoice_id=asked.invoice_id)
    family = await crm.family(tx, client.id)
    of_client = await queries.refunds_by_currency(tx, client_ids=family, since=tx.now - A_DAY)
    return {
        "invoice_refunds_usd_minor": await _worth(tx, of_invoice, asked),
        "client_refunds_24h_usd_minor": await _worth(tx, of_client, asked),
    }


async def _worth(tx: Tx, sums: Mapping[str, int], asked: "RefundPayment") -> int:
    together = {**sums, asked.currency: sums.get(asked.currency, 0) + asked.amount_minor}
    worth = [await governance.usd_equivalent_minor(tx, together[currency], currency) for currency in sorted(together)]
    return min(MAX_LONG, sum(worth))


async def _state(tx: Tx, asked: "RefundPayment") -> Mapping[str, object]:
    """What a vote relies on: what was paid and what has gone back."""
    paid = await _paid(tx, asked)
    return {
        "paid_minor": sum(payment.amount_minor for payment in paid),
        "back_minor": sum(payment.back_minor for payment in paid),
    }


async def _paid(tx: Tx, asked: "RefundPayment") -> list[queries.Refundable]:
    """The invoice's payments, enough of them for what is asked; OverRefund otherwise."""
    paid = await queries.refundable(tx, asked.invoice_id)
    left_minor = sum(payment.left_minor for payment in paid)
    if not paid or asked.amount_minor > left_minor or any(payment.currency != asked.currency for payment in paid):
        raise OverRefund(to_major(left_minor, asked.currency), asked.currency)
    return paid


async def _refund(tx: Tx, asked: "RefundPayment") -> Refund:
    return await refunds.order_refund(
        tx, invoice_id=asked.invoice_id, amount_minor=asked.amount_minor, reason=asked.reason
    )


@action(
    name="refund_payment",
    effect="money_out",
    money="amount_minor",
    executor=_refund,
    context=_sums,
    state=_state,
    context_types={"invoice_refunds_usd_minor": int, "client_refunds_24h_usd_minor": int},
)
@dataclass(frozen=True, slots=True)
class RefundPayment:
    """Give back `amount_minor` of what was paid on an invoice."""

    invoice_id: str
    amount_minor: int
    currency: str
    reason: str
