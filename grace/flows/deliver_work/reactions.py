"""What follows when work is sold, begun, built, delivered, paid and rated.

A reaction locks a lead or a client, never one after the other, so that no two wait for each other.
"""

from grace.domains.crm.facts import ClientsMerged, ClientsUnmerged
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.service import leads
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.facts import (
    DeliveryBuilt,
    DeliveryFailed,
    ProjectBegun,
    ProjectCancelled,
    ProjectCompleted,
    ProjectDelivered,
    ProjectFact,
    ProjectOpened,
    SurveyAnswered,
)
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.facts import InvoicePaid, InvoiceVoided
from grace.flows.deliver_work import service
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx


@reacts_to(ProjectOpened)
async def count_project(tx: Tx, fact: ProjectOpened) -> None:
    """One more project for the client."""
    await service.count_track_record(tx, client_id=fact.client_id)


@reacts_to(ProjectBegun)
async def lead_is_active(tx: Tx, fact: ProjectBegun) -> None:
    """Work begins."""
    await service.advance_lead(tx, fact, Stage.ACTIVE, "Work on the project began.")


@reacts_to(DeliveryBuilt)
async def note_built(tx: Tx, fact: DeliveryBuilt) -> None:
    """The architect has built."""
    project = await delivery.project(tx, fact.project_id)
    await _note(tx, fact, (project.delivery_result or {}).get("summary") or "The delivery was built.", built=True)


@reacts_to(DeliveryFailed)
async def note_failed(tx: Tx, fact: DeliveryFailed) -> None:
    """The architect could not."""
    found = await delivery.delivery(tx, fact.delivery_id)
    await _note(tx, fact, f"The delivery could not be built: {(found.result or {}).get('error', '')}")


@reacts_to(ProjectDelivered)
async def lead_is_delivered(tx: Tx, fact: ProjectDelivered) -> None:
    """The client has the work; it may have been paid before."""
    await service.advance_lead(tx, fact, Stage.DELIVERED, "The project was delivered.")
    await service.complete_when_paid(tx, project_id=fact.project_id)


@reacts_to(InvoicePaid, when=lambda fact: fact.project_id is not None)
async def complete_paid(tx: Tx, fact: InvoicePaid) -> None:
    """Perhaps it was the project's last invoice."""
    if fact.project_id is not None:
        await service.complete_when_paid(tx, project_id=fact.project_id)


@reacts_to(InvoiceVoided)
async def complete_voided(tx: Tx, fact: InvoiceVoided) -> None:
    """Perhaps it was the only one that was open."""
    invoice = await invoices.invoice(tx, fact.invoice_id)
    if invoice.project_id is not None:
        await service.complete_when_paid(tx, project_id=invoice.project_id)


@reacts_to(ProjectCompleted)
async def lead_is_paid(tx: Tx, fact: ProjectCompleted) -> None:
    """All is paid; the client may have answered the survey before."""
    await service.advance_lead(tx, fact, Stage.PAID, "The project was paid.")
    await service.open_next_lead(tx, project_id=fact.project_id)


@reacts_to(ProjectCancelled)
async def lead_is_lost(tx: Tx, fact: ProjectCancelled) -> None:
    """The work ended early."""
    project = await delivery.project(tx, fact.project_id)
    await service.lose_lead(tx, lead_id=fact.lead_id, reason=project.cancel_reason)


@reacts_to(ProjectCancelled)
async def count_cancelled(tx: Tx, fact: ProjectCancelled) -> None:
    """It counts no more."""
    await service.count_track_record(tx, client_id=fact.client_id)


@reacts_to(SurveyAnswered)
async def count_answer(tx: Tx, fact: SurveyAnswered) -> None:
    """How satisfied the client is."""
    await service.count_track_record(tx, client_id=fact.client_id)


@reacts_to(SurveyAnswered)
async def lead_is_rated(tx: Tx, fact: SurveyAnswered) -> None:
    """Perhaps all is paid already."""
    await service.open_next_lead(tx, project_id=fact.project_id)


@reacts_to(ClientsMerged)
async def count_merged(tx: Tx, fact: ClientsMerged) -> None:
    """The winner has the projects of both."""
    await service.count_track_record(tx, client_id=fact.client_id)


@reacts_to(ClientsUnmerged)
async def count_unmerged(tx: Tx, fact: ClientsUnmerged) -> None:
    """Each has its own."""
    for client_id in sorted((fact.client_id, fact.restored_id)):
        await service.count_track_record(tx, client_id=client_id)


async def _note(tx: Tx, fact: ProjectFact, content: str, *, built: bool = False) -> None:
    await leads.note_interaction(
        tx,
        client_id=fact.client_id,
        lead_id=fact.lead_id,
        project_id=fact.project_id,
        interaction_type="delivery",
        channel="grace",
        content=content,
        automated=True,
        grace_generated=built,
    )
