"""What an architect is asked and what it answers. Plain data; every amount is in minor units of `currency`.

A back end receives facts and gives back text and structure. It may not invent facts about the client or the
business: what is not in the brief is asked as a question or stated as an assumption.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol


class WorkKind(StrEnum):
    """The sort of work that a deliverable is.

    It decides hours, acceptance criteria and the steps of delivery.
    """

    DISCOVERY = "discovery"
    DESIGN = "design"
    WEBSITE = "website"
    SHOP = "shop"
    APP = "app"
    API = "api"
    INTEGRATION = "integration"
    AUTOMATION = "automation"
    DATA = "data"
    AI = "ai"
    INFRASTRUCTURE = "infrastructure"
    SECURITY = "security"
    CONTENT = "content"
    MARKETING = "marketing"
    CUSTOM = "custom"
    TRAINING = "training"
    LAUNCH = "launch"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Business:
    """Who makes the offer. `signer` signs the letter.

    `tax_note` is the sentence about tax under the price.
    """

    name: str
    signer: str = ""
    email: str = ""
    tax_note: str = "Prices are net; tax is added where the law asks for it."


@dataclass(frozen=True, slots=True)
class Client:
    """Whom the offer is for; empty where not known."""

    name: str
    company: str = ""
    industry: str = ""


@dataclass(frozen=True, slots=True)
class RateCard:
    """Price of an hour, with exceptions per kind of work, and how many hours a week go into one project."""

    currency: str
    hourly_rate_minor: int
    rates_minor: Mapping[WorkKind, int] = field(default_factory=dict)
    hours_per_week: int = 30

    def rate_minor(self, kind: WorkKind) -> int:
        """The price of an hour of this kind of work."""
        return self.rates_minor.get(kind, self.hourly_rate_minor)


@dataclass(frozen=True, slots=True)
class PastProject:
    """A finished project. Its hours steer estimates.

    It is named in the text only when `may_mention` is set.
    """

    title: str
    kind: WorkKind
    hours: Mapping[WorkKind, int] = field(default_factory=dict)
    weeks: int = 0
    result: str = ""
    may_mention: bool = False


@dataclass(frozen=True, slots=True)
class ProposalTemplate:
    """The workspace's own words for one kind of project, as Markdown.

    `$client`, `$business`, `$project` and `$weeks` are filled in.
    An empty part keeps the shipped words. `assumptions` and `exclusions` come in addition to the usual
    ones.
    """

    kind: WorkKind
    opening: str = ""
    approach: str = ""
    closing: str = ""
    assumptions: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalBrief:
    """All that a proposal is made from. `budget_minor` None means that the client named none."""

    requirements: str
    client: Client
    business: Business
    rate_card: RateCard
    today: date
    budget_minor: int | None = None
    max_discount_percent: int = 10
    valid_days: int = 30
    payment_shares: tuple[int, ...] = ()
    templates: tuple[ProposalTemplate, ...] = ()
    past_projects: tuple[PastProject, ...] = ()


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One thing that is delivered.

    `price_minor` is after the discount, `list_price_minor` = rate x hours before it.
    """

    number: int
    kind: WorkKind
    title: str
    description: str
    includes: tuple[str, ...]
    acceptance: tuple[str, ...]
    hours: int
    weeks: int
    rate_minor: int
    list_price_minor: int
    price_minor: int
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the timeline; weeks count from 1 and include both ends."""

    title: str
    from_week: int
    to_week: int
    deliverables: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """How long it takes, from the start of the work."""

    weeks: int
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """One part of the price, when it is due, and its share in percent of the whole."""

    due: str
    share_percent: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Pricing:
    """The price. `subtotal_minor - discount_minor = total_minor` = the sum of the deliverables' prices.

    `over_budget_minor` is what the total still exceeds the budget by; 0 when it fits or no budget was named.
    """

    currency: str
    hourly_rate_minor: int
    hours: int
    subtotal_minor: int
    discount_minor: int
    total_minor: int
    budget_minor: int | None
    over_budget_minor: int
    payments: tuple[PaymentPart, ...]


@dataclass(frozen=True, slots=True)
class ProposalDraft:
    """A proposal ready to be scanned.

    `text` is Markdown and agrees with the rest; `left_out` is optional scope that did not fit the budget.
    """

    title: str
    kind: WorkKind
    summary: str
    deliverables: tuple[Deliverable, ...]
    left_out: tuple[Deliverable, ...]
    timeline: Timeline
    pricing: Pricing
    assumptions: tuple[str, ...]
    exclusions: tuple[str, ...]
    questions: tuple[str, ...]
    valid_until: date
    text: str
    written_by: str


@dataclass(frozen=True, slots=True)
class BuildItem:
    """One deliverable that is to be built."""

    title: str
    kind: WorkKind = WorkKind.CUSTOM
    description: str = ""
    includes: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    hours: int = 0


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """What is to be delivered.

    The project, its deliverables, and the caller's own words in `instructions`.
    """

    project: str
    client: Client
    business: Business
    today: date
    items: tuple[BuildItem, ...]
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file of a delivery; `sha256` is the hexadecimal digest of `content`."""

    path: str
    media_type: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What was built: a sentence for people, the files, and what a person still has to do."""

    summary: str
    artefacts: tuple[Artefact, ...]
    remaining: tuple[str, ...]
    built_by: str


class Architect(Protocol):
    """A back end. Both calls may take long; they are made outside of any transaction."""

    @property
    def name(self) -> str:
        """Which back end, with its version: `builtin-1`."""
        ...

    async def propose(self, brief: ProposalBrief) -> ProposalDraft:
        """Write a proposal. Raises ValueError when the brief cannot be worked with, and says why."""
        ...

    async def revise(self, brief: ProposalBrief, draft: ProposalDraft) -> ProposalDraft:
        """Write a proposal anew for a scope and a price that a person has set.

        Title, deliverables with hours, rates and prices, and the sums of `draft` stand; timeline, payments and
        text follow them. An empty description or list of criteria is filled in.
        """
        ...

    async def build(self, spec: BuildSpec) -> DeliveryResult:
        """Build the delivery. Raises ValueError when there is nothing to build."""
        ...


_bound: list[Architect] = []


def bind(architect: Architect) -> None:
    """Make a back end the one that is used. For wiring."""
    _bound[:] = [architect]


def architect() -> Architect:
    """The back end that wiring has bound."""
    if not _bound:
        raise LookupError("no architect is bound")
    return _bound[0]
