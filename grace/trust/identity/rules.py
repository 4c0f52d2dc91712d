"""Roles and what each may do; what a key or an agent leaves of it; pure decisions about signing in.

A permission is `noun:verb` (`invoices:write`); `noun:*`, `*:verb` and `*` hold many.

| role     | reads            | writes                                                                        |
|----------|------------------|-------------------------------------------------------------------------------|
| owner    | everything       | everything                                                                    |
| admin    | everything       | everything but the workspace itself and who votes (owner, admin, Parliament)   |
| operator | everything       | the business, own agents and keys                                             |
| member   | the business     | the business, own agents and keys                                             |
| agent    | the business     | the business                                                                  |
| viewer   | the business     | own keys                                                                      |

The business: clients, leads, proposals, projects, invoices, payments, decisions, insight (an action is proposed by its
own noun's permission; policies judge it). Members of Parliament, owners and admins may vote (`decisions:vote`).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from grace.kit.errors import Invalid
from grace.kit.tx import Principal

SESSION_LIFETIME = timedelta(days=30)
SIGN_IN_LINK_LIFETIME = timedelta(minutes=15)
SIGNED_IN_AGAIN_WITHIN = timedelta(minutes=5)
ATTEMPTS = 10
"""Passwords that an account, or an address, may get wrong within the window."""
ATTEMPT_WINDOW = timedelta(minutes=15)
PASSWORD_LENGTH = (12, 1024)
EMAIL_LENGTH = 254


class Role(StrEnum):
    """What a principal is in the workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    MEMBER = "member"
    AGENT = "agent"
    VIEWER = "viewer"


BUSINESS = ("clients", "leads", "proposals", "projects", "invoices", "payments", "decisions", "insight")
TRUST = ("agents", "audit", "keys", "ledger", "parliament", "policies", "rates", "users", "workspace")
GIVE_VOTES = "parliament:write"
"""To name who votes: members of Parliament, owners and admins."""
VOTE = "decisions:vote"

PERMISSIONS = frozenset({f"{noun}:{verb}" for noun in BUSINESS + TRUST for verb in ("read", "write")} | {VOTE})
"""Every permission that a door may ask for."""


def _may(reads: Iterable[str], writes: Iterable[str]) -> frozenset[str]:
    return frozenset({f"{noun}:read" for noun in reads} | {f"{noun}:write" for noun in writes})


ROLES: Mapping[Role, frozenset[str]] = {
    Role.OWNER: frozenset({"*"}),
    Role.ADMIN: _may(["*"], set(BUSINESS + TRUST) - {"parliament", "workspace"}) | {VOTE},
    Role.OPERATOR: _may(["*"], [*BUSINESS, "agents", "keys"]),
    Role.MEMBER: _may([*BUSINESS, "agents", "keys"], [*BUSINESS, "agents", "keys"]),
    Role.AGENT: _may(BUSINESS, BUSINESS),
    Role.VIEWER: _may([*BUSINESS, "keys"], ["keys"]),
}

_PERMISSION = re.compile(r"\*|(?:\*|[a-z][a-z_]*):(?:\*|[a-z]+)")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+")


SEAT = frozenset({"decisions:read", VOTE})
"""What a member of Parliament may do besides."""


def permissions(roles: Collection[str]) -> frozenset[str]:
    """What the roles may do together."""
    return frozenset().union(*(ROLES[Role(role)] for role in roles))


def includes(roles: Collection[str], role: str) -> bool:
    """Whether who has these roles may do all that `role` may: only then does it count for an agent of theirs."""
    held = permissions(roles)
    return all(covers(held, one) for one in ROLES[Role(role)])


def covers(held: Collection[str], wanted: str) -> bool:
    """Whether one of the permissions held includes all of `wanted`."""
    noun, verb = _parts(wanted)
    return any(h_noun in ("*", noun) and h_verb in ("*", verb) for h_noun, h_verb in map(_parts, held))


def meet(one: Iterable[str], other: Collection[str]) -> frozenset[str]:
    """What both allow: a key's scopes with its principal's permissions, an agent's with its owner's."""
    both = set[str]()
    for noun, verb in map(_parts, one):
        for other_noun, other_verb in map(_parts, other):
            nouns, verbs = {noun, other_noun} - {"*"}, {verb, other_verb} - {"*"}
            if len(nouns) < 2 and len(verbs) < 2:
                both.add(_spelled("".join(nouns) or "*", "".join(verbs) or "*"))
    return frozenset(both)


def check_scopes(scopes: Collection[str]) -> list[str]:
    """The scopes of a key, sorted; Invalid for one that no door asks for, or none at all."""
    if not scopes:
        raise Invalid("A key without scopes may do nothing: name some, or leave `scopes` out for all.")
    for scope in scopes:
        if not _PERMISSION.fullmatch(scope) or not any(covers([scope], known) for known in PERMISSIONS):
            raise Invalid(f"There is no permission {scope!r}.", type="unknown-permission")
    return sorted(set(scopes))


def may_give(giver: Principal, *, roles: Collection[str], parliament: bool = False) -> bool:
    """Whether the giver may make somebody hold these roles: nobody gives what they do not hold themselves.

    An agent never names who votes: it could make itself a voter for what it, or its owner, has proposed.
    """
    votes = parliament or not {Role.OWNER, Role.ADMIN}.isdisjoint(roles)
    if votes and (giver.kind == "agent" or not covers(giver.permissions, GIVE_VOTES)):
        return False
    return all(covers(giver.permissions, one) for one in permissions(roles))


def has_just_signed_in(principal: Principal, *, real_now: datetime) -> bool:
    """Whether a person gave proof within the last five minutes."""
    at = principal.authenticated_at
    return at is not None and timedelta(0) <= real_now - at <= SIGNED_IN_AGAIN_WITHIN


def normal_email(text: str) -> str:
    """The one spelling of an e-mail under which its user is found; Invalid when it is none."""
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise Invalid("This is not an e-mail address.", type="invalid-email")
    return email


def check_password(password: str) -> str:
    """A password that may be set; Invalid for a short or an endless one."""
    least, most = PASSWORD_LENGTH
    if not least <= len(password) <= most:
        raise Invalid(f"A password has {least} to {most} characters.", type="invalid-password")
    return password


def _parts(permission: str) -> tuple[str, str]:
    noun, _, verb = permission.partition(":")
    return noun, verb or "*"


def _spelled(noun: str, verb: str) -> str:
    return "*" if (noun, verb) == ("*", "*") else f"{noun}:{verb}"
