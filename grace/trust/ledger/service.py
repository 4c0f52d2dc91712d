"""The verbs. Call them last in a business transaction: the accounts stay locked until it commits.

One call is one round trip, `post_later` none of its own. Its locks are taken in a fixed order, so calls cannot
deadlock with each other; a transaction that needs several postings gives them to `post_many` in one call. A reference
(such as `invoice:in_…:issued`) stands for one business fact for ever: given again with the same kind and lines it
changes nothing and the earlier id is returned, with other content it is ReferenceUsed. Memos hold no personal
data, for postings are never erased. Each posting is told in the audit log by its transaction, so that the check of the
books finds one that was changed since. Business time is the transaction's `now` unless `event_at` is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from grace.kit.tx import Tx
from grace.kit.wire import array
from grace.trust.audit import service as audit
from grace.trust.ledger.errors import told
from grace.trust.ledger.facts import HoldExpired
from grace.trust.ledger.models import HoldId, NewPosting, PostingId
from grace.trust.ledger.queries import lines_of
from grace.trust.ledger.rules import POSTED, Line, balanced, digest

EXPIRE_BATCH = 200


async def post(
    tx: Tx,
    *,
    reference: str,
    kind: str,
    lines: Iterable[Line],
    memo: str | None = None,
    event_at: datetime | None = None,
) -> PostingId:
    """Book a balanced set of lines.

    Refuses with Unbalanced, UnknownAccount, ReferenceUsed, and InsufficientFunds when an account with a floor
    would fall below it. After a refusal by the database the transaction can only be rolled back.
    """
    posting = NewPosting(reference, kind, balanced(lines), memo, event_at or tx.now)
    with told:
        made = PostingId(await tx.value(_POST, **_values(posting)))
    _tell(tx, posting)
    return made


def post_later(
    tx: Tx,
    *,
    reference: str,
    kind: str,
    lines: Iterable[Line],
    memo: str | None = None,
    event_at: datetime | None = None,
) -> None:
    """Book a set that no floor can refuse in the round trip of the next statement, or of the commit: its accounts are
    locked no sooner. Refuses with Unbalanced and UnknownAccount."""
    posting = NewPosting(reference, kind, balanced(lines), memo, event_at or tx.now)
    tx.later(_POST, **_values(posting))
    _tell(tx, posting)


async def post_many(tx: Tx, *, postings: Sequence[NewPosting]) -> list[PostingId]:
    """Book many sets in one call, all or none; ids in the order given. References must differ.

    Floors hold at the end of the batch: within it the order does not matter.
    """
    if not postings:
        return []
    sets = [balanced(posting.lines) for posting in postings]
    with told:
        ids = await tx.value(
            "select ledger_post_many(%(references)s::text[], %(kinds)s::text[], %(event_ats)s::timestamptz[],"
            " %(memos)s::text[], %(posting_of)s::int[], %(purposes)s::text[], %(owners)s::text[],"
            " %(currencies)s::text[], %(amounts)s::bigint[])",
            references=[posting.reference for posting in postings],
            kinds=[posting.kind for posting in postings],
            event_ats=[posting.event_at or tx.now for posting in postings],
            memos=[posting.memo for posting in postings],
            posting_of=[number for number, lines in enumerate(sets, 1) for _ in lines],
            **_columns([line for lines in sets for line in lines]),
        )
    for posting, lines in zip(postings, sets, strict=True):
        _tell(tx, replace(posting, lines=lines))
    return [PostingId(found) for found in ids]


async def reserve(
    tx: Tx,
    *,
    reference: str,
    kind: str,
    lines: Iterable[Line],
    expires_at: datetime | None = None,
    memo: str | None = None,
    event_at: datetime | None = None,
) -> HoldId:
    """Hold a balanced set without booking it, until it is settled, released or `expires_at` (business time) comes.

    What it would take away from an account is no longer available there; what it would bring is not yet.
    The same reference and content again returns the earlier hold, whatever became of it.
    """
    with told:
        return HoldId(
            await tx.value(
                "select ledger_reserve(%(reference)s, %(kind)s, %(event_at)s, %(expires_at)s, %(memo)s,"
                " %(purposes)s::text[], %(owners)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])",
                reference=reference,
                kind=kind,
                event_at=event_at or tx.now,
                expires_at=expires_at,
                memo=memo,
                **_columns(balanced(lines)),
            )
        )


async def settle(
    tx: Tx,
    *,
    hold: str,
    reference: str,
    kind: str,
    lines: Iterable[Line] | None = None,
    memo: str | None = None,
    event_at: datetime | None = None,
) -> PostingId:
    """Book the hold of reference `hold` and free what is left of it.

    `lines` None books all of it; otherwise each line must be on an account of the hold, on its side and not above
    its amount. HoldEnded when it is over, or `event_at` is not before its expiry. Again with the same `reference`
    returns the earlier posting.
    """
    given = balanced(lines) if lines is not None else None
    columns = _columns(given) if given is not None else dict.fromkeys(_COLUMNS)
    with told:
        made = PostingId(
            await tx.value(
                "select ledger_settle(%(hold)s, %(reference)s, %(kind)s, %(event_at)s, %(memo)s, %(purposes)s::text[],"
                " %(owners)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])",
                hold=hold,
                reference=reference,
                kind=kind,
                event_at=event_at or tx.now,
                memo=memo,
                **columns,
            )
        )
    _tell(tx, NewPosting(reference, kind, given or tuple(await lines_of(tx, made)), memo, event_at))
    return made


async def release(tx: Tx, *, hold: str) -> None:
    """Free a hold without booking it; again changes nothing. HoldEnded when it was settled or is unknown."""
    with told:
        await tx.value("select ledger_release(%(hold)s)", hold=hold)


async def expire_due(tx: Tx, *, limit: int = EXPIRE_BATCH) -> list[str]:
    """Free the holds that ran out by now, at most `limit`; their references, each also a HoldExpired fact."""
    expired = await tx.all(str, "select ledger_expire(%(now)s, %(limit)s)", now=tx.now, limit=limit)
    for reference in expired:
        tx.emit(HoldExpired(reference))
    return expired


async def roll(tx: Tx) -> int:
    """Fold the tails of the hot accounts into their balances, so that reading these stays cheap; how many moved.

    To be called every second or so; exact at any time, also next to postings. After a restore from a dump the first
    call rebuilds the balances, which takes as long as reading all entries.
    """
    await tx.execute("set local statement_timeout = 0")
    return int(await tx.value("select ledger_roll()"))


def _tell(tx: Tx, posting: NewPosting) -> None:
    """Write in the audit log what was posted."""
    audit.record(
        tx, action=POSTED, subject=("posting", posting.reference), after=partial(_posted, posting, event_at=tx.now)
    )


def _posted(posting: NewPosting, *, event_at: datetime) -> dict[str, Any]:
    """The digest is what the check compares; the rest is for people."""
    event_at = posting.event_at or event_at
    return {
        "kind": posting.kind,
        "event_at": event_at,
        "memo": posting.memo,
        "lines": [
            [line.account.purpose.value, line.account.owner, line.account.currency, line.amount_minor]
            for line in posting.lines
        ],
        "digest": digest(posting.reference, posting.kind, event_at, posting.memo, posting.lines),
    }


_POST = (
    "select ledger_post(%(reference)s, %(kind)s, %(event_at)s, %(memo)s, %(purposes)s::text[],"
    " %(owners)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])"
)


def _values(posting: NewPosting) -> dict[str, Any]:
    return {
        "reference": posting.reference,
        "kind": posting.kind,
        "event_at": posting.event_at,
        "memo": posting.memo,
        **_columns(posting.lines),
    }


_COLUMNS = ("purposes", "owners", "currencies", "amounts")


def _columns(lines: Sequence[Line]) -> dict[str, Any]:
    """Lines as the parallel arrays that the functions take; no owner is ''."""
    return {
        "purposes": array(str(line.account.purpose) for line in lines),
        "owners": array(line.account.owner or "" for line in lines),
        "currencies": array(line.account.currency for line in lines),
        "amounts": array(line.amount_minor for line in lines),
    }
