"""Proposals, contracts and their settings over the wire."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from grace.domains.proposals.models import Contract, Proposal
from grace.domains.proposals.rules.contract import CLAUSES as SHIPPED_CLAUSES
from grace.domains.proposals.rules.contract import CLAUSES_VERSION, Clause
from grace.kit.money import Amount, to_major, to_minor
from grace.kit.settings import settings
from grace.kit.web import Answer, Body
from grace.kit.workspace_settings import setting
from grace.providers.architect import port

Text = Annotated[str, StringConstraints(max_length=5000)]
Line = Annotated[str, StringConstraints(max_length=256)]


def _typed(name: str) -> str:
    if not name.isprintable() or not any(char.isalpha() for char in name):
        raise ValueError("a name has letters, and nothing that cannot be printed")
    return name


SignedName = Annotated[
    str, StringConstraints(min_length=2, max_length=256, strip_whitespace=True), AfterValidator(_typed)
]
"""The name that somebody types to accept or to sign."""


class RateCard(Body):
    """What an hour costs, in major units of the workspace's currency, and how offers are made from it."""

    hourly_rate: Amount = Decimal(120)
    rates: dict[port.WorkKind, Amount] = Field(default_factory=dict)
    hours_per_week: Annotated[int, Field(ge=1, le=168)] = 30
    max_discount_percent: Annotated[int, Field(ge=0, le=100)] = 10
    valid_days: Annotated[int, Field(ge=1, le=365)] = 30
    payment_shares: Annotated[list[Annotated[int, Field(gt=0, le=100)]], Field(max_length=12)] = Field(
        default_factory=list, description="Whole percents that sum to 100; empty: by the length of the project."
    )

    @model_validator(mode="after")
    def _check(self) -> "RateCard":
        if self.payment_shares and sum(self.payment_shares) != 100:
            raise ValueError("the payment shares do not sum to 100")
        if min([self.hourly_rate, *self.rates.values()]) <= 0:
            raise ValueError("an hour costs more than nothing")
        return self

    def card(self, currency: str) -> port.RateCard:
        """For the architect; InvalidMoney for a rate that the currency cannot express."""
        rates = {kind: to_minor(rate, currency) for kind, rate in self.rates.items()}
        return port.RateCard(currency, to_minor(self.hourly_rate, currency), rates, self.hours_per_week)


class Template(Body):
    """The workspace's own words for one kind of project; see the architect's port for the blanks."""

    kind: port.WorkKind
    opening: Text = ""
    approach: Text = ""
    closing: Text = ""
    assumptions: Annotated[list[Line], Field(max_length=20)] = Field(default_factory=list)
    exclusions: Annotated[list[Line], Field(max_length=20)] = Field(default_factory=list)

    def template(self) -> port.ProposalTemplate:
        """For the architect."""
        words = self.model_dump() | {"assumptions": tuple(self.assumptions), "exclusions": tuple(self.exclusions)}
        return port.ProposalTemplate(**words)


class Templates(Body):
    """How proposals are written: who signs them, what is said of tax, and words for kinds of projects."""

    signer: Line = ""
    tax_note: Annotated[str, StringConstraints(max_length=500)] = port.Business("").tax_note
    templates: Annotated[list[Template], Field(max_length=50)] = Field(default_factory=list)


class ClauseIn(Body):
    """One clause as Markdown; see `rules/contract` for its blanks."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class Clauses(Body):
    """What contracts say besides the scope. Without clauses of its own, a workspace has the shipped ones."""

    law: Line = ""
    payment_days: Annotated[int, Field(ge=0, le=365)] = 14
    clauses: Annotated[list[ClauseIn], Field(max_length=100)] = Field(default_factory=list)

    def texts(self) -> tuple[Clause, ...]:
        """The clauses in use."""
        return tuple(Clause(one.title, one.text) for one in self.clauses) or SHIPPED_CLAUSES

    def name(self) -> str:
        """Which clauses these are: the shipped version, or a fingerprint of one's own."""
        if not self.clauses:
            return CLAUSES_VERSION
        said = "\0".join(f"{one.title}\0{one.text}" for one in self.clauses)
        return f"own-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


RATE_CARD = setting("rate_card", RateCard)
TEMPLATES = setting("templates", Templates)
CLAUSES = setting("clauses", Clauses)


class DeliverableOut(Answer):
    """One thing that is offered; `price` after the discount, `list_price` before it."""

    number: int
    title: str
    kind: str
    description: str
    includes: list[str]
    acceptance: list[str]
    hours: int
    weeks: int
    hourly_rate: Amount
    list_price: Amount
    price: Amount
    optional: bool

    @classmethod
    def of(cls, stored: Mapping[str, Any], currency: str) -> "DeliverableOut":
        """From the row's JSON."""
        same = {name: stored[name] for name in cls.model_fields if name in stored}
        return cls(
            **same,
            hourly_rate=to_major(stored["rate_minor"], currency),
            list_price=to_major(stored["list_price_minor"], currency),
            price=to_major(stored["price_minor"], currency),
        )


class PhaseOut(Answer):
    """A stretch of the timeline; weeks count from 1 and include both ends."""

    title: str
    from_week: int
    to_week: int
    deliverables: list[int]


class TimelineOut(Answer):
    """How long it takes from the start of the work."""

    weeks: int
    hours_per_week: int
    phases: list[PhaseOut]


class PaymentPartOut(Answer):
    """One part of the price and when it is due."""

    due: str
    share_percent: int
    amount: Amount


