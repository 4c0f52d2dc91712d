"""Invoices over HTTP: drafted, revised, issued, void, listed; document 1's doors; bad input."""

from typing import Any

import httpx
import pytest

from grace.trust.ledger import queries as ledger
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, get, issue, issued, pay

LINE = {"description": "Work", "unit_price": 100}


async def test_document_1_creates_and_issues_at_once(api: httpx.AsyncClient) -> None:
    body = {
        "project_id": 123,
        "amount": 1500.0,
        "description": "Website development - Phase 1",
        "client_id": "client_abc",
        "currency": "usd",
        "metadata": {"project_name": "ClientXYZ Website", "rate": 1.10},
    }
    answer = await api.post("/api/business/payments/invoice", json=body)
    assert answer.status_code == 200, answer.text
    assert '"amount":1500.00' in answer.text
    made = answer.json()
    assert made["success"] is True and made["requires_approval"] is False
    assert made["invoice_id"].startswith("in_")
    assert (made["project_id"], made["currency"], made["status"]) == (123, "USD", "issued")
    assert made["hosted_invoice_url"].startswith("http://127.0.0.1:8005/pay/")
    assert made["invoice_pdf"] == made["hosted_invoice_url"] + "/invoice.pdf"
    stored = await get(api, made["invoice_id"])
    assert (stored["project_ref"], stored["project_id"], stored["metadata"]) == (123, None, body["metadata"])
    assert (stored["payment_link"], stored["stripe_invoice_id"]) == (made["hosted_invoice_url"], None)
    assert (await api.get("/api/v1/clients/client_abc")).json()["id"] == made["client_id"]
    again = (await api.post("/api/business/payments/invoice", json=body | {"project_id": "P-9"})).json()
    assert (again["client_id"], again["project_id"]) == (made["client_id"], "P-9")


async def test_a_repeated_key_creates_one_invoice(api: httpx.AsyncClient) -> None:
    body = {"amount": 10, "description": "Work", "client_id": "client_abc"}
    answers = [
        await api.post("/api/business/payments/invoice", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await api.get("/api/v1/invoices")).json()["items"]) == 1


async def test_a_draft_is_revised_until_it_is_issued(api: httpx.AsyncClient) -> None:
    made = await draft(api)
    body = {"lines": [LINE, {**LINE, "quantity": 2}], "due_at": "2030-01-01T00:00:00Z", "notes": "new"}
    revised = await api.post(f"/api/v1/invoices/{made['id']}", json=body)
    assert (revised.json()["amount"], len(revised.json()["lines"]), revised.json()["version"]) == (300, 2, 2)
    invoice = await issue(api, made["id"])
    assert invoice["due_at"] == "2030-01-01T00:00:00Z"
    late = await api.post(f"/api/v1/invoices/{made['id']}", json=body)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-invoice-state")
    assert (await api.post(f"/api/v1/invoices/{made['id']}/issue")).status_code == 409


