"""The last statement and COMMIT in one round trip: as safe as two, whatever fails and whatever came before."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from grace.kit.tx import Part, Tx
from grace.kit.wire import Connection, commit_with
from tests.fixtures.workspace import WorkspaceUnderTest

INSERT = "insert into line (text, at) values (%(text)s, %(at)s)"


@pytest.fixture
async def connection(workspace: WorkspaceUnderTest) -> AsyncIterator[Connection]:
    """A pooled connection, and a table whose rows must be of the other table when the transaction commits."""
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute(
            "create table known (at bigint primary key);"
            "create table line (text text unique, at bigint references known deferrable initially deferred);"
            "grant select, insert on line, known to grace_app"
        )
    pool = await workspace.workspaces.pool(workspace.handle)
    async with pool.connection() as pooled:
        yield pooled


async def lines(workspace: WorkspaceUnderTest) -> list[str]:
    """What was committed, as another connection sees it."""
    async with workspace.workspaces.owner(workspace.handle) as owner:
        cursor = await owner.execute("select text from line order by text")
        return [row[0] for row in await cursor.fetchall()]


async def insert(connection: Connection, text: str, at: Any = None) -> None:
    """A transaction of two statements, the last of them with its commit."""
    await connection.execute("select 1")
    await commit_with(connection, INSERT, {"text": text, "at": at})


async def test_it_is_committed_when_it_returns(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    for number in range(12):
        await insert(connection, f"{number:02}")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert len(await lines(workspace)) == number + 1
    assert len(connection.prepared) == 1, "prepared once, used twelve times"


async def test_a_statement_that_fails_commits_nothing(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    await insert(connection, "a")
    await connection.execute("insert into line values ('b')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await commit_with(connection, INSERT, {"text": "a", "at": None})
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    await connection.rollback()
    await insert(connection, "c")
    assert await lines(workspace) == ["a", "c"]


async def test_a_commit_that_fails_is_raised(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await insert(connection, "a", 7)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    await insert(connection, "b")
    assert await lines(workspace) == ["b"]


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("how", ["rollback", "savepoint"])
async def test_what_psycopg_deallocates_is_prepared_again(
    workspace: WorkspaceUnderTest, connection: Connection, how: str, prepared: bool
) -> None:
    await insert(connection, "a")
    if prepared:
        await connection.execute("select 2", prepare=True)
    if how == "rollback":
        await connection.execute("select 1")
        await connection.rollback()
    else:
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with connection.transaction():
                await connection.execute("select 1/0")
        await connection.rollback()
        with pytest.raises(LookupError):
            async with connection.transaction(), connection.transaction():
                raise LookupError
    await insert(connection, "b")
    assert await lines(workspace) == ["a", "b"]
    cursor = await connection.execute("select count(*) from pg_prepared_statements where name like 'grace%'")
    assert await cursor.fetchone() == (1,), "no statement is left behind"


async def test_a_value_may_be_of_another_type_each_time(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    await connection.execute("insert into known values (1), (100000), (10000000000)")
    await connection.commit()
    for at in (None, 1, 100_000, 10_000_000_000, None):
        await insert(connection, f"at {at} {len(await lines(workspace))}", at)
    assert len(await lines(workspace)) == 5


async def test_more_statements_than_are_kept(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    for number in range(120):
        await connection.execute("select 1")
        await commit_with(connection, f"{INSERT} -- {number}", {"text": f"{number:03}", "at": None})
    assert len(await lines(workspace)) == 120
    assert len(connection.prepared) == 100


async def test_one_that_is_cancelled_leaves_the_pool_whole(
    workspace: WorkspaceUnderTest, connection: Connection
) -> None:
    async def slow(tx: Tx, items: list[float]) -> Part:
        return Part(
            "slept as materialized (select pg_sleep(%(slept)s)),"
            " done as (insert into line (at) select null from slept)",
            {"slept": items[0]},
        )

    async def sleep(seconds: float) -> None:
        async with workspace.tx() as tx:
            tx.at_commit(slow, seconds)

    sleeping = asyncio.create_task(sleep(60))
    await asyncio.sleep(0.2)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    for _ in range(12):
        await sleep(0)
