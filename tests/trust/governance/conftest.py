"""A workspace with people in it (temporary harness)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from grace.kit.ids import new_id
from grace.kit.tx import SYSTEM, Principal, Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.governance.service import policy
from tests.trust.governance import sample
from tests.trust.governance.office import Office

TMP = """
create table workspace (handle text, kind text, name text, currency text, clock_offset interval);
grant select on workspace to grace_app;
create table fact (id bigint generated always as identity, kind text, topic text, subject text, version bigint, data jsonb, at timestamptz, request_id text, principal text);
grant select, insert on fact to grace_app;
create table tmp_member (id text primary key, kind text, name text, roles text[], parliament bool, active bool, owner text);
grant all on tmp_member to grace_app;
"""
numbers = count()


async def make(handle_prefix: str) -> AsyncIterator[Office]:
    dsn = os.environ["GRACE_TEST_DATABASE_URL"]
    w = Workspaces(dsn, master_key=b"x" * 32)
    handle = f"g{os.getpid()}x{next(numbers)}"
    await w.create_database(handle)
    async with w.owner(handle) as c:
        await c.execute(TMP)
        await c.execute("insert into workspace values (%s, 'test', 'T', 'USD', '0')", [handle])
        root = Path(__file__).parents[3] / "migrations"
        for f in ("0004_audit.sql", "0005_governance.sql"):
            await c.execute((root / f).read_text())
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
