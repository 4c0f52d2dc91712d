"""Doors of the CRM."""

from typing import Annotated, Literal

from fastapi import Path, Query

from grace.domains.crm import queries
from grace.domains.crm.models import EXTERNAL_ID_LENGTH, ClientStatus
from grace.domains.crm.queries import ClientFilter
from grace.domains.crm.schemas import (
    ClientChanges,
    ClientList,
    ClientOut,
    FoundClientOut,
    MergeClients,
    NewClient,
    UnmergeClients,
    Unmerged,
)
from grace.domains.crm.service import clients, merging
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, Limit, after_id, page

doors = Doors(tags=["Clients"])
ClientPath = Annotated[
    str, Path(max_length=EXTERNAL_ID_LENGTH, description="Its id, your own id for it, or its number.")
]
ClientSort = Literal[
    "number", "-number", "name", "-name", "company", "-company",
    "lifetime_value", "-lifetime_value", "created_at", "-created_at",
]  # fmt: skip


@doors.post("/api/v1/clients", may="clients:write", returns=FoundClientOut)
async def create_client(tx: InTx, body: NewClient) -> FoundClientOut:
    """Make a client, or find the one that is meant."""
    details = body.model_dump(exclude={"external_id"})
    found = await clients.create_client(tx, details=details, external_id=body.external_id)
    record = ClientOut.of(found.client, tx.workspace.currency)
    return FoundClientOut(created=found.created, matched_by=found.matched_by, **record.model_dump())


@doors.get("/api/v1/clients", may="clients:read", returns=ClientList)
async def list_clients(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: ClientSort = "-created_at",
    q: Annotated[str | None, Query(max_length=256, description="Looked for in name, e-mail and company.")] = None,
    status: ClientStatus | None = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    country: Annotated[str | None, Query(max_length=64)] = None,
) -> ClientList:
    """Clients, the newest first."""
    where = ClientFilter(q=q, status=status, source=source, country=country)
    rows = await queries.clients(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    items = [ClientOut.of(row, tx.workspace.currency) for row in shown.items]
    return ClientList(items=items, next_cursor=shown.next_cursor)


@doors.get("/api/v1/clients/{id}", may="clients:read", returns=ClientOut)
async def get_client(tx: InTx, id: ClientPath) -> ClientOut:
    """A client; the id of one that was merged answers with the one it was merged into."""
    return ClientOut.of(await queries.client(tx, id), tx.workspace.currency)


@doors.post("/api/v1/clients/{id}", may="clients:write", returns=ClientOut)
async def change_client(tx: InTx, id: ClientPath, body: ClientChanges) -> ClientOut:
    """Set fields of a client."""
    client = await clients.change_client(tx, reference=id, changes=body.changes(), version=body.version)
    return ClientOut.of(client, tx.workspace.currency)


@doors.post("/api/v1/clients/{id}/merge", may="clients:write", returns=ClientOut)
async def merge_clients(tx: InTx, id: ClientPath, body: MergeClients) -> ClientOut:
    """Merge another client into this one."""
    client = await merging.merge_clients(tx, winner=id, loser=body.other, reason=body.reason)
    return ClientOut.of(client, tx.workspace.currency)


@doors.post("/api/v1/clients/{id}/unmerge", may="clients:write", returns=Unmerged)
async def unmerge_clients(tx: InTx, id: ClientPath, body: UnmergeClients) -> Unmerged:
    """Undo a merge."""
    winner, restored = await merging.unmerge_clients(tx, winner=id, loser=body.other)
    currency = tx.workspace.currency
    return Unmerged(client=ClientOut.of(winner, currency), restored=ClientOut.of(restored, currency))
