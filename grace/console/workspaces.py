"""The workspaces in which this browser is signed in, and switching between them."""

from typing import Annotated

from fastapi import Form, Request, Response

from grace.console.shell import see, show
from grace.kit.edge import SIGNED_IN, Doors, InEdge, InTx
from grace.trust.identity import several

doors = Doors(tags=["Console"])


@doors.get("/app/workspaces", may=SIGNED_IN, hidden=True)
async def workspaces(tx: InTx, edge: InEdge, request: Request) -> Response:
    """Where one can go without signing in again."""
    found = await several.signed_in_at(edge, request)
    return await show(request, tx, "workspaces.html", here="workspaces", others=found)


@doors.post("/app/switch", may=SIGNED_IN, hidden=True)
async def switch(
    tx: InTx, edge: InEdge, request: Request, workspace: Annotated[str, Form(max_length=32)] = ""
) -> Response:
    """Go to another workspace; one whose session is over asks to sign in."""
    token = several.others(request).get(workspace)
    if token is None or await several.look(edge, workspace, token) is None:
        return see("/app/workspaces", "That session is over: sign in there again")
    response = see("/app")
    several.switch(response, edge, request, token)
    return response
