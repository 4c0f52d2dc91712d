"""A stint: one worker's part of long work, from taking it up to its end, a stop, or the worker's death."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from grace.flows.work import service
from grace.flows.work.models import Kind, Work
from grace.flows.work.service import Over
from grace.kit.tx import Tx, transaction
from grace.kit.unit import Unit

PULSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction in which the work is locked and ours. `work` is as it stood when the step began."""

    tx: Tx
    work: Work

    async def advance(self, **columns: Any) -> None:
        """How far it has come with this step."""
        await service.advance(self.tx, self.work, **columns)


class Stint:
    """What a kind of work does its part through: `step` for effects, `pulse` and `tell` where there are none."""

    def __init__(self, unit: Unit, work: Work) -> None:
        self.unit = unit
        self.work = work
        self._told: tuple[int, int, str] | None = None
        self._over = False

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Step]:
        """Effects and progress, committed together; Over when the work is not ours any more."""
        async with self.unit.transaction() as tx:
            yield Step(tx, await service.mine(tx, self.work))

    def tell(self, done: int, total: int, doing: str) -> None:
        """Say how far a reading has come; Over when it need not go on."""
        if self._over:
            raise Over
        self._told = (done, total, doing)

    @asynccontextmanager
    async def pulse(self) -> AsyncIterator[None]:
        """While the block runs, commit what was told twice a second, beside it."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        written = None
        while not self._over:
            await asyncio.sleep(PULSE_S)
            told = self._told
            if told is None:
                continue
            try:
                async with transaction(self.unit.workspaces, self.unit.handle, request_id=self.unit.request_id) as tx:
                    found = await service.mine(tx, self.work)
                    if told != written:
                        done, total, doing = told
                        await service.advance(tx, found, done=min(done, total), total=total, doing=doing)
                        written = told
            except Over:
                self._over = True


Run = Callable[[Stint], Awaitable[None]]
_runs: dict[Kind, Run] = {}


def carries_out(kind: Kind) -> Callable[[Run], Run]:
    """Register `async def name(stint)` as what carries out a kind of work."""

    def register(function: Run) -> Run:
        _runs[kind] = function
        return function

    return register


def run_of(kind: Kind) -> Run:
    """What carries out a kind of work."""
    return _runs[kind]
