"""What happens by itself at the card provider: calls taken up again, fees, missed events, the webhook endpoint.

These waits are technical, hence in real time, and never make the test clock stop on its way.
"""

from grace.domains.payments.service import calls, cards, endpoints
from grace.flows.collect_cash import cards as collecting
from grace.kit import json
from grace.kit.due import due
from grace.kit.jobs import defer, job
from grace.kit.reactions import replay_stuck
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.providers.payments import port

BATCH = 200
_DUE = "select min(t.{at} + w.clock_offset) from {table} t cross join workspace w where t.{at} <= clock_timestamp()"
POLL_LEASE_S = 300
EVENT_REACTION = "flows.collect_cash.reactions.believe_event"


@due(_DUE.format(table="provider_call", at="retry_at"))
async def take_up_calls(tx: Tx) -> None:
    """Calls that were ordered or broken off, and those whose outcome is unknown."""
    for work in dict.fromkeys(await calls.due(tx, limit=BATCH)):
        await defer(tx, make_calls, once=f"calls {work}", work=work)


@job()
async def make_calls(unit: Unit, *, work: str) -> None:
    """Make the open calls of some work."""
    await collecting.resume(unit, work)


@due(_DUE.format(table="payment_attempt", at="fee_at"))
async def look_for_fees(tx: Tx) -> None:
    """Payments whose fee nobody has told yet."""
    for charge in await cards.due_fees(tx, limit=BATCH):
        await defer(tx, book_fee, once=f"fee {charge}", charge=charge)


@job()
async def book_fee(unit: Unit, *, charge: str) -> None:
    """Ask for a charge with its fee, and book that."""
    async with unit.transaction() as tx:
        workspace = tx.workspace
    told = await port.cards().charge(workspace, charge)
    async with unit.transaction() as tx:
        await collecting.believe(tx, told)


@due(_DUE.format(table="provider_poll", at="next_at"))
async def look_for_events(tx: Tx) -> None:
    """The hour has come to ask for events that did not arrive."""
    for provider in await endpoints.due_polls(tx, lease_s=POLL_LEASE_S):
        await defer(tx, fetch_events, once=f"events {provider}", provider=provider)


@job()
async def fetch_events(unit: Unit, *, provider: str) -> None:
    """Put events into the inbox that are not there; they are reacted to like those that arrived.

    The provider answers again: events that could not be looked up while it did not get another round.
    """
    async with unit.transaction() as tx:
        since, workspace = await endpoints.begin_poll(tx, provider), tx.workspace
    newest = since
    async for page in port.cards().events(workspace, since=since):
        newest = max(newest, *(int(event["created"]) for event in page))
        async with unit.transaction() as tx:
            for event in page:
                endpoints.keep_event(tx, provider, event, json.dumps(event))
    async with unit.transaction() as tx:
        await endpoints.polled(tx, provider, until=newest)
        await replay_stuck(tx, EVENT_REACTION)


@job()
async def connect_webhooks(unit: Unit) -> None:
    """Have the provider send its events to this installation; once for its address."""

    async def done(tx: Tx, work: calls.Work) -> None:
        return None

    async with unit.transaction():
        await collecting.run(unit, begin=collecting.begin_endpoint, answer=done)
