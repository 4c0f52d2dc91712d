"""The doors of approvals: three lists, a decision, and its vote."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import Field

from grace.console.approvals.evidence import evidence
from grace.console.approvals.headlines import IRREVERSIBLE, UNDO, headline, ids_in, needs, quorum_words
from grace.console.forms import read_form
from grace.console.nouns import page_of, verb_words
from grace.console.shell import see, show
from grace.insight.naming import Noun, named
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, number_in, page
from grace.kit.tx import Tx
from grace.trust.audit import queries as audit
from grace.trust.governance import queries
from grace.trust.governance.api import DecisionId, cast_vote
from grace.trust.governance.models import Decision, Status
from grace.trust.governance.schemas import DecisionOut, VoteIn
from grace.trust.governance.service.standing import standing

doors = Doors(tags=["Console"])
ROWS = 30
HISTORY = 50
REQUEST_LENGTH = 20_000
"""Of the exact request as JSON, that much is shown; the API has all of it."""
Tab = Literal["waiting", "decided", "allowed"]
TABS: dict[Tab, tuple[str, str, tuple[Status, ...]]] = {
    "waiting": ("Waiting", "/app/approvals", (Status.AWAITING_APPROVAL,)),
    "decided": (
        "Decided",
        "/app/approvals/decided",
        (Status.EXECUTED, Status.REJECTED, Status.DENIED, Status.EXPIRED, Status.STALE),
    ),
    "allowed": ("Allowed by policy", "/app/approvals/allowed", (Status.ALLOWED,)),
}
_SAID = {
    Status.EXECUTED: "Approved: the action has run",
    Status.AWAITING_APPROVAL: "Your vote is cast",
    Status.REJECTED: "Rejected: the action will not run",
    Status.EXPIRED: "Its time was over: the action has expired and did not run",
    Status.STALE: "What it was judged on has changed: the action did not run. It can be proposed again",
    Status.DENIED: "The policy refused it at the last look: the action did not run",
}


class Rejection(VoteIn):
    """A vote against; from a page it always says why."""

    reason: str = Field(min_length=1, max_length=2000)


@doors.get("/app/approvals", may="decisions:read", hidden=True)
async def waiting(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """What waits for votes."""
    return await _page(tx, request, "waiting", cursor)


@doors.get("/app/approvals/decided", may="decisions:read", hidden=True)
async def decided(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """What people or time decided, and what the policy denied."""
    return await _page(tx, request, "decided", cursor)


@doors.get("/app/approvals/allowed", may="decisions:read", hidden=True)
async def allowed(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """What the policy allowed at once."""
    return await _page(tx, request, "allowed", cursor)


@doors.get("/app/approvals/{id}", may="decisions:read", hidden=True)
async def one(tx: InTx, request: Request, id: DecisionId, confirm: bool = False, cursor: Cursor = None) -> Response:
    """A decision, with everything that a vote should know; `confirm` is the last step of what cannot be undone."""
    decision = await queries.decision(tx, id)
    return await _page(tx, request, _tab_of(decision), cursor, decision, confirm=confirm)


@doors.post("/app/approvals/{id}/approve", may="decisions:vote", hidden=True)
async def approve(tx: InTx, request: Request, id: DecisionId) -> Response:
    """A vote for it."""
    body = await read_form(request, VoteIn, approve=True)
    return _voted(await cast_vote(tx, id, body))


@doors.post("/app/approvals/{id}/reject", may="decisions:vote", hidden=True)
async def reject(tx: InTx, request: Request, id: DecisionId) -> Response:
    """A vote against it, with its reason."""
    body = await read_form(request, Rejection, approve=False)
    return _voted(await cast_vote(tx, id, body))


def _voted(decision: DecisionOut) -> Response:
    return see(f"/app/approvals/{decision.id}", _SAID.get(Status(decision.status), "Done"))


async def _page(
    tx: Tx, request: Request, tab: Tab, cursor: str | None, asked: Decision | None = None, *, confirm: bool = False
) -> Response:
    """The list of a tab, beside the decision asked for or, where there is room, its first one."""
    rows = await queries.decisions_among(tx, TABS[tab][2], before=number_in(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="number")
    decision = asked or (shown.items[0] if shown.items else None)
    history = await audit.history(tx, subject=("decision", decision.id), limit=HISTORY) if decision else []
    ids = ids_in([*shown.items, *([decision] if decision else [])]) | {entry.principal_id for entry in history}
    nouns = await named(tx, ids | ({decision.proposer_owner or ""} if decision else set()))
    detail = await _detail(tx, decision, nouns) if decision else dict[str, Any]()
    return await show(
        request,
        tx,
        "approvals.html",
        here="approvals",
        live="decision",
        tab=tab,
        tabs_of=TABS,
        items=[(row, headline(row, nouns)) for row in shown.items],
        next_cursor=shown.next_cursor,
        picked=asked is not None,
        decision=decision,
        history=history[::-1],
        nouns=nouns,
        confirm=confirm,
        words=verb_words,
        page_of=page_of,
        pattern=_pattern,
        quorum=quorum_words,
        needs=needs,
        **detail,
    )


async def _detail(tx: Tx, decision: Decision, nouns: Mapping[str, Noun]) -> dict[str, Any]:
    stands = await standing(tx, decision)
    given = decision.result.get("id") if isinstance(decision.result, dict) else None
    asked = json.dumps({"action": decision.action, **decision.arguments}, indent=2, ensure_ascii=False)
    return {
        "head": headline(decision, nouns),
        "evidence": await evidence(tx, decision),
        "stands": stands,
        "cast": {vote.voter_id: vote for vote in stands.votes},
        "waits": decision.status == Status.AWAITING_APPROVAL,
        "undo": UNDO.get(decision.effect, "No"),
        "final": decision.effect in IRREVERSIBLE,
        "made": nouns.get(str(given)),
        "asked": asked[:REQUEST_LENGTH],
        "cut": len(asked) > REQUEST_LENGTH,
    }


def _pattern(text: str) -> str:
    """What may be typed to confirm `$12,400.00`: it, or its digits alone."""
    plain = "".join(one for one in text if one.isdigit() or one == ".").strip(".")
    return "|".join(re.escape(one) for one in dict.fromkeys((text, text.lstrip("$€£₹¥"), plain)) if one)


def _tab_of(decision: Decision) -> Tab:
    return next(tab for tab, (_, _, statuses) in TABS.items() if decision.status in statuses)
