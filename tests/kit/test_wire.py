"""Several statements in one round trip, BEGIN and COMMIT among them: as safe as one by one, whatever fails and whatever
came before."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from grace.kit.tx import Part, Tx
from grace.kit.wire import PREPARED_MOST, Connection, Statement, array, trip
from tests.fixtures.workspace import WorkspaceUnderTest

INSERT = "insert into line (text, at) values (%(text)s, %(at)s)"


async def commit_with(connection: Connection, query: str, **params: Any) -> None:
    """A last statement and the commit."""
    await trip(connection, [Statement(query, params)], commit=True)


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
    await commit_with(connection, INSERT, text=text, at=at)


async def test_it_is_committed_when_it_returns(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    before = len(connection.prepared)  # whoever made the workspace may have used the connection
    for number in range(12):
        await insert(connection, f"{number:02}")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert len(await lines(workspace)) == number + 1
    assert len(connection.prepared) == before + 1, "prepared once, used twelve times"


async def test_a_statement_that_fails_commits_nothing(workspace: WorkspaceUnderTest, connection: Connection) -> None:
    await insert(connection, "a")
    await connection.execute("insert into line values ('b')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await commit_with(connection, INSERT, text="a", at=None)
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
    many = PREPARED_MOST + 20
    for number in [*range(many), 0, many - 1]:
        rows = await trip(connection, [Statement(f"select %(n)s::int -- {number}", {"n": number})])
        assert rows[0].rows(tuple) == [(number,)]
    assert len(connection.prepared) == PREPARED_MOST
    cursor = await connection.execute("select count(*) from pg_prepared_statements where name like 'grace%'")
    assert await cursor.fetchone() == (PREPARED_MOST,), "what was not used longest is gone from the server too"


async def test_what_is_not_reached_is_not_thought_prepared(connection: Connection) -> None:
    statements = [Statement(f"select {text}", {}) for text in ("1", "1/0", "3")]
    with pytest.raises(psycopg.errors.DivisionByZero):
        await trip(connection, statements, begin=True)
    await connection.rollback()
    for statement in (statements[0], statements[2]):
        [result] = await trip(connection, [statement])
        assert result.touched == 1
    with pytest.raises(psycopg.errors.SyntaxError):
        await trip(connection, [Statement("selec 1", {})])
    await connection.rollback()
    cursor = await connection.execute("select count(*) from pg_prepared_statements where name like 'grace%'")
    assert await cursor.fetchone() == (len(connection.prepared),)


async def test_what_nobody_waits_for_is_done_before_what_follows(workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("create table word (text text unique); grant select, insert, update on word to grace_app")
    async with workspace.tx() as tx:
        tx.later("insert into word values ('a%%'), (%(text)s)", text="b")
        tx.later("update word set text = text || text")
        assert await tx.all(str, "select text from word order by 1") == ["a%a%", "bb"]
        tx.later("insert into word values ('c')")
    async with workspace.tx() as tx:
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with tx.savepoint():
                tx.later("insert into word values ('c')")
        assert await tx.value("select count(*) from word where text = 'c'") == 1
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with workspace.tx() as tx:
            tx.later("insert into word values ('d')")
            tx.later("insert into word values ('c')")
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from word") == 3


async def test_what_is_read_later_is_there_with_the_answer_of_what_follows(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        first, none = tx.one_later(int, "select 1"), tx.one_later(int, "select 1 where false")
        with pytest.raises(LookupError):
            first.one()
        assert await tx.value("select 2") == 2
        assert first.one() == 1
        with pytest.raises(LookupError):
            none.one()


async def test_what_the_server_says_before_it_hangs_up_is_raised(
    workspace: WorkspaceUnderTest, connection: Connection
) -> None:
    [result] = await trip(connection, [Statement("select pg_backend_pid()", {})], begin=True)
    [(pid,)] = result.rows(tuple)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(psycopg.errors.AdminShutdown):
        await trip(connection, [], commit=True)
    async with workspace.tx() as tx:
        assert await tx.value("select 1") == 1


@pytest.mark.parametrize(
    "values", [[], ["", "a"], ['"', "\\", "{,}", "NULL", "null", " x ", "é", "a\nb"], [None, "a"], ["{", "}", '\\"']]
)
async def test_an_array_arrives_as_it_is(connection: Connection, values: list[str | None]) -> None:
    [result] = await trip(connection, [Statement("select %(a)s::text[]", {"a": array(values)})])
    assert result.rows(tuple) == [(values,)]
    [result] = await trip(connection, [Statement("select %(a)s::bigint[]", {"a": array([1, None, -(2**63)])})])
    assert result.rows(tuple) == [([1, None, -(2**63)],)]


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
