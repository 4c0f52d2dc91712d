"""What happened to projects."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class ProjectFact(Fact):
    """What every fact about a project says."""

    topic: ClassVar[str] = "project"
    project_id: str
    client_id: str
    lead_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ProjectOpened(ProjectFact):
    """Work was sold."""


@dataclass(frozen=True, slots=True)
class ProjectBegun(ProjectFact):
    """The contract is signed, or the delivery begun."""


@dataclass(frozen=True, slots=True)
class MilestoneCompleted(ProjectFact):
    """A part of the work is done."""

    milestone: int


@dataclass(frozen=True, slots=True)
class DeliveryQueued(ProjectFact):
    """The architect is asked to build."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class DeliveryBuilt(ProjectFact):
    """The architect has built, and the files are kept."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class DeliveryFailed(ProjectFact):
    """The architect could not build."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class ProjectDelivered(ProjectFact):
    """The client has what was sold."""


@dataclass(frozen=True, slots=True)
class ProjectCompleted(ProjectFact):
    """Delivered, and all of it paid."""


@dataclass(frozen=True, slots=True)
class ProjectCancelled(ProjectFact):
    """The work ends before it is done."""


@dataclass(frozen=True, slots=True)
class SurveyAnswered(ProjectFact):
    """The client said how satisfied it is, or changed its mind."""

    score: int
