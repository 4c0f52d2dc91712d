"""Leads of another program's export: its rows in batches, what would come of them, what came of them."""

import asyncio
import csv
import io
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeVar

import psycopg

from grace.domains.crm.rules.exports import HEADERS, is_nothing, match_headers
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.importing import ImportedLead, RowRefused, read_row
from grace.domains.crm.service.importing import MOST, Outcome, plan_import, wanted_client
from grace.kit.errors import Conflict, Invalid
from grace.kit.exports import REJECTED, Export, Row
from grace.kit.tx import Tx

_IN_THE_WAY = (
    Conflict,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
)
_TRIES = 10
_REASONS = 1_000
_HINT = " Say which is: --map name=Column."
T = TypeVar("T")


async def settled(write: Callable[[], Awaitable[T]]) -> T:
    """What a batch's transaction answers; it is taken again while others are in its way."""
    for attempt in range(1, _TRIES):
        try:
            return await write()
        except _IN_THE_WAY:
            await asyncio.sleep(0.1 * attempt)
    return await write()


@dataclass(frozen=True, slots=True)
class Reading:
    """How cells become fields: `columns` by field, `stages` and `empty` by text, `source` where a row has none."""

    columns: Mapping[str, str]
    stages: Mapping[str, str]
    empty: frozenset[str]
    source: str | None
    keep_rest: bool


@dataclass(slots=True)
class Tally:
    """What came of the rows. `reasons` are the most frequent ones of the rejected."""

    created: int = 0
    merged: int = 0
    known: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """All of them."""
        return self.created + self.merged + self.known + self.rejected

    def count(self, outcomes: Sequence[Outcome], refused: "Sequence[Refused]") -> None:
        """Add a batch."""
        counted = Counter(outcomes)
        self.created += counted[Outcome.CREATED]
        self.merged += counted[Outcome.MERGED]
        self.known += counted[Outcome.KNOWN]
        self.rejected += len(refused)
        for one in refused:
            self.reasons[one.reason if len(self.reasons) < _REASONS else "other reasons"] += 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be a lead, and why."""

    row: Row
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction takes; `end` is the number of rows seen, `read` of bytes."""

    leads: list[ImportedLead]
    refused: list[Refused]
    end: int
    read: int


def reading_of(
    export: Export,
    *,
    maps: Sequence[str],
    stages: Sequence[str],
    empty: Sequence[str],
    source: str | None,
    keep_rest: bool,
    hint: str = _HINT,
) -> Reading:
    """The mapping to use; Invalid for a field or column that does not exist, or when nothing names a row."""
    given: dict[str, str] = {}
    for one in maps:
        name, _, wanted = (part.strip() for part in one.partition("="))
        column = next((c for c in export.columns if c == wanted), None) or next(
            (c for c in export.columns if c.casefold() == wanted.casefold()), None
        )
        if name not in HEADERS:
            raise Invalid(f"There is no field {name!r}. Fields: {', '.join(HEADERS)}.")
        if wanted and column is None:
            raise Invalid(f"There is no column {wanted!r}. Columns: {', '.join(export.columns)}.")
        given[name] = column or ""
    words = {}
    for one in stages:
        word, _, stage = (part.strip() for part in one.partition("="))
        if stage.upper() not in Stage.__members__:
            raise Invalid(f"There is no stage {stage!r}. Stages: {', '.join(Stage)}.")
        words[word.casefold()] = stage.upper()
    columns = match_headers(export.columns, given=given)
    if not columns.keys() & {"name", "first_name", "last_name", "company", "external_id"}:
        raise Invalid(
            f"No column is a name, a company or an external id.{hint} Columns: {', '.join(export.columns[:50])[:1000]}."
        )
    return Reading(columns, words, frozenset(text.casefold() for text in empty), source, keep_rest)


def lead_of(row: Row, reading: Reading, *, currency: str) -> ImportedLead:
    """The lead that a row tells of; RowRefused when it is none."""
    if row.broken is not None:
        raise RowRefused(row.broken)
    known = {
        name: text.strip()
        for name, text in row.values.items()
        if not is_nothing(text) and text.strip().casefold() not in reading.empty
    }
    values: dict[str, Any] = {name: known[column] for name, column in reading.columns.items() if column in known}
    person = " ".join(values.pop(part) for part in ("first_name", "last_name") if part in values)
    if person:
        values.setdefault("name", person)
    if "stage" in values:
        values["stage"] = reading.stages.get(values["stage"].casefold(), values["stage"])
    if reading.source is not None:
        values.setdefault("source", reading.source)
    if reading.keep_rest:
        used = set(reading.columns.values()) | set(REJECTED)
        values["metadata"] = {name: text for name, text in known.items() if name not in used}
    return read_row(values | {"identity": row.identity}, currency=currency)


def batches(export: Export, reading: Reading, *, currency: str, after: int = 0) -> Iterator[Batch]:
    """The rows after the first `after` ones, at most 500 leads a batch, in flat memory."""
    batch = Batch([], [], after, 0)
    for number, row in enumerate(export.rows(), 1):
        if number <= after:
            continue
        try:
            batch.leads.append(lead_of(row, reading, currency=currency))
        except RowRefused as error:
            batch.refused.append(Refused(row, str(error)))
        batch = Batch(batch.leads, batch.refused, number, row.read)
        if len(batch.leads) + len(batch.refused) == MOST:
            yield batch
            batch = Batch([], [], number, row.read)
    if batch.leads or batch.refused:
        yield batch


class Seen:
    """What earlier batches of a rehearsal held, kept on disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("create table seen (key text primary key) without rowid")

    def add(self, key: str) -> bool:
        """True when it was there."""
        return self._database.execute("insert or ignore into seen values (?)", [key]).rowcount == 0


@contextmanager
def rehearsal() -> Iterator[Seen]:
    """What `rehearse` needs for the batches of one file."""
    database = sqlite3.connect("", isolation_level="DEFERRED")  # a temporary file, gone when closed
    try:
        yield Seen(database)
    finally:
        database.close()


async def rehearse(tx: Tx, leads: Sequence[ImportedLead], seen: Seen) -> list[Outcome]:
    """What would come of a batch after all those that went before it and were not written."""
    plan = await plan_import(tx, leads)
    outcomes = []
    for row, outcome in zip(leads, plan.outcomes, strict=True):
        if outcome is not Outcome.KNOWN and seen.add(f"lead {row.key}"):
            outcome = Outcome.KNOWN
        if outcome is not Outcome.KNOWN:
            met = [seen.add(f"client {rank} {key}") for rank, _, key in wanted_client(row).ways()]
            outcome = Outcome.MERGED if any(met) else outcome
        outcomes.append(outcome)
    return outcomes


def write_refused(file: TextIO, export: Export, refused: Sequence[Refused], *, header: bool) -> None:
    """The rejected rows as a CSV with the columns of the export and why; it can be corrected and imported."""
    columns = [name for name in export.columns if name not in REJECTED]
    writer = csv.writer(file)
    if header:
        writer.writerow([*columns, *REJECTED])
    for one in refused:
        row = one.row
        cells = [row.values[name] for name in columns] if row.values else row.cells[: len(columns)]
        cells += [""] * (len(columns) - len(cells))
        writer.writerow([*cells, row.line, one.reason])


def refused_text(export: Export, refused: Sequence[Refused], *, header: bool) -> str:
    """The same as a text."""
    text = io.StringIO(newline="")
    write_refused(text, export, refused, header=header)
    return text.getvalue()
