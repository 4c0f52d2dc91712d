"""Checks of the PostgreSQL server."""

import time
from collections.abc import AsyncIterator

from psycopg import AsyncConnection

from grace.app.backup.restoring import HIDDEN
from grace.app.doctor.findings import Finding, fine, notice, problem

OLDEST_MAJOR = 16
MOST_SKEW_S = 2.0
LONG_S = 60
MOST_CONNECTIONS = 0.8


async def check_version(server: AsyncConnection) -> AsyncIterator[Finding]:
    """It is new enough."""
    yield judge_version(server.info.server_version)


def judge_version(version: int) -> Finding:
    """PostgreSQL 16 or newer."""
    said = f"The server is PostgreSQL {version // 10000}.{version % 10000}."
    if version // 10000 < OLDEST_MAJOR:
        return problem(
            "postgresql", said, why=f"Grace needs {OLDEST_MAJOR} or newer.",
            cure="Upgrade the server, or point GRACE_DATABASE_URL to a newer one.",
        )  # fmt: skip
    return fine("postgresql", said)


async def check_rights(server: AsyncConnection) -> AsyncIterator[Finding]:
    """What the login may, and what therefore holds the append-only rule."""
    cursor = await server.execute(
        "select rolcreatedb or rolsuper, coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles"
        " where rolname = 'grace_app'), false) from pg_roles where rolname = current_user"
    )
    may_create, has_role = await cursor.fetchone() or (False, False)
    if not may_create:
        yield notice(
            "rights", "The login may not create databases.",
            why="This installation serves the one workspace in its database; nothing can be restored here.",
            cure="ALTER ROLE … CREATEDB, if you want several workspaces.",
        )  # fmt: skip
    if has_role:
        yield fine("append-only", "Held by privileges (role grace_app) and by triggers.")
    else:
        yield notice(
            "append-only", "There is no role grace_app: triggers alone hold the append-only rule.",
            why="Two walls are better than one: a trigger can be disabled by the login itself.",
            cure="ALTER ROLE … CREATEROLE for the login, then `grace migrate`.",
        )  # fmt: skip


async def check_durability(server: AsyncConnection) -> AsyncIterator[Finding]:
    """What is committed survives a power failure."""
    cursor = await server.execute(
        "select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')"
        " and setting = 'off' order by name"
    )
    off = [name for (name,) in await cursor.fetchall()]
    if off:
        yield problem(
            "durability", f"{', '.join(off)} {'is' if len(off) == 1 else 'are'} off.",
            why="A power failure can lose payments that were confirmed, or the whole database.",
            cure="Switch it on in postgresql.conf (or ALTER SYSTEM) and reload.",
        )  # fmt: skip
    else:
        yield fine("durability", "Commits are on the disk when they are confirmed.")


async def check_clock(server: AsyncConnection) -> AsyncIterator[Finding]:
    """The server's clock and ours agree."""
    before = time.time()
    cursor = await server.execute("select extract(epoch from clock_timestamp())::float8")
    there = (await cursor.fetchone() or (0.0,))[0]
    yield judge_clock(there - (before + time.time()) / 2)


def judge_clock(skew_s: float) -> Finding:
    """Two seconds are too many."""
    if abs(skew_s) > MOST_SKEW_S:
        return problem(
            "clock", f"The database's clock is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} ours.",
            why="Sessions, one-time codes and provider signatures are valid for moments only.",
            cure="Let NTP (chrony, systemd-timesyncd) keep both machines' clocks.",
        )  # fmt: skip
    return fine("clock", "The database's clock agrees with ours.")


async def check_transactions(server: AsyncConnection, *, long_s: float = LONG_S) -> AsyncIterator[Finding]:
    """Nothing holds up the dispatcher and the sealer, which wait for the oldest writing transaction."""
    cursor = await server.execute(
        "select pid, datname, extract(epoch from clock_timestamp() - xact_start)::int from pg_stat_activity"
        " where backend_xid is not null and xact_start < clock_timestamp() - make_interval(secs => %s)"
        " order by xact_start limit 5",
        [long_s],
    )
    for pid, database, age_s in await cursor.fetchall():
        yield problem(
            "transactions", f"Process {pid} holds a writing transaction open in {database} for {age_s} s.",
            why="No fact after it is dispatched and no entry sealed, in any workspace of the server, until it ends.",
            cure=f"End what holds it, or `select pg_terminate_backend({pid})`.",
        )  # fmt: skip
    cursor = await server.execute("select gid, database from pg_prepared_xacts order by prepared limit 5")
    for gid, database in await cursor.fetchall():
        yield problem(
            "transactions", f"A prepared transaction {gid!r} is open in {database}.",
            why="It survives restarts, and nothing after it is dispatched or sealed.",
            cure="COMMIT PREPARED or ROLLBACK PREPARED it; Grace needs max_prepared_transactions = 0.",
        )  # fmt: skip


async def check_connections(server: AsyncConnection) -> AsyncIterator[Finding]:
    """There are connections left."""
    cursor = await server.execute(
        "select count(*), current_setting('max_connections')::int from pg_stat_activity where backend_type ="
        " 'client backend'"
    )
    yield judge_connections(*(await cursor.fetchone() or (0, 1)))


def judge_connections(used: int, most: int) -> Finding:
    """A fifth should be free."""
    said = f"{used} of {most} connections are in use."
    if used > most * MOST_CONNECTIONS:
        return problem(
            "connections", said, why="Soon nobody gets one, and requests answer 503.",
            cure="Raise max_connections, or lower GRACE_DATABASE_POOL_SIZE (per process and workspace).",
        )  # fmt: skip
    return fine("connections", said)


async def check_leavings(server: AsyncConnection) -> AsyncIterator[Finding]:
    """No restore that was killed has left its database."""
    cursor = await server.execute(
        "select datname from pg_database d where starts_with(datname, %s)"
        " and not exists (select from pg_stat_activity a where a.datid = d.oid) order by 1",
        [HIDDEN],
    )
    for (name,) in await cursor.fetchall():
        yield notice(
            "restores", f"The database {name} was left by a restore that did not end.",
            why="It takes room; it is no workspace.",
            cure=f"Restore again, which replaces it, or `drop database {name}`.",
        )  # fmt: skip


CHECKS = (
    check_version, check_rights, check_durability, check_clock, check_transactions, check_connections, check_leavings,
)  # fmt: skip
