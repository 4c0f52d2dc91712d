"""What `grace import leads` does: an export's rows into a workspace, at most 500 a transaction."""

import asyncio
import csv
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import psycopg

from grace.app.exports import REJECTED, Export, Row
from grace.domains.crm.rules.exports import HEADERS, is_nothing, match_headers
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.importing import ImportedLead, RowRefused, read_row
from grace.domains.crm.service.importing import MOST, Outcome, import_leads, plan_import, wanted_client
from grace.kit.errors import Conflict, Invalid
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

TRIES = 10
_AGAIN = (Conflict, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation)
Progress = Callable[[int, int], None]
"""Told the bytes read and the rows seen."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How cells become fields: `columns` by field, `stages` and `empty` by text, `source` where a row has none."""

    columns: Mapping[str, str]
    stages: Mapping[str, str]
    empty: frozenset[str]
    source: str | None
    keep_rest: bool


@dataclass(slots=True)
class Summary:
    """What came of the rows. `reasons` are the most frequent ones of the rejected."""

    created: int = 0
    merged: int = 0
    known: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejected_file: Path | None = None

    @property
    def rows(self) -> int:
        """All of them."""
        return self.created + self.merged + self.known + self.rejected

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Add a batch."""
        counted = Counter(outcomes)
        self.created += counted[Outcome.CREATED]
        self.merged += counted[Outcome.MERGED]
        self.known += counted[Outcome.KNOWN]


def reading_of(
    export: Export, *, maps: list[str], stages: list[str], empty: list[str], source: str | None, keep_rest: bool
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
            "No column is a name, a company or an external id. Say which is: --map name=Column."
            f" Columns: {', '.join(export.columns)}."
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


async def run(
    workspaces: Workspaces,
    handle: str,
    export: Export,
    reading: Reading,
    *,
    rejected: Path,
    dry: bool = False,
    progress: Progress = lambda read, rows: None,
) -> Summary:
    """Import everything, or with `dry` only say what would come of it. It may be interrupted and run again."""
    if handle not in await workspaces.handles():
        raise Invalid(f"There is no workspace {handle!r}. `grace workspace list` shows which there are.")
    async with transaction(workspaces, handle) as tx:
        currency = tx.workspace.currency
    summary = Summary()
    batch: list[ImportedLead] = []
    with _Rejected(rejected, export) as refused, _rehearsal() as seen:

        async def settle() -> None:
            if batch:
                summary.count(await _settled(workspaces, handle, batch, seen if dry else None))
                batch.clear()

        for number, row in enumerate(export.rows(), 1):
            try:
                batch.append(lead_of(row, reading, currency=currency))
            except RowRefused as error:
                refused.write(row, str(error))
                summary.rejected += 1
                summary.reasons[str(error) if len(summary.reasons) < 1_000 else "other reasons"] += 1
            if len(batch) == MOST:
                await settle()
            if number % 100 == 0:
                progress(row.read, number)
        await settle()
        progress(export.size, summary.rows)
        summary.rejected_file = refused.path if summary.rejected else None
    return summary


async def _settled(
    workspaces: Workspaces, handle: str, batch: list[ImportedLead], seen: "_Seen | None"
) -> list[Outcome]:
    """One transaction; again when others were in its way."""
    for attempt in range(1, TRIES + 1):
        try:
            async with transaction(workspaces, handle) as tx:
                return await (import_leads(tx, batch) if seen is None else _rehearsed(tx, batch, seen))
        except _AGAIN:
            if attempt == TRIES:
                raise
            await asyncio.sleep(0.1 * attempt)
    raise AssertionError("unreachable")


async def _rehearsed(tx: Tx, batch: list[ImportedLead], seen: "_Seen") -> list[Outcome]:
    """What would come of a batch after all those that went before it and were not written."""
    plan = await plan_import(tx, batch)
    outcomes = []
    for row, outcome in zip(batch, plan.outcomes, strict=True):
        if outcome is not Outcome.KNOWN and seen.add(f"lead {row.key}"):
            outcome = Outcome.KNOWN
        if outcome is not Outcome.KNOWN:
            met = [seen.add(f"client {rank} {key}") for rank, _, key in wanted_client(row).ways()]
            outcome = Outcome.MERGED if any(met) else outcome
        outcomes.append(outcome)
    return outcomes


class _Seen:
    """What earlier batches of a rehearsal held, kept on disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("create table seen (key text primary key) without rowid")

    def add(self, key: str) -> bool:
        """True when it was there."""
        return self._database.execute("insert or ignore into seen values (?)", [key]).rowcount == 0


@contextmanager
def _rehearsal() -> Iterator[_Seen]:
    database = sqlite3.connect("", isolation_level="DEFERRED")  # a temporary file, gone when closed
    try:
        yield _Seen(database)
    finally:
        database.close()


class _Rejected:
    """The rejected rows as a CSV with the columns of the export and why, made when there is a first one."""

    def __init__(self, path: Path, export: Export) -> None:
        self.path = path
        self._export = export
        self._file: TextIO | None = None

    def __enter__(self) -> "_Rejected":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: Row, reason: str) -> None:
        """Add one."""
        columns = [name for name in self._export.columns if name not in REJECTED]
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._file).writerow([*columns, *REJECTED])
        cells = [row.values[name] for name in columns] if row.values else row.cells[: len(columns)]
        cells += [""] * (len(columns) - len(cells))
        csv.writer(self._file).writerow([*cells, row.line, reason])


def rejected_path(file: Path) -> Path:
    """Beside the file (`leads.csv.gz` → `leads.rejected.csv`), or in the present folder when that is read-only."""
    stem = file.name.removesuffix(".gz").removesuffix(".csv")
    beside = file.with_name(f"{stem}.rejected.csv")
    try:
        existed = beside.exists()
        beside.open("a").close()
        if not existed:
            beside.unlink()
    except OSError:
        return Path.cwd() / beside.name
    return beside
