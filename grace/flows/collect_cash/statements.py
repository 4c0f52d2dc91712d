"""Statements of account: a client's, as it is sent to the client, and the business's own over a span of time."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta

from fastapi import Response

from grace.domains.crm import queries as crm
from grace.domains.crm.models import Client
from grace.domains.invoicing import service as invoicing
from grace.domains.invoicing.document import block
from grace.flows.collect_cash import queries
from grace.flows.collect_cash.queries import Told
from grace.flows.collect_cash.service import party
from grace.kit.csv import csv_text
from grace.kit.errors import Invalid
from grace.kit.money import to_major
from grace.kit.pdf.documents import AccountRow, AccountsDocument, AccountsSection, StatementDocument, StatementRow
from grace.kit.pdf.render import MAX_ROWS, render_accounts, render_statement
from grace.kit.tx import Tx
from grace.kit.web import EARLIEST
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.models import Movement, Statement, Turnover
from grace.trust.ledger.rules import Purpose

OWED = (Purpose.RECEIVABLE, Purpose.CUSTOMER_CREDIT)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a client's statement in minor units; a charge raises the balance, a payment lowers it."""

    at: datetime
    what: str
    charge_minor: int
    payment_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Account:
    """A client's account in one currency: what is owed less the credit."""

    currency: str
    opening_minor: int
    rows: list[Row]
    closing_minor: int


