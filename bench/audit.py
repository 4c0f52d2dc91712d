"""What the audit log costs: one-insert transactions with and without it, the time to the seal, and that none is lost.

Every transaction is one of the kit (pool, begin, workspace row, one insert, commit) from 8 tasks; the sealer
is a process of its own and runs throughout. `python -m bench.audit` runs it alone.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles

from grace.app.installation import create_workspace
from grace.app.postgres import server
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs, service
from grace.trust.audit.checkpoints import CheckpointFile

WRITERS = 8
ROUNDS = 11
SLICE_S = 0.6
HANDLE = "bench"
MASTER_KEY = bytes(32)


async def main() -> None:
    """Measure everything on an embedded server with fsync on; a line per figure."""
    async with _workspaces() as workspaces, _sealer(workspaces):
        rounds = await transaction_rounds(workspaces)
        ratios = [with_audit / without for with_audit, without in rounds]
        ratio = median(ratios)
        spread = (quantiles(ratios)[2] - quantiles(ratios)[0]) / ratio
        verdict = "noisy" if spread > 0.3 else "ok" if ratio >= 0.7 else "short"
        value, baseline = (median(column) for column in zip(*rounds, strict=True))
        print(f"audit transactions/s | {value:.0f} | {baseline:.0f} | {ratio:.2f} | 0.70 | {verdict}")
        latency = await sealed_ms(workspaces)
        p99 = quantiles(latency, n=100)[98]
        print(f"audit sealed p99 ms | {p99:.0f} | - | - | 250 | {'ok' if p99 <= 250 else 'short'}")
        lost, doubled, written = await lost_entries(workspaces)
        print(f"audit lost of {written} | {lost + doubled} | 0 | - | 0 | {'short' if lost or doubled else 'ok'}")


async def transaction_rounds(workspaces: Workspaces) -> list[tuple[float, float]]:
    """Transactions per second with and without an entry, side by side; the first round is dropped."""
    rounds = []
    for n in range(ROUNDS + 1):
        measured = {
            audited: await _throughput(workspaces, audited) for audited in ((True, False), (False, True))[n % 2]
        }
        rounds.append((measured[True], measured[False]))
    return rounds[1:]


async def sealed_ms(workspaces: Workspaces) -> list[float]:
    """Milliseconds from the return of each commit until its entry is seen to be sealed, under full load."""
    committed: dict[str, float] = {}
    seen: list[tuple[int, float]] = []
    over = asyncio.Event()

    async def watch() -> None:
        async with workspaces.owner(HANDLE) as connection:
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
            async with transaction(workspaces, HANDLE) as tx:
                await _business(tx)
                _record(tx, subject)
            committed[subject] = time.perf_counter()
            n += 1

    watcher = asyncio.create_task(watch())
    until = time.perf_counter() + 4
    await asyncio.gather(*(write(writer, until) for writer in range(WRITERS)))
    await _all_sealed(workspaces)
    over.set()
    await watcher
    places = await _places(workspaces)
    times = iter(seen)
    size, moment = next(times)
    latency = []
    for place, subject in sorted((place, subject) for subject, place in places if subject in committed):
        while size <= place:
            size, moment = next(times, (place + 1, time.perf_counter()))
        latency.append(max(moment - committed[subject], 0) * 1000)
    return latency


async def lost_entries(workspaces: Workspaces) -> tuple[int, int, int]:
    """Lost, doubled and written entries: one in twenty rolls back, transactions stay open up to 20 ms."""
    chance = random.Random(1)
    written: set[str] = set()

    async def write(writer: int, until: float) -> None:
        n = 0
        while time.perf_counter() < until:
            n += 1
            subject = f"slow_{writer}_{n}"
            with suppress(ArithmeticError):
                async with transaction(workspaces, HANDLE) as tx:
                    await _business(tx)
                    _record(tx, subject)
                    await tx.flush()
                    await asyncio.sleep(chance.choice((0, 0, 0.005, 0.02)))
                    if chance.random() < 0.05:
                        raise ArithmeticError
                written.add(subject)

    until = time.perf_counter() + 5
    await asyncio.gather(*(write(writer, until) for writer in range(WRITERS)))
    await _all_sealed(workspaces)
    sealed = [subject for subject, _ in await _places(workspaces) if subject.startswith("slow_")]
    return len(written - set(sealed)), len(sealed) - len(set(sealed)) + len(set(sealed) - written), len(written)


async def _throughput(workspaces: Workspaces, audited: bool) -> float:
    async def write(until: float) -> int:
        n = 0
        while time.perf_counter() < until:
            async with transaction(workspaces, HANDLE) as tx:
                await _business(tx)
                if audited:
                    _record(tx, f"pay_{n}")
            n += 1
        return n

    start = time.perf_counter()
    done = sum(await asyncio.gather(*(write(start + SLICE_S) for _ in range(WRITERS))))
    rate = done / (time.perf_counter() - start)
    await _all_sealed(workspaces)
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


async def _all_sealed(workspaces: Workspaces) -> None:
    async with workspaces.owner(HANDLE) as connection, asyncio.timeout(60):
        while True:
            cursor = await connection.execute(
                "select (select true from audit_entry e where (e.xid, e.id) > (h.xid, h.entry_id)"
                " order by e.xid, e.id limit 1) is null from audit_head h"
            )
            if (await cursor.fetchone() or (False,))[0]:
                return
            await asyncio.sleep(0.02)


async def _places(workspaces: Workspaces) -> list[tuple[str, int]]:
    async with workspaces.owner(HANDLE) as connection:
        cursor = await connection.execute(
            "select e.subject_id, l.index from audit_entry e join audit_leaf l on l.xid = e.xid and l.entry_id = e.id"
        )
        return await cursor.fetchall()


@asynccontextmanager
async def _workspaces() -> AsyncIterator[Workspaces]:
    with tempfile.TemporaryDirectory(prefix="grace-bench-") as folder:
        workspaces = Workspaces(server.start(Path(folder)).dsn, master_key=MASTER_KEY, pool_size=WRITERS)
        try:
            await create_workspace(workspaces, HANDLE, kind="test")
            async with workspaces.owner(HANDLE) as connection:
                await connection.execute(
                    "create table bench_payment (id bigint generated always as identity primary key,"
                    " client text not null, amount_minor bigint not null, note text not null)"
                )
                await connection.execute("grant select, insert on bench_payment to grace_app")
            yield workspaces
        finally:
            await workspaces.close()
            server.discard(Path(folder))


@asynccontextmanager
async def _sealer(workspaces: Workspaces) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory(prefix="grace-bench-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.audit", "seal", workspaces.dsn(), f"{folder}/checkpoints.log"
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def _seal(dsn: str, path: str) -> None:
    workspaces = Workspaces(dsn, master_key=MASTER_KEY)
    async with transaction(workspaces, HANDLE) as tx:
        signer = await service.load_or_create_signer(tx)
    await jobs.run_sealer(
        lambda: workspaces.owner(HANDLE), signer=signer, file=CheckpointFile(Path(path)), stop=asyncio.Event()
    )


if __name__ == "__main__":
    asyncio.run(_seal(*sys.argv[2:]) if sys.argv[1:2] == ["seal"] else main())
