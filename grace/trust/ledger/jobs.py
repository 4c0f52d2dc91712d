"""Due work: holds whose time is over."""

from grace.kit.due import due
from grace.kit.tx import Tx
from grace.trust.ledger import service


@due("select min(expires_at) from ledger_hold where state = 'pending'")
async def expire_holds(tx: Tx) -> None:
    """Free them."""
    await service.expire_due(tx)
