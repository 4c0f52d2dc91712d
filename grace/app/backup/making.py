"""Making a backup: one snapshot of a workspace, also while it works."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from grace.app.backup import manifest
from grace.app.backup.archive import CHUNK, Writer, writing
from grace.app.backup.errors import Refused
from grace.app.backup.tools import running, tools_for
from grace.kit.workspace import Workspaces

Tell = Callable[[str, int, int | None], None]
"""What is being done, how much of it (bytes) is done, and of how much, where that is known."""
SUFFIX = ".gracebackup"


def name_of(handle: str) -> str:
    """A name for a file, which sorts by time."""
    return f"{handle}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


async def back_up(workspaces: Workspaces, handle: str, target: Path, *, tell: Tell) -> tuple[Path, dict[str, Any]]:
    """Write a backup to `target`, a folder or a new file; the file, and its manifest.

    Everything in it is of one moment: the dump and all figures read one snapshot, which blocks nobody. Refused when
    the workspace is not there, the file is, or no pg_dump fits.
    """
    if handle not in await workspaces.handles():
        raise Refused(f"There is no workspace {handle!r}. `grace workspace list` shows which there are.")
    path = await asyncio.to_thread(_file, target, handle)
    async with workspaces.owner(handle) as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        snapshot, major = await _snapshot(connection)
        tools = tools_for(major)
        with writing(path) as file, Writer(file) as writer:
            dump = ("--format=custom", f"--snapshot={snapshot}", "--lock-wait-timeout=60s", "--no-password")
            with writer.part(manifest.DATABASE) as write:
                async with running(tools, "pg_dump", workspaces.dsn(handle), *dump) as process:
                    assert process.stdout is not None
                    assert process.stdin is not None
                    process.stdin.close()
                    size = 0
                    while piece := await process.stdout.read(CHUNK):
                        await asyncio.to_thread(write, piece)
                        size += len(piece)
                        tell("Copying the database", size, None)
            tell("Counting", 0, None)
            said = await manifest.about(connection, dumped_with=tools.major)
            said |= await manifest.figures(connection) | {"parts": writer.parts}
            said = manifest.signed(said, workspaces.keys(said["keys_of"]))
            writer.close(said)
    return path, said


def _file(target: Path, handle: str) -> Path:
    return target / name_of(handle) if target.is_dir() else target


async def _snapshot(connection: AsyncConnection) -> tuple[str, int]:
    cursor = await connection.execute("select pg_export_snapshot(), current_setting('server_version_num')::int / 10000")
    snapshot, major = await cursor.fetchone() or ("", 0)
    return snapshot, major
