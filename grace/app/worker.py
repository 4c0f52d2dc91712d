"""The worker: for each workspace it dispatches facts, reacts, runs jobs and due work, and seals the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from grace.app import modules, wiring
from grace.app.installation import NO_ROLE
from grace.insight import folding
from grace.kit import due, idempotency, jobs, reactions
from grace.kit.errors import NotFound
from grace.kit.logs import described
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.jobs import run_sealer
from grace.trust.audit.service import load_or_create_signer
from grace.trust.ledger import service as ledger

log = structlog.get_logger()

IDLE_POLL_S = 0.4
BREATH_S = 0.02
"""Between two looks for facts while these come: one at a time they would cost more to look for than to react to."""
QUIET_AFTER_S = 10.0
DUE_EVERY_S = 1.0
RESCUE_EVERY_S = 10.0
TIDY_EVERY_S = 3600.0
ROLL_EVERY_S = 1.0
FOLD_EVERY_S = 1.0
LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 5.0
GIVE_BACK_S = 8.0
"""How long a worker that ends may take to finish its jobs, or to give them back."""


class Worker:
    """Serves all workspaces of an installation, also those that are made while it runs."""

    def __init__(self, workspaces: Workspaces, settings: Settings) -> None:
        wiring.bind(settings)
        modules.load()
        self._workspaces = workspaces
        self._settings = settings
        self._stop = asyncio.Event()
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._identities: dict[str, int] = {}

    def stop(self) -> None:
        """Finish what is being done and end."""
        self._stop.set()

    async def run(self) -> None:
        """Until stopped."""
        told = False
        while not self._stop.is_set():
            try:
                found = await self._workspaces.identities()
                if not told and not await self._workspaces.app_role_exists():
                    log.warning("no restricted role", meaning=NO_ROLE)
                told = True
            except psycopg.Error as error:
                log.warning("database does not answer", error=described(error))
                found = self._identities
            for handle in [one for one in self._serving if found.get(one) != self._identities[one]]:
                self._serving.pop(handle).cancel()
                await self._workspaces.forget(handle)
            self._identities = found
            for handle in found:
                if handle not in self._serving or self._serving[handle].done():
                    self._serving[handle] = asyncio.create_task(self._serve(handle))
            await self._pause(LOOK_EVERY_S)
        for task in self._serving.values():
            task.cancel()
        await asyncio.gather(*self._serving.values(), return_exceptions=True)
        await wiring.close()

    async def _serve(self, handle: str) -> None:
        structlog.contextvars.bind_contextvars(workspace=handle)
        poll_s = self._settings.worker_poll_s
        workspaces = self._workspaces

        async def run_due() -> bool:
            return bool(await due.run_due(workspaces, handle))

        async def rescue() -> bool:
            return bool(await jobs.rescue(workspaces, handle))

        async def tidy() -> bool:
            async with transaction(workspaces, handle) as tx:
                return bool(await idempotency.forget_old(tx, days=self._settings.idempotency_days))

        async def roll() -> bool:
            async with transaction(workspaces, handle) as tx:
                await ledger.roll(tx)
            return False

        async def work() -> bool:
            await jobs.run_jobs(workspaces, handle)
            return False

        async def fold() -> bool:
            return bool(await folding.fold(workspaces, handle))

        loops = [
            self._watch(handle),
            self._loop(handle, run_due, DUE_EVERY_S),
            self._loop(handle, rescue, RESCUE_EVERY_S),
            self._loop(handle, tidy, TIDY_EVERY_S),
            self._loop(handle, roll, ROLL_EVERY_S),
            self._loop(handle, fold, FOLD_EVERY_S),
            self._loop(handle, work, poll_s),
            self._seal(handle),
        ]
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                if not task.cancelling():  # jobs are given back at the first word, and broken off at the second
                    task.cancel()
            if self._stop.is_set():
                await asyncio.wait(tasks, timeout=GIVE_BACK_S)

    async def _watch(self, handle: str) -> None:
        """Dispatch facts as they come and keep reactors busy while reactions are due.

        A workspace where nothing happens and that no browser shows is looked at every `IDLE_POLL_S` only.
        """
        workspaces, poll_s = self._workspaces, self._settings.worker_poll_s
        most = max(1, self._settings.database_pool_size // 2)  # the other connections are for jobs and what is due
        reactors: set[asyncio.Task[None]] = set()
        quiet_s = 0.0

        async def react() -> None:
            try:
                while await reactions.react(workspaces, handle):
                    pass
            except (psycopg.Error, PoolTimeout, OSError) as error:
                log.warning("reactions interrupted", workspace=handle, error=described(error))

        async def watch() -> bool:
            nonlocal quiet_s
            waiting = await reactions.look(workspaces, handle)
            taken = await reactions.dispatch(workspaces, handle) if waiting.facts else 0
            if waiting.reactions or taken:
                while len(reactors) < most:
                    task = asyncio.create_task(react())
                    reactors.add(task)
                    task.add_done_callback(reactors.discard)
            quiet_s = 0.0 if taken or waiting.reactions else quiet_s + poll_s
            if quiet_s > QUIET_AFTER_S:
                if await reactions.watched(workspaces, handle):
                    quiet_s = 0.0
                else:
                    await self._pause(IDLE_POLL_S - poll_s)
            if 0 < taken < reactions.BATCH:
                await self._pause(BREATH_S)
            return bool(taken)

        try:
            await self._loop(handle, watch, poll_s)
        finally:
            for task in reactors:
                task.cancel()

    async def _loop(self, handle: str, step: Callable[[], Awaitable[bool]], every_s: float) -> None:
        """Repeat a step at once while it finds work, else after a pause; outlive a lost database."""
        failures = 0
        while not self._stop.is_set():
            try:
                worked = await step()
                failures = 0
            except NotFound:
                return
            except (psycopg.Error, PoolTimeout, LookupError, OSError) as error:
                worked, failures = False, failures + 1
                log.warning("work interrupted", workspace=handle, step=step.__name__, error=described(error))
            if not worked:
                await self._pause(min(LONGEST_PAUSE_S, every_s * 2**failures) if failures else every_s)

    async def _seal(self, handle: str) -> None:
        signer, identity = None, self._identities.get(handle)
        while signer is None:
            try:
                async with transaction(self._workspaces, handle) as tx:
                    signer = await load_or_create_signer(tx)
            except (psycopg.Error, PoolTimeout, LookupError):
                await self._pause(LOOK_EVERY_S)
            if self._stop.is_set():
                return
        file = CheckpointFile(self._settings.data_dir / "checkpoints" / f"{handle}.log")
        await run_sealer(lambda: self._same(handle, identity), signer=signer, file=file, stop=self._stop)

    @asynccontextmanager
    async def _same(self, handle: str, identity: int | None) -> AsyncIterator[AsyncConnection]:
        """An owner's connection to the database whose signer was read, not to a new one of the same handle."""
        async with self._workspaces.owner(handle) as connection:
            cursor = await connection.execute("select oid::bigint from pg_database where datname = current_database()")
            if await cursor.fetchone() != (identity,):
                raise psycopg.OperationalError(f"{handle} was dropped and made again")
            yield connection

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
