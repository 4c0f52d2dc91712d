"""The ledger against the same rows append-only without balances.

The baseline appends the same postings and entries, with the same indexes and the same accounts found by name, in one
function call as well, which the same triggers keep append-only and balanced; it keeps no balance and locks nothing.
What those guards cost is told beside, by the same baseline without them. Both are called as the product calls them:
psycopg, the application's role, a transaction each, eight connections.
"""

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench.measure import NO_BAR, Report, at_least, at_most
from grace.kit.tx import SYSTEM, Tx
from grace.kit.wire import array
from grace.kit.workspace import Workspace, Workspaces
from grace.trust.ledger import service
from grace.trust.ledger.errors import InsufficientFunds
from grace.trust.ledger.models import NewPosting
from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit

WRITERS = 8
ACCOUNTS = 100_000
ROUND_S = 1.5
BATCH = 1_000
CHUNKS = 8
CHUNK_BATCHES = 62  # 8 chunks of 62 batches of 1,000 transfers of 2 entries: a million entries
SAMPLE = 500

BASELINE = """
create table append_posting (like ledger_posting including defaults including identity, primary key (id),
    unique (reference));
create index on append_posting using brin (event_at) with (autosummarize = on);
create table append_entry (like ledger_entry including defaults, primary key (posting_id, account_id));
create index on append_entry (account_id, xid);

create function append(p_reference text, p_kind text, p_event_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint language plpgsql as $$
declare
    v_id bigint;
    v_one bigint;
    v_two bigint;
begin
    select id into v_one from ledger_account
    where owner = p_owners[1] and purpose = p_purposes[1] and currency = p_currencies[1];
    select id into v_two from ledger_account
    where owner = p_owners[2] and purpose = p_purposes[2] and currency = p_currencies[2];
    insert into append_posting (reference, kind, event_at, memo) values (p_reference, p_kind, p_event_at, p_memo)
    on conflict (reference) do nothing returning id into v_id;
    insert into append_entry (posting_id, account_id, amount_minor, currency) values
        (v_id, v_one, p_amounts[1], p_currencies[1]), (v_id, v_two, p_amounts[2], p_currencies[2]);
    return v_id;
end $$;

create function append_many(p_references text[], p_kinds text[], p_event_ats timestamptz[], p_memos text[],
    p_posting_of int[], p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint[]
language plpgsql set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_ids bigint[];
begin
    with made as (
        insert into append_posting (reference, kind, event_at, memo)
        select * from unnest(p_references, p_kinds, p_event_ats, p_memos)
        on conflict (reference) do nothing returning id)
    select array_agg(id) into v_ids from made;
    insert into append_entry (posting_id, account_id, amount_minor, currency)
    select v_ids[l.o], a.id, l.amount, l.currency
    from unnest(p_posting_of, p_purposes, p_owners, p_currencies, p_amounts) l (o, purpose, owner, currency, amount)
    join ledger_account a on (a.owner, a.purpose, a.currency) = (l.owner, l.purpose, l.currency);
    return v_ids;
end $$;
grant all on append_posting, append_entry to public;
"""
GUARDS = """
create trigger append_only before update or delete or truncate on append_posting
    for each statement execute function ledger_refuse();
create trigger append_only before update or delete or truncate on append_entry
    for each statement execute function ledger_refuse();
create trigger by_function before insert on append_posting for each statement execute function ledger_by_function();
create trigger by_function before insert on append_entry for each statement execute function ledger_by_function();
create trigger guard after insert on append_entry referencing new table as inserted
    for each statement execute function ledger_entry_guard();
do $$
declare
    f regprocedure;
begin
    for f in select oid from pg_proc where proname in ('append', 'append_many') loop
        execute format('alter function %s security definer'
            ' set search_path = pg_catalog, public, pg_temp, ledger_writes', f);
    end loop;
end $$;
"""


class LedgerAlone(Tx):
    """A transaction that leaves out the audit entry of a posting, which `bench/audit.py` measures."""

    def at_commit(self, flush: object, item: object) -> None:
        """Nothing is written besides the ledger."""


Write = Callable[[Tx, str], Awaitable[object]]
_names = itertools.count(1)


