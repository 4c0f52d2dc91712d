"""Two records that are one client: merged into one, and restored.

The loser stays as a row that points to the winner, and every look-up follows it: documents of other domains
and accounts of the ledger keep the id they were made with, and undoing moves nothing back.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg

from grace.domains.crm import queries
from grace.domains.crm.errors import DuplicateClient, NotMergeable
from grace.domains.crm.facts import ClientsMerged, ClientsUnmerged
from grace.domains.crm.models import Client, ClientId
from grace.domains.crm.queries import Reference
from grace.domains.crm.service.clients import blanks, store
from grace.kit.tx import Tx
from grace.trust.audit import service as audit


async def merge_clients(tx: Tx, *, winner: Reference, loser: Reference, reason: str | None = None) -> Client:
    """Merge `loser` into `winner`, who takes over what it lacks; from then on both ids name the winner."""
    stays, goes = await queries.client(tx, winner), await queries.client(tx, loser)
    if stays.id == goes.id:
        raise NotMergeable("They are one client already.")
    stays, goes = await _lock(tx, stays.id, goes.id)
    if stays.merged_into or goes.merged_into:
        raise NotMergeable("One of them was merged at this moment.")
    filled = blanks(stays, asdict(goes))
    await _point(tx, goes, to=stays.id)
    await tx.execute(
        "insert into client_merge (winner_id, loser_id, filled, reason, merged_at)"
        " values (%(winner)s, %(loser)s, %(filled)s, %(reason)s, %(now)s)",
        winner=stays.id,
        loser=goes.id,
        filled=sorted(filled),
        reason=reason,
        now=tx.now,
    )
    merged = await store(tx, stays, replace(stays, **filled), action="merge_clients", reason=reason)
    audit.record(
        tx, action="merge_clients", subject=("client", goes.id), reason=reason, after={"merged_into": stays.id}
    )
    tx.emit(ClientsMerged(merged.id, goes.id, merged.version))
    return replace(merged, merged_ids=[*merged.merged_ids, goes.id])


@dataclass(frozen=True, slots=True)
class _Merge:
    id: int
    winner_id: str
    loser_id: str
    filled: list[str]


async def unmerge_clients(tx: Tx, *, winner: Reference, loser: Reference) -> tuple[Client, Client]:
    """Undo a merge: both stand for themselves again. The winner gives back what it took over and did not
    change since. The later of two merges is undone first. Answers with both."""
    standing = await queries.client(tx, winner)
    merge = await tx.first(
        _Merge,
        f"select m.id, m.winner_id, m.loser_id, m.filled from client_merge m, ({queries.BY_REFERENCE}) named"
        " where m.loser_id = named.id and m.undone_at is null for update of m",
        **queries.reference_values(loser),
    )
    if merge is None or merge.winner_id != standing.id:
        raise NotMergeable("No such merge stands; the last one is undone first.")
    stays, goes = await _lock(tx, merge.winner_id, merge.loser_id)
    if stays.merged_into:
        raise NotMergeable("The later merge is undone first.")
    given_back: dict[str, Any] = {name: None for name in merge.filled if getattr(stays, name) == getattr(goes, name)}
    restored = await store(tx, stays, replace(stays, **given_back), action="unmerge_clients")
    other = await _point(tx, goes, to=None)
    await tx.execute("update client_merge set undone_at = %(now)s where id = %(id)s", now=tx.now, id=merge.id)
    audit.record(tx, action="unmerge_clients", subject=("client", goes.id), before={"merged_into": stays.id})
    tx.emit(ClientsUnmerged(restored.id, goes.id, restored.version))
    return replace(restored, merged_ids=[i for i in restored.merged_ids if i != goes.id]), other


async def _lock(tx: Tx, first: str, second: str) -> tuple[Client, Client]:
    """Both rows, locked in id order."""
    rows = await tx.all(
        Client,
        f"select {queries.COLUMNS} from client c where id = any(%(ids)s) order by id for no key update",
        ids=[first, second],
    )
    found = {str(row.id): row for row in rows}
    return found[first], found[second]


async def _point(tx: Tx, client: Client, *, to: ClientId | None) -> Client:
    """Make a client stand for another, or for itself again."""
    after = replace(client, merged_into=to, version=client.version + 1, updated_at=tx.now)
    try:
        await tx.execute(
            "update client set merged_into = %(to)s, version = %(version)s, updated_at = %(now)s where id = %(id)s",
            to=to,
            version=after.version,
            now=tx.now,
            id=client.id,
        )
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateClient("same e-mail or name by now") from error
    return after
