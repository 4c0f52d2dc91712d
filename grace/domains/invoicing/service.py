"""The verbs of invoicing, the only writers of its tables. Amounts are minor units of the invoice's currency."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from grace.domains.invoicing import queries
from grace.domains.invoicing.errors import NumberUnavailable, OverPayment, UnknownSeries, WrongState
from grace.domains.invoicing.facts import (
    InvoiceDrafted,
    InvoiceIssued,
    InvoiceOverpaid,
    InvoicePaid,
    InvoicePartPaid,
    InvoiceReopened,
    InvoiceVoided,
)
from grace.domains.invoicing.models import INVOICE_PREFIX, Invoice, InvoiceId, Party, Settlement, Terms
from grace.domains.invoicing.queries import COLUMNS, Reference
from grace.domains.invoicing.rules import numbering
from grace.domains.invoicing.rules.status import PAYABLE, due_minor, state_when_paid
from grace.domains.invoicing.rules.totals import Line, Totals, earned, totals
from grace.domains.invoicing.schemas import INVOICING, ISSUER
from grace.kit import json, links
from grace.kit.errors import Invalid
from grace.kit.ids import new_id
from grace.kit.money import to_major
from grace.kit.rows import changed
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.ledger import service as ledger
from grace.trust.ledger.rules import AccountRef, Purpose, credit, debit
from grace.trust.ledger.rules import Line as LedgerLine

PAY_LINK = "pay"
PAY_LINK_LIFETIME = timedelta(days=730)


async def draft_invoice(
    tx: Tx,
    *,
    client_id: str,
    currency: str,
    terms: Terms,
    project_id: str | None = None,
    project_ref: str | int | None = None,
) -> Invoice:
    """Make a draft. UnknownSeries for a series that no setting names; InvalidMoney for absurd sums."""
    invoice = await tx.one(
        Invoice,
        "insert into invoice as i (id, client_id, project_id, project_ref, currency, created_at, series, due_at, notes,"
        " metadata, net_minor, tax_minor, total_minor, taxes) values (%(id)s, %(client_id)s, %(project_id)s,"
        " %(project_ref)s::jsonb, %(currency)s, %(now)s, %(series)s, %(due_at)s, %(notes)s, %(metadata)s::jsonb,"
        f" %(net_minor)s, %(tax_minor)s, %(total_minor)s, %(taxes)s::jsonb) returning {COLUMNS}",
        id=new_id(INVOICE_PREFIX),
        client_id=client_id,
        project_id=project_id,
        project_ref=None if project_ref is None else json.dumps(project_ref),
        currency=currency,
        now=tx.now,
        **await _columns(tx, terms),
    )
    await _write_lines(tx, invoice.id, terms.lines)
    tx.emit(InvoiceDrafted(invoice.id, invoice.client_id, invoice.version))
    audit.record(tx, action="draft_invoice", subject=("invoice", invoice.id), after=_whole(invoice, terms))
    return invoice


async def revise_draft(tx: Tx, *, reference: Reference, terms: Terms) -> Invoice:
    """Replace all that is said in a draft. WrongState once it is issued or void."""
    before = await queries.invoice(tx, reference, lock=True)
    if before.state != "draft":
        raise WrongState("Only a draft is revised; an issued invoice is frozen.", invoice_status=before.state)
    after = await tx.one(
        Invoice,
        "update invoice i set series = %(series)s, due_at = %(due_at)s, notes = %(notes)s,"
        " metadata = %(metadata)s::jsonb, net_minor = %(net_minor)s, tax_minor = %(tax_minor)s,"
        " total_minor = %(total_minor)s, taxes = %(taxes)s::jsonb, version = version + 1, updated_at = %(now)s"
        f" where id = %(id)s returning {COLUMNS}",
        id=before.id,
        now=tx.now,
        **await _columns(tx, terms),
    )
    await tx.execute("delete from invoice_line where invoice_id = %(id)s", id=before.id)
    await _write_lines(tx, before.id, terms.lines)
    tx.emit(InvoiceDrafted(after.id, after.client_id, after.version))
    audit.record(tx, action="revise_draft", subject=("invoice", after.id), before=before, after=_whole(after, terms))
    return after


async def issue_invoice(tx: Tx, *, reference: Reference, client: Party) -> Invoice:
    """Give a draft its number, freeze it, make its pay link, and book what is owed; one of nothing is paid at once.

    WrongState unless it is a draft; NumberUnavailable when the series gives a number that is too long or taken.
    """
    before = await queries.invoice(tx, reference, lock=True)
    if before.state != "draft":
        raise WrongState("Only a draft is issued.", invoice_status=before.state)
    due_days = (await INVOICING.read(tx)).due_days
    await links.make(tx, kind=PAY_LINK, subject=before.id, lifetime=PAY_LINK_LIFETIME)
    after = replace(
        before,
        state="issued" if before.total_minor else "paid",
        issued_at=tx.now,
        paid_at=None if before.total_minor else tx.now,
        due_at=before.due_at or tx.now + timedelta(days=due_days),
        issuer=asdict(await issuer(tx)),
        client=asdict(client),
        **await _next_number(tx, before.series),
    )
    after = await _change(tx, before, after, action="issue_invoice")
    if after.total_minor:
        ledger.post_later(
            tx,
            reference=f"invoice:{after.id}:issued",
            kind="invoice_issued",
            lines=_owed(after),
            memo=after.invoice_number,
        )
    tx.emit(
        InvoiceIssued(after.id, after.client_id, after.project_id, after.currency, after.total_minor, after.version)
    )
    if not after.total_minor:
        tx.emit(InvoicePaid(after.id, after.client_id, after.project_id, after.version))
    return after


async def settle_invoice(
    tx: Tx,
    *,
    reference: Reference | Invoice,
    amount_minor: int,
    payment_id: str,
    method: str,
    paid_at: datetime,
    stripe_payment_intent: str | None = None,
) -> Settlement:
    """Count a payment towards an invoice; booking it is the payment's matter.

    WrongState when nothing can be due, OverPayment when it is more than is due. Concurrent payments wait for
    each other, so that together they cannot pay too much: an invoice that is given as a row was locked as it was read.
    """
    before = reference if isinstance(reference, Invoice) else await queries.invoice(tx, reference, lock=True)
    due = check_payable(before, amount_minor=amount_minor)
    paid_minor = before.paid_minor + amount_minor
    state = state_when_paid(total_minor=before.total_minor, paid_minor=paid_minor)
    earned_minor = earned(net_minor=before.net_minor, total_minor=before.total_minor, paid_minor=paid_minor)
    net_minor = min(amount_minor, max(0, earned_minor - before.earned_minor))
    after = replace(
        before,
        state=state,
        paid_minor=paid_minor,
        earned_minor=before.earned_minor + net_minor,
        paid_at=paid_at if state == "paid" else None,
        payment_method=method,
        transaction_id=payment_id,
        stripe_payment_intent=stripe_payment_intent,
    )
    after = await _change(tx, before, after, action="settle_invoice")
    if state == "paid":
        tx.emit(InvoicePaid(after.id, after.client_id, after.project_id, after.version))
    else:
        tx.emit(InvoicePartPaid(after.id, after.client_id, due - amount_minor, after.version))
    return Settlement(after, net_minor)


async def unsettle_invoice(
    tx: Tx, *, reference: Reference, amount_minor: int, net_minor: int, last: tuple[str, str] | None, reason: str
) -> Invoice:
    """Count a payment no more: so much is due again. `last` is the method and id of the last payment that remains."""
    before = await queries.invoice(tx, reference, lock=True)
    paid_minor = before.paid_minor - amount_minor
    method, payment_id = last or (None, None)
    after = replace(
        before,
        state=state_when_paid(total_minor=before.total_minor, paid_minor=paid_minor),
        paid_minor=paid_minor,
        earned_minor=before.earned_minor - net_minor,
        paid_at=None,
        payment_method=method,
        transaction_id=payment_id,
    )
    after = await _change(tx, before, after, action="unsettle_invoice", reason=reason)
    due = due_minor(after.state, total_minor=after.total_minor, paid_minor=after.paid_minor)
    tx.emit(InvoiceReopened(after.id, after.client_id, due, after.version))
    return after


def check_payable(invoice: Invoice, *, amount_minor: int) -> int:
    """What is due. WrongState when nothing can be, OverPayment when it is less than the amount."""
    if invoice.state not in PAYABLE:
        raise WrongState(f"Nothing is due on an invoice that is {invoice.state}.", invoice_status=invoice.state)
    due = due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor)
    if amount_minor > due:
        raise OverPayment(to_major(due, invoice.currency), invoice.currency)
    return due


async def note_excess(tx: Tx, *, reference: Reference, excess_minor: int) -> Invoice:
    """Keep in mind that more was paid than was due; whose credit that is, is the payment's matter."""
    before = await queries.invoice(tx, reference, lock=True)
    after = replace(before, excess_minor=before.excess_minor + excess_minor)
    after = await _change(tx, before, after, action="note_excess")
    tx.emit(InvoiceOverpaid(after.id, after.client_id, after.version))
    return after


