"""What a backup says about itself, so that a restore can prove that everything is there again."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from grace.app.backup.errors import Damaged, Refused
from grace.kit.keys import Keys

FORMAT = 1
DATABASE = "database.pgdump"
NOTE = (
    "The master key is not in this file and must be kept apart from it: without it the workspace's own keys, links and "
    "stored answers cannot be opened. Everything else, personal data included, is in here in plain form."
)


async def figures(connection: AsyncConnection) -> dict[str, Any]:
    """What can be counted in a workspace's database, by the connection's snapshot."""
    return {
        "tables": await _tables(connection),
        "audit": await _audit(connection),
        "ledger": await _ledger(connection),
    }


async def _tables(connection: AsyncConnection) -> dict[str, int]:
    cursor = await connection.execute(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
        " order by c.relname"
    )
    counted = {}
    for (table,) in await cursor.fetchall():
        found = await connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
        counted[table] = (await found.fetchone() or (0,))[0]
    return counted


async def _audit(connection: AsyncConnection) -> dict[str, Any]:
    cursor = await connection.execute(
        "select size, encode(root, 'hex'), note from audit_checkpoint order by size desc limit 1"
    )
    size, root, note = await cursor.fetchone() or (0, sha256(b"").hexdigest(), None)
    return {"size": size, "root": root, "checkpoint": note}


async def _ledger(connection: AsyncConnection) -> dict[str, Any]:
    """Text for amounts: they can be greater than what other readers of JSON take exactly."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "select currency, count(*) as entries, sum(amount_minor) filter (where amount_minor > 0)::text as debits,"
            " sum(amount_minor)::text as sum from ledger_entry group by currency order by currency"
        )
        currencies = await cursor.fetchall()
        await cursor.execute(
            "select purpose, currency, sum(balance_minor)::text as balance, sum(held_minor)::text as held"
            " from ledger_balance group by purpose, currency order by purpose, currency"
        )
        return {"currencies": currencies, "balances": await cursor.fetchall()}


async def about(connection: AsyncConnection, *, dumped_with: int) -> dict[str, Any]:
    """Where it comes from and what it needs."""
    cursor = await connection.execute(
        "select coalesce(to_jsonb(w)->>'keys_of', w.handle), w.handle, w.kind,"
        " current_setting('server_version_num')::int / 10000, s.system_identifier::text,"
        " exists (select from pg_roles where rolname = 'grace_app')"
        " from workspace w, pg_control_system() s"
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("The workspace has no row: its creation was interrupted.")
    cursor = await connection.execute("select name, checksum from migration order by name")
    return {
        "format": FORMAT,
        "grace": version("grace"),
        "made_at": datetime.now(UTC).isoformat(),
        "handle": row[1],
        "keys_of": row[0],
        "kind": row[2],
        "postgres": row[3],
        "dumped_with": dumped_with,
        "cluster": row[4],
        "has_app_role": row[5],
        "migrations": [{"name": name, "checksum": checksum} for name, checksum in await cursor.fetchall()],
        "note": NOTE,
    }


def signed(manifest: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The manifest with two codes of the workspace's keys: which key it is, and that nothing here was changed."""
    named = {**manifest, "key_check": keys.mac("backup-key").hex()}
    return {**named, "mac": keys.mac("backup-manifest", _canonical(named)).hex()}


def check(manifest: Mapping[str, Any]) -> None:
    """Refuse a format that this version does not read."""
    if manifest.get("format") != FORMAT:
        raise Refused(
            f"The backup has the format {manifest.get('format')!r}; this version of Grace reads {FORMAT}."
            " Restore it with the version that made it, or a newer one."
        )
    needed = {"handle", "keys_of", "kind", "postgres", "dumped_with", "cluster", "has_app_role", "migrations", "parts"}
    needed |= {"tables", "audit", "ledger", "key_check", "mac", "made_at"}
    if missing := needed - set(manifest):
        raise Damaged(f"Its manifest lacks {', '.join(sorted(missing))}.")


def check_key(manifest: Mapping[str, Any], keys: Keys) -> None:
    """Refuse a backup that another master key belongs to, or whose manifest somebody changed."""
    unsigned = {name: value for name, value in manifest.items() if name != "mac"}
    if not hmac.compare_digest(str(manifest["key_check"]), keys.mac("backup-key").hex()):
        raise Refused(
            "This installation has another master key than the one that the backup was made under. Put that key in"
            " place first (`master.key`, or GRACE_MASTER_KEY_FILE): without it the workspace cannot be opened."
        )
    if not hmac.compare_digest(str(manifest["mac"]), keys.mac("backup-manifest", _canonical(unsigned)).hex()):
        raise Damaged("Its manifest was changed after it was made.")


def _canonical(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"))
