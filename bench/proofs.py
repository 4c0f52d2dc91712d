"""One million entries: how long their verification takes in the database and from an export, and what one proof costs.

The entries are made without the application, a page at a time, and sealed by the sealer.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from psycopg import AsyncConnection

from bench.measure import Report, at_most
from grace.app.strangers import VERIFIER
from grace.kit.tx import transaction
from grace.trust.audit import jobs, queries, service
from grace.trust.audit.exporting import export
from grace.trust.audit.rules import canonical

ENTRIES = 1_000_000
PAGE = 5_000
PROOFS = 200
SECONDS, MIB = 20, 512


async def run(report: Report) -> None:
    """All figures of proofs."""
    workspaces, handle = report.workspaces, await report.workspace()
    async with transaction(workspaces, handle) as tx:
        signer = await service.load_or_create_signer(tx)
    async with workspaces.owner(handle) as connection:
        for start in range(0, ENTRIES, PAGE):
            await _insert(connection, start)
            await jobs.drain(connection, signer=signer)
        await connection.execute("analyze")
    await _proofs(report, handle)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.export"
        async with workspaces.owner(handle) as connection:
            with path.open("wb") as file:
                began = time.perf_counter()
                await export(connection, file.write)
        seconds = time.perf_counter() - began
        report.record("proofs: export of a million entries", value=seconds, bar=at_most(120), unit="s")
        _verified(report, "an export of a million entries", [sys.executable, str(VERIFIER), str(path)])
    program = [sys.executable, "-c", _IN_DATABASE, workspaces.dsn(handle)]
    _verified(report, "a million entries in the database", program)


def _verified(report: Report, what: str, command: list[str]) -> None:
    """Seconds and memory of a process that verifies."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise AssertionError(f"{command} found something")
    report.record(f"proofs: {what} verified", value=seconds, bar=at_most(SECONDS), unit="s")
    processor = used.ru_utime + used.ru_stime
    report.record(f"proofs: {what}, its own processor time", value=processor, bar=at_most(SECONDS), unit="s")
    report.record(f"proofs: {what}, memory", value=used.ru_maxrss / 1024, bar=at_most(MIB), unit="MiB")


async def _proofs(report: Report, handle: str) -> None:
    """Milliseconds of one proof in the database, of either kind, at random places."""
    chance = Random(1)
    async with transaction(report.workspaces, handle) as tx:
        for name in ("inclusion", "consistency"):
            took = []
            for _ in range(PROOFS):
                place = chance.randrange(1, ENTRIES)
                began = time.perf_counter()
                if name == "inclusion":
                    await queries.inclusion_proof(tx, leaf=place, size=ENTRIES)
                else:
                    await queries.consistency_proof(tx, old_size=place, size=ENTRIES)
                took.append((time.perf_counter() - began) * 1000)
            report.record(f"proofs: one {name} proof", value=statistics.median(took), bar=at_most(5), unit="ms")


async def _insert(connection: AsyncConnection, start: int) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("select coalesce(max(id), 0) from audit_entry")
        entries, payloads = [], []
        for n in range(start, start + PAGE):
            subject = f"in_{n // 4:026d}"
            header = canonical.header_bytes(
                canonical.Header(at, at, "user", "user_1", "", "issue_invoice", "invoice", subject, f"{n:032x}")
            )
            salt, body = os.urandom(32), canonical.payload_bytes(reason=None, before=_STATE, after={**_STATE, "n": n})
            commitment = canonical.commitment(salt, body)
            entries.append((at, "user_1", "issue_invoice", "invoice", subject, header, commitment))
            payloads.append((commitment, salt, body))
        async with cursor.copy(
            "copy audit_entry (at, principal_id, action, subject_kind, subject_id, header, commitment) from stdin"
        ) as copy:
            for row in entries:
                await copy.write_row(row)
        await cursor.execute(
            "insert into audit_payload select e.id, p.salt, p.payload from audit_entry e"
            " join unnest(%s::bytea[], %s::bytea[], %s::bytea[]) as p (commitment, salt, payload) using (commitment)"
            " where e.xid = pg_current_xact_id()",
            [list(column) for column in zip(*payloads, strict=True)],
        )


_IN_DATABASE = """
import asyncio, sys
from psycopg import AsyncConnection
from grace.trust.audit.verifier import verify

async def main():
    async with await AsyncConnection.connect(sys.argv[1], autocommit=True) as connection:
        report = await verify(connection)
    sys.exit(not (report.ok and report.size))

asyncio.run(main())
"""
_STATE = {"status": "issued", "total": "1500.00", "client": "Acme", "lines": ["design", "build"], "notes": "work " * 40}
