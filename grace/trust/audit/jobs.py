"""The sealing loop of a worker, and waiting until everything is sealed."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import psycopg
from psycopg import AsyncConnection

from grace.trust.audit import finding
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.rules.notes import Signer
from grace.trust.audit.sealing import BATCH, seal

Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

INTERVAL_MS = 100
RETRY_MS = 2_000
_LOCK = 0x67_61_75_64_69_74  # "gaudit"

log = logging.getLogger("grace.audit")


async def run_sealer(
    connect: Connect,
    *,
    signer: Signer,
    file: CheckpointFile,
    stop: asyncio.Event,
    interval_ms: int = INTERVAL_MS,
    retry_ms: int = RETRY_MS,
) -> None:
    """Seal one workspace's log every `interval_ms` until `stop` is set.

    Of many workers one seals: it holds a session advisory lock; the others ask for it every `retry_ms`
    and so take over when it ends. `connect` gives an owner's connection in autocommit. A lost connection
    is opened again; a log that was rewound is not signed, said in the log, and looked at again.
    """
    while not stop.is_set():
        try:
            async with connect() as connection:
                if await _lock(connection):
                    await _seal_until_broken(connection, signer, file, stop, interval_ms)
        except LogRewound as error:
            log.critical("sealing of %s stopped: %s", signer.origin, error)
        except (psycopg.Error, OSError) as error:
            log.warning("sealing of %s is interrupted: %s", signer.origin, error)
        await _wait(stop, retry_ms)


async def drain(connection: AsyncConnection, *, signer: Signer, timeout_ms: int = 10_000) -> int:
    """Seal until every committed entry is sealed; how many it sealed. TimeoutError when one is held back:

    by a writing transaction that began before the entry's, in any database of the server.
    """
    sealed = 0
    async with asyncio.timeout(timeout_ms / 1000):
        while True:
            sealed += (await seal(connection, signer=signer)).sealed
            cursor = await connection.execute(
                "select (select true from audit_entry e where (e.xid, e.id) > (h.xid, h.entry_id)"
                " and (select l.index from audit_leaf l where l.entry_id = e.id) is null"
                " order by e.xid, e.id limit 1) is not null from audit_head h"
            )
            if not (await cursor.fetchone() or [False])[0]:
                return sealed
            await asyncio.sleep(0.005)


async def _lock(connection: AsyncConnection) -> bool:
    cursor = await connection.execute("select pg_try_advisory_lock(%s)", [_LOCK])
    return bool((await cursor.fetchone() or [False])[0])


async def _seal_until_broken(
    connection: AsyncConnection, signer: Signer, file: CheckpointFile, stop: asyncio.Event, interval_ms: int
) -> None:
    try:
        if (aside := file.leave_to(signer)) is not None:
            log.warning("%s was of another log; it is %s now", file.path, aside)
        await file.complete(connection)
        await _seal_until(connection, signer, file, stop, interval_ms)
    except LogRewound as error:
        await finding.note(connection, f"Sealing stopped: {error}.")
        raise


async def _seal_until(
    connection: AsyncConnection, signer: Signer, file: CheckpointFile, stop: asyncio.Event, interval_ms: int
) -> None:
    while not stop.is_set():
        result = await seal(connection, signer=signer)
        if result.checkpoint is not None:
            await asyncio.to_thread(file.append, result.checkpoint.note)
        if result.sealed < BATCH:
            await _wait(stop, interval_ms)


async def _wait(stop: asyncio.Event, wait_ms: int) -> None:
    try:
        await asyncio.wait_for(stop.wait(), wait_ms / 1000)
    except TimeoutError:
        return
