"""What is likely to become of a lead, and what to do next. A stated rule, not a model: it has no history.

The rule: the stage has a base probability b. The score moves it to b + (score - 50) / 50 * b * (1 - b),
which leaves it alone at 50 and never leaves 0-1. A lead that stands in its stage for twice its usual time
loses a fifth, from four times on half. Probabilities and confidences are 0-1 with four decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from types import MappingProxyType

from grace.domains.crm.rules.features import Features
from grace.domains.crm.rules.stages import BEFORE_CONTRACT, PROBABILITY, Stage

VERSION = "rule-1"
NO_HISTORY = "By rule: there is no history of closed leads to learn from yet."

# How long a lead usually stays, in days. Until there is history this is an assumption, and is said to be one.
USUAL_DAYS: Mapping[Stage, int] = MappingProxyType(
    {
        Stage.LEAD: 4,
        Stage.QUALIFIED: 5,
        Stage.PROPOSAL: 10,
        Stage.NEGOTIATION: 10,
        Stage.CONTRACT: 5,
        Stage.ACTIVE: 42,
        Stage.DELIVERED: 14,
    }
)
_TO_CONTRACT = (*BEFORE_CONTRACT, Stage.CONTRACT)


@dataclass(frozen=True, slots=True)
class Factor:
    """One influence on a prediction: `effect` is the change of the probability that it made."""

    name: str
    effect: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The chance that the contract is signed. `days_to_close` is None when the lead is closed without one."""

    probability: Decimal
    days_to_close: int | None
    confidence: Decimal
    factors: tuple[Factor, ...]
    version: str = VERSION


@dataclass(frozen=True, slots=True)
class NextAction:
    """The next best action: what, until when, and why. None as a date means that nothing is waiting."""

    action: str
    due: datetime | None
    reasons: tuple[str, ...]


def predict(
    stage: Stage, *, score: int | None = None, days_in_stage: int = 0, features: Features | None = None
) -> Prediction:
    """Predict from the stage, the score (None when not scored) and how long the lead has stood there."""
    base = PROBABILITY[stage]
    factors = [Factor("stage", base, f"Leads in {stage} are taken to close with {base:.0%}.")]
    current = base
    if stage in _TO_CONTRACT:
        if score is not None:
            current = base + Decimal(score - 50) / 50 * base * (1 - base)
            factors.append(_factor("score", current - base, f"A score of {score}; 50 is neutral."))
        slow = _slowness(stage, days_in_stage)
        if slow < 1:
            why = f"{days_in_stage} days in {stage}, usual are {USUAL_DAYS[stage]}."
            factors.append(_factor("time in stage", current * slow - current, why))
            current *= slow
    factors.append(Factor("history", Decimal(0), NO_HISTORY))
    return Prediction(
        probability=_four(current),
        days_to_close=_days_to_close(stage, days_in_stage=days_in_stage, features=features),
        confidence=_confidence(stage, score=score, features=features),
        factors=tuple(factors),
    )


def suggest_next_action(
    stage: Stage,
    *,
    now: datetime,
    features: Features | None = None,
    days_in_stage: int = 0,
    qualified: bool | None = None,
    flagged: bool = False,
    has_email: bool = True,
) -> NextAction:
    """The next best action for a lead; `qualified` is None while it has not been scored."""
    if stage in (Stage.REPEAT, Stage.LOST) and not flagged:
        return _closed(stage, now=now)
    if flagged:
        return NextAction("Review the scan's findings", _workday(now, 1), ("The scan found something serious.",))
    action, days, reason = _usual_action(stage, features=features, qualified=qualified, has_email=has_email)
    reasons = [reason]
    if features is not None and features.urgency == "now" and stage in BEFORE_CONTRACT:
        days = min(days, 1)
        reasons.append("The client is in a hurry.")
    usual = USUAL_DAYS.get(stage)
    if usual is not None and days_in_stage > 2 * usual:
        days = min(days, 1)
        reasons.append(f"It has been in {stage} for {days_in_stage} days; usual are {usual}.")
    return NextAction(action, _workday(now, days), tuple(reasons))


