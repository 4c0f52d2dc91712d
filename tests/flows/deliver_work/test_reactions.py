"""What follows from facts, in whatever order and however often they come, and when people moved things by hand."""

import pytest

from grace.domains.delivery.facts import ProjectBegun, ProjectCompleted, ProjectDelivered, ProjectFact, SurveyAnswered
from grace.domains.invoicing.facts import InvoicePaid
from grace.flows.deliver_work import reactions
from tests.flows.story import Story, said

SMALL = {"budget": 4000, "requirements": "A website with 3 pages."}


async def test_paid_before_it_is_delivered(story: Story) -> None:
    lead_id, project_id = await story.signed(**SMALL)
    await story.paid(await story.invoiced(project_id))
    assert ((await story.project(project_id))["status"], await story.stage(lead_id)) == ("in_progress", "ACTIVE")
    await story.built(project_id)
    await story.completed_milestones(project_id)
    await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    await story.workspace.drain()
    assert ((await story.project(project_id))["status"], await story.stage(lead_id)) == ("completed", "PAID")


async def test_paid_in_parts_it_is_completed_by_the_last(story: Story) -> None:
    lead_id, project_id, _ = await story.delivered(**SMALL)
    first, rest = await story.invoiced(project_id, amount="1000.00"), await story.invoiced(project_id)
    await story.paid(rest)
    assert await story.stage(lead_id) == "DELIVERED"
    await story.paid(first)
    assert await story.stage(lead_id) == "PAID"


async def test_an_invoice_too_many_that_is_taken_back_holds_nothing_up(story: Story) -> None:
    lead_id, project_id, _ = await story.delivered(**SMALL)
    await story.paid(await story.invoiced(project_id))
    assert await story.stage(lead_id) == "PAID"
    extra = {"client_id": (await story.project(project_id))["client_id"], "project_id": project_id}
    line = {"description": "More", "unit_price": 1}
    made = await said(story.owner.post("/api/v1/invoices", json=extra | {"lines": [line]}))
    assert made["project_id"] == project_id
    await said(story.owner.post(f"/api/v1/invoices/{made['id']}/void", json={"reason": "By mistake."}))
    await story.workspace.drain()
    assert (await story.project(project_id))["status"] == "completed"


async def test_the_void_of_the_only_open_invoice_completes_a_paid_project(story: Story) -> None:
    lead_id, project_id = await story.signed(**SMALL)
    await story.paid(await story.invoiced(project_id))
    extra = {"client_id": (await story.project(project_id))["client_id"], "project_id": project_id}
    line = {"description": "More", "unit_price": 1}
    made = await said(story.owner.post("/api/v1/invoices", json=extra | {"lines": [line]}))
    await story.built(project_id)
    await story.completed_milestones(project_id)
    await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    await story.workspace.drain()
    assert await story.stage(lead_id) == "DELIVERED"
    await said(story.owner.post(f"/api/v1/invoices/{made['id']}/void", json={"reason": "By mistake."}))
    await story.workspace.drain()
    assert await story.stage(lead_id) == "PAID"


async def test_rated_before_it_is_paid_the_next_lead_waits_for_the_money(story: Story) -> None:
    lead_id, project_id, survey = await story.delivered(**SMALL)
    await said(story.client.post(survey, json={"score": 3, "comment": "Slow."}))
    await story.workspace.drain()
    assert (await story.stage(lead_id), len(await story.leads())) == ("DELIVERED", 1)
    await story.paid(await story.invoiced(project_id))
    assert (await story.stage(lead_id), len(await story.leads())) == ("REPEAT", 2)
    await said(story.client.post(survey, json={"score": 8}))
    await story.workspace.drain()
    assert len(await story.leads()) == 2
    found = await said(story.owner.get(f"/api/business/projects/{project_id}/satisfaction"))
    assert (found["nps_score"], found["category"]) == (8, "passive")
    assert [one["score"] for one in found["history"]] == [8, 3]
    client = await said(story.owner.get(f"/api/v1/clients/{(await story.project(project_id))['client_id']}"))
    assert client["satisfaction_score"] == 8.0