async def void_invoice(tx: Tx, *, reference: Reference, reason: str) -> Invoice:
    """Take back an invoice of which nothing is paid: it keeps its number, and its booking is reversed.

    A draft is discarded without a trace in the ledger. WrongState once something is paid.
    """
    before = await queries.invoice(tx, reference, lock=True)
    if before.state not in ("draft", "issued"):
        raise WrongState(f"An invoice that is {before.state} is not made void.", invoice_status=before.state)
    after = replace(before, state="void", voided_at=tx.now, void_reason=reason)
    after = await _change(tx, before, after, action="void_invoice", reason=reason)
    if before.state == "issued":
        ledger.post_later(
            tx,
            reference=f"invoice:{after.id}:voided",
            kind="invoice_voided",
            lines=[LedgerLine(line.account, -line.amount_minor) for line in _owed(after)],
            memo=after.invoice_number,
        )
    tx.emit(InvoiceVoided(after.id, after.client_id, after.version))
    return after


async def issuer(tx: Tx) -> Party:
    """Who the business is on its invoices today."""
    stored = await ISSUER.read(tx)
    return Party(
        name=stored.name or tx.workspace.name,
        email=stored.email,
        address=stored.address,
        country=stored.country,
        tax_id=stored.tax_id,
    )


def _owed(invoice: Invoice) -> list[LedgerLine]:
    """What an issued invoice books: the client owes the total; revenue counts when it is paid, tax at once."""
    currency = invoice.currency
    return [
        debit(AccountRef(Purpose.RECEIVABLE, currency, invoice.client_id), invoice.total_minor),
        credit(AccountRef(Purpose.UNPAID_REVENUE, currency, invoice.client_id), invoice.net_minor),
        credit(AccountRef(Purpose.TAX_PAYABLE, currency), invoice.tax_minor),
    ]


