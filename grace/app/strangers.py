"""What Grace hands to somebody who does not trust it: the whole log as a file, receipts, and the verifier's program."""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from grace.flows.receipts.service import make_receipt
from grace.kit import json
from grace.kit.errors import Invalid
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import service
from grace.trust.audit.exporting import Exported, export, wait_until_sealed

_HERE = Path(__file__).resolve()
VERIFIER = next(f for f in (_HERE.parents[2] / "docs" / "verify.py", _HERE.parents[1] / "verify.py") if f.is_file())
"""The stand-alone program; an installed package carries it at its top."""
_FAST = 1  # most of a log does not compress: hashes and salts
Told = Callable[[int, int], None]


async def export_log(workspaces: Workspaces, handle: str, path: Path, *, told: Told) -> Exported:
    """Write the log to a file, gzipped if its name says so. The file appears when it is whole; it may hold personal
    data, so only its owner can read it. That the log leaves the house is recorded first, and stands in the file if a
    worker seals it in time: then no checkpoint is newer than the file only because the file was made."""
    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        service.record(tx, action="export_audit_log", subject=("workspace", handle), after={"file": path.name})
    async with workspaces.owner(handle) as connection:
        await wait_until_sealed(connection, handle)
        with _appearing(path) as file:
            return await export(connection, file.write, told=told)


async def receipt(workspaces: Workspaces, handle: str, noun_id: str, *, since: int | None) -> str:
    """A receipt as the text of a file."""
    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        return json.dumps(await make_receipt(tx, noun_id, since=since)) + "\n"


async def _known(workspaces: Workspaces, handle: str) -> str:
    if handle not in await workspaces.handles():
        raise Invalid(f"There is no workspace {handle!r}. `grace workspace list` shows which there are.")
    return handle


def keep(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it appears when it is whole."""
    with _appearing(path) as file:
        file.write(text.encode())


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(path.stem, "wb", _FAST, raw) as file:
                    yield cast(BinaryIO, file)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def bar(path: Path) -> Iterator[Told]:
    """A bar by entries, with their speed; on the terminal only."""
    screen = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.completed} entries, {task.fields[speed]:.0f}/s"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
        task = progress.add_task(path.name, total=None, speed=0.0)
        began = time.monotonic()

        def tell(done: int, size: int) -> None:
            progress.update(task, completed=done, total=size, speed=done / max(time.monotonic() - began, 0.001))

        yield tell
