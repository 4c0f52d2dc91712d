"""Migrations: in one order, applied once, never changed; and what the application's role may not do."""

from pathlib import Path

import psycopg
import pytest

from grace.kit.migrations import FOLDER, MigrationChanged, migrate
from grace.kit.workspace import APP_ROLE
from tests.fixtures.workspace import WorkspaceUnderTest

APPEND_ONLY = ("fact", "audit_entry", "ledger_posting", "ledger_entry", "inbox", "lead_move")


def test_the_files_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted(FOLDER.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_second_run_changes_nothing(workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        assert await migrate(owner) == []


async def test_a_file_that_was_applied_is_never_changed(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text() + ("-- changed" if path.name.startswith("0003") else ""))
    async with workspace.workspaces.owner(workspace.handle) as owner:
        with pytest.raises(MigrationChanged, match="0003"):
            await migrate(owner, folder=tmp_path)


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_the_application_cannot_rewrite_history(workspace: WorkspaceUnderTest, table: str) -> None:
    async with workspace.tx() as tx:
        for privilege in ("update", "delete", "truncate", "trigger"):
            may = await tx.value("select has_table_privilege(%(t)s, %(p)s)", t=table, p=privilege)
            assert not may, f"{APP_ROLE} may {privilege} {table}"


@pytest.mark.parametrize("statement", ["create table mine ()", "alter table client add mine int", "drop table lead"])
async def test_the_application_cannot_change_the_schema(workspace: WorkspaceUnderTest, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with workspace.tx() as tx:
            await tx.execute(statement)


async def test_every_table_is_within_reach_of_somebody(workspace: WorkspaceUnderTest) -> None:
    """A migration that forgets its grants is found here, not in production."""
    async with workspace.tx() as tx:
        hidden = await tx.all(
            str,
            "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and not has_table_privilege(oid, 'select') order by 1",
        )
    assert hidden == ["migration"]
