"""One job from lead to cash, in the order in which it happens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from grace.app.actors.acts import (
    accept_proposal,
    approve,
    complete_milestones,
    expect,
    first,
    held,
    pay_by_card,
    sign_contract,
    until,
)
from grace.app.demo.display import Display
from grace.client.api import Grace
from grace.client.http import Json

STEPS = 16

T = TypeVar("T")

LEAD: dict[str, Any] = {
    "source": "referral",
    "name": "Ada Lovelace",
    "email": "ada@analytical-engines.example",
    "company": "Analytical Engines Ltd",
    "industry": "technology",
    "country": "GB",
    "budget_range": "5000-10000",
    "budget": 7000,
    "value_estimate": 7000,
    "project_type": "website",
    "timeline": "8 weeks",
    "requirements": (
        "We need a website with a booking system for our workshops: visitors choose a date, pay online by card and get "
        "a confirmation by e-mail; our staff manage dates, seats and prices in an admin area. It must work on phones, "
        "take over about 400 customers from a spreadsheet, and come with tests and documentation."
    ),
}
SIGNER = "Ada Lovelace"


@dataclass(frozen=True)
class Cast:
    """Who acts: the owner and two members by their keys, the client by links alone, and the payer's browser."""

    owner: Grace
    admin: Grace
    member: Grace
    client: Grace
    stripe_api_base: str
    display: Display


@dataclass
class Job:
    """What came of it."""

    client_id: str = ""
    lead_id: str = ""
    proposal_id: str = ""
    project_id: str = ""
    invoice_id: str = ""
    next_lead_id: str = ""
    currency: str = ""


async def run_job(cast: Cast) -> Job:
    """The whole job. GraceError when a door refuses or something has not happened within the deadline."""
    job = Job()
    await find_work(cast, job)
    await offer_work(cast, job)
    await agree(cast, job)
    await deliver_work(cast, job)
    await collect_cash(cast, job)
    await keep_client(cast, job)
    return job


async def find_work(cast: Cast, job: Job) -> None:
    """A lead is captured, then scanned, scored and explained; it qualifies."""
    with cast.display.step("lead_captured", "Lead captured") as step:
        lead = await cast.owner.capture_lead(**LEAD)
        job.lead_id, job.client_id = lead["lead_id"], lead["client_id"]
        step.id = job.lead_id
        step.note = f"{LEAD['name']}, {LEAD['company']}"
    with cast.display.step("lead_qualified", "Scanned, scored, explained") as step:
        found = await cast.owner.qualify_lead(job.lead_id)
        step.id = job.lead_id
        step.note = f"score {found['score']}, stage {found['stage']}"
        expect(found["qualified"], f"The lead should qualify; {found['recommendation']}")


async def offer_work(cast: Cast, job: Job) -> None:
    """A proposal is written; sending it waits for the vote of a second member."""
    with cast.display.step("proposal_generated", "Proposal generated") as step:
        made = await cast.owner.generate_proposal(
            client_id=job.client_id, lead_id=job.lead_id, requirements=LEAD["requirements"], budget=LEAD["budget"]
        )
        offer, pricing = made["proposal"], made["proposal"]["pricing"]
        job.proposal_id = step.id = offer["id"]
        job.currency = pricing["currency"]
        step.note = (
            f"{len(offer['deliverables'])} deliverables, {pricing['hours']} hours, "
            f"{pricing['total']:,} {job.currency} after a discount of {pricing['discount']:,}"
        )
    with cast.display.step("sending_held", "Sending it is held by the policy") as step:
        answer = await cast.owner.send_proposal(job.proposal_id)
        decision_id = step.id = held(answer)
        step.note = " ".join(answer["reasons"])
    with cast.display.step("sending_approved", "Approved by a second member, and sent") as step:
        decision = await approve(decision_id, (cast.admin, "Scope and price are what we agreed on."))
        step.id = decision_id
        step.note = decision["votes"][0]["voter_name"]


async def agree(cast: Cast, job: Job) -> None:
    """The client accepts by link, signs the contract by link, and the project begins."""
    with cast.display.step("proposal_accepted", "Accepted by the client's signed link") as step:
        await accept_proposal(cast.owner, cast.client, job.proposal_id, name=SIGNER)
        step.id = job.proposal_id
        step.note = SIGNER
    with cast.display.step("contract_signed", "Contract signed by link") as step:
        contract = await _until(cast, "the contract", lambda: first(cast.owner.contracts(proposal_id=job.proposal_id)))
        await sign_contract(cast.client, contract, name=SIGNER)
        step.id = contract["id"]
        step.note = f"{contract['contract_number']}, sha256 {contract['sha256'][:12]}…"

    async def begun() -> Json | None:
        project = await first(cast.owner.projects(lead_id=job.lead_id))
        return project if project and project["status"] == "in_progress" else None

    with cast.display.step("project_begun", "Project with milestones") as step:
        project = await _until(cast, "the project", begun)
        job.project_id = step.id = project["id"]
        step.note = f"{project['title']}: {len(project['milestones'])} milestones"


