"""Winning work over the wire."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from grace.domains.crm.schemas.clients import ClientReference
from grace.domains.delivery.rules.milestones import MilestonePlan
from grace.domains.proposals.rules.revision import RevisedLine, Revision
from grace.domains.proposals.schemas import OfferOut, ProposalOut, SignedName, contract_url
from grace.flows.win_work.service import Won
from grace.kit.money import Amount, to_major, to_minor
from grace.kit.web import TEXT_LENGTH, Answer, Body


class GenerateProposal(Body):
    """What the client wants and would spend, in major units of the workspace's currency.

    `client_id` may be left out where `lead_id` says whose lead it is.
    """

    client_id: ClientReference | None = None
    lead_id: ClientReference | None = None
    requirements: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LENGTH)]
    budget: Amount


class LineIn(Body):
    """A deliverable of the revised offer: `number` is the one that it keeps; without it, it is a new one.

    Without a rate it has the one that it had, or the offer's.
    """

    number: Annotated[int, Field(ge=1, le=1000)] | None = None
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    hours: Annotated[int, Field(ge=1, le=10_000)]
    hourly_rate: Amount | None = None


class ReviseProposal(Body):
    """What the offer is to be, in its currency. Deliverables that are not named are dropped; a new one that is
    called like something that was left out brings that in again. `version` is the one that the caller saw."""

    version: Annotated[int, Field(ge=1, lt=2**63)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    deliverables: Annotated[list[LineIn], Field(min_length=1, max_length=50)]
    discount: Amount = Decimal(0)
    valid_until: date | None = None

    def revision(self, currency: str) -> Revision:
        """In minor units."""
        return Revision(
            version=self.version,
            lines=tuple(
                RevisedLine(
                    one.number,
                    one.title,
                    one.hours,
                    None if one.hourly_rate is None else to_minor(one.hourly_rate, currency),
                )
                for one in self.deliverables
            ),
            discount_minor=to_minor(self.discount, currency),
            title=self.title,
            valid_until=self.valid_until,
        )


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
