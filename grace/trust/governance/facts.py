"""What happened to actions and policies. `action` is the action's name."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class DecisionFact(Fact):
    """What every fact about a decision says."""

    topic: ClassVar[str] = "decision"
    decision_id: str
    action: str
    version: int


@dataclass(frozen=True, slots=True)
class ActionHeld(DecisionFact):
    """An action waits for votes until `expires_at` (business time); `groups` may vote."""

    proposer_id: str
    groups: list[str]
    expires_at: str


@dataclass(frozen=True, slots=True)
class VoteCast(DecisionFact):
    """A vote was cast or changed."""

    voter_id: str
    approve: bool


@dataclass(frozen=True, slots=True)
class ActionGranted(DecisionFact):
    """The quorums were met and the action ran, in this transaction."""


@dataclass(frozen=True, slots=True)
class ActionDenied(DecisionFact):
    """The policy said no, at once or when it was asked again at the grant."""


@dataclass(frozen=True, slots=True)
class ActionRejected(DecisionFact):
    """The voters said no."""


@dataclass(frozen=True, slots=True)
class ActionExpired(DecisionFact):
    """Nobody decided in time."""


@dataclass(frozen=True, slots=True)
class ActionStale(DecisionFact):
    """What the action was judged on has changed, so it did not run."""


@dataclass(frozen=True, slots=True)
class PolicyActivated(Fact):
    """A policy version judges from now on."""

    topic: ClassVar[str] = "policy"
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RatesSet(Fact):
    """Exchange rates of a currency were set; amounts from `since` (a day) to before `until` are worth something else.

    `until` is the day of the next rate that stayed; None when there is none.
    """

    topic: ClassVar[str] = "exchange_rate"
    currency: str
    since: str
    until: str | None