def span(tx: Tx, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """From `start` up to, not including, `end`; all until now where nothing is said. Invalid when reversed."""
    begun, ended = start or EARLIEST, end or tx.now + _TICK
    if begun >= ended:
        raise Invalid("A statement's `from` is before its `to`.")
    return begun, ended


async def of_client(tx: Tx, client: Client, *, start: datetime, end: datetime) -> list[Account]:
    """A client's accounts, one a currency, with all ids that stand for the client."""
    family = await crm.family(tx, client.id)
    found: dict[str, list[Statement]] = defaultdict(list)
    for owner in family:
        for statement in await ledger.statement(tx, owner, start=start, end=end, purposes=OWED):
            found[statement.account.currency].append(statement)
    moved = [movement for each in found.values() for statement in each for movement in statement.movements]
    told = await queries.told_of(tx, sorted({movement.memo for movement in moved if movement.memo is not None}))
    back: dict[str, list[Row]] = defaultdict(list)
    for refund in await queries.given_back(tx, family, start=start, end=end):
        what = f"Refund on {refund.invoice_number}"
        back[refund.currency].append(Row(refund.at, what, -refund.amount_minor, -refund.amount_minor, 0))
    return [_account(currency, found[currency], back[currency], told) for currency in sorted(found)]


def client_csv(accounts: Sequence[Account], *, start: datetime, end: datetime) -> str:
    """A client's accounts as one table: in each currency the opening balance, the rows, the closing balance."""

    def rows() -> Iterable[tuple[object, ...]]:
        for account in accounts:
            code = account.currency
            first = account.rows[0].at if account.rows and start == EARLIEST else start
            yield code, first, "Opening balance", None, None, to_major(account.opening_minor, code)
            for row in account.rows:
                amounts = (row.charge_minor, row.payment_minor)
                shown = [to_major(amount, code) if amount else None for amount in amounts]
                yield code, row.at, row.what, *shown, to_major(row.balance_minor, code)
            yield code, end, "Closing balance", None, None, to_major(account.closing_minor, code)

    return csv_text(("currency", "at", "what", "charge", "payment", "balance"), rows())


async def client_pdf(tx: Tx, client: Client, account: Account, *, start: datetime, end: datetime) -> bytes:
    """A client's account in one currency as a document. Invalid when it has too many lines for one."""
    last = (end - _TICK).date()
    first = start.date() if start != EARLIEST else account.rows[0].at.date() if account.rows else last
    _check_length(len(account.rows))
    document = StatementDocument(
        from_day=first,
        to_day=last,
        currency=account.currency,
        issuer=block(asdict(await invoicing.issuer(tx))),
        client=block(asdict(party(client))),
        opening_minor=account.opening_minor,
        closing_minor=account.closing_minor,
        rows=tuple(
            StatementRow(row.at.date(), row.what, row.balance_minor, row.charge_minor, row.payment_minor)
            for row in account.rows
        ),
    )
    return await asyncio.to_thread(render_statement, document)


def by_purpose(rows: Iterable[Turnover]) -> list[Turnover]:
    """The accounts of one purpose and currency together, in the order of the chart."""
    sums: dict[tuple[str, Purpose], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        found = sums[row.currency, Purpose(row.purpose)]
        for n, amount in enumerate((row.opening_minor, row.debit_minor, row.credit_minor, row.closing_minor)):
            found[n] += amount
    order = list(Purpose)
    keys = sorted(sums, key=lambda key: (key[0], order.index(key[1])))
    return [Turnover(purpose, None, currency, *sums[currency, purpose]) for currency, purpose in keys]


def turnover_csv(rows: Iterable[Turnover]) -> str:
    """Every account as a row: opening balance, both sides, closing balance; a balance is debit positive."""
    header = ("purpose", "owner", "currency", "opening", "debit", "credit", "closing")
    table = ((*astuple(row)[:3], *(to_major(amount, row.currency) for amount in astuple(row)[3:])) for row in rows)
    return csv_text(header, table)


async def business_pdf(tx: Tx, rows: Sequence[Turnover], *, start: datetime, end: datetime) -> bytes:
    """The business's accounts by purpose, a section a currency."""
    sections: dict[str, list[AccountRow]] = defaultdict(list)
    for row in by_purpose(rows):
        sections[row.currency].append(AccountRow(LABELS[row.purpose], *astuple(row)[3:]))
    document = AccountsDocument(
        from_day=start.date() if start != EARLIEST else None,
        to_day=(end - _TICK).date(),
        issuer=block(asdict(await invoicing.issuer(tx))),
        sections=tuple(AccountsSection(currency, tuple(found)) for currency, found in sections.items()),
    )
    return await asyncio.to_thread(render_accounts, document)


def pdf_answer(name: str, content: bytes) -> Response:
    """A document to be kept under its name."""
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


LABELS: dict[Purpose, str] = {
    Purpose.RECEIVABLE: "Owed by clients",
    Purpose.CUSTOMER_CREDIT: "Credit of clients",
    Purpose.HELD_FUNDS: "Held for jobs",
    Purpose.SELLER_PAYABLE: "Owed to experts",
    Purpose.SELLER_DEBT: "Owed by experts",
    Purpose.BANK: "Bank",
    Purpose.CLEARING: "Received, not yet at the bank",
    Purpose.PROCESSOR_FEES: "Fees of payment providers",
    Purpose.REFUNDS_IN_FLIGHT: "Refunds on their way",
    Purpose.DISPUTES_IN_FLIGHT: "Disputed, not yet decided",
    Purpose.SUSPENSE: "Not yet claimed",
    Purpose.REVENUE: "Revenue",
    Purpose.COMMISSION_REVENUE: "Commission",
    Purpose.UNPAID_REVENUE: "Invoiced, not yet paid",
    Purpose.DEFERRED_REVENUE: "Paid, not yet earned",
    Purpose.TAX_PAYABLE: "Tax to pay",
    Purpose.BAD_DEBT: "Bad debt",
    Purpose.FX_LIQUIDITY: "Exchange between currencies",
    Purpose.FX_RESULT: "Loss by exchange",
    Purpose.ROUNDING: "Rounding",
}
"""What an account is called on paper."""

_WHAT = {
    "payment_received": "Payment by {method}, {invoice}",
    "payment_reversed": "Payment of {invoice} taken back",
    "credit_spent": "Credit used for {invoice}",
    "overpaid": "Paid in excess on {invoice}",
    "refund_ordered": "Refund of what was paid in excess on {invoice}",
    "refund_failed": "Refund on {invoice} did not go through",
}


def _account(currency: str, statements: list[Statement], back: list[Row], told: dict[str, Told]) -> Account:
    """One account of several: what is owed counts as it is, credit the other way; a posting is one row."""
    postings: dict[int, list[tuple[int, Movement]]] = defaultdict(list)
    opening = 0
    for statement in statements:
        sign = 1 if statement.account.purpose == Purpose.RECEIVABLE else -1
        opening += sign * statement.opening_minor
        for movement in statement.movements:
            postings[movement.posting_id].append((sign * movement.amount_minor, movement))
    rows = [*back]
    for moved in postings.values():
        amount, movement = sum(amount for amount, _ in moved), moved[0][1]
        rows.append(Row(movement.event_at, _what(movement, told), max(0, amount), max(0, -amount), 0))
    balance, shown = opening, []
    for row in sorted(rows, key=lambda row: row.at):
        balance += row.charge_minor - row.payment_minor
        shown.append(Row(row.at, row.what, row.charge_minor, row.payment_minor, balance))
    return Account(currency, opening, shown, balance)


def _what(movement: Movement, told: dict[str, Told]) -> str:
    memo = movement.memo or ""
    if movement.kind in ("invoice_issued", "invoice_voided"):
        return f"Invoice {memo}" + (" made void" if movement.kind == "invoice_voided" else "")
    known = told.get(memo)
    pattern = _WHAT.get(movement.kind)
    if known is None or pattern is None:
        return movement.kind.replace("_", " ").capitalize()
    return pattern.format(invoice=known.invoice_number, method=(known.method or "").replace("_", " "))


def _check_length(rows: int) -> None:
    if rows > MAX_ROWS:
        raise Invalid(
            f"{rows} lines are too many for one document, which has at most {MAX_ROWS}: choose a shorter time."
        )
