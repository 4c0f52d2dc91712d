"""Projects: opened when a proposal is accepted, begun, brought on by milestones, delivered, completed."""

from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from grace.domains.delivery import queries
from grace.domains.delivery.errors import DeliveryRunning, MilestoneNotFound, MilestonesOpen, WrongState
from grace.domains.delivery.facts import (
    MilestoneCompleted,
    ProjectBegun,
    ProjectCancelled,
    ProjectCompleted,
    ProjectDelivered,
    ProjectFact,
    ProjectOpened,
)
from grace.domains.delivery.models import MILESTONE_PREFIX, PROJECT_PREFIX, Project, Sold
from grace.domains.delivery.queries import COLUMNS, Reference
from grace.domains.delivery.rules.milestones import (
    MilestonePlan,
    PlannedWork,
    plan_milestones,
    progress_percent,
)
from grace.kit import json, links
from grace.kit.ids import new_id
from grace.kit.rows import changed
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

SURVEY_LINK = "survey"
OPEN = ("proposed", "in_progress")
BEGINNABLE_BY_SIGNATURE = (*OPEN, "delivered", "completed")


def plan(sold: Sold, *, tx: Tx) -> MilestonePlan:
    """The milestones and payments of sold work that begins today."""
    return plan_milestones(
        [PlannedWork(one["title"], one["hours"]) for one in sold.deliverables],
        starts_on=tx.now.date(),
        hours_per_week=sold.hours_per_week,
        total_minor=sold.budget_minor,
        shares_percent=[part["share_percent"] for part in sold.payments],
    )


async def open_project(tx: Tx, *, sold: Sold) -> Project:
    """A project of sold work, with its milestones, in status proposed."""
    planned = plan(sold, tx=tx)
    project = await tx.one(
        Project,
        "insert into project as p (id, client_id, lead_id, proposal_id, title, kind, description, scope, deliverables,"
        " payment_plan, timeline, start_date, end_date, currency, budget_minor, proposal_generated,"
        " proposal_approved, parties, created_at) values (%(id)s, %(client_id)s, %(lead_id)s, %(proposal_id)s,"
        " %(title)s, %(kind)s, %(description)s, %(scope)s, %(deliverables)s::jsonb, %(payment_plan)s::jsonb,"
        " %(timeline)s, %(start)s, %(end)s, %(currency)s, %(budget_minor)s, true, true, %(parties)s::jsonb, %(now)s)"
        f" returning {COLUMNS}",
        id=new_id(PROJECT_PREFIX),
        start=planned.milestones[0].starts_on,
        end=planned.ends_on,
        now=tx.now,
        timeline="1 week" if sold.weeks == 1 else f"{sold.weeks} weeks",
        payment_plan=json.dumps([asdict(part) for part in planned.payments]),
        **(asdict(sold) | {"deliverables": json.dumps(sold.deliverables), "parties": json.dumps(sold.parties)}),
    )
    await _write_milestones(tx, project, planned)
    tx.emit(fact(ProjectOpened, project))
    audit.record(tx, action="open_project", subject=("project", project.id), after=_shown(project))
    return project


async def begin_project(tx: Tx, *, project_id: str, contract_signed: bool) -> Project:
    """Work begins, if it had not: the contract is signed, or the delivery asked for.

    WrongState when the project is cancelled; without a signature also once it is delivered.
    """
    before = await queries.project(tx, project_id, lock=True)
    if before.status not in (BEGINNABLE_BY_SIGNATURE if contract_signed else OPEN):
        raise WrongState(f"The project is {before.status}.", current=before.status)
    begins = before.status == "proposed"
    after = replace(
        before,
        status="in_progress" if begins else before.status,
        contract_signed=before.contract_signed or contract_signed,
    )
    after = await change(tx, before, after, action="begin_project")
    if begins:
        tx.emit(fact(ProjectBegun, after))
    return after


async def complete_milestone(
    tx: Tx, *, reference: Reference, milestone: Reference, hours_spent: Decimal | None, cost_minor: int
) -> Project:
    """A part of the work is done, which moves the progress on; `cost_minor` is added to the actual cost.

    One that was completed before stays as it is. WrongState unless work is going on.
    """
    before = await queries.project(tx, reference, lock=True)
    mine = (await queries.milestones(tx, [before.id]))[before.id]
    found = next((one for one in mine if milestone in (one.id, one.number, str(one.number))), None)
    if found is None:
        raise MilestoneNotFound("The project has no such milestone.")
    if found.completed_at is not None:
        return before
    if before.status != "in_progress":
        raise WrongState(f"Milestones are completed while work goes on; the project is {before.status}.",
                         current=before.status)  # fmt: skip
    await tx.execute(
        "update milestone set completed_at = %(now)s, completed_by = %(by)s, hours_spent = %(hours)s where id = %(id)s",
        now=tx.now,
        by=tx.principal.id,
        hours=hours_spent,
        id=found.id,
    )
    done = [one.weight_percent for one in mine if one.completed_at is not None or one is found]
    after = replace(
        before,
        progress=progress_percent(done, built=before.grace_architect_used),
        actual_cost_minor=before.actual_cost_minor + cost_minor,
    )
    after = await change(tx, before, after, action="complete_milestone", reason=found.title)
    tx.emit(MilestoneCompleted(after.id, after.client_id, after.lead_id, after.version, found.number))
    return after


