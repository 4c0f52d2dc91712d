"""Migrations: in one order, applied once, never changed; and what the application's role may not do."""

from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from grace.kit.migrations import FOLDER, MigrationChanged, migrate
from grace.kit.workspace import APP_ROLE
from tests.fixtures.workspace import WorkspaceUnderTest

APPEND_ONLY = ("fact", "audit_entry", "ledger_posting", "ledger_entry", "inbox", "lead_move")
FIRST_TEXTS = {
    "0003_ledger.sql": [
        ("pg_temp, ledger_writes", "pg_temp set ledger.writes = 'on'"),
        (
            "current_setting('search_path') <> 'pg_catalog, public, pg_temp set ledger.writes = 'on''",
            "current_setting('ledger.writes', true) is distinct from 'on'",
        ),
        (
            "each names `ledger_writes`, which is no schema, last in its\n"
            "-- search path while it runs. A setting of our own could only be given to a function by a superuser.",
            "each sets this flag while it runs.",
        ),
    ],
    "0004_audit.sql": [
        (
            "set search_path = pg_catalog, public, pg_temp, erasing_payload",
            "set search_path = public, pg_temp set grace.erasing_payload = 'on'",
        ),
        (
            "current_setting('search_path') = 'pg_catalog, public, pg_temp, erasing_payload'",
            "current_setting('grace.erasing_payload', true) = 'on'",
        ),
        (
            " While it runs it names\n"
            "-- `erasing_payload`, which is no schema, in its search path: a setting of our own would need"
            " a superuser.",
            "",
        ),
    ],
}
"""What the first texts of these files said instead."""


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


async def test_a_database_of_the_first_texts_gets_the_same_functions(
    workspace: WorkspaceUnderTest, tmp_path: Path
) -> None:
    for path in FOLDER.glob("*.sql"):
        text = path.read_text()
        if path.name in FIRST_TEXTS:
            said, _, text = text.partition("\n")
            for now, then in FIRST_TEXTS[path.name]:
                assert now in text
                text = text.replace(now, then)
            assert said == f"-- replaces: {sha256(text.encode()).hexdigest()}"
        if path.name < "0018":
            (tmp_path / path.name).write_text(text)
    functions = """
        select string_agg(pg_get_functiondef(p.oid), ';' order by p.oid::regprocedure::text)
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.prokind = 'f'"""
    old = f"{workspace.handle}old"
    await workspace.workspaces.create_database(old)
    try:
        async with workspace.workspaces.owner(old) as owner:
            await migrate(owner, folder=tmp_path)
            before = await (await owner.execute(functions)).fetchone()
            assert "0018_for_any_login" in await migrate(owner)
            after = await (await owner.execute(functions)).fetchone()
            assert await migrate(owner) == []
        async with workspace.workspaces.owner(workspace.handle) as owner:
            assert await (await owner.execute(functions)).fetchone() == after != before
    finally:
        await workspace.workspaces.drop(old)


async def test_what_is_only_added_to_is_guarded_in_every_way(workspace: WorkspaceUnderTest) -> None:
    """By triggers too, which hold for the owner: what the application may insert and neither change nor delete."""
    async with workspace.tx() as tx:
        unguarded = await tx.all(
            str,
            """select c.relname || ' lacks a guard against ' || w.name from pg_class c
            cross join (values ('delete', 8), ('update', 16), ('truncate', 32)) w (name, bit)
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
                and (has_table_privilege('grace_app', c.oid, 'insert') or c.relname like any (%(read_only)s))
                and not has_table_privilege('grace_app', c.oid, 'update')
                and not has_table_privilege('grace_app', c.oid, 'delete')
                and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgtype & w.bit = w.bit
                    and not t.tgisinternal and t.tgenabled = 'O') order by 1""",
            read_only=["ledger\\_posting", "ledger\\_entry", "audit\\_leaf", "audit\\_node", "audit\\_checkpoint"],
        )
    assert unguarded == [], ", ".join(unguarded)


async def test_what_is_never_deleted_is_never_truncated(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        unguarded = await tx.all(
            str,
            """select distinct t.tgrelid::regclass::text from pg_trigger t join pg_proc p on p.oid = t.tgfoid
            where not t.tgisinternal and p.proname in ('refuse_change', 'ledger_refuse') and t.tgtype & 8 = 8
                and not exists (select from pg_trigger o where o.tgrelid = t.tgrelid and o.tgtype & 32 = 32)""",
        )
    assert unguarded == [], ", ".join(unguarded)
