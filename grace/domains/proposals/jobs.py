"""What proposals do when their time comes."""

from grace.domains.proposals.service import proposals
from grace.kit.due import due
from grace.kit.tx import Tx


@due("select min(expires_at) from proposal where status = 'sent'")
async def expire_proposals(tx: Tx) -> None:
    """End the proposals that nobody answered in time."""
    await proposals.expire_due(tx)
