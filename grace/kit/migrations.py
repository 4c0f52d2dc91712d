"""Migrations: ordered SQL files, each applied once per workspace in a transaction, with its checksum kept.

A file whose text had to change begins with a line `-- replaces: CHECKSUM` for each text that it had before: where that
was applied it counts as applied, and a later file brings such a database to the same schema.
"""

import re
from hashlib import sha256
from pathlib import Path

from procrastinate.schema import SchemaManager
from psycopg import AsyncConnection

_HERE = Path(__file__).resolve()
FOLDER = next(f for f in (_HERE.parents[2] / "migrations", _HERE.parents[1] / "migrations") if f.is_dir())
QUEUE_SCHEMA = "0000_queue"
_LOCK = 7_246_100
_REPLACES = re.compile(r"(?:-- replaces: [0-9a-f]{64}\n)*")


class MigrationChanged(Exception):
    """A file that was already applied has other text now; write a new one instead."""


def files(folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Names and texts in order. The first is the job queue's own schema, from the installed library."""
    own = [(path.stem, path.read_text()) for path in sorted(folder.glob("*.sql"))]
    return [(QUEUE_SCHEMA, _queue_schema()), *own]


async def migrate(connection: AsyncConnection, *, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing; the names of what was applied. Needs an autocommit connection of the owner."""
    done: list[str] = []
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        await connection.execute(
            "create table if not exists migration (name text primary key, checksum text not null,"
            " applied_at timestamptz not null default clock_timestamp())"
        )
        cursor = await connection.execute("select name, checksum from migration")
        applied: dict[str, str] = dict(await cursor.fetchall())
        for name, text in files(folder):
            checksum = sha256(text.encode()).hexdigest()
            if name in applied:
                if applied[name] != checksum and applied[name] not in _replaced(text):
                    raise MigrationChanged(f"{name} was applied with other text")
                continue
            await connection.execute(text.encode())
            await connection.execute("insert into migration (name, checksum) values (%s, %s)", [name, checksum])
            done.append(name)
    return done


def _replaced(text: str) -> list[str]:
    """The checksums that a file says it replaces."""
    head = _REPLACES.match(text)
    return head.group().split()[2::3] if head else []


def _queue_schema() -> str:
    """Procrastinate's tables. Its NOTIFY on insert is dropped: it halves the commits of every request."""
    grant = """
do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update, delete on all tables in schema public to grace_app;
    grant usage on all sequences in schema public to grace_app;
    revoke all on migration from grace_app;
  end if;
end $$;
"""
    silence = """
drop trigger if exists procrastinate_jobs_notify_queue_job_inserted_v1 on procrastinate_jobs;
drop trigger if exists procrastinate_jobs_notify_queue_job_aborted_v1 on procrastinate_jobs;
"""
    return SchemaManager.get_schema() + silence + grant
