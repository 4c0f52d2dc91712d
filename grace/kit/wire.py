"""The end of a transaction in one round trip: its last statement and COMMIT travel together.

psycopg's own pipeline mode waits twice and costs more than the round trip it saves, so this speaks libpq's directly:
the statement is prepared once per connection, by name, and sent with COMMIT behind it. What fails is raised as ever,
and then nothing was committed.
"""

import itertools
import re
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from psycopg import AsyncConnection, AsyncTransaction, errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.rows import TupleRow

_PREPARED_MOST = 100
_NAMED = re.compile(r"%\((\w+)\)s")


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


async def commit_with(connection: Connection, query: str, params: Mapping[str, Any]) -> None:
    """Run a last statement, whose answer nobody needs, and commit."""
    text, names = _numbered(query)
    transformer = Transformer(connection)
    values = transformer.dump_sequence([params[name] for name in names], [PyFormat.AUTO] * len(names))
    types = transformer.types or ()
    async with connection.lock:
        batches = await connection.wait(_send(connection, text, types, values, transformer.formats))
    for results in batches:
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                connection.prepared.pop((text, types), None)
                raise errors.error_from_result(result, encoding=connection.info.encoding)


def _send(
    connection: Connection,
    text: bytes,
    types: tuple[int, ...],
    values: Sequence[Any],
    formats: Sequence[pq.Format] | None,
) -> Generator[Any, Any, list[list[pq.abc.PGresult]]]:
    pgconn = connection.pgconn
    known = connection.prepared.get((text, types))
    answers = 3
    pgconn.enter_pipeline_mode()
    if known is None and len(connection.prepared) < _PREPARED_MOST:
        known = connection.prepared[text, types] = f"grace_{next(connection.names)}".encode()
        pgconn.send_prepare(known, text, types)
        answers = 4
    if known is None:
        pgconn.send_query_params(text, values, types, formats)
    else:
        pgconn.send_query_prepared(known, values, formats)
    pgconn.send_query_params(b"commit", None)
    pgconn.pipeline_sync()
    yield from send(pgconn)
    batches = []
    for _ in range(answers):
        batches.append((yield from fetch_many(pgconn)))
    pgconn.exit_pipeline_mode()
    return batches


@lru_cache(maxsize=512)
def _numbered(query: str) -> tuple[bytes, tuple[str, ...]]:
    """The query with `$1` for each named parameter, and the names in that order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return _NAMED.sub(number, query).encode(), tuple(numbers)
