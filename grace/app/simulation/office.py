"""Web and worker of the simulation in one process, that works when told to and can be told when somebody dies.

`POST /_strike {"pid", "after"}`: SIGKILL to that process (0: this one; null: nobody) at the statement or commit that
comes after so many others. `POST /_work`: everything that a worker has to do now, one thing at a time, so
that the same seed dies at the same places. These doors are in this process alone.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from grace.app.installation import open_workspaces
from grace.app.web import create_app
from grace.insight import folding
from grace.kit import jobs, logs, testclock
from grace.kit.settings import settings as read_settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs as sealing
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.service import load_or_create_signer
from grace.trust.ledger import service as ledger

WAITS = (
    b"update provider_call set retry_at = clock_timestamp(), created_at = created_at - interval '20 min'"
    b" where retry_at > clock_timestamp()",
    b"update payment_attempt set fee_at = clock_timestamp() where fee_at > clock_timestamp()",
    b"update provider_poll set next_at = clock_timestamp() where next_at > clock_timestamp()",
    b"update reaction set due_at = clock_timestamp(), claimed_until = null where state = 'due'",
    b"update procrastinate_jobs set scheduled_at = null where status = 'todo' and scheduled_at > clock_timestamp()",
)


class Scythe:
    """Counts statements and commits, and kills whom it was told to at the one it was told."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.after = 0

    def aim(self, *, pid: int | None, after: int) -> None:
        """Kill `pid` after so many statements and commits more."""
        self.pid, self.after = pid, after

    def swing(self) -> None:
        """One more statement or commit is about to run, or has just run."""
        if self.pid is None:
            return
        self.after -= 1
        if self.after < 0:
            pid, self.pid = self.pid, None
            os.kill(pid or os.getpid(), signal.SIGKILL)


def watch_statements(scythe: Scythe) -> None:
    """Have every statement of this process, and both sides of every commit, pass the scythe."""
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit

    async def counted_execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        scythe.swing()
        return await execute(self, *args, **kwargs)

    async def counted_commit(self: Any) -> None:
        scythe.swing()
        await commit(self)
        scythe.swing()

    psycopg.AsyncCursor.execute = counted_execute  # type: ignore[method-assign]
    psycopg.AsyncConnection.commit = counted_commit  # type: ignore[method-assign]


async def work(workspaces: Workspaces, handle: str, checkpoints: Path) -> None:
    """What the worker's loops do, until nothing is left to do now."""
    await jobs.rescue(workspaces, handle)
    await testclock.settle(workspaces, handle, parallel=1)
    while await folding.fold(workspaces, handle):
        pass
    async with transaction(workspaces, handle) as tx:
        await ledger.roll(tx)
        signer = await load_or_create_signer(tx)
    async with workspaces.owner(handle) as connection:
        await sealing.drain(connection, signer=signer)
        await CheckpointFile(checkpoints / f"{handle}.log").complete(connection)


async def hurry(workspaces: Workspaces, handle: str) -> None:
    """The technical waits are over now: they are in real time, which the simulation does not spend."""
    async with workspaces.owner(handle) as connection:
        for wait in WAITS:
            await connection.execute(wait)


def main(port: int, handle: str) -> None:
    """Serve until killed."""
    settings = read_settings()
    logs.configure(settings.log_level, component="web")
    scythe = Scythe()
    watch_statements(scythe)
    workspaces = open_workspaces(settings)
    app = create_app(workspaces, settings)
    _add_doors(app, scythe, workspaces, handle, settings.data_dir / "checkpoints")
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1)


def _add_doors(app: FastAPI, scythe: Scythe, workspaces: Workspaces, handle: str, checkpoints: Path) -> None:
    async def strike(request: Request) -> Response:
        asked = await request.json()
        scythe.aim(pid=asked.get("pid"), after=asked["after"])
        return JSONResponse({})

    async def run_worker(request: Request) -> Response:
        if (await request.json())["hurry"]:
            await hurry(workspaces, handle)
        try:
            await work(workspaces, handle, checkpoints)
        except (psycopg.Error, OSError) as error:
            return JSONResponse({"detail": repr(error)[:300]}, 503, {"Retry-After": "0"})
        return JSONResponse({})

    app.add_route("/_strike", strike, methods=["POST"])
    app.add_route("/_work", run_worker, methods=["POST"])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
