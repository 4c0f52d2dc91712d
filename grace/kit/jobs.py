"""Jobs: what is slow, outside or scheduled. Procrastinate runs them at least once; each is idempotent.

`@job()` on `async def name(unit, *, …)`; `await defer(tx, name, …)` enqueues in the caller's transaction.
A job that fails is tried again with growing pauses, at most `ATTEMPTS` times, then stays as stuck work.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import procrastinate
import structlog
from procrastinate.jobs import Job
from psycopg_pool import AsyncConnectionPool

from grace.kit.logs import described
from grace.kit.settings import settings
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.kit.workspace import Workspaces

log = structlog.get_logger()

ATTEMPTS = 8
LONGEST_PAUSE_S = 300

JobFunction = TypeVar("JobFunction", bound=Callable[..., Awaitable[None]])

_app = procrastinate.App(connector=procrastinate.PsycopgConnector())


class _BackOff(procrastinate.BaseRetryStrategy):
    """Growing pauses with jitter and a cap."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if job.attempts + 1 >= ATTEMPTS:
            return None
        pause_s = min(LONGEST_PAUSE_S, 2**job.attempts) * random.uniform(0.5, 1.5)  # noqa: S311
        return procrastinate.RetryDecision(retry_in={"milliseconds": int(pause_s * 1000)})


def job(*, queue: str = "default") -> Callable[[JobFunction], JobFunction]:
    """Register `async def name(unit, *, …)` as a job; its arguments are plain JSON values."""

    def register(function: JobFunction) -> JobFunction:
        name = f"{function.__module__.removeprefix('grace.')}.{function.__qualname__}"

        async def run(context: procrastinate.JobContext, /, **arguments: Any) -> None:
            extra = context.additional_context
            unit = Unit(extra["workspaces"], extra["handle"], request_id=arguments.pop("request_id", None))
            try:
                await function(unit, **arguments)
            except Exception as error:
                log.warning(
                    "job failed", workspace=unit.handle, request_id=unit.request_id, job=name, error=described(error)
                )
                raise

        _app.task(name=name, queue=queue, retry=_BackOff(), pass_context=True)(run)
        function.__job__ = name  # type: ignore[attr-defined]
        return function

    return register


async def defer(
    tx: Tx,
    function: Callable[..., Awaitable[None]],
    *,
    once: str | None = None,
    alone: str | None = None,
    **arguments: Any,
) -> None:
    """Enqueue with the caller's commit. `once`: a name under which at most one job waits; `alone`: one under which at
    most one runs, in the order of their coming."""
    name: str = function.__job__  # type: ignore[attr-defined]
    tx.statements += 1
    deferrer = _app.tasks[name].configure(connection=tx.connection, queueing_lock=once, lock=alone)
    if once is None:
        await deferrer.defer_async(**arguments, request_id=tx.request_id)
        return
    with suppress(procrastinate.exceptions.AlreadyEnqueued):
        async with tx.savepoint():
            await deferrer.defer_async(**arguments, request_id=tx.request_id)


@asynccontextmanager
async def _opened(pool: AsyncConnectionPool[Any]) -> AsyncIterator[procrastinate.App]:
    app = _app.with_connector(procrastinate.PsycopgConnector())
    await app.open_async(pool)
    try:
        yield app
    finally:
        await app.close_async()


async def run_jobs(workspaces: Workspaces, handle: str, *, concurrency: int = 4, wait: bool = True) -> None:
    """Run the workspace's jobs until cancelled (or, with `wait=False`, until none is due)."""
    knobs = settings()
    async with _opened(await workspaces.pool(handle)) as app:
        await app.run_worker_async(
            concurrency=concurrency,
            wait=wait,
            listen_notify=False,
            fetch_job_polling_interval=knobs.worker_poll_s * 2,
            abort_job_polling_interval=60,
            delete_jobs="successful",
            install_signal_handlers=False,
            additional_context={"workspaces": workspaces, "handle": handle},
            update_heartbeat_interval=knobs.worker_heartbeat_s,
            stalled_worker_timeout=knobs.worker_stalled_s,
            shutdown_graceful_timeout=5,
        )


async def rescue(workspaces: Workspaces, handle: str) -> int:
    """Give back the jobs of workers that died; how many."""
    async with _opened(await workspaces.pool(handle)) as app:
        stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=settings().worker_stalled_s))
        for found in stalled:
            await app.job_manager.retry_job(found)
        return len(stalled)


async def drain(workspaces: Workspaces, handle: str, *, parallel: int = 4) -> None:
    """Run jobs until none is waiting now."""
    while await _waiting(workspaces, handle):
        await run_jobs(workspaces, handle, concurrency=parallel, wait=False)
        await asyncio.sleep(0.01)


async def _waiting(workspaces: Workspaces, handle: str) -> bool:
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select exists (select from procrastinate_jobs where status = 'todo'"
            " and (scheduled_at is null or scheduled_at <= clock_timestamp()))"
        )
        return bool((await cursor.fetchone() or [False])[0])


async def replay(tx: Tx, *, job_id: int) -> bool:
    """Give a job that ran out of attempts another round; False when it is not stuck."""
    return bool(
        await tx.execute(
            "update procrastinate_jobs set status = 'todo', attempts = 0, scheduled_at = null"
            " where id = %(id)s and status = 'failed'",
            id=job_id,
        )
    )
