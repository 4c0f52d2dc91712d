"""What follows when money came, or two clients turned out to be one."""

from grace.domains.crm import queries as crm
from grace.domains.crm.facts import ClientsMerged, ClientsUnmerged
from grace.domains.payments.facts import PaymentReceived
from grace.flows.collect_cash.service import recompute_lifetime_value
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx


@reacts_to(PaymentReceived)
async def count_payment(tx: Tx, fact: PaymentReceived) -> None:
    """The payer's lifetime value grows."""
    payer = await crm.client(tx, fact.client_id)
    await recompute_lifetime_value(tx, client_id=payer.id)


@reacts_to(ClientsMerged)
async def count_merged(tx: Tx, fact: ClientsMerged) -> None:
    """The winner is worth what both have paid."""
    winner = await crm.client(tx, fact.client_id)
    await recompute_lifetime_value(tx, client_id=winner.id)


@reacts_to(ClientsUnmerged)
async def count_unmerged(tx: Tx, fact: ClientsUnmerged) -> None:
    """Each is worth what it has paid itself."""
    for client_id in (fact.client_id, fact.restored_id):
        standing = await crm.client(tx, client_id)
        await recompute_lifetime_value(tx, client_id=standing.id)
