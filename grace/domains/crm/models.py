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
