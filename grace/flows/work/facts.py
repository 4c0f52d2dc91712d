"""What happened to long work."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class WorkMoved(Fact):
    """It began, came along, or ended."""

    topic: ClassVar[str] = "work"
    work_id: str
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class WorkTurned(Fact):
    """It began, waits to be confirmed, or ended: what the mark in the shell of every page shows has changed."""

    topic: ClassVar[str] = "busy"
    work_id: str
    version: int
