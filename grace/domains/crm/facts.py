"""What happened to clients."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class ClientCreated(Fact):
    """A client is known for the first time; `source` is what brought it (not told by the earliest versions)."""

    topic: ClassVar[str] = "client"
    client_id: str
    version: int
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ClientChanged(Fact):
    """Details of a client changed."""

    topic: ClassVar[str] = "client"
    client_id: str
    version: int


@dataclass(frozen=True, slots=True)
class ClientsMerged(Fact):
    """Two records turned out to be one client; both ids name the winner."""

    topic: ClassVar[str] = "client"
    client_id: str
    merged_id: str
    version: int


@dataclass(frozen=True, slots=True)
class ClientsUnmerged(Fact):
    """A merge was undone; both clients stand for themselves again."""

    topic: ClassVar[str] = "client"
    client_id: str
    restored_id: str
    version: int


@dataclass(frozen=True, slots=True)
class LeadCaptured(Fact):
    """An opportunity entered the pipeline."""

    topic: ClassVar[str] = "lead"
    lead_id: str
    client_id: str
    version: int


@dataclass(frozen=True, slots=True)
class LeadScored(Fact):
    """A lead was scanned, scored and explained."""

    topic: ClassVar[str] = "lead"
    lead_id: str
    score: int
    qualified: bool
    version: int


@dataclass(frozen=True, slots=True)
class LeadMoved(Fact):
    """A lead changed its stage."""

    topic: ClassVar[str] = "lead"
    lead_id: str
    from_stage: str
    to_stage: str
    version: int


@dataclass(frozen=True, slots=True)
class LeadValued(Fact):
    """What a lead is worth was estimated anew, in minor units."""

    topic: ClassVar[str] = "lead"
    lead_id: str
    value_estimate_minor: int
    version: int
