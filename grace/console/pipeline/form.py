"""The form for outsiders: its address, the line of HTML for the business's own site, and how it looks."""

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.pipeline.sources import source_choices
from grace.console.shell import see, show
from grace.domains.crm import api
from grace.domains.crm.schemas.lead_form import LEAD_FORM, LeadForm
from grace.flows.settings.api import put_setting
from grace.kit.edge import Doors, InTx

doors = Doors(tags=["Console"])
PATH = "/app/pipeline/form"
ACCENTS = (("blue", "Blue"), ("green", "Green"), ("violet", "Violet"), ("red", "Red"), ("black", "Black and white"))


@doors.get(PATH, may="leads:read", hidden=True)
async def form(tx: InTx, request: Request) -> Response:
    """The form's page."""
    return await show(
        request,
        tx,
        "pipeline/form.html",
        here="pipeline",
        form=await LEAD_FORM.read(tx),
        address=await api.get_lead_form(tx),
        sources=await source_choices(tx),
        accents=ACCENTS,
    )


@doors.post(PATH, may="workspace:write", hidden=True)
async def change(tx: InTx, request: Request) -> Response:
    """Change how it looks, what its leads come by, and which sites may frame it."""
    sites = str((await request.form()).get("frame_ancestors", "")).split()
    changed = await read_form(request, LeadForm, frame_ancestors=sites)
    await put_setting(tx, "lead_form", changed.model_dump())
    return see(PATH, "The form is changed.")


@doors.post(f"{PATH}/open", may="workspace:write", hidden=True)
async def open_it(tx: InTx) -> Response:
    """Open it to outsiders."""
    await api.open_lead_form(tx, anew=False)
    return see(PATH, "The form is open.")


@doors.post(f"{PATH}/anew", may="workspace:write", hidden=True)
async def anew(tx: InTx) -> Response:
    """Give it another address."""
    await api.open_lead_form(tx, anew=True)
    return see(PATH, "The form has another address. The old one has ended.")


@doors.post(f"{PATH}/close", may="workspace:write", hidden=True)
async def close(tx: InTx) -> Response:
    """Close it."""
    await api.close_lead_form(tx)
    return see(PATH, "The form is closed.")
