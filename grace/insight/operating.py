"""How the machinery of a workspace does, in one statement, and the events that came from providers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from grace.kit.tx import Tx

MOST = 1000
"""More than that is not counted."""


@dataclass(frozen=True, slots=True)
class Machinery:
    """What waits and what is stuck, each at most 1000; `beat_at` is when a worker was last alive."""

    jobs_waiting: int
    jobs_running: int
    jobs_failed: int
    reactions_due: int
    reactions_stuck: int
    events_refused: int
    beat_at: datetime | None
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Glance:
    """What every page shows: decisions that wait, at most 100; since when the audit log is known to be broken, and
    how; how much long work is not ended, and which comes first: what runs or is next, else what waits for a person."""

    waiting: int
    broken_since: datetime | None
    broken: str | None
    works: int
    work_id: str | None
    work_kind: str | None
    work_state: str | None


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event of a provider. `state`: done, due, stuck, or ignored where nobody reacts to it."""

    id: int
    source: str
    kind: str
    event_id: str
    received_at: datetime
    state: str


def _count(rows: str) -> str:
    return f"(select count(*) from (select 1 {rows} limit {MOST}) capped)"


async def glance(tx: Tx, *, decisions: bool, sees: Collection[str], confirms: Collection[str]) -> Glance:
    """What every page shows; `waiting` is 0 for who may not read decisions. Long work is of the kinds that the reader
    sees; what waits to be confirmed, of those that they may confirm."""
    return await tx.one(
        Glance,
        "select case when %(decisions)s then (select count(*)::int from (select 1 from decision"
        " where status = 'awaiting_approval' limit 100) some_of_them) else 0 end as waiting,"
        " f.since as broken_since, f.detail as broken, coalesce(w.works, 0)::int as works, w.id as work_id,"
        " w.kind as work_kind, w.state as work_state"
        " from (values (1)) one left join audit_finding f on true left join lateral ("
        "select id, kind, state, count(*) over () as works from work where state in ('waiting', 'running', 'ready')"
        " and kind = any(%(sees)s) and (state <> 'ready' or kind = any(%(confirms)s))"
        " order by state = 'ready', number limit 1) w on true",
        decisions=decisions,
        sees=list(sees),
        confirms=list(confirms),
    )


_MACHINERY = f"""
select {_count("from procrastinate_jobs where status = 'todo'")} as jobs_waiting,
  {_count("from procrastinate_jobs where status = 'doing'")} as jobs_running,
  {_count("from procrastinate_jobs where status = 'failed'")} as jobs_failed,
  {_count("from reaction where state = 'due' and due_at <= clock_timestamp()")} as reactions_due,
  {_count("from reaction where state = 'stuck'")} as reactions_stuck,
  coalesce((select id from refused_event order by id desc limit 1), 0) as events_refused,
  (select max(last_heartbeat) from procrastinate_workers) as beat_at,
  (select received_at from inbox order by id desc limit 1) as event_at
"""
_EVENTS = """
select i.id, i.source, i.kind, i.event_id, i.received_at, coalesce(r.state, 'ignored') as state
from (select * from inbox where (%(before)s::bigint is null or id < %(before)s) order by id desc limit %(limit)s) i
left join lateral (
  select case when bool_or(r.state = 'stuck') then 'stuck' when bool_or(r.state = 'due') then 'due' else 'done' end
    as state
  from fact f join reaction r on r.fact_id = f.id
  where f.subject = i.id::text and f.topic = 'inbox' having count(*) > 0
) r on true order by i.id desc
"""


async def machinery(tx: Tx) -> Machinery:
    """How it does now."""
    return await tx.one(Machinery, _MACHINERY)


async def events(tx: Tx, *, before: int | None, limit: int) -> list[ReceivedEvent]:
    """Verified events of providers, the newest first; `before` is the id of the last one seen."""
    return await tx.all(ReceivedEvent, _EVENTS, before=before, limit=limit)
