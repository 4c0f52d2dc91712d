"""Who sends a request, and the sessions and one-time links by which people are signed in."""

from datetime import datetime

from grace.kit.errors import Conflict, Unauthenticated
from grace.kit.ids import new_id
from grace.kit.tx import Part, Principal, Tx
from grace.trust.audit import service as audit
from grace.trust.identity import queries
from grace.trust.identity.errors import LinkOver, UnknownLink
from grace.trust.identity.models import Acting, OpenedSession
from grace.trust.identity.rules import SESSION_LIFETIME, SIGN_IN_LINK_LIFETIME
from grace.trust.identity.tokens import new_token, token_hash

_BY_KEY = (
    f"select {queries.ACTING}, k.scopes, k.id as key_id,"
    " k.last_used_at is null or k.last_used_at <= %(now)s - interval '1 minute' as use_is_old"
    " from api_key k join principal p on p.id = k.principal_id left join principal o on o.id = p.owner_id"
    f" where k.token_hash = %(hash)s and k.revoked_at is null and {queries.ACTIVE}"
)
_BY_SESSION = (
    f"select {queries.ACTING}, s.authenticated_at"
    " from session s join principal p on p.id = s.principal_id left join principal o on o.id = p.owner_id"
    f" where s.token_hash = %(hash)s and s.expires_at > %(now)s and {queries.ACTIVE}"
)


async def authenticate(tx: Tx, *, bearer: str | None, session: str | None) -> Principal:
    """The principal of an API key, else of a session's cookie; Unauthenticated. One statement."""
    token = bearer if bearer is not None else session
    if token is None:
        raise Unauthenticated("Send your key as `Authorization: Bearer grc_…`, or sign in.")
    acting = await tx.first(Acting, _BY_SESSION if bearer is None else _BY_KEY, hash=token_hash(token), now=tx.real_now)
    if acting is None:
        raise Unauthenticated("The key or session is not known, or it is over.")
    if acting.key_id is not None and acting.use_is_old:
        tx.at_commit(_note_use, acting.key_id)
    return acting.principal()


async def _note_use(tx: Tx, key_ids: list[str]) -> Part:
    """When a key was last used, to the minute. A row that another request holds is left to that request."""
    return Part(
        "key_use as (update api_key set last_used_at = %(key_now)s"
        " where id in (select id from api_key where id = any(%(key_ids)s) for no key update skip locked))",
        {"key_ids": key_ids, "key_now": tx.real_now},
    )


async def open_session(tx: Tx, *, principal: Principal, by: str, instead_of: str | None = None) -> OpenedSession:
    """Sign a person in, `by` "password" or "link". `instead_of` is the browser's cookie until now: it ends.

    From here on the transaction acts as that person.
    """
    tx.principal = principal
    token, session_id, expires_at = new_token(tx.workspace.handle), new_id("ses"), tx.real_now + SESSION_LIFETIME
    await tx.execute(
        "delete from session where token_hash = %(old)s or (principal_id = %(principal)s and expires_at <= %(now)s)",
        old=token_hash(instead_of or ""),
        principal=principal.id,
        now=tx.real_now,
    )
    await tx.execute(
        "insert into session (id, principal_id, token_hash, created_at, authenticated_at, expires_at)"
        " values (%(id)s, %(principal)s, %(hash)s, %(now)s, %(now)s, %(expires)s)",
        id=session_id,
        principal=principal.id,
        hash=token_hash(token),
        now=tx.real_now,
        expires=expires_at,
    )
    audit.record(tx, action="sign_in", subject=("session", session_id), after={"by": by})
    return OpenedSession(token, principal, expires_at)


async def sign_out(tx: Tx, *, session: str | None) -> bool:
    """End the session of a cookie; False when there is none."""
    ended = await tx.value(
        "delete from session where token_hash = %(hash)s returning id", hash=token_hash(session or "")
    )
    if ended is not None:
        audit.record(tx, action="sign_out", subject=("session", ended))
    return ended is not None


