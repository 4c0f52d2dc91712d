"""Long work over the wire."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from grace.flows.collect_cash.listing import Tab
from grace.flows.work.models import Kind, State, Work
from grace.kit.web import Answer, Body


class BeginWork(Body):
    """What to have done. `tab`, `q`, `sent_from` and `sent_to` choose the invoices of `invoice_pdfs`."""

    kind: Literal["invoice_pdfs", "audit_export", "verification"]
    tab: Tab = "all"
    q: str | None = Field(default=None, max_length=100)
    sent_from: date | None = None
    sent_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "BeginWork":
        if self.sent_from and self.sent_to and self.sent_to < self.sent_from:
            raise ValueError("`sent_to` is before `sent_from`")
        return self


class WorkOut(Answer):
    """A piece of long work: `done` of `total` rows, documents or entries; `result` is what came of it."""

    id: str
    number: int
    kind: Kind
    state: State
    doing: str | None
    done: int
    total: int | None
    percent: int | None
    seconds_left: int | None
    arguments: dict[str, Any]
    result: dict[str, Any]
    error: str | None
    file: str | None
    begun_by: str
    begun_at: datetime
    confirmed_by: str | None
    stopped_by: str | None
    ended_at: datetime | None
    version: int

    @classmethod
    def of(cls, work: Work) -> "WorkOut":
        """From its row."""
        return cls(
            id=work.id,
            number=work.number,
            kind=work.kind,
            state=work.state,
            doing=work.doing or None,
            done=work.done,
            total=work.total,
            percent=percent(work),
            seconds_left=seconds_left(work),
            arguments=work.arguments,
            result=work.result,
            error=work.error,
            file=f"/api/v1/work/{work.id}/file" if has_file(work) else None,
            begun_by=work.begun_by,
            begun_at=work.begun_at,
            confirmed_by=work.confirmed_by,
            stopped_by=work.stopped_by,
            ended_at=work.ended_at,
            version=work.version,
        )


class WorkList(Answer):
    """Long work, the latest first."""

    items: list[WorkOut]
    next_cursor: str | None


MEASURED_S = 3.0
"""A pace is not told before it was seen for so long."""


def has_file(work: Work) -> bool:
    """Whether there is something to fetch."""
    return work.file_name is not None and work.expires_at is not None and work.state == "done"


def percent(work: Work) -> int | None:
    """How much of it is done, 100 only at its end; None while nobody knows how much there is."""
    if work.state == "done":
        return 100
    if not work.total:
        return None
    return min(99, 100 * work.done // work.total)


def seconds_left(work: Work) -> int | None:
    """How long it takes at the pace since it was taken up; None when that is not known yet."""
    if work.state != "running" or work.taken_at is None or not work.total:
        return None
    took = (work.moved_at - work.taken_at).total_seconds()
    came = work.done - work.taken_done
    if took < MEASURED_S or came <= 0:
        return None
    return round((work.total - work.done) * took / came)
