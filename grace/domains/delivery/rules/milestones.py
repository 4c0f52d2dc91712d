"""Plans milestones from what was sold, and says how far a project is.

Weights and shares are whole percents.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil

from grace.kit.money import split

BUILT = Decimal("50.0")
"""Where progress stands once the architect has built; the milestones move it on from there."""


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """One deliverable in the order of the work."""

    title: str
    hours: int


@dataclass(frozen=True, slots=True)
class PlannedMilestone:
    """A deliverable with its dates and its weight in the whole; the weights of a plan sum to 100."""

    number: int
    title: str
    starts_on: date
    due_on: date
    weight_percent: int


@dataclass(frozen=True, slots=True)
class PlannedPayment:
    """A part of the price. `after_milestone` is None for the part due at the start."""

    due_on: date
    share_percent: int
    amount_minor: int
    after_milestone: int | None


@dataclass(frozen=True, slots=True)
class MilestonePlan:
    """The plan of a project; payments sum to the price."""

    milestones: tuple[PlannedMilestone, ...]
    payments: tuple[PlannedPayment, ...]

    @property
    def ends_on(self) -> date:
        """The last day of the last milestone."""
        return self.milestones[-1].due_on


def plan_milestones(
    work: Sequence[PlannedWork],
    *,
    starts_on: date,
    hours_per_week: int,
    total_minor: int,
    shares_percent: Sequence[int] = (50, 50),
) -> MilestonePlan:
    """Spread the work over the weeks and the price over the milestones.

    Work is due on the Friday of its last week. The first payment share is due at the start (if there is more
    than one), the last with the last milestone, the others evenly between. Raises ValueError for no work, no
    hours per week, or shares that do not sum to 100.
    """
    if not work or hours_per_week <= 0 or any(part.hours < 0 for part in work):
        raise ValueError("a plan needs work and hours per week")
    if sum(shares_percent) != 100 or min(shares_percent) <= 0:
        raise ValueError("payment shares are positive and sum to 100")
    monday = starts_on - timedelta(days=starts_on.weekday())
    weights = split(100, [max(part.hours, 1) for part in work])
    milestones: list[PlannedMilestone] = []
    spent = 0
    for number, (part, weight) in enumerate(zip(work, weights, strict=True), start=1):
        first = spent // hours_per_week
        spent += part.hours
        last = max(first, ceil(spent / hours_per_week) - 1)
        begins = max(starts_on, monday + timedelta(weeks=first))
        due = max(begins, monday + timedelta(weeks=last, days=4))
        milestones.append(PlannedMilestone(number, part.title, begins, due, weight))
    return MilestonePlan(tuple(milestones), _payments(milestones, starts_on, total_minor, shares_percent))


def _payments(
    milestones: Sequence[PlannedMilestone], starts_on: date, total_minor: int, shares: Sequence[int]
) -> tuple[PlannedPayment, ...]:
    parts = len(shares)
    planned: list[PlannedPayment] = []
    for index, (share, amount) in enumerate(zip(shares, split(total_minor, shares), strict=True)):
        if index == 0 and parts > 1:
            planned.append(PlannedPayment(starts_on, share, amount, None))
            continue
        steps = max(1, parts - 1)
        after = ceil(len(milestones) * (index if parts > 1 else 1) / steps)
        planned.append(PlannedPayment(milestones[after - 1].due_on, share, amount, after))
    return tuple(planned)


def progress_percent(weights_done: Iterable[int], *, built: bool) -> Decimal:
    """Progress 0.0 to 100.0: half of it for the architect's build, half for accepted milestones.

    All of them is 100.
    """
    done = min(100, sum(weights_done))
    if done == 100:
        return Decimal("100.0")
    start = BUILT if built else Decimal(0)
    return (start + Decimal(done) / 2).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
