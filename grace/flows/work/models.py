"""Rows of long work. Times are real; `expires_at` is business time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

WORK_PREFIX = "work"
Kind = Literal["lead_import", "invoice_pdfs", "audit_export", "verification"]
State = Literal["waiting", "running", "ready", "done", "failed", "stopped"]
Side = Literal["in", "out"]
OPEN: tuple[State, ...] = ("waiting", "running", "ready")


class Rights(NamedTuple):
    """The permissions to begin, confirm or stop work of a kind, and to see it and its file."""

    act: str
    see: str


RIGHTS: Mapping[Kind, Rights] = {
    "lead_import": Rights("leads:write", "leads:read"),
    "invoice_pdfs": Rights("invoices:read", "invoices:read"),
    "audit_export": Rights("audit:read", "audit:read"),
    "verification": Rights("audit:read", "audit:read"),
}

COLUMNS = """id, number, kind, state, arguments, begun_by, digest, doing, done, total, position, result, error,
    file_name, attempt, begun_at, taken_at, taken_done, moved_at, confirmed_by, stopped_by, ended_at, expires_at,
    version"""


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of long work. `done` of `total` units (rows, documents, entries); `position` is where to go on."""

    id: str
    number: int
    kind: Kind
    state: State
    arguments: dict[str, Any]
    begun_by: str
    digest: str | None
    doing: str
    done: int
    total: int | None
    position: int
    result: dict[str, Any]
    error: str | None
    file_name: str | None
    attempt: int
    begun_at: datetime
    taken_at: datetime | None
    taken_done: int
    moved_at: datetime
    confirmed_by: str | None
    stopped_by: str | None
    ended_at: datetime | None
    expires_at: datetime | None
    version: int
