"""`Grace`: any door of the server, the common ones by name.

    async with Grace("http://127.0.0.1:8005", key) as grace:
        lead = await grace.capture_lead(source="website", name="Ada", email="ada@example.com")

Numbers with decimals come back as `Decimal`, exactly as the server wrote them.
"""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from grace.client.amounts import Amount, outgoing
from grace.client.http import PATIENCE_S, Connection, Json, Waiting


class Grace(Connection):
    """A workspace by its address and one of its keys; without a key only client links can be opened.

    `get`, `post`, `put` and `delete` reach any door.
    The named methods below take and answer what `/openapi.json` says of theirs.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        patience_s: float = PATIENCE_S,
        on_wait: Waiting | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, numbers=Decimal, patience_s=patience_s, on_wait=on_wait, transport=transport)

    async def me(self) -> Json:
        """Who this key is, and what it may do."""
        return dict(await self.get("/api/v1/me"))

    async def capture_lead(self, *, source: str, name: str, email: str, **fields: Any) -> Json:
        """Capture a lead with any field of a client or lead; answers `client_id`, `lead_id`, `stage`."""
        return dict(await self.post("/api/business/leads", {"source": source, "name": name, "email": email, **fields}))

    async def qualify_lead(self, lead_id: str) -> Json:
        """Scan, score and explain a lead; answers `score`, `qualified`, `breakdown`, `scan`."""
        return dict(await self.post(f"/api/business/leads/{_part(lead_id)}/qualify"))

    async def move_lead(self, lead_id: str, stage: str, *, reason: str | None = None) -> Json:
        """Move a lead to a stage of the graph."""
        return dict(await self.post(f"/api/business/leads/{_part(lead_id)}/stage", {"stage": stage, "reason": reason}))

    async def lead(self, lead_id: str) -> Json:
        """A lead."""
        return dict(await self.get(f"/api/v1/leads/{_part(lead_id)}"))

    async def leads(self, **query: Any) -> list[Json]:
        """The newest leads; `stage`, `source`, `client_id` filter."""
        return list((await self.get("/api/v1/leads", **query))["items"])

    async def client(self, client_id: str) -> Json:
        """A client."""
        return dict(await self.get(f"/api/v1/clients/{_part(client_id)}"))

    async def statement(self, client_id: str) -> Json:
        """A client's statement of account, from the ledger."""
        return dict(await self.get(f"/api/v1/clients/{_part(client_id)}/statement"))

    async def decision(self, decision_id: str) -> Json:
        """A decision with its votes."""
        return dict(await self.get(f"/api/v1/decisions/{_part(decision_id)}"))

    async def vote(self, decision_id: str, *, approve: bool, reason: str = "") -> Json:
        """Vote on a held action; the last vote that it needs runs it."""
        body = {"approve": approve, "reason": reason}
        return dict(await self.post(f"/api/v1/decisions/{_part(decision_id)}/vote", body))

    async def generate_proposal(
        self,
        *,
        client_id: str,
        requirements: str,
        budget: Amount | None = None,
        lead_id: str | None = None,
        currency: str = "USD",
    ) -> Json:
        """Write a proposal: scope, deliverables, timeline, price. `currency` only rounds a float `budget`."""
        body = {
            "client_id": client_id,
            "requirements": requirements,
            "budget": None if budget is None else outgoing(budget, currency),
            "lead_id": lead_id,
        }
        return dict(await self.post("/api/business/proposals/generate", body))

    async def proposal(self, proposal_id: str) -> Json:
        """A proposal; `client_url` is the client's link once it is sent."""
        return dict(await self.get(f"/api/v1/proposals/{_part(proposal_id)}"))

    async def send_proposal(self, proposal_id: str) -> Json:
        """Send a proposal to its client; held until somebody else has voted."""
        return dict(await self.post(f"/api/v1/proposals/{_part(proposal_id)}/send"))

    async def contracts(self, **query: Any) -> list[Json]:
        """The newest contracts; `proposal_id` filters."""
        return list((await self.get("/api/v1/contracts", **query))["items"])

    async def projects(self, **query: Any) -> list[Json]:
        """The newest projects; `status`, `client_id`, `lead_id` filter."""
        return list((await self.get("/api/v1/projects", **query))["items"])

    async def project(self, project_id: str) -> Json:
        """A project with its milestones and the result of its delivery."""
        return dict(await self.get(f"/api/v1/projects/{_part(project_id)}"))

    async def complete_milestone(
        self, project_id: str, milestone: str | int, *, hours_spent: Amount | None = None
    ) -> Json:
        """Say that a part of the work is done; `milestone` is its id or its number in the project."""
        path = f"/api/v1/projects/{_part(project_id)}/milestones/{_part(milestone)}/complete"
        return dict(await self.post(path, {"hours_spent": hours_spent}))

    async def mark_delivered(self, project_id: str) -> Json:
        """Say that the client has what was sold; every milestone must be complete."""
        return dict(await self.post(f"/api/v1/projects/{_part(project_id)}/delivered"))

    async def artefacts(self, project_id: str) -> list[Json]:
        """The files of the latest delivery, with their checksums."""
        return list((await self.get(f"/api/v1/projects/{_part(project_id)}/artefacts"))["items"])

    async def deliver_project(self, project_id: str, *, spec: str | Json) -> Json:
        """Have the architect do the project's work; held above the threshold."""
        return dict(await self.post("/api/business/projects/deliver", {"project_id": project_id, "spec": spec}))

    async def invoice_project(self, project_id: str, *, amount: Amount | None = None) -> Json:
        """Invoice what is not yet invoiced, or an amount of it; answers `invoice_id`, `payment_link`, `amount`."""
        return dict(await self.post(f"/api/business/projects/{_part(project_id)}/payment", {"amount": amount}))

    async def create_invoice(self, *, client_id: str, amount: Amount, currency: str, description: str) -> Json:
        """Issue an invoice of one line; answers `invoice_id`, `hosted_invoice_url`, `amount`."""
        body = {
            "client_id": client_id,
            "amount": outgoing(amount, currency),
            "currency": currency,
            "description": description,
        }
        return dict(await self.post("/api/business/payments/invoice", body))

    async def note_payment(self, invoice_id: str, amount: Amount, *, method: str, reference: str) -> Json:
        """Note money that came by bank or in cash."""
        body = {"invoice_id": invoice_id, "amount": amount, "method": method, "reference": reference}
        return dict(await self.post("/api/v1/payments/manual", body))

    async def refund(self, invoice_id: str, *, reason: str, amount: Amount | None = None) -> Json:
        """Give money back, all of it or an amount; held above the threshold."""
        body = {"invoice_id": invoice_id, "reason": reason, "amount": amount}
        return dict(await self.post("/api/business/payments/refund", body))

    async def satisfaction(self, project_id: str) -> Json:
        """What the client said in the survey."""
        return dict(await self.get(f"/api/business/projects/{_part(project_id)}/satisfaction"))

    async def invoice(self, invoice_id: str) -> Json:
        """An invoice with its lines."""
        return dict(await self.get(f"/api/v1/invoices/{_part(invoice_id)}"))

    async def payment_status(self, invoice_id: str) -> Json:
        """`status`, `paid`, `amount_due` of an invoice."""
        return dict(await self.get(f"/api/business/payments/status/{_part(invoice_id)}"))

    async def open_link(self, link: str) -> Json:
        """What a client sees by a signed link; the whole address or its path."""
        return dict(await self.get(httpx.URL(link).path))

    async def act_on_link(self, link: str, act: str, **body: Any) -> Json:
        """What a client does by a signed link: accept, decline, sign, intent; "" to answer a survey."""
        path = httpx.URL(link).path
        return dict(await self.post(f"{path}/{act}" if act else path, body))


def _part(value: str | int) -> str:
    return quote(str(value), safe="")
