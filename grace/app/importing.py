"""What `grace import leads` does: an export's rows into a workspace, at most 500 a transaction."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from grace.domains.crm.service.importing import Outcome, import_leads
from grace.flows.win_work.importing import (
    Batch,
    Reading,
    Seen,
    Tally,
    batches,
    reading_of,
    rehearsal,
    rehearse,
    settled,
    write_refused,
)
from grace.kit.errors import Invalid
from grace.kit.exports import Export
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces

__all__ = ["Reading", "Summary", "reading_of", "rejected_path", "run"]

Progress = Callable[[int, int], None]
"""Told the bytes read and the rows seen."""


@dataclass(slots=True)
class Summary(Tally):
    """What came of the rows, and the file of those that were rejected."""

    rejected_file: Path | None = field(default=None)


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
    summary, file = Summary(), None
    with rehearsal() as seen, ExitStack() as opened:
        for batch in batches(export, reading, currency=currency):
            write = partial(_write, workspaces, handle, batch, seen if dry else None)
            outcomes = await settled(write) if batch.leads else []
            if batch.refused:
                header = file is None
                file = file or opened.enter_context(_made(rejected))
                write_refused(file, export, batch.refused, header=header)
                summary.rejected_file = rejected
            summary.count(outcomes, batch.refused)
            progress(batch.read, batch.end)
    progress(export.size, summary.rows)
    return summary


def _made(path: Path) -> TextIO:
    return path.open("w", newline="", encoding="utf-8")


async def _write(workspaces: Workspaces, handle: str, batch: Batch, seen: Seen | None) -> list[Outcome]:
    async with transaction(workspaces, handle) as tx:
        return await (import_leads(tx, batch.leads) if seen is None else rehearse(tx, batch.leads, seen))


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
