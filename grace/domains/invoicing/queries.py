"""Questions about invoices."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from grace.domains.invoicing.errors import InvoiceNotFound
from grace.domains.invoicing.models import Invoice, InvoiceLine
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Later, Tx

Reference = str | int

COLUMNS = """i.id, i.number, i.client_id, i.project_id, i.project_ref, i.state, i.series, i.series_period,
    i.series_number, i.invoice_number, i.currency, i.net_minor, i.tax_minor, i.total_minor, i.paid_minor,
    i.earned_minor, i.excess_minor, i.taxes,
    i.notes, i.metadata, i.issuer, i.client, i.issued_at, i.due_at, i.paid_at, i.voided_at, i.void_reason,
    i.payment_method, i.transaction_id, i.stripe_payment_intent, i.version, i.created_at, i.updated_at"""


async def invoice(tx: Tx, reference: Reference, *, lock: bool = False) -> Invoice:
    """The invoice that a caller names by its id, its invoice number or its integer number; InvoiceNotFound.

    `lock` keeps others from changing it until the transaction ends.
    """
    found = await tx.first(
        Invoice,
        f"select {COLUMNS} from invoice i where i.id = coalesce("
        "(select id from invoice where id = %(text)s), (select id from invoice where invoice_number = %(text)s),"
        f" (select id from invoice where number = %(number)s)) {'for no key update' if lock else ''}",
        text=reference if isinstance(reference, str) else None,
        number=number_of(reference),
    )
    if found is None:
        raise InvoiceNotFound(reference)
    return found


def locked_later(tx: Tx, found: str, **params: Any) -> Later[Invoice]:
    """The invoice whose id this SQL finds, locked, in the round trip of the next statement."""
    return tx.one_later(Invoice, f"select {COLUMNS} from invoice i where i.id = {found} for no key update", **params)


async def invoices_by_id(tx: Tx, ids: Sequence[str]) -> list[Invoice]:
    """Some invoices, in the order of their numbers."""
    return await tx.all(
        Invoice, f"select {COLUMNS} from invoice i where i.id = any(%(ids)s) order by i.number", ids=list(ids)
    )


async def lines(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, list[InvoiceLine]]:
    """The lines of some invoices, in order."""
    rows = await tx.all(
        InvoiceLine,
        "select invoice_id, position, description, quantity, unit_price_minor, tax_rate, net_minor from invoice_line"
        " where invoice_id = any(%(ids)s) order by invoice_id, position",
        ids=list(invoice_ids),
    )
    found: dict[str, list[InvoiceLine]] = {invoice_id: [] for invoice_id in invoice_ids}
    for row in rows:
        found[row.invoice_id].append(row)
    return found


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices to list; None does not filter. `overdue_at`: those due before, and not yet paid."""

    client_ids: list[str] | None = None
    state: str | None = None
    currency: str | None = None
    overdue_at: datetime | None = None


SORTS = {
    "created_at": "i.created_at",
    "issued_at": "coalesce(i.issued_at, 'infinity')",
    "due_at": "coalesce(i.due_at, 'infinity')",
    "amount": "i.total_minor",
    "invoice_number": "coalesce(i.invoice_number, '')",
}


async def invoices(tx: Tx, where: InvoiceFilter, *, sort: str, after: str | None, limit: int) -> list[Invoice]:
    """A page of invoices."""
    order = ordering(sort, table="invoice i", columns=SORTS)
    return await tx.all(
        Invoice,
        f"select {COLUMNS} from invoice i where {order.after}"
        " and (%(client_ids)s::text[] is null or i.client_id = any(%(client_ids)s))"
        " and (%(state)s::text is null or i.state = %(state)s)"
        " and (%(currency)s::text is null or i.currency = %(currency)s)"
        " and (%(overdue_at)s::timestamptz is null"
        " or (i.state in ('issued', 'part_paid') and i.due_at < %(overdue_at)s))"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What is owed in a currency and due in a week: 0 is the one from now on, -1 is late, `WEEKS` all later ones."""

    currency: str
    week: int
    count: int
    due_minor: int


WEEKS = 4


async def unpaid(tx: Tx) -> list[Unpaid]:
    """What clients owe by invoices, by currency and the week it is due in."""
    return await tx.all(
        Unpaid,
        "select currency, week, count(*)::int as count, sum(total_minor - paid_minor)::bigint as due_minor from ("
        "select currency, total_minor, paid_minor, case when due_at < %(now)s then -1"
        " else least(floor(extract(epoch from due_at - %(now)s) / 604800), %(weeks)s)::int end as week"
        " from invoice where state in ('issued', 'part_paid')) as open group by currency, week order by currency, week",
        now=tx.now,
        weeks=WEEKS,
    )


async def late(tx: Tx, *, limit: int) -> list[Invoice]:
    """Invoices that are due and not paid, the latest payer first."""
    return await tx.all(
        Invoice,
        f"select {COLUMNS} from invoice i where i.state in ('issued', 'part_paid') and i.due_at < %(now)s"
        " order by i.due_at limit %(limit)s",
        now=tx.now,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What a project's invoices come to, without tax and void ones; `open` of them are not paid in full."""

    net_minor: int
    open: int


async def invoiced(tx: Tx, *, project_id: str, currency: str) -> Invoiced:
    """A project's invoices in its currency, drafts counted as open."""
    return await tx.one(
        Invoiced,
        "select coalesce(sum(net_minor), 0)::bigint as net_minor,"
        " (count(*) filter (where state <> 'paid'))::int as open"
        " from invoice where project_id = %(id)s and currency = %(currency)s and state <> 'void'",
        id=project_id,
        currency=currency,
    )
