"""The questions. Each reads in one statement, hence in one snapshot, and takes no lock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from grace.kit.tx import Tx
from grace.trust.ledger.models import (
    AccountBalance,
    AccountLines,
    BookedLine,
    Hold,
    Movement,
    PostingId,
    Statement,
    Together,
    TrialLine,
    Turnover,
)
from grace.trust.ledger.rules import AccountRef, Line, Purpose

By = Literal["event_at", "recorded_at"]


async def balance(tx: Tx, account: AccountRef, *, at: datetime | None = None, by: By = "event_at") -> int:
    """The balance on the account's normal side, now or at the end of the instant `at`; 0 for one never used.

    `by` says which time counts: when things happened (business time) or when they were recorded (real time).
    """
    later = f"(select sum(l.amount_minor) from ledger_line l where l.account_id = b.id and l.{by} > %(at)s)"
    found = await tx.value(
        f"select b.balance_minor {f'- b.normal * coalesce({later}, 0)' if at else ''} from ledger_balance b"
        " where b.owner is not distinct from %(owner)s and b.purpose = %(purpose)s and b.currency = %(currency)s",
        owner=account.owner,
        purpose=str(account.purpose),
        currency=account.currency,
        at=at,
    )
    return int(found or 0)


async def owner_balances(tx: Tx, owner: str) -> list[AccountBalance]:
    """The accounts of a client, expert, job or provider as they stand."""
    return await tx.all(
        AccountBalance,
        "select purpose, owner, currency, balance_minor, held_minor, balance_minor - held_minor as available_minor"
        " from ledger_balance where owner = %(owner)s order by purpose, currency",
        owner=owner,
    )


async def balances(tx: Tx, owners: Sequence[str], *, purpose: Purpose) -> dict[str, int]:
    """What the accounts of a purpose of some owners hold together, by currency, on their normal side."""
    rows = await tx.all(
        dict,
        "select currency, sum(balance_minor)::bigint as balance_minor from ledger_balance"
        " where owner = any(%(owners)s) and purpose = %(purpose)s group by currency",
        owners=list(owners),
        purpose=str(purpose),
    )
    return {row["currency"]: row["balance_minor"] for row in rows}


async def cash(tx: Tx) -> dict[str, int]:
    """What the business has in its banks and at payment providers, by currency."""
    rows = await tx.all(
        dict,
        "select currency, sum(balance_minor)::bigint as balance_minor from ledger_balance where id in"
        " (select id from ledger_account where purpose in ('bank', 'clearing')) group by currency",
    )
    return {row["currency"]: row["balance_minor"] for row in rows}


async def trial_balance(tx: Tx, *, at: datetime | None = None, by: By = "event_at") -> list[TrialLine]:
    """Every account, debit positive, now or at the end of the instant `at`: each currency sums to zero."""
    later = f"select account_id, sum(amount_minor) as total from ledger_line where {by} > %(at)s group by account_id"
    joined = f"left join ({later}) l on l.account_id = b.id" if at else "cross join (select 0 as total) l"
    return await tx.all(
        TrialLine,
        "select purpose, owner, currency, (normal * balance_minor - coalesce(l.total, 0))::bigint as balance_minor"
        f" from ledger_balance b {joined} order by currency, purpose, owner",
        at=at,
    )


async def together(tx: Tx) -> list[Together]:
    """Every purpose in every currency as it stands: the trial balance in a few lines, each currency sums to zero."""
    return await tx.all(
        Together,
        "select purpose, currency, count(*)::int as accounts, sum(normal * balance_minor)::bigint as balance_minor"
        " from ledger_balance group by currency, purpose order by currency, purpose",
    )


async def account_lines(
    tx: Tx, account: AccountRef, *, start: datetime, end: datetime, before: tuple[datetime, int] | None, limit: int
) -> AccountLines | None:
    """What moved an account from `start` up to, not including, `end` (business time), the newest first; None for one
    never used. `before` is the time and posting of the last line seen."""
    until, posting = before or (end, 0)
    rows = await tx.all(
        _Line,
        "select b.id, b.balance_minor, l.posting_id, l.reference, l.kind, l.event_at, l.memo,"
        " coalesce(b.normal * l.amount_minor, 0)::bigint as amount_minor,"
        " (b.balance_minor - b.normal * coalesce(newer.total, 0))::bigint as closing_minor from ledger_balance b"
        " left join lateral (select sum(n.amount_minor) as total from ledger_line n where n.account_id = b.id"
        " and (n.event_at, n.posting_id) >= (%(until)s, %(posting)s)) newer on true"
        " left join lateral (select * from ledger_line m where m.account_id = b.id and m.event_at >= %(start)s"
        " and (m.event_at, m.posting_id) < (%(until)s, %(posting)s)"
        " order by m.event_at desc, m.posting_id desc limit %(limit)s) l on true"
        " where b.owner is not distinct from %(owner)s and b.purpose = %(purpose)s and b.currency = %(currency)s"
        " order by l.event_at desc, l.posting_id desc",
        owner=account.owner,
        purpose=str(account.purpose),
        currency=account.currency,
        start=start,
        until=until,
        posting=posting,
        limit=limit,
    )
    if not rows:
        return None
    running, movements = rows[0].closing_minor, []
    for row in rows:
        if row.posting_id is not None:
            number = PostingId(row.posting_id)
            movements.append(
                Movement(number, row.reference, row.kind, row.event_at, row.memo, row.amount_minor, running)
            )
            running -= row.amount_minor
    return AccountLines(rows[0].id, rows[0].balance_minor, tuple(movements))


async def turnover(tx: Tx, *, start: datetime, end: datetime) -> list[Turnover]:
    """What moved every account from `start` up to, not including, `end` (business time); not those at rest at zero."""
    moved = (
        "select account_id, coalesce(sum(amount_minor) filter (where event_at >= %(end)s), 0) as later,"
        " coalesce(sum(amount_minor) filter (where event_at < %(end)s and amount_minor > 0), 0) as debit,"
        " coalesce(-sum(amount_minor) filter (where event_at < %(end)s and amount_minor < 0), 0) as credit"
        " from ledger_line where event_at >= %(start)s group by account_id"
    )
    return await tx.all(
        Turnover,
        "select * from (select b.purpose, b.owner, b.currency,"
        " (c.closing - coalesce(m.debit, 0) + coalesce(m.credit, 0))::bigint as opening_minor,"
        " coalesce(m.debit, 0)::bigint as debit_minor, coalesce(m.credit, 0)::bigint as credit_minor,"
        f" c.closing::bigint as closing_minor from ledger_balance b left join ({moved}) m on m.account_id = b.id"
        " cross join lateral (select b.normal * b.balance_minor - coalesce(m.later, 0) as closing) c) t"
        " where (opening_minor, debit_minor, credit_minor, closing_minor) <> (0, 0, 0, 0)"
        " order by currency, purpose, owner",
        start=start,
        end=end,
    )


async def statement(
    tx: Tx, owner: str, *, start: datetime, end: datetime, purposes: Collection[Purpose] | None = None
) -> list[Statement]:
    """What moved an owner's accounts from `start` up to, not including, `end` (business time), per account.

    Amounts stand on each account's normal side: for a receivable, invoices are positive and payments negative.
    """
    rows = await tx.all(
        _Row,
        "select a.purpose, a.currency, l.posting_id, l.reference, l.kind, l.event_at, l.memo,"
        " coalesce(a.normal * l.amount_minor, 0) as amount_minor, (a.balance_minor - coalesce(after.total, 0))::bigint"
        " as closing_minor from ledger_balance a"
        " left join lateral (select a.normal * sum(n.amount_minor) as total from ledger_line n"
        " where n.account_id = a.id and n.event_at >= %(end)s) after on true"
        " left join ledger_line l on l.account_id = a.id and l.event_at >= %(start)s and l.event_at < %(end)s"
        " where a.owner = %(owner)s and (%(purposes)s::text[] is null or a.purpose = any (%(purposes)s))"
        " order by a.purpose, a.currency, l.event_at, l.posting_id",
        owner=owner,
        start=start,
        end=end,
        purposes=None if purposes is None else [str(purpose) for purpose in purposes],
    )
    return [_statement(owner, list(group)) for _, group in groupby(rows, lambda row: (row.purpose, row.currency))]


async def hold(tx: Tx, reference: str) -> Hold | None:
    """A hold by its reference."""
    return await tx.first(
        Hold,
        "select id, reference, kind, event_at, expires_at, state, posting_id from ledger_hold"
        " where reference = %(reference)s",
        reference=reference,
    )


async def booked_lines(tx: Tx, references: Sequence[str]) -> list[BookedLine]:
    """The lines of some postings."""
    return await tx.all(
        BookedLine,
        "select p.reference, a.purpose, nullif(a.owner, '') as owner, a.currency, e.amount_minor from ledger_posting p"
        " join ledger_entry e on e.posting_id = p.id join ledger_account a on a.id = e.account_id"
        " where p.reference = any(%(references)s)",
        references=list(references),
    )


async def posting_id(tx: Tx, reference: str) -> PostingId | None:
    """What was posted under a reference."""
    found = await tx.value("select id from ledger_posting where reference = %(reference)s", reference=reference)
    return None if found is None else PostingId(found)


async def lines_of(tx: Tx, posting: PostingId) -> list[Line]:
    """What a posting booked, a line an account."""
    rows = await tx.all(
        dict,
        "select a.purpose, nullif(a.owner, '') as owner, a.currency, e.amount_minor from ledger_entry e"
        " join ledger_account a on a.id = e.account_id where e.posting_id = %(id)s order by e.account_id",
        id=posting,
    )
    return [Line(AccountRef(Purpose(r["purpose"]), r["currency"], r["owner"]), r["amount_minor"]) for r in rows]


@dataclass(frozen=True, slots=True)
class _Line:
    id: int
    balance_minor: int
    posting_id: int | None
    reference: str
    kind: str
    event_at: datetime
    memo: str | None
    amount_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class _Row:
    purpose: str
    currency: str
    posting_id: int | None
    reference: str
    kind: str
    event_at: datetime
    memo: str | None
    amount_minor: int
    closing_minor: int


def _statement(owner: str, rows: list[_Row]) -> Statement:
    first = rows[0]
    running = first.closing_minor - sum(row.amount_minor for row in rows)
    opening = running
    movements = []
    for row in rows:
        if row.posting_id is not None:
            running += row.amount_minor
            number = PostingId(row.posting_id)
            movements.append(
                Movement(number, row.reference, row.kind, row.event_at, row.memo, row.amount_minor, running)
            )
    account = AccountRef(Purpose(first.purpose), first.currency, owner)
    return Statement(account, opening, tuple(movements), first.closing_minor)
