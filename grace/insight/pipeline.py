"""The pipeline: conversion and value by stage and source, velocity, and the leads that stand still."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from grace.domains.crm import queries as crm
from grace.domains.crm.rules.outlook import USUAL_DAYS
from grace.domains.crm.rules.stages import LINE, Stage
from grace.insight import reading
from grace.insight.figures import DAY_S, PLACES, REGISTRY, Span, Sum, conversion_name
from grace.insight.schemas import CellOut, Pipeline, SourceOut, StageOut, StuckOut
from grace.kit.money import to_major
from grace.kit.tx import Tx

K = TypeVar("K", bound=Hashable)


async def pipeline(tx: Tx, span: Span) -> Pipeline:
    """Over the leads captured in the time; stuck leads are those of now."""
    sums = await reading.read(tx, ["lead", "stay", "cycle"], [span])
    leads = [s for s in sums[span] if s.measure == "lead"]
    stays = [s for s in sums[span] if s.measure == "stay"]

    def value(name: str) -> Decimal | None:
        return reading.compute(tx, REGISTRY[name], sums, span).value

    count, worth = _by(leads, lambda s: s.what)
    return Pipeline(
        stages=[
            StageOut(
                stage=stage.value,
                count=count[stage.value],
                value=to_major(worth[stage.value], tx.workspace.currency),
                conversion=_conversion(stage, value),
                days=_days([s for s in stays if s.what == stage.value]),
            )
            for stage in Stage
        ],
        sources=_sources(tx, leads),
        by_stage_and_source=_cells(tx, leads),
        currency=tx.workspace.currency,
        velocity_days=value("velocity_days"),
        stuck=[
            StuckOut(lead_id=row.lead_id, stage=row.stage, days=row.days)
            for row in await crm.stuck_leads(tx, usual_days=USUAL_DAYS)
        ],
    )


@dataclass(frozen=True, slots=True)
class StageSum:
    """All leads of a stage: their value in the workspace's currency, and how many have another one."""

    count: int = 0
    value_minor: int = 0
    in_others: int = 0


async def stage_sums(tx: Tx) -> dict[str, StageSum]:
    """Count and value of every stage, exactly and as of now."""
    everything, own = Span(None, None, tx.now), tx.workspace.currency
    found = {stage.value: StageSum() for stage in Stage}
    for s in (await reading.read(tx, ["lead"], [everything]))[everything]:
        so_far, is_own = found[s.what], s.currency == own
        found[s.what] = StageSum(
            so_far.count + s.n,
            so_far.value_minor + (s.amount_minor if is_own else 0),
            so_far.in_others + (0 if is_own else s.n),
        )
    return found


def _conversion(stage: Stage, value: Callable[[str], Decimal | None]) -> Decimal | None:
    """LOST is not on the line."""
    return value(conversion_name(stage)) if stage in LINE else None


def _by(sums: Sequence[Sum], dimension: Callable[[Sum], K]) -> tuple[Counter[K], Counter[K]]:
    count, worth = Counter[K](), Counter[K]()
    for s in sums:
        count[dimension(s)] += s.n
        worth[dimension(s)] += s.value_minor
    return count, worth


def _sources(tx: Tx, leads: Sequence[Sum]) -> list[SourceOut]:
    """The most valuable first."""
    count, worth = _by(leads, lambda s: s.source)
    won, _ = _by([s for s in leads if s.place >= PLACES[Stage.ACTIVE]], lambda s: s.source)
    return [
        SourceOut(
            source=source,
            count=count[source],
            value=to_major(worth[source], tx.workspace.currency),
            conversion=round(Decimal(won[source]) / count[source], 4),
        )
        for source in sorted(count, key=lambda source: (-worth[source], source))
    ]


def _cells(tx: Tx, leads: Sequence[Sum]) -> list[CellOut]:
    count, worth = _by(leads, lambda s: (Stage(s.what), s.source))
    order = list(Stage)
    return [
        CellOut(
            stage=stage,
            source=source,
            count=count[stage, source],
            value=to_major(worth[stage, source], tx.workspace.currency),
        )
        for stage, source in sorted(count, key=lambda cell: (order.index(cell[0]), cell[1]))
    ]


def _days(stays: Sequence[Sum]) -> Decimal | None:
    n = sum(s.n for s in stays)
    return round(Decimal(sum(s.amount_minor for s in stays)) / n / DAY_S, 1) if n else None
