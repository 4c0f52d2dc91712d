"""Workspaces: one business is one PostgreSQL database, `grace_<handle>`; this is all that knows of several."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Literal

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from grace.kit.errors import Conflict, NotFound
from grace.kit.keys import Keys
from grace.kit.wire import Connection
from grace.kit.zones import zone

PREFIX = "grace_"
APP_ROLE = "grace_app"
HANDLE = re.compile(r"^[a-z][a-z0-9]{0,31}$")

Kind = Literal["test", "live"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a transaction knows of the business it serves. `clock_offset` is business time less real time."""

    handle: str
    kind: Kind
    name: str
    currency: str
    clock_offset: timedelta
    time_zone: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        """Where people read its times."""
        return zone(self.time_zone)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections of a pool: open, in use, how many requests wait for one, and the most it may open."""

    size: int
    used: int
    waiting: int
    most: int


class Workspaces:
    """The databases of an installation and a pool for each, opened on first use.

    `dsn` names the server and a login that owns the databases. A login that may not create databases
    makes an installation of one workspace: the database that the DSN names. `databases` says which workspaces
    have a database of another name than `grace_<handle>`.
    """

    def __init__(
        self, dsn: str, *, master_key: bytes, pool_size: int = 10, databases: Mapping[str, str] | None = None
    ) -> None:
        self._dsn = dsn
        self._master_key = master_key
        self._pool_size = pool_size
        self._pools: dict[str, AsyncConnectionPool[Connection]] = {}
        self._keys: dict[str, Keys] = {}
        self._databases = dict(databases or {})
        self._role: bool | None = None
        self._only: str | None = None  # the one database of a login that may not make others
        self._known: set[str] = set()
        self._asked = 0.0
        self._asking = asyncio.Lock()

    def with_database(self, handle: str, database: str) -> "Workspaces":
        """The same installation, in which this workspace's database has another name."""
        return Workspaces(self._dsn, master_key=self._master_key, databases={handle: database})

    def keys(self, name: str) -> Keys:
        """The keys derived under a name: the workspace's handle, or `keys_of` where it was restored under another."""
        if name not in self._keys:
            self._keys[name] = Keys(self._master_key, name)
        return self._keys[name]

    async def handles(self) -> list[str]:
        """The workspaces that exist now, sorted."""
        return sorted(await self.identities())

    async def identities(self) -> dict[str, int]:
        """The workspaces that exist now, each with what tells it from one that had the same handle before."""
        async with self.server() as connection:
            cursor = await connection.execute(
                "select d.datname, r.rolcreatedb or r.rolsuper, d.oid::bigint from pg_roles r, pg_database d"
                " where r.rolname = current_user and d.datname = current_database()"
            )
            row = await cursor.fetchone()
            if row is not None and not row[1]:
                cursor = await connection.execute(
                    "select to_regclass('workspace') is not null and has_table_privilege('workspace', 'select')"
                )
                self._only = row[0]
                if (await cursor.fetchone() or [False])[0]:
                    cursor = await connection.execute("select handle from workspace")
                    self._databases = {r[0]: row[0] for r in await cursor.fetchall()}
                return dict.fromkeys(self._databases, row[2])
            cursor = await connection.execute(
                "select datname, oid::bigint from pg_database where datname like %s and datallowconn", [PREFIX + "%"]
            )
            return {r[0].removeprefix(PREFIX): r[1] for r in await cursor.fetchall()}

    async def exists(self, handle: str) -> bool:
        """Whether there is such a workspace; the server is asked at most once a second."""
        if handle in self._pools or handle in self._known:
            return True
        async with self._asking:  # who comes while the server is asked waits for its answer
            if time.monotonic() - self._asked > 1:
                self._known = set(await self.handles())
                self._asked = time.monotonic()
        return handle in self._known

    def dsn(self, handle: str | None = None) -> str:
        """The owner's connection string for a workspace's database, or for the server."""
        if handle is None:
            return self._dsn
        return make_conninfo(self._dsn, dbname=self._databases.get(handle, PREFIX + handle))

    @asynccontextmanager
    async def server(self) -> AsyncIterator[AsyncConnection]:
        """A connection of the owner to the server, for what no single workspace can do."""
        async with await AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            yield connection

    @asynccontextmanager
    async def owner(self, handle: str) -> AsyncIterator[AsyncConnection]:
        """A connection of the owner to one workspace: migrations, sealing, verification."""
        await self.app_role_exists()
        async with await Connection.connect(self.dsn(handle), autocommit=True) as connection:
            yield connection

    async def app_role_exists(self) -> bool:
        """Whether the restricted role that web and worker use could be created. Asked first, it finds the database."""
        if self._role is None:
            await self.handles()
            async with self.server() as connection:
                cursor = await connection.execute(
                    "select pg_has_role(oid, 'member') from pg_roles where rolname = %s", [APP_ROLE]
                )
                self._role = bool((await cursor.fetchone() or [False])[0])
        return self._role

    async def pool(self, handle: str) -> AsyncConnectionPool[Connection]:
        """The pool of a workspace, connected as the restricted role; NotFound when there is no such one."""
        pool = self._pools.get(handle)
        if pool is not None:
            return pool
        if not HANDLE.match(handle):
            raise NotFound("There is no such workspace.")
        options = "-c lock_timeout=2000 -c statement_timeout=10000 -c idle_in_transaction_session_timeout=5000"
        if await self.app_role_exists():
            options += f" -c role={APP_ROLE}"
        dsn = make_conninfo(self.dsn(handle), options=options, application_name="grace")
        try:
            async with await AsyncConnection.connect(dsn):
                pass
        except psycopg.OperationalError as error:
            if "does not exist" in str(error):
                raise NotFound("There is no such workspace.") from error
            raise
        if handle in self._pools:
            return self._pools[handle]
        pool = AsyncConnectionPool(
            dsn,
            connection_class=Connection,
            min_size=1,
            max_size=self._pool_size,
            open=False,
            max_idle=60,
            timeout=10,
            name=handle,
        )
        self._pools[handle] = pool
        await pool.open()
        return pool

    def pool_use(self) -> dict[str, PoolUse]:
        """How busy the open pools of this process are."""
        stats = {handle: pool.get_stats() for handle, pool in self._pools.items()}
        return {
            handle: PoolUse(
                size=found["pool_size"],
                used=found["pool_size"] - found["pool_available"],
                waiting=found["requests_waiting"],
                most=found["pool_max"],
            )
            for handle, found in stats.items()
        }

    async def forget(self, handle: str) -> None:
        """Close the pool of a workspace (before it is dropped or moved)."""
        self._known.discard(handle)
        pool = self._pools.pop(handle, None)
        if pool is not None:
            await pool.close()

    async def close(self) -> None:
        """Close every pool."""
        for handle in list(self._pools):
            await self.forget(handle)

    async def create_database(self, handle: str, *, template: str = "template0") -> bool:
        """Make the database and, where the login may, the restricted role. False when it was there.

        A login that may not make databases has the one that it names: Conflict when another workspace lives there.
        """
        if not HANDLE.match(handle):
            raise ValueError("a handle is 1 to 32 lower-case letters and digits and begins with a letter")
        others = [known for known in await self.handles() if known != handle]
        async with self.server() as connection:
            await _ensure_app_role(connection)
            self._role = None
            if self._only is not None:
                if others:
                    raise Conflict(
                        f"This login may not make databases, and {self._only} is the workspace {others[0]}."
                        " Give it CREATEDB, or another database."
                    )
                self._databases[handle] = self._only
                return False
            try:
                await connection.execute(
                    sql.SQL("create database {} template {} encoding 'UTF8'").format(
                        sql.Identifier(self._databases.get(handle, PREFIX + handle)), sql.Identifier(template)
                    )
                )
            except psycopg.errors.DuplicateDatabase:
                return False
            except psycopg.errors.UniqueViolation:
                return False
        return True

    async def drop(self, handle: str) -> None:
        """Drop a workspace's database with everything in it; Conflict where it is the only one that there can be."""
        await self.forget(handle)
        if self._only is not None:
            raise Conflict(f"This login may not make databases: {self._only} is not dropped.")
        async with self.server() as connection:
            await connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(
                    sql.Identifier(self._databases.get(handle, PREFIX + handle))
                )
            )


async def _ensure_app_role(connection: AsyncConnection) -> None:
    try:
        await connection.execute(sql.SQL("create role {} nologin noinherit").format(sql.Identifier(APP_ROLE)))
        await connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(APP_ROLE)))
    except (
        psycopg.errors.DuplicateObject,
        psycopg.errors.UniqueViolation,
        psycopg.errors.InsufficientPrivilege,
    ):
        return
