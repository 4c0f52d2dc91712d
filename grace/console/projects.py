"""Projects: the list by health and state; one with its milestones, files, money, satisfaction and timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import Request, Response

from grace.console.answers import told
from grace.console.forms import read_form
from grace.console.happenings import Happening, happened, timeline
from grace.console.shell import see, show
from grace.domains.delivery import api, queries
from grace.domains.delivery.api import ProjectPath
from grace.domains.delivery.models import Milestone, Project, SurveyAnswer
from grace.domains.delivery.queries import ProjectFilter
from grace.domains.delivery.schemas import (
    ArtefactOut,
    CancelProject,
    CompleteMilestone,
    DeliverIn,
    Satisfaction,
    survey_url,
)
from grace.domains.delivery.service.projects import OPEN, SURVEY_LINK
from grace.domains.invoicing import queries as invoices
from grace.flows.collect_cash import api as cash
from grace.flows.collect_cash.schemas import InvoiceProject
from grace.kit import links
from grace.kit.display import format_money
from grace.kit.edge import Doors, InTx, permits
from grace.kit.money import to_minor
from grace.kit.paging import after_id, page
from grace.trust.governance import queries as governance

doors = Doors(tags=["Console"])
ROWS = 40
TABS: tuple[tuple[str, str], ...] = (
    ("", "Open"),
    ("late", "Late"),
    ("delivered", "Delivered"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("all", "All"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A project with what is next in it, and whether that is late."""

    project: Project
    next: Milestone | None
    done: int
    count: int
    late: bool


@doors.get("/app/projects", may="projects:read", hidden=True)
async def projects(tx: InTx, request: Request) -> Response:
    """The list; the tabs are health and state."""
    asked = request.query_params.get("state", "")
    tab = asked if asked in dict(TABS) else ""
    today = tx.now.date()
    where = ProjectFilter(
        status=tab if tab in ("delivered", "completed", "cancelled") else None,
        open=not tab,
        late_on=today if tab == "late" else None,
    )
    after = after_id(request.query_params.get("cursor"))
    sort = "end_date" if tab in ("", "late") else "-created_at"
    shown = page(await queries.projects(tx, where, sort=sort, after=after, limit=ROWS + 1), limit=ROWS, key="id")
    milestones = await queries.milestones(tx, [one.id for one in shown.items])
    counts = await queries.counts(tx, today=today)
    by_state = {name: found.count for name, found in counts.items()}
    numbers = {
        **by_state,
        "": sum(by_state.get(name, 0) for name in OPEN),
        "late": sum(found.late for found in counts.values()),
        "all": sum(by_state.values()),
    }
    return await show(
        request,
        tx,
        "projects/list.html",
        here="projects",
        live="project",
        tab=tab,
        views=TABS,
        numbers=numbers,
        rows=[_row(one, milestones[one.id], today) for one in shown.items],
        next_cursor=shown.next_cursor,
        address=f"/app/projects?state={tab}" if tab else "/app/projects",
    )


@doors.get("/app/projects/{id}", may="projects:read", hidden=True)
async def project(tx: InTx, request: Request, id: ProjectPath) -> Response:
    """How the work stands, what it brings, what comes next."""
    found = await queries.project(tx, id)
    milestones = (await queries.milestones(tx, [found.id]))[found.id]
    answers = await queries.answers(tx, found.id) if found.delivered_at else []
    token = (
        (await links.tokens(tx, kind=SURVEY_LINK, subjects=[found.id])).get(found.id) if found.delivered_at else None
    )
    seeing = permits(tx.principal, "invoices:read")
    invoiced = await invoices.invoiced(tx, project_id=found.id, currency=found.currency) if seeing else None
    latest = await queries.latest_delivery(tx, found.id)
    waiting = {}
    if found.status in OPEN:
        waiting = await governance.awaiting_about(
            tx, action="deliver_project", argument="project_id", values=[found.id]
        )
    return await show(
        request,
        tx,
        "projects/record.html",
        here="projects",
        live="project decision invoice payment",
        project=found,
        row=_row(found, milestones, tx.now.date()),
        client=found.parties["client_company"] or found.parties["client"],
        milestones=milestones,
        today=tx.now.date(),
        latest=latest,
        files=[ArtefactOut.of(one) for one in await queries.artefacts(tx, found.id)] if latest else [],
        decision=waiting.get(found.id),
        invoiced=invoiced,
        open_minor=max(0, found.budget_minor - invoiced.net_minor) if invoiced else 0,
        satisfaction=Satisfaction.of(found, answers, token),
        survey=survey_url(token) if token else "",
        workable=found.status in OPEN,
        payments=[(date.fromisoformat(part["due_on"]), part) for part in found.payment_plan],
        happenings=_happenings(found, milestones, answers),
    )


