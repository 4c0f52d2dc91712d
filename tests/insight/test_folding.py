"""Folding: figures are exact at any moment, and the same bytes follow however and whenever the streams are folded."""

import asyncio
import random
from datetime import datetime, timedelta

import httpx
import pytest

from grace.domains.crm.service import merging
from grace.flows.collect_cash import service as cash
from grace.insight import folding, reading
from grace.insight.figures import REGISTRY, Span
from grace.insight.rows import place_of, row_out
from grace.kit.errors import Invalid
from grace.kit.money import to_major
from grace.kit.tx import Tx
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.insight.history import History, happens, kept_open
from tests.insight.oracle import Books, expected

STEPS = 70


@pytest.mark.parametrize("seed", range(2))
async def test_any_history_gives_exact_figures_and_the_same_bytes(workspace: WorkspaceUnderTest, seed: int) -> None:
    history = History(random.Random(seed), workspace)
    await live(history, STEPS)
    await fold_all(history)
    await compare(history)
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    for limit in (1_000, 11):
        await folding.rebuild(workspace.workspaces, workspace.handle, limit=limit)
        assert await folding.fingerprint(workspace.workspaces, workspace.handle) == folded
    async with workspace.tx() as tx:
        assert await tx.value("select insight_tail()") is None


async def test_customers_follow_merges_and_reversals_of_what_is_folded(workspace: WorkspaceUnderTest) -> None:
    history = History(random.Random(0), workspace)
    for client in range(3):
        async with workspace.tx() as tx:
            await history.client(tx)
        for days in (50 - 10 * client, 5):
            async with workspace.tx() as tx:
                invoice = await history.invoice(tx, client=history.clients[-1])
                await history.pay(tx, invoice=invoice, received_at=tx.now - timedelta(days=days))
    one, two, three = history.clients

    async def folded_and_compared() -> None:
        await fold_all(history)
        await compare(history)

    await folded_and_compared()
    for winner, loser in ((two, one), (three, two)):
        async with workspace.tx() as tx:
            await merging.merge_clients(tx, winner=winner, loser=loser)
        await folded_and_compared()
    first = "select id from payment where reversed_at is null order by received_at limit 1"
    for winner, loser in ((three, two), (two, one)):
        async with workspace.tx() as tx:
            await cash.reverse_payment(tx, payment=await tx.value(first), reason="mistyped")
        await folded_and_compared()
        async with workspace.tx() as tx:
            await merging.unmerge_clients(tx, winner=winner, loser=loser)
        await folded_and_compared()
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    await folding.rebuild(workspace.workspaces, workspace.handle)
    assert await folding.fingerprint(workspace.workspaces, workspace.handle) == folded


async def test_a_rebuild_beside_a_worker_waits_for_what_the_worker_folds(workspace: WorkspaceUnderTest) -> None:
    history = History(random.Random(5), workspace)
    for _ in range(20):
        await happens(history)
    await fold_all(history)
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    rebuilt = asyncio.Event()

    async def work() -> None:
        while not rebuilt.is_set():
            await folding.fold(workspace.workspaces, workspace.handle, limit=2)
            await asyncio.sleep(0.001)

    worker = asyncio.create_task(work())
    await folding.rebuild(workspace.workspaces, workspace.handle, limit=1)
    fingerprint = await folding.fingerprint(workspace.workspaces, workspace.handle)
    rebuilt.set()
    await worker
    assert fingerprint == folded
    with pytest.raises(Invalid, match="nowhere"):
        await folding.rebuild(workspace.workspaces, "nowhere")


async def test_a_cursor_that_is_ahead_of_the_server_begins_anew(workspace: WorkspaceUnderTest) -> None:
    history = History(random.Random(3), workspace)
    for _ in range(15):
        await happens(history)
    await fold_all(history)
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("update insight_cursor set fact_xid = '9000000000', posting_xid = '9000000000'")
        await owner.execute("update insight_sum set n = n + 1")
    await fold_all(history)
    assert await folding.fingerprint(workspace.workspaces, workspace.handle) == folded


