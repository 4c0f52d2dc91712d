"""An installation: its server, its workspaces, and how one is made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from grace.kit import json
from grace.kit.credentials import credential
from grace.kit.errors import Conflict
from grace.kit.keys import load_master_key
from grace.kit.migrations import migrate
from grace.kit.money import check_currency
from grace.kit.settings import Settings
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Kind, Workspace, Workspaces

NO_ROLE = (
    "This login may not create roles (CREATEROLE): Grace connects as the owner of its tables, and triggers alone hold"
    " that the ledger, the log and facts are only added to."
)
Prepare = Callable[[Tx], Awaitable[None]]
Renew = Callable[[Tx], Awaitable[str | None]]


class NotRunning(RuntimeError):
    """There is no database to talk to; says what to start."""


def open_workspaces(settings: Settings, *, dsn: str | None = None) -> Workspaces:
    """The installation's workspaces: on the server that is named, or the embedded one if it runs."""
    if dsn is None and settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
    if dsn is None:
        from grace.app.postgres import server

        running = server.status(settings.data_dir)
        if running is None:
            raise NotRunning(
                f"No database runs for {settings.data_dir}. Start everything with `grace up`, "
                "or only the database with `grace db start`."
            )
        dsn = running.dsn
    master_key = load_master_key(settings.master_key_path)
    return Workspaces(dsn, master_key=master_key, pool_size=settings.database_pool_size)


def offset_of(begins: str | None) -> timedelta:
    """The clock offset of a workspace whose business time is to begin then; none when nothing is said."""
    if begins is None:
        return timedelta(0)
    at = datetime.fromisoformat(begins)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)


async def create_workspace(
    workspaces: Workspaces,
    handle: str,
    *,
    kind: Kind | None,
    name: str | None = None,
    currency: str = "USD",
    clock_offset: timedelta = timedelta(0),
    settings: Mapping[str, Any] | None = None,
    prepare: Sequence[Prepare] = (),
    template: str = "template0",
) -> bool:
    """Make what is missing of a workspace; False when it was whole.

    Without a `kind` it keeps the one it has; a new one is a test workspace. Conflict when it has another kind;
    WrongCredential, before anything is made, when the installation's keys are not of that kind. `settings` are
    there from the moment at which it is a workspace.
    """
    code = check_currency(currency)
    if kind is not None:
        credential(Workspace(handle, kind, name or handle, code, clock_offset), "stripe_secret_key")
    made = await workspaces.create_database(handle, template=template)
    async with workspaces.owner(handle) as connection:
        await migrate(connection)
        async with connection.transaction():
            cursor = await connection.execute(
                "insert into workspace (handle, kind, name, currency, clock_offset) values (%s, %s, %s, %s, %s)"
                " on conflict do nothing returning true",
                [handle, kind or "test", name or handle.capitalize(), code, clock_offset],
            )
            fresh = await cursor.fetchone() is not None
            for key, value in (settings or {}).items() if fresh else ():
                await connection.execute(
                    "insert into setting (name, value, updated_at) values (%s, %s::jsonb, clock_timestamp())",
                    [key, json.dumps(value)],
                )
        made = fresh or made
        cursor = await connection.execute("select kind from workspace")
        row = await cursor.fetchone()
    if row is None or kind not in (None, row[0]):
        raise Conflict(f"Workspace {handle} exists and is not a {kind} workspace; a workspace keeps its kind.")
    async with transaction(workspaces, handle) as tx:
        for step in prepare:
            await step(tx)
    return made


async def migrate_all(workspaces: Workspaces, renew: Sequence[Renew] = ()) -> dict[str, list[str]]:
    """Bring every workspace up to this version: its schema, then what `renew` does; what was done where, in words."""
    done = {}
    for handle in await workspaces.handles():
        async with workspaces.owner(handle) as connection:
            done[handle] = await migrate(connection)
            cursor = await connection.execute("select exists (select from workspace)")
            whole = (await cursor.fetchone() or [False])[0]
        if whole:  # else its creation was interrupted, and is taken up by whoever creates it
            async with transaction(workspaces, handle) as tx:
                done[handle] += [said for step in renew if (said := await step(tx)) is not None]
    return done


async def reachable(dsn: str) -> bool:
    """Whether the server answers."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False
