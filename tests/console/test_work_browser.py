"""Winning work in browsers: the founder writes, edits with a live price and sends; the client accepts and signs."""

import re

from playwright.async_api import expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations
from tests.flows.story import ADA, PORTAL


async def lead(visitors: Visitors, name: str) -> str:
    """A lead of a client of its own."""
    made = await visitors.api.post(
        "/api/business/leads", json=ADA | {"name": name, "email": f"{name.lower()}@{name.lower()}.dev", "company": name}
    )
    assert made.status_code == 200, made.text
    return str(made.json()["lead_id"])


async def test_a_founder_sells_and_a_client_signs_on_a_phone(visitors: Visitors) -> None:
    founder = await visitors.user()
    await founder.goto(f"/app/proposals/new?lead={await lead(visitors, 'Phonebox')}")
    assert await violations(founder) == []
    await founder.get_by_role("button", name="Write the proposal").click()
    await founder.get_by_role("link", name="Edit").click()
    price = founder.get_by_role("complementary", name="Price")
    await founder.get_by_label("Title", exact=True).first.fill("A portal for Phonebox")
    await founder.get_by_label("Hours").first.fill("1")
    await expect(price).to_contain_text("was $")
    assert await violations(founder) == []
    await price.get_by_role("button", name=re.compile("Save as version 2 for")).click()
    await expect(founder.get_by_role("heading", name="A portal for Phonebox")).to_be_visible()
    assert await violations(founder) == []
    await founder.get_by_role("button", name=re.compile(r"Send for \$")).click()
    decision = await founder.get_by_role("link", name="See the decision").get_attribute("href") or ""
    vote = {"approve": True, "reason": "Read it."}
    voted = await visitors.api.post(f"/api/v1/decisions/{decision.rpartition('/')[2]}/vote", json=vote)
    assert voted.status_code == 200, voted.text
    address = founder.get_by_label("Address of the client's page")
    await expect(address).to_be_visible()

    client = await visitors.client(viewport=PHONE)
    await client.goto(await address.input_value())
    assert (await violations(client), await sideways(client)) == ([], 0)
    await client.get_by_role("link", name="Accept or decline").click()
    await client.get_by_label("Your full name").fill("Ada Smith")
    await client.get_by_role("button", name="Accept for").click()
    await expect(client.get_by_role("heading", name=re.compile("Contract C-"))).to_be_visible()
    assert (await violations(client), await sideways(client)) == ([], 0)
    await client.get_by_label("Type your full name").fill("Ada Smith")
    await client.get_by_role("button", name="Sign the contract").click()
    await expect(client.get_by_role("status")).to_contain_text("Signed by Ada Smith")
    await client.go_back()
    await client.goto(await address.input_value())
    await expect(client.get_by_role("link", name="See the contract")).to_be_visible()
    assert await violations(client) == []

    await founder.get_by_role("link", name="Open the project").click()
    await expect(founder.get_by_text("contract signed")).to_be_visible()
    assert await violations(founder) == []
    for path in ("/app/projects", "/app/proposals"):
        await founder.goto(path)
        assert await violations(founder) == []


async def test_without_script_an_offer_is_priced_and_saved_and_a_client_says_no(visitors: Visitors) -> None:
    founder = await visitors.user(java_script_enabled=False, viewport=PHONE)
    asked = {"lead_id": await lead(visitors, "Plainware"), "requirements": PORTAL, "budget": "24000"}
    made = (await visitors.api.post("/api/business/proposals/generate", json=asked)).json()
    await founder.goto(f"/app/proposals/{made['proposal_id']}/edit")
    await founder.get_by_label("Hours").first.fill("1")
    await founder.get_by_role("button", name="Update the price").click()
    await expect(founder.get_by_role("complementary", name="Price")).to_contain_text("was $")
    await expect(founder.get_by_label("Hours").first).to_have_value("1")
    await founder.get_by_role("button", name="Save as version 2").click()
    await expect(founder.get_by_text("Version 2 is a draft")).to_be_visible()
    await founder.get_by_role("button", name=re.compile(r"Send for \$")).click()
    decision = await founder.get_by_role("link", name="See the decision").get_attribute("href") or ""
    vote = {"approve": True, "reason": "Read it."}
    await visitors.api.post(f"/api/v1/decisions/{decision.rpartition('/')[2]}/vote", json=vote)
    await founder.reload()
    client = await visitors.client(java_script_enabled=False)
    await client.goto(await founder.get_by_label("Address of the client's page").input_value())
    await client.get_by_text("Decline instead").click()
    await client.get_by_label("What does not fit?").fill("Too dear.")
    await client.get_by_role("button", name="Decline the proposal").click()
    await expect(client.get_by_role("status")).to_contain_text("You declined")
    await founder.reload()
    await expect(founder.get_by_role("alert")).to_contain_text("Too dear.")
