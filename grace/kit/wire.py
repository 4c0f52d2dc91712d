"""Statements of a transaction, as few round trips as they need: BEGIN travels with the first, COMMIT with the last, and
what nobody waits for with the next.

A statement costs its client more than an insert costs the server, and most of that is the trip. psycopg's own pipeline
mode waits once more than it saves, so this speaks libpq's directly: each statement is prepared once per connection, by
name. What fails is raised as ever, and then nothing behind it was done.
"""

import itertools
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from psycopg import AsyncConnection, AsyncTransaction, errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.rows import TupleRow

T = TypeVar("T")
PREPARED_MOST = 200
_NAMED = re.compile(r"%(?:\((\w+)\)s|%)")


class Connection(AsyncConnection[TupleRow]):
    """A pooled connection that knows what was prepared on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.names = itertools.count()

    async def rollback(self) -> None:
        """Roll back."""
        self._forget()
        await super().rollback()

    @asynccontextmanager
    async def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> AsyncIterator[AsyncTransaction]:
        """A transaction, or a savepoint in one."""
        async with super().transaction(savepoint_name, force_rollback) as transaction:
            try:
                yield transaction
            except BaseException:
                self._forget()
                raise

    def _forget(self) -> None:
        """psycopg deallocates all of the session at a rollback, when it has prepared something itself."""
        if self._prepared._names:
            self.prepared.clear()


def array(values: Iterable[str | int | None]) -> str:
    """Values as the text of an array, for `%(name)s::text[]`: psycopg writes a list at ten times the cost."""
    return f"{{{','.join('NULL' if value is None else _element(value) for value in values)}}}"


def _element(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Statement(NamedTuple):
    """A statement with its values, `%(name)s` in the text."""

    query: str
    params: Mapping[str, Any]


class Result:
    """What came of a statement; `rows` reads it."""

    def __init__(self, connection: Connection, result: pq.abc.PGresult) -> None:
        self._connection = connection
        self._result = result

    @property
    def touched(self) -> int:
        """The number of rows read or written."""
        return self._result.command_tuples or 0

    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple((self._result.fname(number) or b"").decode() for number in range(self._result.nfields))

    def rows(self, make: Callable[[Sequence[Any]], T], *, most: int | None = None) -> list[T]:
        """The rows, each made of its values."""
        transformer = Transformer(self._connection)
        transformer.set_pgresult(self._result)
        count = self._result.ntuples if most is None else min(most, self._result.ntuples)
        return transformer.load_rows(0, count, make)


async def trip(
    connection: Connection, statements: Sequence[Statement], *, begin: bool = False, commit: bool = False
) -> list[Result]:
    """Run statements in one round trip; what came of each. The first that fails is raised, and ends the trip."""
    ready = [_ready(connection, statement) for statement in statements]
    async with connection.lock:
        answered = await connection.wait(_run(connection, ready, begin=begin, commit=commit))
    for result in answered:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, encoding=connection.info.encoding)
    first = 1 if begin else 0
    return [Result(connection, result) for result in answered[first : first + len(statements)]]


_Key = tuple[bytes, tuple[int, ...]]
"""The text of a statement and the types of its values."""
_Ready = tuple[_Key, Sequence[Any], Sequence[pq.Format] | None]
"""A statement as it is sent."""


def _ready(connection: Connection, statement: Statement) -> _Ready:
    text, names = _numbered(statement.query)
    transformer = Transformer(connection)
    values = transformer.dump_sequence([statement.params[name] for name in names], [PyFormat.AUTO] * len(names))
    return (text, tuple(transformer.types or ())), values, transformer.formats


def _run(
    connection: Connection, ready: Sequence[_Ready], *, begin: bool, commit: bool
) -> Generator[Any, Any, list[pq.abc.PGresult]]:
    """Send everything, then read what comes: one answer for BEGIN, each statement and COMMIT, or an error."""
    pgconn, prepared = connection.pgconn, connection.prepared
    sent: list[
        Callable[[], object] | None
    ] = []  # for what is not answered by itself: how to undo that we think it done
    pgconn.enter_pipeline_mode()
    if begin:
        pgconn.send_query_params(b"begin", None)
        sent.append(None)
    for key, values, formats in ready:
        name = prepared.pop(key, None)
        if name is None:
            if len(prepared) >= PREPARED_MOST:
                oldest = next(iter(prepared))
                old = prepared.pop(oldest)
                pgconn.send_query_params(b"deallocate " + old, None)
                sent.append(partial(prepared.setdefault, oldest, old))
            name = f"grace_{next(connection.names)}".encode()
            pgconn.send_prepare(name, *key)
            sent.append(partial(prepared.pop, key, None))
        prepared[key] = name  # the last one used is the last one to go
        pgconn.send_query_prepared(name, values, formats)
        sent.append(None)
    if commit:
        pgconn.send_query_params(b"commit", None)
        sent.append(None)
    pgconn.pipeline_sync()
    yield from send(pgconn)
    answered: list[pq.abc.PGresult] = []
    try:
        for undo in sent:
            results = yield from fetch_many(pgconn)
            if undo is None or results[0].status == pq.ExecStatus.FATAL_ERROR:
                answered += results
            if undo is not None and results[0].status != pq.ExecStatus.COMMAND_OK:
                undo()
        yield from fetch_many(pgconn)  # that all was read
        pgconn.exit_pipeline_mode()
    except errors.OperationalError:
        if not any(result.status == pq.ExecStatus.FATAL_ERROR for result in answered):
            raise
        # The server said why before it hung up: that is raised.
    return answered


@lru_cache(maxsize=1024)
def _numbered(query: str) -> tuple[bytes, tuple[str, ...]]:
    """The query with `$1` for each named parameter, and the names in that order. `%%` is a percent sign where there are
    parameters, as in psycopg."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    text = _NAMED.sub(number, query)
    return (text if numbers else query).encode(), tuple(numbers)
