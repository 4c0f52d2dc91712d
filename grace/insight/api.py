"""Doors of insight: panels, every figure by name, the rows behind it, and both as files."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from fastapi.responses import Response

from grace.insight import exports, panels, pipeline, reading, schemas
from grace.insight.figures import REGISTRY, Figure, Span
from grace.insight.rows import after_row, page_of, row_out
from grace.kit.edge import Doors, InTx
from grace.kit.errors import Invalid, NotFound
from grace.kit.paging import Cursor, Limit
from grace.kit.tx import Tx
from grace.kit.web import Moment

doors = Doors(tags=["Figures"])
From = Annotated[Moment | None, Query(alias="from", description="From this moment on; all time when left out.")]
To = Annotated[Moment | None, Query(alias="to", description="To before this moment; until now when left out.")]
Name = Annotated[str, Path(max_length=64, description="A figure's name, as the list of figures has it.")]
Format = Annotated[Literal["csv", "xlsx", "parquet", "json"], Query(description="The kind of file.")]


@doors.get("/api/business/revenue", may="insight:read", returns=schemas.Revenue)
async def revenue(tx: InTx, start: From = None, end: To = None) -> schemas.Revenue:
    """What was paid, less refunds, without tax: in the time, and in the 30 days before its end."""
    return await panels.revenue(tx, _span(tx, start, end))


@doors.get("/api/business/pipeline", may="leads:read", returns=schemas.Pipeline)
async def get_pipeline(tx: InTx, start: From = None, end: To = None) -> schemas.Pipeline:
    """Value and conversion by stage and source, velocity, and the leads that are stuck."""
    return await pipeline.pipeline(tx, _span(tx, start, end))


@doors.get("/api/v1/dashboard/overview", may="insight:read", returns=schemas.Overview)
async def overview(tx: InTx, start: From = None, end: To = None) -> schemas.Overview:
    """The business at a glance."""
    return await panels.overview(tx, _span(tx, start, end))


@doors.get("/api/v1/dashboard/revenue-metrics", may="insight:read", returns=schemas.RevenueMetrics)
async def revenue_metrics(tx: InTx, start: From = None, end: To = None) -> schemas.RevenueMetrics:
    """Revenue by channel, currency and month; payments; what recurs."""
    return await panels.revenue_metrics(tx, _span(tx, start, end))


@doors.get("/api/v1/dashboard/customer-metrics", may="insight:read", returns=schemas.CustomerMetrics)
async def customer_metrics(tx: InTx, start: From = None, end: To = None) -> schemas.CustomerMetrics:
    """Customers, their growth and lifetime value, leads, conversion, satisfaction."""
    return await panels.customer_metrics(tx, _span(tx, start, end))


@doors.get("/api/v1/dashboard/marketing-metrics", may="insight:read", returns=schemas.MarketingMetrics)
async def marketing_metrics(tx: InTx, start: From = None, end: To = None) -> schemas.MarketingMetrics:
    """Channels and what they bring; campaigns stand at zero until there are any."""
    return await panels.marketing_metrics(tx, _span(tx, start, end))


@doors.get("/api/v1/insight", may="insight:read", returns=schemas.FigureList)
async def list_figures(tx: InTx, start: From = None, end: To = None) -> schemas.FigureList:
    """Every figure over a time, with how it follows from its rows."""
    return schemas.FigureList(items=await panels.all_figures(tx, _span(tx, start, end)))


@doors.get("/api/v1/insight/export", may="insight:read", gives=exports.GIVES)
async def export_figures(tx: InTx, format: Format = "csv", start: From = None, end: To = None) -> Response:
    """Every figure over a time as a file."""
    return await exports.figures_file(tx, _span(tx, start, end), format)


@doors.get("/api/v1/insight/{figure}", may="insight:read", returns=schemas.FigureOut)
async def get_figure(tx: InTx, figure: Name, start: From = None, end: To = None) -> schemas.FigureOut:
    """One figure over a time."""
    span = _span(tx, start, end)
    name = _named(figure).name
    return panels.figure_out(tx, (await reading.figures(tx, [name], span))[name], span)


@doors.get("/api/v1/insight/{figure}/rows", may="insight:read", returns=schemas.RowList)
async def list_rows(
    tx: InTx, figure: Name, start: From = None, end: To = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.RowList:
    """The rows that a figure is made of, in the order of time."""
    named, span = _named(figure), _span(tx, start, end)
    found = await reading.rows(tx, named, span, after=after_row(cursor), limit=limit + 1)
    items, next_cursor = page_of(found, limit=limit)
    return schemas.RowList(items=[row_out(tx, named, span, row) for row in items], next_cursor=next_cursor)


@doors.get("/api/v1/insight/{figure}/rows/export", may="insight:read", gives=exports.GIVES)
async def export_rows(tx: InTx, figure: Name, format: Format = "csv", start: From = None, end: To = None) -> Response:
    """The rows that a figure is made of as a file; at most 200,000."""
    return await exports.rows_file(tx, _named(figure), _span(tx, start, end), format)


def _span(tx: Tx, start: datetime | None, end: datetime | None) -> Span:
    if start is not None and end is not None and start > end:
        raise Invalid("The time ends before it begins: `from` is after `to`.")
    return Span(start, end, tx.now)


def _named(name: str) -> Figure:
    if name not in REGISTRY:
        raise NotFound(f"There is no figure {name[:64]!r}. GET /api/v1/insight lists them.")
    return REGISTRY[name]