async def run(report: Report) -> None:
    """All figures of the ledger."""
    handle = await report.workspace()
    await _open_accounts(report.workspaces, handle)
    writers = await _connect(report.workspaces, handle)
    bars: list[tuple[str, Callable[[], tuple[Line, Line]], float]] = [
        ("spread", _spread, 0.5),
        ("one hot account", _hot, 0.8),
    ]
    for guarded in (False, True):
        if guarded:
            async with report.workspaces.owner(handle) as owner:
                await owner.execute(GUARDS)
        for accounts, lines, bar in bars:
            await report.compare(
                f"ledger: one transfer per transaction, {accounts}" + ("" if guarded else ", against no guards"),
                bar=at_least(bar) if guarded else NO_BAR,
                candidate=lambda lines=lines: _rate(writers, lambda tx, reference: _post(tx, reference, lines())),
                baseline=lambda lines=lines: _rate(writers, lambda tx, reference: _append(tx, reference, lines())),
            )
    await report.compare(
        f"ledger: batches of {BATCH}, transfers",
        bar=at_least(0.2),
        candidate=lambda: _rate(writers, _post_batch, each=BATCH),
        baseline=lambda: _rate(writers, _append_batch, each=BATCH),
    )
    await _disconnect(report.workspaces, handle, writers)
    await _overdraft(report)
    await _second_million(report)


async def _post(tx: Tx, reference: str, lines: tuple[Line, Line]) -> None:
    await service.post(tx, reference=reference, kind="bench", lines=lines)


async def _append(tx: Tx, reference: str, lines: tuple[Line, Line]) -> None:
    await tx.value(
        "select append(%(reference)s, %(kind)s, %(event_at)s, %(memo)s, %(purposes)s::text[],"
        " %(owners)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])",
        reference=reference,
        kind="bench",
        event_at=tx.now,
        memo=None,
        **_columns(lines),
    )


def _batch(reference: str) -> list[NewPosting]:
    return [NewPosting(f"{reference}:{number}", "bench", _spread()) for number in range(BATCH)]


async def _post_batch(tx: Tx, reference: str) -> None:
    await service.post_many(tx, postings=_batch(reference))


async def _append_batch(tx: Tx, reference: str) -> None:
    postings = _batch(reference)
    await tx.value(
        "select append_many(%(references)s::text[], %(kinds)s::text[], %(event_ats)s::timestamptz[],"
        " %(memos)s::text[], %(posting_of)s::int[], %(purposes)s::text[], %(owners)s::text[],"
        " %(currencies)s::text[], %(amounts)s::bigint[])",
        references=[posting.reference for posting in postings],
        kinds=[posting.kind for posting in postings],
        event_ats=[tx.now for _ in postings],
        memos=[posting.memo for posting in postings],
        posting_of=[number for number, posting in enumerate(postings, 1) for _ in posting.lines],
        **_columns([line for posting in postings for line in posting.lines]),
    )


def _columns(lines: Any) -> dict[str, Any]:
    return {
        "purposes": array(str(line.account.purpose) for line in lines),
        "owners": array(line.account.owner or "" for line in lines),
        "currencies": array(line.account.currency for line in lines),
        "amounts": array(line.amount_minor for line in lines),
    }


def _client(number: int) -> AccountRef:
    return AccountRef(Purpose.RECEIVABLE, "USD", f"cust_{number}")


def _spread() -> tuple[Line, Line]:
    to, source = random.sample(range(ACCOUNTS), 2)
    return debit(_client(to), 100), credit(_client(source), 100)


def _hot() -> tuple[Line, Line]:
    return debit(_client(random.randrange(ACCOUNTS)), 100), credit(AccountRef(Purpose.REVENUE, "USD"), 100)


async def _open_accounts(workspaces: Workspaces, handle: str) -> None:
    async with workspaces.owner(handle) as owner:
        await owner.execute(BASELINE)
        await owner.execute("set search_path = pg_catalog, public, pg_temp, ledger_writes")
        await owner.execute(
            "insert into ledger_account (purpose, owner, currency) select 'receivable', 'cust_' || n, 'USD'"
            " from generate_series(0, %s) n union all select 'revenue', '', 'USD'",
            [ACCOUNTS - 1],
        )
        await owner.execute("vacuum analyze ledger_account")


async def _connect(workspaces: Workspaces, handle: str) -> list[Tx]:
    """A connection of the application for each writer, each with its transaction.

    Eight batches of 1,000 over the same accounts queue for each other: on a busy machine longer than a request may.
    """
    pool = await workspaces.pool(handle)
    known = Workspace(handle, "test", handle, "USD", timedelta())
    writers = []
    for _ in range(WRITERS):
        connection = await pool.getconn()
        await connection.execute("set lock_timeout = '60s'")
        await connection.execute("set statement_timeout = '60s'")
        await connection.commit()
        writers.append(LedgerAlone(connection, known, workspaces.keys(handle), SYSTEM, "bench", datetime.now(UTC)))
    return writers


async def _disconnect(workspaces: Workspaces, handle: str, writers: list[Tx]) -> None:
    pool = await workspaces.pool(handle)
    for tx in writers:
        await pool.putconn(tx.connection)


