"""Questions about long work."""

from collections.abc import Collection

from grace.flows.work.models import COLUMNS, OPEN, RIGHTS, Kind, Work
from grace.kit.edge import permits
from grace.kit.errors import Forbidden, NotFound
from grace.kit.tx import Principal, Tx


def seen_by(principal: Principal) -> list[Kind]:
    """The kinds that somebody may see."""
    return [kind for kind, rights in RIGHTS.items() if permits(principal, rights.see)]


def acted_on_by(principal: Principal) -> list[Kind]:
    """The kinds that somebody may begin, confirm and stop."""
    return [kind for kind, rights in RIGHTS.items() if permits(principal, rights.act)]


async def work(tx: Tx, work_id: str, *, act: bool = False, lock: bool = False) -> Work:
    """The work, for who may see it (or with `act`, stop and confirm it); NotFound, Forbidden."""
    found = await tx.first(
        Work, f"select {COLUMNS} from work where id = %(id)s {'for update' if lock else ''}", id=work_id
    )
    if found is None:
        raise NotFound("There is no such work.")
    may = RIGHTS[found.kind].act if act else RIGHTS[found.kind].see
    if not permits(tx.principal, may):
        raise Forbidden(f"This needs the permission {may!r}.", permission=may)
    return found


async def by_key(tx: Tx, key: str) -> Work | None:
    """What the principal has begun under a key."""
    return await tx.first(
        Work, f"select {COLUMNS} from work where begun_by = %(by)s and key = %(key)s", by=tx.principal.id, key=key
    )


async def works(tx: Tx, *, kinds: Collection[Kind], before: int | None, limit: int) -> list[Work]:
    """A page of work of some kinds, the latest first."""
    return await tx.all(
        Work,
        f"select {COLUMNS} from work where kind = any(%(kinds)s)"
        " and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s",
        kinds=list(kinds),
        before=before,
        limit=limit,
    )


async def open_count(tx: Tx) -> int:
    """How much work is not ended."""
    return int(await tx.value("select count(*) from work where state = any(%(open)s)", open=list(OPEN)))