async def test_void_keeps_the_number_and_reverses_the_booking(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    invoice = await issued(api, {**LINE, "tax_rate": 10})
    void = (await api.post(f"/api/v1/invoices/{invoice['id']}/void", json={"reason": "wrong client"})).json()
    assert (void["status"], void["void_reason"], void["amount_due"]) == ("void", "wrong client", 0)
    assert void["invoice_number"] == invoice["invoice_number"]
    async with workspace.tx() as tx:
        assert {line.balance_minor for line in await ledger.trial_balance(tx)} == {0}
    status = (await api.get(f"/api/business/payments/status/{invoice['id']}")).json()
    assert (status["status"], status["paid"], status["invoice_status"]) == ("failed", False, "void")
    assert (await pay(api, invoice["id"], 10)).status_code == 409
    assert (await api.post(f"/api/v1/invoices/{invoice['id']}/void", json={"reason": "x"})).status_code == 409
    assert (await issued(api))["invoice_number"].endswith("-2")


async def test_what_is_paid_is_not_made_void(api: httpx.AsyncClient) -> None:
    for amount in (40, 100):
        invoice = await issued(api)
        await pay(api, invoice["id"], amount)
        answer = await api.post(f"/api/v1/invoices/{invoice['id']}/void", json={"reason": "x"})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-invoice-state")


async def test_a_draft_is_discarded_without_a_trace_in_the_books(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    made = await draft(api)
    void = (await api.post(f"/api/v1/invoices/{made['id']}/void", json={"reason": "not wanted"})).json()
    assert (void["status"], void["invoice_number"], void["hosted_invoice_url"]) == ("void", None, None)
    async with workspace.tx() as tx:
        assert await ledger.trial_balance(tx) == []


async def test_an_invoice_remembers_client_and_issuer_as_they_were(api: httpx.AsyncClient) -> None:
    await api.post("/api/v1/clients", json={"name": "Ann", "external_id": "a", "address": "1 Old Road"})
    await api.put("/api/v1/settings/issuer", json={"name": "Us Ltd", "tax_id": "GB1"})
    invoice = await issued(api, client_id="a")
    await api.post("/api/v1/clients/a", json={"address": "2 New Road"})
    await api.put("/api/v1/settings/issuer", json={"name": "Them Ltd"})
    stored = await get(api, invoice["id"])
    assert (stored["client"]["address"], stored["issuer"]["name"], stored["issuer"]["tax_id"]) == (
        "1 Old Road", "Us Ltd", "GB1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "price", "shown", "minor"),
    [("JPY", "1500", "1500", 1500), ("KWD", "1.234", "1.234", 1234), ("inr", 99.5, "99.50", 9950)],
)
async def test_currencies_of_other_digits(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, currency: str, price: Any, shown: str, minor: int
) -> None:
    invoice = await issued(api, {"description": "Work", "unit_price": price}, currency=currency)
    answer = await api.get(f"/api/v1/invoices/{invoice['id']}")
    assert f'"amount_due":{shown}' in answer.text
    assert invoice["currency"] == currency.upper()
    assert (await pay(api, invoice["id"], price)).status_code == 200
    async with workspace.tx() as tx:
        assert minor in [line.balance_minor for line in await ledger.trial_balance(tx)]


async def test_more_digits_than_the_currency_has_are_refused(api: httpx.AsyncClient) -> None:
    for currency, price in (("JPY", "1.5"), ("KWD", "1.2345"), ("USD", "0.001")):
        body = {"client_id": "c", "currency": currency, "lines": [{"description": "x", "unit_price": price}]}
        answer = await api.post("/api/v1/invoices", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-amount")
    yen = await issued(api, {"description": "Work", "unit_price": 100}, currency="JPY")
    assert (await pay(api, yen["id"], "1.5")).status_code == 422


def with_line(**changes: Any) -> dict[str, Any]:
    return {"client_id": "c", "lines": [LINE | changes]}


BAD: list[Any] = [
    {},
    {"client_id": "c", "lines": []},
    {"client_id": "c", "lines": [LINE] * 501},
    {"client_id": "", "lines": [LINE]},
    {"client_id": 1.5, "lines": [LINE]},
    {"client_id": True, "lines": [LINE]},
    {"client_id": "c", "lines": [LINE], "currency": "XXX"},
    {"client_id": "c", "lines": [LINE], "currency": "dollars"},
    {"client_id": "c", "lines": [LINE], "unknown": 1},
    {"client_id": "c", "lines": [LINE], "due_at": "2026-01-01"},
    {"client_id": "c", "lines": [LINE], "due_at": "9999-01-01T00:00:00Z"},
    {"client_id": "c", "lines": [LINE], "series": "nope"},
    {"client_id": "c", "lines": [LINE], "state": "paid"},
    with_line(unit_price=-1),
    with_line(unit_price="1e400"),
    with_line(unit_price="NaN"),
    with_line(unit_price="Infinity"),
    with_line(unit_price=10**17),
    with_line(unit_price=10**35),
    with_line(unit_price="1" * 31),
    with_line(unit_price=None),
    with_line(unit_price=True),
    with_line(quantity=0),
    with_line(quantity=-1),
    with_line(quantity="0.0000001"),
    with_line(quantity=10**12),
    with_line(quantity="nan"),
    with_line(tax_rate=101),
    with_line(tax_rate=-1),
    with_line(tax_rate="1.2345"),
    with_line(description=""),
    with_line(description="x" * 2001),
    with_line(quantity=10**11, unit_price=10**9),
]


@pytest.mark.parametrize("body", BAD)
async def test_bad_input_is_refused_and_nothing_is_written(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, body: Any
) -> None:
    answer = await api.post("/api/v1/invoices", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    async with workspace.tx() as tx:
        assert await tx.value("select (select count(*) from invoice) + (select count(*) from client)") == 0


@pytest.mark.parametrize(
    "text", ['{"amount": NaN}', '{"amount": 1e9999999}', '{"amount": 1' + "0" * 60 + "}", "[", "nope"]
)
async def test_unreadable_numbers_are_refused(api: httpx.AsyncClient, text: str) -> None:
    answer = await api.post("/api/business/payments/invoice", content=text)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_client_id_or_number_makes_nobody(api: httpx.AsyncClient) -> None:
    for client_id in (999, "cust_01hzzzzzzzzzzzzzzzzzzzzzzz"):
        for path, body in (
            ("/api/v1/invoices", {"lines": [LINE]}),
            ("/api/business/payments/invoice", {"amount": 1, "description": "x"}),
        ):
            answer = await api.post(path, json={"client_id": client_id, **body})
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/client-not-found")
    assert (await api.get("/api/v1/clients")).json()["items"] == []


async def test_an_invoice_of_nothing_is_paid_when_it_is_issued(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    body = {"amount": 0, "description": "Free", "client_id": "new"}
    made = (await api.post("/api/business/payments/invoice", json=body)).json()
    invoice = await get(api, made["invoice_id"])
    assert (invoice["status"], invoice["amount"], invoice["amount_due"]) == ("paid", 0, 0)
    assert invoice["invoice_number"]
    assert invoice["paid_at"] == invoice["issued_at"]
    status = (await api.get(f"/api/business/payments/status/{invoice['id']}")).json()
    assert (status["status"], status["paid"]) == ("paid", True)
    assert (await api.get(f"/api/v1/invoices/{invoice['id']}/pdf")).content.startswith(b"%PDF")
    for path, said in (("void", {"reason": "no"}), ("apply-credit", {})):
        assert (await api.post(f"/api/v1/invoices/{invoice['id']}/{path}", json=said)).status_code == 409
    refund = {"invoice_id": invoice["id"], "reason": "no"}
    assert (await api.post("/api/business/payments/refund", json=refund)).status_code == 409
    await workspace.drain()
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from ledger_posting") == 0


async def test_unknown_invoices_are_problems(api: httpx.AsyncClient) -> None:
    for reference in ("in_01hzzzzzzzzzzzzzzzzzzzzzzz", "7", "nope", "client_abc"):
        for answer in (
            await api.get(f"/api/v1/invoices/{reference}"),
            await api.get(f"/api/v1/invoices/{reference}/pdf"),
            await api.post(f"/api/v1/invoices/{reference}/issue"),
            await api.post(f"/api/v1/invoices/{reference}/void", json={"reason": "x"}),
            await api.get(f"/api/business/payments/status/{reference}"),
            await pay(api, reference, 1),
        ):
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/invoice-not-found")


async def test_lists_are_paged_sorted_and_filtered(api: httpx.AsyncClient) -> None:
    made = [await draft(api, {"description": "Work", "unit_price": n}, client_id=f"c{n % 2}") for n in (3, 1, 2)]
    first = await issue(api, made[0]["id"])
    assert (await issue(api, (await draft(api, currency="EUR", due_at="2020-01-01T00:00:00Z"))["id"]))["amount"] == 100

    async def ids(**query: Any) -> list[str]:
        answer = await api.get("/api/v1/invoices", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await ids(sort="amount", currency="usd") == [made[1]["id"], made[2]["id"], made[0]["id"]]
    assert await ids(status="issued", sort="issued_at", client_id="c1") == [first["id"]]
    assert (await ids(client_id="c1", status="draft")) == [made[1]["id"]]
    assert len(await ids(overdue=True)) == 1
    page = (await api.get("/api/v1/invoices", params={"limit": 3})).json()
    rest = (await api.get("/api/v1/invoices", params={"limit": 3, "cursor": page["next_cursor"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == (await ids())
    assert rest["next_cursor"] is None
    listed = (await api.get("/api/v1/invoices", params={"status": "issued", "client_id": "c1"})).json()["items"][0]
    assert listed == await get(api, first["id"])
    assert (await api.get("/api/v1/invoices", params={"client_id": "nobody"})).status_code == 404
