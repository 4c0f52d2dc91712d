"""Sealing: committed entries become leaves of the tree, each pass under one signed checkpoint."""

from dataclasses import dataclass
from typing import NamedTuple

from psycopg import AsyncConnection

from grace.trust.audit.errors import LogRewound
from grace.trust.audit.models import Checkpoint, SealResult
from grace.trust.audit.queries import stored_nodes
from grace.trust.audit.rules.merkle import EMPTY_ROOT, Edge, Node, edge_ranges
from grace.trust.audit.rules.notes import Signer

BATCH = 5_000
"""The most entries that one pass seals."""


class _Head(NamedTuple):
    """How far sealing has come. `moved`: the database came from another server since the last pass."""

    size: int
    xid: str
    entry_id: int
    horizon: str
    moved: bool


@dataclass(frozen=True, slots=True, order=True)
class _Leaf:
    index: int
    xid: str
    entry_id: int
    hash: bytes


async def seal(connection: AsyncConnection, *, signer: Signer, limit: int = BATCH) -> SealResult:
    """Seal the entries of all transactions that have ended: one pass, one transaction, one signature.

    Entries are ordered by (xid, id) below the horizon of the snapshot (`pg_snapshot_xmin`): every
    transaction below it has ended, so no entry can still appear there, however late its transaction
    commits. Passes of several sealers follow one another. The connection is the owner's, in autocommit.
    Raises LogRewound when the stored tree does not end in its last checkpoint.
    """
    if not await _is_work(connection):
        return SealResult(0, None)
    async with connection.transaction():
        head = await _lock_head(connection)
        leaves = await _insert_leaves(connection, head, limit)
        last = leaves[-1] if leaves and not head.moved else _Leaf(0, head.horizon, 0, b"")
        if not leaves:
            await _store(connection, [], None, head.size, last)
            return SealResult(0, None)
        edge = await _load_edge(connection, head.size)
        nodes = [node for leaf in leaves for node in edge.append(leaf.hash)]
        root = edge.root()
        checkpoint = Checkpoint(edge.size, root, signer.checkpoint(edge.size, root))
        await _store(connection, nodes, checkpoint, edge.size, last)
    return SealResult(len(leaves), checkpoint)


async def _is_work(connection: AsyncConnection) -> bool:
    cursor = await connection.execute(
        "select h.cluster <> s.system_identifier or (select true from audit_entry e"
        " where (e.xid, e.id) > (h.xid, h.entry_id) and e.xid < pg_snapshot_xmin(pg_current_snapshot())"
        " order by e.xid, e.id limit 1) is not null from audit_head h, pg_control_system() s"
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _lock_head(connection: AsyncConnection) -> _Head:
    cursor = await connection.execute(
        "select h.size, h.xid::text, h.entry_id, pg_snapshot_xmin(pg_current_snapshot())::text,"
        " h.cluster <> s.system_identifier from audit_head h, pg_control_system() s for update of h"
    )
    row = await cursor.fetchone()
    if row is None:
        raise LogRewound("the row that says how far the log is sealed is missing")
    return _Head(*row)


async def _insert_leaves(connection: AsyncConnection, head: _Head, limit: int) -> list[_Leaf]:
    # Planned afresh each time: a plan made while the table was small would scan all of it later.
    cursor = await connection.execute(
        _INSERT_MOVED if head.moved else _INSERT,
        {"size": head.size, "xid": head.xid, "id": head.entry_id, "limit": limit},
        prepare=False,
    )
    return sorted(_Leaf(*row) for row in await cursor.fetchall())


async def _load_edge(connection: AsyncConnection, size: int) -> Edge:
    edge = Edge(size, await stored_nodes(connection, edge_ranges(size)))
    cursor = await connection.execute("select size, root from audit_checkpoint order by size desc limit 1")
    signed_size, signed_root = await cursor.fetchone() or (0, EMPTY_ROOT)
    if (signed_size, signed_root) != (size, edge.root()):
        raise LogRewound(f"the tree of {size} entries does not end in the last checkpoint, of {signed_size}")
    return edge


async def _store(
    connection: AsyncConnection, nodes: list[Node], checkpoint: Checkpoint | None, size: int, last: _Leaf
) -> None:
    if checkpoint is not None:
        await connection.execute(
            "with node as (insert into audit_node (level, index, hash)"
            " select * from unnest(%s::smallint[], %s::bigint[], %s::bytea[]))"
            " insert into audit_checkpoint (size, root, note) values (%s, %s, %s)",
            [
                [n.level for n in nodes],
                [n.index for n in nodes],
                [n.hash for n in nodes],
                checkpoint.size,
                checkpoint.root,
                checkpoint.note,
            ],
        )
    await connection.execute(
        "update audit_head set size = %s, xid = %s::xid8, entry_id = %s,"
        " cluster = (select system_identifier from pg_control_system())",
        [size, last.xid, last.entry_id],
    )


# Ordering by the key and looking leaves up one by one keeps every pass on the indexes, however old the
# server's statistics are: a join would read all of the log. The watermark alone does not say what is sealed: entries
# of the server before can have ids that this one has yet to come to. The leaf's own insert touches the same page.
_LEAVES = """
insert into audit_leaf (index, xid, entry_id, hash)
select %(size)s::bigint - 1 + row_number() over (order by xid, id), xid, id,
    sha256('\\x00'::bytea || header || commitment)
from (
    select e.xid, e.id, e.header, e.commitment from audit_entry e
    where {unsealed} and (select l.index from audit_leaf l where l.entry_id = e.id) is null
    order by e.xid, e.id {limit}
) as fresh
order by xid, id
returning index, xid::text, entry_id, hash
"""
_INSERT = _LEAVES.format(
    unsealed="(e.xid, e.id) > (%(xid)s::xid8, %(id)s) and e.xid < pg_snapshot_xmin(pg_current_snapshot())",
    limit="limit %(limit)s",
)
# In another server's count of transactions, an xid below xmin has ended, and one that is not yet given out
# can only come from the server before.
_INSERT_MOVED = _LEAVES.format(
    unsealed="(e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.xid >= pg_snapshot_xmax(pg_current_snapshot()))",
    limit="",
)
