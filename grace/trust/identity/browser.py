"""How a person signs in from a browser: what the JSON doors and the pages share."""

from fastapi import Request, Response

from grace.kit.callers import SESSION_COOKIE
from grace.kit.edge import Edge, address, refuse_foreign_origin
from grace.kit.errors import Conflict, Invalid
from grace.kit.tx import ANONYMOUS, Tx, transaction
from grace.kit.unit import Unit
from grace.kit.workspace import HANDLE
from grace.trust.identity import passwords, queries
from grace.trust.identity.errors import TooManyAttempts, WrongPassword
from grace.trust.identity.models import Attempt, OpenedSession
from grace.trust.identity.rules import SESSION_LIFETIME, normal_email
from grace.trust.identity.service import sessions, sign_in

KEPT = "grace_at_"
"""And the handle: the cookie of a session in another workspace, kept beside the active one."""


async def sign_in_with_password(
    edge: Edge, request: Request, *, email: str, password: str, workspace: str | None
) -> OpenedSession:
    """A new session. WrongPassword and TooManyAttempts leave a trace: the attempt was committed before."""
    refuse_foreign_origin(edge, request)
    email, handle = normal_email(email), await _named(edge, workspace)
    async with transaction(edge.workspaces, handle, principal=ANONYMOUS, request_id=request.state.id) as tx:
        attempt = await sign_in.begin_attempt(tx, email=email, address=address(request))
    await _check(attempt, password)
    async with transaction(edge.workspaces, handle, principal=ANONYMOUS, request_id=request.state.id) as tx:
        principal = await sign_in.finish_attempt(tx, attempt)
        return await sessions.open_session(tx, principal=principal, by="password", instead_of=cookie(request))


async def confirm_with_password(unit: Unit, request: Request, *, password: str) -> Tx:
    """Note that the signed-in person is there; the transaction that goes on. Refusals as in signing in."""
    user = await queries.stored(unit.tx, unit.tx.principal.id)
    if user.email is None:
        raise Conflict("Only a user can sign in again.")
    attempt = await sign_in.begin_attempt(unit.tx, email=user.email, address=address(request))
    await unit.commit()
    unit.split = True
    await _check(attempt, password)
    tx = await unit.open()
    await sign_in.finish_attempt(tx, attempt)
    await sessions.confirm(tx, session=cookie(request))
    return tx


def cookie(request: Request) -> str | None:
    """The browser's session, if it sent one."""
    return request.cookies.get(SESSION_COOKIE)


def keep(response: Response, opened: OpenedSession, edge: Edge, request: Request) -> None:
    """Give the browser its session; one of another workspace that it had stays beside it."""
    keep_beside(response, edge, request, instead_of=opened.token)
    set_session(response, edge, request, SESSION_COOKIE, opened.token, int(SESSION_LIFETIME.total_seconds()))
    handle = opened.token.partition(".")[0]
    if KEPT + handle in request.cookies:
        drop(response, edge, request, KEPT + handle)


def keep_beside(response: Response, edge: Edge, request: Request, *, instead_of: str) -> None:
    """Keep the active session of another workspace than that of the new one, to be switched to."""
    active = cookie(request) or ""
    handle = active.partition(".")[0]
    if HANDLE.match(handle) and handle != instead_of.partition(".")[0]:
        set_session(response, edge, request, KEPT + handle, active, int(SESSION_LIFETIME.total_seconds()))


def forget(response: Response, edge: Edge, request: Request) -> None:
    """Take the browser's session away."""
    drop(response, edge, request, SESSION_COOKIE)


def set_session(response: Response, edge: Edge, request: Request, name: str, token: str, seconds: int) -> None:
    """Set a cookie that holds a session."""
    response.set_cookie(
        name, token, max_age=seconds, path="/", secure=_is_secure(edge, request), httponly=True, samesite="lax"
    )
    response.headers["Cache-Control"] = "no-store"


def drop(response: Response, edge: Edge, request: Request, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(name, path="/", secure=_is_secure(edge, request), httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"


def _is_secure(edge: Edge, request: Request) -> bool:
    return request.url.scheme == "https" or edge.settings.url.startswith("https:")


async def _check(attempt: Attempt, password: str) -> None:
    if attempt.wait_s is not None:
        raise TooManyAttempts("Too many wrong passwords. Wait, or use a sign-in link.", retry_after=attempt.wait_s)
    if not await passwords.matches(password, attempt.password_hash):
        raise WrongPassword("The e-mail or the password is wrong.")


async def _named(edge: Edge, workspace: str | None) -> str:
    if workspace is None:
        handles = await edge.workspaces.handles()
        if len(handles) != 1:
            raise Invalid("Name the workspace: there are several.", type="workspace-missing")
        return handles[0]
    if not await edge.workspaces.exists(workspace):
        raise WrongPassword("The e-mail or the password is wrong.")
    return workspace
