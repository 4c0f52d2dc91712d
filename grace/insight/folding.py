"""Folding the streams of facts and postings into rows and sums, in small steps, each one transaction."""

from hashlib import sha256

from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

BATCH = 2_000
"""Facts, and as many postings, that one step folds."""
_TABLES = {"insight_row": "noun, measure, key", "insight_sum": "1, 2, 3, 4, 5, 6, 7", "insight_client": "client_id"}


async def fold(workspaces: Workspaces, handle: str, *, limit: int = BATCH) -> int:
    """One step; how much it folded. 0 when there is nothing below the horizon, or another worker folds."""
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        cursor = await connection.execute("select insight_fold(%s)", [limit])
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def rebuild(workspaces: Workspaces, handle: str, *, limit: int = BATCH) -> int:
    """Forget everything and fold from the beginning; how much that was.

    Figures stay exact meanwhile: what is not folded is added when they are read, which takes longer.
    """
    async with workspaces.owner(handle) as connection:
        await connection.execute("select insight_forget()")
    folded = 0
    while step := await fold(workspaces, handle, limit=limit):
        folded += step
    return folded


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
