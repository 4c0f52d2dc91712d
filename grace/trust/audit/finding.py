"""That the log was found broken: kept where every page reads it, until a verification finds nothing."""

from psycopg import AsyncConnection

from grace.trust.audit.models import Report

_LONGEST = 1_000


async def keep(connection: AsyncConnection, report: Report, *, outside: bool) -> None:
    """Remember what a verification found, or forget what an earlier one did (an owner's connection in autocommit).

    What was found with a checkpoint from outside is forgotten only with one. The first time that it was found stays.
    """
    if report.ok:
        await connection.execute("delete from audit_finding where %s or not outside", [outside])
    else:
        await note(connection, report.findings[0].detail, outside=outside)


async def note(connection: AsyncConnection, detail: str, *, outside: bool = False) -> None:
    """Remember that the log is broken (an owner's connection in autocommit)."""
    await connection.execute(
        "insert into audit_finding (detail, outside) values (%s, %s) on conflict (only_row)"
        " do update set outside = true where not audit_finding.outside and excluded.outside",
        [detail[:_LONGEST], outside],
    )
