"""Projects, deliveries and surveys over the wire."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from grace.domains.delivery.models import Artefact, Milestone, Project, SurveyAnswer
from grace.domains.delivery.rules.satisfaction import follow_ups, nps_category
from grace.kit import json
from grace.kit.money import Amount, Number, to_major
from grace.kit.settings import settings
from grace.kit.web import TEXT_LENGTH, Answer, Body, Held

ProjectReference = Annotated[int, Field(strict=True)] | Annotated[str, StringConstraints(strict=True, max_length=64)]
Comment = Annotated[str, StringConstraints(max_length=TEXT_LENGTH)]


class SoldOut(Answer):
    """One thing that was sold."""

    number: int
    title: str
    kind: str
    description: str
    includes: list[str]
    acceptance: list[str]
    hours: int
    price: Amount


class MilestoneOut(Answer):
    """A part of the work; the weights of a project's milestones sum to 100."""

    id: str | None
    number: int
    title: str
    starts_on: date
    due_on: date
    weight_percent: int
    hours: int
    hours_spent: Number | None
    completed_at: datetime | None

    @classmethod
    def of(cls, milestone: Milestone) -> "MilestoneOut":
        """From the row."""
        return cls(**{name: getattr(milestone, name) for name in cls.model_fields})


class PlannedPaymentOut(Answer):
    """A part of the price. `after_milestone` is null for the part due at the start."""

    due_on: date
    share_percent: int
    amount: Amount
    after_milestone: int | None


class ArtefactOut(Answer):
    """A file of a delivery and its checksum; `content_url` gives its content."""

    id: str
    path: str
    media_type: str
    size_bytes: int
    sha256: str
    scan_severity: str | None
    content_url: str

    @classmethod
    def of(cls, artefact: Artefact) -> "ArtefactOut":
        """From the row."""
        return cls(
            scan_severity=artefact.scan["severity"],
            content_url=f"/api/v1/projects/{artefact.project_id}/artefacts/{artefact.id}",
            **{name: getattr(artefact, name) for name in cls.model_fields if hasattr(artefact, name)},
        )


class ArtefactList(Answer):
    """The files of the latest delivery."""

    items: list[ArtefactOut]
    next_cursor: None = None


class ProjectOut(Answer):
    """A project. `budget` is its price without tax; `survey_url` is for the client, once it is delivered."""

    id: str
    number: int
    client_id: str
    lead_id: str | None
    proposal_id: str | None
    title: str
    kind: str
    description: str | None
    scope: str
    deliverables: list[SoldOut]
    milestones: list[MilestoneOut]
    payment_plan: list[PlannedPaymentOut]
    timeline: str | None
    start_date: date | None
    end_date: date | None
    currency: str
    budget: Amount
    actual_cost: Amount
    status: str
    progress: Number
    proposal_generated: bool
    proposal_approved: bool
    contract_signed: bool
    grace_architect_used: bool
    automated_delivery: bool
    delivery_status: str | None
    delivery_result: dict[str, Any] | None
    nps_score: int | None
    client_feedback: str | None
    survey_url: str | None
    metadata: dict[str, Any]
    delivered_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    created_at: datetime
    updated_at: datetime | None
    version: int

    @classmethod
    def of(cls, project: Project, milestones: Sequence[Milestone], token: str | None) -> "ProjectOut":
        """From the row, its milestones and the token of the survey link."""
        code = project.currency
        made = {"deliverables", "milestones", "payment_plan", "budget", "actual_cost", "survey_url"}
        return cls(
            deliverables=[
                SoldOut(
                    price=to_major(one["price_minor"], code),
                    **{name: one[name] for name in SoldOut.model_fields if name in one},
                )
                for one in project.deliverables
            ],
            milestones=[MilestoneOut.of(one) for one in milestones],
            payment_plan=[
                PlannedPaymentOut(
                    amount=to_major(part["amount_minor"], code),
                    **{name: part[name] for name in PlannedPaymentOut.model_fields if name in part},
                )
                for part in project.payment_plan
            ],
            budget=to_major(project.budget_minor, code),
            actual_cost=to_major(project.actual_cost_minor, code),
            survey_url=survey_url(token) if token else None,
            **{name: getattr(project, name) for name in cls.model_fields.keys() - made},
        )


class ProjectList(Answer):
    """A page of projects."""

    items: list[ProjectOut]
    next_cursor: str | None


class DeliverIn(Body):
    """Which project to have built, and what to mind: text, or an object that is read as text."""

    project_id: ProjectReference
    spec: Annotated[str, StringConstraints(strict=True, max_length=TEXT_LENGTH)] | dict[str, Any]

    @field_validator("spec")
    @classmethod
    def _read(cls, spec: str | dict[str, Any]) -> str:
        if isinstance(spec, str):
            return spec
        said = "\n".join(f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
                         for name, value in spec.items())  # fmt: skip
        if len(said) > TEXT_LENGTH:
            raise ValueError(f"the spec has more than {TEXT_LENGTH} characters")
        return said


class Delivered(Answer):
    """`delivery_result` is null until the architect has built; `status` is the project's."""

    project_id: str
    delivery_result: dict[str, Any] | None
    status: str
    requires_approval: bool = False
    delivery_id: str
    delivery_status: str


class HeldDelivery(Held):
    """202: the delivery waits for Parliament."""

    project_id: str
    delivery_result: None = None


class CompleteMilestone(Body):
    """What a part of the work took: hours, and cost (in major units) that is added to the project's."""

    hours_spent: Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=2)] | None = None
    cost: Amount = Decimal(0)


class CancelProject(Body):
    """Why a project is cancelled."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class FollowUpOut(Answer):
    """Something to do after an answer."""

    action: str
    within_days: int
    why: str


class AnswerOut(Answer):
    """What the client answered at one time."""

    score: int
    comment: str | None
    answered_at: datetime


class Satisfaction(Answer):
    """How satisfied the client is; null, and nothing to do, while there is no answer."""

    project_id: str
    nps_score: int | None
    category: str | None
    comment: str | None
    follow_ups: list[FollowUpOut]
    history: list[AnswerOut]
    survey_url: str | None

    @classmethod
    def of(cls, project: Project, answers: Sequence[SurveyAnswer], token: str | None) -> "Satisfaction":
        """From the row, what was answered (the latest first) and the token of the survey link."""
        score, comment = project.nps_score, project.client_feedback
        return cls(
            project_id=project.id,
            nps_score=score,
            category=None if score is None else nps_category(score).value,
            comment=comment,
            follow_ups=[]
            if score is None
            else [FollowUpOut(**asdict(one)) for one in follow_ups(score, comment=comment or "")],
            history=[AnswerOut(score=a.score, comment=a.comment, answered_at=a.answered_at) for a in answers],
            survey_url=survey_url(token) if token else None,
        )


class SurveyIn(Body):
    """A client's answer."""

    score: Annotated[int, Field(ge=0, le=10, strict=True)]
    comment: Comment | None = None

    @field_validator("comment")
    @classmethod
    def _said(cls, comment: str | None) -> str | None:
        return comment or None


class Survey(Answer):
    """The survey as the client sees it, with what they answered so far."""

    project: str
    business: str
    client: str
    score: int | None
    comment: str | None

    @classmethod
    def of(cls, project: Project) -> "Survey":
        """From the row."""
        return cls(
            project=project.title,
            business=project.parties["business"],
            client=project.parties["client"],
            score=project.nps_score,
            comment=project.client_feedback,
        )


def survey_url(token: str) -> str:
    """Where the client answers."""
    return f"{settings().url.rstrip('/')}/survey/{token}"
