"""Doors of projects, deliveries and satisfaction. The list, which names clients, is in `flows/deliver_work`."""

from typing import Annotated

from fastapi import Path, Response

from grace.domains.delivery import queries
from grace.domains.delivery.actions import DeliverProject
from grace.domains.delivery.models import Project
from grace.domains.delivery.records import record
from grace.domains.delivery.schemas import (
    ArtefactList,
    ArtefactOut,
    CancelProject,
    CompleteMilestone,
    Delivered,
    DeliverIn,
    HeldDelivery,
    ProjectOut,
    Satisfaction,
)
from grace.domains.delivery.service import projects
from grace.kit import links
from grace.kit.edge import Doors, InTx
from grace.kit.money import to_minor
from grace.kit.tx import Tx
from grace.kit.web import ExactJSON
from grace.trust.governance.models import Outcome
from grace.trust.governance.schemas import denied_answer, held_answer
from grace.trust.governance.service.perform import perform

doors = Doors(tags=["Projects"])
ProjectPath = Annotated[str, Path(max_length=64, description="Its id or its number.")]


@doors.post("/api/business/projects/deliver", may="projects:write", returns=Delivered, held=HeldDelivery)
async def deliver_project(tx: InTx, body: DeliverIn) -> Delivered | Response:
    """Have the architect build a project, as policy allows. The build is queued: the project shows its result."""
    project = await queries.project(tx, body.project_id)
    outcome = await perform(tx, DeliverProject(project.id, str(body.spec)))
    if not outcome.ran:
        return _not_run(tx, project, outcome)
    begun = await queries.project(tx, project.id)
    return Delivered(
        project_id=project.id,
        delivery_result=begun.delivery_result,
        status=begun.status,
        delivery_id=outcome.result.id,
        delivery_status=outcome.result.status,
    )


@doors.get("/api/v1/projects/{id}", may="projects:read", returns=ProjectOut)
async def get_project(tx: InTx, id: ProjectPath) -> ProjectOut:
    """A project with its milestones and the result of its delivery."""
    return await record(tx, await queries.project(tx, id))


@doors.post("/api/v1/projects/{id}/milestones/{milestone}/complete", may="projects:write", returns=ProjectOut)
async def complete_milestone(
    tx: InTx,
    id: ProjectPath,
    milestone: Annotated[str, Path(max_length=64, description="Its id or its number in the project.")],
    body: CompleteMilestone | None = None,
) -> ProjectOut:
    """A part of the work is done."""
    said = body or CompleteMilestone()
    project = await queries.project(tx, id)
    project = await projects.complete_milestone(
        tx,
        reference=project.id,
        milestone=milestone,
        hours_spent=said.hours_spent,
        cost_minor=to_minor(said.cost, project.currency),
    )
    return await record(tx, project)


@doors.post("/api/v1/projects/{id}/delivered", may="projects:write", returns=ProjectOut)
async def mark_delivered(tx: InTx, id: ProjectPath) -> ProjectOut:
    """The client has what was sold; every milestone must be complete."""
    return await record(tx, await projects.mark_delivered(tx, reference=id))


@doors.post("/api/v1/projects/{id}/cancel", may="projects:write", returns=ProjectOut)
async def cancel_project(tx: InTx, id: ProjectPath, body: CancelProject) -> ProjectOut:
    """End a project before it is delivered."""
    return await record(tx, await projects.cancel_project(tx, reference=id, reason=body.reason))


@doors.get("/api/v1/projects/{id}/artefacts", may="projects:read", returns=ArtefactList)
async def list_artefacts(tx: InTx, id: ProjectPath) -> ArtefactList:
    """The files of the latest delivery, with their checksums."""
    project = await queries.project(tx, id)
    return ArtefactList(items=[ArtefactOut.of(one) for one in await queries.artefacts(tx, project.id)])


@doors.get("/api/v1/projects/{id}/artefacts/{artefact_id}", may="projects:read", gives="*/*")
async def get_artefact(tx: InTx, id: ProjectPath, artefact_id: Annotated[str, Path(max_length=64)]) -> Response:
    """A file of a delivery, byte for byte, to be saved."""
    project = await queries.project(tx, id)
    artefact, content = await queries.artefact(tx, project.id, artefact_id)
    headers = {
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox",
        "ETag": f'"{artefact.sha256}"',
    }
    return Response(content, media_type=artefact.media_type, headers=headers)


@doors.get("/api/business/projects/{id}/satisfaction", may="projects:read", returns=Satisfaction)
async def satisfaction(tx: InTx, id: ProjectPath) -> Satisfaction:
    """What the client answered, and what to do about it."""
    project = await queries.project(tx, id)
    return Satisfaction.of(project, await queries.answers(tx, project.id), await _survey_token(tx, project))


async def _survey_token(tx: Tx, project: Project) -> str | None:
    return (await links.tokens(tx, kind=projects.SURVEY_LINK, subjects=[project.id])).get(project.id)


def _not_run(tx: Tx, project: Project, outcome: Outcome) -> Response:
    if outcome.denied:
        return denied_answer(outcome, tx.request_id)
    held = held_answer(outcome)
    return ExactJSON(HeldDelivery(project_id=project.id, **held.model_dump()), status_code=202)
