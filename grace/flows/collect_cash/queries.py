"""What statements say of the documents behind them, across invoices and payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from grace.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class Told:
    """What a payment, a refund or a card charge is of, and how the money came."""

    id: str
    invoice_number: str | None
    method: str | None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What of a payment went back, or is on its way."""

    at: datetime
    currency: str
    amount_minor: int
    invoice_number: str | None


async def told_of(tx: Tx, ids: Sequence[str]) -> dict[str, Told]:
    """By id; what is none of the three is left out."""
    rows = await tx.all(
        Told,
        "select p.id, i.invoice_number, p.method from payment p join invoice i on i.id = p.invoice_id"
        " where p.id = any(%(ids)s) union all"
        " select a.id, i.invoice_number, 'card' from payment_attempt a join invoice i on i.id = a.invoice_id"
        " where a.id = any(%(ids)s) union all"
        " select r.id, i.invoice_number, null from refund r join invoice i on i.id = r.invoice_id"
        " where r.id = any(%(ids)s)",
        ids=list(ids),
    )
    return {row.id: row for row in rows}


async def given_back(tx: Tx, client_ids: Sequence[str], *, start: datetime, end: datetime) -> list[GivenBack]:
    """Refunds of payments that were ordered from `start` up to `end` and did not fail, by part.

    They leave what is owed as it is, so that no account of the client moves; refunds of credit move its credit.
    """
    return await tx.all(
        GivenBack,
        "select r.created_at as at, r.currency, p.amount_minor, i.invoice_number from refund_part p"
        " join refund r on r.id = p.refund_id join payment y on y.id = p.payment_id"
        " join invoice i on i.id = y.invoice_id"
        " where y.client_id = any(%(clients)s) and p.state <> 'failed' and r.created_at >= %(start)s"
        " and r.created_at < %(end)s order by r.created_at, p.number",
        clients=list(client_ids),
        start=start,
        end=end,
    )
