"""The script of faults: what shall go wrong, how often, for whom. Each is a row that is used up by its
hits.

Kinds and their options:
- `decline` {code, decline_code}: the next charge attempt is declined, whatever the card.
- `slow` {delay_ms}: the request waits before it runs, its idempotency key in use meanwhile.
- `timeout_before`, `timeout_after` {hold_ms}: the connection is held, then cut without an answer; the
  effect did not happen, or happened and is stored under the idempotency key.
- `error_before` {status, message}: refused before it runs, nothing stored. `error_after` {status, message,
  stored}: the effect is kept; with `stored` (default true, as Stripe does) the same key replays the error.
- `webhook_duplicate` {times}, `webhook_delay` {delay_ms}, `webhook_lose`: the event is sent `times` times,
  later, never. `webhook_reorder`: `count` events are held until all are there and then sent last first.
"""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from grace_sandbox.store import Store

KINDS: dict[str, dict[str, Any]] = {
    "decline": {"code": "card_declined", "decline_code": "generic_decline"},
    "slow": {"delay_ms": 500},
    "timeout_before": {"hold_ms": 0},
    "timeout_after": {"hold_ms": 0},
    "error_before": {"status": 503, "message": "The service is unavailable."},
    "error_after": {"status": 500, "message": "An unknown error occurred.", "stored": True},
    "webhook_duplicate": {"times": 2},
    "webhook_delay": {"delay_ms": 60_000},
    "webhook_reorder": {},
    "webhook_lose": {},
}
_COMMON = {"kind", "account", "key", "method", "path", "event_type", "count", "skip"}
Kind = Literal["decline", "slow", "timeout_before", "timeout_after", "error_before", "error_after",
               "webhook_duplicate", "webhook_delay", "webhook_reorder", "webhook_lose"]  # fmt: skip


class BadFault(ValueError):
    """A fault script that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`left` counts the hits that remain after this one; None when it never ends."""

    id: int
    kind: str
    left: int | None
    options: dict[str, Any]


def account_of(body: dict[str, Any]) -> str | None:
    """The account that a control request names by `key` or `account`."""
    for prefix in ("sk_test_", "pk_test_"):
        if str(body.get("key", "")).startswith(prefix):
            return str(body["key"]).removeprefix(prefix)
    name = body.get("account")
    return None if name is None else str(name)


def add_fault(store: Store, body: dict[str, Any]) -> int:
    """Stores one fault and returns its id. Matches every account, method, path and event type that it
    leaves out.

    `path` and `event_type` are shell patterns; `skip` lets that many matches pass first; `count` null never
    ends.
    """
    kind = body.get("kind")
    if kind not in KINDS:
        raise BadFault(f"kind must be one of {', '.join(KINDS)}")
    unknown = body.keys() - _COMMON - KINDS[kind].keys()
    if unknown:
        raise BadFault(f"unknown for {kind}: {', '.join(sorted(unknown))}")
    count = body.get("count", 1)
    skip = body.get("skip", 0)
    if not (count is None or (type(count) is int and count > 0)) or type(skip) is not int or skip < 0:
        raise BadFault("count is a positive integer or null, skip is an integer from 0")
    options = {name: body.get(name, default) for name, default in KINDS[kind].items()}
    for name, default in KINDS[kind].items():
        if type(options[name]) is not type(default):
            raise BadFault(f"{name} must be of type {type(default).__name__}")
    if kind == "webhook_reorder" and count is None:
        raise BadFault("webhook_reorder needs a count")
    cursor = store.db.execute(
        "insert into fault (kind, account, method, path, event_type, skip, remaining, options)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            kind,
            account_of(body),
            body.get("method"),
            body.get("path", "*"),
            body.get("event_type", "*"),
            skip,
            count,
            json.dumps(options),
        ),
    )
    return int(cursor.lastrowid or 0)


def list_faults(store: Store) -> list[dict[str, Any]]:
    rows = store.db.execute("select * from fault order by id")
    return [{**dict(row), "options": json.loads(row["options"])} for row in rows]


def clear_faults(store: Store) -> None:
    store.db.execute("delete from fault")


def take_fault(
    store: Store,
    kinds: tuple[Kind, ...],
    *,
    account: str,
    method: str = "",
    path: str = "",
    event_type: str = "",
) -> Fault | None:
    """Uses up one hit of the first matching fault, in the caller's transaction."""
    marks = ", ".join("?" * len(kinds))
    rows = store.db.execute(
        f"select * from fault where kind in ({marks}) and (account is null or account = ?)"
        " and (remaining is null or remaining > 0) order by id",
        (*kinds, account),
    ).fetchall()
    for row in rows:
        if row["method"] not in (None, method) or not fnmatchcase(path, row["path"]):
            continue
        if not fnmatchcase(event_type, row["event_type"]):
            continue
        if row["skip"] > 0:
            store.db.execute("update fault set skip = skip - 1 where id = ?", (row["id"],))
            continue
        store.db.execute("update fault set remaining = remaining - 1, hits = hits + 1 where id = ?", (row["id"],))
        left = None if row["remaining"] is None else row["remaining"] - 1
        return Fault(row["id"], row["kind"], left, json.loads(row["options"]))
    return None
