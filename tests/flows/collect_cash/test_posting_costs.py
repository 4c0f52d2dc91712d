"""How many SQL statements a card payment costs from the kept event to all that follows, counted on the wire."""

import json
import time
from pathlib import Path

import httpx
import pytest

from grace.domains.payments import queries
from grace.domains.payments.service import endpoints
from grace.kit import reactions
from grace.kit.workspace import Workspaces
from grace.providers.payments import port
from grace.providers.payments.stripe.adapter import StripeCards
from grace_sandbox.stripe.webhooks import sign
from tests.fixtures.cards import Till
from tests.fixtures.workspace import MASTER_KEY


async def told_of(till: Till) -> None:
    """An invoice is paid, and the event that says so is kept."""
    till.sandbox.fault("webhook_lose", count=None)
    intent = await till.intent(await till.invoice())
    paid = await till.confirm(intent)
    await till.workspace.drain()
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": int(time.time())}
    body = json.dumps({**event, "livemode": False, "data": {"object": paid}}).encode()
    async with till.workspace.tx() as tx:
        [found] = await queries.endpoints(tx)
        path, secret = httpx.URL(found.url).path, endpoints.secret(tx, found)
    signed = {"Stripe-Signature": sign(body, secret, at=int(time.time()))}
    assert (await till.payer.post(path, content=body, headers=signed)).status_code == 200


async def statements(till: Till, alone: Workspaces, trace: Path) -> int:
    """Do all that follows; the statements that the reactions sent, BEGIN and COMMIT among them."""
    everyone, handle = till.workspace.workspaces, till.workspace.handle
    with trace.open("w+") as file:
        async with (await alone.pool(handle)).connection() as connection:
            connection.pgconn.trace(file.fileno())
        while (waiting := await reactions.look(everyone, handle)).facts or waiting.reactions:
            if waiting.facts:
                await reactions.dispatch(everyone, handle)
            else:
                await reactions.react(alone, handle)
        async with (await alone.pool(handle)).connection() as connection:
            connection.pgconn.untrace()
        file.seek(0)
        sent = [line.split("\t")[3] for line in file if "\tF\t" in line]
    return sum(1 for kind in sent if kind.startswith(("Query", "Execute")))


@pytest.mark.parametrize(("read_back", "most"), [(True, 30), (False, 24)])
async def test_what_a_card_payment_costs(
    till: Till, postgres_server: str, tmp_path: Path, read_back: bool, most: int
) -> None:
    port.bind(StripeCards(till.settings.model_copy(update={"stripe_read_back": read_back})))
    await told_of(till)
    alone = Workspaces(postgres_server, master_key=MASTER_KEY, pool_size=1)
    sent = await statements(till, alone, tmp_path / "trace")
    await alone.close()
    [payment] = (await till.get("/api/v1/payments"))["items"]
    assert payment["amount"] == 1000
    assert (await till.get("/api/v1/clients/client_abc"))["lifetime_value"] == 1000
    assert 10 < sent <= most
