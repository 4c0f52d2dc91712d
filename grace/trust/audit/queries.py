"""Reads of the audit log: a subject's history, how far sealing lags, proofs."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row

from grace.kit.tx import Tx
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.models import Checkpoint, Entry, StoredSigner
from grace.trust.audit.rules import canonical, merkle
from grace.trust.audit.rules.merkle import NodeHash, NodeRange


@dataclass(frozen=True, slots=True)
class _EntryRow:
    id: int
    header: bytes
    leaf: int | None
    payload: str | None


async def history(tx: Tx, *, subject: tuple[str, str], limit: int = 100) -> list[Entry]:
    """The newest entries about a subject, newest first."""
    rows = await tx.all(_EntryRow, _HISTORY, kind=subject[0], id=subject[1], limit=limit)
    return [Entry(row.id, *canonical.read_header(row.header), row.leaf, row.payload) for row in rows]


async def seal_lag_seconds(tx: Tx) -> float:
    """The age of the oldest entry that is not sealed, 0 when all are: the measure to alert on."""
    header = await tx.value(
        "select (select e.header from audit_entry e where (e.xid, e.id) > (h.xid, h.entry_id)"
        " order by e.xid, e.id limit 1) from audit_head h"
    )
    if header is None:
        return 0.0
    return max((tx.real_now - canonical.read_header(header).recorded_at).total_seconds(), 0.0)


async def last_checkpoint(tx: Tx) -> Checkpoint | None:
    """The newest signed tree head, to be kept outside."""
    return await tx.first(Checkpoint, "select size, root, note from audit_checkpoint order by size desc limit 1")


async def inclusion_proof(tx: Tx, *, leaf: int, size: int) -> list[bytes]:
    """RFC 6962 proof that leaf `leaf` is in the tree of `size` entries; ValueError when it is not."""
    return await _proof(tx, merkle.inclusion_ranges(leaf, size))


async def consistency_proof(tx: Tx, *, old_size: int, size: int) -> list[bytes]:
    """RFC 6962 proof that the tree of `old_size` entries is the beginning of the tree of `size`."""
    return await _proof(tx, merkle.consistency_ranges(old_size, size))


async def stored_signer(connection: AsyncConnection) -> StoredSigner | None:
    """The log's name and key, None before its first use."""
    async with connection.cursor(row_factory=class_row(StoredSigner)) as cursor:
        await cursor.execute("select origin, public_key, sealed_private_key from audit_signer")
        return await cursor.fetchone()


async def stored_nodes(connection: AsyncConnection, ranges: Iterable[NodeRange]) -> NodeHash:
    """Read stored nodes in one statement. The answer raises LogRewound for a node that is missing."""
    wanted = [(level, first + i) for level, first, width in ranges for i in range(width)]
    cursor = await connection.execute(
        "select w.level, w.index, case w.level"
        " when 0 then (select l.hash from audit_leaf l where l.index = w.index)"
        " else (select n.hash from audit_node n where n.level = w.level and n.index = w.index) end"
        " from unnest(%s::int[], %s::bigint[]) as w (level, index)",
        [[level for level, _ in wanted], [index for _, index in wanted]],
    )
    found: dict[tuple[int, int], bytes | None] = {
        (level, index): digest for level, index, digest in await cursor.fetchall()
    }

    def node(level: int, index: int) -> bytes:
        digest = found[level, index]
        if digest is None:
            raise LogRewound(f"node {index} of level {level} of the tree is missing")
        return digest

    return node


async def _proof(tx: Tx, ranges: list[range]) -> list[bytes]:
    node = await stored_nodes(tx.connection, [n for leaves in ranges for n in merkle.range_nodes(leaves)])
    return [merkle.range_hash(leaves, node) for leaves in ranges]


_HISTORY = """
select e.id, e.header, l.index as leaf, convert_from(p.payload, 'UTF8') as payload
from audit_entry e
left join audit_leaf l on l.entry_id = e.id
left join audit_payload p on p.entry_id = e.id
where e.subject_kind = %(kind)s and e.subject_id = %(id)s
order by e.id desc limit %(limit)s
"""
