"""Reading sums and rows. One statement is one snapshot, and adds what is not folded yet; FiguresBehind where that is
too much."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from grace.insight.figures import REGISTRY, Figure, Span, Sum
from grace.kit.errors import Unavailable
from grace.kit.tx import Tx

Sums = Mapping[Span, Sequence[Sum]]
_TOO_MUCH = "GI001"


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure over a time: the quotient (or sum) of what its rows add above and below."""

    figure: Figure
    value: Decimal | None
    top: int
    under: int
    unvalued: Mapping[str, tuple[int, int]]
    """Rows without a rate and what they come to, by their currency."""


@dataclass(frozen=True, slots=True)
class InsightRow:
    """A row behind figures, as stored."""

    noun: str
    measure: str
    key: str
    at: datetime
    subject: str
    client_id: str | None
    source: str
    what: str
    place: int
    currency: str
    amount_minor: int
    value_minor: int | None


class FiguresBehind(Unavailable):
    """More is not folded yet than can be added while somebody waits."""

    slug, title = "figures-behind", "The figures are being made"


@contextmanager
def _saying_when_too_much_is_left() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate != _TOO_MUCH:
            raise
        raise FiguresBehind("Too much has happened that is not counted yet; the worker counts it.") from error


async def read(tx: Tx, measures: Sequence[str], spans: Sequence[Span]) -> Sums:
    """The sums of some measures over some spans, all of one moment."""
    [found] = await read_together(tx, (measures, spans))
    return found


async def read_together(tx: Tx, *wanted: tuple[Sequence[str], Sequence[Span]]) -> list[Sums]:
    """The same for several choices of measures and spans, in one statement."""
    columns = ", ".join(f.name for f in fields(Sum))
    parts, values, found = list[str](), dict[str, Any](), list[dict[Span, list[Sum]]]()
    for part, (measures, spans) in enumerate(wanted):
        found.append({span: [] for span in spans})
        parts.append(
            f"select {part} as part, span, {columns} from insight_read(%(measures{part})s::text[],"
            f" %(starts{part})s::timestamptz[], %(stops{part})s::timestamptz[])"
        )
        values |= {
            f"measures{part}": sorted(set(measures)),
            f"starts{part}": [span.start for span in found[part]],
            f"stops{part}": [span.stop for span in found[part]],
        }
    with _saying_when_too_much_is_left():
        rows = await tx.all(dict, " union all ".join(parts), **values)
    orders = [list(spans) for spans in found]
    for row in rows:
        read: dict[str, Any] = {name: int(v) if isinstance(v, Decimal) else v for name, v in row.items()}
        part = read.pop("part")
        found[part][orders[part][read.pop("span") - 1]].append(Sum(**read))
    return list(found)


async def figures(tx: Tx, names: Sequence[str], span: Span) -> dict[str, Computed]:
    """Some figures over a time, in one statement."""
    wanted = [REGISTRY[name] for name in names]
    sums = await read(tx, [f.measure for f in wanted], [time for f in wanted for time in f.times(span)])
    return {figure.name: compute(tx, figure, sums, span) for figure in wanted}


def compute(tx: Tx, figure: Figure, sums: Sums, span: Span) -> Computed:
    """A figure from sums that hold its times."""
    above, below = ([s for s in sums[time] if s.measure == figure.measure] for time in figure.times(span))
    top = figure.top.total(above)
    under = figure.under.total(below) if figure.under else 0
    value = figure.compute(top, under, span=span, currency=tx.workspace.currency)
    return Computed(figure, value, top, under, unvalued(above) if figure.top.of == "value" else {})


def unvalued(sums: Sequence[Sum]) -> dict[str, tuple[int, int]]:
    """How many rows have no rate, and what they come to, by currency."""
    found: dict[str, tuple[int, int]] = {}
    for s in sums:
        if s.unvalued:
            rows, minor = found.get(s.currency, (0, 0))
            found[s.currency] = (rows + s.unvalued, minor + s.unvalued_minor)
    return dict(sorted(found.items()))


async def rows(
    tx: Tx, figure: Figure, span: Span, *, after: tuple[datetime, str, str] | None, limit: int
) -> list[InsightRow]:
    """The rows behind a figure in the order of time; `after` is the time, noun and key of the last one seen."""
    above, below = figure.times(span)
    times = [above, below] if figure.under else [above]
    starts, stops = [time.start for time in times], [time.stop for time in times]
    at, noun, key = after or (None, None, None)
    with _saying_when_too_much_is_left():
        return await tx.all(
            InsightRow,
            f"select {', '.join(f.name for f in fields(InsightRow))} from insight_rows(%(measure)s, %(whats)s::text[],"
            " coalesce(%(start)s::timestamptz, '-infinity'), coalesce(%(stop)s::timestamptz, 'infinity'),"
            " %(at)s::timestamptz, %(noun)s::text, %(key)s::text, %(limit)s)",
            measure=figure.measure,
            whats=_whats(figure),
            start=None if None in starts else min(s for s in starts if s),
            stop=None if None in stops else max(s for s in stops if s),
            at=at,
            noun=noun,
            key=key,
            limit=limit,
        )


def _whats(figure: Figure) -> list[str] | None:
    parts = [figure.top, *([figure.under] if figure.under else [])]
    if any(part.weights is None for part in parts):
        return None
    return sorted({what for part in parts for what in part.weights or ()})
