"""The first steps of a new workspace, and a look at the example business."""

from fastapi import Request, Response

from grace.console.settings.doors import values
from grace.console.shell import see, show
from grace.kit.edge import Doors, Edge, InEdge, InTx
from grace.kit.errors import Conflict, Forbidden
from grace.kit.tx import ANONYMOUS, Principal, Tx, transaction
from grace.trust.identity import browser, queries
from grace.trust.identity.models import OpenedSession
from grace.trust.identity.rules import Role
from grace.trust.identity.service import sessions

doors = Doors(tags=["Console"])
EXAMPLE = "example"
"""The handle of the example business, which says of itself in a setting that it is made up."""


async def is_new(tx: Tx) -> bool:
    """Whether nothing has happened here yet: no client, and nobody has said who the business is. One statement."""
    return bool(
        await tx.value(
            "select not exists (select from client) and not exists (select from setting where name = 'issuer')"
        )
    )


@doors.get("/app/welcome", may="workspace:read", hidden=True)
async def welcome(tx: InTx, edge: InEdge, request: Request) -> Response:
    """What to do first, and what of it is done."""
    stored = await values(tx)
    keys = await queries.keys(tx, of=tx.principal.id, limit=2)
    return await show(
        request,
        tx,
        "welcome.html",
        here="welcome",
        live="client",
        issuer=stored["issuer"],
        rate_card=stored["rate_card"],
        series=stored["invoicing"]["series"],
        has_key=any(key.name != "bootstrap" for key in keys),
        has_client=bool(await tx.value("select exists (select from client)")),
        may_look=_may_look(tx) and await edge.workspaces.exists(EXAMPLE),
        is_example=tx.workspace.handle == EXAMPLE,
    )


@doors.post("/app/welcome/example", may="workspace:write", hidden=True)
async def look_around(tx: InTx, edge: InEdge, request: Request) -> Response:
    """Sign this browser in to the example business as its owner; this workspace's session stays."""
    if not _may_look(tx):
        raise Forbidden("Only an owner of a test workspace looks around in the example.")
    opened = await _session(edge, request, tx.principal)
    response = see("/app")
    browser.keep(response, opened, edge, request)
    return response


def _may_look(tx: Tx) -> bool:
    """An owner, signed in in person, of a test workspace: on a live one nobody is let in anywhere by this."""
    return tx.workspace.kind == "test" and tx.principal.kind == "user" and Role.OWNER in tx.principal.roles


async def _session(edge: Edge, request: Request, who: Principal) -> OpenedSession:
    if not await edge.workspaces.exists(EXAMPLE):
        raise Conflict("There is no example here: `grace example load` makes it.")
    async with transaction(edge.workspaces, EXAMPLE, principal=ANONYMOUS, request_id=request.state.id) as there:
        mark = await there.value("select value from setting where name = 'example'")
        if there.workspace.kind != "test" or not isinstance(mark, dict) or not mark.get("whole"):
            raise Conflict("The workspace `example` is not the example business, or not loaded yet.")
        owner = await there.value(
            "select id from principal where kind = 'user' and 'owner' = any(roles) and disabled_at is null"
            " order by number limit 1"
        )
        principal = await queries.principal(there, owner or "")
        if principal is None:
            raise Conflict("The example has no owner left.")
        return await sessions.open_session(there, principal=principal, by=f"example:{who.id}")
