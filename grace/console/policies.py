"""Policy texts: every version with its words, and proposing another one."""

import difflib
import json as plain_json
from typing import Annotated, Any

from fastapi import Path, Request, Response

from grace.console.forms import read_form
from grace.console.shell import see, show
from grace.insight.naming import named
from grace.kit import json
from grace.kit.edge import Doors, InTx
from grace.kit.errors import Malformed
from grace.kit.paging import Cursor, number_in, page
from grace.kit.tx import Tx
from grace.trust.governance import queries
from grace.trust.governance.api import propose_policy
from grace.trust.governance.cedar import parsed
from grace.trust.governance.models import PolicyVersion
from grace.trust.governance.schemas import PolicyIn, PolicyProposed

doors = Doors(tags=["Console"])
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
ROWS = 20


@doors.get("/app/policies", may="policies:read", hidden=True)
async def list_policies(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The text in force, and the versions before it."""
    return await _page(tx, request, None, cursor)


@doors.get("/app/policies/propose", may="policies:read", hidden=True)
async def propose(tx: InTx, request: Request) -> Response:
    """The form to change the text in force."""
    versions = await queries.policy_versions(tx, limit=1)
    now = versions[0] if versions else None
    return await show(
        request,
        tx,
        "policy_propose.html",
        here="settings",
        text=now.text if now else "",
        cases=_cases(now.cases if now else []),
        tried=None,
    )


@doors.get("/app/policies/{version}", may="policies:read", hidden=True)
async def one(tx: InTx, request: Request, version: Version, cursor: Cursor = None) -> Response:
    """A version."""
    return await _page(tx, request, await queries.policy_version(tx, version), cursor)


@doors.post("/app/policies", may="policies:write", hidden=True)
async def send(tx: InTx, request: Request) -> Response:
    """Propose a text; it comes into force by votes."""
    form = await request.form()
    typed = str(form.get("cases_json", "[]"))
    cases = json.loads(typed.encode())
    if not isinstance(cases, list):
        raise Malformed("The cases are not a JSON list.")
    text = str(form.get("text", "")).replace("\r\n", "\n")
    asked = await read_form(request, _Text, text=text, cases=cases, dry_run=form.get("intent") == "try")
    answer = await propose_policy(tx, PolicyIn(text=text, cases=cases, dry_run=asked.dry_run))
    if isinstance(answer, PolicyProposed):
        if answer.policy is not None:
            return see(f"/app/policies/{answer.policy.version}", "The policy is in force")
        return await show(
            request, tx, "policy_propose.html", here="settings", text=text, cases=typed, tried=answer.changes
        )
    if answer.status_code != 202:
        return answer
    held = json.loads(bytes(answer.body))
    return see(f"/app/approvals/{held['decision_id']}", "Proposed: it comes into force by votes")


class _Text(PolicyIn):
    """The API's body, with the form's own fields beside it."""

    cases_json: str = ""
    intent: str = ""


async def _page(tx: Tx, request: Request, asked: PolicyVersion | None, cursor: str | None) -> Response:
    versions = page(
        await queries.policy_versions(tx, before=number_in(cursor), limit=ROWS + 1), limit=ROWS, key="version"
    )
    shown = asked or (versions.items[0] if versions.items else None)
    before = await queries.policy_versions(tx, before=shown.version, limit=1) if shown else []
    by = {version.activated_by for version in [*versions.items, *([shown] if shown else [])]}
    return await show(
        request,
        tx,
        "policies.html",
        here="settings",
        live="policy",
        versions=versions.items,
        next_cursor=versions.next_cursor,
        shown=shown,
        in_force=cursor is None and shown is not None and shown.version == versions.items[0].version,
        statements=_statements(shown) if shown else [],
        changed=_changed(before[0], shown) if before and shown else "",
        people=await named(tx, by),
    )


def _statements(version: PolicyVersion) -> list[dict[str, str]]:
    """Each policy of the text by its id, with its words."""
    found = []
    for position, policy in parsed(version.text).policies.items():
        notes = policy.annotations
        found.append(
            {
                "id": notes.get("id") or position,
                "says": notes.get("says", ""),
                "quorum": notes.get("quorum", ""),
                "effect": policy.effect,
            }
        )
    return found


def _changed(before: PolicyVersion, after: PolicyVersion) -> str:
    lines = difflib.unified_diff(
        before.text.splitlines(), after.text.splitlines(), f"version {before.version}", f"version {after.version}",
        lineterm="", n=2,
    )  # fmt: skip
    return "\n".join(list(lines)[:400])


def _cases(cases: list[dict[str, Any]]) -> str:
    return plain_json.dumps(cases, indent=1, ensure_ascii=False, default=str)
