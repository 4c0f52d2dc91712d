"""Questions about payments."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from grace.domains.payments import rules
from grace.domains.payments.models import (
    ATTEMPT_COLUMNS,
    CALL_COLUMNS,
    ENDPOINT_COLUMNS,
    METHOD_COLUMNS,
    OPEN,
    PART_COLUMNS,
    REFUND_COLUMNS,
    Attempt,
    AttemptNames,
    Payment,
    ProviderCall,
    Refund,
    RefundPart,
    StoredMethod,
    WebhookEndpoint,
)
from grace.kit.errors import NotFound
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Tx
from grace.trust.audit.rules.notes import is_signed_by

COLUMNS = """p.id, p.number, p.invoice_id, p.client_id, p.project_id, p.provider, p.method, p.reference, p.currency,
    p.amount_minor, p.net_minor, p.status, p.received_at, p.recorded_by, p.verification_signature, p.created_at,
    p.excess_of, p.reversed_at, p.reversal_reason,
    (select a.intent from payment_attempt a where a.payment_id = p.id) as intent"""
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


async def payment(tx: Tx, payment_id: str) -> Payment:
    """A payment; NotFound."""
    found = await tx.first(Payment, f"select {COLUMNS} from payment p where p.id = %(id)s", id=payment_id)
    if found is None:
        raise NotFound("There is no such payment.")
    return found


def signed(payment: Payment) -> bytes:
    """The bytes that the payment's `verification_signature` signs."""
    return rules.statement(payment_id=payment.id, **{name: getattr(payment, name) for name in _SIGNED})


_SIGNED = ["invoice_id", "client_id", "provider", "method", "currency", "amount_minor", "net_minor", "received_at"]


def is_genuine(payment: Payment, *, origin: str, public_key: bytes) -> bool:
    """Whether the payment is as it was signed; `origin` and `public_key` are those of the audit log."""
    return is_signed_by(signed(payment), payment.verification_signature, name=origin, public_key=public_key)


async def is_unaltered(tx: Tx, payment: Payment) -> bool:
    """Whether a payment is as it was signed, by the key of this workspace's log."""
    signer = await _signer(tx)
    return signer is not None and is_genuine(payment, **signer)


async def _signer(tx: Tx) -> dict[str, Any] | None:
    return await tx.first(dict, "select origin, public_key from audit_signer")


async def altered_payments(tx: Tx) -> AsyncIterator[str]:
    """The ids of payments whose signature does not fit, for the verifier. Reads in batches."""
    signer = await _signer(tx)
    last = ""
    while True:
        batch = await tx.all(
            Payment,
            f"select {COLUMNS} from payment p where p.id > %(last)s order by p.id limit %(limit)s",
            last=last,
            limit=BATCH,
        )
        for payment in batch:
            if signer is None or not is_genuine(payment, **signer):
                yield payment.id
        if len(batch) < BATCH:
            return
        last = batch[-1].id


async def call(tx: Tx, reference: str, *, lock: bool = False) -> ProviderCall:
    """A call to a provider by its id or number; NotFound."""
    found = await tx.first(
        ProviderCall,
        f"select {CALL_COLUMNS} from provider_call where id = %(key)s or number = %(number)s"
        + (" for update" if lock else ""),
        key=reference,
        number=number_of(reference),
    )
    if found is None:
        raise NotFound("There is no such call.")
    return found


async def waiting_calls(tx: Tx, *, before: int | None, limit: int) -> list[ProviderCall]:
    """Calls whose outcome is unknown after a try, the newest first; those in state `case` wait for a person."""
    return await tx.all(
        ProviderCall,
        f"select {CALL_COLUMNS} from provider_call where state in ('unknown', 'case')"
        " and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s",
        before=before,
        limit=limit,
    )


async def has_open_call(tx: Tx, noun: str) -> bool:
    """Whether a call about a thing is under way, or waits for a person."""
    return bool(
        await tx.value(
            "select exists (select from provider_call where noun = %(noun)s"
            " and state in ('pending', 'unknown', 'case'))",
            noun=noun,
        )
    )


async def customer(tx: Tx, *, client_id: str, provider: str) -> str | None:
    """The client's customer at the provider."""
    found: str | None = await tx.value(
        "select customer from provider_customer where client_id = %(client)s and provider = %(provider)s",
        client=client_id,
        provider=provider,
    )
    return found


async def attempt(tx: Tx, attempt_id: str, *, lock: bool = False) -> Attempt:
    """An attempt that must be there."""
    return await tx.one(
        Attempt,
        f"select {ATTEMPT_COLUMNS} from payment_attempt where id = %(id)s" + (" for update" if lock else ""),
        id=attempt_id,
    )


