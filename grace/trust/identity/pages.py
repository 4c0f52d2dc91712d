"""The pages of signing in, and the page that says who is signed in. Everything works without JavaScript."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from grace.kit.edge import LINK, PUBLIC, SIGNED_IN, Doors, Edge, InEdge, InTx, refuse_foreign_origin
from grace.kit.errors import Gone, NotFound, Problem
from grace.kit.pages import Pages
from grace.trust.identity import browser
from grace.trust.identity.models import OpenedSession
from grace.trust.identity.rules import EMAIL_LENGTH, PASSWORD_LENGTH
from grace.trust.identity.service import sessions

doors = Doors(tags=["Pages"])
_pages = Pages("grace.trust.identity")
NEXT_LENGTH = 2000
HOME = "/app"


@doors.get("/", may=PUBLIC, hidden=True)
async def front() -> RedirectResponse:
    """The address that `grace up` prints, opened."""
    return RedirectResponse("/app", 303)


@doors.get("/sign-in/{token}", may=LINK, hidden=True)
async def open_sign_in_link(token: str, tx: InTx) -> HTMLResponse:
    """A sign-in link, opened: a page with the button that uses it. Whoever only looks, as mail scanners do, spends
    nothing."""
    try:
        await sessions.check_sign_in_link(tx, token=token)
    except (NotFound, Gone) as refusal:
        return sign_in_form(refusal=refusal)
    return _pages.render("sign_in_link.html", workspace=tx.workspace)


@doors.post("/sign-in/{token}", may=LINK, hidden=True)
async def use_sign_in_link(token: str, tx: InTx, edge: InEdge, request: Request) -> Response:
    """The button's answer: the link is used up and the browser signed in."""
    refuse_foreign_origin(edge, request)
    try:
        opened = await sessions.redeem_sign_in_link(tx, token=token, instead_of=browser.cookie(request))
    except (NotFound, Gone) as refusal:
        return sign_in_form(refusal=refusal)
    return _signed_in(opened, edge, request)


@doors.post("/sign-in", may=PUBLIC, hidden=True)
async def sign_in(
    edge: InEdge,
    request: Request,
    email: Annotated[str, Form(max_length=EMAIL_LENGTH)] = "",
    password: Annotated[str, Form(max_length=PASSWORD_LENGTH[1])] = "",
    workspace: Annotated[str, Form(max_length=32)] = "",
    next: Annotated[str, Form(max_length=NEXT_LENGTH)] = "",
) -> Response:
    """The form's answer: the page that was asked for, or the form with what was wrong."""
    try:
        opened = await browser.sign_in_with_password(
            edge, request, email=email, password=password, workspace=workspace.strip() or None
        )
    except Problem as refusal:
        return sign_in_form(refusal=refusal, email=email, workspace=workspace, next=next)
    return _signed_in(opened, edge, request, next)


@doors.post("/sign-out", may=SIGNED_IN, hidden=True)
async def sign_out(tx: InTx, edge: InEdge, request: Request) -> Response:
    """End the session, then show the form."""
    await sessions.sign_out(tx, session=browser.cookie(request))
    response = RedirectResponse("/app", 303)
    browser.forget(response, edge, request)
    return response


@doors.get("/sign-in", may=PUBLIC, hidden=True)
async def show_sign_in(next: Annotated[str, Query(max_length=NEXT_LENGTH)] = "") -> HTMLResponse:
    """The form to sign in."""
    return sign_in_form(next=next)


def asked_for(request: Request) -> str:
    """The page of the console that somebody wanted who is not signed in: of a request in place, the page it is on."""
    address = urlsplit(request.headers.get("hx-current-url") or str(request.url))
    return f"{address.path}?{address.query}".rstrip("?")[:NEXT_LENGTH]


def sign_in_address(next: str) -> str:
    """Where to sign in, and to go on to `next`."""
    return f"/sign-in?{urlencode({'next': next})}"


def _signed_in(opened: OpenedSession, edge: Edge, request: Request, next: str = "") -> Response:
    address = urlsplit(next)
    is_ours = not (address.scheme or address.netloc) and (address.path == HOME or address.path.startswith(f"{HOME}/"))
    response = RedirectResponse(next if is_ours else HOME, 303, {"Referrer-Policy": "no-referrer"})
    browser.keep(response, opened, edge, request)
    return response


def sign_in_form(
    *, refusal: Problem | None = None, status: int = 200, email: str = "", workspace: str = "", next: str = ""
) -> HTMLResponse:
    """The page to sign in, with what was wrong; afterwards it goes on to `next`."""
    page = _pages.render(
        "sign_in.html",
        status=refusal.status if refusal else status,
        refusal=refusal.detail if refusal else None,
        email=email,
        workspace=workspace,
        next=next,
    )
    page.headers.update(refusal.headers if refusal else {})
    return page
