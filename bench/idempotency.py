"""What a repeatable request costs: one-insert transactions with their Idempotency-Key kept, against the same without.

Both are the product's own transactions (pool, begin, workspace row, insert, commit), eight at a time.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

from bench.measure import Report, at_least
from grace.kit import idempotency
from grace.kit.tx import SYSTEM, Tx, transaction

WRITERS = 8
ROUND_S = 1.5
ROUNDS = 12
CONTENT = {"amount": "1500.00", "client_id": "cust_01", "description": "Work in November", "invoice_id": "in_01"}
"""The body as the door has parsed it, key or not."""
ANSWER = b'{"id":"pay_01","status":"succeeded","amount":1500.00,"currency":"USD","invoice_id":"in_01"}'
_numbers = itertools.count()


async def run(report: Report) -> None:
    """Transactions per second, with and without: a cost of a quarter leaves 0.75."""
    handle = await report.workspace()
    async with report.workspaces.owner(handle) as owner:
        await owner.execute("create table one (id bigint generated always as identity primary key, note text)")
        await owner.execute("grant select, insert on one to grace_app")

    async def plain() -> None:
        async with transaction(report.workspaces, handle, principal=SYSTEM) as tx:
            await insert(tx)

    async def kept() -> None:
        key = idempotency.key_of(
            principal="user:u", method="POST", path="/api/v1/payments", key=f"k{next(_numbers)}", content=CONTENT
        )
        opening = idempotency.opening(key)
        async with transaction(report.workspaces, handle, principal=SYSTEM, opening=opening) as tx:
            assert await idempotency.claimed(tx, key, stale_s=15) is None
            await insert(tx)
            idempotency.store(tx, key, status=200, body=ANSWER)

    async def insert(tx: Tx) -> None:
        await tx.execute("insert into one (note) values (%(note)s)", note="by bank transfer")

    async def timed(work: Callable[[], Awaitable[None]]) -> float:
        done = 0
        began = time.perf_counter()

        async def write() -> None:
            nonlocal done
            while time.perf_counter() - began < ROUND_S:
                await work()
                done += 1

        await asyncio.gather(*(write() for _ in range(WRITERS)))
        return done / (time.perf_counter() - began)

    await report.compare(
        "idempotency: one-insert transaction with its key",
        bar=at_least(0.75),
        candidate=lambda: timed(kept),
        baseline=lambda: timed(plain),
        rounds=ROUNDS,
    )
