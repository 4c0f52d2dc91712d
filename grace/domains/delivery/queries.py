"""Questions about projects, their milestones, files and answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date

from grace.domains.delivery.errors import ArtefactNotFound, ProjectNotFound
from grace.domains.delivery.models import Artefact, Delivery, Milestone, Project, SurveyAnswer, TrackRecord
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Tx

Reference = str | int
LATEST = "(select d.{0} from delivery d where d.project_id = p.id order by d.number desc limit 1) as delivery_{0}"
COLUMNS = ", ".join(
    [*(f"p.{field.name}" for field in fields(Project) if not field.name.startswith("delivery_")),
     LATEST.format("status"), LATEST.format("result")]
)  # fmt: skip
MILESTONE_COLUMNS = ", ".join(field.name for field in fields(Milestone))
DELIVERY_COLUMNS = ", ".join(field.name for field in fields(Delivery))
ARTEFACT_COLUMNS = ", ".join(field.name for field in fields(Artefact))


async def find_project(tx: Tx, reference: Reference, *, lock: bool = False) -> Project | None:
    """The project that a caller names by its id or number; with `lock` nobody else changes it meanwhile."""
    return await tx.first(
        Project,
        f"select {COLUMNS} from project p where p.id = coalesce("
        "(select id from project where id = %(text)s), (select id from project where number = %(number)s))"
        f" {'for update' if lock else ''}",
        text=reference if isinstance(reference, str) else None,
        number=number_of(reference),
    )


async def project(tx: Tx, reference: Reference, *, lock: bool = False) -> Project:
    """As `find_project`; ProjectNotFound when there is none."""
    found = await find_project(tx, reference, lock=lock)
    if found is None:
        raise ProjectNotFound(reference)
    return found


async def project_of(tx: Tx, proposal_id: str) -> Project | None:
    """The project that an accepted proposal became."""
    return await tx.first(Project, f"select {COLUMNS} from project p where proposal_id = %(id)s", id=proposal_id)


@dataclass(frozen=True, slots=True)
class ProjectFilter:
    """Which projects to list; None does not filter."""

    status: str | None = None
    client_ids: list[str] | None = None
    lead_id: str | None = None
    open: bool = False
    late_on: date | None = None


SORTS = {
    "number": "p.number",
    "budget": "p.budget_minor",
    "progress": "p.progress",
    "end_date": "coalesce(p.end_date, 'infinity'::date)",
    "created_at": "p.created_at",
}


async def projects(tx: Tx, where: ProjectFilter, *, sort: str, after: str | None, limit: int) -> list[Project]:
    """A page of projects."""
    order = ordering(sort, table="project p", columns=SORTS)
    return await tx.all(
        Project,
        f"select {COLUMNS} from project p where {order.after}"
        " and (%(status)s::text is null or p.status = %(status)s)"
        " and (%(client_ids)s::text[] is null or p.client_id = any(%(client_ids)s))"
        " and (%(lead_id)s::text is null or p.lead_id = %(lead_id)s)"
        " and (not %(open)s or p.status in ('proposed', 'in_progress'))"
        f" and (%(late_on)s::date is null or {LATE.replace('%(today)s', '%(late_on)s')})"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )


async def milestones(tx: Tx, project_ids: Sequence[str]) -> dict[str, list[Milestone]]:
    """The milestones of some projects, in order."""
    rows = await tx.all(
        Milestone,
        f"select {MILESTONE_COLUMNS} from milestone where project_id = any(%(ids)s) order by project_id, number",
        ids=list(project_ids),
    )
    found: dict[str, list[Milestone]] = {project_id: [] for project_id in project_ids}
    for row in rows:
        found[row.project_id].append(row)
    return found


async def delivery(tx: Tx, delivery_id: str, *, lock: bool = False) -> Delivery:
    """A run of the architect; LookupError when there is none."""
    return await tx.one(
        Delivery,
        f"select {DELIVERY_COLUMNS} from delivery where id = %(id)s {'for update' if lock else ''}",
        id=delivery_id,
    )


async def latest_delivery(tx: Tx, project_id: str) -> Delivery | None:
    """The last run that was asked for."""
    return await tx.first(
        Delivery,
        f"select {DELIVERY_COLUMNS} from delivery where project_id = %(id)s order by number desc limit 1",
        id=project_id,
    )


async def is_being_built(tx: Tx, project_id: str) -> bool:
    """Whether the architect is at work, asked after the project is locked: what comes with its row may be older."""
    latest = await latest_delivery(tx, project_id)
    return latest is not None and latest.status == "queued"


async def artefacts(tx: Tx, project_id: str) -> list[Artefact]:
    """The files of a project's latest finished delivery, by path."""
    return await tx.all(
        Artefact,
        f"select {ARTEFACT_COLUMNS} from artefact where delivery_id = (select id from delivery"
        " where project_id = %(id)s and status = 'built' order by number desc limit 1) order by path",
        id=project_id,
    )


