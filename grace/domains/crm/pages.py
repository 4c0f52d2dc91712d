"""The form for outsiders, by the workspace's signed link: a page that works without JavaScript, alone and framed."""

from uuid import uuid4

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from grace.domains.crm.schemas.lead_form import LEAD_FORM, Enquiry, LeadForm
from grace.domains.crm.service import lead_form
from grace.kit import links
from grace.kit.edge import LINK, Doors, InTx
from grace.kit.json import check_text
from grace.kit.money import InvalidMoney
from grace.kit.pages import Pages, policy
from grace.kit.tx import Tx

doors = Doors(tags=["Client links"])
_pages = Pages("grace.domains.crm")
TRAP = "url"
"""A field that people do not see: who fills it in is a program."""
FIELDS = 20
_WORDS = {"email": "Write your e-mail address in full.", "budget": "Write an amount in figures, such as 5000."}


@doors.get("/lead/{token}", may=LINK, hidden=True)
async def form_page(tx: InTx, token: str, request: Request) -> Response:
    """The form, or the thanks."""
    await links.find(tx, token, kind=lead_form.LINK)
    return _page(tx, token, await LEAD_FORM.read(tx), sent="sent" in request.query_params)


@doors.post("/lead/{token}", may=LINK, hidden=True)
async def send(tx: InTx, token: str, request: Request) -> Response:
    """Somebody sends the form; what is missing is said beside what they wrote."""
    await links.find(tx, token, kind=lead_form.LINK)
    form = await LEAD_FORM.read(tx)
    sent = await request.form(max_files=0, max_fields=FIELDS)
    typed = {name: value for name, value in sent.items() if isinstance(value, str) and value.strip()}
    if TRAP not in typed:
        for value in typed.values():
            check_text(value)
        fields = {name: typed[name] for name in Enquiry.model_fields if name in typed}
        try:
            await lead_form.send_enquiry(tx, form, Enquiry.model_validate(fields))
        except ValidationError as error:
            faults = {str(fault["loc"][0]) for fault in error.errors()}
            return _page(tx, token, form, typed=fields, faults=faults, status=422)
        except InvalidMoney:
            return _page(tx, token, form, typed=fields, faults={"budget"}, status=422)
    return RedirectResponse(f"/lead/{token}?sent=1", 303)


def _page(
    tx: Tx,
    token: str,
    form: LeadForm,
    *,
    sent: bool = False,
    typed: dict[str, str] | None = None,
    faults: set[str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = _pages.render(
        "lead_form.html",
        status=status,
        form=form,
        token=token,
        business=tx.workspace.name,
        currency=tx.workspace.currency,
        sent=sent,
        typed=typed or {},
        wrong={name: _WORDS.get(name, "Fill this in.") for name in sorted(faults or ())},
        once=uuid4().hex,
    )
    page.headers["Content-Security-Policy"] = policy(frame_ancestors=" ".join(form.frame_ancestors) or "'none'")
    return page
