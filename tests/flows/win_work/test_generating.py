"""Generating proposals: for whom, from what, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from tests.flows.story import PORTAL, Story, said


async def test_the_proposal_says_everything_that_the_wire_promises(story: Story) -> None:
    made = await story.generated(await story.lead(), budget=9000)
    proposal = made["proposal"]
    assert set(proposal["pricing"]) >= {"hourly_rate", "hours", "total", "discount"}
    assert {"weeks", "phases"} <= set(proposal["timeline"])
    assert proposal["status"] == "draft"
    assert proposal["revision"] == 1
    assert proposal["client_url"] is None
    assert proposal["scan"]["severity"] in (None, "info", "low")
    prices = [Decimal(str(one["price"])) for one in proposal["deliverables"]]
    assert sum(prices) == Decimal(str(proposal["pricing"]["total"]))
    assert sum(Decimal(str(part["amount"])) for part in proposal["pricing"]["payments"]) == sum(prices)
    stored = await said(story.owner.get(f"/api/v1/proposals/{proposal['number']}"))
    assert stored == proposal
    assert (await said(story.owner.get("/api/v1/proposals", params={"status": "draft"})))["items"] == [proposal]


async def test_a_client_alone_is_enough_and_its_open_lead_is_taken(story: Story) -> None:
    lead_id = await story.lead()
    lead = await said(story.owner.get(f"/api/v1/leads/{lead_id}"))
    made = await said(
        story.owner.post(
            "/api/business/proposals/generate",
            json={"client_id": lead["client_id"], "requirements": PORTAL, "budget": 9000},
        )
    )
    assert made["proposal"]["lead_id"] == lead_id
    assert await story.stage(lead_id) == "PROPOSAL"


async def test_a_client_without_a_lead_gets_a_proposal_that_can_be_won(story: Story) -> None:
    client = await said(story.owner.post("/api/v1/clients", json={"name": "Bo Berg", "source": "api"}))
    asked = {"client_id": client["id"], "requirements": PORTAL, "budget": 9000}
    made = await said(story.owner.post("/api/business/proposals/generate", json=asked))
    link = await story.sent(made["proposal_id"])
    won = await said(story.client.post(f"{link}/accept", json={"name": "Bo Berg"}))
    assert (await story.project(won["project_id"]))["lead_id"] is None


async def test_the_rate_card_and_the_templates_are_the_workspaces(story: Story) -> None:
    card = {
        "hourly_rate": "200.00",
        "rates": {"training": "90.50"},
        "max_discount_percent": 0,
        "valid_days": 7,
        "payment_shares": [100],
    }
    await said(story.owner.put("/api/v1/settings/rate_card", json=card))
    words = {"signer": "Olive Owner", "tax_note": "VAT comes on top.", "templates": []}
    await said(story.owner.put("/api/v1/settings/templates", json=words))
    proposal = (await story.generated(await story.lead(), budget=100))["proposal"]
    assert proposal["pricing"]["hourly_rate"] == 200.0
    rates = {one["kind"]: one["hourly_rate"] for one in proposal["deliverables"]}
    assert rates["training"] == 90.5
    assert proposal["pricing"]["discount"] == 0.0
    assert proposal["pricing"]["over_budget"] == proposal["pricing"]["total"] - 100
    assert len(proposal["pricing"]["payments"]) == 1
    assert "Olive Owner" in proposal["text"]
    assert "VAT comes on top." in proposal["text"]


async def test_finished_projects_steer_the_hours(story: Story) -> None:
    _, project_id = await story.signed()
    await story.built(project_id)
    for one in (await story.project(project_id))["milestones"]:
        await said(
            story.owner.post(
                f"/api/v1/projects/{project_id}/milestones/{one['id']}/complete",
                json={"hours_spent": one["hours"] * 3, "cost": "10.00"},
            )
        )
    before = (await story.generated(await story.lead(email="bo@berg.com", name="Bo Berg", company="Berg AB")))[
        "proposal"
    ]
    done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    assert done["actual_cost"] == 10.0 * len(done["milestones"])
    after = (await story.generated(await story.lead(email="cy@cole.com", name="Cy Cole", company="Cole Ltd")))[
        "proposal"
    ]
    assert after["pricing"]["hours"] > before["pricing"]["hours"]
    assert any("lean on comparable projects" in one for one in after["assumptions"])


async def test_a_new_version_supersedes_the_draft_at_once_and_what_was_sent_when_it_is_sent(story: Story) -> None:
    lead_id, link = await story.offered()
    second = await story.generated(lead_id, budget=12000)
    third = await story.generated(lead_id, budget=11000)
    assert [second["proposal"]["revision"], third["proposal"]["revision"]] == [2, 3]
    states = [one["status"] for one in (await said(story.owner.get("/api/v1/proposals?sort=number")))["items"]]
    assert states == ["sent", "superseded", "draft"]
    assert (await story.client.get(link)).status_code == 200
    newer = await story.sent(third["proposal_id"])
    over = await story.client.post(f"{link}/accept", json={"name": "Ada"})
    assert (over.status_code, over.json()["type"]) == (410, "/problems/proposal-over")
    assert (await story.client.get(link)).status_code == 410
    await said(story.client.post(f"{newer}/accept", json={"name": "Ada"}))


async def test_a_won_lead_takes_no_further_proposal(story: Story) -> None:
    lead_id, _ = await story.won()
    asked = {"lead_id": lead_id, "requirements": PORTAL, "budget": 9000}
    refused = await story.owner.post("/api/business/proposals/generate", json=asked)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/lead-won")


async def test_the_same_key_gives_the_same_proposal(story: Story) -> None:
    asked = {"lead_id": await story.lead(), "requirements": PORTAL, "budget": 9000}
    headers = {"Idempotency-Key": "once"}
    first = await story.owner.post("/api/business/proposals/generate", json=asked, headers=headers)
    again = await story.owner.post("/api/business/proposals/generate", json=asked, headers=headers)
    assert first.content == again.content
    assert await story.rows("select 1 from proposal") == [{"?column?": 1}]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"requirements": ""}, 422), ({"requirements": "   "}, 422), ({"requirements": 7}, 422),
        ({"budget": -1}, 422), ({"budget": "1.001"}, 422), ({"budget": "NaN"}, 422), ({"budget": 10**31}, 422),
        ({"budget": None}, 422), ({"lead_id": "lead_nowhere"}, 404), ({"lead_id": 0}, 422),
        ({"client_id": "nobody"}, 404),
        ({"lead_id": None}, 422), ({"price": 1}, 422), ({"requirements": "x" * 20_001}, 422),
    ],
)  # fmt: skip
async def test_bad_requests_are_refused_and_nothing_is_written(
    story: Story, changes: dict[str, Any], status: int
) -> None:
    asked = {"lead_id": await story.lead(), "requirements": PORTAL, "budget": 9000} | changes
    answer = await story.owner.post("/api/business/proposals/generate", json=asked)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await story.rows("select 1 from proposal") == []


async def test_a_lead_of_another_client_is_refused(story: Story) -> None:
    other = await said(story.owner.post("/api/v1/clients", json={"name": "Bo Berg", "source": "api"}))
    asked = {"lead_id": await story.lead(), "client_id": other["id"], "requirements": PORTAL, "budget": 9000}
    assert (await story.owner.post("/api/business/proposals/generate", json=asked)).status_code == 422


async def test_pdfs(story: Story) -> None:
    made = await story.generated(await story.lead())
    link = await story.sent(made["proposal_id"])
    await said(story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    [contract] = (await said(story.owner.get("/api/v1/contracts")))["items"]
    for address in (
        f"/api/v1/proposals/{made['proposal_id']}/pdf",
        f"/api/v1/contracts/{contract['number']}/pdf",
        f"{link}/proposal.pdf",
    ):
        answer = await story.owner.get(address)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
