"""What is known about one kind of work. Sentences are complete and speak for any business."""

import re
from dataclasses import dataclass

from grace.providers.architect.port import WorkKind


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work.

    `clear` words name it, `vague` ones only hint. `does` describes the deliverable, `done` are the
    acceptance criteria, `steps` the checklist of delivery, `needs` what the client gives, `leaves_out` what
    is not part of it.
    """

    kind: WorkKind
    title: str
    phase: str
    base_hours: int
    point_hours: int
    clear: re.Pattern[str] | None
    vague: re.Pattern[str] | None
    does: str
    done: tuple[str, ...]
    steps: tuple[str, ...]
    needs: str = ""
    leaves_out: str = ""


def words(pattern: str) -> re.Pattern[str]:
    """Whole words of the pattern, for folded text."""
    return re.compile(rf"\b(?:{pattern})\b")
