"""The governed action of proposals: sending one to its client."""

from collections.abc import Mapping
from dataclasses import dataclass

from grace.domains.proposals import queries
from grace.domains.proposals.models import Proposal
from grace.domains.proposals.service import proposals
from grace.kit.tx import Tx
from grace.trust.governance.registry import action


async def _send(tx: Tx, asked: "SendProposal") -> Proposal:
    return await proposals.send_proposal(tx, proposal_id=asked.proposal_id)


async def _scanned(tx: Tx, asked: "SendProposal") -> Mapping[str, object]:
    """The worst finding; and nobody is asked to vote on what could not be sent."""
    proposal = await queries.proposal(tx, asked.proposal_id)
    proposals.check_sendable(tx, proposal)
    severity = proposal.scan["severity"]
    return {"scan_severity": "none" if severity in (None, "info") else severity}


async def _read_by_the_voter(tx: Tx, asked: "SendProposal") -> Mapping[str, object]:
    proposal = await queries.proposal(tx, asked.proposal_id)
    return {"status": proposal.status, "sha256": proposal.sha256, "total_minor": proposal.total_minor}


@action(
    name="send_proposal",
    effect="message",
    executor=_send,
    context=_scanned,
    state=_read_by_the_voter,
    context_types={"scan_severity": str},
)
@dataclass(frozen=True, slots=True)
class SendProposal:
    """Give a proposal to its client, to be answered by a link."""

    proposal_id: str
