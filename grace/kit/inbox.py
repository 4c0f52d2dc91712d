"""Provider events: stored first, unique per source, account and event id; acknowledged; then reacted to once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from grace.kit.facts import Fact
from grace.kit.tx import Part, Tx
from grace.kit.wire import array


@dataclass(frozen=True, slots=True)
class ProviderEventReceived(Fact):
    """A verified event of a provider lies in the inbox; `body` is the provider's own document, kept there and read with
    the fact by whoever reacts to it."""

    topic: ClassVar[str] = "inbox"
    inbox_id: int
    source: str
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Received:
    source: str
    account: str
    event_id: str
    kind: str
    body: str


def receive(tx: Tx, *, source: str, account: str, event_id: str, kind: str, body: str) -> None:
    """Store a verified event with the commit, `body` as the JSON text that came; one that was here before is left."""
    tx.at_commit(_store, _Received(source, account, event_id, kind, body))


async def _store(tx: Tx, received: list[_Received]) -> Part:
    """The events, and of those that are new the fact."""
    return Part(
        "inbox_row as (insert into inbox (source, account, event_id, kind, body)"
        " select source, account, event_id, kind, body::jsonb from unnest(%(inbox_sources)s::text[],"
        " %(inbox_accounts)s::text[], %(inbox_events)s::text[], %(inbox_kinds)s::text[], %(inbox_bodies)s::text[])"
        " as e (source, account, event_id, kind, body) on conflict do nothing returning id, source, kind),"
        " inbox_fact as (insert into fact (kind, topic, subject, data, at, request_id, principal)"
        " select %(inbox_fact)s, %(inbox_topic)s, id::text,"
        " jsonb_build_object('inbox_id', id, 'source', source, 'kind', kind), %(inbox_at)s, %(inbox_request)s,"
        " %(inbox_principal)s from inbox_row)",
        {
            "inbox_sources": array(one.source for one in received),
            "inbox_accounts": array(one.account for one in received),
            "inbox_events": array(one.event_id for one in received),
            "inbox_kinds": array(one.kind for one in received),
            "inbox_bodies": array(one.body for one in received),
            "inbox_fact": ProviderEventReceived.__name__,
            "inbox_topic": ProviderEventReceived.topic,
            "inbox_at": tx.now,
            "inbox_request": tx.request_id,
            "inbox_principal": tx.principal.id,
        },
    )


# SQL of what is read with such a fact, of a row `f` of `fact`.
BODY = (
    "case when f.kind = 'ProviderEventReceived' then (select jsonb_build_object('body', i.body) from inbox i"
    " where i.id = (f.data ->> 'inbox_id')::bigint) else '{}' end"
)


@dataclass(frozen=True, slots=True)
class EventSeen:
    """A stored event as lists show it."""

    id: int
    event_id: str
    kind: str
    received_at: datetime


async def about(tx: Tx, *, source: str, objects: Sequence[str]) -> list[EventSeen]:
    """The newest events about some of the provider's objects, by their ids; at most 50."""
    return await tx.all(
        EventSeen,
        "select id, event_id, kind, received_at from inbox where body #>> '{data,object,id}' = any(%(objects)s)"
        " and source = %(source)s order by id desc limit 50",
        source=source,
        objects=list(objects),
    )


async def refuse(tx: Tx, *, source: str, reason: str, remote: str) -> None:
    """Count an event that could not be verified, without its body."""
    await tx.execute(
        "insert into refused_event (source, reason, remote) values (%(source)s, %(reason)s, %(remote)s)",
        source=source,
        reason=reason[:200],
        remote=remote[:100],
    )
