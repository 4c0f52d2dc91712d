"""What `grace import leads` shows: its mapping, a progress bar, a summary."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from grace.app.importing import Progress as Told
from grace.app.importing import Reading, Summary
from grace.kit.exports import Export

REASONS = 10
_screen = Console(stderr=True, highlight=False)


def announce(export: Export, reading: Reading) -> None:
    """Which column becomes which field, before anything is read."""
    if export.note:
        _screen.print(export.note, markup=False)
    table = Table("Field", "Column", box=None, pad_edge=False)
    for name, column in reading.columns.items():
        table.add_row(name, column)
    _screen.print(table)
    rest = [name for name in export.columns if name not in reading.columns.values()]
    if rest:
        does = "Kept as metadata" if reading.keep_rest else "Left out (--keep-rest keeps them)"
        _screen.print(f"{does}: {', '.join(rest)}", markup=False)


@contextmanager
def bar(export: Export) -> Iterator[Told]:
    """A bar by bytes, with the rows and their speed; on the terminal only."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(),
        TextColumn("{task.fields[rows]} rows, {task.fields[speed]:.0f}/s"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=_screen, disable=not _screen.is_terminal) as progress:
        task = progress.add_task(export.path.name, total=export.size, rows=0, speed=0.0)
        began = time.monotonic()

        def tell(read: int, rows: int) -> None:
            speed = rows / max(time.monotonic() - began, 0.001)
            progress.update(task, completed=read, rows=rows, speed=speed)

        yield tell


def summary(done: Summary, *, dry: bool) -> str:
    """What came of the rows, in sentences."""
    lines = [
        f"{done.rows} rows{' would be' if dry else ''}: {done.created} created with a new client,"
        f" {done.merged} merged into known clients, {done.known} known already, {done.rejected} rejected."
    ]
    lines += [f"  {count} × {reason}" for reason, count in done.reasons.most_common(REASONS)]
    if done.rejected_file is not None:
        lines.append(f"The rejected rows are in {done.rejected_file}.")
    return "\n".join(lines)


def as_object(done: Summary, *, dry: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "dry_run": dry,
        "rows": done.rows,
        "created": done.created,
        "merged": done.merged,
        "known": done.known,
        "rejected": done.rejected,
        "reasons": dict(done.reasons.most_common(REASONS)),
        "rejected_file": str(done.rejected_file) if done.rejected_file else None,
    }
