"""The whole log as one file for strangers, in one snapshot and with flat memory (`docs/proofs.md`, `docs/verify.py`).

The database writes the lines; here they only pass through, page by page.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from psycopg import AsyncConnection

from grace.kit.progress import Progress, unheard
from grace.trust.audit.errors import NoLog
from grace.trust.audit.queries import stored_signer
from grace.trust.audit.rules.notes import verifier_key

VERSION = 1
_PAGE = 2_000
_SEALED_WITHIN_S = 3


class Exported(NamedTuple):
    """What went into the file."""

    size: int
    checkpoints: int


async def export(
    connection: AsyncConnection, write: Callable[[bytes], object], *, told: Progress = unheard
) -> Exported:
    """Write the sealed log of the connection's database (an owner's connection in autocommit); NoLog without one.

    `told` hears how many of how many entries are written. A damaged log is written as it is: what is missing stands
    as `-`, and verification says so.
    """
    async with connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        signer = await stored_signer(connection)
        if signer is None:
            raise NoLog("Nothing is recorded in this workspace yet.")
        cursor = await connection.execute(
            "select coalesce(max(index) + 1, 0), (select count(*) from audit_checkpoint),"
            " coalesce((select max(size) from audit_checkpoint), 0) from audit_leaf"
        )
        size, checkpoints, last = await cursor.fetchone() or (0, 0, 0)
        key = verifier_key(signer.origin, signer.public_key)
        write(f"grace-audit-export {VERSION}\nkey {key}\nsize {size}\ncheckpoints {checkpoints}\n".encode())
        written = 0
        while written < last:
            lines, written = await _page(connection, _CHECKPOINTS, written)
            write(lines)
        for start in range(0, size, _PAGE):
            lines, _ = await _page(connection, _ENTRIES, start)
            write(lines)
            told(min(start + _PAGE, size), size)
        write(b"end\n")
    return Exported(size, checkpoints)


async def wait_until_sealed(connection: AsyncConnection, handle: str) -> None:
    """Wait a moment until what is recorded of the workspace itself is sealed: that its log is exported."""
    cursor = await connection.execute("select max(id) from audit_entry where subject_id = %s", [handle])
    newest = await cursor.fetchone()
    until = time.monotonic() + _SEALED_WITHIN_S
    while time.monotonic() < until:
        cursor = await connection.execute("select exists (select from audit_leaf where entry_id = %s)", newest)
        if (await cursor.fetchone() or [True])[0]:
            return
        await asyncio.sleep(0.05)


async def _page(connection: AsyncConnection, query: str, start: int) -> tuple[bytes, int]:
    cursor = await connection.execute(query, {"start": start, "end": start + _PAGE, "limit": _PAGE}, binary=True)
    lines, end = await cursor.fetchone() or (b"", start)
    return bytes(lines or b""), end


_BASE64 = "replace(encode({}, 'base64'), E'\\n', '')"
_CHECKPOINTS = f"""
select convert_to(string_agg('c ' || {_BASE64.format("convert_to(note, 'UTF8')")} || E'\\n', '' order by size), 'UTF8'),
    max(size)
from (select size, note from audit_checkpoint where size > %(start)s order by size limit %(limit)s) as c
"""
# The lateral limits keep a page on the indexes, whatever the statistics say.
_ENTRIES = f"""
select convert_to(string_agg(concat('e ', l.index, ' ', coalesce({_BASE64.format("e.header")}, '-'), ' ',
    coalesce({_BASE64.format("e.commitment")}, '-'), ' ', coalesce({_BASE64.format("p.salt")}, '-'), ' ',
    coalesce({_BASE64.format("p.payload")}, '-'), E'\\n'), '' order by l.index), 'UTF8'), max(l.index)
from audit_leaf l
left join lateral (select * from audit_entry e where e.xid = l.xid and e.id = l.entry_id limit 1) e on true
left join lateral (select * from audit_payload p where p.entry_id = l.entry_id limit 1) p on true
where l.index >= %(start)s and l.index < %(end)s
"""
