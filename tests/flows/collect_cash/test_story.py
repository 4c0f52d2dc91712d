"""One invoice from draft to paid, over HTTP, with everything that must follow."""

from datetime import timedelta
from typing import Any

import httpx

from grace.domains.payments.queries import altered_payments
from grace.trust.ledger import queries as ledger
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, get, issue, issued, pay

LINES: tuple[dict[str, Any], ...] = (
    {"description": "Design", "quantity": "2.5", "unit_price": 100, "tax_rate": 20},
    {"description": "Hosting", "unit_price": "49.99"},
)


async def balances(workspace: WorkspaceUnderTest) -> dict[str, int]:
    async with workspace.tx() as tx:
        return {f"{line.purpose}": line.balance_minor for line in await ledger.trial_balance(tx) if line.balance_minor}


async def test_a_draft_is_issued_paid_in_parts_and_everything_follows(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    made = await draft(api, *LINES, notes="Thanks")
    assert (made["status"], made["invoice_number"], made["amount_due"], made["hosted_invoice_url"]) == (
        "draft", None, 0, None,
    )  # fmt: skip
    assert (made["net"], made["tax"], made["amount"]) == (299.99, 50, 349.99)
    assert made["taxes"] == [{"rate": 20, "net": 250, "tax": 50}]
    assert await balances(workspace) == {}

    invoice = await issue(api, made["id"])
    assert (invoice["status"], invoice["amount_due"], invoice["number"]) == ("issued", 349.99, made["number"])
    assert invoice["invoice_number"].startswith("INV-20") and invoice["invoice_number"].endswith("-1")
    assert invoice["client"]["name"] == "client_abc"
    assert await balances(workspace) == {"receivable": 34999, "unpaid_revenue": -29999, "tax_payable": -5000}

    first = await pay(api, invoice["id"], "100.00", reference="TX-1")
    assert first.status_code == 200, first.text
    assert (first.json()["status"], first.json()["refunded"], first.json()["amount"]) == ("paid", False, 100)
    status = (await api.get(f"/api/business/payments/status/{invoice['id']}")).json()
    assert (status["status"], status["paid"], status["amount_due"]) == ("pending", False, 249.99)
    assert (status["invoice_status"], (await get(api, invoice["id"]))["status"]) == ("part_paid", "part_paid")

    second = await pay(api, invoice["invoice_number"], 249.99, reference="TX-2")
    assert second.status_code == 200, second.text
    paid = await get(api, invoice["id"])
    assert (paid["status"], paid["amount_due"], paid["amount_paid"]) == ("paid", 0, 349.99)
    assert (paid["payment_method"], paid["transaction_id"]) == ("bank_transfer", second.json()["id"])
    assert paid["paid_at"] is not None
    assert await balances(workspace) == {"clearing": 34999, "revenue": -29999, "tax_payable": -5000}

    await workspace.drain()
    client = (await api.get("/api/v1/clients/client_abc")).json()
    assert (client["lifetime_value"], client["currency"]) == (299.99, "USD")
    async with workspace.tx() as tx:
        assert [payment async for payment in altered_payments(tx)] == []
        actions = await tx.all(str, "select action from audit_entry where subject_kind in ('invoice', 'payment')")
        kinds = await tx.all(str, "select kind from fact where topic in ('invoice', 'payment') order by id")
    assert sorted(actions) == sorted(
        ["draft_invoice", "issue_invoice", "settle_invoice", "record_payment", "settle_invoice", "record_payment"]
    )
    assert sorted(kinds) == sorted(
        ["InvoiceDrafted", "InvoiceIssued", "InvoicePartPaid", "PaymentReceived", "InvoicePaid", "PaymentReceived"]
    )


async def test_the_statement_shows_what_is_owed(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api, *LINES)
    payment = (await pay(api, invoice["id"], 100)).json()
    wrong = await issued(api)
    await api.post(f"/api/v1/invoices/{wrong['id']}/void", json={"reason": "twice"})
    euros = await issued(api, currency="EUR")
    statement = (await api.get("/api/v1/clients/client_abc/statement")).json()
    euro, dollar = statement["accounts"]
    assert (euro["currency"], euro["closing_balance"], euro["lines"][0]["document"]) == (
        "EUR", 100, euros["invoice_number"],
    )  # fmt: skip
    assert [(line["kind"], line["document"], line["amount"], line["balance"]) for line in dollar["lines"]] == [
        ("invoice_issued", invoice["invoice_number"], 349.99, 349.99),
        ("payment_received", payment["id"], -100, 249.99),
        ("invoice_issued", wrong["invoice_number"], 100, 349.99),
        ("invoice_voided", wrong["invoice_number"], -100, 249.99),
    ]
    assert (dollar["opening_balance"], dollar["closing_balance"]) == (0, 249.99)
    at = dollar["lines"][1]["at"]
    part = (await api.get("/api/v1/clients/client_abc/statement", params={"from": at})).json()["accounts"][1]
    assert (part["opening_balance"], len(part["lines"])) == (349.99, 3)


async def test_merged_clients_share_statement_figures_and_documents(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    one, two = await issued(api, client_id="one"), await issued(api, client_id="two")
    await pay(api, one["id"], 100)
    await pay(api, two["id"], 40)
    await api.post("/api/v1/clients/one/merge", json={"other": "two"})
    await workspace.drain()
    assert (await api.get("/api/v1/clients/two")).json()["lifetime_value"] == 140
    statement = (await api.get("/api/v1/clients/two/statement")).json()
    assert (statement["client_id"], statement["accounts"][0]["closing_balance"]) == (one["client_id"], 60)
    listed = (await api.get("/api/v1/invoices", params={"client_id": "one"})).json()["items"]
    assert {invoice["id"] for invoice in listed} == {one["id"], two["id"]}
    assert len((await api.get("/api/v1/payments", params={"client_id": "two"})).json()["items"]) == 2
    await api.post("/api/v1/clients/one/unmerge", json={"other": "two"})
    await workspace.drain()
    assert (await api.get("/api/v1/clients/one")).json()["lifetime_value"] == 100
    assert (await api.get("/api/v1/clients/two")).json()["lifetime_value"] == 40


async def test_lifetime_value_counts_other_currencies_at_their_rate(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    for currency, amount in (("INR", 8000), ("JPY", 1500), ("USD", 10)):
        line = {"description": "Work", "unit_price": amount}
        invoice = await issued(api, line, currency=currency, client_id="client_abc")
        await pay(api, invoice["id"], amount)
    async with workspace.tx() as tx:
        day = str((tx.now - timedelta(days=1)).date())
    rates = {"rates": [{"currency": "INR", "per_usd": 80, "on_date": day}]}
    assert (await api.post("/api/v1/rates", json=rates)).status_code == 200
    await workspace.drain()
    assert (await api.get("/api/v1/clients/client_abc")).json()["lifetime_value"] == 110
