"""A second, younger PostgreSQL, and ways to back up and restore."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from grace.app.backup.making import back_up
from grace.app.backup.restoring import HIDDEN, Restored, restore
from grace.app.postgres import server
from grace.kit.settings import Settings
from grace.kit.workspace import Workspaces
from tests.fixtures.postgres import postgres_major
from tests.fixtures.workspace import MASTER_KEY, WorkspaceUnderTest

Restore = Callable[..., Awaitable[WorkspaceUnderTest]]


AGE = 20_000
"""Transactions by which the server of the run is older at least."""


@pytest.fixture(scope="session")
def other_server(postgres_server: str) -> Iterator[str]:
    """A fresh server, whose transaction ids are far below those of the server of the run."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"do $$ begin for i in 1..{AGE} loop perform pg_current_xact_id(); commit; end loop; end $$")
    data_dir = Path(tempfile.mkdtemp(prefix="grace-second-"))
    try:
        yield server.start(data_dir, major=postgres_major(), durable=False).dsn
    finally:
        server.discard(data_dir)
        shutil.rmtree(data_dir)


@pytest.fixture
async def elsewhere(other_server: str) -> AsyncIterator[Workspaces]:
    """An installation with the same master key on the other server; empty before and after."""
    installation = Workspaces(other_server, master_key=MASTER_KEY)
    for handle in await installation.handles():
        await installation.drop(handle)
    yield installation
    for handle in await installation.handles():
        await installation.drop(handle)
    await installation.close()


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Where the signed heads are kept outside the database."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


async def made(workspace: WorkspaceUnderTest, target: Path) -> Path:
    """A backup of it."""
    path, _ = await back_up(workspace.workspaces, workspace.handle, target, tell=lambda *_: None)
    return path


async def restored(
    path: Path, on: Workspaces, settings: Settings, checkpoints: Path, **how: Any
) -> tuple[WorkspaceUnderTest, Restored]:
    """The workspace that a backup becomes."""
    done = await restore(on, path, checkpoints=checkpoints, tell=lambda *_: None, **{"handle": None, **how})
    return WorkspaceUnderTest(done.handle, on, settings), done


async def databases(installation: Workspaces) -> list[str]:
    """Also those that are no workspace yet."""
    async with installation.server() as connection:
        cursor = await connection.execute(
            "select datname from pg_database where starts_with(datname, 'grace_') or starts_with(datname, %s)", [HIDDEN]
        )
        return [row[0] for row in await cursor.fetchall()]
