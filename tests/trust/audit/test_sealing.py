"""Sealing: every committed entry once, whatever the transactions and the sealers do."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from psycopg import AsyncConnection

from grace.trust.audit import jobs, queries, sealing, service
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.rules import merkle
from grace.trust.audit.rules.notes import parse_checkpoint
from tests.trust.audit.conftest import Log


async def sealed_subjects(log: Log) -> list[str]:
    async with log.owner() as connection:
        cursor = await connection.execute(
            "select e.subject_id from audit_leaf l join audit_entry e on e.xid = l.xid and e.id = l.entry_id"
            " order by l.index"
        )
        return [subject for (subject,) in await cursor.fetchall()]


async def test_an_empty_log(log: Log) -> None:
    async with log.owner() as connection:
        assert await sealing.seal(connection, signer=log.signer) == sealing.SealResult(0, None)
    assert await log.value("select count(*) from audit_checkpoint") == 0


async def test_a_pass_gives_places_and_one_signature(log: Log) -> None:
    await log.record(40)
    async with log.owner() as connection:
        result = await sealing.seal(connection, signer=log.signer)
    assert result.sealed == 40
    assert result.checkpoint is not None
    note = parse_checkpoint(result.checkpoint.note)
    assert (note.size, note.root) == (40, result.checkpoint.root)
    assert note.is_signed_by(f"grace/{log.handle}", log.signer.public_key)
    assert await log.value("select array_agg(index order by index) from audit_leaf") == list(range(40))
    assert await log.value("select count(*) from audit_node") == 2
    async with log.tx() as tx:
        assert await queries.last_checkpoint(tx) == result.checkpoint


async def test_passes_are_limited_and_go_on_where_they_stopped(log: Log) -> None:
    await log.record(50)
    async with log.owner() as connection:
        sealed = [(await sealing.seal(connection, signer=log.signer, limit=20)).sealed for _ in range(4)]
    assert sealed == [20, 20, 10, 0]
    assert (await log.verify()).ok


async def test_an_entry_that_commits_late_is_not_missed(log: Log) -> None:
    """Its id is lower than that of entries which committed before it."""
    async with log.owner() as connection:
        async with log.tx() as slow:
            service.record(slow, action="touch", subject=("thing", "slow"))
            await slow.flush()
            await log.record(5, subject="quick")
            assert (await sealing.seal(connection, signer=log.signer)).sealed == 0
        assert await jobs.drain(connection, signer=log.signer) == 6
    assert await sealed_subjects(log) == ["slow", *(f"quick_{n}" for n in range(5))]


async def test_drain_says_that_an_entry_is_held_back(log: Log) -> None:
    async with log.owner() as connection, log.tx() as slow:
        await slow.value("select pg_current_xact_id()")
        await log.record(1)
        async with log.tx() as tx:
            assert await queries.seal_lag_seconds(tx) > 0
        with pytest.raises(TimeoutError):
            await jobs.drain(connection, signer=log.signer, timeout_ms=100)
    await log.seal()
    async with log.tx() as tx:
        assert await queries.seal_lag_seconds(tx) == 0


@asynccontextmanager
async def sealers(log: Log, count: int) -> AsyncIterator[None]:
    """Passes without pause on several connections at once."""
    over = asyncio.Event()

    async def run() -> None:
        async with log.owner() as connection:
            while not over.is_set():
                await sealing.seal(connection, signer=log.signer, limit=50)
                await asyncio.sleep(0)

    tasks = [asyncio.create_task(run()) for _ in range(count)]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*tasks)


async def test_no_entry_is_lost_or_doubled_with_rollbacks_and_slow_transactions(log: Log) -> None:
    """Eight writers, one in twenty rolls back, transactions stay open up to 20 ms; two sealers at once."""
    chance = random.Random(5)
    committed: list[str] = []

    async def write(writer: int) -> None:
        for n in range(60):
            subject = f"{writer}_{n}"
            try:
                async with log.tx() as tx:
                    service.record(tx, action="touch", subject=("thing", subject))
                    await tx.flush()
                    await asyncio.sleep(chance.choice([0, 0, 0.002, 0.02]))
                    if chance.random() < 0.05:
                        raise ArithmeticError
            except ArithmeticError:
                continue
            committed.append(subject)

    async with sealers(log, 2):
        await asyncio.gather(*(write(writer) for writer in range(8)))
    await log.seal()
    assert 400 < len(committed) < 480
    assert sorted(await sealed_subjects(log)) == sorted(committed)
    report = await log.verify()
    assert (report.sentences()[-1], report.size, report.unsealed) == ("Nothing was altered.", len(committed), 0)
    assert report.checkpoints > 10


async def test_a_log_restored_into_another_server_goes_on(log: Log) -> None:
    """There the count of transactions is lower: new entries have xids far below what was sealed."""
    await log.record(30)
    await log.seal()
    await log.record(4, subject="left")
    await log.tamper(
        *(f"update audit_{table} set xid = (xid::text::bigint + 1000000)::text::xid8" for table in ("entry", "leaf")),
        "update audit_head set xid = (xid::text::bigint + 1000000)::text::xid8, cluster = cluster + 1",
    )
    await log.record(5, subject="new")
    await log.seal()
    await log.record(5, subject="newer")
    await log.seal()
    assert sorted((await sealed_subjects(log))[30:]) == sorted(
        [*(f"left_{n}" for n in range(4)), *(f"{name}_{n}" for n in range(5) for name in ("new", "newer"))]
    )
    report = await log.verify()
    assert (report.ok, report.size) == (True, 44), report.sentences()


async def test_a_tree_that_was_changed_is_not_signed_on(log: Log) -> None:
    await log.record(20)
    await log.seal()
    await log.tamper("delete from audit_checkpoint")
    await log.record(1)
    async with log.owner() as connection:
        with pytest.raises(LogRewound, match="does not end in the last checkpoint"):
            await sealing.seal(connection, signer=log.signer)
    await log.tamper("delete from audit_node")
    async with log.owner() as connection:
        with pytest.raises(LogRewound, match="missing"):
            await sealing.seal(connection, signer=log.signer)
    assert await log.value("select count(*) from audit_leaf") == 20


async def test_proofs_from_stored_nodes(log: Log) -> None:
    await log.record(300)
    async with log.owner() as connection:
        for limit in (7, 100, 150, 43):
            await sealing.seal(connection, signer=log.signer, limit=limit)
        cursor = await connection.execute("select size, root from audit_checkpoint order by size")
        roots = dict(await cursor.fetchall())
        cursor = await connection.execute("select hash from audit_leaf order by index")
        leaves = [hash_ for (hash_,) in await cursor.fetchall()]
    assert list(roots) == [7, 107, 257, 300]
    async with log.tx() as tx:
        for index in (0, 6, 100, 255, 256, 299):
            proof = await queries.inclusion_proof(tx, leaf=index, size=300)
            assert merkle.root_of_inclusion(leaves[index], index, 300, proof) == roots[300]
        for old in (7, 107, 257):
            proof = await queries.consistency_proof(tx, old_size=old, size=300)
            assert merkle.is_consistent(old, 300, roots[old], roots[300], proof)
        with pytest.raises(LogRewound):
            await queries.inclusion_proof(tx, leaf=0, size=400)


async def test_the_cost_of_a_pass_does_not_grow_with_the_log(log: Log) -> None:
    async def pages_read(connection: AsyncConnection) -> int:
        await log.record(20)
        before = await _blocks(connection)
        assert (await sealing.seal(connection, signer=log.signer)).sealed == 20
        return await _blocks(connection) - before

    async with log.owner() as connection:
        small = min([await pages_read(connection) for _ in range(3)])
        for _ in range(4):
            await log.record(1000)
            await log.seal()
        assert min([await pages_read(connection) for _ in range(3)]) <= small * 2 + 100


async def _blocks(connection: AsyncConnection) -> int:
    await connection.execute("select pg_stat_force_next_flush()")
    cursor = await connection.execute(
        "select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint"
        " from pg_statio_user_tables where relname like 'audit%'"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
