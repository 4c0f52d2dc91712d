"""One request or job is one transaction: `Tx` is what every verb and question receives."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar
from uuid import uuid4

from psycopg.types.json import set_json_loads

from grace.kit import json
from grace.kit.facts import Fact
from grace.kit.keys import Keys
from grace.kit.wire import Connection, Result, Statement, array, trip
from grace.kit.workspace import Workspace, Workspaces

set_json_loads(json.stored)  # a number comes back from jsonb with the digits it went in with

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


@dataclass(frozen=True, slots=True)
class Part:
    """SQL that shares a statement with others, so that it costs no round trip: data-modifying `name as (…)`.

    Its parameters have names of its own (`fact_at`, `audit_at`, …).
    """

    tables: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """A part of the statement that opens a transaction; `tx.opened` has the `columns` of its one row, or None."""

    part: Part
    table: str
    columns: tuple[str, ...]


class Later(Generic[T]):
    """What a statement answers that travels with the next one: there when that is back."""

    def __init__(self, row: type[T], statement: Statement) -> None:
        self.statement = statement
        self.result: Result | None = None
        self._row = row

    def one(self) -> T:
        """The row that must be there; LookupError is a fault of the program."""
        found = _first_of(self._row, self.result) if self.result else None
        if found is None:
            raise LookupError(f"no row for {self._row.__name__}")
        return found


class Tx:
    """A transaction in one workspace. Verbs read and write through it and never commit.

    `now` is business time, read once; `real_now` is the server's clock at the same moment.
    """

    def __init__(
        self,
        connection: Connection,
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
        self.opened: tuple[Any, ...] | None = None
        self._later: list[Later[Any]] = []
        self._at_commit: dict[Callable[[Tx, list[Any]], Awaitable[Part | None]], list[Any]] = {}

    async def execute(self, query: str, /, **params: Any) -> int:
        """Run a statement; the number of rows it touched."""
        return (await self._run(query, params)).touched

    def later(self, query: str, /, **params: Any) -> None:
        """Run a statement whose answer nobody needs in the round trip of the next one, or of the commit: before it, and
        an error of it is raised there."""
        self.one_later(tuple, query, **params)

    def one_later(self, row: type[T], query: str, /, **params: Any) -> Later[T]:
        """The row, which must be there, of a statement that runs in the round trip of the next one, before it."""
        self.statements += 1
        self._later.append(Later(row, Statement(query, params)))
        return self._later[-1]

    async def all(self, row: type[T], query: str, /, **params: Any) -> list[T]:
        """Every row, as `row`: a dataclass, `dict`, or the type of a single column."""
        result = await self._run(query, params)
        return result.rows(_maker(row, result.columns))

    async def first(self, row: type[T], query: str, /, **params: Any) -> T | None:
        """The first row or None."""
        return _first_of(row, await self._run(query, params))

    async def one(self, row: type[T], query: str, /, **params: Any) -> T:
        """The row that must be there; LookupError is a fault of the program."""
        found = await self.first(row, query, **params)
        if found is None:
            raise LookupError(f"no row for {row.__name__}")
        return found

    async def value(self, query: str, /, **params: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        found = (await self._run(query, params)).rows(_first, most=1)
        return found[0] if found else None

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What fails in here is undone alone."""
        await self._send()
        async with self.connection.transaction():
            yield
            await self._send()

    async def _run(self, query: str, params: dict[str, Any]) -> Result:
        self.statements += 1
        return (await self._send(Statement(query, params)))[-1]

    async def _send(self, *statements: Statement, commit: bool = False) -> list[Result]:
        """What waits for the next round trip, then these, in one."""
        waiting, self._later = self._later, []
        sent = [*(each.statement for each in waiting), *statements]
        answers = await trip(self.connection, sent, commit=commit) if sent or commit else []
        for each, answer in zip(waiting, answers, strict=False):
            each.result = answer
        return answers

    def at_commit(self, flush: Callable[["Tx", list[Item]], Awaitable[Part | None]], item: Item) -> None:
        """Collect items that `flush` writes just before the commit: by itself, or in the statement of its part."""
        self._at_commit.setdefault(flush, []).append(item)

    def emit(self, fact: Fact) -> None:
        """Say that something happened; stored with the commit, reacted to after it."""
        self.at_commit(_store_facts, fact)

    async def flush(self) -> None:
        """Write what was collected so far, all parts in one statement."""
        parts = await self._parts()
        if parts:
            await self.execute(joined(parts), **params_of(parts))

    async def commit(self) -> None:
        """Write what was collected and commit, in one round trip. Called by the edge and by `transaction`."""
        parts = await self._parts()
        if parts:
            self.later(joined(parts), **params_of(parts))
        await self._send(commit=True)

    async def _parts(self) -> list[Part]:
        parts: list[Part] = []
        while self._at_commit:
            flush = next(iter(self._at_commit))
            part = await flush(self, self._at_commit.pop(flush))
            if part is not None:
                parts.append(part)
        return parts


