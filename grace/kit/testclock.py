"""The movable clock of a test workspace: business time jumps ahead, through every due date on the way."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from grace.kit import due, jobs, reactions
from grace.kit.errors import Conflict, Invalid
from grace.kit.tx import transaction
from grace.kit.unit import Unit
from grace.kit.web import Answer, Body, Moment
from grace.kit.workspace import Workspaces

STEPS = 10_000
Follower = Callable[[Workspaces, str, datetime], Awaitable[None]]
"""Moves a provider's own test clock along and returns when its deliveries have arrived."""


class TestClock(Body):
    """Where to move the workspace's time to."""

    to: Moment


class TestClockMoved(Answer):
    """Business time now."""

    now: datetime
    steps: int


async def move(unit: Unit, *, to: datetime, followers: Sequence[Follower]) -> TestClockMoved:
    """Step to `to`; returns when facts, due rows, jobs and provider deliveries are drained.

    Asked again for the same time, after an answer that never came, it does what was left to do.
    """
    if unit.tx.workspace.kind != "test":
        raise Conflict("Only a test workspace's clock can be moved.", type="live-time-is-real")
    if to < unit.tx.now and to != await unit.tx.value("select clock_asked from workspace"):
        raise Invalid("Business time never goes back.", type="time-goes-back")
    await unit.tx.execute("update workspace set clock_asked = %(to)s", to=to)
    await unit.commit()
    unit.split = True
    workspaces, handle = unit.workspaces, unit.handle
    steps = 0
    while steps < STEPS:
        async with transaction(workspaces, handle) as tx:
            ahead = await due.next_due(tx)
            stop = min(to, max(ahead, tx.now)) if ahead is not None else to
            await tx.execute(
                "update workspace set clock_offset = greatest(clock_offset, %(offset)s)", offset=stop - tx.real_now
            )
        for follow in followers:
            await follow(workspaces, handle, stop)
        await settle(workspaces, handle)
        steps += 1
        if stop >= to:
            break
    tx = await unit.open()
    return TestClockMoved(now=tx.now, steps=steps)


async def settle(workspaces: Workspaces, handle: str, *, parallel: int = 4) -> None:
    """Run due rows, reactions and jobs until none has anything to do now; `parallel` at most at a time."""
    while True:
        worked = await due.run_due(workspaces, handle)
        await reactions.drain(workspaces, handle, parallel=parallel)
        await jobs.drain(workspaces, handle, parallel=parallel)
        if not worked and not await reactions.dispatch(workspaces, handle):
            return
