"""Restoring a backup: into a database that nobody sees, which becomes the workspace only once it is proven."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from grace.app import modules
from grace.app.backup import manifest
from grace.app.backup.adapting import adapt, rename
from grace.app.backup.archive import CHUNK, Archive
from grace.app.backup.errors import Refused, Unproven
from grace.app.backup.making import Tell
from grace.app.backup.tools import running, tools_for
from grace.app.checks import findings_in
from grace.kit.migrations import migrate
from grace.kit.tx import transaction
from grace.kit.workspace import HANDLE, PREFIX, Workspaces
from grace.trust.audit.rules.notes import MalformedNote, parse_checkpoint, split_notes
from grace.trust.audit.verifier import verify

HIDDEN = "restoring_"
_LOCK = 7_246_101


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `findings` is what was wrong already when it was backed up, and accepted; `lost_after`: the log
    outside goes on to that many entries, which this backup does not have."""

    handle: str
    manifest: dict[str, Any]
    size: int
    findings: list[str]
    migrated: list[str]
    renumbered: bool
    lost_after: int | None
    set_aside: Path | None


async def restore(
    workspaces: Workspaces, path: Path, *, handle: str | None, checkpoints: Path, tell: Tell, accept: bool = False
) -> Restored:
    """Make the workspace of a backup again, as `handle` or under its own; Refused, Damaged or Unproven.

    `accept` takes a log or books that were not right when they were backed up; never a damaged file.

    `checkpoints` is the folder of the signed heads kept outside the database: where the log's own file is there, the
    restored log must agree with it. Whatever goes wrong, also the death of this process, no workspace is there then.
    """
    modules.load()  # before there is a transaction, which may not idle for as long as that can take
    archive = await asyncio.to_thread(read, path, tell)
    try:
        said = archive.manifest
        manifest.check(said)
        manifest.check_key(said, workspaces.keys(str(said["keys_of"])))
        await asyncio.to_thread(archive.check_parts)
        name = handle or str(said["handle"])
        if not HANDLE.match(name):
            raise Refused("A handle is 1 to 32 lower-case letters and digits and begins with a letter.")
        async with _alone(workspaces, name) as server:
            await _check_server(workspaces, server, name, said)
            hidden = workspaces.with_database(name, HIDDEN + name)
            try:
                return await _restore(hidden, server, archive, name, checkpoints / f"{name}.log", tell, accept)
            except BaseException:
                await hidden.drop(name)
                raise
            finally:
                await hidden.close()
    finally:
        archive.close()


def read(path: Path, tell: Tell) -> Archive:
    """A backup whose bytes are all as they were written; Refused or Damaged."""
    if not path.is_file():
        raise Refused(f"{path} is not a file.")
    return Archive(path, _teller(tell, "Reading the backup", path.stat().st_size))


@asynccontextmanager
async def _alone(workspaces: Workspaces, name: str) -> AsyncIterator[AsyncConnection]:
    """One restore of a workspace at a time; what one that was killed left behind is removed."""
    async with workspaces.server() as server:
        cursor = await server.execute("select pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, name])
        if not (await cursor.fetchone() or [False])[0]:
            raise Refused(f"Workspace {name} is being restored by somebody else.")
        cursor = await server.execute("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
        if not (await cursor.fetchone() or [False])[0]:
            raise Refused(
                "This login may not create databases, and a backup is restored into a new one. Let it while you restore"
                f" (ALTER ROLE … CREATEDB, then NOCREATEDB again); then name {PREFIX}{name} in GRACE_DATABASE_URL."
            )
        await server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(HIDDEN + name)))
        yield server


async def _check_server(workspaces: Workspaces, server: AsyncConnection, name: str, said: dict[str, Any]) -> None:
    if name in await workspaces.handles():
        raise Refused(
            f"There is a workspace {name} already, and a restore overwrites nothing. Give the restored one another name"
            " with --workspace, or drop that one first."
        )
    cursor = await server.execute("select current_setting('server_version_num')::int / 10000")
    major = (await cursor.fetchone() or (0,))[0]
    if major < said["postgres"]:
        raise Refused(
            f"The backup was made on PostgreSQL {said['postgres']}, and this server is {major}: restore it on"
            f" {said['postgres']} or newer."
        )


