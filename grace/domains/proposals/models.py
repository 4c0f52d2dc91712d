"""Rows of proposals and contracts. Amounts are minor units of the row's currency."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NewType

ProposalId = NewType("ProposalId", str)
ContractId = NewType("ContractId", str)
PROPOSAL_PREFIX = "prop"
CONTRACT_PREFIX = "con"
ProposalStatus = Literal["draft", "sent", "accepted", "declined", "expired", "superseded"]
ContractStatus = Literal["open", "signed", "superseded"]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who offers and to whom, as they were when the proposal was written; empty where not known."""

    business: str
    client: str
    signer: str = ""
    business_email: str = ""
    business_address: str = ""
    business_tax_id: str = ""
    client_company: str = ""
    client_email: str = ""
    client_address: str = ""
    client_tax_id: str = ""
    client_industry: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer. `content` is its Markdown, `sha256` of it; `deliverables`, `left_out`, `phases` and `payments` are
    the architect's, as plain JSON; `revision` counts the versions of the offer to one lead."""

    id: ProposalId
    number: int
    client_id: str
    lead_id: str | None
    revision: int
    status: ProposalStatus
    title: str
    kind: str
    summary: str
    requirements: str
    content: str
    sha256: str
    deliverables: list[dict[str, Any]]
    left_out: list[dict[str, Any]]
    phases: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    assumptions: list[str]
    exclusions: list[str]
    questions: list[str]
    currency: str
    budget_minor: int | None
    hourly_rate_minor: int
    hours: int
    hours_per_week: int
    weeks: int
    subtotal_minor: int
    discount_minor: int
    total_minor: int
    over_budget_minor: int
    parties: dict[str, Any]
    scan: dict[str, Any]
    written_by: str
    expires_at: datetime
    sent_at: datetime | None
    sent_by: str | None
    accepted_at: datetime | None
    accepted_by: str | None
    declined_at: datetime | None
    decline_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None

    @property
    def name(self) -> str:
        """What people call it: `P-12`."""
        return f"P-{self.number}"


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed. `content` is the Markdown that is signed, `sha256` of it."""

    id: ContractId
    number: int
    contract_number: str
    proposal_id: ProposalId
    client_id: str
    lead_id: str | None
    revision: int
    status: ContractStatus
    title: str
    content: str
    clauses_version: str
    sha256: str
    parties: dict[str, Any]
    currency: str
    total_minor: int
    signed_at: datetime | None
    signed_by: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A proposal that its client answered; `now` is false when it had been answered so before."""

    proposal: Proposal
    now: bool
