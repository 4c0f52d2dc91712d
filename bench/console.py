"""Home of the console over a long history, against a page that is only the shell, through the whole application.

And how soon one browser shows what was done elsewhere."""

import asyncio
import logging
import statistics
import time

import httpx
import structlog

from bench.browsers import ACTS, act_to_screen
from bench.insight import ENTRIES_A_SALE, sell
from bench.measure import Report, at_most
from grace.app.web import create_app
from grace.insight import folding
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.trust.identity.service.bootstrap import bootstrap
from grace.trust.ledger import service as ledger

LEADS, ENTRIES = 50_000, 200_000
ROUNDS, TRIES = 8, 10
ADDRESS = "http://127.0.0.1:8005"


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
        bare, growth = [], []
        for _ in range(ROUNDS):
            home = await _page(whole, "/app")
            bare.append((home, await _page(whole, "/app/more")))
            growth.append((home, await _page(tenth, "/app")))
    name = f"console: home at {LEADS:,} leads and {ENTRIES:,} entries"
    report.compared(f"{name}, the bare page", bar=at_most(8), pairs=bare, unit="ms")
    report.compared(f"{name}, at a tenth", bar=at_most(1.3), pairs=growth, unit="ms")
    name = f"console: from an act to another browser's screen, middle of {ACTS}"
    report.record(name, value=await asyncio.to_thread(act_to_screen), bar=at_most(300), unit="ms")


async def _business(report: Report, part: int) -> dict[str, str]:
    """A business with that part of the history, folded; its owner's key."""
    handle = await report.workspace()
    await sell(report.workspaces, handle, ENTRIES // ENTRIES_A_SALE // part, leads=LEADS // part)
    while await folding.fold(report.workspaces, handle, limit=10_000):
        pass
    async with transaction(report.workspaces, handle) as tx:
        await ledger.roll(tx)
    async with report.workspaces.owner(handle) as owner:
        await owner.execute("vacuum analyze")
    async with transaction(report.workspaces, handle) as tx:
        made = await bootstrap(tx, email="owner@example.com", name="Owner")
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
