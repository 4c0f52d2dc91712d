"""Money that was received. Amounts are minor units."""

from datetime import datetime
from typing import Any

import psycopg

from grace.domains.payments import queries, rules
from grace.domains.payments.errors import DuplicatePayment, NotReversible
from grace.domains.payments.facts import PaymentReceived, PaymentReversed
from grace.domains.payments.models import MANUAL, Payment, PaymentId
from grace.domains.payments.queries import COLUMNS, Credit
from grace.kit.errors import NotFound
from grace.kit.ids import number_of
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.ledger import service as ledger
from grace.trust.ledger.rules import Line


async def record_payment(
    tx: Tx,
    *,
    payment_id: PaymentId,
    invoice_id: str,
    client_id: str,
    project_id: str | None,
    provider: str,
    method: str,
    currency: str,
    amount_minor: int,
    net_minor: int,
    received_at: datetime,
    reference: str | None = None,
    spent: Credit | None = None,
) -> None:
    """Write down money that was received, sign it and book it. That it fits the invoice is settled before.

    `spent` is the credit that it is taken from: then no money moved. It is sent with the next statement, or the commit:
    `recorded` reads it, or says why it is not. Call it last: it locks the client's account until the commit.
    """
    said: dict[str, Any] = {
        "payment_id": payment_id,
        "invoice_id": invoice_id,
        "client_id": client_id,
        "provider": provider,
        "method": method,
        "currency": currency,
        "amount_minor": amount_minor,
        "net_minor": net_minor,
        "received_at": received_at,
    }
    signer = await audit.signer(tx)
    row = {
        "project_id": project_id,
        "reference": reference,
        "status": "paid",
        "recorded_by": tx.principal.id,
        "verification_signature": signer.sign(rules.statement(**said)),
        "created_at": tx.now,
        "excess_of": spent.excess_of if spent is not None else None,
        **said,
    }
    row["id"] = row.pop("payment_id")
    tx.later(f"insert into payment ({', '.join(row)}) values ({', '.join(f'%({name})s' for name in row)})", **row)
    booked: dict[str, Any] = {name: said[name] for name in ("client_id", "currency", "amount_minor", "net_minor")}
    posting: dict[str, Any] = {
        "reference": f"payment:{payment_id}:received",
        "memo": payment_id,
        "event_at": received_at,
    }
    if spent is None:
        lines = rules.received(clearing=method if provider == MANUAL else provider, **booked)
        ledger.post_later(tx, kind="payment_received", lines=lines, **posting)
    else:
        lines = rules.from_credit(owner=spent.client_id, **booked)
        await ledger.post(tx, kind="credit_spent", lines=lines, **posting)
    tx.emit(PaymentReceived(payment_id, invoice_id, client_id, currency, amount_minor))
    audit.record(tx, action="record_payment", subject=("payment", payment_id), after=row)


async def recorded(tx: Tx, payment_id: PaymentId) -> Payment:
    """A payment that this transaction recorded; DuplicatePayment when its reference is another's already."""
    try:
        return await queries.payment(tx, payment_id)
    except psycopg.errors.UniqueViolation as error:
        if error.diag.table_name != "payment":  # of what came along with it
            raise
        raise DuplicatePayment("The reference is recorded for this invoice already.") from error


async def reverse_payment(tx: Tx, *, payment_id: str, reason: str) -> Payment:
    """Take back a payment that was recorded by mistake: its booking is reversed line by line, and its reference may be
    recorded again. The caller holds its invoice's lock. NotReversible unless it is by hand and stands whole.
    """
    before = await tx.one(
        Payment, f"select {COLUMNS} from payment p where p.id = %(id)s for update of p", id=payment_id
    )
    gone = await tx.value(
        "select exists (select from refund_part where payment_id = %(id)s and state <> 'failed')", id=before.id
    )
    if before.provider != MANUAL:
        raise NotReversible("Only a payment that was recorded by hand is taken back; this one is refunded instead.")
    if before.status != "paid" or gone:
        why = "was taken back already" if before.reversed_at is not None else "was refunded, in whole or in part"
        raise NotReversible(f"This payment {why}.")
    after = await tx.one(
        Payment,
        "update payment p set status = 'failed', reversed_at = %(now)s, reversal_reason = %(reason)s"
        f" where id = %(id)s returning {COLUMNS}",
        id=before.id,
        now=tx.now,
        reason=reason,
    )
    lines = rules.received(
        clearing=before.method,
        client_id=before.client_id,
        currency=before.currency,
        amount_minor=before.amount_minor,
        net_minor=before.net_minor,
    )
    ledger.post_later(
        tx,
        reference=f"payment:{before.id}:reversed",
        kind="payment_reversed",
        lines=[Line(line.account, -line.amount_minor) for line in lines],
        memo=before.id,
    )
    tx.emit(PaymentReversed(before.id, before.invoice_id, before.client_id, before.currency, before.amount_minor))
    audit.record(
        tx, action="reverse_payment", subject=("payment", before.id), reason=reason, before=before, after=after
    )
    return after


async def find_payment(tx: Tx, reference: str) -> Payment:
    """A payment by its id or number; NotFound."""
    found = await tx.first(
        Payment,
        f"select {COLUMNS} from payment p where p.id = %(id)s or p.number = %(number)s",
        id=reference,
        number=number_of(reference),
    )
    if found is None:
        raise NotFound("There is no such payment.")
    return found


async def last_payment(tx: Tx, invoice_id: str) -> Payment | None:
    """The newest payment of an invoice that was not taken back."""
    return await tx.first(
        Payment,
        f"select {COLUMNS} from payment p where p.invoice_id = %(id)s and p.status <> 'failed'"
        " order by p.number desc limit 1",
        id=invoice_id,
    )
