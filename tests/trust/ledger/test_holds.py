"""Held money: reserved against the floor, then settled whole or in part, released, or expired."""

from datetime import timedelta

import pytest

from grace.kit.tx import Tx
from grace.trust.ledger import queries, service
from grace.trust.ledger.errors import HoldEnded, InsufficientFunds, ReferenceUsed
from grace.trust.ledger.models import AccountBalance, HoldId
from grace.trust.ledger.rules import AccountRef, Purpose, credit, debit
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import assert_right, bank, book, customer_credit, fund, revenue, tax, transfer


async def _reserve(tx: Tx, reference: str, amount_minor: int, days: int | None = 7) -> HoldId:
    return await service.reserve(
        tx,
        reference=reference,
        kind="usage",
        lines=transfer(customer_credit(), revenue(), amount_minor),
        expires_at=None if days is None else tx.now + timedelta(days=days),
    )


async def _credit(workspace: WorkspaceUnderTest) -> tuple[int, int]:
    """Balance and available."""
    async with workspace.tx() as tx:
        found = await queries.owner_balances(tx, "cust_1")
    assert [type(row) for row in found] == [AccountBalance]
    return found[0].balance_minor, found[0].available_minor


async def test_reserved_money_is_not_available(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        first = await _reserve(tx, "h", 600)
        assert await _reserve(tx, "h", 600) == first
    assert await _credit(workspace) == (1000, 400)
    with pytest.raises(InsufficientFunds):
        async with workspace.tx() as tx:
            await _reserve(tx, "h2", 401)
    with pytest.raises(InsufficientFunds):
        async with workspace.tx() as tx:
            await book(tx, "spend", transfer(customer_credit(), revenue(), 401))
    with pytest.raises(ReferenceUsed):
        async with workspace.tx() as tx:
            await _reserve(tx, "h", 601)
    async with workspace.tx() as tx:
        await book(tx, "spend", transfer(customer_credit(), revenue(), 400))
        await service.settle(tx, hold="h", reference="s", kind="usage")
    assert await _credit(workspace) == (0, 0)
    await assert_right(workspace)


async def test_a_hold_that_brings_money_does_not_make_it_available(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await service.reserve(tx, reference="h", kind="x", lines=transfer(bank(), customer_credit(), 500))
    assert await _credit(workspace) == (0, 0)
    with pytest.raises(InsufficientFunds):
        async with workspace.tx() as tx:
            await book(tx, "spend", transfer(customer_credit(), revenue(), 1))
    await assert_right(workspace)


async def test_settled_in_part_frees_the_rest_and_only_once(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        await _reserve(tx, "h", 600)
    async with workspace.tx() as tx:
        lines = transfer(customer_credit(), revenue(), 250)
        posted = await service.settle(tx, hold="h", reference="s", kind="usage", lines=lines)
    assert await _credit(workspace) == (750, 750)
    async with workspace.tx() as tx:
        assert await service.settle(tx, hold="h", reference="s", kind="usage", lines=lines) == posted
        found = await queries.hold(tx, "h")
        assert found is not None
        assert (found.state, found.posting_id) == ("settled", posted)
    for refused in (
        {"reference": "s2", "lines": lines},
        {"reference": "s2", "lines": None},
    ):
        with pytest.raises(HoldEnded):
            async with workspace.tx() as tx:
                await service.settle(tx, hold="h", kind="usage", **refused)
    lines = transfer(customer_credit(), revenue(), 251)
    with pytest.raises(ReferenceUsed):
        async with workspace.tx() as tx:
            await service.settle(tx, hold="h", reference="s", kind="usage", lines=lines)
    with pytest.raises(HoldEnded):
        async with workspace.tx() as tx:
            await service.release(tx, hold="h")
    await assert_right(workspace)


async def test_lines_beyond_the_hold_are_refused(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        await _reserve(tx, "h", 600)
        await book(tx, "taken", transfer(bank(), customer_credit(), 5))
    for lines in (
        transfer(customer_credit(), revenue(), 601),
        transfer(revenue(), customer_credit(), 5),
        transfer(customer_credit(), bank(), 5),
    ):
        with pytest.raises(HoldEnded):
            async with workspace.tx() as tx:
                await service.settle(tx, hold="h", reference="s", kind="usage", lines=lines)
    with pytest.raises(HoldEnded):
        async with workspace.tx() as tx:
            await service.settle(tx, hold="nothing", reference="s", kind="usage")
    assert await _credit(workspace) == (1005, 405)
    await assert_right(workspace)


async def test_a_posting_that_is_there_already_does_not_settle_a_hold(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        await _reserve(tx, "h", 300)
        await book(tx, "same", transfer(customer_credit(), revenue(), 300), kind="usage")
        with pytest.raises(ReferenceUsed):
            async with tx.connection.transaction():
                await service.settle(tx, hold="h", reference="same", kind="usage")
    with pytest.raises(ReferenceUsed):
        async with workspace.tx() as tx:
            await service.settle(tx, hold="h", reference="same", kind="usage")
    assert await _credit(workspace) == (700, 400)
    await assert_right(workspace)


async def test_released_and_expired(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        await _reserve(tx, "h1", 300)
        await _reserve(tx, "h2", 300, days=3)
        await _reserve(tx, "h3", 300, days=None)
    async with workspace.tx() as tx:
        await service.release(tx, hold="h1")
        await service.release(tx, hold="h1")
    assert await _credit(workspace) == (1000, 400)
    async with workspace.tx() as tx:
        assert await service.expire_due(tx) == []
        tx.now += timedelta(days=3)
        with pytest.raises(HoldEnded):
            async with tx.connection.transaction():
                await service.settle(tx, hold="h2", reference="s", kind="usage")
        assert await service.expire_due(tx) == ["h2"]
        assert await service.expire_due(tx) == []
        await service.release(tx, hold="h2")
    assert await _credit(workspace) == (1000, 700)
    async with workspace.tx() as tx:
        facts = await tx.all(dict, "select kind, data from fact where kind = 'HoldExpired'")
        assert [(row["kind"], row["data"]["reference"]) for row in facts] == [("HoldExpired", "h2")]
        states = await tx.all(str, "select state from ledger_hold order by id")
        assert states == ["released", "expired", "pending"]
    await assert_right(workspace)


async def test_expiry_comes_with_the_workspaces_clock(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        await _reserve(tx, "h", 300, days=7)
    await workspace.drain()
    assert await _credit(workspace) == (1000, 700)
    async with workspace.tx() as tx:
        await tx.execute("update workspace set clock_offset = interval '8 days'")
    await workspace.drain()
    assert await _credit(workspace) == (1000, 1000)


async def test_a_hold_of_several_lines(workspace: WorkspaceUnderTest) -> None:
    held = AccountRef(Purpose.HELD_FUNDS, "USD", "job_1")
    payable = AccountRef(Purpose.SELLER_PAYABLE, "USD", "exp_1")
    commission = AccountRef(Purpose.COMMISSION_REVENUE, "USD")
    async with workspace.tx() as tx:
        await book(tx, "paid in", transfer(bank(), held, 10000))
        lines = [debit(held, 10000), credit(payable, 9000), credit(commission, 1000)]
        await service.reserve(tx, reference="h", kind="release", lines=lines)
    async with workspace.tx() as tx:
        await service.settle(tx, hold="h", reference="s", kind="release")
        assert await queries.balance(tx, payable) == 9000
        assert await queries.balance(tx, held) == 0
        assert await queries.balance(tx, tax()) == 0
    await assert_right(workspace)
