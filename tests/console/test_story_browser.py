"""The whole job from lead to cash by clicking: a founder, a second person who votes, and the client on a phone."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.console.test_pay_browser import GOOD, type_card
from tests.fixtures.browser import DESKTOP, PHONE, Visitors

WANTED = "A booking site with payments and a calendar; two pages and a form."


async def approve(voter: Page, name: str) -> None:
    """Vote for what waits about that client."""
    await voter.goto("/app/approvals")
    await voter.get_by_role("link", name=name).first.click()
    await voter.locator("[data-approve]").click()
    await voter.get_by_label("to confirm").fill((await voter.locator("label[for=typed] b").inner_text()).strip())
    await voter.locator("button[data-approve]").click()
    await expect(voter.locator("#said")).to_contain_text("Approved")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_from_lead_to_cash(visitors: Visitors, size: dict[str, int]) -> None:
    name = f"Lanternfish {size['width']}"
    founder, voter = await visitors.user(viewport=size), await visitors.user("admin")
    await founder.goto("/app/pipeline/new")
    await founder.get_by_label("Name", exact=True).fill(name)
    await founder.get_by_label("E-mail").fill(f"hello@lanternfish{size['width']}.dev")
    await founder.get_by_label("What they wrote or said").fill(WANTED)
    await founder.get_by_label("Budget in USD").fill("4000")
    await founder.get_by_role("button", name="Add lead").click()
    await founder.get_by_role("button", name="Qualify").first.click()
    await expect(founder.get_by_role("heading", name=re.compile("Why the score is"))).to_be_visible()
    await founder.get_by_role("link", name="Draft proposal").click()
    await founder.get_by_role("button", name="Write the proposal").click()
    await founder.get_by_role("button", name=re.compile(r"Send for \$")).click()
    await expect(founder.get_by_role("link", name="See the decision")).to_be_visible()
    await approve(voter, name)
    # The founder's page has followed the vote by itself.
    address = founder.get_by_label("Address of the client's page")
    await expect(address).to_be_visible()

    client = await visitors.client(viewport=PHONE)
    await client.goto(await address.input_value())
    await client.get_by_role("link", name="Accept or decline").click()
    await client.get_by_label("Your full name").fill("Ada Smith")
    await client.get_by_role("button", name="Accept for").click()
    await client.get_by_label("Type your full name").fill("Ada Smith")
    await client.get_by_role("button", name="Sign the contract").click()
    await expect(client.get_by_role("status")).to_contain_text("Signed by Ada Smith")

    await founder.get_by_role("link", name="Open the project").click()
    await founder.get_by_role("button", name="Have it built").click()
    await expect(founder.get_by_role("link", name=re.compile(r"\.(md|html|py)$")).first).to_be_visible(timeout=30_000)
    while await founder.get_by_text("Complete", exact=True).and_(founder.locator("summary")).count():
        left = await founder.locator("summary", has_text="Complete").count()
        await founder.locator("summary", has_text="Complete").first.click()
        await founder.get_by_role("button", name=re.compile(r"Complete \d")).click()
        await expect(founder.locator("summary", has_text="Complete")).to_have_count(left - 1)
    await founder.get_by_role("button", name="Mark as delivered").click()
    await founder.get_by_role("button", name=re.compile(r"Invoice \$")).click()
    await expect(founder.get_by_role("button", name=re.compile(r"Invoice \$"))).to_have_count(0)
    await founder.goto("/app/invoices")
    await founder.locator("main").get_by_role("link", name=re.compile("^INV-")).first.click()
    bill = await founder.get_by_role("link", name="Open", exact=True).get_attribute("href")

    await client.goto(bill or "")
    await type_card(client, GOOD)
    await client.locator("#pay").click()
    await expect(client.get_by_role("heading", name="Payment received")).to_be_visible()
    await expect(founder.locator(".pill", has_text="Paid").first).to_be_visible()
