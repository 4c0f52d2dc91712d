"""Webhooks: how fast one is accepted, how fast it becomes a booked payment, and that a backlog drains exactly.

The baseline is `bench.bare`: FastAPI, psycopg and one validated insert per request. An event here is verified, kept
once, and answered; then it is read, looked up at the provider (a sandbox process) or not, and posted, with everything
else that follows from a payment.
"""

import asyncio
import itertools
import json
import logging
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import structlog
from pydantic import SecretStr

from bench.bare import Sent, bare_app, bare_pool, rate
from bench.measure import Report, at_least, at_most
from grace.app import wiring
from grace.app.web import create_app
from grace.domains.invoicing.models import Terms
from grace.domains.invoicing.rules.totals import Line
from grace.domains.payments.service import calls, endpoints
from grace.flows.collect_cash import cards, service
from grace.kit import reactions, testclock
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.providers.payments.port import Endpoint
from grace_sandbox.stripe.webhooks import sign

ROUND_S = 1.5
PAID_A_ROUND = 300  # so that looking whether all are posted, every 20 ms, is little of it
ROUNDS = 8
BACKLOG_PAYMENTS = 1_000
TELLINGS = 10
SECRET = "whsec_bench"
REACTORS = 5  # as a worker has them
_ids = itertools.count(1)