async def deliver_work(cast: Cast, job: Job) -> None:
    """Above 5,000 USD Parliament votes on the delivery; then the work is done, milestone by milestone."""
    with cast.display.step("delivery_held", "Delivery is held for Parliament") as step:
        answer = await cast.owner.deliver_project(job.project_id, spec="As offered; keep the texts short.")
        decision_id = step.id = held(answer)
        step.note = " ".join(answer["reasons"])
    with cast.display.step("delivery_approved", "Parliament votes") as step:
        decision = await approve(
            decision_id, (cast.admin, "Scope is clear."), (cast.member, "I have the time for the review.")
        )
        step.id = decision_id
        step.note = " and ".join(vote["voter_name"] for vote in decision["votes"])

    async def built() -> Json | None:
        project = await cast.owner.project(job.project_id)
        expect(project["delivery_status"] != "failed", f"The delivery failed: {project['delivery_result']}")
        return project if project["delivery_status"] == "built" else None

    with cast.display.step("work_delivered", "Work done and delivered") as step:
        project = await _until(cast, "the architect", built)
        files = len(await cast.owner.artefacts(job.project_id))
        await complete_milestones(cast.owner, project)
        project = await cast.owner.mark_delivered(job.project_id)
        step.id = job.project_id
        step.note = f"{files} files, progress {project['progress']} %, {project['status']}"


async def collect_cash(cast: Cast, job: Job) -> None:
    """The invoice is issued and paid by card through its link; the provider's signed webhook settles it."""
    with cast.display.step("invoice_issued", "Invoice issued") as step:
        invoice = await cast.owner.invoice_project(job.project_id)
        job.invoice_id = step.id = invoice["invoice_id"]
        pay_link = invoice["payment_link"]
        page = await cast.client.open_link(pay_link)
        step.note = f"{invoice['invoice_number']}, {page['amount_due']:,} {page['currency']}"

    with cast.display.step("card_confirmed", "Paid by card through the pay link") as step:
        step.id = await pay_by_card(
            cast.client, pay_link, stripe_api_base=cast.stripe_api_base, on_wait=cast.display.waiting
        )
        step.note = "4242 4242 4242 4242"

    async def paid() -> Json | None:
        status = await cast.owner.payment_status(job.invoice_id)
        expect(status["status"] != "failed", "The card was refused.")
        return status if status["paid"] else None

    with cast.display.step("paid", "PAID: the signed webhook came") as step:
        status = await _until(cast, "the provider's webhook", paid)
        await _until(cast, "the lead's stage", lambda: _lead_in(cast, job, "PAID", "REPEAT"))
        step.id = job.invoice_id
        step.note = f"{status['amount_paid']:,} {status['currency']}, nothing due"


async def keep_client(cast: Cast, job: Job) -> None:
    """The client answers the survey; the lead goes to REPEAT and a new one of the same client opens."""

    async def survey() -> str | None:
        found = await cast.owner.satisfaction(job.project_id)
        url: str | None = found["survey_url"]
        return url

    with cast.display.step("survey_answered", "Survey answered by link") as step:
        url = await _until(cast, "the survey's link", survey)
        await cast.client.act_on_link(url, "", score=10, comment="On time, and it works on my phone.")
        step.id = job.project_id
        said = await cast.owner.satisfaction(job.project_id)
        step.note = f"NPS {said['nps_score']}, {said['category']}"

    async def follow_up() -> Json | None:
        leads = await cast.owner.leads(client_id=job.client_id)
        return next((lead for lead in leads if lead["follows"] == job.lead_id), None)

    with cast.display.step("repeat", "Lead to REPEAT, and a new LEAD") as step:
        await _until(cast, "the lead's stage", lambda: _lead_in(cast, job, "REPEAT"))
        opened = await _until(cast, "the new lead", follow_up)
        job.next_lead_id = step.id = opened["id"]
        step.note = f"stage {opened['stage']}"


async def settled(cast: Cast, job: Job) -> tuple[Json, Decimal]:
    """The client's statement of account, and the lifetime value once it follows from what was paid."""
    invoice = await cast.owner.invoice(job.invoice_id)

    async def valued() -> Decimal | None:
        client = await cast.owner.client(job.client_id)
        value = Decimal(client["lifetime_value"])
        return value if value == invoice["net"] else None

    value = await _until(cast, "the lifetime value", valued)
    return await cast.owner.statement(job.client_id), value


async def _until(cast: Cast, what: str, ask: Callable[[], Awaitable[T | None]]) -> T:
    return await until(what, ask, on_wait=cast.display.waiting)


async def _lead_in(cast: Cast, job: Job, *stages: str) -> Json | None:
    lead = await cast.owner.lead(job.lead_id)
    return lead if lead["stage"] in stages else None
