"""The survey, by the client's signed link: as JSON, and as a page that works without JavaScript."""

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from grace.domains.delivery import queries
from grace.domains.delivery.models import Project
from grace.domains.delivery.schemas import Survey, SurveyIn
from grace.domains.delivery.service import projects, satisfaction
from grace.kit import links
from grace.kit.edge import LINK, Doors, InTx
from grace.kit.pages import Pages, form_text, wants_page
from grace.kit.tx import Principal, Tx

doors = Doors(tags=["Client links"])
_pages = Pages("grace.domains.delivery")


@doors.get("/survey/{token}", may=LINK, returns=Survey, paged=True)
async def survey_page(tx: InTx, token: str, request: Request) -> Survey | Response:
    """How satisfied are you? A page for `Accept: text/html`."""
    survey = Survey.of(await _named(tx, token))
    return _pages.render("survey.html", survey=survey, token=token) if wants_page(request) else survey


@doors.post("/survey/{token}", may=LINK, returns=Survey)
async def answer_survey(tx: InTx, token: str, body: SurveyIn) -> Survey:
    """Answer, or change one's mind."""
    return Survey.of(await _answer(tx, token, body.score, body.comment))


@doors.post("/survey/{token}/form", may=LINK, hidden=True)
async def answer_form(
    tx: InTx,
    token: str,
    score: Annotated[int, Form(ge=0, le=10)],
    comment: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """The page's form."""
    await _answer(tx, token, score, form_text(comment))
    return RedirectResponse(f"/survey/{token}", 303)


async def _answer(tx: Tx, token: str, score: int, comment: str | None) -> Project:
    project = await _named(tx, token)
    tx.principal = Principal("client", project.client_id, project.parties["client"])
    return await satisfaction.answer_survey(tx, project_id=project.id, score=score, comment=comment)


async def _named(tx: Tx, token: str) -> Project:
    link = await links.find(tx, token, kind=projects.SURVEY_LINK)
    return await queries.project(tx, link.subject)
