"""Measuring. A figure is a ratio of two things done in the same rounds, or one value, held against a bar.

A benchmark is a module of this folder with `async def run(report: Report)`. It makes what it needs (a workspace of its
own by `report.workspace()`), then calls `report.compare` or `report.record` for each figure.
"""

import itertools
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from grace.app import wiring
from grace.app.installation import create_workspace
from grace.kit.workspace import Workspaces

ROUNDS = 8
NOISY = 0.3
Verdict = Literal["ok", "short", "noisy"]
Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a ratio or value must be: at least or at most a number."""

    most: bool
    number: float

    def met(self, value: float) -> bool:
        return value <= self.number if self.most else value >= self.number

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.number:g}" if self.most or self.number else "-"


def at_least(number: float) -> Bar:
    """The more the better."""
    return Bar(False, number)


def at_most(number: float) -> Bar:
    """The less the better."""
    return Bar(True, number)


NO_BAR = at_least(0)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `spread` is the middle half of the rounds' ratios, relative to their median."""

    name: str
    value: float
    baseline: float | None
    ratio: float | None
    spread: float | None
    bar: str
    verdict: Verdict
    unit: str
    ratios: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        if self.spread is not None:
            ratio += f" ±{self.spread / 2:.0%}"
        columns = [self.name, _number(self.value, self.unit), _number(self.baseline, self.unit), ratio]
        return " | ".join([*columns, self.bar, self.verdict])


class Report:
    """Collects the figures of one benchmark and prints each as it is known."""

    def __init__(self, workspaces: Workspaces) -> None:
        self.workspaces = workspaces
        self.figures: list[Figure] = []

    async def workspace(self) -> str:
        """The handle of a new, migrated test workspace in `self.workspaces`; it is gone after the run."""
        handle = f"bench{next(_numbers)}"
        await self.workspaces.drop(handle)
        await create_workspace(self.workspaces, handle, kind="test", prepare=wiring.PREPARE)
        return handle

    async def compare(
        self, name: str, *, bar: Bar, candidate: Measure, baseline: Measure, unit: str = "/s", rounds: int = ROUNDS
    ) -> Figure:
        """Run both in turn, `rounds` times, the first dropped; the bar is for the median ratio candidate / baseline.

        Each measure returns one number (a rate, a time), the same kind for both. Who goes first alternates.
        """
        pairs: list[tuple[float, float]] = []
        for number in range(rounds):
            if number % 2:
                under = await baseline()
                pairs.append((await candidate(), under))
            else:
                pairs.append((await candidate(), await baseline()))
        return self.compared(name, bar=bar, pairs=pairs, unit=unit)

    def compared(self, name: str, *, bar: Bar, pairs: list[tuple[float, float]], unit: str = "/s") -> Figure:
        """The same, for pairs (candidate, baseline) of rounds that were measured already."""
        kept = pairs[1:]
        ratios = [value / under for value, under in kept]
        ratio = statistics.median(ratios)
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        spread = (high - low) / ratio if ratio else 0.0
        verdict: Verdict = "ok" if bar.met(ratio) else "noisy" if spread > NOISY else "short"
        value, under = (statistics.median(side) for side in zip(*kept, strict=True))
        return self._add(Figure(name, value, under, ratio, spread, str(bar), verdict, unit, ratios))

    def record(self, name: str, *, value: float, bar: Bar, unit: str = "", baseline: float | None = None) -> Figure:
        """One value measured once, or exact: a count, a time with a limit. With a baseline the bar is for the ratio."""
        ratio = None if baseline is None else value / baseline
        verdict: Verdict = "ok" if bar.met(value if ratio is None else ratio) else "short"
        return self._add(Figure(name, value, baseline, ratio, None, str(bar), verdict, unit))

    def _add(self, figure: Figure) -> Figure:
        self.figures.append(figure)
        print(figure, flush=True)
        return figure


_numbers = itertools.count(1)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or value == int(value) else 3
    return f"{value:.{digits}f} {unit}".strip()
