"""The door of receipts."""

from typing import Annotated

from fastapi import Path, Query

from grace.flows.receipts.schemas import Receipt
from grace.flows.receipts.service import make_receipt
from grace.kit.edge import Doors, InTx

doors = Doors(tags=["Audit"])


@doors.get("/api/v1/receipts/{id}", may="audit:read", returns=Receipt)
async def get_receipt(
    tx: InTx,
    id: Annotated[str, Path(max_length=128)],
    since: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Entries under a checkpoint that you kept.")
    ] = None,
) -> Receipt:
    """A payment, refund, proposal, invoice, decision or other noun of the log as a file that a stranger can verify."""
    return await make_receipt(tx, id, since=since)
