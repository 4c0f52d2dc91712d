"""All leads as a list, to be sorted, filtered and paged."""

from fastapi import Request, Response

from grace.console.listing import Listing
from grace.console.pipeline.board import LIVE, age, word
from grace.console.pipeline.sources import source_choices
from grace.console.pipeline.view import View
from grace.console.shell import show
from grace.domains.crm import panels
from grace.domains.crm.panels import Wanted
from grace.domains.crm.queries import LEAD_SORTS
from grace.domains.crm.rules.stages import Stage, allowed_moves
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, after_id, page
from grace.trust.identity import queries as identity

doors = Doors(tags=["Console"])
ROWS = 50
COLUMNS = (
    ("", "Client"), ("", "Needs"), ("", "Stage"), ("value_estimate", "Value"), ("score", "Score"),
    ("stage_since", "In stage"), ("created_at", "Came"),
)  # fmt: skip


@doors.get("/app/pipeline/list", may="leads:read", hidden=True)
async def list_leads(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The list."""
    listing = Listing.of(
        request, "/app/pipeline/list", sorts=LEAD_SORTS, usual="-created_at", filters=("stage", "source")
    )
    asked = listing.filters
    where = Wanted(asked.get("stage"), asked.get("source"), listing.q or None)
    rows = await panels.listed(tx, where, sort=listing.sort, after=after_id(cursor), limit=ROWS + 1)
    shown = page(rows, limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "pipeline/list.html",
        here="pipeline",
        live=LIVE,
        listing=listing,
        columns=COLUMNS,
        cards=shown.items,
        next_cursor=shown.next_cursor,
        cursor=cursor,
        movers=await identity.names(tx, [card.moved_by for card in shown.items]),
        stages=[("", "Every stage"), *((stage.value, word(stage)) for stage in Stage)],
        sources=[("", "Every source"), *await source_choices(tx)],
        word=word,
        age=age,
        view=View(),
        allowed_moves=allowed_moves,
    )
