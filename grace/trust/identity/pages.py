"""The pages of signing in, and the page that says who is signed in. Everything works without JavaScript."""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from grace.kit.edge import LINK, PUBLIC, SIGNED_IN, Doors, Edge, InEdge, InTx, refuse_foreign_origin
from grace.kit.errors import Gone, NotFound, Problem, Unauthenticated
from grace.kit.pages import STYLE, Pages
from grace.kit.tx import ANONYMOUS, transaction
from grace.kit.workspace import HANDLE
from grace.trust.identity import browser, queries
from grace.trust.identity.models import OpenedSession
from grace.trust.identity.rules import EMAIL_LENGTH, PASSWORD_LENGTH
from grace.trust.identity.service import sessions

doors = Doors(tags=["Pages"])
_pages = Pages("grace.trust.identity")
_css = STYLE.read_bytes()


@doors.get("/static/plain.css", may=PUBLIC, hidden=True)
async def plain_css() -> Response:
    """The stylesheet of the plain pages."""
    return Response(_css, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@doors.get("/", may=PUBLIC, hidden=True)
async def front() -> RedirectResponse:
    """The address that `grace up` prints, opened."""
    return RedirectResponse("/app", 303)


@doors.get("/app", may=PUBLIC, hidden=True)
async def home(edge: InEdge, request: Request) -> HTMLResponse:
    """Who is signed in, or the form to sign in."""
    session = browser.cookie(request) or ""
    handle = session.partition(".")[0]
    if not HANDLE.match(handle) or not await edge.workspaces.exists(handle):
        return _form(status=401)
    try:
        async with transaction(edge.workspaces, handle, principal=ANONYMOUS, request_id=request.state.id) as tx:
            who = await sessions.authenticate(tx, bearer=None, session=session)
            row = await queries.stored(tx, who.id)
    except Unauthenticated:
        return _form(status=401)
    return _pages.render("home.html", who=who, email=row.email, parliament=row.parliament, workspace=tx.workspace)


@doors.get("/sign-in/{token}", may=LINK, hidden=True)
async def open_sign_in_link(token: str, tx: InTx) -> HTMLResponse:
    """A sign-in link, opened: a page with the button that uses it. Whoever only looks, as mail scanners do, spends
    nothing."""
    try:
        await sessions.check_sign_in_link(tx, token=token)
    except (NotFound, Gone) as refusal:
        return _form(refusal=refusal)
    return _pages.render("sign_in_link.html", workspace=tx.workspace)


@doors.post("/sign-in/{token}", may=LINK, hidden=True)
async def use_sign_in_link(token: str, tx: InTx, edge: InEdge, request: Request) -> Response:
    """The button's answer: the link is used up and the browser signed in."""
    refuse_foreign_origin(edge, request)
    try:
        opened = await sessions.redeem_sign_in_link(tx, token=token, instead_of=browser.cookie(request))
    except (NotFound, Gone) as refusal:
        return _form(refusal=refusal)
    return _home_with(opened, edge, request)


@doors.post("/sign-in", may=PUBLIC, hidden=True)
async def sign_in(
    edge: InEdge,
    request: Request,
    email: Annotated[str, Form(max_length=EMAIL_LENGTH)] = "",
    password: Annotated[str, Form(max_length=PASSWORD_LENGTH[1])] = "",
    workspace: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """The form's answer: home, or the form with what was wrong."""
    try:
        opened = await browser.sign_in_with_password(
            edge, request, email=email, password=password, workspace=workspace.strip() or None
        )
    except Problem as refusal:
        return _form(refusal=refusal, email=email, workspace=workspace)
    return _home_with(opened, edge, request)


@doors.post("/sign-out", may=SIGNED_IN, hidden=True)
async def sign_out(tx: InTx, edge: InEdge, request: Request) -> Response:
    """End the session, then show the form."""
    await sessions.sign_out(tx, session=browser.cookie(request))
    response = RedirectResponse("/app", 303)
    browser.forget(response, edge, request)
    return response


def _home_with(opened: OpenedSession, edge: Edge, request: Request) -> Response:
    response = RedirectResponse("/app", 303, {"Referrer-Policy": "no-referrer"})
    browser.keep(response, opened, edge, request)
    return response


def _form(*, refusal: Problem | None = None, status: int = 200, email: str = "", workspace: str = "") -> HTMLResponse:
    page = _pages.render(
        "sign_in.html",
        status=refusal.status if refusal else status,
        refusal=refusal.detail if refusal else None,
        email=email,
        workspace=workspace,
    )
    page.headers.update(refusal.headers if refusal else {})
    return page
