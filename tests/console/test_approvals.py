"""Approvals: lists, everything beside the button, votes by form, who may not, double submit, rupees, statements."""

from typing import Any

import httpx
import pytest

from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost
from tests.flows.story import PORTAL

PAGE = {"Accept": "text/html"}
CLIENT = {"name": "Mossgate Logistics", "email": "pay@mossgate.example", "source": "referral"}


async def page(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


async def made(who: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await who.api.post(path, json=body)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


async def held_proposal(who: Person) -> str:
    """The decision on sending a proposal."""
    lead = await made(who, "/api/business/leads", {**CLIENT, "requirements": PORTAL, "budget": "24000.00"})
    asked = {"lead_id": lead["lead_id"], "requirements": PORTAL, "budget": "24000.00"}
    proposal = await made(who, "/api/business/proposals/generate", asked)
    return str((await made(who, f"/api/v1/proposals/{proposal['proposal_id']}/send", {}))["decision_id"])


async def held_refund(who: Person, amount: str = "12400.00", currency: str = "USD", **more: str) -> str:
    """The decision on giving back most of an invoice that was paid by bank."""
    client = await made(who, "/api/v1/clients", {**CLIENT, "name": more.get("name", CLIENT["name"])})
    lines = [{"description": "Work", "quantity": "1", "unit_price": amount}]
    invoice = await made(who, "/api/v1/invoices", {"client_id": client["id"], "currency": currency, "lines": lines})
    await made(who, f"/api/v1/invoices/{invoice['id']}/issue", {})
    paid = {"invoice_id": invoice["id"], "amount": amount, "method": "bank_transfer"}
    await made(who, "/api/v1/payments/manual", paid)
    asked = {"invoice_id": invoice["id"], "amount": amount, "reason": "Milestone 3 was cancelled, clause 7.2."}
    return str((await made(who, "/api/business/payments/refund", asked))["decision_id"])


async def test_everything_stands_beside_the_button(office: People) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.ADMIN, parliament=True)
    browser = await office.signed_in(bob)
    decision = await held_refund(await office.agent(ann, Role.OPERATOR))
    text = await page(browser, f"/app/approvals/{decision}")
    for words in (
        "Refund", "$12,400.00", "Mossgate Logistics", "An agent", "on behalf of A user",
        "Milestone 3 was cancelled, clause 7.2.", "Given back", "$0.00", "−$12,400.00", "Received, less refunds",
        "refund-payment-invoice-parliament", "/app/policies/1#refund-payment-invoice-parliament", "most of Parliament",
        "Goes back the way it came: bank transfer", "No instructions, odd links or secrets found",
        "No: the money leaves at once", "&#34;amount_minor&#34;: 1240000", "0 of 1", "Proposed and held",
        "Approve $12,400.00", "Yours is the deciding vote. It runs at once and cannot be undone.",
    ):  # fmt: skip
        assert words in text, words
    assert f"/app/approvals/{decision}?confirm=true" in text
    assert 'pattern="\\$12,400\\.00|12,400\\.00|12400\\.00"' in await page(
        browser, f"/app/approvals/{decision}?confirm=true"
    )


async def test_rupees_are_grouped_the_indian_way(office: People) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.OWNER, parliament=True)
    decision = await held_refund(ann, "141600.00", "INR")
    text = await page(await office.signed_in(bob), f"/app/approvals/{decision}")
    assert "₹1,41,600.00" in text
    assert "no recent exchange rate to value it" in text


async def test_the_deciding_vote_by_form_runs_it_once(office: People) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.ADMIN)
    decision = await held_proposal(ann)
    browser = await office.signed_in(bob)
    assert "Send proposal P-1" in await page(browser, "/app/approvals")
    form = {"reason": "Read it.", "idempotency_key": "once"}
    for _ in range(2):
        voted = await browser.post(f"/app/approvals/{decision}/approve", data=form, headers=PAGE)
        assert (voted.status_code, voted.headers["location"]) == (303, f"/app/approvals/{decision}")
    text = await page(browser, f"/app/approvals/{decision}")
    assert "Approved: the action has run" in text
    assert "“Read it.”" in text
    assert "Granted, and ran" in text
    assert "/approve" not in text
    async with office.workspace.tx() as tx:
        assert await tx.value("select count(*) from vote") == 1
        assert await tx.value("select status from proposal") == "sent"
    assert "Nothing waits for you" in await page(browser, "/app/approvals")
    assert "P-1" in await page(browser, "/app/approvals/decided")
    again = await browser.post(f"/app/approvals/{decision}/approve", data={}, headers=PAGE)
    assert again.status_code == 409


async def test_a_rejection_says_why(office: People) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.ADMIN)
    decision = await held_proposal(ann)
    browser = await office.signed_in(bob)
    refused = await browser.post(f"/app/approvals/{decision}/reject", data={"reason": " "}, headers=PAGE)
    assert refused.status_code == 422
    done = await browser.post(f"/app/approvals/{decision}/reject", data={"reason": "Too cheap."}, headers=PAGE)
    assert done.status_code == 303
    text = await page(browser, f"/app/approvals/{decision}")
    assert "Rejected: the action will not run" in text
    assert "“Too cheap.”" in text


async def test_who_may_not_vote_is_told_why(office: People) -> None:
    ann, _ = await office.user(Role.OWNER), await office.user(Role.OWNER)
    decision = await held_proposal(ann)
    own = await page(await office.signed_in(ann), f"/app/approvals/{decision}")
    assert "The proposer&#39;s own vote never counts." in own
    assert f"/app/approvals/{decision}/approve" not in own
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    seen = await page(viewer, f"/app/approvals/{decision}")
    assert "You may look at this" in seen or "names others to vote" in seen
    assert "/app/policies/" not in seen and "Version 1" in seen
    refused = await viewer.post(f"/app/approvals/{decision}/approve", data={}, headers=PAGE)
    assert refused.status_code == 403


async def test_the_only_voter_signs_in_again_and_gives_a_reason(office: People) -> None:
    ann = await office.user(Role.OWNER)
    decision = await held_proposal(ann)
    browser = await office.signed_in(ann)
    assert "required to decide alone" in await page(browser, f"/app/approvals/{decision}")
    async with office.workspace.tx() as tx:
        await tx.execute("update session set authenticated_at = authenticated_at - interval '6 minutes'")
    text = await page(browser, f"/app/approvals/{decision}")
    assert "sign in again first" in text
    assert f"/app/me/confirm?next=/app/approvals/{decision}" in text


@pytest.mark.parametrize("path", ["/app/approvals", "/app/approvals/decided", "/app/approvals/allowed"])
async def test_empty_lists_say_what_comes_here(office: People, path: str) -> None:
    text = await page(await office.signed_in(await office.user(Role.VIEWER)), path)
    assert 'class="empty"' in text


async def test_pages_cost_few_statements(office: People, cost: Cost) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.OWNER, parliament=True)
    decision = await held_refund(ann)
    for number in range(3):
        await held_refund(ann, name=f"Client {number}")
    browser = await office.signed_in(bob)
    assert await cost(browser, "/app/approvals") <= PAGE_STATEMENTS
    assert await cost(browser, f"/app/approvals/{decision}") <= PAGE_STATEMENTS


async def test_an_unknown_decision_and_a_wrong_cursor_are_refused(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert (await browser.get("/app/approvals/dec_nobody", headers=PAGE)).status_code == 404
    assert (await browser.get("/app/approvals?cursor=%27or", headers=PAGE)).status_code == 422
