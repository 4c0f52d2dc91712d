"""Invoices and payments as lists show them: with their clients' names, in one question a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grace.domains.crm.queries import CLIENT_FOUND, of_found_clients
from grace.domains.payments.models import ATTEMPT_COLUMNS, CALL_COLUMNS, Attempt, Payment, ProviderCall
from grace.kit.paging import ordering
from grace.kit.tx import Tx
from grace.kit.words import found_in, matching, words_of

Tab = Literal["draft", "sent", "late", "paid", "all"]
_TABS: Mapping[str, str] = {
    "draft": "i.state = 'draft'",
    "sent": "i.state in ('issued', 'part_paid') and i.due_at >= %(now)s",
    "late": "i.state in ('issued', 'part_paid') and i.due_at < %(now)s",
    "paid": "i.state = 'paid'",
    "all": "true",
}
_NAME = "coalesce(i.client ->> 'company', i.client ->> 'name', c.company, c.name)"
_BILLED = found_in(
    words_of(
        "coalesce(i.invoice_number, '') || ' ' || coalesce(i.client ->> 'company', '')"
        " || ' ' || coalesce(i.client ->> 'name', '')"
    )
)
_REFERRED = found_in(words_of("coalesce(p.reference, '')"))
_INVOICES = (f"select i.id from invoice i where {_BILLED}", of_found_clients("invoice"))
_PAYMENTS = (
    f"select p.id from payment p where {_REFERRED}",
    f"select r.id from (select i.id from invoice i where {_BILLED} limit %(most)s) i"
    " cross join lateral (select id from payment where invoice_id = i.id limit %(most)s) r",
    of_found_clients("payment"),
)
MOST_COUNTED = 1_000
SORTS = {"number": "i.number", "due_at": "coalesce(i.due_at, 'infinity')", "amount": "i.total_minor"}


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list. `state` is `overdue` for one that is due and not paid."""

    id: str
    number: int
    invoice_number: str | None
    client_id: str
    client_name: str
    state: str
    currency: str
    total_minor: int
    paid_minor: int
    issued_at: datetime | None
    due_at: datetime | None


async def invoice_rows(
    tx: Tx, *, tab: Tab, q: str | None, sort: str, after: str | None, limit: int
) -> list[InvoiceRow]:
    """A page of invoices; the words of `q` begin some of the number and of the client's name, then or now."""
    order = ordering(sort, table="invoice i", columns=SORTS)
    fits = await matching(tx, q, "i.id", where=f"({_BILLED} or {CLIENT_FOUND})", by=_INVOICES)
    return await tx.all(
        InvoiceRow,
        f"select i.id, i.number, i.invoice_number, i.client_id, {_NAME} as client_name,"
        " case when i.state in ('issued', 'part_paid') and i.due_at < %(now)s then 'overdue' else i.state end as state,"
        " i.currency, i.total_minor, i.paid_minor, i.issued_at, i.due_at"
        f" from invoice i join client c on c.id = i.client_id where {order.after} and {_TABS[tab]}"
        f" and {fits.sql} order by {order.by} limit %(limit)s",
        now=tx.now,
        **fits.params,
        after=after,
        limit=limit,
    )


async def tab_counts(tx: Tx) -> dict[str, int]:
    """How many invoices each tab holds; one more than `MOST_COUNTED` means: more than that."""
    some = "select count(*) from (select 1 from invoice i where {} limit %(most)s) counted"
    columns = ", ".join(f"({some.format(where)}) as {tab}" for tab, where in _TABS.items())
    [counts] = await tx.all(dict, f"select {columns}", now=tx.now, most=MOST_COUNTED + 1)
    return dict(counts)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment in a list."""

    id: str
    number: int
    invoice_id: str
    invoice_number: str | None
    client_id: str
    client_name: str
    method: str
    reference: str | None
    currency: str
    amount_minor: int
    status: str
    received_at: datetime


PAYMENT_SORTS = {"received_at": "p.received_at", "amount": "p.amount_minor"}


async def payment_rows(
    tx: Tx, *, method: str | None, status: str | None, q: str | None, sort: str, after: str | None, limit: int
) -> list[PaymentRow]:
    """A page of payments; the words of `q` begin some of the reference, the invoice's number and the client's name."""
    order = ordering(sort, table="payment p", columns=PAYMENT_SORTS)
    fits = await matching(tx, q, "p.id", where=f"({_REFERRED} or {_BILLED} or {CLIENT_FOUND})", by=_PAYMENTS)
    return await tx.all(
        PaymentRow,
        f"select p.id, p.number, p.invoice_id, i.invoice_number, p.client_id, {_NAME} as client_name, p.method,"
        " p.reference, p.currency, p.amount_minor, p.status, p.received_at from payment p"
        " join invoice i on i.id = p.invoice_id join client c on c.id = p.client_id"
        f" where {order.after} and (%(method)s::text is null or p.method = %(method)s)"
        " and (%(status)s::text is null or p.status = %(status)s)"
        f" and {fits.sql} order by {order.by} limit %(limit)s",
        method=method,
        status=status,
        **fits.params,
        after=after,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class Purse:
    """With what an invoice's client could pay: the default card, the credit; and what of the invoice could go back."""

    client_id: str
    client_name: str
    brand: str | None
    last4: str | None
    credit_minor: int
    left_minor: int


