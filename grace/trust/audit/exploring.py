"""The log as people explore it: filters, the state of its seal, and one entry with the way to the signed root."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from grace.kit.errors import NotFound
from grace.kit.tx import Tx
from grace.trust.audit import queries
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.models import Checkpoint, Entry, Evidence
from grace.trust.audit.rules import canonical, merkle, notes

HASH_DIGITS = 16
"""Hexadecimal digits of a leaf's hash by which it is found; fewer are a beginning."""

_LAST_BUT_ONE = date.max - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list; None does not filter. `hash_digits` begin the hash of the leaf."""

    principal_id: str | None = None
    action: str | None = None
    subject_kind: str | None = None
    subject_ids: tuple[str, ...] | None = None
    day: date | None = None
    hash_digits: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets all entries pass."""
        return self == EntryFilter()


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A line of the log; `hash` is of its leaf, None until it is sealed."""

    id: int
    at: datetime
    principal_id: str
    action: str
    subject_kind: str
    subject_id: str
    leaf: int | None
    hash: bytes | None
    header: bytes

    @property
    def principal_kind(self) -> str:
        """Of whom."""
        return canonical.read_header(self.header).principal_kind


@dataclass(frozen=True, slots=True)
class Seal:
    """Where sealing stands. `sound` is None before the first checkpoint; False when the newest checkpoint is not
    what the stored tree gives, or not signed by the log's key: `fault` says which."""

    sealed: int
    checkpoint: Checkpoint | None
    sealed_at: datetime | None
    lag_s: float
    sound: bool | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One hash on the way to the root, and the side on which it joins."""

    hash: bytes
    is_left: bool
    leaves: int


@dataclass(frozen=True, slots=True)
class Explored:
    """An entry with its proof; `path` is empty and `verified` None until it is sealed under a checkpoint."""

    entry: Entry
    hash: bytes
    path: list[Step]
    verified: bool | None
    before: bytes | None
    after: bytes | None


async def listed(tx: Tx, where: EntryFilter, *, before: int | None, limit: int) -> list[ListedEntry]:
    """Entries, the newest first; `before` is the id of the last one seen. Without a filter, the sealed ones."""
    if where.is_empty:
        query = _SEALED
    elif where.hash_digits is not None:
        query = _BY_HASH
    else:
        query = _FILTERED
    low, high = _beginning(where.hash_digits or "")
    return await tx.all(
        ListedEntry,
        query,
        principal=where.principal_id,
        action=where.action,
        kind=where.subject_kind,
        subjects=list(where.subject_ids) if where.subject_ids is not None else None,
        since=where.day,
        until=where.day and min(where.day, _LAST_BUT_ONE) + timedelta(days=1),
        low=low,
        high=high,
        digits=where.hash_digits,
        before=before,
        limit=limit,
    )


async def seal(tx: Tx) -> Seal:
    """The state of the log, its newest checkpoint checked against the stored tree and the log's key."""
    found = await tx.one(_SealRow, _SEAL)
    lag = 0.0
    if found.waiting is not None:
        lag = max((tx.real_now - canonical.read_header(found.waiting).recorded_at).total_seconds(), 0.0)
    if found.size is None or found.root is None or found.note is None:
        return Seal(found.sealed, None, None, lag, None)
    fault = await _fault(tx, found.size, found.root, found.note, found.origin or "", found.public_key or b"")
    checkpoint = Checkpoint(found.size, found.root, found.note)
    return Seal(found.sealed, checkpoint, found.sealed_at, lag, not fault, fault)


async def explored(tx: Tx, entry_id: int, head: Checkpoint | None) -> Explored:
    """An entry with its proof in the tree of a checkpoint, and the hashes of its neighbours; NotFound."""
    if not 0 < entry_id < 2**63:
        raise NotFound("There is no such entry.")
    found = await queries.evidence(tx, entry_id)
    digest = canonical.leaf_hash(found.header, found.commitment)
    entry = _entry(found)
    if found.leaf is None or head is None or found.leaf >= head.size:
        return Explored(entry, digest, [], None, None, None)
    leaf, ranges = found.leaf, merkle.inclusion_ranges(found.leaf, head.size)
    beside = [n for n in (leaf - 1, leaf + 1) if 0 <= n < head.size]
    wanted = {node for leaves in ranges for node in merkle.range_nodes(leaves)}
    wanted |= {merkle.NodeRange(0, n, 1) for n in (*beside, leaf)}
    node = await queries.stored_nodes(tx.connection, wanted)
    try:
        path = [Step(merkle.range_hash(leaves, node), leaves.start < leaf, len(leaves)) for leaves in ranges]
        stands = node(0, leaf) == digest and _payload_fits(found)
        root = merkle.root_of_inclusion(digest, leaf, head.size, [step.hash for step in path])
        near = {n: node(0, n) for n in beside}
    except LogRewound:
        return Explored(entry, digest, [], False, None, None)
    return Explored(entry, digest, path, stands and root == head.root, near.get(leaf - 1), near.get(leaf + 1))


