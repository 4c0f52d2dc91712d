"""Reads of identity."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from grace.kit.errors import NotFound
from grace.kit.tx import Principal, Tx
from grace.trust.identity.models import Acting, ApiKey, StoredPrincipal
from grace.trust.identity.rules import Role, includes

PRINCIPAL = "id, number, kind, name, email, roles, parliament, owner_id, version, created_at, disabled_at"
KEY = "id, number, principal_id, name, scopes, created_at, last_used_at, revoked_at"
ACTING = "p.kind, p.id, p.name, p.roles, p.parliament, p.owner_id, o.roles as owner_roles"
"""Columns of `Acting`, from `principal p left join principal o on o.id = p.owner_id`."""
ACTIVE = "p.disabled_at is null and o.disabled_at is null"
"""An agent acts only while its owner does."""


async def voters(tx: Tx, group: str) -> frozenset[str]:
    """The ids of the active members of `parliament`, or of those who have the role `group`.

    An agent has a role only while its owner may as much. ValueError for a group that does not exist.
    """
    condition, owners = "p.parliament", list[str]()
    if group != "parliament":
        condition = "%(group)s = any(p.roles) and (o.id is null or o.roles && %(owners)s::text[])"
        owners = [role for role in Role if includes([role], Role(group))]
    ids = await tx.all(
        str,
        f"select p.id from principal p left join principal o on o.id = p.owner_id where {ACTIVE} and {condition}",
        group=group,
        owners=owners,
    )
    return frozenset(ids)


@dataclass(frozen=True, slots=True)
class Member:
    """Who may vote in a group. `person` is whose vote it casts: its own, or for an agent its owner's."""

    id: str
    kind: Literal["user", "agent"]
    name: str
    person: str


@dataclass(frozen=True, slots=True)
class _MemberRow:
    id: str
    kind: Literal["user", "agent"]
    name: str
    person: str
    roles: list[str]
    parliament: bool
    owner_roles: list[str] | None


async def members(tx: Tx, groups: Collection[str]) -> dict[str, list[Member]]:
    """The members of some groups as `voters` counts them, with their names, in one statement."""
    for group in set(groups) - {"parliament"}:
        Role(group)
    rows = await tx.all(
        _MemberRow,
        "select p.id, p.kind, p.name, coalesce(p.owner_id, p.id) as person, p.roles, p.parliament,"
        " o.roles as owner_roles from principal p left join principal o on o.id = p.owner_id"
        f" where {ACTIVE} and (p.roles && %(groups)s::text[] or (%(seats)s and p.parliament)) order by p.number",
        groups=list(groups),
        seats="parliament" in groups,
    )
    return {
        group: [Member(row.id, row.kind, row.name, row.person) for row in rows if _is_in(row, group)]
        for group in groups
    }


def _is_in(row: _MemberRow, group: str) -> bool:
    if group == "parliament":
        return row.parliament
    return group in row.roles and (row.owner_roles is None or includes(row.owner_roles, group))


async def persons(tx: Tx, ids: Collection[str]) -> dict[str, str]:
    """Whose vote each of these principals casts: its own, or for an agent its owner's."""
    rows = await tx.all(
        dict, "select id, coalesce(owner_id, id) as person from principal where id = any(%(ids)s)", ids=list(ids)
    )
    return {row["id"]: row["person"] for row in rows}


@dataclass(frozen=True, slots=True)
class Named:
    """A user or an agent as pages name it."""

    kind: Literal["user", "agent"]
    name: str


async def names(tx: Tx, ids: Collection[str]) -> dict[str, Named]:
    """Kind and name of these principals, disabled or not; those that are none are left out."""
    rows = await tx.all(dict, "select id, kind, name from principal where id = any(%(ids)s)", ids=sorted(set(ids)))
    return {row["id"]: Named(row["kind"], row["name"]) for row in rows}


async def parliament_size(tx: Tx) -> int:
    """How many may vote in Parliament."""
    return len(await voters(tx, "parliament"))


async def principal(tx: Tx, principal_id: str) -> Principal | None:
    """A user or an agent with what it may do now; None when there is none, or it is disabled."""
    acting = await tx.first(
        Acting,
        f"select {ACTING} from principal p left join principal o on o.id = p.owner_id where p.id = %(id)s and {ACTIVE}",
        id=principal_id,
    )
    return None if acting is None else acting.principal()


async def stored(
    tx: Tx, principal_id: str, *, kind: Literal["user", "agent"] | None = None, lock: bool = False
) -> StoredPrincipal:
    """The row of a user or an agent, disabled or not; NotFound."""
    row = await tx.first(
        StoredPrincipal,
        f"select {PRINCIPAL} from principal where id = %(id)s and (%(kind)s::text is null or kind = %(kind)s)"
        + (" for no key update" if lock else ""),
        id=principal_id,
        kind=kind,
    )
    if row is None:
        raise NotFound(f"There is no {kind or 'principal'} {principal_id}.")
    return row


async def by_email(tx: Tx, email: str) -> StoredPrincipal | None:
    """The user with this normalised e-mail."""
    return await tx.first(StoredPrincipal, f"select {PRINCIPAL} from principal where email = %(email)s", email=email)


async def listed(
    tx: Tx, *, kind: Literal["user", "agent"], limit: int, after: int | None = None, role: str | None = None
) -> list[StoredPrincipal]:
    """Users, or agents, in the order of their numbers: one more than `limit` when there are more."""
    return await tx.all(
        StoredPrincipal,
        f"select {PRINCIPAL} from principal where kind = %(kind)s and number > %(after)s"
        " and (%(role)s::text is null or %(role)s = any(roles)) order by number limit %(limit)s",
        kind=kind,
        after=after or 0,
        role=role,
        limit=limit + 1,
    )


async def keys(tx: Tx, *, of: str | None, limit: int, after: int | None = None) -> list[ApiKey]:
    """The keys of a principal and of its agents, or all: one more than `limit` when there are more."""
    return await tx.all(
        ApiKey,
        f"select {KEY} from api_key where number > %(after)s and (%(of)s::text is null or principal_id = %(of)s"
        " or principal_id in (select id from principal where owner_id = %(of)s)) order by number limit %(limit)s",
        of=of,
        after=after or 0,
        limit=limit + 1,
    )