def _usual_action(
    stage: Stage, *, features: Features | None, qualified: bool | None, has_email: bool
) -> tuple[str, int, str]:
    if stage is Stage.LEAD:
        return _first_steps(features, qualified=qualified, has_email=has_email)
    if stage is Stage.QUALIFIED and features is not None and features.requirements_words < 15:
        return "Hold a short discovery call", 2, "The requirements are too thin for a proposal."
    return {
        Stage.QUALIFIED: (
            "Write and send the proposal",
            2,
            "The lead is qualified and its requirements are known.",
        ),
        Stage.PROPOSAL: ("Ask for feedback on the proposal", 3, "The proposal is with the client."),
        Stage.NEGOTIATION: (
            "Settle the open points and send the final version",
            2,
            "Terms are being discussed.",
        ),
        Stage.CONTRACT: ("Get the contract signed", 2, "The proposal is accepted; the signature is missing."),
        Stage.ACTIVE: ("Share the project's progress", 5, "Work is under way; a weekly word keeps trust."),
        Stage.DELIVERED: (
            "Issue the invoice and follow up on payment",
            1,
            "The work is delivered and not yet paid.",
        ),
        Stage.PAID: (
            "Ask how satisfied the client is and what comes next",
            3,
            "Paid clients buy again most easily.",
        ),
    }[stage]


def _first_steps(features: Features | None, *, qualified: bool | None, has_email: bool) -> tuple[str, int, str]:
    if not has_email:
        return "Find a way to reach the client", 1, "There is no e-mail address."
    if qualified is None:
        return "Qualify the lead", 1, "It has not been scored yet."
    if qualified:
        return "Move the lead to QUALIFIED and plan the proposal", 1, "Its score is above the threshold."
    if features is not None and not features.has_budget:
        return "Ask for the budget", 2, "The budget is the largest open question of the score."
    if features is not None and features.requirements_words < 15:
        return "Ask for the requirements", 2, "What is to be done is not clear enough to judge."
    return "Send a friendly answer and keep in touch", 5, "The score is not above the threshold."


def _closed(stage: Stage, *, now: datetime) -> NextAction:
    if stage is Stage.LOST:
        return NextAction("Ask again whether the need is back", _workday(now, 60), ("Lost leads return in a season.",))
    return NextAction("Nothing: the client's new lead goes on", None, ("This lead ended with a repeat sale.",))


def _slowness(stage: Stage, days: int) -> Decimal:
    usual = USUAL_DAYS[stage]
    return Decimal("0.5") if days > 4 * usual else Decimal("0.8") if days > 2 * usual else Decimal(1)


def _days_to_close(stage: Stage, *, days_in_stage: int, features: Features | None) -> int | None:
    if stage is Stage.LOST:
        return None
    if stage not in _TO_CONTRACT:
        return 0
    here = max(USUAL_DAYS[stage] - days_in_stage, (USUAL_DAYS[stage] + 1) // 2)
    days = here + sum(USUAL_DAYS[later] for later in _TO_CONTRACT[_TO_CONTRACT.index(stage) + 1 :])
    pace = {"now": Decimal("0.6"), "soon": Decimal("0.8"), "later": Decimal("1.5")}
    return ceil(days * pace.get(features.urgency, Decimal(1))) if features is not None else days


def _confidence(stage: Stage, *, score: int | None, features: Features | None) -> Decimal:
    """How far the rule is to be trusted.

    Certain about closed leads, else 0.2 and a little for each thing known.
    """
    if stage not in _TO_CONTRACT:
        return _four(Decimal(1))
    known = 0 if score is None else 1
    if features is not None:
        facts = (
            features.has_company,
            features.has_budget,
            features.requirements_words >= 15,
            features.returning_client,
        )
        known += sum(facts) + (features.urgency != "unknown")
    return _four(Decimal("0.2") + Decimal("0.05") * known)


def _factor(name: str, effect: Decimal, why: str) -> Factor:
    return Factor(name, _four(effect), why)


def _four(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _workday(now: datetime, days: int) -> datetime:
    """`days` working days later, at the same time of day."""
    due = now
    while days > 0:
        due += timedelta(days=1)
        days -= due.weekday() < 5
    return due
