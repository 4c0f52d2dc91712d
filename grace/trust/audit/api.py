"""Doors of the audit log."""

from typing import Annotated

from fastapi import Path, Query

from grace.kit.edge import Doors, InTx
from grace.kit.errors import Invalid, NotFound
from grace.kit.paging import Cursor, Limit, number_in, page
from grace.trust.audit import proofs, queries
from grace.trust.audit.schemas import CheckpointList, CheckpointOut, Consistency, EntryList, EntryOut, EntryProof

doors = Doors(tags=["Audit"])
LARGEST = 2**63 - 1
Name = Annotated[str | None, Query(min_length=1, max_length=128)]
EntryId = Annotated[int, Path(ge=1, le=LARGEST)]
Size = Annotated[int | None, Query(ge=1, le=LARGEST, description="Entries under a checkpoint; default: the newest.")]


@doors.get("/api/v1/audit/entries", may="audit:read", returns=EntryList)
async def list_entries(
    tx: InTx, subject_kind: Name = None, subject_id: Name = None, limit: Limit = 50, cursor: Cursor = None
) -> EntryList:
    """What was done to one subject (`subject_kind=invoice`), by whom, why, before and after; newest first. Without a
    subject, all sealed entries in the order of the log."""
    before = number_in(cursor)
    if subject_kind is None and subject_id is None:
        found = await queries.sealed_entries(tx, before=before, limit=limit + 1)
        shown = page(found, limit=limit, key="leaf")
    elif subject_kind is None or subject_id is None:
        raise Invalid("Name a subject by its kind and its id, or neither.")
    else:
        found = await queries.history(tx, subject=(subject_kind, subject_id), before=before, limit=limit + 1)
        shown = page(found, limit=limit, key="id")
    return EntryList(items=[EntryOut.of(entry) for entry in shown.items], next_cursor=shown.next_cursor)


@doors.get("/api/v1/audit/entries/{id}", may="audit:read", returns=EntryOut)
async def get_entry(tx: InTx, id: EntryId) -> EntryOut:
    """An entry."""
    return EntryOut.of(await queries.entry(tx, id))


@doors.get("/api/v1/audit/entries/{id}/proof", may="audit:read", returns=EntryProof)
async def prove_entry(tx: InTx, id: EntryId, size: Size = None) -> EntryProof:
    """That the log holds this entry: its bytes, the RFC 6962 inclusion proof, the signed checkpoint."""
    return await proofs.entry_proof(tx, id, size=size)


@doors.get("/api/v1/audit/checkpoint", may="audit:read", returns=CheckpointOut)
async def checkpoint(tx: InTx) -> CheckpointOut:
    """The newest signed tree head, to be kept outside."""
    found = await queries.last_checkpoint(tx)
    if found is None:
        raise NotFound("Nothing is sealed yet; the worker seals within a second.")
    return CheckpointOut.of(found, await proofs.public_key(tx))


@doors.get("/api/v1/audit/checkpoints", may="audit:read", returns=CheckpointList)
async def list_checkpoints(tx: InTx, limit: Limit = 50, cursor: Cursor = None) -> CheckpointList:
    """Signed tree heads, the newest first."""
    found = await queries.checkpoints(tx, before=number_in(cursor), limit=limit + 1)
    shown = page(found, limit=limit, key="size")
    key = await proofs.public_key(tx) if shown.items else ""
    return CheckpointList(items=[CheckpointOut.of(one, key) for one in shown.items], next_cursor=shown.next_cursor)


@doors.get("/api/v1/audit/checkpoints/{size}", may="audit:read", returns=CheckpointOut)
async def get_checkpoint(tx: InTx, size: Annotated[int, Path(ge=1, le=LARGEST)]) -> CheckpointOut:
    """The signed tree head of exactly that many entries."""
    return CheckpointOut.of(await queries.checkpoint(tx, size), await proofs.public_key(tx))


@doors.get("/api/v1/audit/consistency", may="audit:read", returns=Consistency)
async def prove_consistency(
    tx: InTx,
    old_size: Annotated[int, Query(alias="from", ge=1, le=LARGEST, description="Entries of the earlier state.")],
    size: Annotated[int | None, Query(alias="to", ge=1, le=LARGEST, description="Default: all sealed entries.")] = None,
) -> Consistency:
    """That a later state of the log continues an earlier one: the RFC 6962 consistency proof, with the checkpoints."""
    return await proofs.consistency(tx, old_size=old_size, size=size)
