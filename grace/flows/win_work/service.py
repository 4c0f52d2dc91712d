"""Winning work, in sentences.

A proposal is generated, and its lead stands in PROPOSAL with the proposal's value. It is sent when policy allows
(`domains/proposals/actions`). The client accepts it by its link: in the same transaction the contract, the
project and its milestones exist, and the lead stands in CONTRACT. The client signs the contract: work begins.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from grace.domains.crm import queries as crm
from grace.domains.crm.models import Client, Lead
from grace.domains.crm.queries import LeadFilter
from grace.domains.crm.rules.stages import BEFORE_CONTRACT, Stage
from grace.domains.crm.service import leads
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.models import Project, Sold
from grace.domains.delivery.rules.milestones import MilestonePlan
from grace.domains.delivery.service import projects
from grace.domains.invoicing import service as invoicing
from grace.domains.proposals import queries as offers
from grace.domains.proposals.errors import WrongState
from grace.domains.proposals.models import Contract, Parties, Proposal
from grace.domains.proposals.schemas import RATE_CARD, TEMPLATES
from grace.domains.proposals.service import contracts, proposals
from grace.kit import links
from grace.kit.errors import Invalid
from grace.kit.money import to_minor
from grace.kit.tx import Principal, Tx
from grace.kit.unit import Unit
from grace.providers.architect import port
from grace.providers.architect.port import ProposalBrief

PAST_PROJECTS = 50
LEADS_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Generated:
    """A new draft, and what its project would look like if it were accepted today."""

    proposal: Proposal
    plan: MilestonePlan


@dataclass(frozen=True, slots=True)
class Won:
    """What came of an accepted proposal; `now` is false when it had been accepted before."""

    proposal: Proposal
    contract: Contract
    project: Project
    now: bool


async def generate_proposal(
    unit: Unit, *, client: str | int | None, lead: str | int | None, requirements: str, budget: Decimal
) -> Generated:
    """Have the architect write a proposal; the budget is in major units of the workspace's currency.

    Without a lead it is the client's latest one that has no contract yet, if there is one.
    """
    whose, opportunity = await _whose(unit.tx, client, lead)
    brief, parties = await _brief(unit.tx, whose, requirements, budget)
    async with unit.outside():
        draft = await _written(brief)
    tx = unit.tx
    lead_id = opportunity.id if opportunity else None
    if lead_id is not None:
        await crm.locked_lead(tx, lead_id)
    proposal = await proposals.write_proposal(
        tx, client_id=whose.id, lead_id=lead_id, brief=brief, draft=draft, parties=parties
    )
    if lead_id is not None:
        await leads.advance_lead(
            tx, reference=lead_id, stage=Stage.PROPOSAL, why=f"Proposal {proposal.name} was written."
        )
        await leads.set_value(tx, reference=lead_id, value_estimate_minor=proposal.total_minor)
    return Generated(proposal, projects.plan(sold(proposal), tx=tx))


async def accept_proposal(tx: Tx, *, token: str, name: str) -> Won:
    """The client says yes by the link: contract, project and milestones exist with it, or nothing does."""
    offered = await offer(tx, token)
    if offered.lead_id is not None:
        await crm.locked_lead(tx, offered.lead_id)
    answered = await proposals.accept_proposal(tx, proposal_id=offered.id, name=name)
    if not answered.now:
        return await _won_before(tx, answered.proposal)
    accepted = answered.proposal
    contract = await contracts.make_contract(tx, proposal=accepted)
    project = await projects.open_project(tx, sold=sold(accepted))
    if accepted.lead_id is not None:
        await leads.advance_lead(
            tx, reference=accepted.lead_id, stage=Stage.CONTRACT, why=f"Proposal {accepted.name} was accepted."
        )
    return Won(accepted, contract, project, now=True)


async def decline_proposal(tx: Tx, *, token: str, reason: str | None) -> Proposal:
    """The client says no by the link."""
    offered = await offer(tx, token)
    return (await proposals.decline_proposal(tx, proposal_id=offered.id, reason=reason)).proposal


async def sign_contract(tx: Tx, *, token: str, name: str) -> Contract:
    """The client signs by the link, and work begins. Refused when the project was cancelled meanwhile."""
    agreed = await agreement(tx, token)
    project = await delivery.project_of(tx, agreed.proposal_id)
    if project is None or project.status == "cancelled":
        raise WrongState("The project of this contract was cancelled.", current="cancelled")
    contract, now = await contracts.sign_contract(tx, contract_id=agreed.id, name=name)
    if now:
        await projects.begin_project(tx, project_id=project.id, contract_signed=True)
    return contract


async def offer(tx: Tx, token: str) -> Proposal:
    """The proposal of a client's link; from here on the client acts. Over for a version that was replaced."""
    link = await links.find(tx, token, kind=proposals.LINK)
    proposal = await offers.proposal(tx, link.subject)
    proposals.check_readable(proposal)
    tx.principal = Principal("client", proposal.client_id, proposal.parties["client"])
    return proposal


