"""The pay page in a browser: the same page code through success, decline and challenge, against the sandbox."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations

GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002760003184"
CARD_FRAME = "iframe[title='Secure card payment input frame']"
BANK_FRAME = "iframe[title='3-D Secure authentication frame']"


async def invoice(visitors: Visitors, amount: str = "1416.00") -> dict[str, Any]:
    """An issued invoice."""
    body = {"project_id": 1, "amount": amount, "description": "Menu photography", "client_id": "Tamarind Kitchens"}
    answer = await visitors.api.post("/api/business/payments/invoice", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def type_card(page: Page, number: str) -> None:
    """Type a card into the processor's frame, as a payer does."""
    await expect(page.locator("#pay")).to_be_enabled()
    field = page.frame_locator(CARD_FRAME).get_by_label("Card number")
    await field.fill("")
    await field.press_sequentially(number)
    frame = page.frame_locator(CARD_FRAME)
    await frame.get_by_label("Expiry").fill("1234")
    await frame.get_by_label("Security code").fill("123")


async def payments_of(visitors: Visitors, made: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await visitors.api.get("/api/v1/payments", params={"invoice_id": made["invoice_id"]})
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_double_click_pays_once_and_the_page_remembers(visitors: Visitors) -> None:
    made = await invoice(visitors)
    page = await visitors.client()
    await page.goto(made["hosted_invoice_url"])
    await expect(page.get_by_role("heading", name="Amount due")).to_contain_text("$1,416.00")
    await type_card(page, GOOD)
    assert await violations(page) == []
    await page.locator("#pay").dblclick()
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    assert await violations(page) == []
    assert page.url == made["hosted_invoice_url"]
    [payment] = await payments_of(visitors, made)
    assert (payment["amount"], payment["method"]) == (1416.0, "card")
    await page.get_by_role("link", name="Receipt").click()
    await expect(page.get_by_text("Paid in full")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    # Another of the client's browsers, where the form was opened before it was paid, cannot pay again.
    assert (await page.request.post(f"{made['hosted_invoice_url']}/intent")).status == 409


async def test_a_declined_card_costs_nothing_and_another_pays(visitors: Visitors) -> None:
    made = await invoice(visitors)
    page = await visitors.client(viewport=PHONE)
    await page.goto(made["hosted_invoice_url"])
    await type_card(page, DECLINED)
    await page.locator("#pay").click()
    said = page.get_by_text("The card was declined. No money has left your account. Try again, or use another card.")
    await expect(said).to_be_visible()
    assert await violations(page) == [] and await sideways(page) == 0
    await type_card(page, GOOD)
    await page.locator("#pay").click()
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    assert [payment["amount"] for payment in await payments_of(visitors, made)] == [1416.0]


@pytest.mark.parametrize("answer", ["Complete", "Fail"])
async def test_the_bank_asks_and_the_payer_answers(visitors: Visitors, answer: str) -> None:
    made = await invoice(visitors)
    page = await visitors.client()
    await page.goto(made["hosted_invoice_url"])
    await type_card(page, ASKS)
    await page.locator("#pay").click()
    await page.frame_locator(BANK_FRAME).get_by_role("button", name=answer).click()
    if answer == "Complete":
        await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
        return
    await expect(page.get_by_text("Your bank did not confirm the payment.")).to_be_visible()
    assert await payments_of(visitors, made) == []
    await expect(page.locator("#pay")).to_be_enabled()


async def test_reloaded_in_the_middle_it_waits_and_does_not_take_twice(visitors: Visitors) -> None:
    made = await invoice(visitors)
    page = await visitors.client()
    await page.goto(made["hosted_invoice_url"])
    await type_card(page, GOOD)
    async with page.expect_response(lambda answer: answer.url.endswith("/confirm")):
        await page.locator("#pay").click()
    await page.reload()
    await expect(page.get_by_role("heading", name="Payment received")).to_be_visible()
    assert len(await payments_of(visitors, made)) == 1


async def test_without_javascript_it_says_how_to_pay(visitors: Visitors) -> None:
    await visitors.api.put("/api/v1/settings/issuer", json={"payment_instructions": "IBAN GB00 1234"})
    made = await invoice(visitors, "99.00")
    page = await visitors.client(java_script_enabled=False)
    await page.goto(made["hosted_invoice_url"])
    await expect(page.get_by_role("heading", name="Amount due")).to_contain_text("$99.00")
    await expect(page.get_by_text("IBAN GB00 1234")).to_be_visible()
    await expect(page.get_by_text("Paying by card needs JavaScript")).to_be_visible()
    await expect(page.locator("#pay")).to_be_hidden()
    await asyncio.gather(
        visitors.api.put("/api/v1/settings/issuer", json={}),
        visitors.api.post(f"/api/v1/invoices/{made['invoice_id']}/void", json={"reason": "wrong"}),
    )
    await page.reload()
    await expect(page.get_by_role("heading", name="This invoice was withdrawn")).to_be_visible()
