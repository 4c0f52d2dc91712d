"""Money that was received. Amounts are minor units."""

from datetime import datetime
from typing import Any

import psycopg

from grace.domains.payments import rules
from grace.domains.payments.errors import DuplicatePayment
from grace.domains.payments.facts import PaymentReceived
from grace.domains.payments.models import MANUAL, Payment
from grace.domains.payments.queries import COLUMNS, Credit
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.ledger import service as ledger


async def record_payment(
    tx: Tx,
    *,
    payment_id: str,
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
) -> Payment:
    """Write down money that was received, sign it and book it. That it fits the invoice is settled before.

    `spent` is the credit that it is taken from: then no money moved. DuplicatePayment when the reference is recorded
    for this invoice and method. Call it last: it locks the client's account until the commit.
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
    signer = await audit.load_or_create_signer(tx)
    try:
        payment = await tx.one(
            Payment,
            "insert into payment as p (id, invoice_id, client_id, project_id, provider, method, reference, currency,"
            " amount_minor, net_minor, status, received_at, recorded_by, verification_signature, created_at,"
            " excess_of) values"
            " (%(payment_id)s, %(invoice_id)s, %(client_id)s, %(project_id)s, %(provider)s, %(method)s, %(reference)s,"
            " %(currency)s, %(amount_minor)s, %(net_minor)s, 'paid', %(received_at)s, %(recorded_by)s, %(signature)s,"
            f" %(now)s, %(excess_of)s) returning {COLUMNS}",
            project_id=project_id,
            reference=reference,
            recorded_by=tx.principal.id,
            signature=signer.sign(rules.statement(**said)),
            now=tx.now,
            excess_of=spent.excess_of if spent is not None else None,
            **said,
        )
    except psycopg.errors.UniqueViolation as error:
        raise DuplicatePayment(f"The reference {reference!r} is recorded for this invoice already.") from error
    booked: dict[str, Any] = {name: said[name] for name in ("client_id", "currency", "amount_minor", "net_minor")}
    await ledger.post(
        tx,
        reference=f"payment:{payment.id}:received",
        kind="payment_received" if spent is None else "credit_spent",
        lines=rules.received(clearing=method if provider == MANUAL else provider, **booked)
        if spent is None
        else rules.from_credit(owner=spent.client_id, **booked),
        memo=payment.id,
        event_at=received_at,
    )
    tx.emit(PaymentReceived(payment.id, invoice_id, client_id, currency, amount_minor))
    audit.record(tx, action="record_payment", subject=("payment", payment.id), after=payment)
    return payment
