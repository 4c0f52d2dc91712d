"""One's own account: who one is, keys, password, what this browser keeps."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from grace.console.forms import read_form
from grace.console.shell import see, show
from grace.kit.edge import SIGNED_IN, Doors, InTx, InUnit, permits
from grace.kit.paging import Cursor, number_in, page
from grace.kit.tx import Tx
from grace.trust.identity import api, queries, schemas
from grace.trust.identity.rules import has_just_signed_in

doors = Doors(tags=["Console"])
Id = Annotated[str, Path(max_length=64)]
ROWS = 50


@doors.get("/app/me", may=SIGNED_IN, hidden=True)
async def account(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The account of who is signed in."""
    return await _page(tx, request, cursor=cursor)


@doors.post("/app/me/keys", may="keys:write", hidden=True)
async def make_key(tx: InTx, request: Request) -> Response:
    """Make a key, and show it once."""
    made = await api.create_key(await read_form(request, schemas.NewKey), tx)
    return await _page(tx, request, made=made)


@doors.post("/app/me/keys/{id}/revoke", may="keys:write", hidden=True)
async def revoke_key(tx: InTx, id: Id) -> Response:
    """End a key."""
    ended = await api.revoke_key(id, tx)
    return see("/app/me", f"The key {ended.name} answers nothing from now on")


@doors.post("/app/me/password", may=SIGNED_IN, hidden=True)
async def set_password(tx: InTx, request: Request) -> Response:
    """Set the password; one's other sessions end."""
    await api.set_password(await read_form(request, schemas.NewPassword), tx, request)
    return see("/app/me", "The password is set; your other sessions have ended")


@doors.get("/app/me/confirm", may=SIGNED_IN, hidden=True)
async def ask_again(tx: InTx, request: Request, next: Annotated[str, Query(max_length=500)] = "/app/me") -> Response:
    """The form to give proof again."""
    return await show(request, tx, "confirm.html", here="me", next=_ours(next))


@doors.post("/app/me/confirm", may=SIGNED_IN, hidden=True)
async def confirm(unit: InUnit, request: Request) -> Response:
    """Proof was given: on to where one wanted to go."""
    asked = await read_form(request, _Confirmed)
    await api.confirm(schemas.Confirm(password=asked.password, sign_in_token=asked.sign_in_token), unit, request)
    return see(_ours(asked.next), "Thank you, it is you")


class _Confirmed(schemas.Confirm):
    """The API's body, and where to go on."""

    next: str = "/app/me"


def _ours(path: str) -> str:
    """A page of the console, whatever an address says."""
    return path if path.startswith("/app/") and "//" not in path and "\\" not in path else "/app/me"


async def _page(
    tx: Tx, request: Request, *, cursor: str | None = None, made: schemas.ShownKey | None = None
) -> Response:
    me = tx.principal
    reads = permits(me, "keys:read")
    rows = await queries.keys(tx, of=me.id, limit=ROWS, after=number_in(cursor)) if reads else []
    shown = page(rows, limit=ROWS, key="number")
    return await show(
        request,
        tx,
        "account.html",
        here="me",
        row=await queries.stored(tx, me.id),
        keys=shown.items,
        next_cursor=shown.next_cursor,
        made=made,
        fresh=has_just_signed_in(me, real_now=tx.real_now),
    )