async def begin(
    workspaces: Workspaces,
    connection: Connection,
    handle: str,
    principal: Principal,
    request_id: str,
    opening: Opening | None = None,
) -> Tx:
    """Start a transaction on a pooled connection and read the workspace's row, with what else opens it."""
    first = Statement(_OPEN, {})
    if opening is not None:
        first = Statement(_opening(opening.part.tables, opening.table, opening.columns), opening.part.params)
    [result] = await trip(connection, [first], begin=True)
    row = next(iter(result.rows(tuple, most=1)), None)
    if row is None:
        raise LookupError(f"workspace {handle} has no row: its creation was interrupted; run grace migrate")
    kind, name, currency, offset, time_zone, keys_of, now, *opened = row
    workspace = Workspace(handle, kind, name, currency, offset, time_zone)
    tx = Tx(connection, workspace, workspaces.keys(keys_of or handle), principal, request_id, now.astimezone(UTC))
    tx.opened = tuple(opened) if any(value is not None for value in opened) else None
    tx.statements = 2
    return tx


@asynccontextmanager
async def transaction(
    workspaces: Workspaces,
    handle: str,
    *,
    principal: Principal = SYSTEM,
    request_id: str | None = None,
    opening: Opening | None = None,
) -> AsyncIterator[Tx]:
    """A whole transaction for jobs, reactions and commands: flushed and committed, or rolled back."""
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        tx = await begin(workspaces, connection, handle, principal, request_id or new_request_id(), opening)
        yield tx
        await tx.commit()


_OPEN = "select w.kind, w.name, w.currency, w.clock_offset, w.time_zone, w.keys_of, clock_timestamp() from workspace w"


@lru_cache(maxsize=256)
def _opening(tables: str, table: str, columns: tuple[str, ...]) -> str:
    read = "".join(f", {table}.{column}" for column in columns)
    return f"with {tables} {_OPEN.replace(' from', f'{read} from')} left join {table} on true"


def joined(parts: Sequence[Part], query: str = "select") -> str:
    """A statement with what comes along in its WITH."""
    return f"with {', '.join(part.tables for part in parts)} {query}" if parts else query


def params_of(parts: Sequence[Part]) -> dict[str, Any]:
    """The values of what comes along."""
    return {name: value for part in parts for name, value in part.params.items()}


def new_request_id() -> str:
    """An opaque id that ties log lines, entries and answers of one request together."""
    return uuid4().hex


def _maker(row: type[T], columns: Callable[[], tuple[str, ...]]) -> Callable[[Sequence[Any]], T]:
    """How a row is made of its values."""
    if row is not dict and not is_dataclass(row):
        return _first
    names = columns()
    return lambda values: row(**dict(zip(names, values, strict=True)))


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _first_of(row: type[T], result: Result) -> T | None:
    found = result.rows(_maker(row, result.columns), most=1)
    return found[0] if found else None


async def _store_facts(tx: Tx, facts: list[Fact]) -> Part:
    rows = [fact.stored() for fact in facts]
    return Part(
        "fact_row as (insert into fact (kind, topic, subject, version, data, at, request_id, principal)"
        " select kind, topic, subject, version, data::jsonb, %(fact_at)s, %(fact_request)s, %(fact_principal)s"
        " from unnest(%(fact_kinds)s::text[], %(fact_topics)s::text[], %(fact_subjects)s::text[],"
        " %(fact_versions)s::bigint[], %(fact_data)s::text[]) as f (kind, topic, subject, version, data))",
        {
            "fact_kinds": array(r.kind for r in rows),
            "fact_topics": array(r.topic for r in rows),
            "fact_subjects": array(r.subject for r in rows),
            "fact_versions": array(r.version for r in rows),
            "fact_data": array(r.data for r in rows),
            "fact_at": tx.now,
            "fact_request": tx.request_id,
            "fact_principal": tx.principal.id,
        },
    )
