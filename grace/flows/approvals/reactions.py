"""Approvals, in sentences: what was decided about a proposal or a project is noted with its client and lead.

Votes and grants themselves, and their doors, are `trust/governance`: the last vote that a held action needs runs
it in the voter's own transaction.
"""

from dataclasses import dataclass

from grace.domains.crm.service import leads
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.actions import DeliverProject
from grace.domains.proposals import queries as offers
from grace.domains.proposals.actions import SendProposal
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx
from grace.trust.governance import queries as governance
from grace.trust.governance.facts import (
    ActionDenied,
    ActionExpired,
    ActionGranted,
    ActionHeld,
    ActionRejected,
    ActionStale,
    DecisionFact,
)
from grace.trust.governance.registry import kind_of


@dataclass(frozen=True, slots=True)
class _About:
    """What a decision is about, in words, and whose it is."""

    what: str
    client_id: str
    lead_id: str | None
    project_id: str | None


@reacts_to(ActionHeld)
async def note_held(tx: Tx, fact: ActionHeld) -> None:
    """It waits for votes."""
    await _note(tx, fact, f"waits for a vote of {' or '.join(fact.groups)}")


@reacts_to(ActionGranted)
async def note_granted(tx: Tx, fact: ActionGranted) -> None:
    """People approved it, and it ran."""
    await _note(tx, fact, "was approved", approved=True)


@reacts_to(ActionRejected)
async def note_rejected(tx: Tx, fact: ActionRejected) -> None:
    """The voters said no."""
    await _note(tx, fact, "was rejected by vote")


@reacts_to(ActionDenied)
async def note_denied(tx: Tx, fact: ActionDenied) -> None:
    """The policy said no."""
    await _note(tx, fact, "was denied by policy")


@reacts_to(ActionExpired)
async def note_expired(tx: Tx, fact: ActionExpired) -> None:
    """Nobody decided in time."""
    await _note(tx, fact, "was not decided in time")


@reacts_to(ActionStale)
async def note_stale(tx: Tx, fact: ActionStale) -> None:
    """Things changed while it waited."""
    await _note(tx, fact, "has to be asked for anew, because things have changed")


async def _note(tx: Tx, fact: DecisionFact, became: str, *, approved: bool = False) -> None:
    about = await _about(tx, fact)
    if about is None:
        return
    await leads.note_interaction(
        tx,
        client_id=about.client_id,
        lead_id=about.lead_id,
        project_id=about.project_id,
        interaction_type="approval",
        channel="grace",
        content=f"{about.what} {became}.",
        automated=True,
        human_approved=approved,
        metadata={"decision_id": fact.decision_id},
    )


async def _about(tx: Tx, fact: DecisionFact) -> _About | None:
    decision = await governance.decision(tx, fact.decision_id)
    if fact.action == kind_of(SendProposal("")).name:
        proposal = await offers.proposal(tx, decision.arguments["proposal_id"])
        return _About(f"Sending proposal {proposal.name}", proposal.client_id, proposal.lead_id, None)
    if fact.action == kind_of(DeliverProject("", "")).name:
        project = await delivery.project(tx, decision.arguments["project_id"])
        return _About(f"Delivering “{project.title}”", project.client_id, project.lead_id, project.id)
    return None
