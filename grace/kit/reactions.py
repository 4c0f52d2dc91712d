"""Reactions: what follows from a fact, each in a transaction of its own, once in effect.

The dispatcher reads facts in commit order below the horizon of running transactions, so that a late commit
is never missed, and writes one `reaction` row per subscriber. A reaction's row is locked while it runs and
marked done in the same transaction as its effects. Failures are retried with growing pauses, then shown as
stuck work.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

import structlog

from grace.kit import inbox, json
from grace.kit.facts import Fact
from grace.kit.logs import described
from grace.kit.tx import Opening, Part, Tx, transaction
from grace.kit.workspace import Workspaces

log = structlog.get_logger()

BATCH = 500
ATTEMPTS = 8
LEASE_S = 30
NOTIFY_BYTES = 7000
LIVE_CHANNEL = "grace_live"

F = TypeVar("F", bound=Fact)
P = TypeVar("P")
Handler = Callable[[Tx, Any, Any], Awaitable[None]]
Look = Callable[[Tx, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Ask(Generic[P]):
    """What a look at a fact found must be asked outside: `call` runs without a transaction."""

    call: Callable[[], Awaitable[P]]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A function that reacts to one kind of fact, or to those `when` something is so; `look` may find that the outside
    world is to be asked first."""

    name: str
    fact: type[Fact]
    handle: Handler
    look: Look | None
    when: Callable[[Any], bool] | None = None


_subscribers: dict[str, Subscriber] = {}


def reacts_to(
    fact: type[F], *, when: Callable[[F], bool] | None = None
) -> Callable[[Callable[[Tx, F], Awaitable[None]]], Callable[[Tx, F], Awaitable[None]]]:
    """Subscribe `async def name(tx, fact)`. It touches only the database; a job does what is slow. `when` says which
    facts concern it, by what they say themselves: the others cost it nothing."""

    def register(function: Callable[[Tx, F], Awaitable[None]]) -> Callable[[Tx, F], Awaitable[None]]:
        async def handle(tx: Tx, happened: Any, _: Any) -> None:
            await function(tx, happened)

        _subscribe(function, fact, handle, None, when)
        return function

    return register


def reacts_after(
    fact: type[F], look: Callable[[Tx, F], Awaitable[P | Ask[P]]]
) -> Callable[[Callable[[Tx, F, P], Awaitable[None]]], Callable[[Tx, F, P], Awaitable[None]]]:
    """Subscribe `async def name(tx, fact, prepared)`. `look(tx, fact)` reads and gives what is prepared, and all is
    one transaction; or it gives an `Ask`, whose call runs after it and may run more than once."""

    def register(function: Callable[[Tx, F, P], Awaitable[None]]) -> Callable[[Tx, F, P], Awaitable[None]]:
        _subscribe(function, fact, cast(Handler, function), cast(Look, look))
        return function

    return register


def _subscribe(
    function: Any,
    fact: type[Fact],
    handle: Handler,
    look: Look | None,
    when: Callable[[Any], bool] | None = None,
) -> None:
    name = f"{function.__module__.removeprefix('grace.')}.{function.__qualname__}"
    if name in _subscribers:
        raise TypeError(f"{name} is subscribed already")
    _subscribers[name] = Subscriber(name, fact, handle, look, when)


def subscribers() -> list[Subscriber]:
    """All subscribers, by name."""
    return [_subscribers[name] for name in sorted(_subscribers)]


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    xid: str
    kind: str
    topic: str
    subject: str
    version: int | None
    data: dict[str, Any] | None
    """Read only where a subscriber wants to see it."""