async def mark_delivered(tx: Tx, *, reference: Reference) -> Project:
    """The client has what was sold; from now on there is a survey link.

    MilestonesOpen, DeliveryRunning; WrongState unless work is going on, when no delivery was allowed yet (the
    governed action `deliver_project`), or when the hunter found something critical in the files of the latest.
    """
    before = await queries.project(tx, reference, lock=True)
    if before.status != "in_progress":
        raise WrongState(f"Work that goes on is delivered; the project is {before.status}.", current=before.status)
    open_ = [one.title for one in (await queries.milestones(tx, [before.id]))[before.id] if one.completed_at is None]
    if open_:
        raise MilestonesOpen(open_)
    latest = await queries.latest_delivery(tx, before.id)
    if latest is None:
        raise WrongState("Have the project delivered first (deliver_project), as far as the policy allows it.",
                         current=before.status)  # fmt: skip
    if latest.status == "queued":
        raise DeliveryRunning
    if latest.scan_severity == "critical":
        raise WrongState("The scan found something critical in the files: build the delivery anew.",
                         current=before.status)  # fmt: skip
    await links.make(tx, kind=SURVEY_LINK, subject=before.id)
    after = replace(before, status="delivered", delivered_at=tx.now, progress=Decimal("100.0"))
    after = await change(tx, before, after, action="deliver_to_client")
    tx.emit(fact(ProjectDelivered, after))
    return after


async def complete_project(tx: Tx, *, project_id: str) -> Project:
    """All of a delivered project is paid. One that is not delivered, or completed before, stays as it is."""
    before = await queries.project(tx, project_id, lock=True)
    if before.status != "delivered":
        return before
    after = await change(
        tx, before, replace(before, status="completed", completed_at=tx.now), action="complete_project"
    )
    tx.emit(fact(ProjectCompleted, after))
    return after


async def cancel_project(tx: Tx, *, reference: Reference, reason: str) -> Project:
    """End a project before it is delivered; WrongState afterwards."""
    before = await queries.project(tx, reference, lock=True)
    if before.status not in OPEN:
        raise WrongState(f"A project that is {before.status} is not cancelled.", current=before.status)
    if await queries.is_being_built(tx, before.id):
        raise DeliveryRunning
    after = replace(before, status="cancelled", cancelled_at=tx.now, cancel_reason=reason)
    after = await change(tx, before, after, action="cancel_project", reason=reason)
    tx.emit(fact(ProjectCancelled, after))
    return after


async def change(tx: Tx, before: Project, after: Project, *, action: str, reason: str | None = None) -> Project:
    """Write the columns that changed, with the next version and the audit entry; nothing when none did."""
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    names = changed(before, after)
    await tx.execute(
        f"update project set {', '.join(f'{name} = %({name})s' for name in names)} where id = %(id)s",
        id=before.id,
        **{name: getattr(after, name) for name in names},
    )
    audit.record(tx, action=action, subject=("project", after.id), reason=reason, before=before, after=after)
    return after


def fact(kind: type[ProjectFact], project: Project) -> ProjectFact:
    """A fact about a project that says no more than what all of them say."""
    return kind(project.id, project.client_id, project.lead_id, project.version)


async def _write_milestones(tx: Tx, project: Project, planned: MilestonePlan) -> None:
    work = project.deliverables
    await tx.execute(
        "insert into milestone (id, project_id, number, title, kind, hours, starts_on, due_on, weight_percent)"
        " select m.id, %(project)s, m.number, m.title, m.kind, m.hours, m.starts_on, m.due_on, m.weight"
        " from unnest(%(ids)s::text[], %(numbers)s::int[], %(titles)s::text[], %(kinds)s::text[], %(hours)s::int[],"
        " %(starts)s::date[], %(dues)s::date[], %(weights)s::int[])"
        " as m (id, number, title, kind, hours, starts_on, due_on, weight)",
        project=project.id,
        ids=[new_id(MILESTONE_PREFIX) for _ in planned.milestones],
        numbers=[one.number for one in planned.milestones],
        titles=[one.title[:256] for one in planned.milestones],
        kinds=[one["kind"] for one in work],
        hours=[one["hours"] for one in work],
        starts=[one.starts_on for one in planned.milestones],
        dues=[one.due_on for one in planned.milestones],
        weights=[one.weight_percent for one in planned.milestones],
    )


def _shown(project: Project) -> dict[str, Any]:
    """What the audit log keeps of a new project."""
    names = ("number", "client_id", "lead_id", "proposal_id", "title", "currency", "budget_minor", "status",
             "start_date", "end_date")  # fmt: skip
    return {name: getattr(project, name) for name in names}
