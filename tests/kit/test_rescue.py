"""A worker that dies in the middle of a job: another takes the job, once it is certain, and it has one effect."""

import os
import signal
import subprocess
import sys

from grace.kit import jobs
from grace.kit.unit import Unit
from tests.fixtures.workspace import MASTER_KEY, WorkspaceUnderTest

WORKER = """
import asyncio, sys
from grace.kit import jobs
from grace.kit.workspace import Workspaces
from tests.kit import test_rescue

test_rescue.HANGS = True
dsn, key, handle = sys.argv[1:]
asyncio.run(jobs.run_jobs(Workspaces(dsn, master_key=bytes.fromhex(key), pool_size=4), handle))
"""
HANGS = False
"""Set in the worker that is killed: its job never ends."""


@jobs.job()
async def write_note(unit: Unit, *, text: str) -> None:
    """A note, written at the end of a transaction."""
    async with unit.transaction() as tx:
        await tx.execute("insert into rescued_note (text) values (%(text)s)", text=text)
        if HANGS:
            print("in the middle", flush=True)
            await tx.execute("select pg_sleep(5)")


async def test_the_job_of_a_killed_worker_is_done_once_by_another(workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("create table rescued_note (text text); grant insert, select on rescued_note to grace_app")
    async with workspace.tx() as tx:
        await jobs.defer(tx, write_note, text="once")
    asked = [sys.executable, "-c", WORKER, workspace.workspaces.dsn(), MASTER_KEY.hex(), workspace.handle]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as worker:  # noqa: ASYNC220
        assert worker.stdout is not None and worker.stdout.readline() == "in the middle\n"
        assert await jobs.rescue(workspace.workspaces, workspace.handle) == 0, "it gives signs of life"
        os.kill(worker.pid, signal.SIGKILL)
    assert await notes(workspace) == []
    assert await jobs.rescue(workspace.workspaces, workspace.handle) == 0, "it may be alive"
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("update procrastinate_workers set last_heartbeat = last_heartbeat - interval '1 hour'")
    assert await jobs.rescue(workspace.workspaces, workspace.handle) == 1
    assert await jobs.rescue(workspace.workspaces, workspace.handle) == 0
    await workspace.drain()
    assert await notes(workspace) == ["once"]


async def notes(workspace: WorkspaceUnderTest) -> list[str]:
    """What was written."""
    async with workspace.tx() as tx:
        return await tx.all(str, "select text from rescued_note")
