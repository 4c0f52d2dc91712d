"""Rows of the CRM: clients."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NewType

ClientId = NewType("ClientId", str)
CLIENT_PREFIX = "cust"
EXTERNAL_ID_LENGTH = 128
ClientStatus = Literal["active", "inactive"]
"""Whether the business still works with the client."""


@dataclass(frozen=True, slots=True)
class Client:
    """A person or company that the business deals with.

    `lifetime_value_minor` is in the workspace's currency. `merged_ids` are the clients that were merged
    into this one; their ids name it too.
    """

    id: ClientId
    number: int
    name: str
    email: str | None
    company: str | None
    industry: str | None
    budget_range: str | None
    source: str
    country: str | None
    timezone: str | None
    preferred_contact: str
    address: str | None
    tax_id: str | None
    notes: str | None
    metadata: dict[str, Any]
    status: ClientStatus
    lifetime_value_minor: int
    total_projects: int
    satisfaction_score: Decimal | None
    merged_into: ClientId | None
    version: int
    created_at: datetime
    updated_at: datetime | None
    external_ids: list[str]
    merged_ids: list[ClientId]


@dataclass(frozen=True, slots=True)
class FoundClient:
    """A client that was looked for by its details. `matched_by` says why an existing one was taken."""

    client: Client
    created: bool
    matched_by: str | None


LeadId = NewType("LeadId", str)
LEAD_PREFIX = "lead"
INTERACTION_PREFIX = "ia"


@dataclass(frozen=True, slots=True)
class Lead:
    """One opportunity with a client. Amounts are minor units of `currency`; `follows` is the lead before it."""

    id: LeadId
    number: int
    client_id: ClientId
    external_id: str | None
    source: str
    stage: str
    score: int
    probability: Decimal
    currency: str
    value_estimate_minor: int
    budget_minor: int | None
    project_type: str | None
    requirements: str | None
    timeline: str | None
    notes: str | None
    metadata: dict[str, Any]
    qualification_data: dict[str, Any]
    ml_features: dict[str, Any]
    qualified_at: datetime | None
    converted_at: datetime | None
    lost_at: datetime | None
    lost_reason: str | None
    next_action: str | None
    next_action_date: datetime | None
    follows: LeadId | None
    stage_since: datetime
    created_at: datetime
    updated_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something said or done with a client. `sentiment` is -1 to 1, None when nobody judged it."""

    id: str
    client_id: ClientId
    lead_id: LeadId | None
    project_id: str | None
    interaction_type: str
    channel: str
    content: str
    sentiment: Decimal | None
    automated: bool
    grace_generated: bool
    human_approved: bool
    metadata: dict[str, Any]
    created_at: datetime