class PricingOut(Answer):
    """The price: `subtotal` less `discount` is `total`."""

    currency: str
    hourly_rate: Amount
    hours: int
    subtotal: Amount
    discount: Amount
    total: Amount
    budget: Amount | None
    over_budget: Amount
    payments: list[PaymentPartOut]

    @classmethod
    def of(cls, proposal: Proposal) -> "PricingOut":
        """From the row."""
        code = proposal.currency
        return cls(
            currency=code,
            hourly_rate=to_major(proposal.hourly_rate_minor, code),
            hours=proposal.hours,
            subtotal=to_major(proposal.subtotal_minor, code),
            discount=to_major(proposal.discount_minor, code),
            total=to_major(proposal.total_minor, code),
            budget=None if proposal.budget_minor is None else to_major(proposal.budget_minor, code),
            over_budget=to_major(proposal.over_budget_minor, code),
            payments=[
                PaymentPartOut(
                    due=part["due"], share_percent=part["share_percent"], amount=to_major(part["amount_minor"], code)
                )
                for part in proposal.payments
            ],
        )


class OfferOut(Answer):
    """What a client sees of a proposal. `valid_until` is the last day on which it can be accepted."""

    number: int
    revision: int
    status: str
    title: str
    business: str
    client: str
    text: str
    deliverables: list[DeliverableOut]
    timeline: TimelineOut
    pricing: PricingOut
    valid_until: date
    accepted_at: datetime | None
    declined_at: datetime | None
    pdf_url: str | None

    @classmethod
    def of(cls, proposal: Proposal, token: str | None) -> "OfferOut":
        """From the row, and the token of the client's link."""
        return cls(**_offer(proposal, token))


class ProposalOut(OfferOut):
    """A proposal as the business sees it. `client_url` is the link for the client, once it is sent."""

    id: str
    client_id: str
    lead_id: str | None
    kind: str
    summary: str
    requirements: str
    left_out: list[DeliverableOut]
    assumptions: list[str]
    exclusions: list[str]
    questions: list[str]
    scan: dict[str, Any]
    sha256: str
    written_by: str
    sent_at: datetime | None
    sent_by: str | None
    accepted_by: str | None
    decline_reason: str | None
    client_url: str | None
    created_at: datetime
    updated_at: datetime | None
    version: int

    @classmethod
    def of(cls, proposal: Proposal, token: str | None) -> "ProposalOut":
        """From the row, and the token of the client's link."""
        offer = _offer(proposal, token)
        names = cls.model_fields.keys() - offer.keys() - {"left_out", "client_url"}
        return cls(
            **offer,
            left_out=[DeliverableOut.of(one, proposal.currency) for one in proposal.left_out],
            client_url=proposal_url(token) if token else None,
            **{name: getattr(proposal, name) for name in names},
        )


class ProposalList(Answer):
    """A page of proposals."""

    items: list[ProposalOut]
    next_cursor: str | None


class ContractOut(Answer):
    """A contract. `client_url` is the link to sign it; `sha256` is of `text`, which is what is signed."""

    id: str
    number: int
    contract_number: str
    proposal_id: str
    client_id: str
    lead_id: str | None
    revision: int
    status: str
    title: str
    text: str
    clauses_version: str
    sha256: str
    total: Amount
    currency: str
    signed_at: datetime | None
    signed_by: str | None
    client_url: str | None
    created_at: datetime
    updated_at: datetime | None
    version: int

    @classmethod
    def of(cls, contract: Contract, token: str | None) -> "ContractOut":
        """From the row, and the token of the client's link."""
        return cls(
            text=contract.content,
            total=to_major(contract.total_minor, contract.currency),
            client_url=contract_url(token) if token else None,
            **{name: getattr(contract, name) for name in cls.model_fields if hasattr(contract, name)},
        )


class ContractList(Answer):
    """A page of contracts."""

    items: list[ContractOut]
    next_cursor: str | None


class Agreement(Answer):
    """What a client sees of a contract."""

    contract_number: str
    status: str
    title: str
    business: str
    client: str
    text: str
    sha256: str
    total: Amount
    currency: str
    signed_at: datetime | None
    signed_by: str | None
    pdf_url: str

    @classmethod
    def of(cls, contract: Contract, token: str) -> "Agreement":
        """From the row, and the token of the client's link."""
        return cls(
            text=contract.content,
            total=to_major(contract.total_minor, contract.currency),
            business=contract.parties["business"],
            client=contract.parties["client_company"] or contract.parties["client"],
            pdf_url=f"{contract_url(token)}/contract.pdf",
            **{name: getattr(contract, name) for name in cls.model_fields if hasattr(contract, name)},
        )


def proposal_url(token: str) -> str:
    """Where the client answers a proposal."""
    return f"{settings().url.rstrip('/')}/proposal/{token}"


def contract_url(token: str) -> str:
    """Where the client signs a contract."""
    return f"{settings().url.rstrip('/')}/contract/{token}"


def _offer(proposal: Proposal, token: str | None) -> dict[str, Any]:
    code = proposal.currency
    return {
        "number": proposal.number,
        "revision": proposal.revision,
        "status": proposal.status,
        "title": proposal.title,
        "business": proposal.parties["business"],
        "client": proposal.parties["client_company"] or proposal.parties["client"],
        "text": proposal.content,
        "deliverables": [DeliverableOut.of(one, code) for one in proposal.deliverables],
        "timeline": TimelineOut(
            weeks=proposal.weeks,
            hours_per_week=proposal.hours_per_week,
            phases=[PhaseOut(**phase) for phase in proposal.phases],
        ),
        "pricing": PricingOut.of(proposal),
        "valid_until": (proposal.expires_at - timedelta(days=1)).date(),
        "accepted_at": proposal.accepted_at,
        "declined_at": proposal.declined_at,
        "pdf_url": f"{proposal_url(token)}/proposal.pdf" if token else None,
    }