@dataclass(frozen=True, slots=True)
class _SealRow:
    sealed: int
    size: int | None
    root: bytes | None
    note: str | None
    sealed_at: datetime | None
    origin: str | None
    public_key: bytes | None
    waiting: bytes | None


async def _fault(tx: Tx, size: int, root: bytes, note: str, origin: str, public_key: bytes) -> str:
    try:
        if await queries.root(tx, size) != root:
            return "The stored tree does not give the root of the newest checkpoint."
        signed = notes.parse_checkpoint(note)
    except LogRewound as error:
        return f"The stored tree is damaged: {error}."
    except notes.MalformedNote as error:
        return f"The newest checkpoint cannot be read: {error}."
    if (signed.size, signed.root) != (size, root) or not signed.is_signed_by(origin, public_key):
        return "The newest checkpoint is not signed by the log's key."
    return ""


def _payload_fits(found: Evidence) -> bool:
    if found.salt is None or found.payload is None:
        return True
    return canonical.commitment(found.salt, found.payload) == found.commitment


def _entry(found: Evidence) -> Entry:
    payload = None if found.payload is None else found.payload.decode("utf-8", "replace")
    return Entry(found.id, *canonical.read_header(found.header), found.leaf, payload)


def _beginning(digits: str) -> tuple[bytes, bytes | None]:
    """The first and, past the last, the next of the eight bytes that begin with these digits."""
    known = digits[:HASH_DIGITS]
    number, room = int(known or "0", 16), 4 * (HASH_DIGITS - len(known))
    after = (number + 1) << room
    return (number << room).to_bytes(8), after.to_bytes(8) if after < 1 << 64 else None


_COLUMNS = """e.id, e.at, e.principal_id, e.action, e.subject_kind, e.subject_id, l.index as leaf, l.hash, e.header"""
_SEALED = f"""
select {_COLUMNS} from (
    select * from audit_leaf where (%(before)s::bigint is null or entry_id < %(before)s)
    order by entry_id desc limit %(limit)s
) l join audit_entry e on e.xid = l.xid and e.id = l.entry_id order by e.id desc
"""
_BY_HASH = f"""
select {_COLUMNS} from audit_leaf l join audit_entry e on e.xid = l.xid and e.id = l.entry_id
where substring(l.hash from 1 for 8) >= %(low)s
and (%(high)s::bytea is null or substring(l.hash from 1 for 8) < %(high)s)
and encode(l.hash, 'hex') like %(digits)s || '%%'
and (%(before)s::bigint is null or e.id < %(before)s) order by e.id desc limit %(limit)s
"""
_FILTERED = f"""
select {_COLUMNS} from (
    select * from audit_entry where (%(principal)s::text is null or principal_id = %(principal)s)
    and (%(action)s::text is null or action = %(action)s)
    and (%(kind)s::text is null or subject_kind = %(kind)s)
    and (%(subjects)s::text[] is null or subject_id = any(%(subjects)s))
    and (%(since)s::date is null or (at >= %(since)s::date at time zone 'UTC'
      and at < %(until)s::date at time zone 'UTC'))
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc limit %(limit)s
) e left join audit_leaf l on l.entry_id = e.id order by e.id desc
"""
_SEAL = """
select h.size as sealed, c.size, c.root, c.note, c.sealed_at, s.origin, s.public_key,
  (select e.header from audit_entry e where (e.xid, e.id) > (h.xid, h.entry_id) order by e.xid, e.id limit 1) as waiting
from audit_head h left join lateral (select * from audit_checkpoint order by size desc limit 1) c on true
left join audit_signer s on true
"""
