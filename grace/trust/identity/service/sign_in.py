"""Signing in with a password: the attempt is counted and committed first, then judged, then rewarded.

Three steps, since a refusal must not undo the count and hashing must not hold a transaction: `begin_attempt`
(commit), `passwords.matches`, then on success `finish_attempt` with what it is good for.
"""

from grace.kit.errors import Conflict
from grace.kit.tx import Principal, Tx
from grace.trust.audit import service as audit
from grace.trust.identity import passwords, queries
from grace.trust.identity.errors import SignInAgain, WrongPassword
from grace.trust.identity.models import Attempt
from grace.trust.identity.rules import ATTEMPT_WINDOW, ATTEMPTS, check_password, has_just_signed_in
from grace.trust.identity.tokens import token_hash


async def begin_attempt(tx: Tx, *, email: str, address: str) -> Attempt:
    """Count an attempt for the account and for the address, whether or not there is such a user.

    Both counts are exact however many attempts run at once. `wait_s` tells that one of them is used up; the
    caller commits in either case.
    """
    subjects = sorted((token_hash(f"account:{email}"), token_hash(f"address:{address}")))
    seconds = await tx.value(
        "with counted as (insert into sign_in_attempt as a (subject, failures, since)"
        " select subject, 1, %(now)s from unnest(%(subjects)s::bytea[]) as s (subject)"
        " on conflict (subject) do update set"
        " failures = case when a.since > %(now)s - %(window)s then a.failures + 1 else 1 end,"
        " since = case when a.since > %(now)s - %(window)s then a.since else %(now)s end"
        " returning failures, since)"
        " select extract(epoch from max(since) + %(window)s - %(now)s) from counted where failures > %(most)s",
        subjects=subjects,
        now=tx.real_now,
        window=ATTEMPT_WINDOW,
        most=ATTEMPTS,
    )
    if seconds is not None:
        return Attempt(tuple(subjects), max(1, round(seconds)), None, None)
    user = await tx.first(
        dict,
        "select id, password_hash from principal where email = %(email)s and disabled_at is null",
        email=email,
    )
    found = user or {"id": None, "password_hash": None}
    return Attempt(tuple(subjects), None, found["id"], found["password_hash"])


async def finish_attempt(tx: Tx, attempt: Attempt) -> Principal:
    """The attempt was right: it counts as none. The principal; WrongPassword when the password changed meanwhile."""
    same = await tx.value(
        "select true from principal where id = %(id)s and password_hash = %(hash)s",
        id=attempt.principal_id,
        hash=attempt.password_hash,
    )
    principal = await queries.principal(tx, attempt.principal_id or "") if same else None
    if principal is None:
        raise WrongPassword("The e-mail or the password is wrong.")
    await tx.execute(
        "update sign_in_attempt a set failures = failures - 1 from (select subject from sign_in_attempt"
        " where subject = any(%(subjects)s) order by subject for update) s where a.subject = s.subject",
        subjects=list(attempt.subjects),
    )
    await tx.execute(
        "delete from sign_in_attempt where subject in (select subject from sign_in_attempt"
        " where since <= %(now)s - %(window)s limit 1000 for update skip locked)",
        now=tx.real_now,
        window=ATTEMPT_WINDOW,
    )
    return principal


async def set_password(tx: Tx, *, password: str, session: str | None) -> None:
    """Set the caller's own password; their other sessions end. SignInAgain without proof of the last 5 minutes."""
    if tx.principal.kind != "user":
        raise Conflict("Only users have passwords.")
    if not has_just_signed_in(tx.principal, real_now=tx.real_now):
        raise SignInAgain("To set a password, sign in again first.")
    await tx.execute(
        "update principal set password_hash = %(hash)s, version = version + 1 where id = %(id)s",
        hash=await passwords.hashed(check_password(password)),
        id=tx.principal.id,
    )
    await tx.execute(
        "delete from session where principal_id = %(id)s and token_hash <> %(mine)s",
        id=tx.principal.id,
        mine=token_hash(session or ""),
    )
    audit.record(tx, action="set_password", subject=("user", tx.principal.id))
