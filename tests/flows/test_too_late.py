"""What comes too late, or while something else is under way: refused in words, with nothing changed."""

import asyncio
from datetime import timedelta

import pytest

from tests.fixtures.cards import Till
from tests.flows.story import Story, path, said

SMALL = {"budget": 4000, "requirements": "A website with 3 pages."}
PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize("kind", ["proposal", "contract", "pay", "survey"])
async def test_an_expired_link_shows_nothing_and_does_nothing(story: Story, kind: str) -> None:
    _, project_id, survey = await story.delivered(**SMALL)
    proposal = (await said(story.owner.get("/api/v1/proposals")))["items"][0]
    contract = (await said(story.owner.get("/api/v1/contracts")))["items"][0]
    links = {
        "proposal": (path(proposal["client_url"]), "/accept", {"name": "Ada Smith"}),
        "contract": (path(contract["client_url"]), "/sign", {"name": "Ada Smith"}),
        "pay": (path((await story.invoiced(project_id))["payment_link"]), "/intent", {}),
        "survey": (survey, "", {"score": 0}),
    }
    link, act, body = links[kind]
    assert (await story.client.get(link)).status_code == 200
    async with story.workspace.tx() as tx:
        await tx.execute(
            "update link set expires_at = %(past)s where kind = %(kind)s",
            past=tx.real_now - timedelta(seconds=1),
            kind=kind,
        )
    before = await story.rows("select max(id) from audit_entry")
    for answer in (await story.client.get(link), await story.client.post(f"{link}{act}", json=body)):
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/expired-link")
        assert "new one" in answer.json()["detail"]
    page = await story.client.get(link, headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert await story.rows("select max(id) from audit_entry") == before


async def test_a_decision_that_expires_never_runs_and_can_be_asked_for_again(story: Story) -> None:
    lead_id = await story.lead()
    made = await story.generated(lead_id)
    send = f"/api/v1/proposals/{made['proposal_id']}/send"
    held = (await story.owner.post(send)).json()["decision_id"]
    until = (await said(story.owner.get(f"/api/v1/decisions/{held}")))["expires_at"]
    await said(story.owner.post("/api/v1/test-clock", json={"to": until}))
    decision = await said(story.owner.get(f"/api/v1/decisions/{held}"))
    assert (decision["status"], decision["requires_approval"]) == ("expired", False)
    late = await story.admin.post(f"/api/v1/decisions/{held}/vote", json={"approve": True})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/decision-closed")
    assert (await said(story.owner.get(f"/api/v1/proposals/{made['proposal_id']}")))["status"] == "draft"
    again = await story.owner.post(send)
    assert again.status_code == 202 and again.json()["decision_id"] != held
    await story.vote(again.json()["decision_id"])
    assert (await said(story.owner.get(f"/api/v1/proposals/{made['proposal_id']}")))["status"] == "sent"


@pytest.mark.parametrize("approve", [True, False])
async def test_what_is_approved_is_what_was_held(story: Story, approve: bool) -> None:
    """A refund is held; meanwhile so much goes back that it no longer fits. The vote ends it; no other amount goes."""
    body = {"amount": 20000, "description": "Work", "client_id": "client_abc"}
    invoice = await said(story.owner.post("/api/business/payments/invoice", json=body))
    await story.paid(invoice)
    refund = {"invoice_id": invoice["invoice_id"], "reason": "Unhappy."}
    held = await story.owner.post("/api/business/payments/refund", json=refund | {"amount": 15000})
    assert held.status_code == 202
    decision = await said(story.owner.get(f"/api/v1/decisions/{held.json()['decision_id']}"))
    assert decision["arguments"]["amount_minor"] == 1500000
    await said(story.owner.post("/api/business/payments/refund", json=refund | {"amount": 8000}))
    voted = await story.vote(decision["id"], approve=approve)
    assert (voted["status"], voted["requires_approval"]) == ("stale", False)
    assert "12000.00 USD can still be refunded" in voted["reasons"][-1]["says"]
    assert [one["amount"] for one in (await said(story.owner.get("/api/v1/refunds")))["items"]] == [8000]


async def test_a_refund_while_the_card_is_being_charged(till: Till) -> None:
    """Money that has not come cannot go back; when it has come, it can, once."""
    invoice = await till.invoice("100.00")
    intent = await till.intent(invoice)
    early = await till.refund(invoice, "100.00", status=409)
    assert early["type"] == "/problems/over-refund"
    await till.confirm(intent)
    assert (await till.refund(invoice, status=409))["type"] == "/problems/over-refund"  # not heard of yet
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    twins = await asyncio.gather(
        *(
            till.api.post(
                "/api/business/payments/refund",
                json={"invoice_id": invoice["invoice_id"], "reason": "Unhappy.", "amount": "60.00"},
            )
            for _ in range(2)
        )
    )
    assert sorted(one.status_code for one in twins) == [200, 409]
    await till.refund(invoice)
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    assert sorted(one["amount"] for one in (await till.get("/api/v1/refunds"))["items"]) == [40, 60]
    assert (await till.refund(invoice, status=409))["type"] == "/problems/over-refund"
