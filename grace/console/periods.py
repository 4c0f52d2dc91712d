"""The times that a page of figures can show, each cut into columns for its charts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from grace.insight.figures import Span


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart: its name and its time."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Period:
    """A choice of the reader: `days` names it in the address."""

    days: int
    title: str


PERIODS = (Period(30, "30 days"), Period(90, "90 days"), Period(365, "12 months"))


def period(days: str | None) -> Period:
    """The period that an address asks for; twelve months for anything else."""
    return next((one for one in PERIODS if str(one.days) == days), PERIODS[-1])


def columns(chosen: Period, now: datetime) -> list[Column]:
    """Days, weeks or calendar months (UTC) up to now, the oldest first; the last one is not over."""
    if chosen.days == 30:
        return _steps(now, timedelta(days=1), 30)
    if chosen.days == 90:
        return _steps(now, timedelta(days=7), 13)
    return months(now, 12)


def weeks(now: datetime, count: int) -> list[Column]:
    """Weeks that end with this moment's."""
    return _steps(now, timedelta(days=7), count)


def months(now: datetime, count: int) -> list[Column]:
    """Calendar months, the last one being the current."""
    first = _first(now)
    found = [Column(f"{first:%b}", Span(first, None, now))]
    while len(found) < count:
        stop, first = first, _first(first - timedelta(days=1))
        found.append(Column(f"{first:%b}", Span(first, stop, now)))
    return found[::-1]


def same_part_of_last_month(now: datetime) -> Span:
    """From the first of last month up to where this month stands now."""
    this = _first(now)
    last = _first(this - timedelta(days=1))
    return Span(last, min(last + (now - this), this), now)


def _first(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _steps(now: datetime, step: timedelta, count: int) -> list[Column]:
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last = day if step <= timedelta(days=1) else day - timedelta(days=day.weekday())
    starts = [last - step * back for back in range(count - 1, -1, -1)]
    return [
        Column(f"{start.day} {start:%b}", Span(start, start + step if start < last else None, now)) for start in starts
    ]
