"""What `grace backup` and `grace restore` show: how far they are, and what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from grace.app.backup.archive import Archive
from grace.app.backup.making import Tell
from grace.app.backup.restoring import Restored

_screen = Console(stderr=True, highlight=False)


@contextmanager
def progress() -> Iterator[Tell]:
    """One bar, which says what is being done; on the terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_screen, disable=not _screen.is_terminal) as shown:
        task = shown.add_task("Starting", total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            shown.update(task, description=what, completed=done, total=total)

        yield tell


def of_archive(archive: Archive) -> dict[str, Any]:
    """What a file says about itself; it was found whole."""
    said = archive.manifest
    archive.close()
    return {
        "ok": True,
        **{name: said.get(name) for name in ("handle", "kind", "made_at", "grace", "postgres", "audit")},
        "lines": [
            f"Whole: workspace {said.get('handle')} ({said.get('kind')}), made at {said.get('made_at')} by Grace"
            f" {said.get('grace')} on PostgreSQL {said.get('postgres')}.",
            "Whether it is what the workspace's keys vouch for, only a restore says.",
        ],
    }


def of_restored(done: Restored) -> dict[str, Any]:
    """What was restored and what was proven."""
    said = done.manifest
    lines = [
        f"Workspace {done.handle} is as it was at {said['made_at']}.",
        f"Its log of {done.size} sealed entries ends in the checkpoint that the backup names, root"
        f" {said['audit']['root']}; every table has the rows that were counted, and the books balance.",
    ]
    if done.findings:
        lines[1] = f"Its log of {done.size} sealed entries and its books were not right when they were backed up:"
        lines += done.findings
    if done.renumbered:
        lines.append("It came from a server that had counted more transactions; its watermarks were set anew.")
    if done.migrated:
        lines.append(f"Its schema was brought up to this version: {', '.join(done.migrated)}.")
    if done.lost_after is not None:
        lines.append(
            f"The checkpoints kept outside go on to {done.lost_after} entries: what happened after the backup is lost."
            f" They are kept in {done.set_aside}."
        )
    if done.handle != said["handle"]:
        lines.append(
            f"It has another name than {said['handle']}: API keys and sessions of that one do not open it; `grace"
            f" bootstrap --workspace {done.handle} --email … --new-key` lets its owner in. Give it provider keys of its"
            " own before a worker runs if the original still works."
        )
    return {
        "ok": True,
        "workspace": done.handle,
        "made_at": said["made_at"],
        "size": done.size,
        "root": said["audit"]["root"],
        "findings": done.findings,
        "migrated": done.migrated,
        "renumbered": done.renumbered,
        "lost_after": done.lost_after,
        "lines": lines,
    }
