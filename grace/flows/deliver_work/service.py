"""Delivering work, in sentences.

Work begins when the contract is signed or the delivery asked for, and the lead is ACTIVE. The architect builds once
policy allows (`domains/delivery/actions`), milestones bring the progress on, and what is delivered brings the lead
to DELIVERED. Delivered and all of it paid, the project is completed and the lead PAID. Completed and rated by the
client, the lead is a REPEAT, and a new lead of the same client opens. Facts arrive in any order: each sentence
looks at how things stand and does what is still to be done.
"""

from grace.domains.crm import queries as crm
from grace.domains.crm.rules.stages import OPEN, Stage
from grace.domains.crm.service import clients, leads
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.facts import ProjectFact
from grace.domains.delivery.service import projects
from grace.domains.invoicing import queries as invoices
from grace.kit.tx import Tx


async def advance_lead(tx: Tx, fact: ProjectFact, stage: Stage, why: str) -> None:
    """The project's lead, if it has one, comes forward."""
    if fact.lead_id is not None:
        await leads.advance_lead(tx, reference=fact.lead_id, stage=stage, why=why)


async def complete_when_paid(tx: Tx, *, project_id: str) -> None:
    """A delivered project of which all is invoiced and nothing is open is completed."""
    project = await delivery.project(tx, project_id, lock=True)
    found = await invoices.invoiced(tx, project_id=project.id, currency=project.currency)
    if project.status == "delivered" and found.net_minor >= project.budget_minor and not found.open:
        await projects.complete_project(tx, project_id=project.id)


async def open_next_lead(tx: Tx, *, project_id: str) -> None:
    """The lead of a completed project that the client has rated is a REPEAT, and a new one follows it, once."""
    project = await delivery.project(tx, project_id)
    if project.status != "completed" or project.nps_score is None or project.lead_id is None:
        return
    why = f"“{project.title}” was paid, and rated {project.nps_score} out of 10."
    lead = await leads.advance_lead(tx, reference=project.lead_id, stage=Stage.REPEAT, why=why)
    if lead.stage != Stage.REPEAT or await crm.has_follower(tx, lead.id):
        return
    await leads.open_lead(
        tx,
        client=await crm.client(tx, lead.client_id),
        source=lead.source,
        lead={"notes": f"Follows “{project.title}”, rated {project.nps_score} out of 10."},
        follows=lead.id,
    )


async def lose_lead(tx: Tx, *, lead_id: str | None, reason: str | None) -> None:
    """The lead of a cancelled project is lost, unless it is closed."""
    if lead_id is None:
        return
    lead = await crm.locked_lead(tx, lead_id)
    if lead.stage in OPEN:
        await leads.move_lead(tx, reference=lead.id, stage=Stage.LOST, reason=(reason or "cancelled")[:256])


async def count_track_record(tx: Tx, *, client_id: str) -> None:
    """Set how much was done for a client and how satisfied it is; the client is locked before it is counted."""
    client = await clients.locked(tx, client_id)
    found = await delivery.track_record(tx, await crm.family(tx, client.id))
    await clients.set_track_record(
        tx,
        client,
        total_projects=found.total_projects,
        satisfaction_score=found.satisfaction_score,
    )