async def run(report: Report) -> None:
    """The figures of the issue's Speed section."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    handle = await report.workspace()
    async with bare_pool(report.workspaces.dsn(handle)) as pool, _sandbox() as sandbox:
        house = _House(report, handle, sandbox)
        await house.open()

        async def bare() -> float:
            return await rate(bare_app(pool), _bare_events(), seconds=ROUND_S)

        async def accepted() -> float:
            return await rate(house.app, house.without_effect(), seconds=ROUND_S)

        await report.compare("webhook accepted", bar=at_least(0.4), candidate=accepted, baseline=bare)
        for read_back, bar in ((True, 0.05), (False, 0.1)):
            house.bind(read_back=read_back)
            name = f"webhook accepted to posted, {'with' if read_back else 'without'} read-back"
            pairs = [(await house.posted(PAID_A_ROUND, real=read_back), await bare()) for _ in range(ROUNDS)]
            report.compared(name, bar=at_least(bar), pairs=pairs)
        took, wrong = await house.backlog()
        drained = BACKLOG_PAYMENTS * TELLINGS
        report.record(f"webhook backlog of {drained:,} drained", value=drained / took, bar=at_least(1), unit="/s")
        report.record("webhook backlog: effects lost or double", value=wrong, bar=at_most(0))
        await wiring.close()


def _bare_events() -> Iterator[Sent]:
    while True:
        event = {"id": f"evt_{next(_ids)}", "type": "customer.created", "created": 1, "data": {"object": _about()}}
        yield "/events", json.dumps(event).encode(), {}


def _about() -> dict[str, Any]:
    return {"object": "customer", "id": "cus_1", "name": "Ann", "email": "ann@example.com", "metadata": {"a": "b"}}


@dataclass
class _House:
    """A workspace with an endpoint, and invoices to be paid."""

    report: Report
    handle: str
    sandbox: str
    app: Any = None
    path: str = ""

    async def open(self) -> None:
        """An application and an active endpoint."""
        self.bind(read_back=True)
        async with transaction(self.report.workspaces, self.handle) as tx:
            endpoint = await endpoints.begin_endpoint(tx, address="http://bench/api/v1/webhooks/stripe/")
            await calls.close_open(tx, endpoint.id)
            await endpoints.registered(tx, endpoint.id, Endpoint("we_bench", SECRET))
            self.path = endpoint.url.removeprefix("http://bench")

    def bind(self, *, read_back: bool) -> None:
        """The application, with or without read-back."""
        settings = Settings(
            _env_file=None,
            stripe_secret_key=SecretStr("sk_test_{workspace}"),
            stripe_api_base=self.sandbox,
            stripe_read_back=read_back,
            rate_anonymous_per_minute=10_000_000,
        )
        self.app = create_app(self.report.workspaces, settings)

    def without_effect(self) -> Iterator[Sent]:
        """Events that are kept and lead to nothing."""
        while True:
            yield self._sent("customer.created", _about())

    async def posted(self, count: int, *, real: bool) -> float:
        """Payments posted a second, from the first event sent to the last posting."""
        waiting = [self._sent("payment_intent.succeeded", told) for told in await self._payable(count, real=real)]
        await testclock.settle(self.report.workspaces, self.handle)
        before = await self._payments()
        begun = time.perf_counter()
        await rate(self.app, waiting, seconds=60)
        reactors = [asyncio.create_task(self._react()) for _ in range(REACTORS)]
        while await self._payments() < before + count:
            await reactions.dispatch(self.report.workspaces, self.handle)
            await asyncio.sleep(0.02)
        took = time.perf_counter() - begun
        for reactor in reactors:
            reactor.cancel()
        await asyncio.gather(*reactors, return_exceptions=True)
        await testclock.settle(self.report.workspaces, self.handle)
        return count / took

    async def backlog(self) -> tuple[float, int]:
        """Seconds to drain, and how many payments and postings are wrong then."""
        self.bind(read_back=False)
        told = await self._payable(BACKLOG_PAYMENTS, real=False)
        sent = [self._sent("payment_intent.succeeded", one) for one in told * TELLINGS]
        random.Random(1).shuffle(sent)
        await testclock.settle(self.report.workspaces, self.handle)
        before = await self._payments()
        await rate(self.app, sent, seconds=600)
        begun = time.perf_counter()
        await testclock.settle(self.report.workspaces, self.handle)
        took = time.perf_counter() - begun
        async with transaction(self.report.workspaces, self.handle) as tx:
            unpaid = await tx.value("select count(*) from invoice where state <> 'paid'")
            left = await tx.value("select count(*) from reaction where state <> 'done'")
            revenue = await tx.value("select sum(balance_minor)::bigint from ledger_balance where purpose = 'revenue'")
            payments = await self._payments()
        wrong = abs(payments - before - BACKLOG_PAYMENTS) + abs(revenue - 10_000 * payments) + unpaid + left
        return took, int(wrong)

    async def _react(self) -> None:
        while True:
            if not await reactions.react(self.report.workspaces, self.handle):
                await asyncio.sleep(0.005)

    async def _payments(self) -> int:
        async with transaction(self.report.workspaces, self.handle) as tx:
            return int(await tx.value("select count(*) from payment"))

    async def _payable(self, count: int, *, real: bool) -> list[dict[str, Any]]:
        """Issued invoices with open attempts; the intents as the provider would tell of them, succeeded."""
        told: list[dict[str, Any]] = []
        for start in range(0, count, 20):
            async with transaction(self.report.workspaces, self.handle) as tx:
                attempts = [await self._attempt(tx) for _ in range(min(20, count - start))]
            told += await asyncio.gather(*(self._succeeded(attempt, real=real) for attempt in attempts))
        return told

    async def _attempt(self, tx: Any) -> str:
        """One more invoice of 100.00, of one of 20 clients, whose intent is open."""
        terms = Terms([Line("Work", Decimal(1), 10_000)])
        draft = await service.draft_invoice(tx, client=f"client {next(_ids) % 20}", currency="USD", terms=terms)
        invoice = await service.issue_invoice(tx, invoice=draft.id)
        work = await cards.begin_by_link(tx, invoice_id=invoice.id)
        await calls.close_open(tx, work.id)
        return work.id

    async def _succeeded(self, attempt: str, *, real: bool) -> dict[str, Any]:
        number = next(_ids)
        told: dict[str, Any] = {"object": "payment_intent", "amount": 10_000, "currency": "usd", "status": "succeeded"}
        told |= {"id": f"pi_{number}", "latest_charge": f"ch_{number}", "metadata": {"grace_id": attempt}}
        if real:
            fields = {"amount": 10_000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}
            fields |= {"automatic_payment_methods[enabled]": "true", "metadata[grace_id]": attempt}
            fields |= {"automatic_payment_methods[allow_redirects]": "never"}
            headers = {"Authorization": f"Bearer sk_test_{self.handle}"}
            async with httpx.AsyncClient(trust_env=False) as client:
                made = await client.post(f"{self.sandbox}/v1/payment_intents", data=fields, headers=headers)
            told = made.json()
        async with transaction(self.report.workspaces, self.handle) as tx:
            await tx.execute(
                "update payment_attempt set state = 'requires_payment_method', intent = %(intent)s where id = %(id)s",
                intent=told["id"],
                id=attempt,
            )
        return told

    def _sent(self, kind: str, about: dict[str, Any]) -> Sent:
        event = {"id": f"evt_{next(_ids)}", "object": "event", "type": kind, "created": int(time.time())}
        body = json.dumps({**event, "livemode": False, "data": {"object": about}}).encode()
        return self.path, body, {"stripe-signature": sign(body, SECRET, at=int(time.time()))}


@asynccontextmanager
async def _sandbox() -> AsyncIterator[str]:
    """The address of a sandbox process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "grace_sandbox", "--port", str(number), "--state", str(Path(folder) / "s.db")]
        process = subprocess.Popen(argv)  # noqa: ASYNC220
        url = f"http://127.0.0.1:{number}"
        try:
            async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
                while True:
                    try:
                        await client.get(f"{url}/health")
                        break
                    except httpx.HTTPError:
                        await asyncio.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(10)
