"""A business that does random things, some of them in transactions that are slow to commit, or never do."""

import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg.errors import LockNotAvailable

from grace.domains.crm.rules.stages import Stage, allowed_moves
from grace.domains.crm.service import clients, leads, merging
from grace.domains.delivery.service.satisfaction import answer_survey
from grace.domains.invoicing.models import Terms
from grace.domains.invoicing.rules.totals import Line
from grace.domains.payments import queries as payments
from grace.domains.payments.facts import AttemptChanged
from grace.domains.payments.service import refunds
from grace.flows.collect_cash import service as cash
from grace.kit.errors import Problem
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.governance.service.rates import import_rates
from tests.fixtures.workspace import WorkspaceUnderTest

SOURCES = ("website", "referral", "linkedin")
CURRENCIES = ("USD", "USD", "EUR", "JPY", "INR")


@dataclass
class History:
    """What was made so far; `step` does one random thing in the transaction it is given."""

    random: random.Random
    workspace: WorkspaceUnderTest
    clients: list[str] = field(default_factory=list)
    leads: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    merges: list[tuple[str, str]] = field(default_factory=list)

    async def step(self, tx: Tx) -> None:
        """One thing that happens."""
        options: list[Callable[[Tx], Awaitable[object]]] = [self.client, self.lead]
        if self.clients:
            options += [self.lead, self.invoice, self.rate, self.project, self.attempt]
        if self.leads:
            options += [self.qualify, self.move, self.move, self.move, self.value]
        if self.invoices:
            options += [self.pay, self.pay, self.pay, self.refund, self.take_back]
        if self.projects:
            options += [self.answer]
        if len(self.clients) > 2:
            options += [self.merge, self.unmerge]
        await self.random.choice(options)(tx)

    async def client(self, tx: Tx) -> None:
        """A new client."""
        details = {"name": f"Client {self.random.random()}", "source": self.random.choice(SOURCES)}
        self.clients.append((await clients.create_client(tx, details=details)).client.id)

    async def lead(self, tx: Tx) -> None:
        """A lead of a new or known client."""
        number = self.random.randrange(30)
        client = {"name": f"Person {number}", "email": f"p{number}@firm{number}.example", "company": f"Firm {number}"}
        lead = {"budget_minor": self.random.randrange(10**6), "requirements": "A shop with search and payments."}
        done = await leads.capture_lead(tx, source=self.random.choice(SOURCES), client=client, lead=lead)
        self.leads.append(done.lead.id)

    async def qualify(self, tx: Tx) -> None:
        """A score."""
        await leads.qualify_lead(tx, reference=self.random.choice(self.leads))

    async def move(self, tx: Tx) -> None:
        """A step that the graph has."""
        lead = self.random.choice(self.leads)
        stage = await tx.value("select stage from lead where id = %(id)s", id=lead)
        if stage and (possible := allowed_moves(Stage(stage))):
            await leads.move_lead(tx, reference=lead, stage=self.random.choice(possible))

    async def value(self, tx: Tx) -> None:
        """Another estimate."""
        lead = self.random.choice(self.leads)
        await leads.set_value(tx, reference=lead, value_estimate_minor=self.random.randrange(10**6))

    async def invoice(self, tx: Tx, *, client: str | None = None) -> str:
        """An issued invoice, with tax or without, for a project of the client or none."""
        client = client or self.random.choice(self.clients)
        line = Line("Work", Decimal(1), self.random.randrange(1, 10**5), Decimal(self.random.choice((0, 0, 19))))
        project = await tx.value(
            "select id from project where client_id = %(client)s order by id limit 1", client=client
        )
        draft = await cash.draft_invoice(
            tx,
            client=client,
            currency=self.random.choice(CURRENCIES),
            terms=Terms([line]),
            project_id=project if self.random.random() < 0.7 else None,
        )
        self.invoices.append((await cash.issue_invoice(tx, invoice=draft.id)).id)
        return self.invoices[-1]

    async def pay(self, tx: Tx, *, invoice: str | None = None, received_at: datetime | None = None) -> None:
        """All or part of what is due, now or some time ago."""
        invoice = invoice or self.random.choice(self.invoices)
        due = await tx.value("select total_minor - paid_minor from invoice where id = %(id)s for update", id=invoice)
        if due:
            await cash.receive_payment(
                tx,
                invoice=invoice,
                amount_minor=self.random.choice((due, self.random.randrange(1, due + 1))),
                provider="manual",
                method=self.random.choice(("bank_transfer", "cash")),
                received_at=received_at
                or tx.now - timedelta(seconds=self.random.choice((0, self.random.randrange(10**7)))),
            )

    async def refund(self, tx: Tx) -> None:
        """Some of what was paid goes back."""
        invoice = self.random.choice(self.invoices)
        left = sum(paid.left_minor for paid in await payments.refundable(tx, invoice, lock=True))
        if left:
            amount = self.random.randrange(1, left + 1)
            await refunds.order_refund(tx, invoice_id=invoice, amount_minor=amount, reason="wrong")

    async def take_back(self, tx: Tx) -> None:
        """A payment was a mistake."""
        payment = await tx.value(
            "select id from payment where invoice_id = %(id)s and status = 'paid' order by id limit 1",
            id=self.random.choice(self.invoices),
        )
        if payment:
            await cash.reverse_payment(tx, payment=payment, reason="mistyped")

    async def rate(self, tx: Tx) -> None:
        """Exchange rates of some day, also of one that has some."""
        rows = [
            {
                "currency": self.random.choice(("EUR", "JPY")),
                "per_usd": str(self.random.randrange(50, 20000) / Decimal(100)),
                "on_date": (tx.now - timedelta(days=self.random.randrange(130))).date(),
            }
            for _ in range(self.random.randrange(1, 3))
        ]
        await import_rates(tx, rows)

    async def project(self, tx: Tx) -> None:
        """A project that is delivered, of a client's lead or none."""
        client = self.random.choice(self.clients)
        project = new_id("proj")
        await tx.execute(
            "insert into project (id, client_id, lead_id, title, kind, scope, currency, budget_minor, status,"
            " delivered_at, parties, created_at) values (%(id)s, %(client)s, %(lead)s, 'Shop', 'web', 'All', 'USD',"
            " 100, 'delivered', %(now)s, '{}', %(now)s)",
            id=project,
            client=client,
            lead=self.random.choice([None, *self.leads]),
            now=tx.now,
        )
        self.projects.append(project)

    async def answer(self, tx: Tx) -> None:
        """The client rates a project, or changes its mind."""
        score = self.random.randrange(11)
        await answer_survey(tx, project_id=self.random.choice(self.projects), score=score, comment=None)

    async def attempt(self, tx: Tx) -> None:
        """A card is tried, or what became of an earlier try is told."""
        state, failure = self.random.choice(
            [("succeeded", None), ("requires_payment_method", "card_declined"), ("canceled", None), ("refused", "x")]
        )
        ended = tx.now if state in ("succeeded", "canceled", "refused") else None
        if self.attempts and self.random.random() < 0.5:
            attempt = self.random.choice(self.attempts)
            changed = await tx.execute(
                "update payment_attempt set state = %(state)s, failure_code = %(failure)s, ended_at = %(ended)s,"
                " charge = id where id = %(id)s and ended_at is null",
                id=attempt,
                state=state,
                failure=failure,
                ended=ended,
            )
            if changed:
                tx.emit(AttemptChanged(attempt, "in_x", state, failure, 2))
        elif self.invoices:
            attempt = new_id("att")
            inserted = await tx.execute(
                "insert into payment_attempt (id, invoice_id, client_id, provider, currency, amount_minor, state,"
                " failure_code, charge, created_at, ended_at) select %(id)s, id, client_id, 'stripe', currency, 1,"
                " %(state)s, %(failure)s, %(id)s, %(now)s, %(ended)s from invoice where id = %(invoice)s"
                " on conflict (invoice_id) where state in ('pending', 'requires_payment_method', 'requires_action',"
                " 'processing') do nothing",
                id=attempt,
                invoice=self.random.choice(self.invoices),
                state=state,
                failure=failure,
                now=tx.now,
                ended=ended,
            )
            if inserted:
                self.attempts.append(attempt)
                tx.emit(AttemptChanged(attempt, "in_x", state, failure, 1))

    async def merge(self, tx: Tx) -> None:
        """Two clients are one."""
        winner, loser = self.random.sample(self.clients, 2)
        await merging.merge_clients(tx, winner=winner, loser=loser)
        self.merges.append((winner, loser))

    async def unmerge(self, tx: Tx) -> None:
        """The last merge is undone."""
        if self.merges:
            winner, loser = self.merges.pop()
            await merging.unmerge_clients(tx, winner=winner, loser=loser)


@asynccontextmanager
async def kept_open(history: History, *, commit: bool) -> AsyncIterator[None]:
    """Money that comes, and a lead, in a transaction that began before the block and ends after it.

    It touches nothing that others want, save an account that it is the first to use: nearly nobody waits for it.
    """
    mine = History(history.random, history.workspace)
    async with history.workspace.tx() as tx:
        await mine.client(tx)
        await mine.invoice(tx)
    with suppress(NeverMind):
        async with history.workspace.tx() as tx:
            await mine.pay(tx)
            await mine.client(tx)
            await tx.flush()
            yield
            if not commit:
                raise NeverMind


async def happens(history: History) -> None:
    """A step in a transaction of its own; one that is refused, or waits too long for another, has not happened."""
    before = copy.copy(vars(history)) | {name: list(v) for name, v in vars(history).items() if isinstance(v, list)}
    try:
        async with history.workspace.tx() as tx:
            await history.step(tx)
    except (Problem, LockNotAvailable):
        vars(history).update(before)


class NeverMind(Exception):
    """Rolls back."""