_NAMED = """coalesce(%(id)s,
    (select id from payment_attempt where provider = %(provider)s and intent = %(intent)s),
    (select id from payment_attempt where provider = %(provider)s and charge = %(charge)s),
    (select id from payment_attempt where provider = %(provider)s and id = %(ours)s and intent is null))"""
INVOICE_OF = f"(select invoice_id from payment_attempt where id = {_NAMED})"
"""The invoice of the attempt that `AttemptNames` name."""


async def attempt_of(tx: Tx, names: AttemptNames, *, lock: bool = False) -> Attempt | None:
    """The attempt that these name; None for foreign ones."""
    return await tx.first(
        Attempt,
        f"select {ATTEMPT_COLUMNS} from payment_attempt where id = {_NAMED}" + (" for update" if lock else ""),
        **asdict(names),
    )


async def open_attempt(tx: Tx, invoice_id: str, *, lock: bool = False) -> Attempt | None:
    """The attempt on an invoice that may still collect."""
    return await tx.first(
        Attempt,
        f"select {ATTEMPT_COLUMNS} from payment_attempt where invoice_id = %(invoice)s and state = any(%(open)s)"
        + (" for update" if lock else ""),
        invoice=invoice_id,
        open=list(OPEN),
    )


async def last_attempt(tx: Tx, invoice_id: str) -> Attempt | None:
    """The newest attempt on an invoice that was not given up by us."""
    return await tx.first(
        Attempt,
        f"select {ATTEMPT_COLUMNS} from payment_attempt where invoice_id = %(invoice)s and state <> 'canceled'"
        " order by number desc limit 1",
        invoice=invoice_id,
    )


async def methods(tx: Tx, client_ids: list[str]) -> list[StoredMethod]:
    """The cards that a client can be charged with, the default first, then the newest."""
    return await tx.all(
        StoredMethod,
        f"select {METHOD_COLUMNS} from payment_method where client_id = any(%(clients)s) and state = 'active'"
        " order by is_default desc, number desc limit 200",
        clients=client_ids,
    )


async def default_method(tx: Tx, client_ids: list[str]) -> StoredMethod | None:
    """The card that a client is charged with when nobody is there to choose; of merged clients the first's."""
    return await tx.first(
        StoredMethod,
        f"select {METHOD_COLUMNS} from payment_method where client_id = any(%(clients)s) and is_default"
        " order by array_position(%(clients)s::text[], client_id) limit 1",
        clients=client_ids,
    )


async def method(tx: Tx, method_id: str, *, lock: bool = False) -> StoredMethod:
    """A stored method that must be there."""
    return await tx.one(
        StoredMethod,
        f"select {METHOD_COLUMNS} from payment_method where id = %(id)s" + (" for update" if lock else ""),
        id=method_id,
    )


async def refund(tx: Tx, refund_id: str) -> Refund:
    """A refund by its id or number; NotFound."""
    found = await tx.first(
        Refund,
        f"select {REFUND_COLUMNS} from refund where id = %(id)s or number = %(number)s",
        id=refund_id,
        number=number_of(refund_id),
    )
    if found is None:
        raise NotFound("There is no such refund.")
    return found


async def refunds(tx: Tx, *, invoice_id: str | None, before: int | None, limit: int) -> list[Refund]:
    """Refunds, the newest first."""
    return await tx.all(
        Refund,
        f"select {REFUND_COLUMNS} from refund where (%(invoice)s::text is null or invoice_id = %(invoice)s)"
        " and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s",
        invoice=invoice_id,
        before=before,
        limit=limit,
    )


async def parts(tx: Tx, refund_id: str) -> list[RefundPart]:
    """What of a refund goes back from which payment."""
    return await tx.all(
        RefundPart, f"select {PART_COLUMNS} from refund_part where refund_id = %(id)s order by number", id=refund_id
    )


@dataclass(frozen=True, slots=True)
class Refundable:
    """A payment, or the excess of an attempt, with what has gone back of it, or is on its way, and what was spent.

    `provider` and `reference` say from whose charge it goes back.
    """

    payment_id: str | None
    excess_of: str | None
    client_id: str
    provider: str
    method: str
    reference: str | None
    currency: str
    amount_minor: int
    net_minor: int
    back_minor: int
    back_net_minor: int
    spent_minor: int

    @property
    def left_minor(self) -> int:
        """What can still go back."""
        return max(0, self.amount_minor - self.back_minor - self.spent_minor)


