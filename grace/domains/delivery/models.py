"""Rows of delivery. Amounts are minor units of the project's currency."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NewType

ProjectId = NewType("ProjectId", str)
MilestoneId = NewType("MilestoneId", str)
DeliveryId = NewType("DeliveryId", str)
ArtefactId = NewType("ArtefactId", str)
PROJECT_PREFIX, MILESTONE_PREFIX, DELIVERY_PREFIX, ARTEFACT_PREFIX = "proj", "mile", "dlv", "art"
ProjectStatus = Literal["proposed", "in_progress", "delivered", "completed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Sold:
    """What a project is opened from. `deliverables` and `payments` are the accepted proposal's, `parties` who made
    the contract; `scope` and `description` are text."""

    client_id: str
    lead_id: str | None
    proposal_id: str
    title: str
    kind: str
    description: str
    scope: str
    deliverables: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    weeks: int
    hours_per_week: int
    currency: str
    budget_minor: int
    parties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Project:
    """Sold work. `budget_minor` is its price, without tax; `delivery_status` and `delivery_result` are those of the
    architect's latest run."""

    id: ProjectId
    number: int
    client_id: str
    lead_id: str | None
    proposal_id: str | None
    title: str
    kind: str
    description: str | None
    scope: str
    deliverables: list[dict[str, Any]]
    payment_plan: list[dict[str, Any]]
    timeline: str | None
    start_date: date | None
    end_date: date | None
    currency: str
    budget_minor: int
    actual_cost_minor: int
    status: ProjectStatus
    progress: Decimal
    proposal_generated: bool
    proposal_approved: bool
    contract_signed: bool
    grace_architect_used: bool
    automated_delivery: bool
    nps_score: int | None
    client_feedback: str | None
    metadata: dict[str, Any]
    parties: dict[str, Any]
    delivered_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None
    delivery_status: str | None
    delivery_result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A part of a project. `hours` were planned, `hours_spent` it took, where somebody said so."""

    id: MilestoneId
    project_id: ProjectId
    number: int
    title: str
    kind: str
    hours: int
    starts_on: date
    due_on: date
    weight_percent: int
    hours_spent: Decimal | None
    completed_at: datetime | None
    completed_by: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One run of the architect. `result` says what was built, or in `error` why nothing was."""

    id: DeliveryId
    number: int
    project_id: ProjectId
    spec: str
    status: Literal["queued", "built", "failed"]
    result: dict[str, Any] | None
    scan_severity: str | None
    requested_at: datetime
    requested_by: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file of a delivery, without its content; `sha256` is of the content."""

    id: ArtefactId
    delivery_id: DeliveryId
    project_id: ProjectId
    path: str
    media_type: str
    size_bytes: int
    sha256: str
    scan: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """What a contact said at one time; the highest revision counts."""

    revision: int
    score: int
    comment: str | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A client's projects (cancelled ones left out) and the average of their scores; None without any."""

    total_projects: int
    satisfaction_score: Decimal | None
