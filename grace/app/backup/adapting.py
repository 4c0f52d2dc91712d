"""A database on another server: transaction ids count anew there, and watermarks made of them must follow.

A dump keeps the ids. On a server that has not counted as far, they lie in its future: facts would wait until it gets
there, and new ones, with lower ids, would lie before the dispatcher's watermark and never be seen.
"""

from psycopg import AsyncConnection

from grace.kit import links
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces

_AHEAD = """
select exists (select from fact where xid >= pg_snapshot_xmax(pg_current_snapshot()))
    or exists (select from fact_cursor where xid >= pg_snapshot_xmax(pg_current_snapshot()))
    or exists (select from ledger_account where rolled_to > pg_snapshot_xmax(pg_current_snapshot()))
"""
# What lies between two readers' watermarks gets one id of the distant past, so that each reader finds before and after
# its watermark what was there; the order within is that of the facts' own ids. Ids begin at 3.
_FACTS = """
update fact f set xid = (3 + (select count(*) from fact_cursor c where (f.xid, f.id) > (c.xid, c.fact_id)))::text::xid8
"""
_CURSORS = """
update fact_cursor c set fact_id = 9223372036854775807,
    xid = (3 + (select count(*) from fact_cursor o where (o.xid, o.fact_id) < (c.xid, c.fact_id)))::text::xid8
"""


async def adapt(connection: AsyncConnection) -> bool:
    """Make the watermarks right on this server; whether there was anything to do. The owner's, before anybody works.

    The ledger and the rollups find that out by themselves and rebuild theirs; so does the sealer, which reads the
    server's identity. Facts are put in order here.
    """
    async with connection.transaction():
        cursor = await connection.execute(_AHEAD)
        ahead = bool((await cursor.fetchone() or [False])[0])
        if ahead:
            await connection.execute("alter table fact disable trigger append_only")
            await connection.execute(_FACTS)
            await connection.execute(_CURSORS)
            await connection.execute("alter table fact enable trigger append_only")
            cursor = await connection.execute("select to_regprocedure('insight_forget()') is not null")
            if (await cursor.fetchone() or [False])[0]:
                await connection.execute("select insight_forget()")
        await connection.execute("select ledger_roll()")
    return ahead


async def rename(hidden: Workspaces, handle: str) -> None:
    """Give a restored workspace another handle. Its keys stay; API keys and sessions, which name the old handle, end.

    Links to clients are shown under the new handle; the provider's webhook endpoint stays the original's.
    """
    async with hidden.owner(handle) as connection, connection.transaction():
        await connection.execute("alter table workspace disable trigger guard")
        await connection.execute("update workspace set keys_of = coalesce(keys_of, handle), handle = %s", [handle])
        await connection.execute("alter table workspace enable trigger guard")
        await connection.execute("update webhook_endpoint set state = 'off' where state <> 'off'")
    async with transaction(hidden, handle) as tx:
        await links.retoken(tx)
