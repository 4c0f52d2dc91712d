"""Rows of identity."""

from dataclasses import dataclass
from datetime import datetime

from grace.kit.tx import Principal, PrincipalKind
from grace.trust.identity import rules


@dataclass(frozen=True, slots=True)
class StoredPrincipal:
    """A user or an agent. `email` is a user's, `owner_id` an agent's; both stay out of the audit's headers."""

    id: str
    number: int
    kind: PrincipalKind
    name: str
    email: str | None
    roles: list[str]
    parliament: bool
    owner_id: str | None
    version: int
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its token, which nobody can show again. `scopes` None: all that its principal may."""

    id: str
    number: int
    principal_id: str
    name: str
    scopes: list[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Acting:
    """A principal with all that limits it, in one row: its owner's roles and its key's scopes."""

    kind: PrincipalKind
    id: str
    name: str
    roles: list[str]
    parliament: bool
    owner_id: str | None
    owner_roles: list[str] | None
    scopes: list[str] | None = None
    authenticated_at: datetime | None = None
    key_id: str | None = None
    use_is_old: bool = False

    def principal(self) -> Principal:
        """Who acts: an agent no more than its owner, but for its seat; a key no more than its scopes."""
        roles, held = self.roles, rules.permissions(self.roles)
        if self.owner_roles is not None:
            roles = [role for role in roles if rules.includes(self.owner_roles, role)]
            held = rules.meet(held, rules.permissions(self.owner_roles))
        if self.parliament:
            held |= rules.SEAT
        if self.scopes is not None:
            held = rules.meet(held, self.scopes)
        return Principal(
            self.kind,
            self.id,
            self.name,
            frozenset(roles),
            held,
            owner=self.owner_id,
            authenticated_at=self.authenticated_at,
        )


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just made; `token` is the cookie, shown only now."""

    token: str
    principal: Principal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt with a password, counted before it is judged. `wait_s`: refused, for so many seconds."""

    subjects: tuple[bytes, ...]
    wait_s: int | None
    principal_id: str | None
    password_hash: str | None
