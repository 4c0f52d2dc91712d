"""Folding the streams of facts and postings into rows and sums, in small steps, each one transaction."""

import asyncio
from hashlib import sha256
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import QueryCanceled

from grace.kit.errors import Invalid
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

BATCH = 2_000
"""Facts, and as many postings, that one step folds."""
PAUSE_S = 0.05
# There is something to fold, or the cursor is of another server.
_BEHIND = """from insight_cursor c,
    (select pg_snapshot_xmin(s) as xmin, pg_snapshot_xmax(s) as xmax from pg_current_snapshot() s) s
    where c.revalue_from is not null or greatest(c.fact_xid, c.posting_xid) > s.xmax
    or (select f.id from fact f where (f.xid, f.id) > (c.fact_xid, c.fact_id) and f.xid < s.xmin
        order by f.xid, f.id limit 1) is not null
    or (select p.id from ledger_posting p where (p.xid, p.id) > (c.posting_xid, c.posting_id) and p.xid < s.xmin
        order by p.xid, p.id limit 1) is not null"""
_TABLES = {"insight_row": "noun, measure, key", "insight_sum": "1, 2, 3, 4, 5, 6, 7", "insight_client": "client_id"}


async def fold(workspaces: Workspaces, handle: str, *, limit: int = BATCH) -> int:
    """One step; how much it folded. 0 when there is nothing below the horizon, or another worker folds.

    Nothing is locked or written when there is nothing to do. A step that takes longer than a request may, for it has to
    forget all that another server folded, is the owner's.
    """
    pool = await workspaces.pool(handle)
    try:
        async with pool.connection() as connection:
            row = await _step(connection, limit)
    except QueryCanceled:
        async with workspaces.owner(handle) as owner:
            row = await _step(owner, limit)
    return int(row[0]) if row else 0


async def _step(connection: AsyncConnection, limit: int) -> tuple[Any, ...] | None:
    cursor = await connection.execute(f"select insight_fold(%s) {_BEHIND}", [limit])
    return await cursor.fetchone()


async def rebuild(workspaces: Workspaces, handle: str, *, limit: int = BATCH) -> int:
    """Forget everything and fold from the beginning, together with workers that run; how many rows there are then.

    Figures stay exact meanwhile: what is not folded is added when they are read, or, while it is too much, they are not
    answered. Invalid when there is no such workspace.
    """
    if handle not in await workspaces.handles():
        raise Invalid(f"There is no workspace {handle!r}. `grace workspace list` shows which there are.")
    async with workspaces.owner(handle) as connection:
        await connection.execute("select insight_forget()")
    while await fold(workspaces, handle, limit=limit) or await _is_behind(workspaces, handle):
        pass
    async with transaction(workspaces, handle) as tx:
        return int(await tx.value("select count(*) from insight_row"))


async def _is_behind(workspaces: Workspaces, handle: str) -> bool:
    """Whether something below the horizon is not folded, for a worker does that at this moment."""
    async with transaction(workspaces, handle) as tx:
        behind = await tx.value(f"select true {_BEHIND}")
    if behind:
        await asyncio.sleep(PAUSE_S)
    return bool(behind)


async def fingerprint(workspaces: Workspaces, handle: str) -> str:
    """A hash of everything that is folded: the same streams give the same, however they were folded."""
    digest = sha256()
    async with transaction(workspaces, handle) as tx:
        for table, order in _TABLES.items():
            digest.update(await _bytes(tx, table, order))
    return digest.hexdigest()


async def _bytes(tx: Tx, table: str, order: str) -> bytes:
    rows = await tx.all(
        str, f"select sha256(convert_to(t::text, 'UTF8'))::text from (select * from {table} order by {order}) t"
    )
    return "\n".join([table, *rows]).encode()
