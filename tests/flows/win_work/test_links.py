"""What a client does by link: answering once, in time, with a link of ours; signing."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from grace.kit import links
from tests.flows.story import Story, path, said

ADA = {"name": "Ada Smith"}


async def test_accepting_twice_is_one_acceptance(story: Story) -> None:
    _, link = await story.offered()
    first = await said(story.client.post(f"{link}/accept", json=ADA))
    again = await said(story.client.post(f"{link}/accept", json=ADA))
    assert first == again
    other = await story.client.post(f"{link}/accept", json={"name": "Eve Else"})
    assert (other.status_code, other.json()["current"]) == (409, "accepted")
    assert (await story.client.post(f"{link}/decline")).status_code == 409
    for table in ("contract", "project"):
        assert len(await story.rows(f"select id from {table}")) == 1


async def test_doubled_accepts_at_once_are_one_acceptance(story: Story) -> None:
    _, link = await story.offered()
    answers = await asyncio.gather(*(story.client.post(f"{link}/accept", json=ADA) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["project_id"] for answer in answers}) == 1
    assert len(await story.rows("select id from project")) == 1


@pytest.mark.parametrize("_", range(4))
async def test_of_accept_and_decline_at_once_one_wins(story: Story, _: int) -> None:
    _, link = await story.offered()
    answers = await asyncio.gather(
        *(story.client.post(f"{link}/accept", json=ADA) for _ in range(2)),
        *(story.client.post(f"{link}/decline", json={"reason": "Too dear."}) for _ in range(2)),
    )
    assert Counter(answer.status_code for answer in answers) == {200: 2, 409: 2}
    [stored] = await story.rows("select status from proposal")
    projects = await story.rows("select id from project")
    assert (stored["status"], len(projects)) in [("accepted", 1), ("declined", 0)]
    assert {answer.json()["status"] for answer in answers if answer.status_code == 200} == {stored["status"]}


async def test_of_two_versions_accepted_at_once_one_wins(story: Story) -> None:
    """The first is being accepted while the second goes out."""
    lead_id, link = await story.offered()
    second = await story.generated(lead_id, budget=12000)
    held = await said_202(story, second["proposal_id"])
    accepted, voted = await asyncio.gather(
        story.client.post(f"{link}/accept", json=ADA),
        story.admin.post(f"/api/v1/decisions/{held}/vote", json={"approve": True}),
    )
    states = sorted(row["status"] for row in await story.rows("select status from proposal"))
    if accepted.status_code == 200:
        assert states == ["accepted", "superseded"]
        assert voted.status_code == 409 or voted.json()["status"] == "stale"
    else:
        assert (accepted.status_code, states) == (410, ["sent", "superseded"])


async def said_202(story: Story, proposal_id: str) -> str:
    """The decision that holds the sending of a proposal."""
    answer = await story.owner.post(f"/api/v1/proposals/{proposal_id}/send")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["decision_id"])


async def test_declining(story: Story) -> None:
    lead_id, link = await story.offered()
    declined = await said(story.client.post(f"{link}/decline", json={"reason": "Too dear."}))
    assert declined["status"] == "declined"
    assert (await said(story.client.post(f"{link}/decline"))) == declined
    assert (await story.client.post(f"{link}/accept", json=ADA)).status_code == 409
    await story.workspace.drain()
    noted = (await said(story.owner.get(f"/api/v1/leads/{lead_id}/interactions")))["items"]
    assert any("Too dear." in one["content"] for one in noted)
    newer = await story.sent((await story.generated(lead_id, budget=9000))["proposal_id"])
    await said(story.client.post(f"{newer}/accept", json=ADA))


async def test_after_its_last_day_a_proposal_cannot_be_accepted(story: Story) -> None:
    _, link = await story.offered()
    async with story.workspace.workspaces.owner(story.workspace.handle) as owner:
        await owner.execute("update workspace set clock_offset = '40 days'")
    for _ in range(2):
        late = await story.client.post(f"{link}/accept", json=ADA)
        assert (late.status_code, late.json()["type"]) == (410, "/problems/proposal-expired")
        await story.workspace.drain()
    assert (await said(story.client.get(link)))["status"] == "expired"
    assert await story.rows("select id from project") == []


async def test_a_draft_that_is_out_of_date_is_not_sent(story: Story) -> None:
    made = await story.generated(await story.lead())
    decision = await said_202(story, made["proposal_id"])
    async with story.workspace.workspaces.owner(story.workspace.handle) as owner:
        await owner.execute("update workspace set clock_offset = '40 days'")
    late = await story.admin.post(f"/api/v1/decisions/{decision}/vote", json={"approve": True})
    assert late.json().get("status") in ("expired", 409)
    assert (await story.owner.post(f"/api/v1/proposals/{made['proposal_id']}/send")).status_code == 409


async def test_links_of_others_forged_and_expired(story: Story) -> None:
    _, link = await story.offered()
    token = link.rsplit("/", 1)[1]
    for wrong in (f"{story.workspace.handle}.x", f"other.{token.split('.')[1]}", "nothing", token[:-1] + "_", "a." * 9):
        answer = await story.client.post(f"/proposal/{wrong}/accept", json=ADA)
        assert answer.status_code == 404, wrong
    assert (await story.client.get(f"/contract/{token}")).status_code == 404
    assert (await story.client.post(f"/survey/{token}", json={"score": 10})).status_code == 404
    async with story.workspace.tx() as tx:
        await tx.execute("update link set expires_at = %(past)s", past=tx.real_now - timedelta(days=1))
    gone = await story.client.post(f"{link}/accept", json=ADA)
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/expired-link")
    assert (await story.rows("select status from proposal")) == [{"status": "sent"}]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": " "}, {"name": "1"}, {"name": "12"}, {"name": "A\u202eb"},
                                  {"name": "x" * 257}, {"name": 7}, {"name": "Ada", "price": 1}])  # fmt: skip
async def test_bad_names_are_refused(story: Story, body: dict[str, object]) -> None:
    _, link = await story.offered()
    answer = await story.client.post(f"{link}/accept", json=body)
    assert answer.status_code == 422
    assert await story.rows("select id from contract") == []


async def test_signing(story: Story) -> None:
    _, accepted = await story.won()
    contract = path(accepted["contract_url"])
    assert (await story.project(accepted["project_id"]))["status"] == "proposed"
    signed = await said(story.client.post(f"{contract}/sign", json=ADA))
    assert signed == await said(story.client.post(f"{contract}/sign", json=ADA))
    assert (await story.client.post(f"{contract}/sign", json={"name": "Eve Else"})).status_code == 409
    project = await story.project(accepted["project_id"])
    assert (project["status"], project["contract_signed"]) == ("in_progress", True)
    [entry] = await story.rows(
        "select convert_from(payload, 'UTF8') as said from audit_entry e join audit_payload on entry_id = e.id"
        " where action = 'sign_contract'"
    )
    assert signed["sha256"] in entry["said"]
    assert (await story.client.get(f"{contract}/contract.pdf")).content.startswith(b"%PDF")


async def test_a_contract_is_made_anew_with_the_clauses_of_today(story: Story) -> None:
    _, accepted = await story.won()
    old = path(accepted["contract_url"])
    [contract] = (await said(story.owner.get("/api/v1/contracts")))["items"]
    await said(
        story.owner.put(
            "/api/v1/settings/clauses",
            json={"law": "Norway", "clauses": [{"title": "Law", "text": "This is under the law of $law."}]},
        )
    )
    revised = await said(story.owner.post(f"/api/v1/contracts/{contract['id']}/revise"))
    assert (revised["revision"], revised["contract_number"]) == (2, f"{contract['contract_number']}-2")
    assert "under the law of Norway" in revised["text"]
    assert (await story.client.post(f"{old}/sign", json=ADA)).status_code == 410
    await said(story.client.post(f"{path(revised['client_url'])}/sign", json=ADA))
    assert (await story.owner.post(f"/api/v1/contracts/{revised['id']}/revise")).status_code == 409


async def test_the_contract_of_a_cancelled_project_is_not_signed(story: Story) -> None:
    lead_id, accepted = await story.won()
    await said(story.owner.post(f"/api/v1/projects/{accepted['project_id']}/cancel", json={"reason": "No budget."}))
    refused = await story.client.post(f"{path(accepted['contract_url'])}/sign", json=ADA)
    assert refused.status_code == 409
    assert (await story.rows("select status from contract")) == [{"status": "open"}]
    await story.workspace.drain()
    assert await story.stage(lead_id) == "LOST"


async def test_a_new_link_can_be_shown_again_and_is_the_same(story: Story) -> None:
    _, link = await story.offered()
    [proposal] = await story.rows("select id from proposal")
    async with story.workspace.tx() as tx:
        assert link.endswith(await links.make(tx, kind="proposal", subject=proposal["id"]))