async def _next_number(tx: Tx, name: str) -> dict[str, Any]:
    """Count the series on. Its row is locked until the commit, and a rollback gives the number back."""
    stored = (await INVOICING.read(tx)).series.get(name)
    if stored is None:
        raise UnknownSeries(f"There is no series {name!r} any more.")
    series, day = stored.series(), tx.now.date()
    period = numbering.period(series, day)
    n = await tx.value(
        "insert into invoice_counter as c (series, period, last) values (%(series)s, %(period)s, 1)"
        " on conflict (series, period) do update set last = c.last + 1 returning last",
        series=name,
        period=period,
    )
    number = numbering.formatted(series, day, n)
    if number is None:
        raise NumberUnavailable(f"Number {n} of series {name!r} is longer than {series.max_length} characters.")
    return {"series_period": period, "series_number": n, "invoice_number": number}


async def _change(tx: Tx, before: Invoice, after: Invoice, *, action: str, reason: str | None = None) -> Invoice:
    """Write a change of state with its audit entry."""
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    values = {name: getattr(after, name) for name in changed(before, after)}
    values |= {name: json.dumps(values[name]) for name in ("issuer", "client") if name in values}
    update = f"update invoice set {', '.join(f'{name} = %({name})s' for name in values)} where id = %(id)s"
    if "invoice_number" not in values:
        tx.later(update, id=after.id, **values)
    else:
        try:
            await tx.execute(update, id=after.id, **values)
        except psycopg.errors.UniqueViolation as error:
            raise NumberUnavailable(f"Another invoice is numbered {after.invoice_number} already.") from error
    audit.record(tx, action=action, subject=("invoice", after.id), reason=reason, before=before, after=after)
    return after


async def _columns(tx: Tx, terms: Terms) -> dict[str, Any]:
    """The columns that terms decide."""
    known = await INVOICING.read(tx)
    series = terms.series or known.default_series
    if series not in known.series:
        raise UnknownSeries(f"There is no series {series!r}, but {', '.join(sorted(known.series))}.")
    if terms.due_at is not None and not tx.now - timedelta(days=3650) < terms.due_at < tx.now + timedelta(days=3650):
        raise Invalid("due_at is more than ten years away.")
    sums: Totals = totals(terms.lines)
    return {
        "series": series,
        "due_at": terms.due_at,
        "notes": terms.notes,
        "metadata": json.dumps(dict(terms.metadata or {})),
        "net_minor": sums.net_minor,
        "tax_minor": sums.tax_minor,
        "total_minor": sums.total_minor,
        "taxes": json.dumps([asdict(tax) for tax in sums.taxes]),
    }


def _whole(invoice: Invoice, terms: Terms) -> dict[str, Any]:
    """An invoice with its lines, for the audit log."""
    return {**asdict(invoice), "lines": terms.lines}


async def _write_lines(tx: Tx, invoice_id: InvoiceId, lines: Sequence[Line]) -> None:
    await tx.execute(
        "insert into invoice_line (invoice_id, position, description, quantity, unit_price_minor, tax_rate, net_minor)"
        " select %(id)s, l.* from unnest(%(positions)s::int[], %(descriptions)s::text[], %(quantities)s::numeric[],"
        " %(prices)s::bigint[], %(rates)s::numeric[], %(nets)s::bigint[]) l",
        id=invoice_id,
        positions=list(range(1, len(lines) + 1)),
        descriptions=[line.description for line in lines],
        quantities=[line.quantity for line in lines],
        prices=[line.unit_price_minor for line in lines],
        rates=[line.tax_rate for line in lines],
        nets=[line.net_minor for line in lines],
    )
