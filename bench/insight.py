"""Figures: what a panel costs at 50,000 and at 5,000,000 ledger entries, folding, and importing leads.

The ledgers are written by SQL without their guards, for speed; nothing of this is ever folded by other means than the
product's. A panel's time in the database is that of its statements, each the middle of many.
"""

import csv
import itertools
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.measure import Report, at_most
from grace.app import importing
from grace.insight import folding, panels, pipeline
from grace.insight.figures import Span
from grace.kit.exports import open_export
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

SMALL, LARGE = 50_000, 5_000_000
ENTRIES_A_SALE = 9
CLIENTS = 2_000
DAYS = 730
TRIES = 15
FACTS = 10_000
LEADS = 100_000
SOURCES = "array['website','referral','linkedin','upwork','cold_email']"
Panel = Callable[[Tx, Span], Awaitable[Any]]

BUSINESS = f"""
insert into client (id, name, source, created_at) select 'cust_' || lpad(n::text, 26, '0'), 'Client ' || n,
  ({SOURCES})[1 + n % 5], now() - interval '{DAYS} days' from generate_series(1, {CLIENTS}) n;
insert into fact (kind, topic, subject, version, data, at, request_id, principal) select 'ClientCreated', 'client', id,
  1, jsonb_build_object('client_id', id, 'version', 1, 'source', source), created_at, 'bench', 'bench' from client;
insert into ledger_account (purpose, owner, currency, normal, tail, allow_negative) select p.purpose, o.owner, 'USD',
  p.normal, p.tail, p.allow_negative from ledger_purpose p join lateral (select id as owner from client
  where p.purpose in ('receivable', 'unpaid_revenue', 'revenue') union all select 'stripe' where p.purpose in
  ('clearing', 'processor_fees') union all select '' where p.purpose = 'tax_payable') o on true;
"""
# Sales %(first)s to %(last)s: each an invoice, its payment, and the fee, at a moment of the last two years.
SALES = f"""
create temp table sale on commit drop as select n, 'cust_' || lpad((1 + n %% {CLIENTS})::text, 26, '0') as client,
  'pay_' || lpad(n::text, 26, '0') as payment, 1000 + n %% 9000 as net, (1000 + n %% 9000) / 5 as tax,
  now() - interval '{DAYS} days' * (1 - n / %(sales)s.0) as at from generate_series(%(first)s, %(last)s) n;
insert into payment (id, invoice_id, client_id, provider, method, currency, amount_minor, net_minor, status,
  received_at, recorded_by, verification_signature, created_at)
  select payment, 'in_' || lpad(n::text, 26, '0'), client, 'stripe', 'card', 'USD', net + tax, net, 'paid', at, 'bench',
  'bench', at from sale;
insert into ledger_posting (reference, kind, event_at, memo) select k.kind || ':' || n, k.kind, at, payment
  from sale cross join (values ('invoice_issued'), ('payment_received'), ('processor_fee')) k (kind);
insert into ledger_entry (posting_id, account_id, amount_minor, currency)
select p.id, a.id, l.minor, 'USD' from sale s cross join lateral (values
  ('invoice_issued', 'receivable', client, net + tax), ('invoice_issued', 'unpaid_revenue', client, -net),
  ('invoice_issued', 'tax_payable', '', -tax), ('payment_received', 'clearing', 'stripe', net + tax),
  ('payment_received', 'receivable', client, -net - tax), ('payment_received', 'unpaid_revenue', client, net),
  ('payment_received', 'revenue', client, -net), ('processor_fee', 'processor_fees', 'stripe', 30),
  ('processor_fee', 'clearing', 'stripe', -30)) l (kind, purpose, owner, minor)
join ledger_posting p on p.reference = l.kind || ':' || s.n
join ledger_account a on a.owner = l.owner and a.purpose = l.purpose and a.currency = 'USD';
"""
CHUNK = 50_000
# Leads of the last two years, each moved on as far as its number says.
LEADS_KEPT = f"""
insert into lead (id, client_id, source, stage, currency, value_estimate_minor, stage_since, created_at, converted_at)
select 'lead_' || lpad(n::text, 26, '0'), 'cust_' || lpad((1 + n %% {CLIENTS})::text, 26, '0'), ({SOURCES})[1 + n %% 5],
  stage, 'USD', n, at, at,
  case when stage in ('ACTIVE', 'PAID') then at + interval '20 days' end
from generate_series(1, %(leads)s) n cross join lateral (select
  now() - interval '{DAYS} days' * (1 - n / %(leads)s.0) as at,
  (array['LEAD', 'QUALIFIED', 'PROPOSAL', 'ACTIVE', 'PAID'])[1 + n %% %(stages)s] as stage) t;
insert into lead_move (lead_id, from_stage, to_stage, at, principal) select id, s.was, s.stage, created_at, 'bench'
  from lead join (values (null, 'LEAD'), ('LEAD', 'QUALIFIED'), ('QUALIFIED', 'PROPOSAL'), ('PROPOSAL', 'ACTIVE'),
  ('ACTIVE', 'PAID')) s (was, stage) on insight_place(s.stage) <= insight_place(lead.stage)
  order by lead.id, insight_place(s.stage);
insert into fact (kind, topic, subject, version, data, at, request_id, principal) select 'LeadCaptured', 'lead', id, 1,
  jsonb_build_object('lead_id', id), created_at, 'bench', 'bench' from lead;
"""


