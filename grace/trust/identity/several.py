"""One browser signed in to several workspaces: the active session, and beside it one cookie for each other."""

from dataclasses import dataclass

from fastapi import Request, Response

from grace.kit.callers import SESSION_COOKIE
from grace.kit.edge import Edge
from grace.kit.errors import Problem
from grace.kit.tx import ANONYMOUS, transaction
from grace.kit.workspace import HANDLE, Kind
from grace.trust.identity import browser
from grace.trust.identity.rules import SESSION_LIFETIME

MOST = 8
"""So many other workspaces a browser stays signed in to; the rest of the cookies is ignored."""


@dataclass(frozen=True, slots=True)
class SignedInAt:
    """A workspace in which this browser is signed in, and as whom."""

    handle: str
    name: str
    kind: Kind
    who: str


def others(request: Request) -> dict[str, str]:
    """The sessions kept beside the active one, by workspace; none of them is proven."""
    active = (browser.cookie(request) or "").partition(".")[0]
    found: dict[str, str] = {}
    for name, token in request.cookies.items():
        handle = token.partition(".")[0]
        if name == browser.KEPT + handle and HANDLE.match(handle) and handle != active and len(found) < MOST:
            found[handle] = token
    return found


async def signed_in_at(edge: Edge, request: Request) -> list[SignedInAt]:
    """The other workspaces in which this browser is signed in now."""
    found = []
    for handle, token in sorted(others(request).items()):
        place = await look(edge, handle, token)
        if place is not None:
            found.append(place)
    return found


async def look(edge: Edge, handle: str, token: str) -> SignedInAt | None:
    """Where a kept session leads; None when it is over."""
    if not await edge.workspaces.exists(handle):
        return None
    async with transaction(edge.workspaces, handle, principal=ANONYMOUS) as tx:
        try:
            who = await edge.authenticate(tx, bearer=None, session=token)
        except Problem:
            return None
        return SignedInAt(handle, tx.workspace.name, tx.workspace.kind, who.name)


def switch(response: Response, edge: Edge, request: Request, token: str) -> None:
    """Make a kept session the active one; the active one is kept beside it."""
    browser.keep_beside(response, edge, request, instead_of=token)
    browser.set_session(response, edge, request, SESSION_COOKIE, token, int(SESSION_LIFETIME.total_seconds()))
    browser.drop(response, edge, request, browser.KEPT + token.partition(".")[0])
