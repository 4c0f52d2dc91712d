"""Repeated requests: the row of a key is inserted first, and the answer is stored with the effect.

The unique index is the mutex: a concurrent twin waits for it at most the connection's lock time-out (2 s).
Answers are encrypted; refusals are not kept, so that a corrected request may use the same key.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg
from fastapi import Response

from grace.kit import json
from grace.kit.errors import Conflict, InProgress, Malformed
from grace.kit.tx import Opening, Part, Tx
from grace.kit.web import ExactJSON, ProblemJSON

KEY_LENGTH = 255
SEE_OTHER = 303
_SENT_ON = ("location", "set-cookie")
_PURPOSE = "answers"
_INSERT = (
    "insert into idempotency (scope, key, request_hash) values (%(idem_scope)s, %(idem_key)s, %(idem_hash)s)"
    " on conflict do nothing returning true as new"
)


class TwinAtWork(InProgress):
    """The same request has committed its intent and waits for a provider."""


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's key, within the credential and the door it was sent to."""

    scope: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What an earlier request of the key left: its answer, or the provider call it began."""

    status: int | None
    body: bytes | None
    intent: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    request_hash: bytes
    state: str
    intent: str | None
    status: int | None
    answer: bytes | None
    waiting: bool


def key_of(*, principal: str, method: str, path: str, key: str, content: Any) -> Key:
    """The key of a request; its content counts by its meaning, not its spelling: parsed JSON, else the bytes."""
    if not 1 <= len(key) <= KEY_LENGTH or not key.isprintable() or not key.isascii():
        raise Malformed(f"Idempotency-Key is 1 to {KEY_LENGTH} printable ASCII characters.")
    canonical = content if isinstance(content, bytes) else json.canonical(content).encode()
    return Key(f"{principal} {method} {path}", key, sha256(canonical).digest())


def opening(key: Key) -> Opening:
    """What claims the key in the statement that opens the transaction; `claimed` then says how it went.

    A twin that holds the row makes the opening raise LockNotAvailable, as the connection's lock time-out says.
    """
    params = {"idem_scope": key.scope, "idem_key": key.key, "idem_hash": key.request_hash}
    return Opening(Part(f"claimed as ({_INSERT})", params), "claimed", ("new",))


async def claim(tx: Tx, key: Key, *, stale_s: float) -> Stored | None:
    """None: the request is new. Otherwise what is stored.

    Conflict for another body, InProgress for a twin that holds the row, TwinAtWork for one that is at a provider.
    """
    try:
        new = await tx.value(_INSERT, idem_scope=key.scope, idem_key=key.key, idem_hash=key.request_hash)
        return None if new else await _stored(tx, key, stale_s)
    except psycopg.errors.LockNotAvailable as error:
        raise at_work() from error


async def claimed(tx: Tx, key: Key, *, stale_s: float) -> Stored | None:
    """What `claim` says, in a transaction that was opened with the key."""
    try:
        return None if tx.opened else await _stored(tx, key, stale_s)
    except psycopg.errors.LockNotAvailable as error:
        raise at_work() from error


def at_work() -> InProgress:
    """The refusal of a request whose twin holds the row."""
    return InProgress("The same request is being worked on.", retry_after=2)


async def _stored(tx: Tx, key: Key, stale_s: float) -> Stored:
    row = await tx.one(
        _Row,
        "select request_hash, state, intent, status, answer,"
        " touched_at > clock_timestamp() - make_interval(secs => %(stale)s) as waiting"
        " from idempotency where scope = %(scope)s and key = %(key)s for update",
        scope=key.scope,
        key=key.key,
        stale=stale_s,
    )
    if row.request_hash != key.request_hash:
        raise Conflict("This Idempotency-Key was used with another request.", type="idempotency-key-reused")
    if row.state == "answered" and row.answer is not None:
        return Stored(row.status, tx.keys.open(_PURPOSE, row.answer, bound_to=_binding(key)), None)
    if row.waiting:
        raise TwinAtWork("The same request is being worked on.", retry_after=max(1, round(stale_s)))
    return Stored(None, None, row.intent)


def lasting(response: Response) -> bytes:
    """What is kept of an answer: its body; of one that sends a browser on, where to."""
    if response.status_code != SEE_OTHER:
        return bytes(response.body)
    return json.dumps({name: response.headers[name] for name in _SENT_ON if name in response.headers}).encode()


def again(status: int, body: bytes) -> Response:
    """The answer of which `body` was kept, marked as a replay."""
    replay = {"Idempotent-Replay": "true"}
    if status == SEE_OTHER:
        return Response(status_code=status, headers=replay | json.loads(body))
    return Response(body, status, replay, media_type=(ExactJSON if status < 400 else ProblemJSON).media_type)


async def remember_intent(tx: Tx, key: Key, intent: str) -> None:
    """Tie the key to the provider call that its request begins."""
    await tx.execute(
        "update idempotency set intent = %(intent)s, touched_at = clock_timestamp()"
        " where scope = %(scope)s and key = %(key)s",
        intent=intent,
        scope=key.scope,
        key=key.key,
    )


async def release(tx: Tx, key: Key) -> None:
    """The outcome is not known yet: the next request of the key takes the intent up at once."""
    await tx.execute(
        "update idempotency set touched_at = '-infinity' where scope = %(scope)s and key = %(key)s",
        scope=key.scope,
        key=key.key,
    )


def store(tx: Tx, key: Key, *, status: int, body: bytes, secret_fields: tuple[str, ...] = ()) -> None:
    """Keep the answer with the commit, without fields that are shown once."""
    if secret_fields:
        shown: dict[str, Any] = json.loads(body)
        body = json.dumps(shown | dict.fromkeys(secret_fields)).encode()
    tx.at_commit(_keep, (key, status, body))


async def _keep(tx: Tx, answers: list[tuple[Key, int, bytes]]) -> Part:
    [(key, status, body)] = answers
    return Part(
        "answered as (update idempotency set state = 'answered', status = %(idem_status)s, answer = %(idem_answer)s"
        " where scope = %(idem_scope)s and key = %(idem_key)s)",
        {
            "idem_status": status,
            "idem_answer": tx.keys.seal(_PURPOSE, body, bound_to=_binding(key)),
            "idem_scope": key.scope,
            "idem_key": key.key,
        },
    )


async def forget_old(tx: Tx, *, days: int) -> int:
    """Delete answers older than `days` (real time)."""
    return await tx.execute(
        "delete from idempotency where created_at < clock_timestamp() - make_interval(days => %(days)s)",
        days=days,
    )


def _binding(key: Key) -> bytes:
    return f"{key.scope}\n{key.key}".encode()
