"""Invoices, payments and the ledger in a browser: written, sent, paid by hand, refunded; sound on desktop and phone."""

import asyncio

from playwright.async_api import Route, expect

from tests.fixtures.browser import DESKTOP, PHONE, Visitors, sideways, violations


async def test_an_invoice_is_written_sent_paid_and_refunded_by_clicking(visitors: Visitors) -> None:
    body = {"name": "Asha", "company": "Tamarind Kitchens of the browser"}
    client = (await visitors.api.post("/api/v1/clients", json=body)).json()
    page = await visitors.user()
    await page.goto("/app/invoices")
    await page.locator(".top").get_by_role("link", name="Invoice", exact=True).click()
    await page.get_by_role("searchbox", name="Search clients").fill("of the browser")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name=client["company"]).click()
    await page.get_by_label("Line 1, what").fill("Photography")
    await page.get_by_label("Line 1, price").fill("120000")
    await page.get_by_label("Line 1, tax").fill("18")
    await page.get_by_label("Currency").select_option("INR")
    await expect(page.get_by_text("₹1,41,600.00 with tax")).to_be_visible()
    await page.get_by_role("button", name="Line", exact=True).click()
    await expect(page.get_by_label("Line 6, what")).to_be_focused()
    assert await violations(page) == []
    await page.get_by_role("button", name="Send invoice").click()
    await expect(page.get_by_role("heading", name="₹1,41,600.00")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="Record a payment").click()
    await page.get_by_label("Reference").fill("R-1")
    await page.get_by_role("button", name="Record payment").dblclick()
    await expect(page.get_by_text("Payment received")).to_have_count(1)
    await page.get_by_role("link", name="Refund").click()
    await page.get_by_label("Amount in INR").fill("600")
    await page.get_by_label("Why").fill("One picture was late")
    await page.get_by_role("button", name="Next").click()
    confirm = page.get_by_label("Type ₹600.00 to confirm")
    await confirm.fill("60")
    await expect(page.get_by_role("button", name="Refund ₹600.00")).to_be_disabled()
    await confirm.fill("600.00")
    assert await violations(page) == []
    await page.get_by_role("button", name="Refund ₹600.00").click()
    await expect(page.get_by_text("One picture was late")).to_be_visible()
    await expect(page.get_by_text("−₹600.00")).to_be_visible()


async def test_the_pages_of_money_are_sound(visitors: Visitors) -> None:
    body = {"project_id": 1, "amount": "100.00", "description": "Work", "client_id": "Sound and Sons"}
    invoice = (await visitors.api.post("/api/business/payments/invoice", json=body)).json()
    money = {"invoice_id": invoice["invoice_id"], "amount": "40.00", "method": "cash"}
    payment = (await visitors.api.post("/api/v1/payments/manual", json=money)).json()
    account = f"/app/ledger/accounts/receivable/USD/{payment['client_id']}"
    paths = (
        "/app/invoices", f"/app/invoices/{invoice['invoice_id']}", "/app/payments", "/app/payments/refunds",
        f"/app/payments/{payment['id']}", "/app/ledger", account, "/app/ledger/reconciliation",
    )  # fmt: skip
    for size in (DESKTOP, PHONE):
        page = await visitors.user(viewport=size)
        for path in paths:
            await page.goto(path)
            assert size == PHONE or await violations(page) == [], path
            assert await sideways(page) == 0, path


async def test_an_open_invoice_shows_at_once_what_comes_in(visitors: Visitors) -> None:
    body = {"project_id": 1, "amount": "100.00", "description": "Work", "client_id": "Live and Sons"}
    invoice = (await visitors.api.post("/api/business/payments/invoice", json=body)).json()
    page = await visitors.user()
    await page.goto(f"/app/invoices/{invoice['invoice_id']}")
    await expect(page.locator("html.is-live")).to_have_count(1)
    money = {"invoice_id": invoice["invoice_id"], "amount": "100.00", "method": "cash"}
    await visitors.api.post("/api/v1/payments/manual", json=money)
    await expect(page.get_by_text("Payment received")).to_be_visible()


async def test_a_step_that_is_asked_for_comes_while_the_page_is_fetched_again(visitors: Visitors) -> None:
    """What is typed stays when others change the page; it is no reason to keep a step from coming."""
    body = {"project_id": 1, "amount": "100.00", "description": "Work", "client_id": "Stay and Sons"}
    invoice = (await visitors.api.post("/api/business/payments/invoice", json=body)).json()["invoice_id"]
    paid = {"invoice_id": invoice, "amount": "40.00", "method": "cash"}
    await visitors.api.post("/api/v1/payments/manual", json=paid)
    page = await visitors.user()
    begun, held = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        begun.set()
        await held.wait()
        await route.continue_()

    await page.goto(f"/app/invoices/{invoice}/refund")
    await expect(page.locator("html.is-live")).to_have_count(1)
    await page.get_by_label("Amount in USD").fill("6")
    await page.get_by_label("Why").fill("Late")
    await page.route(f"**/app/invoices/{invoice}/refund", hold)
    await visitors.api.post("/api/v1/payments/manual", json={**paid, "amount": "1.00"})
    await begun.wait()
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_label("Type $6.00 to confirm")).to_be_visible()
    held.set()
    await page.unroute_all(behavior="wait")
    await expect(page.get_by_label("Type $6.00 to confirm")).to_be_visible()
