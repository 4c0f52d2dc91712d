"""Balances at an instant, statements, the trial balance; tail accounts before and after rolling."""

from datetime import UTC, datetime, timedelta

import pytest

from grace.kit.tx import Tx
from grace.trust.ledger import queries, service
from grace.trust.ledger.models import Movement
from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import assert_right, bank, customer_credit, receivable, revenue, tax, transfer

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)


async def _book(tx: Tx, reference: str, day: int, *lines: Line) -> None:
    await service.post(tx, reference=reference, kind="test", lines=lines, event_at=START + day * DAY, memo=reference)


@pytest.fixture
async def march(workspace: WorkspaceUnderTest) -> WorkspaceUnderTest:
    """Invoices of 100 and 50, a payment of 120 recorded last but dated between them, one client of two."""
    async with workspace.tx() as tx:
        await _book(tx, "first", 0, debit(receivable(), 100), credit(revenue(), 80), credit(tax(), 20))
        await _book(tx, "second", 10, debit(receivable(), 50), credit(revenue(), 40), credit(tax(), 10))
        await _book(tx, "other", 3, *transfer(receivable("cust_2"), revenue(), 7))
    async with workspace.tx() as tx:
        await _book(tx, "euro", 5, *transfer(receivable(currency="EUR"), revenue("EUR"), 9))
    async with workspace.tx() as tx:
        await _book(tx, "paid", 5, debit(bank(), 120), credit(receivable(), 100), credit(customer_credit(), 20))
    return workspace


@pytest.mark.parametrize("rolled", [False, True])
async def test_balance_at_any_instant(march: WorkspaceUnderTest, rolled: bool) -> None:
    async with march.tx() as tx:
        if rolled:
            await service.roll(tx)
        expected = {-1: (0, 0), 0: (100, 80), 3: (100, 87), 5: (0, 87), 9: (0, 87), 10: (50, 127), 99: (50, 127)}
        for day, (owed, earned) in expected.items():
            at = START + day * DAY
            assert await queries.balance(tx, receivable(), at=at) == owed
            assert await queries.balance(tx, revenue(), at=at) == earned
            trial = await queries.trial_balance(tx, at=at)
            assert sum(line.balance_minor for line in trial if line.currency == "USD") == 0
        assert await queries.balance(tx, receivable(), at=START - timedelta(microseconds=1)) == 0
        last = await tx.value("select recorded_at from ledger_posting where reference = 'paid'")
        assert await queries.balance(tx, receivable(), at=last, by="recorded_at") == 50
        before = last - timedelta(microseconds=1)
        assert await queries.balance(tx, receivable(), at=before, by="recorded_at") == 150
        assert await queries.balance(tx, bank(), at=before, by="recorded_at") == 0


async def test_statement_of_a_client(march: WorkspaceUnderTest) -> None:
    async with march.tx() as tx:
        found = await queries.statement(tx, "cust_1", start=START + DAY, end=START + 10 * DAY)
        whole = await queries.statement(tx, "cust_1", start=START, end=START + 11 * DAY, purposes=[Purpose.RECEIVABLE])
        nothing = await queries.statement(tx, "cust_2", start=START + 20 * DAY, end=START + 21 * DAY)
        assert await queries.statement(tx, "cust_3", start=START, end=START + DAY) == []
    by_account = {statement.account: statement for statement in found}
    assert list(by_account) == [customer_credit(), receivable(currency="EUR"), receivable()]
    usd = by_account[receivable()]
    assert (usd.opening_minor, usd.closing_minor) == (100, 0)
    assert [(m.reference, m.amount_minor, m.balance_minor) for m in usd.movements] == [("paid", -100, 0)]
    assert isinstance(usd.movements[0], Movement)
    assert usd.movements[0].event_at == START + 5 * DAY
    assert usd.movements[0].memo == "paid"
    paid_in = by_account[customer_credit()]
    assert (paid_in.opening_minor, paid_in.closing_minor) == (0, 20)
    assert [(m.amount_minor, m.balance_minor) for m in whole[1].movements] == [(100, 100), (-100, 0), (50, 50)]
    assert [(s.opening_minor, s.movements, s.closing_minor) for s in nothing] == [(7, (), 7)]


