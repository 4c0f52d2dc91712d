"""Home of the console over a long history, against a page that is only the shell, through the whole application.

And how soon one browser shows what was done elsewhere."""

import asyncio
import logging
import statistics
import time
from datetime import UTC, datetime, timedelta

import httpx
import structlog

from bench.browsers import ACTS, act_to_screen
from bench.insight import DAYS, ENTRIES_A_SALE, sell
from bench.measure import Report, at_most
from grace.app.web import create_app
from grace.insight import folding
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.trust.audit.rules.canonical import Header, header_bytes
from grace.trust.audit.sealing import seal
from grace.trust.audit.service import load_or_create_signer
from grace.trust.identity.service.bootstrap import bootstrap
from grace.trust.ledger import service as ledger

LEADS, ENTRIES = 50_000, 200_000
ROUNDS, TRIES = 8, 10
ADDRESS = "http://127.0.0.1:8005"
HOME, OTHERS = 8, 16
"""How many times the page that is only the shell a page may take."""
PAGES = {
    "home": "/app",
    "pipeline": "/app/pipeline",
    "leads": "/app/pipeline/list",
    "leads by value": "/app/pipeline/list?sort=-value_estimate",
    "leads of a stage": "/app/pipeline/list?stage=PAID",
    "leads of a source that none has": "/app/pipeline/list?source=nowhere",
    "leads of a client": "/app/pipeline/list?q=1234",
    "leads with a word that all have": "/app/pipeline/list?q=client",
    "clients": "/app/clients",
    "clients by what they paid": "/app/clients?sort=-lifetime_value",
    "clients with a name": "/app/clients?q=1234",
    "invoices": "/app/invoices",
    "invoices, late": "/app/invoices?tab=late",
    "invoices by amount": "/app/invoices?sort=-amount",
    "invoices with a number": "/app/invoices?q=INV-777",
    "payments": "/app/payments",
    "payments by amount": "/app/payments?sort=-amount",
    "payments of a client": "/app/payments?q=1234",
    "payments by a method that none has": "/app/payments?method=upi",
    "ledger": "/app/ledger",
    "an account's lines": "/app/ledger/accounts/clearing/USD/stripe",
    "the lines of long ago": "/app/ledger/accounts/clearing/USD/stripe?to={long_ago}",
    "accounts of a kind": "/app/ledger/accounts/receivable/USD",
    "audit": "/app/audit",
    "audit by action": "/app/audit?action=issue_invoice",
    "audit by noun": "/app/audit?subject_kind=refund",
    "audit of a day": "/app/audit?day={long_ago}",
    "audit with words": "/app/audit?q=1234",
    "approvals": "/app/approvals",
    "revenue": "/app/revenue",
}
"""The pages, by what they are called in the report."""

# As many clients more as there are leads, and an invoice of each sale.
INVOICED = """
insert into client (id, name, email, source, created_at) select 'cust_1' || lpad(n::text, 25, '0'), 'Guest ' || n,
  'guest' || n || '@example.com', 'website', now() - n * interval '1 minute' from generate_series(1, LEADS) n;
insert into invoice (id, client_id, state, series, series_period, series_number, invoice_number, currency, net_minor,
  tax_minor, total_minor, paid_minor, earned_minor, taxes, issuer, client, issued_at, due_at, paid_at, created_at)
select invoice_id, client_id, case when n % 50 = 0 then 'issued' else 'paid' end, 'INV', '', n, 'INV-' || n,
  currency, net_minor, amount_minor - net_minor, amount_minor, case when n % 50 = 0 then 0 else amount_minor end,
  case when n % 50 = 0 then 0 else net_minor end, '[]', '{}',
  jsonb_build_object('name', c.name, 'company', null), received_at, received_at + interval '30 days',
  case when n % 50 > 0 then received_at end, received_at
from payment p join client c on c.id = p.client_id cross join lateral (select ltrim(right(p.id, 26), '0')::int as n) o
order by n
"""
# Who did what: three entries a sale.
DONE = """
insert into audit_entry (at, principal_id, action, subject_kind, subject_id, header, commitment)
select received_at, %(principal)s, a.action, a.kind, case when a.kind = 'payment' then p.id else p.invoice_id end,
  %(header)s, sha256(p.id::bytea) from payment p cross join (values ('draft_invoice', 'invoice'),
  ('issue_invoice', 'invoice'), ('record_payment', 'payment')) a (action, kind) order by received_at, a.action
"""


async def run(report: Report) -> None:
    """Home at the whole history and at a tenth of it; the shell alone."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    small, large = await _business(report, 10), await _business(report, 1)
    app = create_app(report.workspaces, Settings(_env_file=None))
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=small) as tenth,
        httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=large) as whole,
    ):
        long_ago = (datetime.now(UTC).date() - timedelta(days=DAYS - 60)).isoformat()
        for name, address in PAGES.items():
            path = address.format(long_ago=long_ago)
            bare, growth = [], []
            for _ in range(ROUNDS):
                page = await _page(whole, path)
                bare.append((page, await _page(whole, "/app/more")))
                growth.append((page, await _page(tenth, path)))
            report.compared(
                f"console: {name}, the bare page",
                bar=at_most(HOME if name == "home" else OTHERS),
                pairs=bare,
                unit="ms",
            )
            report.compared(f"console: {name}, at a tenth", bar=at_most(1.3), pairs=growth, unit="ms")
    name = f"console: from an act to another browser's screen, middle of {ACTS}"
    report.record(name, value=await asyncio.to_thread(act_to_screen), bar=at_most(300), unit="ms")


async def _business(report: Report, part: int) -> dict[str, str]:
    """A business with that part of the history, folded and sealed; its owner's key."""
    handle = await report.workspace()
    await sell(report.workspaces, handle, ENTRIES // ENTRIES_A_SALE // part, leads=LEADS // part)
    while await folding.fold(report.workspaces, handle, limit=10_000):
        pass
    async with transaction(report.workspaces, handle) as tx:
        await ledger.roll(tx)
    async with transaction(report.workspaces, handle) as tx:
        made = await bootstrap(tx, email="owner@example.com", name="Owner")
        signer = await load_or_create_signer(tx)
        principal, now = made.user.id, tx.now
    header = Header(now, now, "user", principal, "", "issue_invoice", "invoice", "in_1", "bench")
    async with report.workspaces.owner(handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute(INVOICED.replace("LEADS", str(LEADS // part)).encode())
        await owner.execute(DONE.encode(), {"principal": principal, "header": header_bytes(header)})
        await owner.execute("set session_replication_role = origin")
        while (await seal(owner, signer=signer)).sealed:
            pass
        await owner.execute("vacuum analyze")
    return {"Authorization": f"Bearer {made.api_key}", "Accept": "text/html"}


async def _page(browser: httpx.AsyncClient, path: str) -> float:
    """Milliseconds of a page, the middle of several."""
    taken = []
    for _ in range(TRIES):
        before = time.perf_counter()
        answer = await browser.get(path)
        taken.append((time.perf_counter() - before) * 1000)
        assert answer.status_code == 200, answer.text
    return statistics.median(taken)
