"""A person revises an offer: the next version says what was set, and what cannot be is refused."""

from decimal import Decimal
from typing import Any

import pytest

from tests.flows.story import PORTAL, Story, path, said


def kept(proposal: dict[str, Any], *numbers: int) -> list[dict[str, Any]]:
    """Lines that keep deliverables as they are."""
    return [
        {name: one[name] for name in ("number", "title", "hours")}
        for one in proposal["deliverables"]
        if one["number"] in numbers
    ]


async def drafted(story: Story) -> dict[str, Any]:
    """A draft to a lead."""
    proposal: dict[str, Any] = (await story.generated(await story.lead()))["proposal"]
    return proposal


async def test_a_revision_is_the_next_version_and_all_its_parts_agree(story: Story) -> None:
    before = await drafted(story)
    first, second = before["deliverables"][:2]
    lines = [
        {"number": first["number"], "title": first["title"], "hours": 10},
        {"number": second["number"], "title": "The portal itself", "hours": 40, "hourly_rate": "150.00"},
        {"title": "Hosting for a year", "hours": 5},
    ]
    asked = {"version": 1, "deliverables": lines, "discount": "200.00", "title": "A portal, smaller"}
    made = await said(story.owner.post(f"/api/v1/proposals/{before['id']}/revise", json=asked))
    assert (made["status"], made["revision"], made["title"]) == ("draft", 2, "A portal, smaller")
    titles = {one["title"]: one for one in made["deliverables"]}
    assert set(titles) == {first["title"], "The portal itself", "Hosting for a year"}
    rate = Decimal(str(before["pricing"]["hourly_rate"]))
    subtotal = 10 * Decimal(str(first["hourly_rate"])) + 40 * 150 + 5 * rate
    pricing = made["pricing"]
    assert (pricing["hours"], pricing["subtotal"], pricing["discount"]) == (55, float(subtotal), 200.0)
    assert pricing["total"] == float(subtotal - 200)
    assert sum(Decimal(str(one["price"])) for one in made["deliverables"]) == subtotal - 200
    assert sum(Decimal(str(part["amount"])) for part in pricing["payments"]) == subtotal - 200
    assert titles["Hosting for a year"]["acceptance"], "a contract can be made of it"
    assert "The portal itself" in made["text"]
    assert made["text"].startswith("# A portal, smaller")
    assert (await said(story.owner.get(f"/api/v1/proposals/{before['id']}")))["status"] == "superseded"
    lead = await said(story.owner.get(f"/api/v1/leads/{before['lead_id']}"))
    assert lead["value_estimate"] == pricing["total"]
    await story.workspace.drain()
    facts = await story.rows("select data from fact where kind like '%%Revised'")
    assert [row["data"]["revises"] for row in facts] == [before["id"]]
    noted = await story.rows("select content from interaction where content like '%%was revised%%'")
    assert len(noted) == 1
    link = await story.sent(made["id"])
    won = await said(story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    assert (await story.project(won["project_id"]))["budget"] == pricing["total"]


async def test_what_was_sent_stands_until_the_revision_is_sent(story: Story) -> None:
    before = await drafted(story)
    link = await story.sent(before["id"])
    asked = {"version": 2, "deliverables": kept(before, 1, 2)}
    made = await said(story.owner.post(f"/api/v1/proposals/{before['id']}/revise", json=asked))
    assert (await said(story.client.get(link)))["status"] == "sent"
    await story.sent(made["id"])
    assert (await story.client.get(link)).status_code == 410


async def test_an_offer_without_a_lead_is_revised_too(story: Story) -> None:
    client = await said(story.owner.post("/api/v1/clients", json={"name": "Bo Berg", "source": "api"}))
    asked = {"client_id": client["id"], "requirements": PORTAL, "budget": 9000}
    before = (await said(story.owner.post("/api/business/proposals/generate", json=asked)))["proposal"]
    change = {"version": 1, "deliverables": kept(before, 1)}
    made = await said(story.owner.post(f"/api/v1/proposals/{before['number']}/revise", json=change))
    assert (made["revision"], made["lead_id"]) == (2, None)
    assert (await said(story.owner.get(f"/api/v1/proposals/{before['id']}")))["status"] == "superseded"


async def test_something_left_out_comes_in_again_by_its_title(story: Story) -> None:
    wish = "A website with 8 pages and a booking system. Optional: a chatbot that answers questions."
    made = await story.generated(await story.lead(), budget=7000, requirements=wish)
    before = made["proposal"]
    spare = before["left_out"][0]
    lines = [*kept(before, 1), {"title": spare["title"].upper(), "hours": spare["hours"]}]
    after = await said(
        story.owner.post(f"/api/v1/proposals/{before['id']}/revise", json={"version": 1, "deliverables": lines})
    )
    assert spare["kind"] in [one["kind"] for one in after["deliverables"]]
    assert after["left_out"] == before["left_out"][1:]


@pytest.mark.parametrize(
    ("change", "status", "type"),
    [
        ({"version": 7}, 409, "stale-version"),
        ({"deliverables": []}, 422, "invalid"),
        ({"deliverables": [{"number": 99, "title": "Nothing", "hours": 1}]}, 422, "cannot-propose"),
        ({"deliverables": [{"number": 1, "title": "Twice", "hours": 1}] * 2}, 422, "cannot-propose"),
        ({"deliverables": [{"title": "Work", "hours": 0}]}, 422, "invalid"),
        ({"deliverables": [{"title": "Free", "hours": 1, "hourly_rate": 0}]}, 422, "cannot-propose"),
        ({"deliverables": [{"title": "Dear", "hours": 9999, "hourly_rate": "99999999999999"}]}, 422, "cannot-propose"),
        ({"discount": "99999999.00"}, 422, "cannot-propose"),
        ({"discount": "0.001"}, 422, "invalid-amount"),
        ({"valid_until": "2020-01-01"}, 422, "cannot-propose"),
        ({"valid_until": "2099-01-01"}, 422, "cannot-propose"),
        ({"price": 5}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    story: Story, change: dict[str, Any], status: int, type: str
) -> None:
    before = await drafted(story)
    asked = {"version": 1, "deliverables": kept(before, 1, 2)} | change
    answer = await story.owner.post(f"/api/v1/proposals/{before['id']}/revise", json=asked)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{type}"), answer.text
    assert await story.rows("select status, version from proposal") == [{"status": "draft", "version": 1}]


async def test_what_was_accepted_or_replaced_is_not_revised(story: Story) -> None:
    before = await drafted(story)
    change = {"version": 1, "deliverables": kept(before, 1, 2)}
    address = f"/api/v1/proposals/{before['id']}/revise"
    made = await said(story.owner.post(address, json=change))
    again = await story.owner.post(address, json=change)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/stale-version")
    seen = await story.owner.post(address, json=change | {"version": 2})
    assert (seen.status_code, seen.json()["type"]) == (409, "/problems/wrong-state")
    link = await story.sent(made["id"])
    await said(story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    late = await story.owner.post(f"/api/v1/proposals/{made['id']}/revise", json=change | {"version": 3})
    assert (late.status_code, late.json()["current"]) == (409, "accepted")
    assert path((await said(story.owner.get(f"/api/v1/proposals/{made['id']}")))["client_url"]) == link
