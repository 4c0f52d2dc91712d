"""Verification: the whole log recomputed from what is stored, in one snapshot, with flat memory.

Everything is compared with what the signed checkpoints say: entries with their leaves, leaves with the
tree, the tree with every checkpoint, checkpoints with the key, and the log with checkpoints kept outside.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from grace.kit.keys import Keys, OtherKey
from grace.kit.progress import Progress, unheard
from grace.trust.audit.models import Checkpoint, Report, StoredSigner
from grace.trust.audit.queries import stored_signer
from grace.trust.audit.rules import canonical
from grace.trust.audit.rules.merkle import Edge, Node
from grace.trust.audit.rules.notes import MalformedNote, SignedCheckpoint, parse_checkpoint, split_notes
from grace.trust.audit.service import ERASED, open_signer

_PAGE = 5_000


async def verify(
    connection: AsyncConnection,
    *,
    against: bytes | None = None,
    keys: Keys | None = None,
    told: Progress = unheard,
) -> Report:
    """Verify the log of the connection's database (an owner's connection in autocommit).

    `against` is a signed checkpoint, or a file of them, that was kept outside: only with it is a log found
    out that was cut, or rewritten by someone who holds the database and its key. With `keys`, the log's key
    must be one that this installation made; without, the key in the database is believed. `told` hears how many of
    how many entries are recomputed.
    """
    async with connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        signer = await stored_signer(connection)
        report = Report(origin=signer.origin if signer else "no log yet")
        if signer and keys and not _is_ours(signer, keys):
            report.add("The key in the database is not the one that this installation made for the log.")
        walk = _Walk(connection, signer, report, _read_outside(against, signer, report), told)
        await walk.run()
        await _check_unsealed(connection, report)
    if against is not None and report.ok:
        report.completeness_proven, report.proven_size = True, walk.proven_size
    return report


_Row = tuple[Any, ...]
"""A leaf with its entry (None when that is gone) and its payload (None when that is erased), as `_LEAVES` says."""


class _Page(NamedTuple):
    """Leaves in order, and the checkpoints that end among them."""

    leaves: list[_Row]
    checkpoints: list[Checkpoint]


class _Walk:
    """One walk over leaves and checkpoints in the order of the tree."""

    def __init__(
        self,
        connection: AsyncConnection,
        signer: StoredSigner | None,
        report: Report,
        outside: list[SignedCheckpoint],
        told: Progress,
    ) -> None:
        self.connection = connection
        self.signer = signer
        self.report = report
        self.outside = outside
        self.told = told
        self.edge = Edge()
        self.nodes = 0
        self.proven_size = 0
        self.unsigned_from = 0
        self.diverged = False

    async def run(self) -> None:
        """Walk the whole log and add what is found to the report."""
        self._compare_outside()
        cursor = await self.connection.execute("select coalesce(max(index) + 1, 0) from audit_leaf")
        [size] = await cursor.fetchone() or [0]
        page, last = await _page(self.connection, -1), -1
        while page.leaves:
            last = page.leaves[-1][0]
            # The database looks up the next page while this one is hashed.
            following = asyncio.create_task(_page(self.connection, last))
            try:
                completed = await asyncio.to_thread(self._check_page, page)
            finally:
                page = await following
            await self._check_nodes(completed)
            self.told(min(last + 1, size), size)
        async for checkpoint in _checkpoints(self.connection, after=last + 1 if last >= 0 else -1):
            self.report.add(f"A checkpoint covers {checkpoint.size} entries; the log, of {self.edge.size}, was cut.")
        for note in self.outside:
            self.report.add(
                f"The outside checkpoint covers {note.size} entries; the log, of {self.edge.size}, was cut."
            )
        await self._check_end()

    def _check_page(self, page: _Page) -> list[Node]:
        """Check every leaf and what ends there; the stored nodes that the leaves complete."""
        completed: list[Node] = []
        checkpoints = iter(page.checkpoints)
        checkpoint = next(checkpoints, None)
        append = self.edge.append
        for row in page.leaves:
            if row[0] != self.edge.size and not self.diverged:
                self.report.add(f"Leaf {self.edge.size} of the log is missing: next comes {row[0]}.", self.edge.size)
                self.diverged = True
            self._check_entry(row)
            completed += append(row[1])
            while checkpoint is not None and checkpoint.size <= self.edge.size:
                self._check_checkpoint(checkpoint)
                checkpoint = next(checkpoints, None)
            if self.outside:
                self._compare_outside()
        while checkpoint is not None:  # leaves before it are missing
            self._check_checkpoint(checkpoint)
            checkpoint = next(checkpoints, None)
        return completed

    def _check_entry(self, row: _Row) -> None:
        index, leaf_hash, entry_id, header, commitment, salt, payload, erased, *columns = row
        if header is None:
            self.report.add(f"Entry {entry_id} (leaf {index}) was deleted.", index)
            return
        if canonical.leaf_hash(header, commitment) != leaf_hash:
            self._say(row, "was changed: its bytes are not the ones that were sealed.")
        if canonical.searched(header) != columns:
            self._say(row, "has other columns than the sealed header: they were changed.")
        if payload is None:
            self.report.erased += erased
            if not erased:
                self._say(row, "has lost its payload, and no erasure is on record.")
        elif canonical.commitment(salt, payload) != commitment:
            self._say(row, "has another payload than was sealed: it was changed.")

    def _say(self, row: _Row, what: str) -> None:
        self.report.add(f"Entry {row[2]} (leaf {row[0]}) {what}", row[0])

    def _check_checkpoint(self, row: Checkpoint) -> None:
        self.report.checkpoints += 1
        name = f"The checkpoint of {row.size} entries"
        if row.size < self.edge.size:
            self.report.add(f"{name} is out of place.")
            return
        self.unsigned_from = row.size
        try:
            note = parse_checkpoint(row.note)
        except MalformedNote as error:
            self.report.add(f"{name} cannot be read: {error}.")
            return
        if self.signer is None or not note.is_signed_by(self.signer.origin, self.signer.public_key):
            self.report.add(f"{name} is not signed by the log's key.")
        if (note.origin, note.size, note.root) != (self.report.origin, row.size, row.root):
            self.report.add(f"{name} says something else than its row.")
        if note.root != self.edge.root() and not self.diverged:
            self.report.add(f"{name} does not match the log: entries before it were changed, moved or removed.")
            self.diverged = True

    def _compare_outside(self) -> None:
        while self.outside and self.outside[-1].size == self.edge.size:
            note = self.outside.pop()
            if note.root == self.edge.root():
                self.proven_size = note.size
            else:
                self.report.add(f"The outside checkpoint of {note.size} entries does not match: the log was rewritten.")

    async def _check_nodes(self, completed: list[Node]) -> None:
        self.nodes += len(completed)
        if self.diverged or not completed:
            return
        cursor = await self.connection.execute(
            "select w.level, w.index,"
            " (select n.hash from audit_node n where n.level = w.level and n.index = w.index)"
            " from unnest(%s::int[], %s::bigint[]) as w (level, index)",
            [[n.level for n in completed], [n.index for n in completed]],
        )
        stored = {(level, index): digest for level, index, digest in await cursor.fetchall()}
        for node in completed:
            if stored[node.level, node.index] != node.hash:
                self.report.add(f"Node {node.index} of level {node.level} of the stored tree is wrong.")

    async def _check_end(self) -> None:
        self.report.size = self.edge.size
        self.report.root = self.edge.root()
        if self.unsigned_from < self.edge.size:
            self.report.add(f"The leaves from {self.unsigned_from} on are under no checkpoint.", self.unsigned_from)
        cursor = await self.connection.execute("select count(*), (select size from audit_head) from audit_node")
        nodes, head_size = await cursor.fetchone() or (0, None)
        if nodes != self.nodes and not self.diverged:
            self.report.add(f"The stored tree has {nodes} nodes; {self.nodes} belong to it.")
        if head_size != self.edge.size:
            self.report.add(f"The log is said to be sealed up to {head_size} entries; {self.edge.size} are.")


def _is_ours(signer: StoredSigner, keys: Keys) -> bool:
    try:
        return open_signer(keys, signer).public_key == signer.public_key
    except OtherKey:
        return False


def _read_outside(against: bytes | None, signer: StoredSigner | None, report: Report) -> list[SignedCheckpoint]:
    """The outside checkpoints that the log's key has signed, the smallest last."""
    notes = []
    for text in split_notes((against or b"").decode(errors="replace")):
        try:
            note = parse_checkpoint(text)
        except MalformedNote as error:
            report.add(f"An outside checkpoint cannot be read: {error}.")
            continue
        if signer is None or not note.is_signed_by(signer.origin, signer.public_key):
            report.add(f"The outside checkpoint of {note.size} entries ({note.origin}) is not signed by this log.")
        else:
            notes.append(note)
    if against is not None and not notes and report.ok:
        report.add("The outside file holds no checkpoint.")
    return sorted(notes, key=lambda note: -note.size)


