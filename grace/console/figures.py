"""Figures as home and the revenue page draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from grace.console import charts
from grace.console.charts import Series
from grace.console.periods import Column
from grace.console.words import say
from grace.insight.figures import Sum
from grace.insight.reading import Sums
from grace.kit.display import format_compact, format_money
from grace.kit.tx import Tx

TONES = ("s1", "s2", "s3")


@dataclass(frozen=True, slots=True)
class RevenueChart:
    """Net revenue by column and source, what it comes to, and the names of its colours."""

    total: str
    legend: Sequence[Series]
    drawn: Markup


def revenue_chart(tx: Tx, sums: Sums, shown: Sequence[Column]) -> RevenueChart:
    """From sums that hold the measure `revenue` over every column."""
    money = partial(format_money, currency=tx.workspace.currency)
    legend = _by_source([[s for s in sums[one.span] if s.measure == "revenue"] for one in shown])
    total = money(sum(s.value_minor for one in shown for s in sums[one.span] if s.measure == "revenue"))
    drawn = charts.stacked(
        [one.name for one in shown],
        legend,
        axis=partial(axis, currency=tx.workspace.currency),
        exact=lambda value: money(round(value)),
        describe=f"Net revenue by {len(shown)} columns up to now, together {total}.",
        height=272,
    )
    return RevenueChart(total, legend, drawn)


def axis(value: float, *, currency: str) -> str:
    """A grid line's value: `$60k`."""
    return format_compact(round(value), currency).replace(".0", "")


def _by_source(columns: Sequence[Sequence[Sum]]) -> list[Series]:
    """The three sources that brought most, and all others together."""
    by: dict[str, list[int]] = {}
    for place, sums in enumerate(columns):
        for s in sums:
            by.setdefault(s.source, [0] * len(columns))[place] += s.value_minor
    ranked = sorted(by.items(), key=lambda one: -sum(one[1]))
    series = [Series(say(name) or "Unknown", tone, values) for (name, values), tone in zip(ranked, TONES, strict=False)]
    rest = [sum(values[place] for _, values in ranked[3:]) for place in range(len(columns))]
    return [*series, Series("Others", "s4", rest)] if ranked[3:] else series
