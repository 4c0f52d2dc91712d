"""The whole job over HTTP: from a lead to the next lead of the same client."""

from decimal import Decimal
from typing import Any

from grace.trust.ledger.check import check
from tests.flows.story import Story, path, said


async def test_from_a_lead_to_the_next_one(story: Story) -> None:
    lead_id = await story.lead()
    assert await story.stage(lead_id) == "QUALIFIED"

    made = await story.generated(lead_id)
    proposal, plan = made["proposal"], made["project_plan"]
    pricing = proposal["pricing"]
    assert Decimal(str(pricing["total"])) <= 24000
    assert Decimal(str(pricing["subtotal"])) - Decimal(str(pricing["discount"])) == Decimal(str(pricing["total"]))
    assert "Acme Engines" in proposal["text"]
    assert (plan["project_id"], len(plan["milestones"])) == (None, len(proposal["deliverables"]))
    assert await story.stage(lead_id) == "PROPOSAL"
    assert (await said(story.owner.get(f"/api/v1/leads/{lead_id}")))["value_estimate"] == pricing["total"]

    link = await story.sent(made["proposal_id"])
    offer = await said(story.client.get(link))
    assert (offer["status"], offer["text"]) == ("sent", proposal["text"])

    accepted = await said(story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    assert accepted["status"] == "accepted"
    project_id = accepted["project_id"]
    project = await story.project(project_id)
    assert (project["status"], project["progress"]) == ("proposed", 0.0)
    assert len(project["milestones"]) == len(proposal["deliverables"])
    assert sum(one["weight_percent"] for one in project["milestones"]) == 100
    assert await story.stage(lead_id) == "CONTRACT"

    contract = path(accepted["contract_url"])
    assert (await said(story.client.get(contract)))["status"] == "open"
    signed = await said(story.client.post(f"{contract}/sign", json={"name": "Ada Smith"}))
    assert (signed["status"], signed["signed_by"]) == ("signed", "Ada Smith")
    await story.workspace.drain()
    assert await story.stage(lead_id) == "ACTIVE"

    await _delivered_by_parliament(story, project)
    await story.completed_milestones(project_id)
    done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    assert (done["status"], done["progress"]) == ("delivered", 100.0)
    await story.workspace.drain()
    assert await story.stage(lead_id) == "DELIVERED"

    invoice = await story.invoiced(project_id, payment_method="card")
    assert (invoice["amount"], invoice["status"]) == (pricing["total"], "issued")
    assert (await story.client.get(path(invoice["payment_link"]))).status_code == 200
    assert (await story.owner.post(f"/api/business/projects/{project_id}/payment")).status_code == 409
    await story.paid(invoice)
    assert await story.stage(lead_id) == "PAID"
    assert (await story.project(project_id))["status"] == "completed"

    await said(story.client.post(path(done["survey_url"]), json={"score": 9, "comment": "Quick and clear."}))
    await story.workspace.drain()
    assert await story.stage(lead_id) == "REPEAT"
    following, former = await story.leads()
    assert (following["stage"], following["follows"], following["client_id"]) == (
        "LEAD", lead_id, former["client_id"],
    )  # fmt: skip
    client = await said(story.owner.get(f"/api/v1/clients/{former['client_id']}"))
    assert (client["total_projects"], client["satisfaction_score"]) == (1, 9.0)
    assert client["lifetime_value"] == pricing["total"]
    async with story.workspace.tx() as tx:
        assert await check(tx) == []
    assert await _stuck(story) == []


async def _delivered_by_parliament(story: Story, project: dict[str, Any]) -> None:
    body = {"project_id": project["number"], "spec": {"mind": "Use the client's own colours."}}
    held = await story.owner.post("/api/business/projects/deliver", json=body)
    assert held.status_code == 202, held.text
    waiting = held.json()
    assert (waiting["project_id"], waiting["delivery_result"]) == (project["id"], None)
    assert (waiting["requires_approval"], waiting["status"]) == (True, "awaiting_approval")
    decision = await story.vote(waiting["decision_id"])
    assert decision["status"] == "executed"
    await story.workspace.drain()
    built = await story.project(project["id"])
    assert (built["status"], built["progress"], built["delivery_status"]) == ("in_progress", 50.0, "built")
    assert built["grace_architect_used"] and built["automated_delivery"] and built["contract_signed"]
    files = (await said(story.owner.get(f"/api/v1/projects/{project['id']}/artefacts")))["items"]
    assert {one["sha256"] for one in files} == {one["sha256"] for one in built["delivery_result"]["artefacts"]}
    content = await story.owner.get(next(one["content_url"] for one in files if one["path"] == "plan.md"))
    assert "Use the client's own colours" in content.text


async def test_what_parliament_has_not_allowed_is_not_delivered(story: Story) -> None:
    _, project_id = await story.signed()
    await story.completed_milestones(project_id)
    refused = await story.owner.post(f"/api/v1/projects/{project_id}/delivered")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")
    held = await story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": "All."})
    assert held.status_code == 202
    assert (await story.owner.post(f"/api/v1/projects/{project_id}/delivered")).status_code == 409
    await story.vote(held.json()["decision_id"])
    await story.workspace.drain()
    done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    assert done["status"] == "delivered"


async def _stuck(story: Story) -> list[dict[str, Any]]:
    return await story.rows("select * from reaction where state <> 'done'")
