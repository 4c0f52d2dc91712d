"""The pipeline's stages, the moves allowed between them, and the chance of winning that each carries.

Won means: the contract is signed (the lead reached ACTIVE). Selling happens in LEAD to CONTRACT, working in
ACTIVE and DELIVERED. PAID, REPEAT and LOST are closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


class Stage(StrEnum):
    """Where a lead stands, in the order of the sale; LOST stands beside the line."""

    LEAD = "LEAD"
    QUALIFIED = "QUALIFIED"
    PROPOSAL = "PROPOSAL"
    NEGOTIATION = "NEGOTIATION"
    CONTRACT = "CONTRACT"
    ACTIVE = "ACTIVE"
    DELIVERED = "DELIVERED"
    PAID = "PAID"
    REPEAT = "REPEAT"
    LOST = "LOST"


LINE = tuple(stage for stage in Stage if stage is not Stage.LOST)
BEFORE_CONTRACT = (Stage.LEAD, Stage.QUALIFIED, Stage.PROPOSAL, Stage.NEGOTIATION)
OPEN = (*BEFORE_CONTRACT, Stage.CONTRACT, Stage.ACTIVE, Stage.DELIVERED)
CLOSED = (Stage.PAID, Stage.REPEAT, Stage.LOST)

PROBABILITY: Mapping[Stage, Decimal] = MappingProxyType(
    {
        Stage.LEAD: Decimal("0.10"),
        Stage.QUALIFIED: Decimal("0.25"),
        Stage.PROPOSAL: Decimal("0.45"),
        Stage.NEGOTIATION: Decimal("0.65"),
        Stage.CONTRACT: Decimal("0.90"),
        Stage.ACTIVE: Decimal(1),
        Stage.DELIVERED: Decimal(1),
        Stage.PAID: Decimal(1),
        Stage.REPEAT: Decimal(1),
        Stage.LOST: Decimal(0),
    }
)


class MoveKind(StrEnum):
    """What sort of move it is, for the audit log and the metrics."""

    FORWARD = "forward"
    BACK = "back"
    LOST = "lost"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Move:
    """An allowed move; `skipped` are the stages of the line that it jumped over."""

    kind: MoveKind
    skipped: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A move that the graph does not have.

    `reason` is a sentence, `allowed` are the stages one may move to.
    """

    reason: str
    allowed: tuple[Stage, ...]


# Beyond moving freely among the stages before the contract, and to LOST from any open stage.
_FURTHER: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.PROPOSAL: (Stage.CONTRACT,),
    Stage.NEGOTIATION: (Stage.CONTRACT,),
    Stage.CONTRACT: (Stage.NEGOTIATION, Stage.ACTIVE),
    Stage.ACTIVE: (Stage.DELIVERED,),
    Stage.DELIVERED: (Stage.ACTIVE, Stage.PAID),
    Stage.PAID: (Stage.DELIVERED, Stage.REPEAT),
    Stage.LOST: BEFORE_CONTRACT,
}


def allowed_moves(stage: Stage) -> tuple[Stage, ...]:
    """The stages that a lead in `stage` may move to, in the order of the line, LOST last."""
    targets = set(_FURTHER.get(stage, ()))
    if stage in BEFORE_CONTRACT:
        targets.update(BEFORE_CONTRACT)
    if stage in OPEN:
        targets.add(Stage.LOST)
    return tuple(target for target in Stage if target in targets and target is not stage)


def judge_move(current: Stage, target: Stage) -> Move | Refusal:
    """Whether a lead may move from `current` to `target`; a refusal says why and what is possible instead."""
    allowed = allowed_moves(current)
    if target not in allowed:
        return Refusal(_why_not(current, target), allowed)
    if target is Stage.LOST:
        return Move(MoveKind.LOST)
    if current is Stage.LOST:
        return Move(MoveKind.REOPENED)
    here, there = LINE.index(current), LINE.index(target)
    if there < here:
        return Move(MoveKind.BACK)
    return Move(MoveKind.FORWARD, LINE[here + 1 : there])


def way(current: Stage, target: Stage) -> tuple[Stage, ...]:
    """The shortest run of allowed moves forward that ends in `target`; empty when there is none, or none is needed.

    A lost lead is reopened in PROPOSAL on its way to a contract.
    """
    if current is Stage.LOST:
        reopened = (Stage.PROPOSAL, Stage.CONTRACT)
        return reopened[: reopened.index(target) + 1] if target in reopened else ()
    ways: list[tuple[Stage, ...]] = [(current,)]
    for run in ways:
        if run[-1] is target:
            return run[1:]
        ways += [(*run, there) for there in allowed_moves(run[-1]) if _is_forward(run[-1], there)]
    return ()


def _is_forward(here: Stage, there: Stage) -> bool:
    return here in LINE and there in LINE and LINE.index(here) < LINE.index(there)


def _why_not(current: Stage, target: Stage) -> str:
    if target is current:
        return f"The lead is already in {current}."
    if current is Stage.REPEAT:
        return "REPEAT is the end of this lead; further work with the client is a new lead."
    if target is Stage.LOST:
        return f"A lead in {current} is closed and cannot be lost any more."
    if current is Stage.LOST:
        return f"A lost lead is reopened before the contract, not in {target}."
    if target in BEFORE_CONTRACT:
        return f"The contract exists: a lead in {current} does not go back to {target}."
    return _NEEDS[target]


_NEEDS: Mapping[Stage, str] = {
    Stage.CONTRACT: "A contract follows a proposal: the lead must be in PROPOSAL or NEGOTIATION.",
    Stage.ACTIVE: "Work starts from a contract: the lead must be in CONTRACT.",
    Stage.DELIVERED: "Only work in progress is delivered: the lead must be in ACTIVE.",
    Stage.PAID: "Only delivered work closes as paid: the lead must be in DELIVERED.",
    Stage.REPEAT: "Only a paid lead becomes a repeat: the lead must be in PAID.",
}
