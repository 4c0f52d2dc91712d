"""One request or job is one transaction: `Tx` is what every verb and question receives."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, class_row, dict_row, scalar_row
from psycopg.types.json import set_json_loads

from grace.kit import json
from grace.kit.facts import Fact
from grace.kit.keys import Keys
from grace.kit.workspace import Kind, Workspace, Workspaces

set_json_loads(json.loads)  # a number comes back from jsonb with the digits it went in with

T = TypeVar("T")
Item = TypeVar("Item")
PrincipalKind = Literal["user", "agent", "system", "client"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `owner` is the user that an agent acts for; `scopes` limit an API key (empty: none).

    `authenticated_at` is when a person last gave proof (real time), None for keys.
    """

    kind: PrincipalKind
    id: str
    name: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    owner: str | None = None
    authenticated_at: datetime | None = None


SYSTEM = Principal("system", "system", "Grace", frozenset({"system"}), frozenset({"*"}))
ANONYMOUS = Principal("client", "anonymous", "A visitor")


class Tx:
    """A transaction in one workspace. Verbs read and write through it and never commit.

    `now` is business time, read once; `real_now` is the server's clock at the same moment.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        workspace: Workspace,
        keys: Keys,
        principal: Principal,
        request_id: str,
        real_now: datetime,
    ) -> None:
        self.connection = connection
        self.workspace = workspace
        self.keys = keys
        self.principal = principal
        self.request_id = request_id
        self.real_now = real_now
        self.now = real_now + workspace.clock_offset
        self.statements = 0
        self._at_commit: dict[Callable[[Tx, list[Any]], Awaitable[None]], list[Any]] = {}

    async def execute(self, query: str, /, **params: Any) -> int:
        """Run a statement; the number of rows it touched."""
        self.statements += 1
        cursor = await self.connection.execute(query, params or None)
        return int(cursor.rowcount)

    async def all(self, row: type[T], query: str, /, **params: Any) -> list[T]:
        """Every row, as `row`: a dataclass, `dict`, or the type of a single column."""
        self.statements += 1
        async with self.connection.cursor(row_factory=_factory(row)) as cursor:
            await cursor.execute(query, params or None)
            return list(await cursor.fetchall())

    async def first(self, row: type[T], query: str, /, **params: Any) -> T | None:
        """The first row or None."""
        self.statements += 1
        async with self.connection.cursor(row_factory=_factory(row)) as cursor:
            await cursor.execute(query, params or None)
            found: T | None = await cursor.fetchone()
            return found

    async def one(self, row: type[T], query: str, /, **params: Any) -> T:
        """The row that must be there; LookupError is a fault of the program."""
        found = await self.first(row, query, **params)
        if found is None:
            raise LookupError(f"no row for {row.__name__}")
        return found

    async def value(self, query: str, /, **params: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        self.statements += 1
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query, params or None)
            return await cursor.fetchone()

    def at_commit(self, flush: Callable[["Tx", list[Item]], Awaitable[None]], item: Item) -> None:
        """Collect items that `flush` writes in one statement just before the commit."""
        self._at_commit.setdefault(flush, []).append(item)

    def emit(self, fact: Fact) -> None:
        """Say that something happened; stored with the commit, reacted to after it."""
        self.at_commit(_store_facts, fact)

    async def flush(self) -> None:
        """Write what was collected. Called by whoever commits."""
        while self._at_commit:
            flush = next(iter(self._at_commit))
            await flush(self, self._at_commit.pop(flush))


async def begin(
    workspaces: Workspaces, connection: AsyncConnection, handle: str, principal: Principal, request_id: str
) -> Tx:
    """Start a transaction on a pooled connection and read the workspace's row."""
    async with connection.cursor() as cursor:
        await cursor.execute("select kind, name, currency, clock_offset, keys_of, clock_timestamp() from workspace")
        row: tuple[Kind, str, str, timedelta, str | None, datetime] | None = await cursor.fetchone()
    if row is None:
        raise LookupError(f"workspace {handle} has no row: its creation was interrupted; run grace migrate")
    kind, name, currency, offset, keys_of, now = row
    workspace = Workspace(handle, kind, name, currency, offset)
    tx = Tx(connection, workspace, workspaces.keys(keys_of or handle), principal, request_id, now.astimezone(UTC))
    tx.statements = 2
    return tx


@asynccontextmanager
async def transaction(
    workspaces: Workspaces, handle: str, *, principal: Principal = SYSTEM, request_id: str | None = None
) -> AsyncIterator[Tx]:
    """A whole transaction for jobs, reactions and commands: flushed and committed, or rolled back."""
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        tx = await begin(workspaces, connection, handle, principal, request_id or new_request_id())
        yield tx
        await tx.flush()


def new_request_id() -> str:
    """An opaque id that ties log lines, entries and answers of one request together."""
    return uuid4().hex


def _factory(row: type[T]) -> AsyncRowFactory[T]:
    if is_dataclass(row):
        return class_row(row)
    if row is dict:
        return dict_row  # type: ignore[return-value]
    return scalar_row


async def _store_facts(tx: Tx, facts: list[Fact]) -> None:
    rows = [fact.stored() for fact in facts]
    await tx.execute(
        "insert into fact (kind, topic, subject, version, data, at, request_id, principal)"
        " select kind, topic, subject, version, data::jsonb, %(at)s, %(request_id)s, %(principal)s from unnest("
        "%(kinds)s::text[], %(topics)s::text[], %(subjects)s::text[], %(versions)s::bigint[], %(data)s::text[])"
        " as f (kind, topic, subject, version, data)",
        kinds=[r.kind for r in rows],
        topics=[r.topic for r in rows],
        subjects=[r.subject for r in rows],
        versions=[r.version for r in rows],
        data=[r.data for r in rows],
        at=tx.now,
        request_id=tx.request_id,
        principal=tx.principal.id,
    )