@pytest.mark.parametrize("backwards", [False, True])
async def test_every_reaction_again_and_out_of_order_changes_nothing(story: Story, backwards: bool) -> None:
    lead_id, project_id, survey = await story.delivered(**SMALL)
    invoice = await story.invoiced(project_id)
    await story.paid(invoice)
    await said(story.client.post(survey, json={"score": 10}))
    await story.workspace.drain()
    project = await story.project(project_id)
    who: tuple[str, str, str | None, int] = (project_id, project["client_id"], lead_id, 1)
    again: list[tuple[object, ProjectFact | InvoicePaid]] = [
        (reactions.lead_is_active, ProjectBegun(*who)),
        (reactions.lead_is_delivered, ProjectDelivered(*who)),
        (reactions.complete_paid, InvoicePaid(invoice["invoice_id"], project["client_id"], project_id, 1)),
        (reactions.lead_is_paid, ProjectCompleted(*who)),
        (reactions.count_answer, SurveyAnswered(*who, 10)),
        (reactions.lead_is_rated, SurveyAnswered(*who, 10)),
    ]
    for react, fact in reversed(again) if backwards else again:
        async with story.workspace.tx() as tx:
            await react(tx, fact)  # type: ignore[operator]
    await story.workspace.drain()
    assert await story.project(project_id) == project
    assert (await story.stage(lead_id), len(await story.leads())) == ("REPEAT", 2)


async def test_reactions_that_come_early_bring_the_lead_the_whole_way(story: Story) -> None:
    """The project is delivered, paid and rated before anybody reacts."""
    lead_id, accepted = await story.won(**SMALL)
    project_id = accepted["project_id"]
    body = {"project_id": project_id, "spec": ""}
    begun = await said(story.owner.post("/api/business/projects/deliver", json=body))
    assert (begun["status"], begun["delivery_result"], begun["delivery_status"]) == ("in_progress", None, "queued")
    async with story.workspace.tx() as tx:
        await reactions.lead_is_paid(tx, ProjectCompleted(project_id, "", lead_id, 1))
    assert await story.stage(lead_id) == "PAID"
    await story.workspace.drain()
    assert await story.stage(lead_id) == "PAID"
    assert await story.rows("select * from reaction where state <> 'done'") == []


async def test_a_lead_that_was_moved_by_hand_stays_with_a_note(story: Story) -> None:
    lead_id, project_id = await story.signed(**SMALL)
    await said(story.owner.post(f"/api/business/leads/{lead_id}/stage", json={"stage": "LOST", "reason": "Quarrel."}))
    await story.built(project_id)
    await story.completed_milestones(project_id)
    done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    await story.paid(await story.invoiced(project_id))
    await said(story.client.post(done["survey_url"], json={"score": 1}))
    await story.workspace.drain()
    assert (await story.project(project_id))["status"] == "completed"
    assert (await story.stage(lead_id), len(await story.leads())) == ("LOST", 1)
    notes = (await said(story.owner.get(f"/api/v1/leads/{lead_id}/interactions")))["items"]
    assert any("stays in LOST" in one["content"] for one in notes)
    assert await story.rows("select * from reaction where state <> 'done'") == []


async def test_a_lost_lead_whose_proposal_is_accepted_after_all_is_won(story: Story) -> None:
    lead_id, link = await story.offered()
    await said(story.owner.post(f"/api/business/leads/{lead_id}/stage", json={"stage": "LOST"}))
    await said(story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    assert await story.stage(lead_id) == "CONTRACT"


async def test_merged_clients_share_their_track_record(story: Story) -> None:
    _, project_id, survey = await story.delivered(**SMALL)
    await said(story.client.post(survey, json={"score": 6}))
    await story.workspace.drain()
    client_id = (await story.project(project_id))["client_id"]
    other = await said(story.owner.post("/api/v1/clients", json={"name": "Acme of Spain", "source": "api"}))
    await said(story.owner.post(f"/api/v1/clients/{other['id']}/merge", json={"other": client_id, "reason": "One."}))
    await story.workspace.drain()
    winner = await said(story.owner.get(f"/api/v1/clients/{other['id']}"))
    assert (winner["total_projects"], winner["satisfaction_score"]) == (1, 6.0)
    assert [
        one["id"] for one in (await said(story.owner.get(f"/api/v1/projects?client_id={other['id']}")))["items"]
    ] == [project_id]
    await said(story.owner.post(f"/api/v1/clients/{other['id']}/unmerge", json={"other": client_id}))
    await story.workspace.drain()
    assert (await said(story.owner.get(f"/api/v1/clients/{other['id']}")))["total_projects"] == 0
    assert (await said(story.owner.get(f"/api/v1/clients/{client_id}")))["total_projects"] == 1
    assert await story.rows("select * from reaction where state <> 'done'") == []
