"""Questions about payments."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from grace.domains.payments import rules
from grace.domains.payments.models import Payment
from grace.kit.paging import ordering
from grace.kit.tx import Tx
from grace.trust.audit.rules.notes import is_signed_by

COLUMNS = """p.id, p.number, p.invoice_id, p.client_id, p.project_id, p.provider, p.method, p.reference, p.currency,
    p.amount_minor, p.net_minor, p.status, p.received_at, p.recorded_by, p.verification_signature, p.created_at"""
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments to list; None does not filter."""

    invoice_id: str | None = None
    client_ids: list[str] | None = None
    method: str | None = None
    status: str | None = None


SORTS = {"received_at": "p.received_at", "created_at": "p.created_at", "amount": "p.amount_minor"}


async def payments(tx: Tx, where: PaymentFilter, *, sort: str, after: str | None, limit: int) -> list[Payment]:
    """A page of payments."""
    order = ordering(sort, table="payment p", columns=SORTS)
    return await tx.all(
        Payment,
        f"select {COLUMNS} from payment p where {order.after}"
        " and (%(invoice_id)s::text is null or p.invoice_id = %(invoice_id)s)"
        " and (%(client_ids)s::text[] is null or p.client_id = any(%(client_ids)s))"
        " and (%(method)s::text is null or p.method = %(method)s)"
        " and (%(status)s::text is null or p.status = %(status)s)"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )


def is_genuine(payment: Payment, *, origin: str, public_key: bytes) -> bool:
    """Whether the payment is as it was signed; `origin` and `public_key` are those of the audit log."""
    return is_signed_by(
        rules.statement(
            payment_id=payment.id,
            invoice_id=payment.invoice_id,
            client_id=payment.client_id,
            provider=payment.provider,
            method=payment.method,
            currency=payment.currency,
            amount_minor=payment.amount_minor,
            net_minor=payment.net_minor,
            received_at=payment.received_at,
        ),
        payment.verification_signature,
        name=origin,
        public_key=public_key,
    )


async def altered_payments(tx: Tx) -> AsyncIterator[str]:
    """The ids of payments whose signature does not fit, for the verifier. Reads in batches."""
    signer = await tx.first(dict, "select origin, public_key from audit_signer")
    last = ""
    while True:
        batch = await tx.all(
            Payment,
            f"select {COLUMNS} from payment p where p.id > %(last)s order by p.id limit %(limit)s",
            last=last,
            limit=BATCH,
        )
        for payment in batch:
            if signer is None or not is_genuine(payment, origin=signer["origin"], public_key=signer["public_key"]):
                yield payment.id
        if len(batch) < BATCH:
            return
        last = batch[-1].id
