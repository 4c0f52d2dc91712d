"""What governance does when its time comes."""

from grace.kit.due import due
from grace.kit.tx import Tx
from grace.trust.governance.service import vote


@due("select min(expires_at) from decision where status = 'awaiting_approval'")
async def expire_decisions(tx: Tx) -> None:
    """End the decisions that nobody made in time."""
    await vote.expire_due(tx)