async def test_trial_balance_and_owner(march: WorkspaceUnderTest) -> None:
    async with march.tx() as tx:
        trial = {
            (line.purpose, line.owner, line.currency): line.balance_minor for line in await queries.trial_balance(tx)
        }
        owned = await queries.owner_balances(tx, "cust_1")
    assert trial == {
        ("receivable", "cust_1", "EUR"): 9,
        ("revenue", None, "EUR"): -9,
        ("bank", None, "USD"): 120,
        ("customer_credit", "cust_1", "USD"): -20,
        ("receivable", "cust_1", "USD"): 50,
        ("receivable", "cust_2", "USD"): 7,
        ("revenue", None, "USD"): -127,
        ("tax_payable", "DE", "USD"): -30,
    }
    assert [(row.purpose, row.currency, row.balance_minor) for row in owned] == [
        ("customer_credit", "USD", 20),
        ("receivable", "EUR", 9),
        ("receivable", "USD", 50),
    ]


class Undone(Exception):
    """Rolls a transaction back."""


async def test_tail_is_exact_while_a_posting_is_open_and_after_it_is_rolled_back(
    workspace: WorkspaceUnderTest,
) -> None:
    async def read() -> tuple[int, int]:
        async with workspace.tx() as tx:
            rolled = await tx.value("select balance_minor from ledger_account where purpose = 'revenue'")
            return rolled, await queries.balance(tx, revenue())

    async with workspace.tx() as tx:
        await _book(tx, "a", 0, *transfer(bank(), revenue(), 1))
    with pytest.raises(Undone):
        async with workspace.tx() as open_tx:
            await _book(open_tx, "late", 0, *transfer(bank(), revenue(), 10))
            async with workspace.tx() as tx:
                await _book(tx, "b", 0, *transfer(bank(), revenue(), 100))
            async with workspace.tx() as tx:
                assert await service.roll(tx) >= 0
            assert (await read())[1] == 101
            await assert_right(workspace)
            raise Undone
    async with workspace.tx() as tx:
        await _book(tx, "late", 0, *transfer(bank(), revenue(), 1000))
    assert (await read())[1] == 1101
    async with workspace.tx() as tx:
        await service.roll(tx)
    assert await read() == (1101, 1101)
    async with workspace.tx() as tx:
        assert await service.roll(tx) == 0
    await assert_right(workspace)


async def test_one_rolls_at_a_time(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await _book(tx, "a", 0, *transfer(bank(), revenue(), 1))
    async with workspace.tx() as first, workspace.tx() as second:
        assert await service.roll(first) == 2
        assert await service.roll(second) == 0


async def test_after_a_restore_from_a_dump_the_balances_are_rebuilt(workspace: WorkspaceUnderTest) -> None:
    """A dump brings rows whose transaction ids are ahead of the new server's: simulated by moving them ahead."""
    async with workspace.tx() as tx:
        await _book(tx, "a", 0, *transfer(bank(), revenue(), 1))
        await _book(tx, "b", 0, *transfer(bank(), revenue(), 10))
    async with workspace.tx() as tx:
        await service.roll(tx)
    async with workspace.workspaces.owner(workspace.handle) as owner, owner.transaction():
        await owner.execute("set session_replication_role = replica")
        await owner.execute("update ledger_entry set xid = '900000000000'")
        await owner.execute("update ledger_posting set xid = '900000000000'")
        await owner.execute("update ledger_account set rolled_to = '900000000001' where tail")
    async with workspace.tx() as tx:
        await _book(tx, "c", 0, *transfer(bank(), revenue(), 100))
        await service.roll(tx)
    async with workspace.tx() as tx:
        assert await queries.balance(tx, revenue()) == 111
        assert await queries.balance(tx, bank()) == 111
        assert await queries.balance(tx, AccountRef(Purpose.BANK, "EUR")) == 0
        await service.roll(tx)
    await assert_right(workspace)
