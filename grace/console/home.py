"""Home: the business on one screen."""

from fastapi import Request, Response

from grace.console.shell import show
from grace.kit.edge import SIGNED_IN, Doors, InTx

doors = Doors(tags=["Console"])


@doors.get("/app", may=SIGNED_IN, hidden=True)
async def home(tx: InTx, request: Request) -> Response:
    """Key figures, what waits, what comes, what happens."""
    return await show(request, tx, "home.html", here="home", live="*")


@doors.get("/app/more", may=SIGNED_IN, hidden=True)
async def more(tx: InTx, request: Request) -> Response:
    """All pages: the phone's fifth tab."""
    return await show(request, tx, "more.html", here="more")
