"""The door of reconciliation."""

from typing import Annotated

from fastapi import Query

from grace.flows.collect_cash.reconciling import reconcile
from grace.flows.collect_cash.schemas_reconciling import Reconciliation
from grace.kit.edge import Doors, InUnit
from grace.kit.web import Moment

doors = Doors(tags=["Ledger"])
AT_MOST = 2_000


@doors.get("/api/v1/reconciliation", may="ledger:read", returns=Reconciliation)
async def reconciliation(
    unit: InUnit,
    start: Annotated[Moment | None, Query(alias="from", description="From this moment on.")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="Up to, not including, this moment.")] = None,
) -> Reconciliation:
    """The ledger against the card provider's balance: every difference by name. At most 2,000 movements at once."""
    async with unit.outside():
        done = await reconcile(unit.workspaces, unit.handle, start=start, end=end, at_most=AT_MOST)
    return Reconciliation.of(done)