async def purse(tx: Tx, *, invoice_id: str, client_id: str, currency: str) -> Purse:
    """The client's default card and credit, of all ids that stand for it; what is left of the invoice's money."""
    return await tx.one(
        Purse,
        "with recursive up as (select id, merged_into from client where id = %(client)s"
        " union all select c.id, c.merged_into from client c join up on c.id = up.merged_into),"
        " standing as (select id from up where merged_into is null),"
        " family as (select id, 0 as depth from standing"
        " union all select c.id, depth + 1 from client c join family on c.merged_into = family.id)"
        " select c.id as client_id, coalesce(c.company, c.name) as client_name, m.brand, m.last4,"
        " coalesce((select sum(excess_left(a.id)) from payment_attempt a where a.client_id in (select id from family)"
        " and a.currency = %(currency)s and a.excess_minor > 0), 0)::bigint as credit_minor,"
        " (coalesce((select sum(p.amount_minor) from payment p where p.invoice_id = %(invoice)s"
        " and p.status in ('paid', 'refunded')), 0)"
        " - coalesce((select sum(r.amount_minor) from refund_part r join payment p on p.id = r.payment_id"
        " where p.invoice_id = %(invoice)s and r.state <> 'failed'), 0)"
        " + coalesce((select sum(excess_left(a.id)) from payment_attempt a where a.invoice_id = %(invoice)s"
        " and a.excess_minor > 0), 0))::bigint as left_minor"
        " from standing join client c using (id) left join lateral (select brand, last4 from payment_method p"
        " join family f on f.id = p.client_id where p.is_default order by f.depth limit 1) m on true",
        invoice=invoice_id,
        client=client_id,
        currency=currency,
    )


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to an invoice's money: a payment, a refund, a card that was declined."""

    kind: Literal["payment", "refund", "attempt"]
    id: str
    at: datetime
    amount_minor: int
    state: str
    what: str | None


async def happenings(tx: Tx, invoice_id: str, *, limit: int) -> list[Happening]:
    """The money of an invoice, the newest first."""
    return await tx.all(
        Happening,
        "select 'payment' as kind, id, received_at as at, amount_minor, status as state, method as what"
        " from payment where invoice_id = %(id)s"
        " union all select 'refund', id, created_at, amount_minor, state, reason from refund where invoice_id = %(id)s"
        " union all select 'attempt', id, coalesce(ended_at, created_at), amount_minor, state, failure_message"
        " from payment_attempt where invoice_id = %(id)s and payment_id is null and state <> 'canceled'"
        " order by at desc, id desc limit %(limit)s",
        id=invoice_id,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund in a list."""

    id: str
    number: int
    invoice_id: str
    invoice_number: str | None
    client_name: str
    currency: str
    amount_minor: int
    reason: str
    state: str
    created_at: datetime


async def refund_rows(tx: Tx, *, before: int | None, limit: int) -> list[RefundRow]:
    """A page of refunds, the newest first."""
    return await tx.all(
        RefundRow,
        f"select r.id, r.number, r.invoice_id, i.invoice_number, {_NAME} as client_name, r.currency, r.amount_minor,"
        " r.reason, r.state, r.created_at from refund r join invoice i on i.id = r.invoice_id"
        " join client c on c.id = r.client_id where (%(before)s::bigint is null or r.number < %(before)s)"
        " order by r.number desc limit %(limit)s",
        before=before,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class Back:
    """What of a payment went back, or is on its way."""

    refund_id: str
    at: datetime
    amount_minor: int
    state: str
    reason: str
    failure: str | None


async def back(tx: Tx, payment_id: str) -> list[Back]:
    """The refunds of a payment, the newest first."""
    return await tx.all(
        Back,
        "select r.id as refund_id, r.created_at as at, p.amount_minor, p.state, r.reason, p.failure from refund_part p"
        " join refund r on r.id = p.refund_id where p.payment_id = %(id)s order by p.number desc limit 100",
        id=payment_id,
    )


async def attempt_behind(tx: Tx, payment: Payment) -> Attempt | None:
    """The attempt by card that a payment came of, or whose excess it spent."""
    return await tx.first(
        Attempt,
        f"select {ATTEMPT_COLUMNS} from payment_attempt where payment_id = %(id)s or id = %(excess)s limit 1",
        id=payment.id,
        excess=payment.excess_of,
    )


async def calls_of(tx: Tx, work: str) -> list[ProviderCall]:
    """The calls that some work made, the oldest first; at most 50."""
    return await tx.all(
        ProviderCall,
        f"select {CALL_COLUMNS} from provider_call where work = %(work)s order by number limit 50",
        work=work,
    )


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the ledger in a list; `balance_minor` on its normal side. `owner` None: the business itself."""

    id: int
    owner: str | None
    name: str | None
    balance_minor: int


async def account_rows(tx: Tx, *, purpose: str, currency: str, after: int | None, limit: int) -> list[AccountRow]:
    """A page of the accounts of a purpose in a currency, the largest first, with their clients' names."""
    return await tx.all(
        AccountRow,
        "with all_of as (select id, owner, balance_minor from ledger_balance"
        " where purpose = %(purpose)s and currency = %(currency)s)"
        " select a.id, a.owner, coalesce(c.company, c.name) as name, a.balance_minor from all_of a"
        " left join client c on c.id = a.owner where %(after)s::bigint is null or (abs(a.balance_minor), a.id) <"
        " (select abs(balance_minor), id from all_of where id = %(after)s)"
        " order by abs(a.balance_minor) desc, a.id desc limit %(limit)s",
        purpose=purpose,
        currency=currency,
        after=after,
        limit=limit,
    )


async def owner_name(tx: Tx, owner: str) -> str | None:
    """What the owner of an account is called, where that is a client."""
    found: str | None = await tx.value("select coalesce(company, name) from client where id = %(id)s", id=owner)
    return found
