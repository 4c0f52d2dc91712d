"""One lead in its drawer beside the board: what it is worth, what to do next, why the score, what was said."""

from datetime import timedelta
from typing import Any

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.pipeline.board import LIVE, board, word
from grace.console.pipeline.view import view_of
from grace.console.shell import see, show
from grace.domains.crm import api, panels, queries
from grace.domains.crm.api import LeadPath
from grace.domains.crm.models import Lead
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.leads import NewInteraction, Value
from grace.kit.edge import Doors, InTx
from grace.kit.money import to_major

doors = Doors(tags=["Console"])
ACTIVITY = 20
CHANNELS = (("phone", "Phone"), ("email", "E-mail"), ("meeting", "Meeting"), ("chat", "Chat"), ("other", "Other"))
KINDS = (("call", "Call"), ("email", "E-mail"), ("meeting", "Meeting"), ("note", "Note"))


@doors.get("/app/pipeline/{lead}", may="leads:read", hidden=True)
async def drawer(tx: InTx, request: Request, lead: LeadPath) -> Response:
    """The drawer; without JavaScript a page like any other."""
    found = await panels.opened(tx, lead)
    prediction, action = panels.outlook(found, now=tx.now, has_email=found.email is not None)
    days = prediction.days_to_close
    return await show(
        request,
        tx,
        "pipeline/lead.html",
        here="pipeline",
        live=LIVE,
        lead=found,
        prediction=prediction,
        expected=tx.now + timedelta(days=days) if days else None,
        action=action,
        activity=await queries.interactions(tx, client_id=found.client_id, lead_id=found.id, limit=ACTIVITY),
        value=to_major(found.value_estimate_minor, found.currency),
        channels=CHANNELS,
        kinds=KINDS,
        **_score(found),
        **await board(tx, view_of(request.query_params)),
    )


@doors.post("/app/pipeline/{lead}/qualify", may="leads:write", hidden=True)
async def qualify(tx: InTx, request: Request, lead: LeadPath) -> Response:
    """Scan, score and explain."""
    done = await api.qualify_lead(tx, lead)
    stands = f" It is in {word(done.stage)}." if done.qualified else ""
    return _back(request, done.lead_id, f"The score is {done.score}.{stands} {done.recommendation}")


@doors.post("/app/pipeline/{lead}/value", may="leads:write", hidden=True)
async def value(tx: InTx, request: Request, lead: LeadPath) -> Response:
    """Say what the lead is worth."""
    changed = await api.value_lead(tx, lead, await read_form(request, Value))
    return _back(request, changed.id, "The value is changed.")


@doors.post("/app/pipeline/{lead}/interactions", may="leads:write", hidden=True)
async def note(tx: InTx, request: Request, lead: LeadPath) -> Response:
    """Log a call, or note what was said."""
    await api.note_interaction(tx, lead, await read_form(request, NewInteraction))
    return _back(request, (await queries.lead(tx, lead)).id, "Noted.")


def _back(request: Request, lead_id: str, said: str) -> Response:
    return see(f"/app/pipeline/{lead_id}{view_of(request.query_params).query}", said)


def _score(lead: Lead) -> dict[str, Any]:
    """The stored score's parts and the scan's findings; empty before the lead was qualified."""
    score: dict[str, Any] = lead.qualification_data.get("score", {})
    lines: list[dict[str, Any]] = score.get("breakdown", [])
    scanned: dict[str, Any] = lead.qualification_data.get("scan", {})
    return {
        "score": score,
        "base": next((line for line in lines if line["factor"] == "base"), None),
        "parts": [line for line in lines if line["factor"] not in ("base", "cap") or line["points"]][1:],
        "findings": scanned.get("findings", []),
        "is_open": Stage(lead.stage) not in (Stage.LOST, Stage.REPEAT, Stage.PAID),
    }
