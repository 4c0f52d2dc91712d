"""The business over HTTP, a step at a time, for the tests of the flows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from grace.trust.identity.rules import Role
from grace.trust.identity.service.keys import create_key
from grace.trust.identity.service.people import create_user
from tests.fixtures.api import ADDRESS
from tests.fixtures.workspace import WorkspaceUnderTest

PORTAL = "A customer portal with login, an API to our ERP and a dashboard. We have 12,000 customers; train the team."
ADA = {
    "source": "referral",
    "name": "Ada Smith",
    "email": "ada@acme-engines.com",
    "company": "Acme Engines Inc.",
    "industry": "Software",
    "budget": "24000.00",
    "requirements": PORTAL,
}


@dataclass(frozen=True)
class Story:
    """The owner, a second member who may vote and is in Parliament, and the client without any key."""

    workspace: WorkspaceUnderTest
    owner: httpx.AsyncClient
    admin: httpx.AsyncClient
    client: httpx.AsyncClient

    async def lead(self, **changes: Any) -> str:
        """A captured and qualified lead."""
        captured = await said(self.owner.post("/api/business/leads", json=ADA | changes))
        await said(self.owner.post(f"/api/business/leads/{captured['lead_id']}/qualify"))
        return str(captured["lead_id"])

    async def generated(self, lead_id: str, *, budget: Any = "24000.00", requirements: str = PORTAL) -> dict[str, Any]:
        """A draft."""
        asked = {"lead_id": lead_id, "requirements": requirements, "budget": budget}
        return await said(self.owner.post("/api/business/proposals/generate", json=asked))

    async def sent(self, proposal_id: str) -> str:
        """Send a draft with the admin's vote; the path of the client's link."""
        held = await self.owner.post(f"/api/v1/proposals/{proposal_id}/send")
        assert held.status_code == 202, held.text
        await self.vote(held.json()["decision_id"])
        return path((await said(self.owner.get(f"/api/v1/proposals/{proposal_id}")))["client_url"])

    async def vote(self, decision_id: str, *, approve: bool = True) -> dict[str, Any]:
        """The admin's vote."""
        body = {"approve": approve, "reason": "Read it."}
        return await said(self.admin.post(f"/api/v1/decisions/{decision_id}/vote", json=body))

    async def offered(self, **how: Any) -> tuple[str, str]:
        """A lead, and the path of the link to its proposal."""
        lead_id = await self.lead()
        made = await self.generated(lead_id, **how)
        return lead_id, await self.sent(made["proposal_id"])

    async def won(self, **how: Any) -> tuple[str, dict[str, Any]]:
        """A lead, and the client's accepted proposal."""
        lead_id, link = await self.offered(**how)
        return lead_id, await said(self.client.post(f"{link}/accept", json={"name": "Ada Smith"}))

    async def signed(self, **how: Any) -> tuple[str, str]:
        """A lead, and its project, whose contract is signed."""
        lead_id, accepted = await self.won(**how)
        await said(self.client.post(f"{path(accepted['contract_url'])}/sign", json={"name": "Ada Smith"}))
        await self.workspace.drain()
        return lead_id, str(accepted["project_id"])

    async def completed_milestones(self, project_id: str) -> None:
        """All of the work is done."""
        for one in (await self.project(project_id))["milestones"]:
            await said(self.owner.post(f"/api/v1/projects/{project_id}/milestones/{one['number']}/complete"))

    async def built(self, project_id: str) -> None:
        """The architect has built the project, with the admin's vote where the policy wants one."""
        body = {"project_id": project_id, "spec": "As agreed."}
        asked = (await self.owner.post("/api/business/projects/deliver", json=body)).json()
        if asked["requires_approval"]:
            await self.vote(asked["decision_id"])
        await self.workspace.drain()

    async def delivered(self, **how: Any) -> tuple[str, str, str]:
        """A lead, its delivered project, and the path of the survey link."""
        lead_id, project_id = await self.signed(**how)
        await self.built(project_id)
        await self.completed_milestones(project_id)
        done = await said(self.owner.post(f"/api/v1/projects/{project_id}/delivered"))
        await self.workspace.drain()
        return lead_id, project_id, path(done["survey_url"])

    async def invoiced(self, project_id: str, **asked: Any) -> dict[str, Any]:
        """An invoice for the project."""
        return await said(self.owner.post(f"/api/business/projects/{project_id}/payment", json=asked))

    async def paid(self, invoice: dict[str, Any]) -> None:
        """The client paid an invoice by bank."""
        body = {"invoice_id": invoice["invoice_id"], "amount": invoice["amount"], "method": "bank_transfer"}
        await said(self.owner.post("/api/v1/payments/manual", json=body))
        await self.workspace.drain()

    async def stage(self, lead_id: str) -> str:
        """Where the lead stands."""
        return str((await said(self.owner.get(f"/api/v1/leads/{lead_id}")))["stage"])

    async def project(self, project_id: str) -> dict[str, Any]:
        """The project's record."""
        return await said(self.owner.get(f"/api/v1/projects/{project_id}"))

    async def leads(self) -> list[dict[str, Any]]:
        """Every lead, the newest first."""
        found: list[dict[str, Any]] = (await said(self.owner.get("/api/v1/leads")))["items"]
        return found

    async def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Rows as they are stored."""
        async with self.workspace.tx() as tx:
            return await tx.all(dict, query, **params)


async def said(answer: Any) -> dict[str, Any]:
    """The body of a 200."""
    answer = await answer
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def path(url: str) -> str:
    """Of an address of ours, what follows the host."""
    assert url.startswith(ADDRESS), url
    return url.removeprefix(ADDRESS)


@asynccontextmanager
async def told(workspace: WorkspaceUnderTest, application: FastAPI, owner_key: str) -> AsyncIterator[Story]:
    """A story in a workspace, with an admin who is in Parliament."""
    async with workspace.tx() as tx:
        admin = await create_user(tx, email="ann@example.com", name="Ann Admin", roles=[Role.ADMIN], parliament=True)
        _, admin_key = await create_key(tx, principal_id=admin.id, name="test")

    def browser(key: str | None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)

    async with browser(owner_key) as owner, browser(admin_key) as second, browser(None) as client:
        yield Story(workspace, owner, second, client)