async def dispatch(workspaces: Workspaces, handle: str) -> int:
    """Turn new facts into due reactions and tell the browsers; the number of facts taken."""
    by_kind: dict[str, list[Subscriber]] = {}
    for subscriber in subscribers():
        by_kind.setdefault(subscriber.fact.__name__, []).append(subscriber)
    read = [kind for kind, found in by_kind.items() if any(subscriber.when for subscriber in found)]
    async with transaction(workspaces, handle, opening=_CURSOR) as tx:
        if tx.opened is None:
            return 0
        xid, fact_id = tx.opened
        rows = await tx.all(
            _Row,
            "select id, xid::text as xid, kind, topic, subject, version,"
            " case when kind = any(%(read)s) then data end as data from fact"
            " where (xid, id) > (%(xid)s::xid8, %(id)s) and xid < pg_snapshot_xmin(pg_current_snapshot())"
            " order by fact.xid, id limit %(limit)s",
            xid=xid,
            id=fact_id,
            limit=BATCH,
            read=read,
        )
        if not rows:
            return 0
        due = [(row.id, one.name) for row in rows for one in by_kind.get(row.kind, ()) if _concerns(one, row)]
        if due:
            tx.later(
                "insert into reaction (fact_id, subscriber) select * from unnest(%(ids)s::bigint[], %(names)s::text[])"
                " on conflict do nothing",
                ids=[d[0] for d in due],
                names=[d[1] for d in due],
            )
        tx.later(
            "update fact_cursor set xid = %(xid)s::xid8, fact_id = %(id)s where name = 'dispatcher'",
            xid=rows[-1].xid,
            id=rows[-1].id,
        )
        for payload in _live_payloads(rows):
            tx.later("select pg_notify(%(channel)s, %(payload)s)", channel=LIVE_CHANNEL, payload=payload)
        return len(rows)


# Where reading has come to, locked: nothing when another reads.
_CURSOR = Opening(
    Part(
        "reading as materialized (select xid::text, fact_id from fact_cursor where name = 'dispatcher'"
        " for update skip locked)",
        {},
    ),
    "reading",
    ("xid", "fact_id"),
)


def _concerns(subscriber: Subscriber, row: _Row) -> bool:
    if subscriber.when is None or row.data is None:
        return True
    try:
        return subscriber.when(subscriber.fact.from_data(row.data))
    except Exception:
        return True  # it fails where that is seen, and holds up nobody else


def _live_payloads(rows: list[_Row]) -> list[str]:
    payloads, part, length = list[str](), list[str](), 0
    for item in dict.fromkeys((row.topic, row.subject, row.version) for row in rows):
        text = json.dumps(item)
        length += len(text.encode()) + 1
        if part and length > NOTIFY_BYTES:
            payloads.append(f"[{','.join(part)}]")
            part, length = [], len(text.encode()) + 1
        part.append(text)
    return [*payloads, f"[{','.join(part)}]"]


@dataclass(frozen=True, slots=True)
class _Due:
    fact_id: int
    subscriber: str
    data: dict[str, Any]
    request_id: str
    attempts: int


async def react(workspaces: Workspaces, handle: str) -> bool:
    """Run one due reaction. False when there is none."""
    due: _Due | None = None
    try:
        async with transaction(workspaces, handle, opening=_CLAIM) as tx:
            if tx.opened is None:
                return False
            due = _Due(*tx.opened)
            subscriber = _subscribers.get(due.subscriber)
            if subscriber is None:
                raise LookupError(f"nothing is called {due.subscriber} in this version")
            fact = subscriber.fact.from_data(due.data)
            tx.request_id = due.request_id
            prepared = None if subscriber.look is None else await subscriber.look(tx, fact)
            if not isinstance(prepared, Ask):
                await _handle(tx, due, subscriber, fact, prepared)
                return True
            tx.at_commit(_lease, due)
        answer = await prepared.call()
        async with transaction(workspaces, handle, request_id=due.request_id, opening=_still_due(due)) as tx:
            if tx.opened:
                await _handle(tx, due, subscriber, fact, answer)
    except Exception as error:
        if due is None:
            raise
        await _failed(workspaces, handle, due, error)
    return True


# Locks the row that has been due longest and that nobody works on.
_CLAIM = Opening(
    Part(
        f"claimed as materialized (select r.fact_id, r.subscriber, f.data || {inbox.BODY} as data, f.request_id,"
        " r.attempts from longest_due_reaction() r join fact f on f.id = r.fact_id)",
        {},
    ),
    "claimed",
    ("fact_id", "subscriber", "data", "request_id", "attempts"),
)


def _still_due(due: _Due) -> Opening:
    still = (
        "still as materialized (select fact_id from reaction"
        " where fact_id = %(reaction_fact)s and subscriber = %(reaction_name)s and state = 'due' for update)"
    )
    return Opening(Part(still, _named(due)), "still", ("fact_id",))


async def _lease(tx: Tx, leased: list[_Due]) -> Part:
    """Keep others away while the outside world is asked; a dead worker's lease ends by itself."""
    [due] = leased
    return Part(
        "leased as (update reaction set claimed_until = clock_timestamp() + %(reaction_lease)s"
        " where fact_id = %(reaction_fact)s and subscriber = %(reaction_name)s)",
        {**_named(due), "reaction_lease": timedelta(seconds=LEASE_S)},
    )


