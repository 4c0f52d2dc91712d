"""What happened to proposals and contracts."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class ProposalFact(Fact):
    """What every fact about a proposal says."""

    topic: ClassVar[str] = "proposal"
    proposal_id: str
    client_id: str
    lead_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ProposalWritten(ProposalFact):
    """There is a draft."""


@dataclass(frozen=True, slots=True)
class ProposalRevised(ProposalFact):
    """There is a draft that a person made from an earlier version of the offer."""

    revises: str


@dataclass(frozen=True, slots=True)
class ProposalSent(ProposalFact):
    """The client may answer it by the link."""


@dataclass(frozen=True, slots=True)
class ProposalAccepted(ProposalFact):
    """The client said yes."""


@dataclass(frozen=True, slots=True)
class ProposalDeclined(ProposalFact):
    """The client said no."""


@dataclass(frozen=True, slots=True)
class ProposalExpired(ProposalFact):
    """The client did not answer in time."""


@dataclass(frozen=True, slots=True)
class ProposalSuperseded(ProposalFact):
    """A newer version of the offer took its place."""


@dataclass(frozen=True, slots=True)
class ContractFact(Fact):
    """What every fact about a contract says."""

    topic: ClassVar[str] = "contract"
    contract_id: str
    proposal_id: str
    client_id: str
    lead_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ContractMade(ContractFact):
    """A contract waits for the client's signature."""


@dataclass(frozen=True, slots=True)
class ContractSigned(ContractFact):
    """The client signed."""
