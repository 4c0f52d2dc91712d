"""Home: the business on one screen, from the sums that insight keeps."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from fastapi import Request, Response
from markupsafe import Markup

from grace.console import charts
from grace.console.approvals.headlines import headline, ids_in
from grace.console.figures import RevenueChart, axis, revenue_chart
from grace.console.periods import PERIODS, Column, columns, months, period, same_part_of_last_month, weeks
from grace.console.shell import show
from grace.domains.crm.rules.stages import LINE, OPEN, PROBABILITY, Stage
from grace.domains.invoicing import queries as invoicing
from grace.domains.invoicing.queries import WEEKS, Unpaid
from grace.insight import feed, reading
from grace.insight.figures import MONTH, Span, Sum
from grace.insight.naming import named
from grace.kit.display import format_compact, format_money
from grace.kit.edge import SIGNED_IN, Doors, InTx, permits
from grace.kit.tx import Tx
from grace.trust.governance import queries as governance
from grace.trust.governance.models import Status
from grace.trust.ledger import queries as ledger

doors = Doors(tags=["Console"])
PAST_WEEKS = 8
HAPPENINGS = 8


@dataclass(frozen=True, slots=True)
class Metric:
    """A cell of the strip: what it says, how it compares, and where its rows are."""

    title: str
    value: str
    path: str
    note: str = ""
    change: Decimal | None = None
    late: str = ""
    line: Markup | str = ""


@dataclass(frozen=True, slots=True)
class StageLine:
    """A line of the pipeline panel."""

    name: str
    count: int
    value: str
    bar: Markup
    selling_ends: bool


@doors.get("/app", may=SIGNED_IN, hidden=True)
async def home(tx: InTx, request: Request) -> Response:
    """Key figures, what waits, what comes in, where the leads stand, what happens."""
    me = tx.principal
    chosen = period(request.query_params.get("days"))
    figures = await _figures(tx, columns(chosen, tx.now)) if permits(me, "insight:read") else None
    unpaid = await invoicing.unpaid(tx) if permits(me, "invoices:read") else []
    cash = await ledger.cash(tx) if permits(me, "ledger:read") else None
    deciding = permits(me, "decisions:read")
    waiting = await governance.decisions(tx, status=Status.AWAITING_APPROVAL, limit=4) if deciding else []
    nouns = await named(tx, ids_in(waiting)) if waiting else {}
    return await show(
        request,
        tx,
        "home.html",
        here="home",
        live="*",
        chosen=chosen,
        periods=PERIODS,
        metrics=_metrics(tx, figures, unpaid, cash),
        figures=figures,
        coming=_coming(tx, figures, unpaid) if figures else None,
        decisions=[(one, headline(one, nouns)) for one in waiting] if deciding else None,
        late=await invoicing.late(tx, limit=4) if permits(me, "invoices:read") else [],
        happenings=await feed.latest(tx, limit=HAPPENINGS),
    )


@doors.get("/app/more", may=SIGNED_IN, hidden=True)
async def more(tx: InTx, request: Request) -> Response:
    """All pages: the phone's fifth tab."""
    return await show(request, tx, "more.html", here="more")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one read of sums gave."""

    revenue: RevenueChart
    this_month: int
    last_month: int
    by_month: Sequence[int]
    received: Sequence[int]
    paid_out: Sequence[int]
    leads: int
    leads_before: int
    stages: Sequence[StageLine]
    open_minor: int
    weighted_minor: int


async def _figures(tx: Tx, shown: Sequence[Column]) -> Figures:
    past, trend, all_time = weeks(tx.now, PAST_WEEKS), months(tx.now, 12), Span(None, None, tx.now)
    month, month_before = all_time.before(MONTH), all_time.before(MONTH, back=1)
    last = same_part_of_last_month(tx.now)
    earned, cash, captured = await reading.read_together(
        tx,
        (["revenue"], [last, *(one.span for one in (*shown, *trend))]),
        (["payment", "paid_out"], [one.span for one in past]),
        (["lead"], [all_time, month, month_before]),
    )

    def worth(sums: reading.Sums, span: Span, measure: str = "revenue") -> int:
        return sum(s.value_minor for s in sums[span] if s.measure == measure)

    chart = revenue_chart(tx, earned, shown)
    at_work = [s for s in captured[all_time] if s.what in OPEN]
    return Figures(
        revenue=chart,
        this_month=worth(earned, trend[-1].span),
        last_month=worth(earned, last),
        by_month=[worth(earned, one.span) for one in trend],
        received=[worth(cash, one.span, "payment") for one in past],
        paid_out=[max(worth(cash, one.span, "paid_out"), 0) for one in past],
        leads=sum(s.n for s in captured[month]),
        leads_before=sum(s.n for s in captured[month_before]),
        stages=_stages(tx, captured[all_time]),
        open_minor=sum(s.value_minor for s in at_work),
        weighted_minor=round(sum((s.value_minor * PROBABILITY[Stage(s.what)] for s in at_work), Decimal(0))),
    )


def _stages(tx: Tx, leads: Sequence[Sum]) -> list[StageLine]:
    count, worth = Counter[str](), Counter[str]()
    for s in leads:
        count[s.what] += s.n
        worth[s.what] += s.value_minor
    most = max((count[stage] for stage in LINE), default=0) or 1
    return [
        StageLine(
            stage.value.capitalize(),
            count[stage],
            format_compact(worth[stage], tx.workspace.currency),
            charts.bar(100 * count[stage] / most, "s2" if stage in LINE[LINE.index(Stage.ACTIVE) :] else "s1"),
            stage is Stage.ACTIVE,
        )
        for stage in LINE
    ]


def _coming(tx: Tx, figures: Figures, unpaid: Sequence[Unpaid]) -> dict[str, object]:
    """Money that came and went in the last weeks, and what is due in the next, in the workspace's currency."""
    money = partial(format_money, currency=tx.workspace.currency)
    due = {one.week: one.due_minor for one in unpaid if one.currency == tx.workspace.currency}
    expected = [due.get(week, 0) for week in range(WEEKS)]
    starts = [one.name for one in weeks(tx.now, PAST_WEEKS)]
    net = sum(figures.received) - sum(figures.paid_out)
    return {
        "net": f"+{money(net)}" if net > 0 else money(net),
        "due": money(sum(expected)),
        "chart": charts.flow(
            [*starts, *(f"+{week + 1} w" for week in range(WEEKS))],
            [*figures.received, *([0] * WEEKS)],
            [*([0] * PAST_WEEKS), *expected],
            [*figures.paid_out, *([0] * WEEKS)],
            axis=partial(axis, currency=tx.workspace.currency),
            exact=lambda v: money(round(v)),
            describe=f"In and out by week in the last {PAST_WEEKS} weeks, and due by invoices in the next {WEEKS}.",
            height=228,
            now=PAST_WEEKS - 1,
        ),
    }


