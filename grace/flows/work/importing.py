"""A CSV of leads: looked at first, then, once confirmed, imported as `grace import leads` does it."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grace.domains.crm.service.importing import Outcome, import_leads
from grace.flows.win_work.importing import (
    Batch,
    Reading,
    Tally,
    batches,
    reading_of,
    refused_text,
    rehearsal,
    rehearse,
    settled,
)
from grace.flows.work import files, service
from grace.flows.work.models import Work
from grace.flows.work.stints import Step, Stint, carries_out
from grace.kit.exports import Export, open_export
from grace.kit.tx import Tx

FIRST_ROWS = 5
SHOWN_CELL = 120
LARGEST_TEXT = 256 << 20
"""Bytes of a file when it is unpacked."""
SHOWN_COLUMNS = 200
REASONS = 100
_COMMANDS_HINT = re.compile(r"; say which one it is by --stage [^;]*")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file of leads is read. `maps` are `field=Column`; `source` is that of rows that name none."""

    file: str
    source: str | None = None
    keep_rest: bool = False
    maps: tuple[str, ...] = ()


def reading_by(export: Export, options: Mapping[str, Any]) -> Reading:
    """How the options read a file; Invalid when nothing in it names a row."""
    return reading_of(
        export,
        maps=options["maps"],
        stages=[],
        empty=[],
        source=options["source"],
        keep_rest=options["keep_rest"],
        hint=" Name one so in the first line.",
    )


async def looked_at(path: Path, options: ImportOptions) -> Export:
    """The export in a file, when it can be imported at all; ExportError, Invalid."""
    export = await asyncio.to_thread(open_export, path, largest=LARGEST_TEXT)
    reading_by(export, asdict(options))
    return export


async def begin_import(tx: Tx, received: files.Received, options: ImportOptions, *, key: str | None) -> Work:
    """Have a file that was sent looked at."""
    work = await service.begin(tx, kind="lead_import", arguments=asdict(options), key=key, digest=received.sha256)
    with received.path.open("rb") as file:
        await files.append_file(tx, work.id, "in", file)
    return work


@carries_out("lead_import")
async def run_import(stint: Stint) -> None:
    """Look at the file, or import what was confirmed."""
    async with _export(stint) as export:
        reading = reading_by(export, stint.work.arguments)
        if stint.work.confirmed_by is None:
            await _look(stint, export, reading)
        else:
            await _import(stint, export, reading)


async def _look(stint: Stint, export: Export, reading: Reading) -> None:
    """Say what would come of every row; nothing is written."""
    tally, first = Tally(), list[dict[str, str]]()
    fields = list(dict.fromkeys("name" if name in ("first_name", "last_name") else name for name in reading.columns))
    rows = batches(export, reading, currency=await _currency(stint))
    with rehearsal() as seen:
        while (batch := await asyncio.to_thread(next, rows, None)) is not None:
            async with stint.step() as step:
                outcomes = await rehearse(step.tx, batch.leads, seen)
                tally.count(outcomes, batch.refused)
                await _along(step, export, batch, "Looking at the file")
            first = first or [_shown(lead.model_dump(), fields) for lead in batch.leads[:FIRST_ROWS]]
    used = set(reading.columns.values())
    found = {
        **_result(tally),
        "columns": [{"field": name, "column": column} for name, column in reading.columns.items()],
        "unused": [name for name in export.columns if name not in used][:SHOWN_COLUMNS],
        "fields": fields,
        "first": first,
        "note": "The file is not UTF-8; it is read as Windows-1252." if export.note else None,
    }
    async with stint.step() as step:
        await service.ask(step.tx, step.work, rows=tally.rows, result=found)


async def _import(stint: Stint, export: Export, reading: Reading) -> None:
    """Write what is not written yet, a batch a step."""
    rows = batches(export, reading, currency=await _currency(stint), after=stint.work.position)
    while (batch := await asyncio.to_thread(next, rows, None)) is not None:
        await _settle(stint, export, batch)
    async with stint.step() as step:
        result = step.work.result
        tally = _tally(result)
        name = f"{_stem(step.work)}.rejected.csv" if tally.rejected else None
        await service.finish(step.tx, step.work, result={**result, **_result(tally)}, file_name=name)


async def _settle(stint: Stint, export: Export, batch: Batch) -> None:
    """A batch with its counts, its refused rows and the place where to go on; again when others were in its way."""

    async def write() -> None:
        async with stint.step() as step:
            outcomes: list[Outcome] = await import_leads(step.tx, batch.leads) if batch.leads else []
            tally = _tally(step.work.result)
            text = refused_text(export, batch.refused, header=tally.rejected == 0) if batch.refused else ""
            await files.append(step.tx, step.work.id, "out", text.encode())
            tally.count(outcomes, batch.refused)
            result = {**step.work.result, **_result(tally)}
            await _along(step, export, batch, "Importing", result=result)

    await settled(write)


async def _along(step: Step, export: Export, batch: Batch, doing: str, **columns: Any) -> None:
    """Rows done of rows in all: those are known once the file was looked at, before by the bytes."""
    expected = step.work.result.get("expected") or {}
    total = expected.get("rows") or max(batch.end, round(batch.end * export.size / max(batch.read, 1)))
    await step.advance(done=min(batch.end, total), total=total, position=batch.end, doing=doing, **columns)


@asynccontextmanager
async def _export(stint: Stint) -> AsyncIterator[Export]:
    """The file on the local disk, so that it is read as any other."""
    with files.folder() as place:
        path = place / files.plain_name(stint.work.arguments["file"])
        async with stint.unit.transaction() as tx:
            with path.open("wb") as file:
                await files.write_to(tx, stint.work.id, "in", file)
        yield await asyncio.to_thread(open_export, path)


async def _currency(stint: Stint) -> str:
    async with stint.unit.transaction() as tx:
        return tx.workspace.currency


def _stem(work: Work) -> str:
    return files.plain_name(work.arguments["file"]).removesuffix(".gz").removesuffix(".csv")[:100]


def _tally(result: Mapping[str, Any]) -> Tally:
    tally = Tally(**{name: result.get(name, 0) for name in ("created", "merged", "known", "rejected")})
    tally.reasons.update({one["reason"]: one["rows"] for one in result.get("reasons", [])})
    return tally


def _result(tally: Tally) -> dict[str, Any]:
    """The counts, and the most frequent reasons."""
    return {
        "rows": tally.rows,
        "created": tally.created,
        "merged": tally.merged,
        "known": tally.known,
        "rejected": tally.rejected,
        "reasons": [{"reason": why, "rows": count} for why, count in _plainly(tally).most_common(REASONS)],
    }


def _plainly(tally: Tally) -> Counter[str]:
    """The reasons without what only the command line offers."""
    found = Counter[str]()
    for why, count in tally.reasons.items():
        found[_COMMANDS_HINT.sub("", why)[:300]] += count
    return found


def _shown(lead: Mapping[str, Any], fields: Sequence[str]) -> dict[str, str]:
    """The first values of a row, as they were understood."""
    return {name: "" if lead.get(name) is None else str(lead[name])[:SHOWN_CELL] for name in fields}
