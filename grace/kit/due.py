"""Due work: long waits are rows with a business time, and a scanner that calls their verb when it comes.

`@due("select min(expires_at) from …")` on `async def name(tx)`: the query says when the next row is due
(business time), the function handles the rows that are due at `tx.now`, at most a batch of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

Scan = Callable[[Tx], Awaitable[None]]
ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """One kind of waiting row."""

    name: str
    next_at: str
    scan: Scan


_all: dict[str, Due] = {}


def due(next_at: str) -> Callable[[Scan], Scan]:
    """Register a scan; `next_at` is SQL for the earliest business time at which it has work, or null."""

    def register(scan: Scan) -> Scan:
        name = f"{scan.__module__.removeprefix('grace.')}.{scan.__qualname__}"
        _all[name] = Due(name, next_at, scan)
        return scan

    return register


def kinds() -> list[Due]:
    """Every kind of waiting row, by name."""
    return [_all[name] for name in sorted(_all)]


async def next_due(tx: Tx) -> datetime | None:
    """The earliest business time at which something waits to be done."""
    times = [await tx.value(item.next_at) for item in _all.values()]
    return min((t for t in times if t is not None), default=None)


async def run_due(workspaces: Workspaces, handle: str) -> int:
    """Do what is due now, each kind in transactions of its own; the number of rounds that had work."""
    worked = 0
    for name in sorted(_all):
        for _ in range(ROUNDS):
            async with transaction(workspaces, handle) as tx:
                at = await tx.value(_all[name].next_at)
                if at is None or at > tx.now:
                    break
                await _all[name].scan(tx)
                worked += 1
    return worked