async def artefact(tx: Tx, project_id: str, artefact_id: str) -> tuple[Artefact, bytes]:
    """A file with its content; ArtefactNotFound."""
    found = await tx.first(
        Artefact,
        f"select {ARTEFACT_COLUMNS} from artefact where id = %(id)s and project_id = %(project)s",
        id=artefact_id,
        project=project_id,
    )
    if found is None:
        raise ArtefactNotFound("The project has no such file.")
    return found, bytes(await tx.value("select content from artefact where id = %(id)s", id=artefact_id))


async def answers(tx: Tx, project_id: str) -> list[SurveyAnswer]:
    """What the client answered, the latest first."""
    return await tx.all(
        SurveyAnswer,
        "select revision, score, comment, answered_at from survey_answer where project_id = %(id)s"
        " order by answered_at desc, revision desc",
        id=project_id,
    )


async def track_record(tx: Tx, client_ids: Sequence[str]) -> TrackRecord:
    """How much the business did for a client, and how satisfied it was."""
    return await tx.one(
        TrackRecord,
        "select count(*)::int as total_projects, round(avg(nps_score), 2) as satisfaction_score from project"
        " where client_id = any(%(ids)s) and status <> 'cancelled'",
        ids=list(client_ids),
    )


@dataclass(frozen=True, slots=True)
class FinishedWork:
    """A finished project's hours of one kind of work, as spent where somebody said so, else as planned."""

    project_id: str
    title: str
    kind: str
    weeks: int
    work_kind: str
    hours: int


async def finished_work(tx: Tx, *, limit: int = 50) -> list[FinishedWork]:
    """The latest finished projects, a row for each kind of work in them."""
    return await tx.all(
        FinishedWork,
        "with done as (select id, title, kind, start_date, end_date from project"
        " where status in ('delivered', 'completed') order by delivered_at desc, id limit %(limit)s)"
        " select done.id as project_id, done.title, done.kind,"
        " coalesce(ceil((end_date - start_date + 1) / 7.0), 0)::int as weeks, m.kind as work_kind,"
        " ceil(sum(coalesce(m.hours_spent, m.hours)))::int as hours"
        " from done join milestone m on m.project_id = done.id"
        " group by done.id, done.title, done.kind, start_date, end_date, m.kind order by done.id, m.kind",
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class WorkCost:
    """What the latest finished projects whose cost was noted took."""

    projects: int
    hours: int
    cost_minor: int


async def work_cost(tx: Tx, currency: str, *, limit: int = 50) -> WorkCost:
    """Cost and hours of finished projects in a currency: what an hour of work costs the business."""
    return await tx.one(
        WorkCost,
        "with done as (select id, actual_cost_minor from project where currency = %(currency)s"
        " and status in ('delivered', 'completed') and actual_cost_minor > 0"
        " order by delivered_at desc, id limit %(limit)s)"
        " select count(*)::int as projects, coalesce(sum(actual_cost_minor), 0)::bigint as cost_minor,"
        " coalesce(ceil(sum((select sum(coalesce(m.hours_spent, m.hours)) from milestone m"
        " where m.project_id = done.id))), 0)::int as hours from done",
        currency=currency,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many projects are in a state, and how many of them are behind a milestone's day."""

    status: str
    count: int
    late: int


LATE = """p.status = 'in_progress' and exists (
    select from milestone m where m.project_id = p.id and m.completed_at is null and m.due_on < %(today)s)"""


async def counts(tx: Tx, *, today: date) -> dict[str, StateCount]:
    """Every state that has projects."""
    rows = await tx.all(
        StateCount,
        f"select p.status, count(*) as count, count(*) filter (where {LATE}) as late from project p group by 1",
        today=today,
    )
    return {row.status: row for row in rows}