async def _handle(tx: Tx, due: _Due, subscriber: Subscriber, fact: Fact, prepared: Any) -> None:
    await subscriber.handle(tx, fact, prepared)
    tx.at_commit(_done, due)


async def _done(tx: Tx, done: list[_Due]) -> Part:
    [due] = done
    return Part(
        "reacted as (update reaction set state = 'done', done_at = clock_timestamp(), claimed_until = null,"
        " error = null where fact_id = %(reaction_fact)s and subscriber = %(reaction_name)s)",
        _named(due),
    )


def _named(due: _Due) -> dict[str, Any]:
    return {"reaction_fact": due.fact_id, "reaction_name": due.subscriber}


async def _failed(workspaces: Workspaces, handle: str, due: _Due, error: Exception) -> None:
    attempts = due.attempts + 1
    log.warning(
        "reaction failed",
        workspace=handle,
        request_id=due.request_id,
        fact=due.fact_id,
        subscriber=due.subscriber,
        attempt=attempts,
        error=described(error),
    )
    pause_s = min(300.0, 0.2 * 4**attempts) * random.uniform(0.5, 1.5)  # noqa: S311
    async with transaction(workspaces, handle, request_id=due.request_id) as tx:
        await tx.execute(
            "update reaction set attempts = %(attempts)s, error = %(error)s, claimed_until = null,"
            " due_at = clock_timestamp() + %(pause)s,"
            " state = case when %(attempts)s >= %(limit)s then 'stuck' else 'due' end"
            " where fact_id = %(fact)s and subscriber = %(name)s and state = 'due'",
            attempts=attempts,
            error=repr(error)[:2000],
            pause=timedelta(seconds=pause_s),
            limit=ATTEMPTS,
            fact=due.fact_id,
            name=due.subscriber,
        )


async def replay(tx: Tx, *, fact_id: int, subscriber: str) -> bool:
    """Give stuck work another round; False when it is not stuck."""
    return bool(
        await tx.execute(
            "update reaction set state = 'due', attempts = 0, due_at = clock_timestamp()"
            " where fact_id = %(fact)s and subscriber = %(name)s and state = 'stuck'",
            fact=fact_id,
            name=subscriber,
        )
    )


async def replay_stuck(tx: Tx, subscriber: str) -> int:
    """Give all stuck work of a subscriber another round, for what it stumbled over is over; how much."""
    return await tx.execute(
        "update reaction set state = 'due', attempts = 0, due_at = clock_timestamp()"
        " where subscriber = %(name)s and state = 'stuck'",
        name=subscriber,
    )


async def drain(workspaces: Workspaces, handle: str, *, parallel: int = 4) -> None:
    """Dispatch and react until nothing is due now (for the test clock and for tests)."""

    async def work() -> int:
        count = 0
        while await react(workspaces, handle):
            count += 1
        return count

    while True:
        taken = await dispatch(workspaces, handle)
        done = sum(await asyncio.gather(*(work() for _ in range(parallel))))
        if not taken and not done and await _settled(workspaces, handle):
            return


async def _settled(workspaces: Workspaces, handle: str) -> bool:
    """Whether the dispatcher has seen every committed fact (another database's writer can hold it up)."""
    waiting = await look(workspaces, handle)
    if waiting.facts or waiting.reactions:
        await asyncio.sleep(0.01)
        return False
    return True


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a workspace's worker has to do."""

    facts: bool
    reactions: bool


async def look(workspaces: Workspaces, handle: str) -> Waiting:
    """Ask in one statement whether there is anything to do: what an idle workspace costs."""
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            # By the order of the index: without it a planner that expects a hit reads the whole history to find none.
            "select (select f.id from fact f where (f.xid, f.id) > (c.xid, c.fact_id)"
            " order by f.xid, f.id limit 1) is not null,"
            " exists (select from reaction where state = 'due' and due_at <= clock_timestamp()"
            " and (claimed_until is null or claimed_until < clock_timestamp()))"
            " from fact_cursor c where c.name = 'dispatcher'"
        )
        row = await cursor.fetchone()
    return Waiting(*row) if row else Waiting(facts=False, reactions=False)


async def watched(workspaces: Workspaces, handle: str) -> bool:
    """Whether any web process listens for a workspace's changes: then a browser shows it."""
    pool = await workspaces.pool(handle)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select exists (select from pg_stat_activity where datname = current_database()"
            f" and application_name = '{LIVE_CHANNEL}')"
        )
        row = await cursor.fetchone()
    return bool(row and row[0])
