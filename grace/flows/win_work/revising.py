"""Revising an offer: a person changes scope, hours, rates or discount, and the architect writes it anew."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from grace.domains.crm import queries as crm
from grace.domains.crm.service import leads
from grace.domains.proposals.models import Parties, Proposal
from grace.domains.proposals.rules.revision import Revision, read_deliverable, revise_scope
from grace.domains.proposals.schemas import RATE_CARD, TEMPLATES
from grace.domains.proposals.service import proposals
from grace.kit.errors import Invalid
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.providers.architect import port
from grace.providers.architect.port import Deliverable, ProposalBrief, ProposalDraft
from grace.providers.architect.pricing import Fit

LONGEST_VALID = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Price:
    """What a revision comes to, before anything is stored."""

    deliverables: tuple[Deliverable, ...]
    fit: Fit
    hours: int
    weeks: int


async def revise_proposal(unit: Unit, *, proposal: Proposal, revision: Revision) -> Proposal:
    """The next version of an offer, as a draft; the lead, if there is one, gets its value.

    Refuses as `proposals.revise_proposal`; Invalid for a scope, a price or a day that cannot be.
    """
    proposals.check_revisable(proposal, revision.version)
    asked = price(proposal, revision)
    brief = await _brief(unit.tx, proposal, revision)
    async with unit.outside():
        draft = await port.architect().revise(brief, _draft(proposal, revision, asked))
    tx = unit.tx
    if proposal.lead_id is not None:
        await crm.locked_lead(tx, proposal.lead_id)
    made = await proposals.revise_proposal(
        tx, proposal_id=proposal.id, version=revision.version, brief=brief, draft=draft
    )
    if made.lead_id is not None:
        await leads.set_value(tx, reference=made.lead_id, value_estimate_minor=made.total_minor)
    return made


def price(proposal: Proposal, revision: Revision) -> Price:
    """What the revision comes to; Invalid for one that cannot be."""
    try:
        kept, fit = revise_scope(
            [read_deliverable(one) for one in proposal.deliverables],
            [read_deliverable(one) for one in proposal.left_out],
            revision,
            hourly_rate_minor=proposal.hourly_rate_minor,
            budget_minor=proposal.budget_minor,
        )
    except ValueError as refusal:
        raise Invalid(f"The proposal cannot be like this: {refusal}.", type="cannot-propose") from refusal
    hours = sum(one.hours for one in kept)
    return Price(kept, fit, hours, max(1, ceil(hours / proposal.hours_per_week)))


async def _brief(tx: Tx, proposal: Proposal, revision: Revision) -> ProposalBrief:
    """What the architect is told: the same client and business, today's words, the days that the offer holds."""
    who, words, rates = Parties(**proposal.parties), await TEMPLATES.read(tx), await RATE_CARD.read(tx)
    today = tx.now.date()
    until = revision.valid_until or today + timedelta(days=rates.valid_days)
    if not today <= until <= today + LONGEST_VALID:
        raise Invalid("An offer holds until today at least, and for a year at most.", type="cannot-propose")
    return ProposalBrief(
        requirements=proposal.requirements,
        client=port.Client(who.client, who.client_company, who.client_industry),
        business=port.Business(who.business, who.signer, who.business_email, words.tax_note),
        rate_card=port.RateCard(proposal.currency, proposal.hourly_rate_minor, {}, proposal.hours_per_week),
        today=today,
        budget_minor=proposal.budget_minor,
        valid_days=(until - today).days,
        payment_shares=tuple(rates.payment_shares),
        templates=tuple(one.template() for one in words.templates),
    )


def _draft(proposal: Proposal, revision: Revision, asked: Price) -> ProposalDraft:
    """The offer as the person set it; what the architect has to follow with is as it was."""
    fit = asked.fit
    kept = {one.title.casefold() for one in asked.deliverables}
    return ProposalDraft(
        title=revision.title or proposal.title,
        kind=port.WorkKind(proposal.kind),
        summary=proposal.summary,
        deliverables=asked.deliverables,
        left_out=tuple(one for one in map(read_deliverable, proposal.left_out) if one.title.casefold() not in kept),
        timeline=port.Timeline(asked.weeks, ()),
        pricing=port.Pricing(
            currency=proposal.currency,
            hourly_rate_minor=proposal.hourly_rate_minor,
            hours=asked.hours,
            subtotal_minor=fit.subtotal_minor,
            discount_minor=fit.discount_minor,
            total_minor=fit.total_minor,
            budget_minor=proposal.budget_minor,
            over_budget_minor=fit.over_budget_minor,
            payments=(),
        ),
        assumptions=(),
        exclusions=(),
        questions=(),
        valid_until=proposal.expires_at.date(),
        text="",
        written_by=proposal.written_by,
    )
