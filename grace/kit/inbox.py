"""Provider events: stored first, unique per source, account and event id; acknowledged; then reacted to once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from psycopg.types.json import Jsonb

from grace.kit.facts import Fact
from grace.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class ProviderEventReceived(Fact):
    """A verified event of a provider lies in the inbox."""

    topic: ClassVar[str] = "inbox"
    inbox_id: int
    source: str
    kind: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A stored event; `body` is the provider's own document."""

    id: int
    source: str
    account: str
    event_id: str
    kind: str
    body: dict[str, Any]


async def receive(tx: Tx, *, source: str, account: str, event_id: str, kind: str, body: dict[str, Any]) -> bool:
    """Store a verified event; False when it was here before."""
    inbox_id = await tx.value(
        "insert into inbox (source, account, event_id, kind, body)"
        " values (%(source)s, %(account)s, %(event)s, %(kind)s, %(body)s) on conflict do nothing returning id",
        source=source,
        account=account,
        event=event_id,
        kind=kind,
        body=Jsonb(body),
    )
    if inbox_id is None:
        return False
    tx.emit(ProviderEventReceived(inbox_id=inbox_id, source=source, kind=kind))
    return True


async def event(tx: Tx, inbox_id: int) -> ProviderEvent:
    """The stored event."""
    return await tx.one(
        ProviderEvent,
        "select id, source, account, event_id, kind, body from inbox where id = %(id)s",
        id=inbox_id,
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