async def test_what_is_too_much_to_wait_for_is_not_answered_until_it_is_folded(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    await happens(History(random.Random(0), workspace))
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute(
            "insert into fact (kind, topic, subject, data, at, recorded_at, request_id, principal)"
            " select 'X', 'x', 'x', '{}', now(), now(), 'r', 'p' from generate_series(1, 50000)"
        )
    for door in ("dashboard/overview", "insight/total_revenue/rows"):
        refused = await api.get(f"/api/v1/{door}")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/figures-behind")
        assert int(refused.headers["retry-after"]) > 0
    assert await folding.fold(workspace.workspaces, workspace.handle) > 0
    assert (await api.get("/api/v1/dashboard/overview")).status_code == 200


async def test_a_step_that_outlasts_a_request_is_the_owner_s(workspace: WorkspaceUnderTest) -> None:
    history = History(random.Random(0), workspace)
    for _ in range(10):
        await happens(history)
    await fold_all(history)
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("update insight_cursor set fact_xid = '9000000000', posting_xid = '9000000000'")
        await owner.execute(
            "create function outlast() returns trigger language plpgsql as $$ begin"
            " if current_setting('statement_timeout') <> '0' then raise query_canceled; end if; return null; end $$;"
            " create trigger outlast before delete on insight_row for each statement execute function outlast()"
        )
    await fold_all(history)
    assert await folding.fingerprint(workspace.workspaces, workspace.handle) == folded


async def test_nothing_is_written_when_there_is_nothing_to_fold(workspace: WorkspaceUnderTest) -> None:
    await fold_all(History(random.Random(0), workspace))
    async with workspace.workspaces.owner(workspace.handle) as owner:
        before = await (await owner.execute("select xmax::text from insight_cursor")).fetchone()
        assert await folding.fold(workspace.workspaces, workspace.handle) == 0
        assert await (await owner.execute("select xmax::text from insight_cursor")).fetchone() == before


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 130))
async def test_long_histories(workspace: WorkspaceUnderTest, seed: int) -> None:
    history = History(random.Random(seed), workspace)
    await live(history, 400)
    await fold_all(history)
    folded = await folding.fingerprint(workspace.workspaces, workspace.handle)
    await folding.rebuild(workspace.workspaces, workspace.handle, limit=random.Random(seed).randrange(1, 50))
    assert await folding.fingerprint(workspace.workspaces, workspace.handle) == folded


async def live(history: History, steps: int) -> None:
    """Random steps, folds of random size between them, and now and then a transaction that stays open."""
    chance = history.random
    for number in range(steps):
        if chance.random() < 0.08:
            async with kept_open(history, commit=chance.random() < 0.7):
                for _ in range(chance.randrange(4)):
                    await happens(history)
                    await fold(history)
                await compare(history)
        await happens(history)
        if number % 3 == 0:
            await later(history)
        if chance.random() < 0.3:
            await fold(history)
        if number % 30 == 0:
            await compare(history)


async def fold(history: History) -> None:
    """One step of folding; now and then it is interrupted before its commit."""
    workspace = history.workspace
    limit = history.random.choice((1, 2, 5, 50))
    if history.random.random() < 0.2:
        pool = await workspace.workspaces.pool(workspace.handle)
        async with pool.connection() as connection:
            await connection.execute("select insight_fold(%s)", [limit])
            await connection.rollback()
        return
    await folding.fold(workspace.workspaces, workspace.handle, limit=limit)


async def fold_all(history: History) -> None:
    """Until nothing is left."""
    while await folding.fold(
        history.workspace.workspaces, history.workspace.handle, limit=history.random.choice((1, 40))
    ):
        pass


async def later(history: History) -> None:
    """Business time goes on by up to six days."""
    async with history.workspace.workspaces.owner(history.workspace.handle) as owner:
        offset = timedelta(seconds=history.random.randrange(500_000))
        await owner.execute("update workspace set clock_offset = clock_offset + %s", [offset])


async def compare(history: History) -> None:
    """Sums, and rows one by one, against brute force over all time and over random times."""
    async with history.workspace.tx() as tx:
        for span in (Span(None, None, tx.now), some_time(history, tx.now), some_time(history, tx.now)):
            by_hand = await expected(tx, span)
            computed = await reading.figures(tx, list(by_hand), span)
            assert {name: (c.top, c.under) for name, c in computed.items()} == by_hand
            went = (await reading.read(tx, ["paid_out"], [span]))[span]
            assert sum(s.value_minor for s in went) == (await Books.of(tx)).paid_out(span)
            name = history.random.choice(list(REGISTRY))
            await compare_rows(tx, name, span, (await reading.figures(tx, [name], span))[name])


async def compare_rows(tx: Tx, name: str, span: Span, computed: reading.Computed) -> None:
    """Page after page, what rows add comes to what the sums say."""
    figure = REGISTRY[name]
    value = weight = to_major(0, "JPY")
    after = None
    while page := await reading.rows(tx, figure, span, after=after, limit=3):
        assert after is None or after < place_of(page[0])
        after = place_of(page[-1])
        for row in page:
            shown = row_out(tx, figure, span, row)
            value += shown.value or 0
            weight += shown.weight
    cents = 100 if figure.top.of == "value" else 1
    assert value * cents == computed.top
    assert weight * (100 if figure.under and figure.under.of == "value" else 1) == computed.under


def some_time(history: History, now: datetime) -> Span:
    """Between two moments of the last half year, or open on one side; some begin or end at midnight."""
    ends = sorted(now - timedelta(seconds=history.random.randrange(-86_400, 15_000_000)) for _ in range(2))
    start, stop = (
        end.replace(hour=0, minute=0, second=0, microsecond=0) if history.random.random() < 0.3 else end for end in ends
    )
    return Span(history.random.choice((start, start, None)), history.random.choice((stop, stop, None)), now)
