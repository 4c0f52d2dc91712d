"""Payments in the console: the list and its filters, one payment with all that is known of it, taking one back."""

import re
from typing import Any

import httpx

from grace.trust.identity.service import sessions
from tests.fixtures.cards import Till
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def paid(boss: Person, amount: str = "141600", **more: Any) -> dict[str, Any]:
    body = {"amount": amount, "description": "Work", "client_id": "Tamarind Kitchens", "currency": "INR"}
    invoice = (await boss.api.post("/api/business/payments/invoice", json=body)).json()
    money = {"invoice_id": invoice["invoice_id"], "amount": amount, "method": "upi", **more}
    answer = await boss.api.post("/api/v1/payments/manual", json=money)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def text(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(page: str) -> list[str]:
    return re.findall(r'data-item href="/app/payments/([^"]+)"', page)


async def test_the_list_is_filtered_sorted_and_searched(boss: Person, browser: httpx.AsyncClient) -> None:
    large, small = await paid(boss, reference="632481907755"), await paid(boss, "5", method="cash")
    page = await text(browser, "/app/payments?sort=-amount")
    assert rows(page) == [large["id"], small["id"]] and "₹1,41,600.00" in page
    assert rows(await text(browser, "/app/payments?method=cash")) == [small["id"]]
    assert rows(await text(browser, "/app/payments?q=6324819")) == [large["id"]]
    assert "No payment matches" in await text(browser, "/app/payments?status=failed")
    assert (await browser.get("/app/payments?status=nonsense")).status_code == 422
    assert "No refunds yet" in await text(browser, "/app/payments/refunds")


async def test_one_recorded_by_mistake_is_taken_back_once(boss: Person, browser: httpx.AsyncClient) -> None:
    payment = await paid(boss)
    path = f"/app/payments/{payment['id']}"
    page = await text(browser, path)
    assert "₹1,41,600.00" in page and "Verified" in page and "Recorded by mistake" in page
    assert "Take back this payment" in await text(browser, f"{path}/reverse")
    assert (await browser.post(f"{path}/reverse", data={"reason": ""})).status_code == 422
    done = await browser.post(f"{path}/reverse", data={"reason": "Wrong invoice"})
    assert done.headers["location"] == path
    page = await text(browser, path)
    assert "Wrong invoice" in page and "Recorded by mistake" not in page
    assert (await browser.post(f"{path}/reverse", data={"reason": "again"})).status_code == 409
    assert (await browser.get("/app/payments/pay_nonsense")).status_code == 404


async def test_an_altered_payment_is_said(boss: Person, browser: httpx.AsyncClient, office: People) -> None:
    payment = await paid(boss)
    async with office.workspace.workspaces.owner(office.workspace.handle) as owner:  # who owns the database can do this
        await owner.execute("alter table payment disable trigger user")
        await owner.execute("update payment set net_minor = net_minor - 1")
    assert "Does not fit" in await text(browser, f"/app/payments/{payment['id']}")


async def test_a_card_payment_shows_what_the_processor_did(till: Till) -> None:
    async with till.workspace.tx() as tx:
        [owner] = await tx.all(str, "select id from principal limit 1")
        token = await sessions.make_sign_in_link(tx, principal_id=owner)
    async with httpx.AsyncClient(
        base_url=till.api.base_url, trust_env=False, headers={"Accept": "text/html"}
    ) as browser:
        await browser.post(f"/sign-in/{token}")
        invoice = await till.invoice("100.00")
        await till.keep_card()
        charged = await browser.post(f"/app/invoices/{invoice['invoice_id']}/charge")
        assert charged.status_code == 303
        await till.settle()
        await till.refund(invoice, "10.00")
        await till.settle()
        [payment] = (await till.get("/api/v1/payments"))["items"]
        page = (await browser.get(f"/app/payments/{payment['id']}")).text
        for said in (
            "Verified",
            "Create intent",
            "payment_intent.succeeded",
            "Processor&#39;s fee",
            "−$10.00",
            "unhappy",
        ):
            assert said in page, said
        assert "Recorded by mistake" not in page
        page = (await browser.get(f"/app/invoices/{invoice['invoice_id']}")).text
        assert "visa" in page.lower() or "Refunded" in page


async def test_the_pages_take_few_statements(boss: Person, browser: httpx.AsyncClient, cost: Cost) -> None:
    payment = await paid(boss)
    for path in ("/app/payments?q=Tama", "/app/payments/refunds", f"/app/payments/{payment['id']}"):
        assert await cost(browser, path) <= PAGE_STATEMENTS, path
