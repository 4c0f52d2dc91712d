"""Rows of governance: policy versions, decisions, votes, exchange rates."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, NewType

DecisionId = NewType("DecisionId", str)


class Status(StrEnum):
    """Where a decision stands. Only `awaiting_approval` is ever left."""

    ALLOWED = "allowed"
    DENIED = "denied"
    AWAITING_APPROVAL = "awaiting_approval"
    EXECUTED = "executed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Reason:
    """A policy that spoke, by its `@id`, in the words of its `@says`.

    With a `quorum` it is a hold: it stands until that quorum is met. `solo`: a single voting member may meet
    it alone for an action of their own.
    """

    says: str
    policy: str | None = None
    quorum: str | None = None
    solo: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's answer to an action, and what became of it. Times are business time.

    `arguments` are exactly those that ran or will run; `context` is what the policy judged; `result` is what
    the executor gave back (the id of the noun it made), once it ran.
    """

    id: DecisionId
    number: int
    action: str
    effect: str
    arguments: dict[str, Any]
    arguments_sha256: str
    state_sha256: str | None
    context: dict[str, Any]
    inputs_sha256: str
    policy_version: int | None
    reasons: list[dict[str, Any]]
    status: str
    proposer_kind: str
    proposer_id: str
    proposer_name: str
    proposer_owner: str | None
    proposer_roles: list[str]
    proposed_at: datetime
    expires_at: datetime | None
    decided_at: datetime | None
    result: Any
    version: int

    @property
    def holds(self) -> list[Reason]:
        """The quorums it waits for, or waited for."""
        return [reason for reason in (Reason(**r) for r in self.reasons) if reason.quorum is not None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action: the decision, and what the executor gave back if it ran just now.

    `claim_ignored` says why a caller's claim of approval did not count; None when there was none.
    """

    decision: Decision
    result: Any = None
    claim_ignored: str | None = None

    @property
    def ran(self) -> bool:
        """Whether the action has run."""
        return self.decision.status in (Status.ALLOWED, Status.EXECUTED)

    @property
    def held(self) -> bool:
        """Whether the action awaits approval."""
        return self.decision.status == Status.AWAITING_APPROVAL

    @property
    def denied(self) -> bool:
        """Whether the action will never run."""
        return not self.ran and not self.held


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's vote. A person's agents vote in that person's place, so `person` is an agent's owner."""

    decision_id: DecisionId
    person: str
    voter_kind: str
    voter_id: str
    voter_name: str
    approve: bool
    reason: str
    solo: bool
    cast_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy text that is or was in force; the highest version is. `cases` are the tests it passed."""

    version: int
    text: str
    cases: list[dict[str, Any]]
    sha256: str
    source: str
    activated_at: datetime
    activated_by: str


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """`per_usd` units of `currency` (major) bought one US dollar on `on_date`."""

    currency: str
    on_date: date
    per_usd: Decimal


class Change(NamedTuple):
    """A past decision that another policy text would have judged otherwise at first sight."""

    decision_id: str
    action: str
    was: Status
    would_be: Status
