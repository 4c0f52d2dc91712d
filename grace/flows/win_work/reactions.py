"""What is noted with the client and the lead while a proposal goes its way."""

from grace.domains.crm.service import leads
from grace.domains.proposals import queries as offers
from grace.domains.proposals.facts import (
    ContractFact,
    ContractSigned,
    ProposalAccepted,
    ProposalDeclined,
    ProposalExpired,
    ProposalFact,
    ProposalRevised,
    ProposalSent,
    ProposalWritten,
)
from grace.kit.display import format_money
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx


@reacts_to(ProposalWritten)
async def note_written(tx: Tx, fact: ProposalWritten) -> None:
    """The architect wrote it."""
    proposal = await offers.proposal(tx, fact.proposal_id)
    price = format_money(proposal.total_minor, proposal.currency)
    await _note(tx, fact, "proposal", f"Proposal {proposal.name} was written: {proposal.title}, {price}.", written=True)


@reacts_to(ProposalRevised)
async def note_revised(tx: Tx, fact: ProposalRevised) -> None:
    """A person changed it."""
    proposal = await offers.proposal(tx, fact.proposal_id)
    price = format_money(proposal.total_minor, proposal.currency)
    await _note(tx, fact, "proposal", f"Proposal {proposal.name} was revised: {proposal.title}, {price}.")


@reacts_to(ProposalSent)
async def note_sent(tx: Tx, fact: ProposalSent) -> None:
    """The client can answer it."""
    await _note(tx, fact, "proposal", "The proposal was sent.")


@reacts_to(ProposalAccepted)
async def note_accepted(tx: Tx, fact: ProposalAccepted) -> None:
    """The client said yes."""
    proposal = await offers.proposal(tx, fact.proposal_id)
    await _note(tx, fact, "proposal", f"{proposal.accepted_by} accepted proposal {proposal.name}.")


@reacts_to(ProposalDeclined)
async def note_declined(tx: Tx, fact: ProposalDeclined) -> None:
    """The client said no; what becomes of the lead is for a person to say."""
    proposal = await offers.proposal(tx, fact.proposal_id)
    why = f": {proposal.decline_reason}" if proposal.decline_reason else "."
    await _note(tx, fact, "proposal", f"The client declined proposal {proposal.name}{why}")


@reacts_to(ProposalExpired)
async def note_expired(tx: Tx, fact: ProposalExpired) -> None:
    """Nobody answered."""
    await _note(tx, fact, "proposal", "The proposal expired without an answer.")


@reacts_to(ContractSigned)
async def note_signed(tx: Tx, fact: ContractSigned) -> None:
    """The client signed."""
    contract = await offers.contract(tx, fact.contract_id)
    await _note(tx, fact, "contract", f"{contract.signed_by} signed contract {contract.contract_number}.")


async def _note(tx: Tx, fact: ProposalFact | ContractFact, kind: str, content: str, *, written: bool = False) -> None:
    await leads.note_interaction(
        tx,
        client_id=fact.client_id,
        lead_id=fact.lead_id,
        interaction_type=kind,
        channel="grace",
        content=content,
        automated=True,
        grace_generated=written,
    )
