"""Grace on a server where its login may not do everything: no superuser, no other databases, no roles."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from grace.app import wiring
from grace.app.checks import check_books, verify_log
from grace.app.installation import create_workspace, migrate_all
from grace.kit.errors import Conflict
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import service as audit
from tests.fixtures.workspace import MASTER_KEY
from tests.trust.ledger.books import book, receivable, revenue, transfer

Login = Callable[..., Awaitable[str]]


@pytest.fixture
async def login(postgres_server: str, workspaces: Workspaces) -> AsyncIterator[Login]:
    """Make a login with these attributes and, if it is named, a database that it owns; its conninfo."""
    made: list[str] = []

    async def make(attributes: str, database: str | None = None) -> str:
        name, password = f"login_{secrets.token_hex(4)}", secrets.token_hex(8)
        made.append(name)
        async with await psycopg.AsyncConnection.connect(postgres_server, autocommit=True) as superuser:
            await superuser.execute(
                sql.SQL("create role {} login {} password {}").format(
                    sql.Identifier(name), sql.SQL(attributes), sql.Literal(password)
                )
            )
            if database is not None:
                await superuser.execute(
                    sql.SQL("create database {} owner {} template template0").format(
                        sql.Identifier(database), sql.Identifier(name)
                    )
                )
        where = {"dbname": database} if database is not None else {}
        return make_conninfo(postgres_server, user=name, password=password, **where)

    yield make
    async with await psycopg.AsyncConnection.connect(postgres_server, autocommit=True) as superuser:
        for name in made:
            owned = await superuser.execute(
                "select datname from pg_database d join pg_roles r on r.oid = d.datdba where rolname = %s", [name]
            )
            for (found,) in await owned.fetchall():
                await superuser.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(found)))
            await superuser.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


async def _works(installation: Workspaces, handle: str) -> dict[str, Any]:
    """A workspace is made, books and logs, refuses what it must, and proves itself."""
    assert await create_workspace(installation, handle, kind="test", prepare=wiring.PREPARE) is True
    assert await create_workspace(installation, handle, kind="test", prepare=wiring.PREPARE) is False
    assert handle in await installation.handles()
    assert (await migrate_all(installation))[handle] == []
    async with transaction(installation, handle) as tx:
        await book(tx, "a", transfer(receivable(), revenue(), 500))
        audit.record(tx, action="x", subject=("client", "cust_1"), after={"name": "Ada"})
    async with transaction(installation, handle) as tx:
        await tx.value("select ledger_roll()")
        assert await audit.erase_payload(tx, subject=("client", "cust_1")) == 1
    for refused in (
        "update ledger_entry set amount_minor = 1",
        "insert into ledger_posting (reference, kind, event_at) values ('b', 'x', now())",
        "delete from audit_payload",
        "truncate fact, reaction",
    ):
        with pytest.raises(psycopg.Error):
            async with transaction(installation, handle) as tx:
                await tx.execute(refused)
    report = await verify_log(installation, handle, outside=None)
    assert report["ok"], report
    return await check_books(installation, handle)


async def test_a_login_that_may_only_make_databases(login: Login) -> None:
    installation = Workspaces(await login("createdb nosuperuser nocreaterole"), master_key=MASTER_KEY)
    try:
        found = await _works(installation, "plainly")
        assert not await installation.app_role_exists()
        assert found["findings"] == ["documents and postings match: a: is in the ledger, but no document asks for it"]
    finally:
        await installation.close()


async def test_a_login_that_owns_one_database(login: Login) -> None:
    dsn = await login("nocreatedb nosuperuser nocreaterole", "only_shop")
    installation, again = Workspaces(dsn, master_key=MASTER_KEY), Workspaces(dsn, master_key=MASTER_KEY)
    try:
        await _works(installation, "shop")
        async with transaction(again, "shop") as tx:
            assert await tx.value("select current_database()") == "only_shop"
        with pytest.raises(Conflict, match="only_shop is the workspace shop"):
            await create_workspace(again, "second", kind="test")
    finally:
        await installation.close()
        await again.close()


async def test_a_login_that_may_make_roles_but_is_no_superuser(login: Login) -> None:
    installation = Workspaces(await login("createdb nosuperuser createrole"), master_key=MASTER_KEY)
    try:
        await _works(installation, "roles")
    finally:
        await installation.close()
