"""Leads, interactions and the pipeline over the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from grace.domains.crm.models import Lead
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.clients import Details, Email, ExternalId, Line, Source, Word
from grace.kit.money import Amount, Number, to_major, to_minor
from grace.kit.web import Answer, Body


class NewLead(Details):
    """A lead as it arrives: one flat record of the client and the opportunity."""

    source: Source
    name: Line
    email: Email
    preferred_contact: Word = "email"
    value_estimate: Amount | None = None
    budget: Amount | None = None
    project_type: Annotated[str, StringConstraints(max_length=128)] | None = None
    requirements: str | None = None
    timeline: Annotated[str, StringConstraints(max_length=128)] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    external_id: ExternalId | None = None

    def client(self) -> dict[str, Any]:
        """The client's columns. Notes and metadata of a lead are the lead's."""
        names = (set(Details.model_fields) - {"notes"}) | {"name", "preferred_contact"}
        return self.model_dump(include=names) | {"metadata": {}}

    def lead(self, currency: str) -> dict[str, Any]:
        """The lead's columns, amounts in minor units."""
        plain = self.model_dump(include={"project_type", "requirements", "timeline", "notes", "metadata"})
        return plain | {
            "value_estimate_minor": _minor(self.value_estimate, currency),
            "budget_minor": _minor(self.budget, currency),
        }


def _minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else to_minor(amount, currency)


class LeadCapturedOut(Answer):
    """The lead, and the client it belongs to; `matched_by` says how a known client was recognised."""

    client_id: str
    lead_id: str
    stage: str
    created: bool
    client_created: bool
    matched_by: str | None


class ScoreLineOut(Answer):
    """One line of the score; the last one is the cap at 100."""

    factor: str
    points: int
    why: str


class FindingOut(Answer):
    """Something that the hunter noticed."""

    code: str
    severity: str
    field: str
    excerpt: str
    why: str
    advice: str


class ScanOut(Answer):
    """The hunter's look at what the client wrote; 100 is clean."""

    severity: str | None
    score: int
    version: str
    findings: list[FindingOut]


class Qualified(Answer):
    """A score with everything that led to it."""

    lead_id: str
    score: int
    qualified: bool
    recommendation: str
    stage: str
    threshold: int
    features: dict[str, Any]
    breakdown: list[ScoreLineOut]
    reasons: list[str]
    scan: ScanOut
    version: str


Version = Annotated[int, Field(ge=1, lt=2**63)]


class Move(Body):
    """Where to move a lead; a reason for LOST is kept as `lost_reason`. `version` is the one that the caller saw: a
    lead that changed since stays."""

    stage: Stage
    reason: Annotated[str, StringConstraints(max_length=256)] | None = None
    version: Version | None = None


class Value(Body):
    """What a lead is worth, in its currency. `version` is the one that the caller saw: a lead that changed since
    stays."""

    value_estimate: Amount
    version: Version | None = None


class Moved(Answer):
    """The lead after its move."""

    lead_id: str
    stage: str
    probability: Number


class FactorOut(Answer):
    """One influence on a prediction."""

    name: str
    effect: Number
    why: str


class Predicted(Answer):
    """The chance that the contract is signed (0 to 1), and in how many days."""

    probability: Number
    days_to_close: int | None
    confidence: Number
    factors: list[FactorOut]
    version: str


class NextActionOut(Answer):
    """What to do next, until when, and why."""

    next_action: str
    next_action_date: datetime | None
    reasons: list[str]


class LeadOut(Answer):
    """A lead with every column of the pipeline."""

    id: str
    number: int
    client_id: str
    external_id: str | None
    source: str
    stage: str
    score: int
    probability: Number
    value_estimate: Amount
    budget: Amount | None
    currency: str
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
    follows: str | None
    stage_since: datetime
    created_at: datetime
    updated_at: datetime | None
    version: int

    @classmethod
    def of(cls, lead: Lead) -> "LeadOut":
        """From the row."""
        return cls(
            value_estimate=to_major(lead.value_estimate_minor, lead.currency),
            budget=None if lead.budget_minor is None else to_major(lead.budget_minor, lead.currency),
            **{name: getattr(lead, name) for name in cls.model_fields if hasattr(lead, name)},
        )


class LeadList(Answer):
    """A page of leads."""

    items: list[LeadOut]
    next_cursor: str | None


class NewInteraction(Body):
    """Something said or done about a lead. `sentiment` is -1 to 1."""

    interaction_type: Word
    channel: Word
    content: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    sentiment: Annotated[Decimal, Field(ge=-1, le=1, max_digits=4, decimal_places=3)] | None = None
    automated: bool = False
    grace_generated: bool = False
    human_approved: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)


class InteractionOut(Answer):
    """An interaction."""

    id: str
    client_id: str
    lead_id: str | None
    project_id: str | None
    interaction_type: str
    channel: str
    content: str
    sentiment: Number | None
    automated: bool
    grace_generated: bool
    human_approved: bool
    metadata: dict[str, Any]
    created_at: datetime


class InteractionList(Answer):
    """The latest interactions."""

    items: list[InteractionOut]
    next_cursor: None = None


class InteractionNoted(Answer):
    """The new interaction's id."""

    id: str
