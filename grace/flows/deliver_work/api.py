"""The list of projects, which can be asked for one client's."""

from typing import Annotated, Literal

from fastapi import Query

from grace.domains.crm import queries as crm
from grace.domains.crm.models import EXTERNAL_ID_LENGTH
from grace.domains.delivery import queries
from grace.domains.delivery.models import ProjectStatus
from grace.domains.delivery.queries import ProjectFilter
from grace.domains.delivery.records import records
from grace.domains.delivery.schemas import ProjectList
from grace.kit.edge import Doors, InTx
from grace.kit.paging import Cursor, Limit, after_id, page

doors = Doors(tags=["Projects"])
ProjectSort = Literal[
    "number", "-number", "budget", "-budget", "progress", "-progress", "end_date", "-end_date", "created_at",
    "-created_at",
]  # fmt: skip


@doors.get("/api/v1/projects", may="projects:read", returns=ProjectList)
async def list_projects(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: ProjectSort = "-created_at",
    status: ProjectStatus | None = None,
    client_id: Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH, description="By any of its ids.")] = None,
    lead_id: Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH)] = None,
) -> ProjectList:
    """Projects, the newest first."""
    where = ProjectFilter(
        status=status,
        client_ids=None if client_id is None else await crm.family(tx, (await crm.client(tx, client_id)).id),
        lead_id=None if lead_id is None else (await crm.lead(tx, lead_id)).id,
    )
    rows = await queries.projects(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    return ProjectList(items=await records(tx, shown.items), next_cursor=shown.next_cursor)
