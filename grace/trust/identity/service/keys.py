"""API keys: made for oneself or one's own agent, shown once, revoked for ever."""

from collections.abc import Collection

from grace.kit.errors import Conflict, Forbidden, NotFound
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.identity import queries
from grace.trust.identity.errors import AboveYou
from grace.trust.identity.models import ApiKey
from grace.trust.identity.rules import check_scopes, covers
from grace.trust.identity.tokens import new_key, token_hash


async def create_key(
    tx: Tx, *, principal_id: str, name: str, scopes: Collection[str] | None = None
) -> tuple[ApiKey, str]:
    """A key of the caller or of an agent of theirs, and its token, which is shown only now.

    `scopes` None is all that the principal may do, now and later. AboveYou for scopes beyond what the caller,
    with the key or session in hand, may do: a narrow key makes no wide one.
    """
    owner = (await queries.stored(tx, principal_id)).owner_id
    if tx.principal.kind != "system" and tx.principal.id not in (principal_id, owner):
        raise Forbidden("A key acts as its principal: you can make one for yourself or for your own agent.")
    holder = await queries.principal(tx, principal_id)
    if holder is None:
        raise Conflict("This principal is disabled.")
    wanted = None if scopes is None else check_scopes(scopes)
    for one in holder.permissions if wanted is None else wanted:
        if not (covers(tx.principal.permissions, one) and covers(holder.permissions, one)):
            raise AboveYou(f"You cannot give a key the permission {one!r}.", permission=one)
    token = new_key(tx.workspace.handle)
    key = await tx.one(
        ApiKey,
        "insert into api_key (id, principal_id, name, scopes, token_hash, created_at)"
        f" values (%(id)s, %(principal)s, %(name)s, %(scopes)s, %(hash)s, %(now)s) returning {queries.KEY}",
        id=new_id("key"),
        principal=principal_id,
        name=name,
        scopes=wanted,
        hash=token_hash(token),
        now=tx.real_now,
    )
    audit.record(tx, action="create_key", subject=("key", key.id), after=_shown(key))
    return key, token


async def revoke_key(tx: Tx, *, key_id: str) -> ApiKey:
    """End a key: one's own, one's agent's, or, with `users:write`, anybody's. It answers nothing from now on."""
    before = await tx.first(ApiKey, f"select {queries.KEY} from api_key where id = %(id)s for no key update", id=key_id)
    if before is None or not await _may_end(tx, before):
        raise NotFound(f"There is no key {key_id}.")
    if before.revoked_at is not None:
        return before
    after = await tx.one(
        ApiKey,
        f"update api_key set revoked_at = %(now)s where id = %(id)s returning {queries.KEY}",
        id=key_id,
        now=tx.real_now,
    )
    audit.record(tx, action="revoke_key", subject=("key", key_id), before=_shown(before), after=_shown(after))
    return after


async def _may_end(tx: Tx, key: ApiKey) -> bool:
    if covers(tx.principal.permissions, "users:write") or key.principal_id == tx.principal.id:
        return True
    return (await queries.stored(tx, key.principal_id)).owner_id == tx.principal.id


def _shown(key: ApiKey) -> dict[str, object]:
    """A key as the audit log tells it."""
    return {
        "name": key.name,
        "principal": key.principal_id,
        "scopes": key.scopes,
        "revoked_at": key.revoked_at,
    }
