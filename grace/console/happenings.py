"""What happened to a noun, from what its own record tells: the timeline beside it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a timeline; `kind` of who did it as the who mark knows them (user, agent, system, client)."""

    at: datetime
    said: str
    kind: str = "system"
    who: str = ""
    more: str = ""


def happened(at: datetime | None, said: str, kind: str = "system", who: str = "", more: str = "") -> Happening | None:
    """A line of a timeline, None while there is no time for it."""
    return None if at is None else Happening(at, said, kind, who, more)


def timeline(*lines: Happening | None) -> list[Happening]:
    """What happened, the latest first."""
    return sorted((one for one in lines if one is not None), key=lambda one: one.at, reverse=True)
