"""Users and agents: making them, their roles, Parliament, shutting out."""

from collections.abc import Collection

from grace.kit.errors import Conflict, Forbidden
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.identity import queries
from grace.trust.identity.errors import AboveYou, EmailTaken, LastOwner
from grace.trust.identity.models import StoredPrincipal
from grace.trust.identity.rules import Role, may_give, normal_email
from grace.trust.identity.service.sessions import make_sign_in_link


async def create_user(
    tx: Tx, *, email: str, name: str, roles: Collection[Role], parliament: bool = False
) -> StoredPrincipal:
    """A new user, who signs in first by a link. EmailTaken; AboveYou for more than the caller may do."""
    _check_gift(tx, roles, parliament)
    made = await tx.first(
        StoredPrincipal,
        "insert into principal (id, kind, name, email, roles, parliament, created_at)"
        " values (%(id)s, 'user', %(name)s, %(email)s, %(roles)s, %(parliament)s, %(now)s)"
        f" on conflict (email) do nothing returning {queries.PRINCIPAL}",
        id=new_id("usr"),
        name=name,
        email=normal_email(email),
        roles=_sorted(roles),
        parliament=parliament,
        now=tx.real_now,
    )
    if made is None:
        raise EmailTaken("There is a user with this e-mail already.")
    _record(tx, "create_user", None, made)
    return made


async def create_agent(tx: Tx, *, name: str, roles: Collection[Role] = (Role.AGENT,)) -> StoredPrincipal:
    """A new agent of the user who asks: a principal of its own that may never do more than its owner."""
    if tx.principal.kind != "user":
        raise Forbidden("Only a user can own an agent.")
    _check_gift(tx, roles, False)
    made = await tx.one(
        StoredPrincipal,
        "insert into principal (id, kind, name, roles, owner_id, created_at)"
        f" values (%(id)s, 'agent', %(name)s, %(roles)s, %(owner)s, %(now)s) returning {queries.PRINCIPAL}",
        id=new_id("agt"),
        name=name,
        roles=_sorted(roles),
        owner=tx.principal.id,
        now=tx.real_now,
    )
    _record(tx, "create_agent", None, made)
    return made


async def set_roles(tx: Tx, *, principal_id: str, roles: Collection[Role]) -> StoredPrincipal:
    """Replace the roles. LastOwner when none would be left; AboveYou for roles beyond the caller's, old or new."""
    await _lock_owners(tx)
    before = await queries.stored(tx, principal_id, lock=True)
    _check_gift(tx, roles, False)
    _check_gift(tx, [Role(role) for role in before.roles], False)
    if Role.OWNER in before.roles and Role.OWNER not in roles:
        await _check_other_owner(tx, principal_id)
    return await _change(tx, "set_roles", before, "roles = %(value)s", value=_sorted(roles))


async def set_parliament(tx: Tx, *, principal_id: str, member: bool) -> StoredPrincipal:
    """Make a principal a member of Parliament, or no longer one."""
    before = await queries.stored(tx, principal_id, lock=True)
    _check_gift(tx, [], True)
    return await _change(tx, "set_parliament", before, "parliament = %(value)s", value=member)


async def renew_sign_in_link(tx: Tx, *, principal_id: str) -> tuple[StoredPrincipal, str]:
    """A user and the token of a new sign-in link of theirs; links of before that were not used end.

    Who holds it acts as that user, so that only who could give what the user holds may make one. Conflict for oneself,
    to whom a link would be proof of being there, and for who is disabled.
    """
    user = await queries.stored(tx, principal_id, kind="user", lock=True)
    if user.id == tx.principal.id:
        raise Conflict("Nobody makes a sign-in link for themselves. Ask another owner or admin, or set a password.")
    _check_gift(tx, [Role(role) for role in user.roles], user.parliament)
    await tx.execute("delete from sign_in_link where principal_id = %(id)s and used_at is null", id=user.id)
    return user, await make_sign_in_link(tx, principal_id=user.id)


async def disable(tx: Tx, *, principal_id: str) -> StoredPrincipal:
    """Shut a principal out at once: its sessions end, its keys and agents do nothing until it is enabled."""
    await _lock_owners(tx)
    before = await queries.stored(tx, principal_id, lock=True)
    _check_may_manage(tx, before)
    if before.disabled_at is not None:
        return before
    if Role.OWNER in before.roles:
        await _check_other_owner(tx, principal_id)
    await tx.execute("delete from session where principal_id = %(id)s", id=principal_id)
    await tx.execute("delete from sign_in_link where principal_id = %(id)s", id=principal_id)
    return await _change(tx, "disable_principal", before, "disabled_at = %(value)s", value=tx.real_now)


async def enable(tx: Tx, *, principal_id: str) -> StoredPrincipal:
    """Let a disabled principal in again."""
    before = await queries.stored(tx, principal_id, lock=True)
    _check_may_manage(tx, before)
    if before.disabled_at is None:
        return before
    return await _change(tx, "enable_principal", before, "disabled_at = %(value)s", value=None)


async def _change(tx: Tx, action: str, before: StoredPrincipal, change: str, *, value: object) -> StoredPrincipal:
    after = await tx.one(
        StoredPrincipal,
        f"update principal set {change}, version = version + 1 where id = %(id)s returning {queries.PRINCIPAL}",
        id=before.id,
        value=value,
    )
    _record(tx, action, before, after)
    return after


async def _lock_owners(tx: Tx) -> None:
    """Two owners cannot remove each other at the same moment."""
    await tx.execute("select id from principal where 'owner' = any(roles) order by id for no key update")


async def _check_other_owner(tx: Tx, principal_id: str) -> None:
    other = await tx.value(
        "select exists (select from principal where kind = 'user' and 'owner' = any(roles)"
        " and disabled_at is null and id <> %(id)s)",
        id=principal_id,
    )
    if not other:
        raise LastOwner("This is the last owner. Make another user an owner first.")


def _check_gift(tx: Tx, roles: Collection[Role], parliament: bool) -> None:
    if not may_give(tx.principal, roles=roles, parliament=parliament):
        raise AboveYou("Nobody gives or takes what they do not hold themselves; an owner names who votes.")


def _check_may_manage(tx: Tx, whom: StoredPrincipal) -> None:
    if whom.owner_id != tx.principal.id:
        _check_gift(tx, [Role(role) for role in whom.roles], whom.parliament)
        if whom.id == tx.principal.id:
            raise Conflict("You cannot shut yourself out.")


def _sorted(roles: Collection[Role]) -> list[str]:
    return sorted({role.value for role in roles})


def _record(tx: Tx, action: str, before: StoredPrincipal | None, after: StoredPrincipal) -> None:
    audit.record(tx, action=action, subject=(after.kind, after.id), before=before, after=after)
