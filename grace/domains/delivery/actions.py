"""The governed action of delivery: having the architect build a project."""

from collections.abc import Mapping
from dataclasses import dataclass

from grace.domains.delivery import queries
from grace.domains.delivery.errors import DeliveryRunning, WrongState
from grace.domains.delivery.models import Delivery
from grace.domains.delivery.service import deliveries
from grace.domains.delivery.service.projects import OPEN
from grace.kit.tx import Tx
from grace.trust.governance.queries import usd_equivalent_minor
from grace.trust.governance.registry import action


async def _deliver(tx: Tx, asked: "DeliverProject") -> Delivery:
    return await deliveries.queue_delivery(tx, project_id=asked.project_id, spec=asked.spec)


async def _worth(tx: Tx, asked: "DeliverProject") -> Mapping[str, object]:
    """The project's price; and nobody is asked to vote on what could not be delivered."""
    project = await queries.project(tx, asked.project_id)
    if project.status not in OPEN:
        raise WrongState(f"The project is {project.status}.", current=project.status)
    if project.delivery_status == "queued":
        raise DeliveryRunning
    return {"project_usd_minor": await usd_equivalent_minor(tx, project.budget_minor, project.currency)}


async def _seen_by_the_voter(tx: Tx, asked: "DeliverProject") -> Mapping[str, object]:
    project = await queries.project(tx, asked.project_id)
    latest = await queries.latest_delivery(tx, project.id)
    return {
        "open": project.status in OPEN,
        "budget_minor": project.budget_minor,
        "currency": project.currency,
        "latest_delivery": latest and latest.id,
    }


@action(
    name="deliver_project",
    effect="work",
    executor=_deliver,
    context=_worth,
    state=_seen_by_the_voter,
    context_types={"project_usd_minor": int},
)
@dataclass(frozen=True, slots=True)
class DeliverProject:
    """Have the architect build a project's deliverables. `spec` is what to mind, in the caller's words."""

    project_id: str
    spec: str