async def _restore(
    hidden: Workspaces, server: AsyncConnection, archive: Archive, name: str, outside: Path, tell: Tell, accept: bool
) -> Restored:
    said = archive.manifest
    await hidden.create_database(name)
    await _fill(hidden, archive, name, tell)
    tell("Comparing", 0, None)
    async with hidden.owner(name) as connection:
        found = await manifest.figures(connection)
        _compare(said, found, ("tables", "audit"))
        tell("Checking the schema", 0, None)
        migrated = await migrate(connection)
        renumbered = await adapt(connection)
        _compare(said, await manifest.figures(connection), ("ledger",))
    if name != said["handle"]:
        await rename(hidden, name)
    tell("Verifying the log", 0, None)
    findings, later = await _prove_log(hidden, name, said, outside)
    tell("Checking the books", 0, None)
    async with transaction(hidden, name) as tx:
        findings += [f"Books: {finding}" for finding in await findings_in(tx)]
    if findings and not accept:
        raise Unproven(
            f"What was backed up is not right, so it was removed again: {'; '.join(findings[:5])} (Compared with the"
            f" backup's own checkpoint and, where it is there, {outside}: move that aside if it is of another log."
            " --accept-findings restores it as it was.)"
        )
    async with hidden.owner(name) as connection:
        await connection.execute("analyze")
    await hidden.close()
    aside = _set_aside(outside) if later is not None else None
    await _show(server, name)
    return Restored(name, said, said["audit"]["size"], findings, migrated, renumbered, later, aside)


async def _fill(hidden: Workspaces, archive: Archive, name: str, tell: Tell) -> None:
    said = archive.manifest
    async with hidden.owner(name) as connection:
        major = connection.info.server_version // 10000
    has_role = await hidden.app_role_exists()
    if has_role and not said["has_app_role"]:
        raise Refused(
            "The backup was made by a login that may not create roles, so it holds no privileges for the role grace_app"
            " of this server: restore it with such a login."
        )
    options = ["--exit-on-error", "--no-owner", "--no-password", *(["--no-privileges"] if not has_role else [])]
    tools = tools_for(major, at_least=said["dumped_with"])
    size = next(part["size"] for part in said["parts"] if part["name"] == manifest.DATABASE)
    count = _teller(tell, "Restoring the database", size)
    async with running(tools, "pg_restore", hidden.dsn(name), *options) as process:
        assert process.stdin is not None
        with archive.open(manifest.DATABASE) as part:
            while piece := await asyncio.to_thread(part.read, CHUNK):
                process.stdin.write(piece)
                await process.stdin.drain()
                count(len(piece))
        process.stdin.close()


def _compare(said: dict[str, Any], found: dict[str, Any], parts: tuple[str, ...]) -> None:
    for part in parts:
        if found[part] != said[part]:
            wrong = [key for key in {*said[part], *found[part]} if said[part].get(key) != found[part].get(key)]
            raise Unproven(
                f"What was restored differs from what the backup's manifest counts ({part}:"
                f" {', '.join(sorted(wrong)[:5])}), so it was removed again."
            )


async def _prove_log(
    hidden: Workspaces, name: str, said: dict[str, Any], outside: Path
) -> tuple[list[str], int | None]:
    """Verify the log against the manifest's checkpoint and those kept outside: what is wrong with it, and how far those
    go on, if further."""
    size, note = said["audit"]["size"], said["audit"]["checkpoint"]
    kept = await asyncio.to_thread(_notes_of, outside)
    sizes = {text: _size_of(text) for text in kept}
    notes = [text for text in kept if sizes[text] <= size] + ([note] if note else [])
    against = "".join(f"{text.rstrip()}\n\n" for text in notes).encode() if notes else None
    async with hidden.owner(name) as connection:
        report = await verify(connection, against=against, keys=hidden.keys(said["keys_of"]))
    last = max(sizes.values(), default=0)
    return [f"Log: {finding}" for finding in report.findings], last if last > size else None


def _notes_of(outside: Path) -> list[str]:
    return split_notes(outside.read_text(errors="replace")) if outside.exists() else []


def _size_of(text: str) -> int:
    try:
        return parse_checkpoint(text).size
    except MalformedNote:
        return 0  # the verifier says what is wrong with it


def _set_aside(outside: Path) -> Path:
    """The file goes on where the restored log ends; what comes now is another continuation, in a file of its own."""
    aside = outside.with_name(f"{outside.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    outside.rename(aside)
    return aside


async def _show(server: AsyncConnection, name: str) -> None:
    """From this statement on it is a workspace."""
    try:
        await server.execute(
            sql.SQL("alter database {} rename to {}").format(
                sql.Identifier(HIDDEN + name), sql.Identifier(PREFIX + name)
            )
        )
    except psycopg.errors.DuplicateDatabase:
        raise Refused(f"A workspace {name} was made meanwhile; what was restored was removed again.") from None


def _teller(tell: Tell, what: str, total: int) -> Any:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(what, done, total)

    return count