async def _page(connection: AsyncConnection, after: int) -> _Page:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_LEAVES, {"after": after, "limit": _PAGE, "erasure": ERASED})
        leaves = await cursor.fetchall()
    if not leaves:
        return _Page([], [])
    # The first page also takes what says to end before the first leaf.
    begin, end = after + 1 if after >= 0 else -1, leaves[-1][0] + 1
    return _Page(leaves, [found async for found in _checkpoints(connection, after=begin, end=end)])


async def _checkpoints(connection: AsyncConnection, *, after: int, end: int = 2**63 - 1) -> AsyncIterator[Checkpoint]:
    while True:
        async with connection.cursor(row_factory=class_row(Checkpoint)) as cursor:
            await cursor.execute(
                "select size, root, note from audit_checkpoint where size > %s and size <= %s order by size limit %s",
                [after, end, _PAGE],
            )
            page = await cursor.fetchall()
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = page[-1].size


async def _check_unsealed(connection: AsyncConnection, report: Report) -> None:
    """Entries without a leaf: those after the seal wait for it, one before it was put there afterwards."""
    cursor = await connection.execute(
        "select count(*) filter (where not behind), (array_agg(id order by id) filter (where behind))[1:101]"
        " from (select e.id,"
        " (e.xid, e.id) <= (h.xid, h.entry_id) and h.cluster = s.system_identifier as behind"
        " from audit_entry e, audit_head h, pg_control_system() s"
        " where not exists (select from audit_leaf l where l.entry_id = e.id and l.xid = e.xid)) as unsealed"
    )
    report.unsealed, behind = await cursor.fetchone() or (0, None)
    for entry_id in behind or []:
        report.add(f"Entry {entry_id} was put into the part of the log that was sealed without it.")
    cursor = await connection.execute(
        "select entry_id from audit_payload p"
        " where not exists (select from audit_entry e where e.id = p.entry_id)"
        " and not exists (select from audit_leaf l where l.entry_id = p.entry_id) order by entry_id limit 101"
    )
    for (entry_id,) in await cursor.fetchall():
        report.add(f"Entry {entry_id} was deleted before it was sealed; its payload is still there.")


# The column of the time is compared as the microseconds since 2000 that PostgreSQL stores. The lateral limits keep a
# page on the indexes, whatever the statistics say.
_LEAVES = """
select l.index, l.hash, l.entry_id, e.header, e.commitment, p.salt, p.payload,
    case when p.entry_id is null then exists (
        select from audit_entry x where x.subject_kind = e.subject_kind and x.subject_id = e.subject_id
        and x.action = %(erasure)s and x.id > e.id) end as erased,
    timestamptz_send(e.at) as at, e.principal_id, e.action, e.subject_kind, e.subject_id
from audit_leaf l
left join lateral (select * from audit_entry e where e.xid = l.xid and e.id = l.entry_id limit 1) e on true
left join lateral (select * from audit_payload p where p.entry_id = l.entry_id limit 1) p on true
where l.index > %(after)s order by l.index limit %(limit)s
"""
