"""Backing up and restoring with logins that may not do everything: no roles, or only one database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from grace.app import wiring
from grace.app.backup.errors import Refused
from grace.app.checks import check_books, verify_log
from grace.app.installation import create_workspace
from grace.kit.errors import Conflict
from grace.kit.settings import Settings
from grace.kit.workspace import Workspaces
from grace.trust.identity.service.bootstrap import bootstrap
from tests.app.backup.conftest import made, restored
from tests.app.backup.test_backup import api_of, paid_invoice, seal
from tests.fixtures.logins import Login, logins
from tests.fixtures.workspace import MASTER_KEY, WorkspaceUnderTest

ONE_DATABASE = "nosuperuser nocreatedb nocreaterole"
NO_ROLES = "nosuperuser createdb nocreaterole"
NO_SUPERUSER = "nosuperuser createdb createrole"


@pytest.fixture
async def login_elsewhere(other_server: str, elsewhere: Workspaces) -> AsyncIterator[Login]:
    """The same on the other server, where the role `grace_app` is there already, of somebody else."""
    await elsewhere.create_database("bootstrap")
    await elsewhere.drop("bootstrap")
    async with logins(other_server) as make:
        yield make


@asynccontextmanager
async def installation_of(dsn: str) -> AsyncIterator[Workspaces]:
    """What a login sees, with the master key of all."""
    found = Workspaces(dsn, master_key=MASTER_KEY)
    yield found
    await found.close()


@asynccontextmanager
async def busy(
    installation: Workspaces, settings: Settings, handle: str
) -> AsyncIterator[tuple[WorkspaceUnderTest, str | None]]:
    """A workspace in which something was paid and sealed, with its owner's key; dropped afterwards."""
    await create_workspace(installation, handle, kind="test", prepare=wiring.PREPARE)
    workspace = WorkspaceUnderTest(handle, installation, settings)
    try:
        async with workspace.tx() as tx:
            owner = await bootstrap(tx, email="owner@example.com", name="Olive Owner")
        async with api_of(workspace, owner.api_key) as api:
            await paid_invoice(api, "250.00", "before")
        await workspace.drain()
        await seal(workspace)
        yield workspace, owner.api_key
    finally:
        with suppress(Conflict):  # the only database that there can be goes with its login
            await installation.drop(handle)


async def goes_on(workspace: WorkspaceUnderTest, key: str | None) -> None:
    """It takes money, keeps its log, and refuses what it must."""
    async with api_of(workspace, key) as api:
        await paid_invoice(api, "50.00", "after")
        await workspace.drain()
        client = (await api.get("/api/v1/clients/client_abc")).json()
        assert client["lifetime_value"] == 300, client
    assert await seal(workspace) > 0
    for check in (
        await check_books(workspace.workspaces, workspace.handle),
        await verify_log(workspace.workspaces, workspace.handle, outside=None),
    ):
        assert check["ok"], check
    with pytest.raises(psycopg.Error):
        async with workspace.tx() as tx:
            await tx.execute("update ledger_entry set amount_minor = 1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, NO_ROLES),
        (None, NO_SUPERUSER),
        (NO_ROLES, NO_ROLES),
        (ONE_DATABASE, NO_ROLES),
        (ONE_DATABASE, None),
        (NO_SUPERUSER, NO_ROLES),
    ],
)
async def test_what_one_login_backed_up_another_restores(
    postgres_server: str,
    other_server: str,
    login: Login,
    login_elsewhere: Login,
    settings: Settings,
    tmp_path: Path,
    checkpoints: Path,
    before: str | None,
    after: str | None,
) -> None:
    only = {"database": "only_backed_up"} if before == ONE_DATABASE else {}
    async with (
        installation_of(await login(before, **only) if before else postgres_server) as here,
        installation_of(await login_elsewhere(after) if after else other_server) as there,
        busy(here, settings, "moving") as (workspace, key),
    ):
        path = await made(workspace, tmp_path)
        copy, done = await restored(path, there, settings, checkpoints)
        assert (done.findings, done.renumbered) == ([], True)
        assert await there.app_role_exists() is (after is None)
        await goes_on(copy, key)
        await there.forget(copy.handle)


async def test_a_login_with_one_database_is_told_how_to_restore_and_that_works(
    postgres_server: str, login: Login, settings: Settings, tmp_path: Path, checkpoints: Path
) -> None:
    dsn = await login(ONE_DATABASE, database="only_restoring")
    name = sql.Identifier(conninfo_to_dict(dsn)["user"])
    async with installation_of(dsn) as here, busy(here, settings, "staying") as (workspace, key):
        path = await made(workspace, tmp_path)
        with pytest.raises(Refused, match=r"ALTER ROLE … CREATEDB.* name grace_staying in GRACE_DATABASE_URL"):
            await restored(path, here, settings, checkpoints)
    async with await psycopg.AsyncConnection.connect(postgres_server, autocommit=True) as superuser:
        await superuser.execute(sql.SQL("alter role {} createdb").format(name))
        async with installation_of(dsn) as allowed:
            await restored(path, allowed, settings, checkpoints)
        await superuser.execute(sql.SQL("alter role {} nocreatedb").format(name))
    async with installation_of(make_conninfo(dsn, dbname="grace_staying")) as anew:
        assert await anew.handles() == ["staying"]
        await goes_on(WorkspaceUnderTest("staying", anew, settings), key)