async def run(report: Report) -> None:
    """All figures of insight."""
    await _folding(report)
    await _panels(report)
    await _import(report)


async def _panels(report: Report) -> None:
    """The same panels over a hundredth of the ledger and over all of it."""
    small, large = await report.workspace(), await report.workspace()
    for handle, entries in ((small, SMALL), (large, LARGE)):
        await sell(report.workspaces, handle, entries // ENTRIES_A_SALE)
        while await folding.fold(report.workspaces, handle, limit=10_000):
            pass
        async with report.workspaces.owner(handle) as owner:
            await owner.execute("vacuum analyze")
    shown: dict[str, Panel] = {
        "overview": panels.overview,
        "revenue": panels.revenue,
        "revenue-metrics": panels.revenue_metrics,
        "customer-metrics": panels.customer_metrics,
        "marketing-metrics": panels.marketing_metrics,
        "pipeline": pipeline.pipeline,
    }
    pairs = []
    for _ in range(8):
        pairs.append(
            (
                await _panel(report.workspaces, large, panels.overview),
                await _panel(report.workspaces, small, panels.overview),
            )
        )
    name = f"insight: overview at {LARGE:,} entries, at {SMALL:,}"
    report.compared(name, bar=at_most(1.5), pairs=pairs, unit="ms")
    for name, panel in shown.items():
        value = await _panel(report.workspaces, large, panel)
        report.record(f"insight: {name} at {LARGE:,} entries", value=value, bar=at_most(10), unit="ms")


async def _panel(workspaces: Workspaces, handle: str, panel: Panel) -> float:
    """Milliseconds of a panel's statements, the middle of several; the first warms the connection up."""
    taken = []
    async with transaction(workspaces, handle) as tx:
        for _ in range(TRIES):
            before = time.perf_counter()
            await panel(tx, Span(None, None, tx.now))
            taken.append((time.perf_counter() - before) * 1000)
    return statistics.median(taken[5:])


async def sell(workspaces: Workspaces, handle: str, sales: int, *, leads: int | None = None) -> None:
    """A ledger of that many sales, and as many leads as said, else one for every ten."""
    async with workspaces.owner(handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute(BUSINESS.encode())
        await owner.execute((LEADS_KEPT % {"leads": str(leads or sales // 10), "stages": "5"}).encode())
        for first in range(1, sales + 1, CHUNK):
            bounds = {"first": str(first), "last": str(min(sales, first + CHUNK - 1)), "sales": str(sales)}
            async with owner.transaction():
                await owner.execute((SALES % bounds).encode())


async def _folding(report: Report) -> None:
    """What 10,000 captured leads leave to fold, in the worker's steps."""
    handle = await report.workspace()
    await sell(report.workspaces, handle, 2_000)
    while await folding.fold(report.workspaces, handle):
        pass
    async with report.workspaces.owner(handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute("delete from lead_move")  # of the sales' own leads, whose ids these take
        await owner.execute("delete from lead")
        await owner.execute((LEADS_KEPT % {"leads": str(FACTS), "stages": "1"}).encode())
    seconds = await _fold(report.workspaces, handle)
    report.record(f"insight: folding {FACTS:,} facts", value=seconds, bar=at_most(0.5), unit="s")


async def _fold(workspaces: Workspaces, handle: str) -> float:
    before = time.perf_counter()
    while await folding.fold(workspaces, handle):
        pass
    return time.perf_counter() - before


async def _import(report: Report) -> None:
    """100,000 leads of as many people in 5,000 companies, as `grace import leads` reads them."""
    handle = await report.workspace()
    with tempfile.TemporaryDirectory(prefix="grace-bench-") as folder:
        path = Path(folder) / "leads.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["Lead ID", "Name", "Email", "Company", "Lead Source", "Stage", "Amount", "Description"])
            for n in range(LEADS):
                company = f"Company {n % 5000}"
                writer.writerow(
                    [f"L{n}", f"Person {n}", f"p{n}@company{n % 5000}.example", company, "website", "open", n, "A shop"]
                )
        export = open_export(path)
        reading = importing.reading_of(export, maps=[], stages=[], empty=[], source=None, keep_rest=False)
        memory = [0.0, 0.0]
        ticks = itertools.count()

        def progress(_: int, rows: int) -> None:
            if next(ticks) % 10 == 0:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                memory[rows > LEADS // 4] = peak

        before = time.perf_counter()
        done = await importing.run(
            report.workspaces, handle, export, reading, rejected=Path(folder) / "rejected.csv", progress=progress
        )
        seconds = time.perf_counter() - before
    if done.created + done.merged != LEADS:
        raise AssertionError(f"not everything was imported: {done}")
    report.record(f"insight: import of {LEADS:,} leads", value=seconds, bar=at_most(300), unit="s")
    name = "insight: memory at the end of the import, after a quarter of it"
    report.record(name, value=memory[1], baseline=memory[0], bar=at_most(1.1), unit="MB")