async def _rate(writers: list[Tx], write: Write, *, each: int = 1) -> float:
    """Transfers per second of all writers together, `each` to a transaction."""
    end = time.monotonic() + ROUND_S

    async def one(tx: Tx) -> int:
        done = 0
        while time.monotonic() < end:
            await write(tx, f"bench:{next(_names)}")
            await tx.connection.commit()
            done += each
        return done

    started = time.monotonic()
    done = await asyncio.gather(*(one(tx) for tx in writers))
    return sum(done) / (time.monotonic() - started)


async def _overdraft(report: Report) -> None:
    """20 wallets of 10.00 with a floor; 3,200 transactions of 1 or 5 transfers, half of which ask too much."""
    handle = await report.workspace()
    writers = await _connect(report.workspaces, handle)
    wallets = [AccountRef(Purpose.CUSTOMER_CREDIT, "USD", f"w{number}") for number in range(20)]
    bank = AccountRef(Purpose.BANK, "USD")
    fund = [NewPosting(f"fund:{w.owner}", "fund", (debit(bank, 1000), credit(w, 1000))) for w in wallets]
    await service.post_many(writers[0], postings=fund)
    await writers[0].connection.commit()
    counts = {"done": 0, "refused": 0, "deadlocks": 0}

    async def one(tx: Tx) -> None:
        for _ in range(400):
            batch = []
            for _ in range(random.choice((1, 5))):
                source, to = random.sample(wallets, 2)
                amount = random.randint(1, 1500)
                batch.append(NewPosting(f"o:{next(_names)}", "bench", (debit(source, amount), credit(to, amount))))
            try:
                await service.post_many(tx, postings=batch)
                await tx.connection.commit()
                counts["done"] += 1
            except InsufficientFunds:
                await tx.connection.rollback()
                counts["refused"] += 1
            except psycopg.errors.DeadlockDetected:
                await tx.connection.rollback()
                counts["deadlocks"] += 1

    await asyncio.gather(*(one(tx) for tx in writers))
    wrong = await writers[0].value(
        "select count(*) from ledger_balance b where owner is not null and (balance_minor < 0 or balance_minor <>"
        " (select b.normal * sum(amount_minor) from ledger_entry e where e.account_id = b.id))"
    )
    await writers[0].connection.commit()
    await _disconnect(report.workspaces, handle, writers)
    if not counts["done"] or not counts["refused"]:
        raise AssertionError(f"the guard was not put to the test: {counts}")
    report.record("ledger: wallets overdrawn or wrong under 8 writers", value=wrong, bar=at_most(0))
    report.record("ledger: deadlocks under 8 writers", value=counts["deadlocks"], bar=at_most(0))


async def _second_million(report: Report) -> None:
    """Time for each eighth of the second million entries against the same eighth of the first; pages per posting.

    These are constant but for a level that an index gains now and then: two pages of some forty.
    """
    handle = await report.workspace()
    await _open_accounts(report.workspaces, handle)
    writers = await _connect(report.workspaces, handle)
    millions: list[list[float]] = []
    pages: list[float] = []
    for _ in range(2):
        millions.append([await _time_chunk(writers) for _ in range(CHUNKS)])
        pages.append(await _pages(writers[0]))
    await _disconnect(report.workspaces, handle, writers)
    first, second = millions
    pairs = list(zip(second, first, strict=True))
    report.compared("ledger: an entry of the second million, time", bar=at_most(1.25), pairs=pairs, unit="s")
    name = "ledger: pages per posting after two million entries, after one"
    report.record(name, value=pages[1], baseline=pages[0], bar=at_most(1.25), unit="pages")


async def _time_chunk(writers: list[Tx]) -> float:
    left = iter(range(CHUNK_BATCHES))

    async def one(tx: Tx) -> None:
        for _ in left:
            await _post_batch(tx, f"m:{next(_names)}")
            await tx.connection.commit()

    started = time.monotonic()
    await asyncio.gather(*(one(tx) for tx in writers))
    return time.monotonic() - started


async def _pages(tx: Tx) -> float:
    """Pages of tables and indexes that one posting touches, in memory or not; the middle of many."""
    counted: list[int] = []
    for _ in range(SAMPLE):
        plan = await tx.value(
            "explain (analyze, buffers, format json) select ledger_post(%(reference)s, 'bench', %(now)s, null,"
            " %(purposes)s::text[], %(owners)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])",
            reference=f"p:{next(_names)}",
            now=tx.now,
            **_columns(_spread()),
        )
        await tx.connection.commit()
        counted.append(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])
    return float(statistics.median(counted[SAMPLE // 10 :]))