async def make_sign_in_link(tx: Tx, *, principal_id: str) -> str:
    """The token of a link that signs the user in once, within 15 minutes of real time; Conflict when disabled."""
    user = await queries.stored(tx, principal_id, kind="user")
    if user.disabled_at is not None:
        raise Conflict("This user is disabled; enable them first.")
    token, link_id = new_token(tx.workspace.handle), new_id("sil")
    await tx.execute(
        "delete from sign_in_link where principal_id = %(id)s and expires_at <= %(now)s",
        id=user.id,
        now=tx.real_now,
    )
    await tx.execute(
        "insert into sign_in_link (id, principal_id, token_hash, created_at, expires_at)"
        " values (%(id)s, %(principal)s, %(hash)s, %(now)s, %(expires)s)",
        id=link_id,
        principal=user.id,
        hash=token_hash(token),
        now=tx.real_now,
        expires=tx.real_now + SIGN_IN_LINK_LIFETIME,
    )
    audit.record(tx, action="make_sign_in_link", subject=("user", user.id), after={"link": link_id})
    return token


async def check_sign_in_link(tx: Tx, *, token: str) -> None:
    """Whether a link would sign somebody in now; nothing is used up. UnknownLink, LinkOver."""
    fresh = await tx.value(
        "select used_at is null and expires_at > %(now)s from sign_in_link where token_hash = %(hash)s",
        hash=token_hash(token),
        now=tx.real_now,
    )
    _refuse_unless_fresh(fresh)


async def redeem_sign_in_link(tx: Tx, *, token: str, instead_of: str | None = None) -> OpenedSession:
    """Sign in by a link, which is used up, whoever else opens it at this moment. UnknownLink, LinkOver."""
    principal = await _use_link(tx, token)
    return await open_session(tx, principal=principal, by="link", instead_of=instead_of)


async def confirm(tx: Tx, *, session: str | None) -> datetime:
    """Note that the person of this session has just given proof again; the new `authenticated_at`.

    The caller has checked the password; `confirm_by_link` checks for itself.
    """
    confirmed = await tx.value(
        "update session set authenticated_at = %(now)s where token_hash = %(hash)s"
        " and principal_id = %(principal)s and expires_at > %(now)s returning id",
        hash=token_hash(session or ""),
        principal=tx.principal.id,
        now=tx.real_now,
    )
    if confirmed is None:
        raise Conflict("Only a browser's session can be confirmed; an API key is nobody's presence.")
    audit.record(tx, action="confirm_session", subject=("session", confirmed))
    return tx.real_now


async def confirm_by_link(tx: Tx, *, session: str | None, token: str) -> datetime:
    """Note new proof, given by a fresh sign-in link of the same person. UnknownLink, LinkOver."""
    principal = await _use_link(tx, token)
    if principal.id != tx.principal.id:
        raise UnknownLink("This is not a sign-in link of yours.")
    return await confirm(tx, session=session)


async def _use_link(tx: Tx, token: str) -> Principal:
    used = await tx.value(
        "update sign_in_link set used_at = %(now)s where token_hash = %(hash)s and used_at is null"
        " and expires_at > %(now)s returning principal_id",
        hash=token_hash(token),
        now=tx.real_now,
    )
    if used is None:
        known = await tx.value(
            "select exists (select from sign_in_link where token_hash = %(hash)s)", hash=token_hash(token)
        )
        _refuse_unless_fresh(False if known else None)
    principal = await queries.principal(tx, used)
    if principal is None:
        raise LinkOver("Who this sign-in link was for may no longer sign in.")
    return principal


def _refuse_unless_fresh(fresh: bool | None) -> None:
    if fresh is None:
        raise UnknownLink("This sign-in link is not known. Ask for a new one.")
    if not fresh:
        raise LinkOver("This sign-in link was used, or its 15 minutes are over. Ask for a new one.")