def _metrics(tx: Tx, figures: Figures | None, unpaid: Sequence[Unpaid], cash: dict[str, int] | None) -> list[Metric]:
    currency = tx.workspace.currency
    money = partial(format_money, currency=currency)
    found = []
    if figures:
        change = _change(figures.this_month, figures.last_month)
        found.append(
            Metric(
                f"Net revenue, {tx.now:%B}",
                money(figures.this_month),
                "/app/revenue/total_revenue",
                f"vs the same {tx.now.day} days" if change is not None else "nothing to compare with yet",
                change,
                line=charts.spark(figures.by_month),
            )
        )
    if cash is not None:
        found.append(Metric("Cash available", money(cash.pop(currency, 0)), "/app/ledger", _others(cash)))
    late = sum(one.count for one in unpaid if one.week < 0)
    owed = {one.currency: 0 for one in unpaid}
    for one in unpaid:
        owed[one.currency] += one.due_minor
    found.append(
        Metric(
            "Unpaid invoices",
            money(owed.pop(currency, 0)),
            "/app/invoices",
            _others(owed) or f"{sum(one.count for one in unpaid):,} open",
            late=f"{late:,} late" if late else "",
        )
    )
    if figures:
        weighted = f"{format_compact(figures.weighted_minor, currency)} weighted"
        found.append(Metric("Open pipeline", money(figures.open_minor), "/app/pipeline", weighted))
        change = _change(figures.leads, figures.leads_before)
        found.append(
            Metric(
                "New leads, 30 days",
                f"{figures.leads:,}",
                "/app/revenue/leads_captured",
                "vs the 30 before",
                change,
            )
        )
    return found


def _change(now: int, before: int) -> Decimal | None:
    """By how many percent more; None where there was nothing before."""
    return round(Decimal(now - before) / before * 100, 1) if before > 0 else None


def _others(amounts: dict[str, int]) -> str:
    """Amounts in other currencies: they are not added up."""
    return " · ".join(format_money(minor, currency) for currency, minor in sorted(amounts.items()) if minor)
