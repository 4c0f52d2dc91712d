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
