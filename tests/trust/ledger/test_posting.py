"""Posting: what is booked, what is refused, and the same reference again."""

from datetime import UTC, datetime, timedelta

import pytest

from grace.trust.ledger import queries, service
from grace.trust.ledger.errors import InsufficientFunds, ReferenceUsed, Unbalanced, UnknownAccount
from grace.trust.ledger.models import NewPosting
from grace.trust.ledger.rules import CHART, AccountRef, Line, Purpose, Traits, credit, debit, exchange
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import (
    assert_right,
    bank,
    book,
    customer_credit,
    fund,
    receivable,
    revenue,
    tax,
    transfer,
)


async def test_invoice_and_payment(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await book(tx, "issued", [debit(receivable(), 11900), credit(revenue(), 10000), credit(tax(), 1900)])
    async with workspace.tx() as tx:
        await book(tx, "paid", transfer(bank(), receivable(), 11900))
    async with workspace.tx() as tx:
        assert await queries.balance(tx, receivable()) == 0
        assert await queries.balance(tx, revenue()) == 10000
        assert await queries.balance(tx, tax()) == 1900
        assert await queries.balance(tx, bank()) == 11900
        assert await queries.balance(tx, receivable("nobody")) == 0
    await assert_right(workspace)


async def test_posting_takes_one_statement(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        before = tx.statements
        await book(tx, "a", transfer(receivable(), revenue(), 5))
        assert tx.statements == before + 1


async def test_business_time_is_the_transactions_unless_given(workspace: WorkspaceUnderTest) -> None:
    then = datetime(2020, 2, 29, 12, tzinfo=UTC)
    async with workspace.tx() as tx:
        now = tx.now
        await book(tx, "now", transfer(receivable(), revenue(), 5))
        await service.post(
            tx, reference="then", kind="test", lines=transfer(receivable(), revenue(), 7), event_at=then, memo="late"
        )
        rows = await tx.all(dict, "select reference, event_at, recorded_at, memo from ledger_posting order by id")
    assert [(row["reference"], row["event_at"], row["memo"]) for row in rows] == [
        ("now", now, None),
        ("then", then, "late"),
    ]
    assert all(abs(row["recorded_at"] - now) < timedelta(minutes=1) for row in rows)


async def test_lines_of_one_account_become_one_entry(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await book(tx, "a", [debit(receivable(), 30), credit(revenue(), 10), credit(revenue(), 20), debit(tax(), 0)])
        assert await tx.value("select count(*) from ledger_entry") == 2


@pytest.mark.parametrize(
    "lines",
    [
        transfer(receivable(), revenue(), 500),
        (debit(receivable(), 500), credit(revenue(), 400), credit(tax(), 100)),
    ],
)
async def test_same_reference_again(workspace: WorkspaceUnderTest, lines: tuple[Line, ...]) -> None:
    async with workspace.tx() as tx:
        first = await book(tx, "a", lines)
        assert await book(tx, "a", lines) == first
    async with workspace.tx() as tx:
        assert await book(tx, "a", reversed(lines)) == first
        assert await tx.value("select count(*) from ledger_posting") == 1
    for other in (
        transfer(receivable(), revenue(), 501),
        transfer(receivable("cust_2"), revenue(), 500),
        transfer(receivable(currency="EUR"), revenue("EUR"), 500),
        (*lines[:1], credit(bank(), 500)),
    ):
        with pytest.raises(ReferenceUsed):
            async with workspace.tx() as tx:
                await book(tx, "a", other)
    with pytest.raises(ReferenceUsed):
        async with workspace.tx() as tx:
            await book(tx, "a", lines, kind="other")
    async with workspace.tx() as tx:
        assert await queries.posting_id(tx, "a") == first
        assert await queries.posting_id(tx, "b") is None
    await assert_right(workspace)


async def test_floor_refuses_and_leaves_nothing(workspace: WorkspaceUnderTest) -> None:
    await fund(workspace, "cust_1", 1000)
    for lines in (
        transfer(customer_credit(), revenue(), 1001),
        (debit(customer_credit(), 1001), credit(revenue(), 1000), credit(tax(), 1)),
    ):
        with pytest.raises(InsufficientFunds):
            async with workspace.tx() as tx:
                await book(tx, "spend", lines)
    async with workspace.tx() as tx:
        await book(tx, "spend", transfer(customer_credit(), revenue(), 1000))
    async with workspace.tx() as tx:
        assert await queries.balance(tx, customer_credit()) == 0
    await assert_right(workspace)


async def test_what_the_outside_did_is_bookable_without_floor(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await book(tx, "overpaid", transfer(bank(), receivable(), 700))
        assert await queries.balance(tx, receivable()) == -700


async def test_exchange_sums_to_zero_in_each_currency(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await book(tx, "issued", transfer(receivable(), revenue(), 10800))
        await book(tx, "paid", exchange(debit(bank("EUR"), 10000), credit(receivable(), 10800)))
        assert await queries.balance(tx, receivable()) == 0
        assert await queries.balance(tx, AccountRef(Purpose.FX_LIQUIDITY, "EUR")) == -10000
        assert await queries.balance(tx, AccountRef(Purpose.FX_LIQUIDITY, "USD")) == 10800
    await assert_right(workspace)


async def test_unbalanced_and_impossible_lines_are_refused(workspace: WorkspaceUnderTest) -> None:
    for lines in (
        [debit(receivable(), 5)],
        [debit(receivable(), 5), credit(revenue(), 4)],
        [debit(receivable(), 5), credit(revenue("EUR"), 5)],
        [debit(receivable(), 5), credit(receivable(), 5)],
        [],
    ):
        async with workspace.tx() as tx:
            with pytest.raises(Unbalanced):
                await book(tx, "a", lines)
    for account in (
        AccountRef(Purpose.RECEIVABLE, "USD"),
        AccountRef(Purpose.FX_LIQUIDITY, "USD", "cust_1"),
        AccountRef(Purpose.BANK, "usd"),
    ):
        async with workspace.tx() as tx:
            with pytest.raises(UnknownAccount):
                await book(tx, "a", transfer(account, revenue(), 5))


async def test_batch_posts_all_or_nothing_and_once(workspace: WorkspaceUnderTest) -> None:
    postings = [
        NewPosting("a", "test", transfer(bank(), customer_credit(), 50)),
        NewPosting("b", "test", (debit(customer_credit(), 30), credit(revenue(), 20), credit(tax(), 10))),
        NewPosting("c", "test", transfer(customer_credit(), customer_credit("cust_2"), 20)),
    ]
    async with workspace.tx() as tx:
        second = await book(tx, "b0", transfer(receivable(), revenue(), 1))
        ids = await service.post_many(tx, postings=postings)
        assert sorted(ids) == ids
        assert second not in ids
        assert await service.post_many(tx, postings=[]) == []
    more = [*postings, NewPosting("d", "test", transfer(receivable(), revenue(), 9))]
    async with workspace.tx() as tx:
        assert (await service.post_many(tx, postings=more))[:3] == ids
    for bad, error in (
        (NewPosting("e", "test", transfer(customer_credit("cust_2"), revenue(), 21)), InsufficientFunds),
        (NewPosting("c", "test", transfer(receivable(), revenue(), 9)), ReferenceUsed),
        (NewPosting("f", "test", transfer(receivable(), revenue(), 9)), Unbalanced),
    ):
        with pytest.raises(error):
            async with workspace.tx() as tx:
                await service.post_many(
                    tx, postings=[NewPosting("f", "test", transfer(receivable(), revenue(), 1)), bad]
                )
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from ledger_posting") == 5
        assert await queries.balance(tx, customer_credit("cust_2")) == 20
        assert await queries.balance(tx, customer_credit()) == 0
    await assert_right(workspace)


async def test_chart_is_the_databases(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        rows = await tx.all(dict, "select * from ledger_purpose")
    assert {row.pop("purpose"): Traits(**row) for row in rows} == CHART
    assert not any(traits.tail and not traits.allow_negative for traits in CHART.values())
