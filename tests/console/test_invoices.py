"""Invoices in the console: lists, the editor, one invoice, and what its forms do."""

import re
from typing import Any

import httpx

from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost

PAGE = {"Accept": "text/html"}


async def draft(boss: Person, price: str = "100.00", **more: Any) -> dict[str, Any]:
    line = {"description": "Menu photography", "unit_price": price, "tax_rate": "18"}
    body = {"client_id": "Tamarind Kitchens", "lines": [line], "currency": "INR", **more}
    answer = await boss.api.post("/api/v1/invoices", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def issued(boss: Person, price: str = "100.00", **more: Any) -> dict[str, Any]:
    made = await draft(boss, price, **more)
    answer = await boss.api.post(f"/api/v1/invoices/{made['id']}/issue")
    sent: dict[str, Any] = answer.json()
    return sent


async def text(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def form(browser: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await browser.post(path, data=fields)


async def test_the_tabs_hold_what_their_names_say_in_rupees(boss: Person, browser: httpx.AsyncClient) -> None:
    paid = await issued(boss, "120000")
    late = await issued(boss, due_at="2026-01-05T12:00:00Z", lines=[{"description": "x", "unit_price": 10}])
    kept = await draft(boss)
    await form(browser, f"/app/invoices/{paid['id']}/pay", amount="₹1,41,600.00", method="upi", reference="R1")
    shown = {tab: await text(browser, f"/app/invoices?tab={tab}") for tab in ("draft", "sent", "late", "paid", "all")}
    rows = {tab: set(re.findall(r'data-item href="/app/invoices/([^"]+)"', page)) for tab, page in shown.items()}
    assert rows == {
        "draft": {kept["id"]},
        "sent": set(),
        "late": {late["id"]},
        "paid": {paid["id"]},
        "all": {paid["id"], late["id"], kept["id"]},
    }
    assert "₹1,41,600.00" in shown["paid"] and "Nothing is open" in shown["sent"]
    found = await text(browser, f"/app/invoices?q={paid['invoice_number']}")
    assert paid["id"] in found and kept["id"] not in found
    assert "No invoice matches" in await text(browser, "/app/invoices?q=nobody")
    assert (await browser.get("/app/invoices?tab=nonsense")).status_code == 422
    assert (await browser.get("/app/invoices?sort=nonsense")).status_code == 422


async def test_a_draft_is_written_changed_and_sent(boss: Person, browser: httpx.AsyncClient) -> None:
    client = (await boss.api.post("/api/v1/clients", json={"name": "Asha", "company": "Tamarind Kitchens"})).json()
    assert client["id"] in await text(browser, "/app/invoices/new?q=tamarind")
    assert "For Tamarind Kitchens" in await text(browser, f"/app/invoices/new?client={client['id']}")
    fields = {
        "client_id": client["id"], "currency": "INR", "due_at": "2027-01-31", "idempotency_key": "k1",
        "lines.0.description": "Photography", "lines.0.quantity": "2", "lines.0.unit_price": "60000",
        "lines.0.tax_rate": "18", "lines.3.description": "Travel", "lines.3.unit_price": "0.50",
        "lines.1.description": "", "lines.1.unit_price": "",
    }  # fmt: skip
    made = await browser.post("/app/invoices/new", data=fields)
    assert made.status_code == 303
    assert (await browser.post("/app/invoices/new", data=fields)).headers["location"] == made.headers["location"]
    path = made.headers["location"]
    page = await text(browser, path)
    assert "₹1,41,600.50" in page and "Draft made" in page
    assert 'value="60000' in await text(browser, f"{path}/edit")
    changed = {"lines.0.description": "Photography", "lines.0.unit_price": "120000", "lines.0.tax_rate": "18"}
    sent = await browser.post(f"{path}/edit", data={**changed, "then": "issue"})
    assert sent.headers["location"] == path
    page = await text(browser, path)
    assert "₹1,41,600.00" in page and "Sent: numbered and owed" in page and "/pay/" in page
    assert (await browser.post(f"{path}/edit", data=changed)).status_code == 409
    wrong = await browser.post("/app/invoices/new", data={"client_id": client["id"], "lines.0.unit_price": "x"})
    assert wrong.status_code == 422


async def test_a_payment_is_recorded_and_too_much_is_refused(boss: Person, browser: httpx.AsyncClient) -> None:
    invoice = await issued(boss)
    path = f"/app/invoices/{invoice['id']}"
    assert 'value="118.00"' in await text(browser, f"{path}/pay")
    assert (await form(browser, f"{path}/pay", amount="118.01", method="cash")).status_code == 409
    assert (await form(browser, f"{path}/pay", amount="18", method="cash", idempotency_key="a")).status_code == 303
    assert (await form(browser, f"{path}/pay", amount="18", method="cash", idempotency_key="a")).status_code == 303
    page = await text(browser, path)
    assert "Part paid" in page and "₹100.00" in page and page.count("Payment received") == 1


async def test_an_unpaid_invoice_is_voided_with_a_reason(boss: Person, browser: httpx.AsyncClient) -> None:
    invoice = await issued(boss)
    path = f"/app/invoices/{invoice['id']}"
    assert (await form(browser, f"{path}/void")).status_code == 422
    assert (await form(browser, f"{path}/void", reason="Wrong client")).status_code == 303
    page = await text(browser, path)
    assert "Wrong client" in page and "Voided" in page and "Record a payment" not in page


async def test_a_refund_wants_its_amount_typed_twice(boss: Person, browser: httpx.AsyncClient) -> None:
    invoice = await issued(boss, "10000", currency="USD")
    path = f"/app/invoices/{invoice['id']}"
    await form(browser, f"{path}/pay", amount="11800", method="bank_transfer")
    asked = await text(browser, f"{path}/refund?amount=100&reason=Late+delivery")
    assert "$11,700.00" in asked and 'data-must-be="$100.00"' in asked
    wrong = await form(browser, f"{path}/refund", amount="100", reason="Late", confirm="10")
    assert wrong.status_code == 422 and "$11,800.00" in await text(browser, path)
    done = await form(browser, f"{path}/refund", amount="100", reason="Late", confirm="$100.00")
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "Refund" in await text(browser, path) and "$11,700.00" in await text(browser, path)
    held = await form(browser, f"{path}/refund", amount="10500", reason="All", confirm="10,500.00")
    assert held.headers["location"].startswith("/app/approvals/dec_")


async def test_who_may_only_read_sees_no_button_and_is_refused(office: People, boss: Person) -> None:
    invoice = await issued(boss)
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    viewer.headers.update({**PAGE, "Origin": "http://127.0.0.1:8005"})
    page = await text(viewer, f"/app/invoices/{invoice['id']}")
    assert "Record a payment" not in page and "/void" not in page
    for act in ("void", "pay", "issue", "charge", "credit", "refund"):
        assert (await form(viewer, f"/app/invoices/{invoice['id']}/{act}", reason="x")).status_code == 403
    assert (await viewer.get("/app/invoices/new")).status_code == 403


async def test_the_pages_take_few_statements(boss: Person, browser: httpx.AsyncClient, cost: Cost) -> None:
    invoice = await issued(boss)
    await form(browser, f"/app/invoices/{invoice['id']}/pay", amount="18", method="cash")
    paths = ["/app/invoices?tab=all&q=Tama", f"/app/invoices/{invoice['id']}", f"/app/invoices/{invoice['id']}/refund"]
    costs = {path: await cost(browser, path) for path in [*paths, "/app/invoices/new"]}
    assert max(costs.values()) <= PAGE_STATEMENTS, costs