@doors.post("/app/projects/{id}/milestones/{milestone}", may="projects:write", hidden=True)
async def complete(tx: InTx, request: Request, id: ProjectPath, milestone: int) -> Response:
    """A part of the work is done."""
    done = await api.complete_milestone(tx, id, str(milestone), await read_form(request, CompleteMilestone))
    title = next(one.title for one in done.milestones if one.number == milestone)
    return see(f"/app/projects/{done.id}", f"{title} is complete. The project stands at {done.progress}%.")


@doors.post("/app/projects/{id}/deliver", may="projects:write", hidden=True)
async def deliver(tx: InTx, request: Request, id: ProjectPath) -> Response:
    """Have the architect build it, as policy allows."""
    found = await queries.project(tx, id)
    answer = await api.deliver_project(tx, await read_form(request, DeliverIn, project_id=found.id))
    return told(answer, f"/app/projects/{found.id}", "The architect builds it now. The files appear here.")


@doors.post("/app/projects/{id}/delivered", may="projects:write", hidden=True)
async def delivered(tx: InTx, id: ProjectPath) -> Response:
    """The client has what was sold."""
    done = await api.mark_delivered(tx, id)
    return see(f"/app/projects/{done.id}", "The project is delivered. Send the client the survey.")


@doors.post("/app/projects/{id}/cancel", may="projects:write", hidden=True)
async def cancel(tx: InTx, request: Request, id: ProjectPath) -> Response:
    """End it before it is delivered."""
    ended = await api.cancel_project(tx, id, await read_form(request, CancelProject))
    return see(f"/app/projects/{ended.id}", "The project is cancelled. Nothing was refunded by this.")


@doors.post("/app/projects/{id}/invoice", may="invoices:write", hidden=True)
async def invoice(tx: InTx, request: Request, id: ProjectPath) -> Response:
    """Invoice what is open, or a part of it."""
    found = await queries.project(tx, id)
    made = await cash.collect_payment(tx, found.id, await read_form(request, InvoiceProject))
    price = format_money(to_minor(made.amount, found.currency), found.currency)
    return see(f"/app/projects/{found.id}", f"Invoice {made.invoice_number} for {price} was sent.")


def _row(project: Project, milestones: Sequence[Milestone], today: date) -> Row:
    left = [one for one in milestones if one.completed_at is None]
    return Row(
        project,
        next=left[0] if left else None,
        done=len(milestones) - len(left),
        count=len(milestones),
        late=project.status == "in_progress" and any(one.due_on < today for one in left),
    )


def _happenings(project: Project, milestones: Sequence[Milestone], answers: Sequence[SurveyAnswer]) -> list[Happening]:
    client = project.parties["client"]
    built = project.delivery_result or {}
    return timeline(
        happened(project.created_at, "Sold", "client", client),
        *(happened(one.completed_at, f"{one.title} completed") for one in milestones),
        happened(project.delivered_at, "Delivered to the client", more=built.get("summary", "")),
        happened(project.completed_at, "Paid in full and completed"),
        happened(project.cancelled_at, "Cancelled", more=project.cancel_reason or ""),
        *(happened(one.answered_at, f"Rated {one.score} out of 10", "client", client) for one in answers),
    )
