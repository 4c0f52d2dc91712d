"""A new lead, typed in by hand."""

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.pipeline.sources import source_choices
from grace.console.shell import see, show
from grace.domains.crm import api
from grace.domains.crm.schemas.leads import NewLead
from grace.kit.edge import Doors, InTx

doors = Doors(tags=["Console"])


@doors.get("/app/pipeline/new", may="leads:read", hidden=True)
async def new_lead(tx: InTx, request: Request) -> Response:
    """The form."""
    return await show(
        request,
        tx,
        "pipeline/new.html",
        here="pipeline",
        sources=await source_choices(tx),
    )


@doors.post("/app/pipeline", may="leads:write", hidden=True)
async def capture(tx: InTx, request: Request) -> Response:
    """Capture it: its client is found or made."""
    done = await api.capture_lead(tx, await read_form(request, NewLead))
    known = "" if done.client_created else f" The client was known already: {done.matched_by}."
    return see(f"/app/pipeline/{done.lead_id}", f"The lead is in the pipeline.{known}")
