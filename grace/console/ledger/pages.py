"""Pages of the ledger."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query, Request, Response

from grace.console.shell import show
from grace.console.words import say
from grace.flows.collect_cash import listing, queries, reconcile_doors
from grace.flows.collect_cash.statements import LABELS, span
from grace.kit.edge import Doors, InTx, InUnit
from grace.kit.errors import Invalid, NotFound
from grace.kit.money import check_currency, to_minor
from grace.kit.paging import Cursor, decode, encode, number_in, page
from grace.kit.web import EARLIEST, LATEST
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.models import Together
from grace.trust.ledger.rules import CHART, AccountRef, Purpose

doors = Doors(tags=["Console"])
ROWS = 50
OWN = "-"
"""In an address, the owner of the business's own account."""
Day = Annotated[str, Query(max_length=10)]
PurposePath = Annotated[Purpose, Path()]
CurrencyPath = Annotated[str, Path(min_length=3, max_length=3)]
KINDS = {
    "invoice_issued": "Invoice sent",
    "invoice_voided": "Invoice voided",
    "payment_received": "Payment received",
    "payment_reversed": "Payment taken back",
    "processor_fee": "Processor's fee",
    "overpaid": "Paid too much",
}
_NOUNS = {"invoice": "/app/invoices/", "payment": "/app/payments/"}


@doors.get("/app/ledger", may="ledger:read", hidden=True)
async def trial_balance(tx: InTx, request: Request) -> Response:
    """What every kind of account holds, by currency; each currency sums to zero."""
    found: dict[str, list[Together]] = defaultdict(list)
    for one in await ledger.together(tx):
        found[one.currency].append(one)
    order = list(Purpose)
    own = tx.workspace.currency
    books = [
        (currency, sorted(found[currency], key=lambda one: order.index(Purpose(one.purpose))))
        for currency in sorted(found, key=lambda code: (code != own, code))
    ]
    return await show(
        request,
        tx,
        "ledger.html",
        here="ledger",
        live="invoice payment payment_attempt refund",
        books=books,
        labels=LABELS,
    )


@doors.get("/app/ledger/reconciliation", may="ledger:read", hidden=True)
async def reconciliation(
    unit: InUnit,
    request: Request,
    start: Annotated[str, Query(alias="from", max_length=10)] = "",
    end: Annotated[str, Query(alias="to", max_length=10)] = "",
) -> Response:
    """The ledger against the processor's balance; asked only when a span of days is named."""
    done = None
    if start or end:
        begun, ended = _span(start, end)
        done = await reconcile_doors.reconciliation(unit, begun, ended)
    month = unit.tx.now.date().replace(day=1)
    return await show(
        request,
        unit.tx,
        "reconciliation.html",
        here="ledger",
        done=done,
        start=start or month.isoformat(),
        end=end or unit.tx.now.date().isoformat(),
        minor=to_minor,
    )


@doors.get("/app/ledger/accounts/{purpose}/{currency}", may="ledger:read", hidden=True)
async def accounts(
    tx: InTx, request: Request, purpose: PurposePath, currency: CurrencyPath, cursor: Cursor = None
) -> Response:
    """The accounts of one kind, the largest first."""
    code = check_currency(currency)
    rows = await listing.account_rows(tx, purpose=purpose, currency=code, after=number_in(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "ledger_accounts.html",
        here="ledger",
        live="invoice payment payment_attempt refund",
        purpose=purpose,
        label=LABELS[purpose],
        code=code,
        rows=shown.items,
        next_cursor=shown.next_cursor,
        normal=CHART[purpose].normal,
        own=OWN,
    )


@doors.get("/app/ledger/accounts/{purpose}/{currency}/{owner}", may="ledger:read", hidden=True)
async def account(
    tx: InTx,
    request: Request,
    purpose: PurposePath,
    currency: CurrencyPath,
    owner: Annotated[str, Path(max_length=128)],
    start: Annotated[str, Query(alias="from", max_length=10)] = "",
    end: Annotated[str, Query(alias="to", max_length=10)] = "",
    cursor: Cursor = None,
) -> Response:
    """What moved one account, the newest first, with the balance after each line."""
    ref = AccountRef(purpose, check_currency(currency), None if owner == OWN else owner)
    begun, ended = span(tx, *_span(start, end))
    before = _before(cursor)
    found = await ledger.account_lines(tx, ref, start=begun, end=ended, before=before, limit=ROWS + 1)
    if found is None:
        raise NotFound("There is no such account.")
    lines = found.movements[:ROWS]
    told = await queries.told_of(tx, sorted({line.memo for line in lines if line.memo is not None}))
    more = encode(f"{lines[-1].event_at.isoformat()} {lines[-1].posting_id}") if len(found.movements) > ROWS else None
    return await show(
        request,
        tx,
        "ledger_account.html",
        here="ledger",
        live="invoice payment payment_attempt refund",
        ref=ref,
        label=LABELS[purpose],
        name=None if ref.owner is None else await listing.owner_name(tx, ref.owner) or say(ref.owner),
        is_client=ref.owner is not None and ref.owner.startswith("cust_"),
        owner=owner,
        balance_minor=found.balance_minor,
        normal=CHART[purpose].normal,
        lines=lines,
        told=told,
        kinds=KINDS,
        link=_link,
        start=start,
        end=end,
        next_cursor=more,
    )


def _span(start: str, end: str) -> tuple[datetime | None, datetime | None]:
    """From the first day's beginning to the last day's end. Invalid for what is no day."""
    last = _day(end)
    return _day(start), last + timedelta(days=1) if last is not None else None


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise Invalid("A day is written as 2026-12-31.", type="invalid-day") from error
    if not EARLIEST <= day < LATEST - timedelta(days=1):
        raise Invalid("The day is not between 1970 and 2200.", type="invalid-day")
    return day


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    position = decode(cursor)
    if position is None:
        return None
    try:
        at, posting = str(position).split(" ")
        return datetime.fromisoformat(at).astimezone(UTC), int(posting)
    except (ValueError, OverflowError) as error:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor") from error


def _link(reference: str) -> str:
    """Where the document of a posting is shown: its reference names it (`invoice:in_…:issued`)."""
    noun, _, rest = reference.partition(":")
    id = rest.partition(":")[0]
    return f"{_NOUNS[noun]}{id}" if noun in _NOUNS and id else ""
