"""Statements of a client and of the business, any period, as JSON, CSV and PDF; the trial balance at any instant."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from grace.app.checks import trial_balance
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import issued, pay

CLIENT = "/api/v1/clients/client_abc/statement"


@pytest.fixture
async def told(api: httpx.AsyncClient) -> dict[str, Any]:
    """An invoice with tax, paid in two parts a month ago and now, partly given back; one made void; one in yen."""
    await api.put("/api/v1/settings/issuer", json={"name": "Harbour Studio", "address": "1 Quay St\nBristol"})
    first = await issued(api, {"description": "Work", "unit_price": 1000, "tax_rate": 19})
    early = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    assert (await pay(api, first["id"], 190, received_at=early, reference="a")).status_code == 200
    assert (await pay(api, first["id"], 1000, reference="b")).status_code == 200
    body = {"invoice_id": first["id"], "reason": "unhappy", "amount": 119}
    assert (await api.post("/api/business/payments/refund", json=body)).status_code == 200
    void = await issued(api)
    assert (await api.post(f"/api/v1/invoices/{void['id']}/void", json={"reason": "twice"})).status_code == 200
    await issued(api, {"description": "Arbeit", "unit_price": 5000}, currency="JPY")
    return {"first": first["invoice_number"], "void": void["invoice_number"], "early": early}


async def rows_of(api: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, str]]:
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_client_s_statement_as_csv(api: httpx.AsyncClient, told: dict[str, Any]) -> None:
    rows = await rows_of(api, f"{CLIENT}/csv", currency="usd")
    first, void = told["first"], told["void"]
    assert [tuple(row.values())[2:] for row in rows] == [
        ("Opening balance", "", "", "0.00"),
        (f"Payment by bank transfer, {first}", "", "190.00", "-190.00"),
        (f"Invoice {first}", "1190.00", "", "1000.00"),
        (f"Payment by bank transfer, {first}", "", "1000.00", "0.00"),
        (f"Refund on {first}", "-119.00", "-119.00", "0.00"),
        (f"Invoice {void}", "100.00", "", "100.00"),
        (f"Invoice {void} made void", "", "100.00", "0.00"),
        ("Closing balance", "", "", "0.00"),
    ]
    both = await rows_of(api, f"{CLIENT}/csv")
    assert [row["balance"] for row in both if row["what"] == "Closing balance"] == ["5000", "0.00"]


async def test_a_part_of_the_time_continues_what_was_before(api: httpx.AsyncClient, told: dict[str, Any]) -> None:
    middle = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    before = await rows_of(api, f"{CLIENT}/csv", currency="USD", to=middle)
    after = await rows_of(api, f"{CLIENT}/csv", currency="USD", **{"from": middle})
    assert before[-1]["balance"] == after[0]["balance"] == "-190.00"
    assert len(before) + len(after) == 8 + 2
    listed = (await api.get(CLIENT, params={"from": middle})).json()["accounts"]
    assert [(one["currency"], one["opening_balance"]) for one in listed] == [("JPY", 0), ("USD", -190)]


async def test_the_documents(api: httpx.AsyncClient, told: dict[str, Any]) -> None:
    several = await api.get(f"{CLIENT}/pdf")
    assert (several.status_code, several.json()["type"].rpartition("/")[2]) == (422, "currency-needed")
    for path, query in (
        (f"{CLIENT}/pdf", {"currency": "USD"}),
        (f"{CLIENT}/pdf", {"currency": "EUR"}),
        ("/api/v1/ledger/statement/pdf", {}),
        ("/api/v1/ledger/statement/pdf", {"to": "2001-01-01T00:00:00Z"}),
    ):
        made = await api.get(path, params=query)
        assert (made.status_code, made.headers["content-type"]) == (200, "application/pdf"), made.text
        assert made.content.startswith(b"%PDF-")
        assert (await api.get(path, params=query | {"to": "2001-01-01T00:00:00Z"})).status_code == 200


async def test_what_makes_no_statement(api: httpx.AsyncClient, told: dict[str, Any]) -> None:
    for query in (
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00"},
        {"from": "yesterday"},
    ):
        for path in (CLIENT, f"{CLIENT}/csv", f"{CLIENT}/pdf", "/api/v1/ledger/statement"):
            assert (await api.get(path, params=query)).status_code == 422, (path, query)
    assert (await api.get(f"{CLIENT}/csv", params={"currency": "XXQ"})).status_code == 422
    assert (await api.get("/api/v1/clients/nobody/statement/pdf")).status_code == 404


async def test_the_business(api: httpx.AsyncClient, told: dict[str, Any], workspace: WorkspaceUnderTest) -> None:
    accounts = (await api.get("/api/v1/ledger/statement")).json()["accounts"]
    usd = {row["purpose"]: row for row in accounts if row["currency"] == "USD"}
    assert [usd["revenue"][name] for name in ("opening_balance", "debit", "credit", "closing_balance")] == [
        0, 100, 1000, -900,
    ]  # fmt: skip
    assert (usd["receivable"]["debit"], usd["receivable"]["credit"]) == (1290, 1290)
    for currency in ("USD", "JPY"):
        for name in ("opening_balance", "closing_balance"):
            assert sum(row[name] for row in accounts if row["currency"] == currency) == 0
    table = await rows_of(api, "/api/v1/ledger/statement/csv")
    assert {(row["purpose"], row["currency"]) for row in table} == {
        (row["purpose"], row["currency"]) for row in accounts
    }
    middle = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    early = (await api.get("/api/v1/ledger/statement", params={"to": middle})).json()["accounts"]
    late = (await api.get("/api/v1/ledger/statement", params={"from": middle})).json()["accounts"]
    closing = {(row["purpose"], row["currency"]): row["closing_balance"] for row in early}
    assert closing["clearing", "USD"] == 190
    assert all(row["opening_balance"] == closing.get((row["purpose"], row["currency"]), 0) for row in late)


async def test_the_trial_balance_at_an_instant(
    api: httpx.AsyncClient, told: dict[str, Any], workspace: WorkspaceUnderTest
) -> None:
    now = await rows_of(api, "/api/v1/ledger/trial-balance/csv")
    sides = {row["purpose"]: (row["debit"], row["credit"]) for row in now if row["currency"] == "USD"}
    assert sides["clearing"] == ("1071.00", "")
    assert sides["revenue"] == ("", "900.00")
    then = datetime.fromisoformat(told["early"])
    found = await trial_balance(workspace.workspaces, workspace.handle, at=then)
    amounts = [(item["purpose"], str(item["balance"])) for item in found["items"]]
    assert found["ok"]
    assert amounts[:2] == [("clearing", "190.00"), ("receivable", "-190.00")]
    answer = await api.get("/api/v1/ledger/trial-balance/csv", params={"at": told["early"]})
    assert answer.text == found["csv"]
    before = await trial_balance(workspace.workspaces, workspace.handle, at=then - timedelta(microseconds=1))
    assert before["items"] == []
