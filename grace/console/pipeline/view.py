"""Which part of the board an address shows: the stages as columns, and for each the page that it stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode

from grace.domains.crm.panels import Card, Place
from grace.domains.crm.rules.stages import Stage
from grace.kit import paging
from grace.kit.errors import Invalid

SHOWN: Mapping[str, tuple[Stage, ...]] = {
    "selling": (Stage.LEAD, Stage.QUALIFIED, Stage.PROPOSAL, Stage.NEGOTIATION, Stage.CONTRACT),
    "delivering": (Stage.ACTIVE, Stage.DELIVERED, Stage.PAID, Stage.REPEAT),
    "all": tuple(Stage),
}
MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """Where a column's page begins: after `place`, `passed` leads further up."""

    place: Place
    passed: int


@dataclass(frozen=True, slots=True)
class View:
    """What of the board is shown; `pick` is the column that a phone shows."""

    stages: str = "selling"
    pick: Stage | None = None
    starts: Mapping[Stage, Start] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Stage, ...]:
        """The stages that are columns."""
        return SHOWN[self.stages]

    @property
    def picked(self) -> Stage:
        """The column that a phone shows."""
        return self.pick if self.pick in self.columns else self.columns[0]

    @property
    def query(self) -> str:
        """The view as the end of an address."""
        found = {} if self.stages == "selling" else {"stages": self.stages}
        if self.pick:
            found["column"] = self.pick.value
        found |= {stage.value: _cursor(start) for stage, start in self.starts.items()}
        return f"?{urlencode(found)}" if found else ""

    @property
    def from_drawer(self) -> str:
        """As `query`, for a form of the drawer, which stays open."""
        return f"{self.query}{'&' if self.query else '?'}from=lead"

    def showing(self, stages: str) -> str:
        """The address's end with these stages, each from its top."""
        return View(stages).query

    def picking(self, stage: Stage) -> str:
        """The address's end with this column on a phone."""
        return replace(self, pick=stage).query

    def further(self, stage: Stage, last: Card, shown: int) -> str:
        """The address's end with the column's next page."""
        before = self.starts[stage].passed if stage in self.starts else 0
        start = Start(Place(last.stage_since, last.id), before + shown)
        return replace(self, pick=stage, starts={**self.starts, stage: start}).query

    def from_the_top(self, stage: Stage) -> str:
        """The address's end with the column's first page."""
        return replace(self, pick=stage, starts={s: at for s, at in self.starts.items() if s is not stage}).query


def view_of(query: Mapping[str, str]) -> View:
    """The view that an address asks for; what it does not know counts as not said. Invalid for a foreign cursor."""
    stages = query.get("stages", "selling")
    pick = query.get("column", "")
    return View(
        stages if stages in SHOWN else "selling",
        Stage(pick) if pick in set(Stage) else None,
        {stage: _start(query[stage.value]) for stage in Stage if query.get(stage.value)},
    )


def _cursor(start: Start) -> str:
    return paging.encode(f"{start.passed} {start.place.since.isoformat()} {start.place.id}")


def _start(cursor: str) -> Start:
    position = paging.decode(cursor[:500])
    parts = position.split(" ") if isinstance(position, str) else []
    try:
        passed, since, lead_id = parts
        start = Start(Place(datetime.fromisoformat(since), lead_id), int(passed))
    except ValueError as error:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor") from error
    if start.place.since.tzinfo is None or not 0 <= start.passed < MOST_PAGES:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return start
