"""What was decided about a proposal or a project is noted with its lead, and nothing runs without its votes."""

from tests.flows.story import Story, said


async def noted(story: Story, lead_id: str) -> list[tuple[str, bool]]:
    """The approvals noted with a lead, the first first."""
    await story.workspace.drain()
    items = (await said(story.owner.get(f"/api/v1/leads/{lead_id}/interactions")))["items"]
    found = [one for one in reversed(items) if one["interaction_type"] == "approval"]
    return [(one["content"], one["human_approved"]) for one in found]


async def test_a_proposal_that_was_voted_out(story: Story) -> None:
    lead_id, _ = await story.offered()
    assert await noted(story, lead_id) == [
        ("Sending proposal P-1 waits for a vote of admin or owner.", False),
        ("Sending proposal P-1 was approved.", True),
    ]


async def test_a_rejected_proposal_is_not_sent(story: Story) -> None:
    lead_id = await story.lead()
    made = await story.generated(lead_id)
    held = await story.owner.post(f"/api/v1/proposals/{made['proposal_id']}/send")
    own = await story.owner.post(f"/api/v1/decisions/{held.json()['decision_id']}/vote", json={"approve": True})
    assert own.status_code == 403
    again = await story.owner.post(f"/api/v1/proposals/{made['proposal_id']}/send")
    assert again.json()["decision_id"] == held.json()["decision_id"]
    assert (await story.vote(held.json()["decision_id"], approve=False))["status"] == "rejected"
    assert (await noted(story, lead_id))[-1] == ("Sending proposal P-1 was rejected by vote.", False)
    proposal = await said(story.owner.get(f"/api/v1/proposals/{made['proposal_id']}"))
    assert (proposal["status"], proposal["client_url"]) == ("draft", None)
    assert await story.rows("select 1 from link where kind = 'proposal'") == []


async def test_a_vote_on_a_version_that_was_replaced_sends_nothing(story: Story) -> None:
    lead_id = await story.lead()
    made = await story.generated(lead_id)
    held = await story.owner.post(f"/api/v1/proposals/{made['proposal_id']}/send")
    await story.generated(lead_id, budget=9000)
    assert (await story.vote(held.json()["decision_id"]))["status"] == "stale"
    assert await story.rows("select 1 from link where kind = 'proposal'") == []
    assert "asked for anew" in (await noted(story, lead_id))[-1][0]


async def test_parliament_votes_on_a_delivery(story: Story) -> None:
    lead_id, project_id = await story.signed()
    held = await story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": "Go"})
    assert held.status_code == 202
    assert (await story.project(project_id))["delivery_status"] is None
    await story.vote(held.json()["decision_id"], approve=False)
    assert (await story.project(project_id))["delivery_status"] is None
    title = (await story.project(project_id))["title"]
    texts = {text for text, _ in await noted(story, lead_id)}
    assert f"Delivering “{title}” waits for a vote of parliament." in texts
    assert f"Delivering “{title}” was rejected by vote." in texts
