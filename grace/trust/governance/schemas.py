"""What governance says and takes over the wire."""

from datetime import date, datetime
from typing import Any

from fastapi import Response
from pydantic import ConfigDict, Field

from grace.kit.errors import Forbidden
from grace.kit.money import Amount
from grace.kit.web import Answer, Body, ExactJSON, Held, problem_response
from grace.trust.governance.checks import MAX_CASES, MAX_TEXT_BYTES
from grace.trust.governance.models import Change, Decision, Outcome, PolicyVersion, Vote


class Denied(Forbidden):
    """The policy said no; the decision is stored."""

    slug, title = "action-denied", "The policy does not allow this"


class ReasonOut(Answer):
    """A policy that spoke. With a `quorum` the action waits, or waited, for those votes."""

    policy: str | None
    says: str
    quorum: str | None
    solo: bool


class VoteOut(Answer):
    """One person's vote. `solo`: the Parliament of one."""

    voter_id: str
    voter_kind: str
    voter_name: str
    approve: bool
    reason: str
    solo: bool
    cast_at: datetime


class DecisionOut(Answer):
    """An action and the policy's answer to it. `arguments` are exactly those that run."""

    id: str
    number: int
    action: str
    effect: str
    arguments: dict[str, Any]
    context: dict[str, Any]
    status: str
    requires_approval: bool
    reasons: list[ReasonOut]
    proposer_kind: str
    proposer_id: str
    proposer_name: str
    policy_version: int | None
    proposed_at: datetime
    expires_at: datetime | None
    decided_at: datetime | None
    result: Any
    votes: list[VoteOut] = Field(default_factory=list)

    @classmethod
    def of(cls, decision: Decision, votes: list[Vote]) -> "DecisionOut":
        """The record of a decision."""
        return cls(
            **{name: getattr(decision, name) for name in _SAME},
            requires_approval=decision.status == "awaiting_approval",
            reasons=[ReasonOut(**reason) for reason in decision.reasons],
            votes=[VoteOut(**{name: getattr(vote, name) for name in VoteOut.model_fields}) for vote in votes],
        )


_SAME = set(DecisionOut.model_fields) - {"requires_approval", "reasons", "votes"}


class DecisionList(Answer):
    """A page of decisions, the newest first."""

    items: list[DecisionOut]
    next_cursor: str | None


class VoteIn(Body):
    """A vote. The reason is required when a single voting member approves an own action."""

    approve: bool = Field(strict=True)
    reason: str = Field("", max_length=2000)


class PolicyOut(Answer):
    """A policy version; the highest is in force."""

    version: int
    sha256: str
    source: str
    activated_at: datetime
    activated_by: str
    text: str
    cases: list[dict[str, Any]]

    @classmethod
    def of(cls, policy: PolicyVersion) -> "PolicyOut":
        """The record of a version."""
        return cls(**{name: getattr(policy, name) for name in cls.model_fields})


class PolicyList(Answer):
    """A page of versions, the one in force first."""

    items: list[PolicyOut]
    next_cursor: str | None


class PolicyIn(Body):
    """A text and its tests. With `dry_run` it is only checked."""

    model_config = ConfigDict(str_max_length=None, str_strip_whitespace=False)

    text: str = Field(max_length=MAX_TEXT_BYTES)
    cases: list[dict[str, Any]] = Field(max_length=MAX_CASES)
    dry_run: bool = Field(False, strict=True)


class ChangeOut(Answer):
    """A past decision that the text would have judged otherwise."""

    decision_id: str
    action: str
    was: str
    would_be: str


class PolicyProposed(Answer):
    """The text is sound. `policy` is set when it came into force at once; `changes` looks at the past."""

    requires_approval: bool = False
    decision_id: str | None
    policy: PolicyOut | None
    changes: list[ChangeOut]

    @classmethod
    def of(cls, decision_id: str | None, policy: PolicyVersion | None, changes: list[Change]) -> "PolicyProposed":
        """The answer to a proposed or tried text."""
        found = [ChangeOut(**change._asdict()) for change in changes]
        return cls(decision_id=decision_id, policy=None if policy is None else PolicyOut.of(policy), changes=found)


class RateIn(Body):
    """`per_usd` units of `currency` buy one US dollar on that day."""

    currency: str
    per_usd: Amount
    on_date: date


class RatesIn(Body):
    """Rates to store; one for the same currency and day replaces the former."""

    rates: list[RateIn] = Field(min_length=1, max_length=10_000)


class RatesStored(Answer):
    """How many were stored."""

    stored: int


def held_answer(outcome: Outcome, *, success: bool | None = None) -> Held:
    """The 202 of an action that awaits approval; `success` for the doors of document 1."""
    says = [reason.says for reason in outcome.decision.holds]
    if outcome.claim_ignored is not None:
        says.append(outcome.claim_ignored)
    return Held(
        requires_approval=True,
        decision_id=outcome.decision.id,
        status="awaiting_approval",
        reasons=says,
        success=success,
    )


def denied_answer(outcome: Outcome, request_id: str) -> Response:
    """The 403 of an action that will not run: an answer to commit, not an exception."""
    says = [reason["says"] for reason in outcome.decision.reasons]
    if outcome.claim_ignored is not None:
        says.append(outcome.claim_ignored)
    problem = Denied(" ".join(says), decision_id=outcome.decision.id, reasons=outcome.decision.reasons)
    return problem_response(problem, request_id)


def not_run(outcome: Outcome, request_id: str, *, success: bool | None = None) -> Response | None:
    """The answer to an action that did not run (202 or 403); None when it ran and the door has its own."""
    if outcome.ran:
        return None
    if outcome.denied:
        return denied_answer(outcome, request_id)
    return ExactJSON(held_answer(outcome, success=success), status_code=202)
