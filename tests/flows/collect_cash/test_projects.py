"""Invoices of projects: what is left, parts of it, and the names by which a project is meant."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from tests.flows.story import Story, said

SMALL = {"budget": 4000, "requirements": "A website with 3 pages."}


async def test_what_is_left_is_invoiced_once(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    budget = Decimal(str((await story.project(project_id))["budget"]))
    part = await story.invoiced(project_id, amount="500.50")
    assert set(part) >= {"invoice_id", "invoice_number", "payment_link"}
    assert part["invoice_id"].startswith("in_")
    rest = await story.invoiced(project_id)
    assert Decimal(str(part["amount"])) + Decimal(str(rest["amount"])) == budget
    nothing = await story.owner.post(f"/api/business/projects/{project_id}/payment")
    assert (nothing.status_code, nothing.json()["type"]) == (409, "/problems/nothing-left")
    await said(story.owner.post(f"/api/v1/invoices/{rest['invoice_id']}/void", json={"reason": "Wrong day."}))
    assert (await story.invoiced(project_id))["amount"] == rest["amount"]


async def test_two_at_once_invoice_it_once(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    answers = await asyncio.gather(
        *(story.owner.post(f"/api/business/projects/{project_id}/payment") for _ in range(4))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"amount": 10**9}, 409), ({"amount": 0}, 422), ({"amount": -1}, 422), ({"amount": "1.001"}, 422),
     ({"payment_method": ""}, 422), ({"currency": "eur"}, 422)],
)  # fmt: skip
async def test_what_cannot_be_invoiced(story: Story, asked: dict[str, object], status: int) -> None:
    _, project_id = await story.signed(**SMALL)
    answer = await story.owner.post(f"/api/business/projects/{project_id}/payment", json=asked)
    assert answer.status_code == status, answer.text
    assert await story.rows("select 1 from invoice") == []


async def test_an_unknown_or_cancelled_project(story: Story) -> None:
    assert (await story.owner.post("/api/business/projects/99/payment")).status_code == 404
    _, project_id = await story.signed(**SMALL)
    await said(story.owner.post(f"/api/v1/projects/{project_id}/cancel", json={"reason": "No budget."}))
    assert (await story.owner.post(f"/api/business/projects/{project_id}/payment")).status_code == 409


async def test_an_invoice_that_names_a_project_of_its_client_is_the_projects(story: Story) -> None:
    _, project_id = await story.signed(**SMALL)
    project = await story.project(project_id)
    body = {"project_id": project["number"], "amount": 5, "description": "Extra"}
    mine = await said(
        story.owner.post("/api/business/payments/invoice", json=body | {"client_id": project["client_id"]})
    )
    assert mine["project_id"] == project_id
    other = await said(story.owner.post("/api/business/payments/invoice", json=body | {"client_id": "client_abc"}))
    assert other["project_id"] == project["number"]
    stored = await story.rows("select project_id, project_ref from invoice order by number")
    assert [(row["project_id"], row["project_ref"]) for row in stored] == [
        (project_id, None),
        (None, project["number"]),
    ]
