"""Grace on a server where its login may not do everything: no superuser, no other databases, no roles."""

from typing import Any

import psycopg
import pytest

from grace.app import wiring
from grace.app.checks import check_books, verify_log
from grace.app.installation import create_workspace, migrate_all
from grace.kit.errors import Conflict
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import service as audit
from tests.fixtures.logins import Login
from tests.fixtures.workspace import MASTER_KEY
from tests.trust.ledger.books import book, receivable, revenue, transfer


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
