"""The audit explorer: the seal, the log by filters, one entry with its proof."""

import json
import re
from datetime import date

from fastapi import Request, Response
from starlette.datastructures import QueryParams

from grace.console.nouns import noun_words, page_of, verb_tone, verb_words
from grace.console.shell import show
from grace.insight.finding import find
from grace.insight.naming import choices, named
from grace.kit.edge import Doors, InTx
from grace.kit.errors import NotFound
from grace.kit.paging import Cursor, number_in, page
from grace.kit.tx import Tx
from grace.trust.audit import exploring
from grace.trust.audit.api import EntryId
from grace.trust.audit.exploring import EntryFilter, Explored, Seal

doors = Doors(tags=["Console"])
ROWS = 50
FILTERS = ("q", "actor", "action", "day", "subject_kind", "subject_id")
_HASH = re.compile(r"[0-9a-f]{8,64}")
_ACTION = re.compile(r"[a-z]+(_[a-z]+)+")


@doors.get("/app/audit", may="audit:read", hidden=True)
async def log(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The log, the newest entries first."""
    return await _page(tx, request, None, cursor)


@doors.get("/app/audit/{id}", may="audit:read", hidden=True)
async def entry(tx: InTx, request: Request, id: EntryId, cursor: Cursor = None) -> Response:
    """An entry with its proof, beside the log."""
    return await _page(tx, request, id, cursor)


async def _page(tx: Tx, request: Request, asked: int | None, cursor: str | None) -> Response:
    where, number = await _filter(tx, request.query_params)
    rows = await exploring.listed(tx, where, before=number_in(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="id")
    seal = await exploring.seal(tx)
    picked = await _picked(tx, asked, number, seal)
    ids = {row.subject_id for row in shown.items} | {row.principal_id for row in shown.items}
    if picked is not None:
        ids |= {picked.entry.subject_id, picked.entry.principal_id, picked.entry.principal_owner}
    payload = json.loads(picked.entry.payload) if picked and picked.entry.payload else None
    return await show(
        request,
        tx,
        "audit.html",
        here="audit",
        live="*",
        rows=shown.items,
        next_cursor=shown.next_cursor,
        seal=seal,
        picked=picked,
        payload=payload,
        pretty=_pretty,
        nouns=await named(tx, ids),
        choices=await choices(tx),
        filtered=not where.is_empty or number is not None,
        asked={name: request.query_params.get(name, "") for name in FILTERS},
        kept=_kept(request.query_params, "cursor"),
        kept_filter=_kept(request.query_params),
        real_now=tx.real_now,
        words=verb_words,
        tone=verb_tone,
        noun_words=noun_words,
        page_of=page_of,
    )


async def _picked(tx: Tx, asked: int | None, typed: int | None, seal: Seal) -> Explored | None:
    if asked is not None:
        return await exploring.explored(tx, asked, seal.checkpoint)
    try:
        return await exploring.explored(tx, typed, seal.checkpoint) if typed is not None else None
    except NotFound:
        return None


async def _filter(tx: Tx, asked: QueryParams) -> tuple[EntryFilter, int | None]:
    """What is asked for, and the number of an entry that was typed."""
    given = {name: asked.get(name, "").strip()[:128] for name in FILTERS}
    text, digits, action, number = given["q"].lower(), None, given["action"] or None, None
    subjects: tuple[str, ...] | None = (given["subject_id"],) if given["subject_id"] else None
    if text.replace(",", "").isdigit() and len(text) < 19:
        number = int(text.replace(",", "")) or None
    if _HASH.fullmatch(text):  # also one whose first digits are decimal
        digits = text
    elif _ACTION.fullmatch(text):
        action = text
    elif text and number is None:
        found = await find(tx, text)
        subjects = tuple(noun.id for noun in found) or (text,)
    return (
        EntryFilter(
            principal_id=given["actor"] or None,
            action=action,
            subject_kind=given["subject_kind"] or None,
            subject_ids=subjects,
            day=_day(given["day"]),
            hash_digits=digits,
        ),
        number,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _kept(asked: QueryParams, *more: str) -> str:
    """The filter as the end of an address, to stay while entries are opened."""
    kept = QueryParams([(name, value) for name, value in asked.multi_items() if name in (*FILTERS, *more) and value])
    return f"?{kept}" if kept else ""


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
