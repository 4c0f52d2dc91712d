"""What a check finds."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "notice", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. A problem and a notice say why that matters and what to do about it."""

    check: str
    state: State
    found: str
    why: str = ""
    cure: str = ""
    workspace: str | None = None


def fine(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, "fine", found)


def notice(check: str, found: str, *, why: str, cure: str) -> Finding:
    """Works, and is worth knowing."""
    return Finding(check, "notice", found, why, cure)


def problem(check: str, found: str, *, why: str, cure: str) -> Finding:
    """Does not work, or not safely."""
    return Finding(check, "problem", found, why, cure)
