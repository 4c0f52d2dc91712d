"""The state of one workspace in figures, by one statement whose cost does not grow with history.

Every part reads a few rows through an index: open work through partial indexes and at most `MOST` rows of it, the
ends of what only grows through its key.
"""

import asyncio
from dataclasses import dataclass

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from grace.kit import due
from grace.kit.errors import NotFound
from grace.kit.workspace import Workspaces

log = structlog.get_logger()

MOST = 10_000
TIME_LIMIT_S = 2.0
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge of a workspace: its name, what it says, and SQL for its value; null is not given out.

    A label beside the workspace has one value per expression.
    """

    name: str
    says: str
    sql: str | dict[str, str]
    label: str | None = None


def _count(rows: str) -> str:
    return f"select count(*) from (select 1 {rows} limit {MOST}) capped"


def _age(moment: str, rows: str) -> str:
    return f"select greatest(0, extract(epoch from clock_timestamp() - ({moment}))) {rows}"


# From the watermark on and in its order, so that no plan starts at the beginning of the log.
_NEW = (
    "from fact_cursor c cross join lateral (select x.recorded_at from fact x"
    f" where (x.xid, x.id) > (c.xid, c.fact_id) order by x.xid, x.id limit {MOST}) f where c.name = 'dispatcher'"
)
_DUE = "from reaction where state = 'due' and due_at <= clock_timestamp()"
_STUCK = "from reaction r where r.state = 'stuck'"
_TODO = "from procrastinate_jobs where status = 'todo' and (scheduled_at is null or scheduled_at <= clock_timestamp())"
_LEFT = (
    "from procrastinate_jobs j where j.status = 'doing' and not exists (select from procrastinate_workers w"
    " where w.id = j.worker_id and w.last_heartbeat > clock_timestamp() - make_interval(secs => {stalled_s}))"
)
# After a restore on another server, entries with higher ids than it has given out are sealed and above the watermark.
_UNSEALED = (
    "from audit_head h cross join lateral (select x.at from audit_entry x"
    " where (x.xid, x.id) > (h.xid, h.entry_id) and x.xid < pg_snapshot_xmax(pg_current_snapshot())"
    f" and (select l.index from audit_leaf l where l.entry_id = x.id) is null order by x.xid, x.id limit {MOST}) e"
)
_WAITING = "from decision where status = 'awaiting_approval'"

_HEARTBEAT = "select extract(epoch from clock_timestamp() - max(last_heartbeat))::float8 from procrastinate_workers"

FIGURES = (
    Figure(
        "grace_facts_undispatched", f"Facts that wait for the dispatcher (at most {MOST} are counted).", _count(_NEW)
    ),
    Figure(
        "grace_facts_oldest_age_seconds",
        "Age of the oldest fact that waits for the dispatcher; absent when none does.",
        f"{_age('f.recorded_at', _NEW)} limit 1",
    ),
    Figure("grace_reactions_due", f"Reactions that wait for a worker (at most {MOST}).", _count(_DUE)),
    Figure(
        "grace_reactions_oldest_age_seconds",
        "For how long the oldest due reaction has been due; absent when none is.",
        f"{_age('due_at', _DUE)} order by due_at, fact_id limit 1",
    ),
    Figure("grace_reactions_stuck", f"Reactions that ran out of attempts (at most {MOST}).", _count(_STUCK)),
    Figure(
        "grace_reactions_stuck_oldest_age_seconds",
        "Age of the fact of the oldest stuck reaction; absent when none is.",
        _age("select f.recorded_at from fact f where f.id = r.fact_id", _STUCK) + " order by r.fact_id limit 1",
    ),
    Figure("grace_jobs_due", f"Jobs that wait for a worker (at most {MOST}).", _count(_TODO)),
    Figure(
        "grace_jobs_failed",
        f"Jobs that ran out of attempts (at most {MOST}).",
        _count("from procrastinate_jobs where status = 'failed'"),
    ),
    Figure(
        "grace_jobs_stuck",
        "Jobs that a worker took and whose worker gives no sign of life.",
        _count(_LEFT),
    ),
    Figure(
        "grace_worker_heartbeat_age_seconds",
        "Seconds since any worker of this workspace last said that it lives; absent when none ever did.",
        _HEARTBEAT,
    ),
    Figure(
        "grace_inbox_events_total",
        "Verified provider events taken in, repeats counted.",
        "select coalesce((select id from inbox order by id desc limit 1), 0)",
    ),
    Figure(
        "grace_inbox_refused_total",
        "Provider events that could not be verified.",
        "select coalesce((select id from refused_event order by id desc limit 1), 0)",
    ),
    Figure(
        "grace_inbox_last_event_age_seconds",
        "Seconds since the last verified provider event; absent when none ever came.",
        f"{_age('received_at', 'from inbox')} order by id desc limit 1",
    ),
    Figure("grace_audit_unsealed", f"Audit entries that are not sealed yet (at most {MOST}).", _count(_UNSEALED)),
    Figure(
        "grace_audit_unsealed_age_seconds",
        "Age, by business time, of the oldest audit entry that is not sealed; absent when all are.",
        "select greatest(0, extract(epoch from clock_timestamp() + w.clock_offset - e.at))"
        f" {_UNSEALED} cross join workspace w limit 1",
    ),
    Figure(
        "grace_audit_last_seal_age_seconds",
        "Seconds since the last checkpoint; it grows while nothing happens.",
        f"{_age('sealed_at', 'from audit_checkpoint')} order by size desc limit 1",
    ),
    Figure(
        "grace_provider_calls",
        "Calls to a provider that have not ended, by state; `case` waits for a person.",
        {
            state: _count(f"from provider_call where state in ('pending', 'unknown', 'case') and state = '{state}'")
            for state in ("pending", "unknown", "case")
        },
        label="state",
    ),
    Figure("grace_decisions_waiting", f"Held actions that wait for votes (at most {MOST}).", _count(_WAITING)),
    Figure(
        "grace_decisions_next_expiry_seconds",
        "Business time until the next held action expires; absent when none waits.",
        "select extract(epoch from min(d.expires_at) - (clock_timestamp() + min(w.clock_offset)))"
        " from decision d, workspace w where d.status = 'awaiting_approval'",
    ),
)


def all_figures() -> tuple[Figure, ...]:
    """Those above, and how late each kind of due row is."""
    late = {
        item.name: "select greatest(0, extract(epoch from clock_timestamp() + w.clock_offset - t.at))"
        f" from ({item.next_at}) as t (at), workspace w"
        for item in due.kinds()
    }
    return (
        *FIGURES,
        Figure(
            "grace_due_late_seconds",
            "How long the oldest waiting row is overdue, by business time and kind; 0 when it is not due yet.",
            late,
            label="kind",
        ),
    )


async def heartbeat_age(workspaces: Workspaces, handle: str) -> float | None:
    """Seconds since any worker of the workspace last said that it lives."""
    async with workspaces.owner(handle) as connection:
        cursor = await connection.execute(_HEARTBEAT)
        row = await cursor.fetchone()
    return row[0] if row else None


Values = dict[tuple[str, str], float]
"""By the figure's name and its label's value ('' without a label)."""


async def read(workspaces: Workspaces, handle: str, *, stalled_s: float, time_limit_s: float = TIME_LIMIT_S) -> Values:
    """The figures of a workspace; psycopg.Error or TimeoutError when they cannot be had in time."""
    names, parts = [], []
    for figure in all_figures():
        for value, expression in (figure.sql if isinstance(figure.sql, dict) else {"": figure.sql}).items():
            names.append((figure.name, value))
            parts.append(f"({expression.replace('{stalled_s}', str(float(stalled_s)))})::float8")
    async with asyncio.timeout(time_limit_s):
        pool = await workspaces.pool(handle)
        async with pool.connection() as connection:
            await connection.execute(f"set local statement_timeout = {round(time_limit_s * 1000)}")
            cursor = await connection.execute("select " + ", ".join(parts), prepare=True)
            row = await cursor.fetchone() or ()
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}


async def read_all(workspaces: Workspaces, *, stalled_s: float) -> dict[str, Values | None]:
    """The figures of every workspace, None where they could not be had; a few workspaces at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(handle: str) -> Values | None:
        async with places:
            try:
                return await read(workspaces, handle, stalled_s=stalled_s)
            except (psycopg.Error, PoolTimeout, NotFound, TimeoutError) as error:
                log.warning("no figures", workspace=handle, error=error)
                return None

    handles = await workspaces.handles()
    return dict(zip(handles, await asyncio.gather(*map(one, handles)), strict=True))
