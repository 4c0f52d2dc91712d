"""What the doors show, each from one read of sums."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from grace.domains.crm.rules.stages import LINE
from grace.insight import reading, schemas
from grace.insight.figures import REGISTRY, Span, Sum, conversion_name
from grace.insight.reading import Computed, Sums
from grace.kit.money import to_major
from grace.kit.tx import Tx

MONTHS = 12
"""The most months that a trend shows, the last ones of the time."""


async def revenue(tx: Tx, span: Span) -> schemas.Revenue:
    """Revenue of the time, and of the 30 days before its end."""
    sums = await _read(tx, ["total_revenue", "month_revenue"], span)
    return schemas.Revenue(
        **_values(tx, ["total_revenue", "month_revenue"], sums, span),
        by_currency=_by_currency(tx, _of(sums[span], "revenue")),
        **_money(tx, sums),
    )


async def overview(tx: Tx, span: Span) -> schemas.Overview:
    """The business at a glance."""
    names = [name for name in schemas.Overview.model_fields if name in REGISTRY]
    sums = await _read(tx, names, span)
    return schemas.Overview(**_values(tx, names, sums, span), **_money(tx, sums))


async def revenue_metrics(tx: Tx, span: Span) -> schemas.RevenueMetrics:
    """Revenue, payments and what recurs."""
    names = [name for name in schemas.RevenueMetrics.model_fields if name in REGISTRY]
    months = _months(span)
    sums = await _read(tx, names, span, *months)
    nothing = to_major(0, tx.workspace.currency)
    movements = dict.fromkeys(schemas.RecurringMovements.model_fields, nothing)
    return schemas.RevenueMetrics(
        **_values(tx, names, sums, span),
        annual_recurring_revenue=nothing,
        mrr_movements=schemas.RecurringMovements(**movements),
        churn_rate=None,
        revenue_per_channel=_channels(tx, _of(sums[span], "revenue")),
        by_currency=_by_currency(tx, _of(sums[span], "revenue")),
        by_month=[
            schemas.Month(month=_day(month), revenue=_total(tx, _of(sums[month], "revenue")))
            for month in _begun(months, sums, "revenue")
        ],
        forecast=[],
        **_money(tx, sums),
    )


async def customer_metrics(tx: Tx, span: Span) -> schemas.CustomerMetrics:
    """Customers won, what they are worth, how satisfied they are; and the leads they come from."""
    shown = [name for name in schemas.CustomerMetrics.model_fields if name in REGISTRY]
    months = _months(span)
    sums = await _read(tx, [*shown, *(conversion_name(stage) for stage in LINE[:-1])], span, *months)
    values = _values(tx, shown, sums, span)
    return schemas.CustomerMetrics(
        **values,
        customer_lifetime_value=values["avg_lifetime_value"],
        customer_acquisition_cost=None,
        churn_rate=None,
        conversion=[
            schemas.StageConversion(stage=stage.value, conversion=_value(tx, conversion_name(stage), sums, span))
            for stage in LINE[:-1]
        ],
        satisfaction_trend=[
            schemas.Satisfaction(
                month=_day(month),
                answers=sum(s.n for s in _of(sums[month], "survey")),
                satisfaction=_value(tx, "satisfaction", sums, month),
                average_score=_value(tx, "average_score", sums, month),
            )
            for month in _begun(months, sums, "survey")
        ],
        cohorts=[
            schemas.Cohort(
                month=_day(month),
                customers=sum(s.n for s in _of(sums[month], "customer")),
                lifetime_value=_total(tx, _of(sums[month], "customer")),
            )
            for month in _begun(months, sums, "customer")
        ],
        **_money(tx, sums),
    )


async def marketing_metrics(tx: Tx, span: Span) -> schemas.MarketingMetrics:
    """The channels; campaigns have nothing to show yet."""
    names = ["leads_captured", "lead_capture_rate", "conversion_rate", "total_revenue"]
    sums = await _read(tx, names, span)
    rates = ("open_rate", "click_rate", "bounce_rate", "complaint_rate", "unsubscribe_rate")
    nothing: dict[str, Any] = dict.fromkeys(("campaigns", "emails_sent", "emails_delivered"), 0)
    nothing |= dict.fromkeys((*rates, "customer_acquisition_cost"))
    return schemas.MarketingMetrics(
        **_values(tx, names[:3], sums, span),
        **nothing,
        campaign_revenue=to_major(0, tx.workspace.currency),
        attribution=[],
        revenue_per_channel=_channels(tx, _of(sums[span], "revenue")),
        **_money(tx, sums),
    )


async def all_figures(tx: Tx, span: Span) -> list[schemas.FigureOut]:
    """Every figure of the registry over a time."""
    found = await reading.figures(tx, list(REGISTRY), span)
    return [figure_out(tx, computed, span) for computed in found.values()]


def figure_out(tx: Tx, computed: Computed, span: Span) -> schemas.FigureOut:
    """A figure with what its rows come to."""
    figure, currency = computed.figure, tx.workspace.currency

    def major(of: str, minor: int) -> Decimal:
        return to_major(minor, currency) if of == "value" else Decimal(minor)

    return schemas.FigureOut(
        figure=figure.name,
        says=figure.says,
        unit=figure.unit,
        value=computed.value,
        formula=figure.formula,
        sum_of_values=major(figure.top.of, computed.top),
        sum_of_weights=major(figure.under.of, computed.under) if figure.under else Decimal(0),
        currency=currency if figure.unit == "money" else None,
        starts_at=span.start,
        ends_at=span.stop,
        without_rate=_without_rate(computed.unvalued.items()),
    )


async def _read(tx: Tx, names: Sequence[str], span: Span, *more: Span) -> Sums:
    """What some figures need over a time, and the same measures over further spans, all of one moment."""
    wanted = [REGISTRY[name] for name in names]
    times = [time for figure in wanted for time in figure.times(span)]
    return await reading.read(tx, [figure.measure for figure in wanted], [span, *times, *more])


def _value(tx: Tx, name: str, sums: Sums, span: Span) -> Decimal | None:
    return reading.compute(tx, REGISTRY[name], sums, span).value


def _values(tx: Tx, names: Iterable[str], sums: Sums, span: Span) -> dict[str, Any]:
    return {name: _value(tx, name, sums, span) for name in names}


def _money(tx: Tx, sums: Sums) -> dict[str, Any]:
    """The currency of the figures and what is in none of them, over the longest span that was read."""
    found: dict[str, tuple[int, int]] = {}
    for part in sums.values():
        for currency, (rows, minor) in reading.unvalued(_of(part, "revenue")).items():
            if rows > found.get(currency, (0, 0))[0]:
                found[currency] = (rows, minor)
    return {"currency": tx.workspace.currency, "without_rate": _without_rate(sorted(found.items()))}


def _without_rate(found: Iterable[tuple[str, tuple[int, int]]]) -> list[schemas.WithoutRate]:
    return [
        schemas.WithoutRate(currency=currency, amount=to_major(minor, currency), rows=rows)
        for currency, (rows, minor) in found
    ]


def _of(sums: Iterable[Sum], measure: str) -> list[Sum]:
    return [s for s in sums if s.measure == measure]


def _total(tx: Tx, sums: Iterable[Sum]) -> Decimal:
    return to_major(sum(s.value_minor for s in sums), tx.workspace.currency)


def _channels(tx: Tx, sums: Sequence[Sum]) -> list[schemas.Channel]:
    by: dict[str, int] = {}
    for s in sums:
        by[s.source] = by.get(s.source, 0) + s.value_minor
    whole = sum(by.values())
    return [
        schemas.Channel(
            source=source,
            revenue=to_major(minor, tx.workspace.currency),
            share=round(Decimal(minor) / whole, 4) if whole > 0 else None,
        )
        for source, minor in sorted(by.items(), key=lambda one: (-one[1], one[0]))
    ]


def _by_currency(tx: Tx, sums: Sequence[Sum]) -> list[schemas.InCurrency]:
    by: dict[str, tuple[int, int, int]] = {}
    for s in sums:
        amount, value, rows = by.get(s.currency, (0, 0, 0))
        by[s.currency] = (amount + s.amount_minor, value + s.value_minor, rows + s.n)
    return [
        schemas.InCurrency(
            currency=currency,
            amount=to_major(amount, currency),
            value=to_major(value, tx.workspace.currency),
            rows=rows,
        )
        for currency, (amount, value, rows) in sorted(by.items())
    ]


def _months(span: Span) -> list[Span]:
    """The calendar months (UTC) of a time, the last 24, cut to it."""
    end = (span.stop or span.now).astimezone(UTC)
    first = datetime(end.year, end.month, 1, tzinfo=UTC)
    months: list[Span] = []
    stop: datetime | None = span.stop
    for _ in range(MONTHS):
        months.append(replace(span, start=first if span.start is None else max(first, span.start), stop=stop))
        if first.year == 1970 or (span.start is not None and first <= span.start):
            break
        stop, first = first, (first.replace(month=first.month - 1) if first.month > 1 else _december(first))
    return [month for month in reversed(months) if month.stop is None or (month.start or month.stop) < month.stop]


def _december(first: datetime) -> datetime:
    return first.replace(year=first.year - 1, month=12)


def _begun(months: Sequence[Span], sums: Sums, measure: str) -> list[Span]:
    """From the first month on in which there is anything."""
    for place, month in enumerate(months):
        if _of(sums[month], measure):
            return list(months[place:])
    return []


def _day(month: Span) -> date:
    start = month.start or month.now
    return start.astimezone(UTC).date().replace(day=1)