async def agreement(tx: Tx, token: str) -> Contract:
    """The contract of a client's link; from here on the client acts."""
    link = await links.find(tx, token, kind=contracts.LINK)
    contract = await offers.contract(tx, link.subject)
    tx.principal = Principal("client", contract.client_id, contract.parties["client"])
    return contract


def sold(proposal: Proposal) -> Sold:
    """What delivery keeps of a proposal."""
    return Sold(
        client_id=proposal.client_id,
        lead_id=proposal.lead_id,
        proposal_id=proposal.id,
        title=proposal.title,
        kind=proposal.kind,
        description=proposal.summary,
        scope="\n".join(
            "\n".join([f"{one['number']}. {one['title']}", *(f"   - {point}" for point in one["includes"])])
            for one in proposal.deliverables
        ),
        deliverables=proposal.deliverables,
        payments=proposal.payments,
        weeks=proposal.weeks,
        hours_per_week=proposal.hours_per_week,
        currency=proposal.currency,
        budget_minor=proposal.total_minor,
        parties=proposal.parties,
    )


async def _won_before(tx: Tx, accepted: Proposal) -> Won:
    contract = await offers.contract_of(tx, accepted.id)
    project = await delivery.project_of(tx, accepted.id)
    if contract is None or project is None:
        raise LookupError(f"{accepted.id} was accepted without a contract and a project")
    return Won(accepted, contract, project, now=False)


async def _whose(tx: Tx, client: str | int | None, lead: str | int | None) -> tuple[Client, Lead | None]:
    """The client and the lead that are meant. Invalid when the lead is another client's."""
    if lead is None:
        if client is None:
            raise Invalid("Name the client or the lead.")
        known = await crm.client(tx, client)
        theirs = await crm.leads(
            tx, LeadFilter(client_id=known.id), sort="-created_at", after=None, limit=LEADS_LOOKED_AT
        )
        return known, next((one for one in theirs if one.stage in BEFORE_CONTRACT), None)
    opportunity = await crm.lead(tx, lead)
    owner = await crm.client(tx, opportunity.client_id)
    if client is not None and (await crm.client(tx, client)).id != owner.id:
        raise Invalid("The lead is another client's.")
    return owner, opportunity


async def _brief(tx: Tx, client: Client, requirements: str, budget: Decimal) -> tuple[ProposalBrief, Parties]:
    """What the architect is told: the client's wish, the rate card, the workspace's words, past projects."""
    issuer = await invoicing.issuer(tx)
    words = await TEMPLATES.read(tx)
    rates = await RATE_CARD.read(tx)
    brief = ProposalBrief(
        requirements=requirements,
        client=port.Client(client.name, client.company or "", client.industry or ""),
        business=port.Business(issuer.name, words.signer, issuer.email or "", words.tax_note),
        rate_card=rates.card(tx.workspace.currency),
        today=tx.now.date(),
        budget_minor=to_minor(budget, tx.workspace.currency),
        max_discount_percent=rates.max_discount_percent,
        valid_days=rates.valid_days,
        payment_shares=tuple(rates.payment_shares),
        templates=tuple(one.template() for one in words.templates),
        past_projects=await _past_projects(tx),
    )
    parties = Parties(
        business=issuer.name,
        client=client.name,
        signer=words.signer,
        business_email=issuer.email or "",
        business_address=issuer.address or "",
        business_tax_id=issuer.tax_id or "",
        client_company=client.company or "",
        client_email=client.email or "",
        client_address=client.address or "",
        client_tax_id=client.tax_id or "",
        client_industry=client.industry or "",
    )
    return brief, parties


async def _past_projects(tx: Tx) -> tuple[port.PastProject, ...]:
    hours: dict[str, dict[port.WorkKind, int]] = defaultdict(dict)
    rows = await delivery.finished_work(tx, limit=PAST_PROJECTS)
    for row in rows:
        hours[row.project_id][port.WorkKind(row.work_kind)] = row.hours
    first = {row.project_id: row for row in reversed(rows)}
    return tuple(
        port.PastProject(row.title, port.WorkKind(row.kind), hours[project_id], row.weeks)
        for project_id, row in sorted(first.items())
    )


async def _written(brief: ProposalBrief) -> port.ProposalDraft:
    try:
        return await port.architect().propose(brief)
    except ValueError as refusal:
        raise Invalid(f"No proposal can be made of this: {refusal}.", type="cannot-propose") from refusal
