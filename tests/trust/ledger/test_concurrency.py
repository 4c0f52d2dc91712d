"""Eight writers at once: floors are exact, nothing deadlocks, references and holds take effect once."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

import psycopg

from grace.kit.tx import Tx
from grace.trust.ledger import queries, service
from grace.trust.ledger.errors import HoldEnded, InsufficientFunds
from grace.trust.ledger.models import NewPosting
from grace.trust.ledger.rules import Line, credit, debit
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import assert_right, bank, book, customer_credit, fund, receivable, revenue, transfer

WRITERS = 8
ROUNDS = 30


async def _race(count: int, writer: Callable[[int], Coroutine[None, None, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(writer(number))


def _wallets(chance: random.Random) -> tuple[Line, Line]:
    to, source = chance.sample(range(10), 2)
    return transfer(customer_credit(f"w{source}"), customer_credit(f"w{to}"), chance.randint(1, 800))


async def test_no_overdraft_and_no_deadlock(workspace: WorkspaceUnderTest) -> None:
    """Ten wallets of 10.00; singles, batches, holds and tail postings, half of them overspending."""
    for number in range(10):
        await fund(workspace, f"w{number}", 1000)
    outcomes = {"done": 0, "refused": 0}

    async def act(tx: Tx, chance: random.Random, name: str) -> None:
        kind = chance.randrange(4)
        if kind == 0:
            await book(tx, name, _wallets(chance))
        elif kind == 1:
            batch = [NewPosting(f"{name}:{n}", "test", _wallets(chance)) for n in range(5)]
            await service.post_many(tx, postings=batch)
        elif kind == 2:
            await service.reserve(tx, reference=name, kind="test", lines=_wallets(chance))
            if chance.random() < 0.7:
                await service.settle(tx, hold=name, reference=name, kind="test")
            else:
                await service.release(tx, hold=name)
        else:
            to, source = chance.sample(range(10), 2)
            lines = [
                debit(customer_credit(f"w{source}"), 100),
                credit(customer_credit(f"w{to}"), 99),
                credit(revenue(), 1),
            ]
            await book(tx, name, lines)

    async def writer(number: int) -> None:
        chance = random.Random(number)
        for step in range(ROUNDS):
            try:
                async with workspace.tx() as tx:
                    await act(tx, chance, f"{number}:{step}")
                outcomes["done"] += 1
            except InsufficientFunds:
                outcomes["refused"] += 1

    await _race(WRITERS, writer)
    assert outcomes["done"] + outcomes["refused"] == WRITERS * ROUNDS
    assert min(outcomes.values()) > 10
    async with workspace.tx() as tx:
        wallets = [await queries.balance(tx, customer_credit(f"w{number}")) for number in range(10)]
        assert min(wallets) >= 0
        assert sum(wallets) + await queries.balance(tx, revenue()) == 10_000
    await assert_right(workspace)


async def test_the_last_money_is_spent_once(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 100)
    refused: list[int] = []

    async def writer(number: int) -> None:
        try:
            async with workspace.tx() as tx:
                await book(tx, f"spend:{number}", transfer(customer_credit(), revenue(), 60))
        except InsufficientFunds:
            refused.append(number)

    await _race(WRITERS, writer)
    assert len(refused) == WRITERS - 1
    async with workspace.tx() as tx:
        assert await queries.balance(tx, customer_credit()) == 40


async def test_one_reference_posted_by_all_is_posted_once(workspace: WorkspaceUnderTest) -> None:
    ids: list[int] = []

    async def writer(number: int) -> None:
        async with workspace.tx() as tx:
            lines = transfer(receivable("new"), revenue(), 5)
            if number % 2:
                ids.append(await book(tx, "same", lines))
            else:
                ids.extend(await service.post_many(tx, postings=[NewPosting("same", "test", lines)]))

    await _race(WRITERS, writer)
    assert len(ids) == WRITERS
    assert len(set(ids)) == 1
    async with workspace.tx() as tx:
        assert await queries.balance(tx, receivable("new")) == 5
    await assert_right(workspace)


async def test_accounts_open_once_whatever_the_order(workspace: WorkspaceUnderTest) -> None:
    async def writer(number: int) -> None:
        chance = random.Random(number)
        for step in range(ROUNDS):
            first, second = chance.sample(range(40), 2)
            lines = transfer(receivable(f"c{first}"), receivable(f"c{second}"), 1)
            async with workspace.tx() as tx:
                if chance.random() < 0.5:
                    await book(tx, f"{number}:{step}", lines)
                else:
                    more = transfer(receivable(f"c{chance.randrange(40)}"), bank(), 1)
                    batch = [NewPosting(f"{number}:{step}:{n}", "test", x) for n, x in enumerate((lines, more))]
                    await service.post_many(tx, postings=batch)

    await _race(WRITERS, writer)
    await assert_right(workspace)


async def test_a_hold_ends_once(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        for number in range(10):
            lines = transfer(customer_credit(), revenue(), 100)
            await service.reserve(
                tx, reference=f"h{number}", kind="x", lines=lines, expires_at=tx.now.replace(year=9000)
            )
    settled: list[str] = []
    expired: list[str] = []

    async def writer(number: int) -> None:
        for hold in random.Random(number).sample([f"h{n}" for n in range(10)], 10):
            with suppress(HoldEnded):
                async with workspace.tx() as tx:
                    if number % 3 == 0:
                        await service.settle(tx, hold=hold, reference=f"{hold}:{number}", kind="x")
                        await tx.connection.commit()
                        settled.append(hold)
                    elif number % 3 == 1:
                        await service.release(tx, hold=hold)
                    else:
                        tx.now = tx.now.replace(year=9001)
                        found = await service.expire_due(tx, limit=1)
                        await tx.connection.commit()
                        expired.extend(found)

    await _race(WRITERS, writer)
    assert len(settled) == len(set(settled))
    assert len(expired) == len(set(expired))
    assert not set(settled) & set(expired)
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from ledger_hold where state = 'pending'") == 0
        assert await tx.value("select count(*) from ledger_hold where state = 'settled'") == len(settled)
        assert await queries.balance(tx, revenue()) == 100 * len(settled)
    await assert_right(workspace)


class Undone(Exception):
    """Rolls a transaction back."""


async def test_tail_is_exact_under_writers_rollbacks_and_a_roller(workspace: WorkspaceUnderTest) -> None:
    """Writers of one hot account, a fifth of them rolled back after a pause; the tail is rolled all the while."""
    done: list[int] = []
    writing = True

    async def write(number: int) -> None:
        chance = random.Random(number)
        for step in range(ROUNDS):
            amount = chance.randint(1, 99)
            with suppress(Undone):
                async with workspace.tx() as tx:
                    await book(tx, f"{number}:{step}", transfer(receivable(f"c{number}"), revenue(), amount))
                    if chance.random() < 0.2:
                        await tx.value("select pg_sleep(0.02)")
                        raise Undone
                done.append(amount)

    async def roll() -> None:
        while writing:
            async with workspace.tx() as tx:
                await service.roll(tx)
            async with workspace.tx() as tx:
                total = "select coalesce(sum(normal * balance_minor), 0) from ledger_balance"
                assert await tx.value(total) == 0

    roller = asyncio.create_task(roll())
    await _race(WRITERS, write)
    writing = False
    await roller
    async with workspace.tx() as tx:
        assert await queries.balance(tx, revenue()) == sum(done)
        await service.roll(tx)
    async with workspace.tx() as tx:
        assert await tx.value("select balance_minor from ledger_account where purpose = 'revenue'") == sum(done)
    await assert_right(workspace)


async def test_postings_on_tail_accounts_do_not_wait_for_each_other(workspace: WorkspaceUnderTest) -> None:
    lines: Sequence[Line] = transfer(bank(), revenue(), 1)
    async with workspace.tx() as tx:
        await book(tx, "opened", lines)
    async with workspace.tx() as first:
        await book(first, "first", lines)
        async with workspace.tx() as second:
            await second.execute("set local lock_timeout = 1")
            await book(second, "second", lines)
        async with workspace.tx() as third:
            await third.execute("set local lock_timeout = 50")
            await book(third, "fund", transfer(bank(), customer_credit(), 5))
            async with workspace.tx() as fourth:
                await fourth.execute("set local lock_timeout = 50")
                try:
                    await book(fourth, "waits", transfer(bank(), customer_credit("cust_1"), 5))
                    waited = False
                except psycopg.errors.LockNotAvailable:
                    waited = True
                    await fourth.connection.rollback()
    assert waited
    await assert_right(workspace)
