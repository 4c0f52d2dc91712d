"""Revenue and all other figures; every figure opens the rows it is made of."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query, Request, Response

from grace.console import charts
from grace.console.figures import revenue_chart
from grace.console.periods import PERIODS, Period, columns, period
from grace.console.shell import show
from grace.console.words import say
from grace.insight import panels, reading
from grace.insight.api import list_rows
from grace.insight.figures import REGISTRY, Figure, Span, Unit
from grace.insight.naming import named
from grace.insight.schemas import FigureOut
from grace.kit.display import format_amount
from grace.kit.edge import Doors, InTx
from grace.kit.errors import NotFound
from grace.kit.paging import Cursor
from grace.kit.tx import Tx

doors = Doors(tags=["Console"])
GROUPS = (
    ("Money", ("revenue", "payment", "attempt", "commission", "recurring")),
    ("Clients", ("customer", "client", "survey")),
    ("Leads", ("lead", "cycle", "verdict")),
)
ROWS = 50
FILES = ("csv", "xlsx", "parquet", "json")


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as people read it."""

    name: str
    title: str
    says: str
    value: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a channel brought."""

    name: str
    revenue: str
    share: str
    bar: object


@doors.get("/app/revenue", may="insight:read", hidden=True)
async def revenue_page(tx: InTx, request: Request) -> Response:
    """Revenue by time and channel, and every figure of the period."""
    chosen = period(request.query_params.get("days"))
    shown, span = columns(chosen, tx.now), _span(tx, chosen)
    metrics = await panels.revenue_metrics(tx, span)
    found = {one.figure: one for one in await panels.all_figures(tx, span)}
    groups = [
        (title, [_shown(found[name]) for name, figure in REGISTRY.items() if figure.measure in measures])
        for title, measures in GROUPS
    ]
    most = max((one.revenue for one in metrics.revenue_per_channel), default=Decimal(0)) or Decimal(1)
    return await show(
        request,
        tx,
        "revenue.html",
        here="revenue",
        live="invoice payment refund lead client project",
        chosen=chosen,
        periods=PERIODS,
        chart=revenue_chart(tx, await reading.read(tx, ["revenue"], [one.span for one in shown]), shown),
        sources=[
            Source(
                say(one.source) or "Unknown",
                format_amount(one.revenue, tx.workspace.currency),
                "" if one.share is None else _percent(Decimal(one.share)),
                charts.bar(float(100 * one.revenue / most)),
            )
            for one in metrics.revenue_per_channel
        ],
        currencies=[
            (one.currency, format_amount(one.amount, one.currency), format_amount(one.value, tx.workspace.currency))
            for one in metrics.by_currency
        ],
        without_rate=[format_amount(one.amount, one.currency) for one in metrics.without_rate],
        groups=groups,
    )


@doors.get("/app/revenue/{figure}", may="insight:read", hidden=True)
async def figure_page(
    tx: InTx,
    request: Request,
    figure: Annotated[str, Path(max_length=64)],
    days: Annotated[str, Query(max_length=8)] = "",
    cursor: Cursor = None,
) -> Response:
    """One figure: its value, how it follows from its rows, and the rows."""
    if figure not in REGISTRY:
        raise NotFound("There is no such figure.")
    chosen = period(days)
    span = _span(tx, chosen)
    computed = panels.figure_out(tx, (await reading.figures(tx, [figure], span))[figure], span)
    rows = await list_rows(tx, figure, span.start, span.stop, limit=ROWS, cursor=cursor)
    assert span.start is not None
    return await show(
        request,
        tx,
        "figure.html",
        here="revenue",
        chosen=chosen,
        periods=PERIODS,
        figure=_shown(computed),
        formula=computed.formula,
        top=_number(computed.sum_of_values, REGISTRY[figure], tx.workspace.currency, top=True),
        under=_number(computed.sum_of_weights, REGISTRY[figure], tx.workspace.currency, top=False),
        has_under=REGISTRY[figure].under is not None,
        rows=rows.items,
        cursor=rows.next_cursor,
        clients=await named(tx, {row.client_id for row in rows.items if row.client_id}),
        start=span.start,
        files=FILES,
        as_money=format_amount,
        worth=lambda value: _number(value, REGISTRY[figure], tx.workspace.currency, top=True),
    )


def _span(tx: Tx, chosen: Period) -> Span:
    """The period's time; twelve months begin with the first column's month."""
    first = columns(chosen, tx.now)[0].span.start
    return Span(first or tx.now - timedelta(days=chosen.days), None, tx.now)


def _shown(found: FigureOut) -> Shown:
    title = found.figure.removeprefix("avg_").replace("_", " ").removesuffix(" 30d")
    value = "None yet" if found.value is None else _value(found.value, REGISTRY[found.figure].unit, found.currency)
    return Shown(found.figure, title[:1].upper() + title[1:], found.says, value)


def _value(value: Decimal, unit: Unit, currency: str | None) -> str:
    match unit:
        case "money":
            return format_amount(value, currency or "USD")
        case "share":
            return _percent(value)
        case "percent":
            return f"{_plain(value)}%"
        case "days":
            return f"{_plain(value)} days"
        case "per_day":
            return f"{_plain(round(value, 1))} a day"
        case _:
            return _plain(value)


def _number(value: Decimal | None, figure: Figure, currency: str, *, top: bool) -> str:
    part = figure.top if top else figure.under
    if value is None:
        return "no rate"
    return format_amount(value, currency) if part is not None and part.of == "value" else _plain(value)


def _percent(share: Decimal) -> str:
    return f"{_plain(round(100 * share, 1))}%"


def _plain(value: Decimal) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", "\u2212")
