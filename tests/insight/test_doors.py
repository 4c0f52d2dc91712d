"""The doors: every name stands, figures follow at once, each leads to its rows, and both leave as files."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pyarrow.parquet
import pytest

from grace.insight.exports import plain
from grace.insight.figures import REGISTRY
from grace.kit import json
from grace.trust.governance.service.rates import import_rates
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import issued, pay

PANELS = ("overview", "revenue-metrics", "customer-metrics", "marketing-metrics")
NEVER_NULL = {
    "total_revenue", "monthly_recurring_revenue", "annual_recurring_revenue", "month_revenue", "refunded", "commission",
    "payment_volume", "payments", "customers", "clients", "leads_captured", "pipeline_value", "campaigns",
    "campaign_revenue", "emails_sent", "emails_delivered", "currency", "mrr_movements", "lead_capture_rate",
}  # fmt: skip


async def get(api: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content)


async def paid(
    api: httpx.AsyncClient, amount: Any = 100, *, tax: int = 0, at: datetime | None = None, **more: Any
) -> Any:
    """An invoice over `amount` before tax, paid in full."""
    line = {"description": "Work", "unit_price": amount, "tax_rate": tax}
    invoice = await issued(api, line, **more)
    answer = await pay(api, invoice["id"], invoice["amount"], **({"received_at": at.isoformat()} if at else {}))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rates(workspace: WorkspaceUnderTest, *rows: tuple[str, str, datetime]) -> None:
    async with workspace.tx() as tx:
        done = await import_rates(
            tx, [{"currency": c, "per_usd": per_usd, "on_date": day.date()} for c, per_usd, day in rows]
        )
        assert not done.rejected


async def test_an_empty_workspace_has_every_name(api: httpx.AsyncClient) -> None:
    for panel in PANELS:
        found = await get(api, f"/api/v1/dashboard/{panel}")
        for name, value in found.items():
            if name in NEVER_NULL:
                assert value is not None, name
            elif not isinstance(value, list):
                assert value is None, name
    overview = await api.get("/api/v1/dashboard/overview")
    assert '"total_revenue":0.00,"monthly_recurring_revenue":0.00,"growth_rate_30d":null' in overview.text
    revenue = await get(api, "/api/business/revenue")
    assert (revenue["total_revenue"], revenue["month_revenue"], revenue["currency"]) == (0, 0, "USD")
    for figure in (await get(api, "/api/v1/insight"))["items"]:
        rows = await get(api, f"/api/v1/insight/{figure['figure']}/rows")
        assert rows["items"] == [] or figure["figure"] == "clients"


async def test_money_counts_when_paid_less_refunds_without_tax(api: httpx.AsyncClient) -> None:
    payment = await paid(api, "100.00", tax=19)
    await issued(api)
    found = await get(api, "/api/v1/dashboard/revenue-metrics")
    assert (found["total_revenue"], found["payment_volume"], found["payments"]) == (100, 119, 1)
    answer = await api.post(
        "/api/business/payments/refund", json={"invoice_id": payment["invoice_id"], "reason": "wrong", "amount": 59.5}
    )
    assert answer.status_code == 200, answer.text
    found = await get(api, "/api/v1/dashboard/revenue-metrics")
    assert (found["total_revenue"], found["refunded"], found["payment_volume"]) == (50, 50, 119)
    assert found["average_payment"] == 119
    assert [(c["source"], c["revenue"], c["share"]) for c in found["revenue_per_channel"]] == [("api", 50, 1)]
    assert [m["revenue"] for m in found["by_month"]] == [50]
    overview = await get(api, "/api/v1/dashboard/overview")
    assert (overview["customers"], overview["avg_lifetime_value"]) == (1, 50)


async def test_times_are_exact_to_the_moment_and_days_are_utc(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    for amount, at in (
        (1, midnight - timedelta(microseconds=1)),
        (10, midnight),
        (100, midnight + timedelta(hours=30)),
    ):
        await paid(api, amount, at=at)
    for folded in (False, True):
        if folded:
            async with workspace.tx() as tx:
                assert await tx.value("select insight_fold(1000)") > 0
        for zone in ("+00:00", "+05:30", "-11:00"):
            for start, stop, expected in (
                (midnight, midnight + timedelta(days=1), 10),
                (midnight - timedelta(microseconds=1), midnight, 1),
                (midnight - timedelta(microseconds=1), midnight + timedelta(hours=30, microseconds=1), 111),
                (midnight + timedelta(hours=1), midnight + timedelta(hours=30), 0),
                (midnight, midnight, 0),
            ):
                hours, minutes = int(zone[:3]), int(zone[0] + zone[4:])
                shifted = [(t + timedelta(hours=hours, minutes=minutes)).isoformat()[:-6] + zone for t in (start, stop)]
                found = await get(api, "/api/business/revenue", **{"from": shifted[0], "to": shifted[1]})
                assert found["total_revenue"] == expected, (start, stop, zone, folded)


async def test_other_currencies_count_at_the_rate_of_their_day_and_none_is_dropped_silently(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    now = datetime.now(UTC)
    await paid(api, "100.00", currency="EUR", at=now - timedelta(days=9))
    await paid(api, "100.00", currency="EUR", at=now - timedelta(days=2))
    await paid(api, 5000, currency="JPY")
    found = await get(api, "/api/business/revenue")
    assert found["total_revenue"] == 0
    assert [(w["currency"], w["amount"], w["rows"]) for w in found["without_rate"]] == [
        ("EUR", 200, 2), ("JPY", 5000, 1)]  # fmt: skip
    async with workspace.tx() as tx:
        await tx.value("select insight_fold(1000)")
    await rates(workspace, ("EUR", "0.80", now - timedelta(days=10)), ("EUR", "0.5", now - timedelta(days=3)))
    found = await get(api, "/api/business/revenue")
    assert found["total_revenue"] == 125 + 200
    assert [w["currency"] for w in found["without_rate"]] == ["JPY"]
    [euro, yen] = found["by_currency"]
    assert (euro["currency"], euro["amount"], euro["value"], euro["rows"]) == ("EUR", 200, 325, 2)
    assert (yen["currency"], yen["amount"], yen["value"]) == ("JPY", 5000, 0)
    await rates(workspace, ("EUR", "0.4", now - timedelta(days=3)))
    assert (await get(api, "/api/business/revenue"))["total_revenue"] == 125 + 250
    rows = (await get(api, "/api/v1/insight/total_revenue/rows"))["items"]
    assert [(r["currency"], r["amount"], r["value"]) for r in rows] == [
        ("EUR", 100, 125), ("EUR", 100, 250), ("JPY", 5000, None)]  # fmt: skip


async def test_growth_needs_something_to_grow_from(api: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    await paid(api, 150, at=now - timedelta(days=1))
    assert (await get(api, "/api/v1/dashboard/overview"))["growth_rate_30d"] is None
    await paid(api, 100, at=now - timedelta(days=40), client_id="client_old")
    overview = await get(api, "/api/v1/dashboard/overview")
    assert overview["growth_rate_30d"] == 50
    assert overview["customer_growth_rate"] == 100
    [old, new] = (await get(api, "/api/v1/insight/growth_rate_30d/rows"))["items"]
    assert ((old["value"], old["weight"]), (new["value"], new["weight"])) == ((0, 100), (150, 0))


async def test_a_merged_client_is_one_customer_since_its_first_payment(api: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    await paid(api, 100, client_id="client_a", at=now - timedelta(days=50))
    await paid(api, 300, client_id="client_b", at=now - timedelta(days=5))
    assert (await get(api, "/api/v1/dashboard/customer-metrics"))["avg_lifetime_value"] == 200
    merged = await api.post("/api/v1/clients/client_b/merge", json={"other": "client_a"})
    assert merged.status_code == 200, merged.text
    found = await get(api, "/api/v1/dashboard/customer-metrics")
    assert (found["customers"], found["clients"], found["avg_lifetime_value"]) == (1, 1, 400)
    assert found["cohorts"][0]["customers"] == 1
    since = {"from": (now - timedelta(days=10)).isoformat()}
    assert (await get(api, "/api/v1/dashboard/customer-metrics", **since))["customers"] == 0
    undone = await api.post("/api/v1/clients/client_b/unmerge", json={"other": "client_a"})
    assert undone.status_code == 200, undone.text
    assert (await get(api, "/api/v1/dashboard/customer-metrics", **since))["customers"] == 1


@pytest.fixture
async def busy(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> httpx.AsyncClient:
    """Some payments, the first half folded, one of a client with a dangerous name and of a dangerous channel."""
    for number in range(3):
        await paid(api, 10 + number)
    async with workspace.tx() as tx:
        await tx.value("select insight_fold(1000)")
    await paid(api, "0.10", client_id="client_b")
    lead = {"source": "api", "name": "=HYPERLINK(1)", "email": "x@example.com", "budget": 500}
    assert (await api.post("/api/business/leads", json=lead)).status_code == 200
    return api


async def test_every_figure_is_the_sum_of_its_rows_page_by_page(busy: httpx.AsyncClient) -> None:
    for figure in (await get(busy, "/api/v1/insight"))["items"]:
        values, weights, cursor, pages = Decimal(0), Decimal(0), None, 0
        while pages == 0 or cursor:
            page = await get(
                busy, f"/api/v1/insight/{figure['figure']}/rows", limit=2, **({"cursor": cursor} if cursor else {})
            )
            values += sum(row["value"] for row in page["items"])
            weights += sum(row["weight"] for row in page["items"])
            cursor, pages = page["next_cursor"], pages + 1
        assert (values, weights) == (figure["sum_of_values"], figure["sum_of_weights"]), figure["figure"]
        one = await get(busy, f"/api/v1/insight/{figure['figure']}")
        assert (one["starts_at"], one["ends_at"]) == (None, None)
        assert (one["value"], one["formula"]) == (figure["value"], figure["formula"])


@pytest.mark.parametrize("path", ["/api/v1/insight/export", "/api/v1/insight/total_revenue/rows/export"])
async def test_files_hold_what_the_doors_say(busy: httpx.AsyncClient, path: str) -> None:
    door = path.removesuffix("/export")
    expected = [row["value"] for row in (await get(busy, door))["items"]]
    column = "value"

    async def content(kind: str) -> bytes:
        answer = await busy.get(path, params={"format": kind})
        assert answer.status_code == 200, answer.text
        assert f".{kind}" in answer.headers["content-disposition"]
        return answer.content

    table = list(csv.DictReader(io.StringIO((await content("csv")).decode())))
    assert [Decimal(row[column]) if row[column] else None for row in table] == expected
    assert [row[column] for row in json.loads(await content("json"))] == expected
    parquet = pyarrow.parquet.read_table(io.BytesIO(await content("parquet")))
    assert parquet.column(column).to_pylist() == expected
    with zipfile.ZipFile(io.BytesIO(await content("xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == len(expected) + 1
    assert "<f>" not in sheet


async def test_nothing_in_a_file_is_a_formula(busy: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("update lead set source = '=cmd()|x'")
    answer = await busy.get("/api/v1/insight/leads_captured/rows/export", params={"format": "csv"})
    assert ",'=cmd()|x," in answer.text
    assert plain("-1") == "'-1"
    assert plain(Decimal("-1.50")) == "-1.50"
    answer = await busy.get("/api/v1/insight/leads_captured/rows/export", params={"format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()


TURNED = {"from": "2025-02-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"}


async def test_nonsense_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/insight/wealth")).status_code == 404
    assert (await api.get("/api/v1/insight/wealth/rows")).status_code == 404
    for params in ({"from": "yesterday"}, {"from": "2025-01-01T00:00:00"}, {"to": "1969-01-01T00:00:00Z"}, TURNED):
        assert (await api.get("/api/v1/dashboard/overview", params=params)).status_code == 422
    for cursor in ("x", "WzFd", "WyJhIl0", "WyIyMDI1LTAxLTAxIGEgYiJd"):
        refused = await api.get("/api/v1/insight/total_revenue/rows", params={"cursor": cursor})
        assert refused.json()["type"] == "/problems/invalid-cursor", cursor
    refused = await api.get("/api/v1/insight/total_revenue/rows/export", params={"format": "docx"})
    assert refused.status_code == 422


async def test_an_offset_is_read_also_where_the_database_reads_none(api: httpx.AsyncClient) -> None:
    for offset in ("-23:03", "+23:59", "-00:01"):
        params = {"from": f"2000-05-24T18:05:52{offset}"}
        for path in ("/api/business/revenue", "/api/v1/ledger/statement"):
            assert (await api.get(path, params=params)).status_code == 200, (path, offset)


async def test_registered_names_are_what_the_panels_show() -> None:
    assert {"total_revenue", "growth_rate_30d", "avg_lifetime_value", "customer_growth_rate"} <= set(REGISTRY)
