"""Winning work over the wire."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from grace.domains.crm.schemas.clients import ClientReference
from grace.domains.delivery.rules.milestones import MilestonePlan
from grace.domains.proposals.schemas import OfferOut, ProposalOut, SignedName, contract_url
from grace.flows.win_work.service import Won
from grace.kit.money import Amount, to_major
from grace.kit.web import TEXT_LENGTH, Answer, Body


class GenerateProposal(Body):
    """What the client wants and would spend, in major units of the workspace's currency.

    `client_id` may be left out where `lead_id` says whose lead it is.
    """

    client_id: ClientReference | None = None
    lead_id: ClientReference | None = None
    requirements: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LENGTH)]
    budget: Amount


class PlannedMilestoneOut(Answer):
    """A part of the work with its dates; the weights of a plan sum to 100."""

    number: int
    title: str
    starts_on: date
    due_on: date
    weight_percent: int


class PlannedPaymentOut(Answer):
    """A part of the price. `after_milestone` is null for the part due at the start."""

    due_on: date
    share_percent: int
    amount: Amount
    after_milestone: int | None


class ProjectPlan(Answer):
    """What the project looks like if it begins today; `project_id` is null until the proposal is accepted."""

    project_id: str | None
    milestones: list[PlannedMilestoneOut]
    payments: list[PlannedPaymentOut]
    ends_on: date

    @classmethod
    def of(cls, plan: MilestonePlan, currency: str) -> "ProjectPlan":
        """A preview."""
        return cls(
            project_id=None,
            milestones=[
                PlannedMilestoneOut(**{name: getattr(one, name) for name in PlannedMilestoneOut.model_fields})
                for one in plan.milestones
            ],
            payments=[
                PlannedPaymentOut(
                    due_on=part.due_on,
                    share_percent=part.share_percent,
                    amount=to_major(part.amount_minor, currency),
                    after_milestone=part.after_milestone,
                )
                for part in plan.payments
            ],
            ends_on=plan.ends_on,
        )


class GeneratedProposal(Answer):
    """A draft, and the plan of its project."""

    proposal_id: str
    proposal: ProposalOut
    project_plan: ProjectPlan


class AcceptIn(Body):
    """Who accepts."""

    name: SignedName


class DeclineIn(Body):
    """Why not, if the client says so."""

    reason: Annotated[str, StringConstraints(max_length=2000)] | None = None


class SignIn(Body):
    """Who signs."""

    name: SignedName


class ProposalAnswered(OfferOut):
    """The proposal after the client's answer; once accepted, with the contract to sign and the project."""

    contract_url: str | None = None
    contract_number: str | None = None
    project_id: str | None = None

    @classmethod
    def won(cls, won: Won, token: str, contract_token: str | None) -> "ProposalAnswered":
        """After a yes."""
        return cls(
            **OfferOut.of(won.proposal, token).model_dump(),
            contract_url=contract_url(contract_token) if contract_token else None,
            contract_number=won.contract.contract_number,
            project_id=won.project.id,
        )