_REFUNDABLE = """
    select payment_id, excess_of, client_id, provider, method, reference, currency, amount_minor, net_minor, back_minor,
      back_net_minor, spent_minor from (
    select p.id as payment_id, null::text as excess_of, p.client_id, p.method,
      coalesce(a.provider, p.provider) as provider, coalesce(a.charge, p.reference) as reference,
      p.currency, p.amount_minor, p.net_minor,
      coalesce(sum(r.amount_minor), 0)::bigint as back_minor, coalesce(sum(r.net_minor), 0)::bigint as back_net_minor,
      0::bigint as spent_minor, 1 as turn, p.number
    from payment p left join payment_attempt a on a.id = p.excess_of
    left join refund_part r on r.payment_id = p.id and r.state <> 'failed'
    where {payments} and p.status in ('paid', 'refunded') group by p.id, a.id
    union all
    select null, a.id, a.client_id, 'card', a.provider, a.charge, a.currency, a.excess_minor, 0::bigint,
      coalesce(sum(r.amount_minor), 0)::bigint, 0::bigint,
      (select coalesce(sum(s.amount_minor), 0) from payment s where s.excess_of = a.id)::bigint, 0, a.number
    from payment_attempt a left join refund_part r on r.excess_of = a.id and r.state <> 'failed'
    where {attempts} and a.excess_minor > 0 group by a.id
    ) money order by turn, number desc"""
OF_INVOICE = {"payments": "p.invoice_id = %(id)s", "attempts": "a.invoice_id = %(id)s"}
OF_ATTEMPT = {
    "payments": "(p.id = (select payment_id from payment_attempt where id = %(id)s) or p.excess_of = %(id)s)",
    "attempts": "a.id = %(id)s",
}


async def refundable(tx: Tx, of: str, *, lock: bool = False, scope: Mapping[str, str] = OF_INVOICE) -> list[Refundable]:
    """What an invoice's excesses and payments are, the excesses first, each the newest first; or (`OF_ATTEMPT`) what
    the money of one charge became, on whatever invoice. With `lock` nothing else goes back or is spent meanwhile."""
    if lock:
        await tx.execute(f"select from payment p where {scope['payments']} order by id for update", id=of)
        await tx.execute(f"select from payment_attempt a where {scope['attempts']} order by id for update", id=of)
    return await tx.all(Refundable, _REFUNDABLE.format(**scope), id=of)


@dataclass(frozen=True, slots=True)
class Credit:
    """What is left of the excess of an attempt: its client may spend it or get it back."""

    excess_of: str
    client_id: str
    left_minor: int


async def credits(tx: Tx, client_ids: list[str], *, currency: str) -> list[Credit]:
    """The credit that a client can spend, the oldest first, locked; of all ids that stand for it."""
    owned = {"clients": client_ids, "currency": currency}
    where = "client_id = any(%(clients)s) and currency = %(currency)s and excess_minor > 0"
    await tx.execute(f"select from payment_attempt where {where} order by id for update", **owned)
    return await tx.all(
        Credit,
        f"select id as excess_of, client_id, excess_left(id) as left_minor from payment_attempt where {where}"
        " and excess_left(id) > 0 order by number",
        **owned,
    )


async def refunded_minor(tx: Tx, invoice_id: str) -> int:
    """What has gone back of an invoice, so far as the provider has said so."""
    return int(
        await tx.value(
            "select coalesce(sum(r.amount_minor), 0) from refund_part r join payment p on p.id = r.payment_id"
            " where p.invoice_id = %(id)s and r.state = 'succeeded'",
            id=invoice_id,
        )
    )


async def refunds_by_currency(
    tx: Tx, *, invoice_id: str | None = None, client_ids: list[str] | None = None, since: datetime | None = None
) -> dict[str, int]:
    """Sums of refunds that did not fail, of an invoice, or of a client's ids since then."""
    rows = await tx.all(
        dict,
        "select currency, sum(amount_minor)::bigint as amount_minor from refund where state <> 'failed'"
        " and (%(invoice)s::text is null or invoice_id = %(invoice)s)"
        " and (%(clients)s::text[] is null or client_id = any(%(clients)s))"
        " and (%(since)s::timestamptz is null or created_at > %(since)s) group by currency",
        invoice=invoice_id,
        clients=client_ids,
        since=since,
    )
    return {row["currency"]: row["amount_minor"] for row in rows}


async def endpoints(tx: Tx) -> list[WebhookEndpoint]:
    """The endpoints that verify events, at most 16."""
    return await tx.all(
        WebhookEndpoint,
        f"select {ENDPOINT_COLUMNS} from webhook_endpoint where state = 'active' order by created_at limit 16",
    )


async def has_open_work(tx: Tx, work: str) -> bool:
    """Whether calls that some work waits for are not answered yet."""
    return bool(
        await tx.value(
            "select exists (select from provider_call where work = %(work)s"
            " and state in ('pending', 'unknown', 'case'))",
            work=work,
        )
    )
