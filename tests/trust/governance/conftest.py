"""A workspace with people in it (temporary harness)."""

import os
from collections.abc import AsyncIterator
from itertools import count

import pytest

from grace.kit.migrations import migrate
from grace.kit.workspace import Workspaces
from tests.trust.governance import sample
from tests.trust.governance.office import Office

TMP = """
create table tmp_member (id text primary key, kind text, name text, roles text[],
 parliament bool, active bool, owner text);
grant all on tmp_member to grace_app;
"""
numbers = count()


async def make(handle_prefix: str) -> AsyncIterator[Office]:
    dsn = os.environ["GRACE_TEST_DATABASE_URL"]
    w = Workspaces(dsn, master_key=b"x" * 32)
    handle = f"g{os.getpid()}x{next(numbers)}"
    await w.create_database(handle)
    async with w.owner(handle) as c:
        await migrate(c)
        await c.execute(TMP)
        await c.execute(
            "insert into workspace (handle, kind, name, currency) values (%s, 'test', 'T', 'USD')", [handle]
        )
        await c.execute(sample.TABLES)
    office = Office(w, handle)
    async with office.tx() as tx:
        await sample.activate(tx)
    yield office
    await w.drop(handle)
    await w.close()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async for o in make("a"):
        yield o


@pytest.fixture
async def other_office() -> AsyncIterator[Office]:
    async for o in make("b"):
        yield o
