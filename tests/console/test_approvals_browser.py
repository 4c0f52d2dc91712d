"""A decision in two browsers: one looks, the other decides; keys, the confirm step, no script."""

from typing import Any

from playwright.async_api import expect

from tests.fixtures.browser import PHONE, Heard, Visitors, sideways, violations
from tests.flows.story import PORTAL


async def held(visitors: Visitors, name: str) -> str:
    """The decision on sending a proposal of the owner."""

    async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await visitors.api.post(path, json=body)
        assert answer.status_code in (200, 202), answer.text
        return dict(answer.json())

    known = {"name": name, "email": f"{name.lower()}@{name.lower()}.example", "source": "referral"}
    lead = await post("/api/business/leads", {**known, "requirements": PORTAL, "budget": "24000.00"})
    asked = {"lead_id": lead["lead_id"], "requirements": PORTAL, "budget": "24000.00"}
    proposal = await post("/api/business/proposals/generate", asked)
    return str((await post(f"/api/v1/proposals/{proposal['proposal_id']}/send", {}))["decision_id"])


async def test_a_second_users_approval_shows_in_the_first_browser(visitors: Visitors) -> None:
    decision = await held(visitors, "Copperleaf")
    one, two = await visitors.user(), await visitors.user("admin", viewport=PHONE)
    heard = Heard(one)
    await one.goto(f"/app/approvals/{decision}")
    await expect(one.locator("html.is-live")).to_have_count(1)
    await heard.from_now()
    await one.get_by_label("Reason").fill("I was about to say")
    assert await violations(one) == []

    await two.goto("/app/approvals")
    await two.get_by_role("link", name="Copperleaf").click()
    await expect(two.get_by_role("heading", level=2)).to_contain_text("Copperleaf")
    assert await violations(two) == []
    assert await sideways(two) == 0
    await two.keyboard.press("a")
    await expect(two.locator("[data-approve]")).to_be_focused()
    await two.keyboard.press("Enter")
    typed = two.get_by_label("to confirm")
    await typed.fill("1.00")
    await two.locator("button[data-approve]").click()
    assert await typed.evaluate("field => field.validity.patternMismatch")
    await typed.fill((await two.locator("label[for=typed] b").inner_text()).strip())
    await two.locator("button[data-approve]").click()
    await expect(two.locator("#said")).to_have_text("Approved: the action has run")

    await expect(one.get_by_text("Granted, and ran")).to_be_visible()
    assert await heard.fetched_for("decision")
    await expect(one.locator(".ap-meta .pill")).to_have_text("Done")
    await expect(one.locator("form.decide")).to_have_count(0)


async def test_a_rejection_works_without_script(visitors: Visitors) -> None:
    decision = await held(visitors, "Thornwell")
    page = await visitors.user("admin", java_script_enabled=False)
    await page.goto(f"/app/approvals/{decision}")
    await page.get_by_label("Reason").fill("Not this month")
    await page.get_by_role("button", name="Reject").click()
    await expect(page.locator("#said")).to_have_text("Rejected: the action will not run")
    await expect(page.get_by_text("“Not this month”")).to_be_visible()
