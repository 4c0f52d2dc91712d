"""All clients, to be searched and paged; and a new one."""

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.listing import Listing
from grace.console.shell import see, show
from grace.domains.crm import api, queries
from grace.domains.crm.queries import SORTS, ClientFilter
from grace.domains.crm.schemas.clients import NewClient
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, after_id, page

doors = Doors(tags=["Console"])
ROWS = 50
COLUMNS = (("name", "Name"), ("company", "Company"), ("", "E-mail"), ("lifetime_value", "Paid so far"),
           ("created_at", "Since"))  # fmt: skip


@doors.get("/app/clients", may="clients:read", hidden=True)
async def clients(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The list."""
    listing = Listing.of(request, "/app/clients", sorts=SORTS, usual="-created_at", filters=("status",))
    where = ClientFilter(q=listing.q or None, status=listing.filters.get("status"))
    rows = await queries.clients(tx, where, sort=listing.sort, after=after_id(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "clients/list.html",
        here="clients",
        live="client",
        listing=listing,
        columns=COLUMNS,
        clients=shown.items,
        next_cursor=shown.next_cursor,
        cursor=cursor,
        statuses=[("", "Every client"), ("active", "Active"), ("inactive", "Inactive")],
    )


@doors.get("/app/clients/new", may="clients:read", hidden=True)
async def new_client(tx: InTx, request: Request) -> Response:
    """The form for a client who did not come as a lead."""
    return await show(request, tx, "clients/new.html", here="clients")


@doors.post("/app/clients/new", may="clients:write", hidden=True)
async def create(tx: InTx, request: Request) -> Response:
    """Make the client, or find who it already is."""
    made = await api.create_client(tx, await read_form(request, NewClient))
    return see(
        f"/app/clients/{made.id}", f"{made.name} is added." if made.created else f"{made.name} was known already."
    )
