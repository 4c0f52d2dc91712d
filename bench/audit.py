"""What the audit log costs: one-insert transactions with and without an entry, the time to the seal, and none lost.

Every transaction is one of the kit (pool, begin, workspace row, one insert, commit), from 8 tasks. The sealer is a
process of its own, as in a worker, and runs throughout.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import quantiles

from psycopg import AsyncConnection

from bench.measure import Report, at_least, at_most
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs, service
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.rules.notes import Signer

WRITERS = 8
ROUNDS = 12
SLICE_S = 1.0


async def run(report: Report) -> None:
    """All figures of the audit log."""
    workspaces, handle = report.workspaces, await report.workspace()
    async with workspaces.owner(handle) as connection:
        await connection.execute(
            "create table bench_payment (id bigint generated always as identity primary key,"
            " client text not null, amount_minor bigint not null, note text not null)"
        )
        await connection.execute("grant select, insert on bench_payment to public")
    async with _sealer(workspaces, handle):
        await report.compare(
            "audit: one-insert transaction with an entry and the sealer",
            bar=at_least(0.7),
            candidate=lambda: _rate(workspaces, handle, audited=True),
            baseline=lambda: _rate(workspaces, handle, audited=False),
            rounds=ROUNDS,
        )
        latency = await _sealed_ms(workspaces, handle)
        report.record("audit: commit to sealed, p99", value=quantiles(latency, n=100)[98], bar=at_most(250), unit="ms")
        wrong = await _lost_or_doubled(workspaces, handle)
        report.record("audit: entries lost or doubled, rollbacks, slow transactions", value=wrong, bar=at_most(0))


async def _sealed_ms(workspaces: Workspaces, handle: str) -> list[float]:
    """Milliseconds from the return of each commit until its entry is seen to be sealed, under full load."""
    committed: dict[str, float] = {}
    seen: list[tuple[int, float]] = []
    over = asyncio.Event()

    async def watch() -> None:
        async with workspaces.owner(handle) as connection:
            while not over.is_set():
                cursor = await connection.execute("select size from audit_head")
                (size,) = await cursor.fetchone() or (0,)
                if not seen or seen[-1][0] != size:
                    seen.append((size, time.perf_counter()))
                await asyncio.sleep(0.002)

    async def write(writer: int, until: float) -> None:
        n = 0
        while time.perf_counter() < until:
            subject = f"seal_{writer}_{n}"
            async with transaction(workspaces, handle) as tx:
                await _business(tx)
                _record(tx, subject)
            committed[subject] = time.perf_counter()
            n += 1

    watcher = asyncio.create_task(watch())
    until = time.perf_counter() + 4
    await asyncio.gather(*(write(writer, until) for writer in range(WRITERS)))
    await _all_sealed(workspaces, handle)
    over.set()
    await watcher
    places = await _places(workspaces, handle)
    times = iter(seen)
    size, moment = next(times)
    latency = []
    for place, subject in sorted((place, subject) for subject, place in places if subject in committed):
        while size <= place:
            size, moment = next(times, (place + 1, time.perf_counter()))
        latency.append(max(moment - committed[subject], 0) * 1000)
    return latency


async def _lost_or_doubled(workspaces: Workspaces, handle: str) -> int:
    """How many entries were lost, sealed twice, or sealed without a commit.

    One transaction in twenty rolls back, and they stay open up to 20 ms.
    """
    chance = random.Random(1)
    written: set[str] = set()

    async def write(writer: int, until: float) -> None:
        n = 0
        while time.perf_counter() < until:
            n += 1
            subject = f"slow_{writer}_{n}"
            with suppress(ArithmeticError):
                async with transaction(workspaces, handle) as tx:
                    await _business(tx)
                    _record(tx, subject)
                    await tx.flush()
                    await asyncio.sleep(chance.choice((0, 0, 0.005, 0.02)))
                    if chance.random() < 0.05:
                        raise ArithmeticError
                written.add(subject)

    until = time.perf_counter() + 5
    await asyncio.gather(*(write(writer, until) for writer in range(WRITERS)))
    await _all_sealed(workspaces, handle)
    sealed = [subject for subject, _ in await _places(workspaces, handle) if subject.startswith("slow_")]
    return len(written ^ set(sealed)) + len(sealed) - len(set(sealed))


async def _rate(workspaces: Workspaces, handle: str, *, audited: bool) -> float:
    """Transactions per second; what they left to seal is sealed before the next measure begins."""

    async def write(until: float) -> int:
        n = 0
        while time.perf_counter() < until:
            async with transaction(workspaces, handle) as tx:
                await _business(tx)
                if audited:
                    _record(tx, f"pay_{n}")
            n += 1
        return n

    start = time.perf_counter()
    done = sum(await asyncio.gather(*(write(start + SLICE_S) for _ in range(WRITERS))))
    rate = done / (time.perf_counter() - start)
    await _all_sealed(workspaces, handle)
    return rate


async def _business(tx: Tx) -> None:
    await tx.execute(
        "insert into bench_payment (client, amount_minor, note) values (%(client)s, %(amount)s, %(note)s)",
        client="cust_1",
        amount=1500,
        note="by bank transfer",
    )


def _record(tx: Tx, subject: str) -> None:
    service.record(
        tx,
        action="take_payment",
        subject=("payment", subject),
        reason="bank statement",
        after={"client_id": "cust_1", "amount_minor": 1500, "status": "paid"},
    )


async def _all_sealed(workspaces: Workspaces, handle: str) -> None:
    async with workspaces.owner(handle) as connection, asyncio.timeout(60):
        while True:
            cursor = await connection.execute(
                "select (select true from audit_entry e where (e.xid, e.id) > (h.xid, h.entry_id)"
                " order by e.xid, e.id limit 1) is null from audit_head h"
            )
            if (await cursor.fetchone() or (False,))[0]:
                return
            await asyncio.sleep(0.02)


async def _places(workspaces: Workspaces, handle: str) -> list[tuple[str, int]]:
    async with workspaces.owner(handle) as connection:
        cursor = await connection.execute(
            "select e.subject_id, l.index from audit_entry e join audit_leaf l on l.xid = e.xid and l.entry_id = e.id"
        )
        return await cursor.fetchall()


@asynccontextmanager
async def _sealer(workspaces: Workspaces, handle: str) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory(prefix="grace-bench-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.audit", workspaces.dsn(handle), f"{folder}/checkpoints.log"
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def _seal(dsn: str, path: str) -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[AsyncConnection]:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            yield connection

    await jobs.run_sealer(
        connect, signer=Signer("grace/bench", bytes(32)), file=CheckpointFile(Path(path)), stop=asyncio.Event()
    )


if __name__ == "__main__":
    asyncio.run(_seal(*sys.argv[1:]))
