"""Reads of the audit log: a subject's history, how far sealing lags, proofs."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row

from grace.kit.errors import NotFound
from grace.kit.tx import Tx
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.models import Checkpoint, Entry, Evidence, StoredSigner
from grace.trust.audit.rules import canonical, merkle
from grace.trust.audit.rules.merkle import Edge, NodeHash, NodeRange


@dataclass(frozen=True, slots=True)
class _EntryRow:
    id: int
    header: bytes
    leaf: int | None
    payload: str | None


async def history(tx: Tx, *, subject: tuple[str, str], before: int | None = None, limit: int = 100) -> list[Entry]:
    """The newest entries about a subject, newest first; `before` is the id of the last one seen."""
    query = _ENTRIES.format(where="e.subject_kind = %(kind)s and e.subject_id = %(id)s"
                            " and (%(before)s::bigint is null or e.id < %(before)s)", by="e.id")  # fmt: skip
    rows = await tx.all(_EntryRow, query, kind=subject[0], id=subject[1], before=before, limit=limit)
    return [_read(row) for row in rows]


async def sealed_entries(tx: Tx, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """The newest sealed entries in the order of the log, newest first; `before` is the leaf of the last one seen."""
    rows = await tx.all(_EntryRow, _SEALED, before=before, limit=limit)
    return [_read(row) for row in rows]


async def entry(tx: Tx, entry_id: int) -> Entry:
    """An entry; NotFound."""
    row = await tx.first(_EntryRow, _ENTRIES.format(where=_OF_ID, by="e.id"), id=entry_id, limit=1)
    if row is None:
        raise NotFound("There is no such entry.")
    return _read(row)


async def evidence(tx: Tx, entry_id: int) -> Evidence:
    """An entry as it is hashed; NotFound."""
    found = await tx.first(Evidence, _EVIDENCE.format(where=_OF_ID), id=entry_id, limit=1)
    if found is None:
        raise NotFound("There is no such entry.")
    return found


async def evidence_about(tx: Tx, subject_id: str, *, limit: int) -> list[Evidence]:
    """The entries about whatever has this id, as they are hashed, in the order of the log; the unsealed ones last."""
    return await tx.all(Evidence, _EVIDENCE.format(where="e.subject_id = %(id)s"), id=subject_id, limit=limit)


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


async def checkpoint(tx: Tx, size: int) -> Checkpoint:
    """The signed tree head of that many entries; NotFound."""
    found = await tx.first(Checkpoint, "select size, root, note from audit_checkpoint where size = %(s)s", s=size)
    if found is None:
        raise NotFound(f"No checkpoint covers exactly {size} entries.")
    return found


async def checkpoints(tx: Tx, *, before: int | None = None, limit: int = 100) -> list[Checkpoint]:
    """Signed tree heads, the newest first; `before` is the size of the last one seen."""
    return await tx.all(
        Checkpoint,
        "select size, root, note from audit_checkpoint where (%(before)s::bigint is null or size < %(before)s)"
        " order by size desc limit %(limit)s",
        before=before,
        limit=limit,
    )


async def root(tx: Tx, size: int) -> bytes:
    """The root of the first `size` leaves, from stored nodes."""
    return Edge(size, await stored_nodes(tx.connection, merkle.edge_ranges(size))).root()


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


async def proofs(tx: Tx, paths: list[list[range]]) -> list[list[bytes]]:
    """The hashes of the leaf ranges of some proofs, from one read of the stored tree; LogRewound for a missing node."""
    wanted = {node for path in paths for leaves in path for node in merkle.range_nodes(leaves)}
    node = await stored_nodes(tx.connection, wanted)
    return [[merkle.range_hash(leaves, node) for leaves in path] for path in paths]


async def _proof(tx: Tx, path: list[range]) -> list[bytes]:
    [proof] = await proofs(tx, [path])
    return proof


def _read(row: _EntryRow) -> Entry:
    return Entry(row.id, *canonical.read_header(row.header), row.leaf, row.payload)


_COLUMNS = "e.id, e.header, l.index as leaf, convert_from(p.payload, 'UTF8') as payload"
_ENTRIES = f"""
select {_COLUMNS} from audit_entry e
left join audit_leaf l on l.entry_id = e.id
left join audit_payload p on p.entry_id = e.id
where {{where}} order by {{by}} desc limit %(limit)s
"""
_SEALED = f"""
select {_COLUMNS} from (
    select * from audit_leaf where (%(before)s::bigint is null or index < %(before)s)
    order by index desc limit %(limit)s
) as l
join audit_entry e on e.xid = l.xid and e.id = l.entry_id
left join audit_payload p on p.entry_id = e.id
order by l.index desc
"""
# Entries are found by transaction and id: the leaf knows the transaction, and what has no leaf is among the newest.
_OF_ID = """
(e.xid, e.id) in (
    select l.xid, l.entry_id from audit_leaf l where l.entry_id = %(id)s
    union all
    select n.xid, n.id from audit_entry n where n.id = %(id)s
    and (n.xid, n.id) > ((select xid from audit_head), (select entry_id from audit_head))
)
"""
_EVIDENCE = """
select e.id, l.index as leaf, e.header, e.commitment, p.salt, p.payload
from audit_entry e
left join audit_leaf l on l.entry_id = e.id
left join audit_payload p on p.entry_id = e.id
where {where} order by l.index, e.xid, e.id limit %(limit)s
"""
