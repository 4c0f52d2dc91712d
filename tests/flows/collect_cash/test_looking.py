"""Who reads an invoice that was just paid sees it paid, also when the webhook is lost, and never waits in vain."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.fixtures.cards import Till


async def confirmed(till: Till) -> dict[str, Any]:
    """An invoice whose payer has confirmed a card, of which no event tells."""
    invoice = await till.invoice("100.00")
    intent = await till.intent(invoice)
    await till.settle()
    till.sandbox.fault("webhook_lose", count=None)
    await till.confirm(intent)
    return invoice


async def later(till: Till) -> None:
    """The pause between two looks is over."""
    async with till.workspace.tx() as tx:
        await tx.execute("update payment_attempt set looked_at = looked_at - interval '1 minute'")


async def page(till: Till, invoice: dict[str, Any], accept: str = "application/json") -> httpx.Response:
    answer = await till.payer.get(httpx.URL(invoice["hosted_invoice_url"]).path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("door", ["page", "json", "status"])
async def test_a_lost_webhook_keeps_nobody_waiting(till: Till, door: str) -> None:
    invoice = await confirmed(till)
    await later(till)
    match door:
        case "page":
            assert "Paid" in (await page(till, invoice, "text/html")).text
        case "json":
            assert (await page(till, invoice)).json()["status"] == "paid"
        case _:
            assert (await till.status(invoice))["paid"] is True
    till.sandbox.control("DELETE", "/_faults")
    await till.settle()
    await till.hurry(poll=True)
    assert (await till.balances())["revenue"] == 10_000
    assert len((await till.get("/api/v1/payments"))["items"]) == 1


async def test_a_look_is_not_repeated_at_once(till: Till) -> None:
    invoice = await confirmed(till)
    assert (await till.status(invoice))["paid"] is False  # the attempt is seconds old: the webhook is on its way
    till.sandbox.fault("timeout_before", path="/v1/payment_intents/*", method="GET", count=1)
    await later(till)
    answers = await asyncio.gather(*(till.status(invoice) for _ in range(5)))
    assert [answer["paid"] for answer in answers] == [False] * 5
    await later(till)
    assert (await till.status(invoice))["paid"] is True


async def test_the_page_answers_when_the_provider_does_not(till: Till) -> None:
    invoice = await confirmed(till)
    for kind, options in (("timeout_before", {}), ("error_before", {"status": 500}), ("error_before", {"status": 429})):
        till.sandbox.fault(kind, path="/v1/payment_intents/*", method="GET", count=1, **options)
        await later(till)
        assert (await page(till, invoice)).json()["status"] == "issued"
    till.sandbox.fault("slow", path="/v1/payment_intents/*", method="GET", count=1, delay_ms=5_000)
    await later(till)
    assert (await page(till, invoice)).json()["status"] == "issued"


async def test_it_waits_for_nobody_who_holds_the_invoice(till: Till) -> None:
    invoice = await confirmed(till)
    await later(till)
    async with till.workspace.tx() as tx:
        await tx.execute("select from invoice for update")
        assert (await till.status(invoice))["paid"] is False
    await later(till)
    assert (await till.status(invoice))["paid"] is True


async def test_only_the_pay_page_allows_the_processor(till: Till) -> None:
    invoice = await till.invoice("100.00")
    origin = till.settings.stripe_js_origin
    shown = await page(till, invoice, "text/html")
    allowed = dict(each.split(" ", 1) for each in shown.headers["content-security-policy"].split("; "))
    assert f'src="{origin}/v3/"' in shown.text
    for directive in ("script-src", "frame-src", "connect-src", "form-action"):
        assert origin in allowed[directive].split()
    assert origin not in allowed["default-src"] + allowed["style-src"] + allowed["img-src"]
    path = httpx.URL(invoice["hosted_invoice_url"]).path
    await till.confirm(await till.intent(invoice))
    await till.settle()
    for later_on in (path, f"{path}/receipt"):
        paid = await till.payer.get(later_on, headers={"Accept": "text/html"})
        assert "$100.00" in paid.text and origin not in paid.text + paid.headers["content-security-policy"]


async def test_a_decline_is_told_by_the_page_too(till: Till) -> None:
    invoice = await till.invoice("100.00")
    await till.confirm(await till.intent(invoice), "pm_card_visa_chargeDeclined")
    await till.settle()
    assert (
        "The card was declined. No money has left your account. Try again, or use another card."
        in (await page(till, invoice, "text/html")).text
    )
    told = (await page(till, invoice)).json()
    assert (told["card"], told["payable"]) == ("failed", True)
