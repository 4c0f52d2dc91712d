"""All clients, to be searched and paged; and a new one."""

from fastapi import Request, Response

from grace.console.listing import Listing
from grace.console.shell import show
from grace.domains.crm import queries
from grace.domains.crm.queries import SORTS, ClientFilter
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
