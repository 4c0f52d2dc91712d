"""Doors of the audit log."""

from typing import Annotated

from fastapi import Query

from grace.kit.edge import Doors, InTx
from grace.kit.errors import NotFound
from grace.kit.paging import Limit
from grace.trust.audit import queries
from grace.trust.audit.schemas import CheckpointOut, EntryList, EntryOut

doors = Doors(tags=["Audit"])
Name = Annotated[str, Query(min_length=1, max_length=128)]


@doors.get("/api/v1/audit/entries", may="audit:read", returns=EntryList)
async def history(tx: InTx, subject_kind: Name, subject_id: Name, limit: Limit = 50) -> EntryList:
    """What was done to one subject (`subject_kind=invoice`), by whom, why, before and after; newest first."""
    entries = await queries.history(tx, subject=(subject_kind, subject_id), limit=limit)
    return EntryList(items=[EntryOut.of(entry) for entry in entries])


@doors.get("/api/v1/audit/checkpoint", may="audit:read", returns=CheckpointOut)
async def checkpoint(tx: InTx) -> CheckpointOut:
    """The newest signed tree head, to be kept outside."""
    found = await queries.last_checkpoint(tx)
    if found is None:
        raise NotFound("Nothing is sealed yet; the worker seals within a second.")
    return CheckpointOut(size=found.size, root=found.root.hex(), note=found.note)
