"""The sealing loop: one of many seals, another takes over, and no moment to die loses or doubles anything."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from grace.trust.audit import jobs
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.rules.notes import split_notes
from tests.trust.audit.conftest import Log


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


def holders(log: Log) -> Callable[[], Awaitable[object]]:
    return lambda: log.value(
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
        " where l.locktype = 'advisory' and l.granted and d.datname = current_database()"
    )


async def unsealed(log: Log) -> int:
    count = await log.value(
        "select count(*) from audit_entry e where not exists (select from audit_leaf l where l.entry_id = e.id)"
    )
    assert isinstance(count, int)
    return count


@asynccontextmanager
async def loop(log: Log, path: Path) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(
        jobs.run_sealer(log.owner, signer=log.signer, file=CheckpointFile(path), stop=stop, interval_ms=5, retry_ms=10)
    )
    try:
        yield stop
    finally:
        stop.set()
        await task


async def test_the_loop_seals_and_writes_the_file(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "main.log"

    async def in_file() -> bool:
        return path.exists() and (await log.verify(against=path.read_bytes())).proven_size == 10

    async with loop(log, path):
        await log.record(10)
        await until(in_file)
    assert await holders(log)() == 0


async def test_one_of_two_seals_and_the_other_takes_over(log: Log, tmp_path: Path) -> None:
    async def one_holder() -> bool:
        return await holders(log)() == 1

    async def none_left() -> bool:
        return await unsealed(log) == 0

    async with loop(log, tmp_path / "a.log") as first, loop(log, tmp_path / "b.log") as second:
        await until(one_holder)
        await log.record(10)
        await until(none_left)
        writer = first if (tmp_path / "a.log").exists() else second
        writer.set()
        await log.record(10)
        await until(none_left)
    assert (await log.verify()).ok
    notes = [split_notes((tmp_path / name).read_text()) for name in ("a.log", "b.log")]
    assert len(max(notes, key=len)) == await log.value("select count(*) from audit_checkpoint")


async def test_a_lost_connection_is_opened_again(log: Log, tmp_path: Path) -> None:
    async def none_left() -> bool:
        return await unsealed(log) == 0

    async with loop(log, tmp_path / "main.log"):
        await log.record(3)
        await until(none_left)
        await log.value(
            "select count(pg_terminate_backend(l.pid)) from pg_locks l join pg_database d on d.oid = l.database"
            " where l.locktype = 'advisory' and d.datname = current_database()"
        )
        await log.record(3)
        await until(none_left)
    assert (await log.verify()).ok


async def test_a_rewound_log_is_not_signed_and_said(log: Log, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await log.record(5)
    await log.seal()
    file = CheckpointFile(tmp_path / "main.log")
    async with log.owner() as connection:
        await file.complete(connection)
    await log.tamper("delete from audit_checkpoint")

    async def said() -> bool:
        return any(record.levelno == logging.CRITICAL for record in caplog.records)

    async with loop(log, file.path):
        await log.record(5)
        await until(said)
    assert await unsealed(log) == 5


@asynccontextmanager
async def process(log: Log, path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.trust.audit.sealer_process", log.workspaces.dsn(), log.handle, str(path)
    )
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()


async def test_a_sealer_killed_in_the_middle_of_a_pass(log: Log, tmp_path: Path) -> None:
    """Its pass stops at a lock that the test holds, after the leaves were inserted: none of it may remain."""
    path = tmp_path / "main.log"

    async def waits() -> bool:
        return bool(
            await log.value(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and wait_event_type = 'Lock' and query like '%insert into audit_checkpoint%'"
            )
        )

    async with log.owner() as blocker, blocker.transaction():
        await blocker.execute("lock table audit_checkpoint in share mode")
        await log.record(20)
        async with process(log, path) as worker:
            await until(waits)
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
    async with process(log, path):

        async def none_left() -> bool:
            return await unsealed(log) == 0 and path.exists()

        await until(none_left)
    assert await log.value("select count(*) from audit_leaf") == 20
    report = await log.verify(against=path.read_bytes())
    assert (report.ok, report.proven_size) == (True, 20), report.sentences()


async def test_sealers_killed_again_and_again(log: Log, tmp_path: Path) -> None:
    """kill -9 while entries keep coming, after a number of passes that differs each time."""
    path = tmp_path / "main.log"
    written = 0
    for passes in (2, 5):
        seen = await log.value("select count(*) from audit_checkpoint")
        assert isinstance(seen, int)

        async def has_sealed(least: int = seen + passes) -> bool:
            count = await log.value("select count(*) from audit_checkpoint")
            return isinstance(count, int) and count >= least

        async with process(log, path) as worker:
            async with asyncio.timeout(20):
                while not await has_sealed():
                    await log.record(3)
                    written += 3
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
    await log.seal()
    async with log.owner() as connection:
        await CheckpointFile(path).complete(connection)
    report = await log.verify(against=path.read_bytes())
    assert (report.ok, report.size, report.proven_size) == (True, written, written), report.sentences()
