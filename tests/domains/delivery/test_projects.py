"""Projects and surveys over HTTP: milestones, states, what is refused, and what the database itself refuses."""

from typing import Any

import psycopg
import pytest

from tests.flows.story import Story, path, said

SMALL = {"budget": 4000, "requirements": "A website with 3 pages."}
COLUMNS_OF_DOCUMENT_2 = {
    "id", "client_id", "lead_id", "title", "description", "scope", "deliverables", "timeline", "start_date", "end_date",
    "budget", "actual_cost", "status", "progress", "proposal_generated", "proposal_approved", "contract_signed",
    "grace_architect_used", "automated_delivery", "nps_score", "client_feedback", "metadata", "created_at",
    "updated_at", "completed_at",
}  # fmt: skip


async def test_the_record_has_every_column_of_the_document(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    assert set(await story.project(project_id)) >= COLUMNS_OF_DOCUMENT_2


async def test_milestones_bring_the_progress_on(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    milestones = (await story.project(project_id))["milestones"]
    first = await said(
        story.owner.post(
            f"/api/v1/projects/{project_id}/milestones/1/complete", json={"hours_spent": "3.5", "cost": "12.00"}
        )
    )
    assert first["progress"] == pytest.approx(milestones[0]["weight_percent"] / 2, abs=0.1)
    assert (first["milestones"][0]["hours_spent"], first["actual_cost"]) == (3.5, 12.0)
    again = await said(story.owner.post(f"/api/v1/projects/{project_id}/milestones/1/complete", json={"cost": "9.00"}))
    assert again == first
    early = await story.owner.post(f"/api/v1/projects/{project_id}/delivered")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/milestones-open")
    assert early.json()["open"] == [one["title"] for one in milestones[1:]]


async def test_work_that_has_not_begun_is_not_done(story: Story) -> None:
    _, accepted = await story.won(**SMALL)
    project = f"/api/v1/projects/{accepted['project_id']}"
    assert (await story.owner.post(f"{project}/milestones/1/complete")).status_code == 409
    assert (await story.owner.post(f"{project}/delivered")).status_code == 409
    assert (await story.owner.post("/api/v1/projects/proj_x/delivered")).status_code == 404
    assert (await story.owner.post(f"{project}/milestones/99/complete")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [({"spec": "x"}, 422), ({"project_id": 1}, 422), ({"project_id": True, "spec": ""}, 422),
     ({"project_id": 1.5, "spec": ""}, 422), ({"project_id": 99, "spec": ""}, 404), ({"project_id": 1, "spec": 7}, 422),
     ({"project_id": 1, "spec": "x" * 20_001}, 422), ({"project_id": 1, "spec": {"a": "x" * 20_001}}, 422),
     ({"project_id": 1, "spec": "", "governed": False}, 422)],
)  # fmt: skip
async def test_bad_deliveries_are_refused(story: Story, body: dict[str, Any], status: int) -> None:
    await story.signed(**SMALL)
    answer = await story.owner.post("/api/business/projects/deliver", json=body)
    assert answer.status_code == status, answer.text
    assert await story.rows("select 1 from delivery") == []


async def test_a_client_is_asked_once_the_work_is_delivered_and_may_change_its_mind(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    before = await said(story.owner.get(f"/api/business/projects/{project_id}/satisfaction"))
    assert (before["nps_score"], before["category"], before["follow_ups"], before["survey_url"]) == (
        None,
        None,
        [],
        None,
    )
    await story.built(project_id)
    await story.completed_milestones(project_id)
    done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
    survey = path(done["survey_url"])
    asked = await said(story.client.get(survey))
    assert (asked["project"], asked["score"]) == (done["title"], None)
    for body in ({"score": 4, "comment": "Slow."}, {"score": 4, "comment": "Slow."}, {"score": 9, "comment": " "}):
        await said(story.client.post(survey, json=body))
    found = await said(story.owner.get(f"/api/business/projects/{project_id}/satisfaction"))
    assert (found["nps_score"], found["category"], found["comment"]) == (9, "promoter", None)
    assert [one["score"] for one in found["history"]] == [9, 4]
    assert found["follow_ups"]
    assert (await story.project(project_id))["client_feedback"] is None


@pytest.mark.parametrize(
    "body", [{}, {"score": 11}, {"score": -1}, {"score": "9"}, {"score": 9.5}, {"score": True}, {"score": None},
             {"score": 9, "comment": 7}, {"score": 9, "name": "Ada"}, {"score": 9, "comment": "x" * 20_001}]
)  # fmt: skip
async def test_bad_answers_are_refused(story: Story, body: dict[str, Any]) -> None:
    _, _, survey = await story.delivered(**SMALL)
    assert (await story.client.post(survey, json=body)).status_code == 422
    assert await story.rows("select 1 from survey_answer") == []


async def test_lists_are_paged_sorted_and_filtered(story: Story) -> None:
    for number in range(3):
        lead = await story.lead(email=f"p{number}@firm{number}.com", name=f"P {number}", company=f"Firm {number}")
        link = await story.sent((await story.generated(lead, **SMALL))["proposal_id"])
        await said(story.client.post(f"{link}/accept", json={"name": "Ada"}))
    first = await said(story.owner.get("/api/v1/projects", params={"limit": 2, "sort": "number"}))
    rest = await said(story.owner.get("/api/v1/projects", params={"sort": "number", "cursor": first["next_cursor"]}))
    assert [one["number"] for one in [*first["items"], *rest["items"]]] == [1, 2, 3]
    assert all(one["milestones"] for one in first["items"])
    lead_id = first["items"][0]["lead_id"]
    assert len((await said(story.owner.get("/api/v1/projects", params={"lead_id": lead_id})))["items"]) == 1
    assert (await said(story.owner.get("/api/v1/projects", params={"status": "completed"})))["items"] == []
    assert (await story.owner.get("/api/v1/projects", params={"sort": "secret"})).status_code == 422


@pytest.mark.parametrize(
    "statement",
    [
        "update project set budget_minor = 1", "update project set status = 'completed', completed_at = now()",
        "delete from project", "update artefact set path = 'x'", "delete from artefact",
        "update survey_answer set score = 10", "delete from survey_answer", "update delivery set spec = 'x'",
        "update proposal set total_minor = 0", "update proposal set content = 'x'", "delete from proposal",
        "update contract set content = 'x'", "update contract set signed_by = 'Eve'", "delete from contract",
    ],
)  # fmt: skip
async def test_the_database_keeps_what_was_agreed_delivered_and_answered(story: Story, statement: str) -> None:
    _, project_id = await story.signed(**SMALL)
    await said(story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": ""}))
    await story.workspace.drain()
    await story.completed_milestones(project_id)
    if "completed" not in statement:
        done = await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))
        await said(story.client.post(path(done["survey_url"]), json={"score": 5}))
    with pytest.raises((psycopg.errors.IntegrityError, psycopg.errors.InsufficientPrivilege)):
        async with story.workspace.workspaces.owner(story.workspace.handle) as owner:
            await owner.execute(statement)


async def test_a_viewer_reads_and_changes_nothing(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    made = await story.owner.post("/api/v1/api-keys", json={"name": "eyes", "scopes": ["projects:read"]})
    headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
    assert (await story.client.get(f"/api/v1/projects/{project_id}", headers=headers)).status_code == 200
    for address in (f"/api/v1/projects/{project_id}/delivered", f"/api/v1/projects/{project_id}/milestones/1/complete"):
        assert (await story.client.post(address, headers=headers)).status_code == 403
    assert (await story.client.get(f"/api/v1/projects/{project_id}")).status_code == 401
