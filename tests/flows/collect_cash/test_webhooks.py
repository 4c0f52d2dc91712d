"""Events come in: verified, kept once, believed in any order; forged, replayed and foreign ones change nothing."""

import asyncio
import json
import random
import time
from typing import Any

import httpx
import pytest

from grace.app.web import create_app
from grace.domains.payments import queries
from grace.domains.payments.service import endpoints
from grace.providers.payments import port
from grace.providers.payments.stripe.adapter import StripeCards
from grace_sandbox.stripe.webhooks import sign
from tests.fixtures.cards import Till

BARE = [
    "/api/business/payments/webhook",
    "/api/v1/webhooks/stripe",
    "/api/v1/revenue/webhooks/stripe",
    "/payments/webhooks/stripe",
]


async def endpoint(till: Till) -> tuple[str, str]:
    """The path and the secret of the registered endpoint."""
    async with till.workspace.tx() as tx:
        [found] = await queries.endpoints(tx)
        return httpx.URL(found.url).path, endpoints.secret(tx, found)


async def send(till: Till, path: str, event: Any, secret: str, **more: Any) -> httpx.Response:
    """An event as the provider would send it, signed with this secret."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = sign(body, secret, at=more.get("at", int(time.time())))
    headers = {"Stripe-Signature": more.get("signature", signature)}
    return await till.payer.post(path, content=more.get("body", body), headers=headers)


def made_up(till: Till, **more: Any) -> dict[str, Any]:
    """An event of a kind that has no effect."""
    about = {"object": "customer", "id": "cus_1"}
    event = {"id": "evt_1", "object": "event", "type": "customer.created", "created": 1, "livemode": False}
    return {**event, "data": {"object": about}, **more}


async def inbox(till: Till) -> list[str]:
    """The ids of the events that were kept."""
    return [row["event_id"] for row in await till.rows("select event_id from inbox order by id")]


@pytest.mark.parametrize("path", BARE)
async def test_the_documented_paths_find_the_workspace_by_its_secret(till: Till, path: str) -> None:
    _, secret = await endpoint(till)
    answer = await send(till, path, made_up(till), secret)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert await inbox(till) == ["evt_1"]


async def test_an_event_is_kept_once_whatever_the_path(till: Till) -> None:
    own, secret = await endpoint(till)
    for path in [own, *BARE, own]:
        assert (await send(till, path, made_up(till), secret)).status_code == 200
    assert await inbox(till) == ["evt_1"]


@pytest.mark.parametrize("where", ["own", *BARE])
@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "whsec_guessed"},
        {"secret": ""},
        {"at": 0},
        {"at": int(time.time()) - 301},
        {"at": int(time.time()) + 900},
        {"body": b'{"id": "evt_other"}'},
        {"signature": ""},
        {"signature": "t=1"},
        {"signature": "v1=00"},
        {"signature": "t=x,v1=zz"},
    ],
)
async def test_a_forged_event_is_counted_and_nothing_else(till: Till, where: str, forged: dict[str, Any]) -> None:
    own, secret = await endpoint(till)
    forged = dict(forged)
    signed_with = forged.pop("secret", secret)
    path = own if where == "own" else where
    answer = await send(till, path, made_up(till), signed_with, **forged)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("bad-signature")
    assert await inbox(till) == []
    if where == "own":
        [refused] = await till.rows("select source, reason from refused_event")
        assert refused == {"source": "stripe", "reason": "bad signature"}


@pytest.mark.parametrize("token", ["main.x", "nobody.x", "x", "..", "%2e%2e", "T1.x", "t1.%00"])
async def test_an_unknown_endpoint(till: Till, token: str) -> None:
    _, secret = await endpoint(till)
    answer = await send(till, f"/api/v1/webhooks/stripe/{token}", made_up(till), secret)
    assert answer.status_code in (400, 404)
    assert await inbox(till) == []


async def test_an_endpoint_that_is_off_verifies_nothing(till: Till) -> None:
    path, secret = await endpoint(till)
    async with till.workspace.tx() as tx:
        await tx.execute("update webhook_endpoint set state = 'off'")
    for at in [path, *BARE]:
        assert (await send(till, at, made_up(till), secret)).status_code == 400
    assert await inbox(till) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"id": "evt_1"}',
        b'{"id":"evt_1","type":"a","created":1,"data":{"object":"\\u0000"}}',
    ],
)
async def test_signed_nonsense_is_refused(till: Till, body: bytes) -> None:
    path, secret = await endpoint(till)
    assert (await send(till, path, body, secret)).status_code == 400
    assert await inbox(till) == []


async def test_an_event_of_the_other_mode_is_refused(till: Till) -> None:
    path, secret = await endpoint(till)
    assert (await send(till, path, made_up(till, livemode=True), secret)).status_code == 400
    assert await inbox(till) == []


async def test_a_forged_event_is_never_kept_in_the_log(till: Till, capfd: pytest.CaptureFixture[str]) -> None:
    path, _ = await endpoint(till)
    await send(till, path, made_up(till, secret_word="xyzzy"), "whsec_guessed")
    out, err = capfd.readouterr()
    assert "webhook refused" in out + err
    assert "xyzzy" not in out + err


@pytest.mark.parametrize(
    "kind", ["invoice.paid", "customer.subscription.updated", "charge.dispute.created", "new.kind"]
)
async def test_events_without_effect_are_kept(till: Till, kind: str) -> None:
    invoice = await till.invoice()
    path, secret = await endpoint(till)
    event = made_up(till, type=kind, data={"object": {"object": kind.rpartition(".")[0], "id": "in_1"}})
    assert (await send(till, path, event, secret)).status_code == 200
    await till.workspace.drain()
    assert (await till.status(invoice))["status"] == "pending"
    assert await till.rows("select 1 from reaction where state <> 'done'") == []


async def test_an_object_that_is_not_ours_changes_nothing(till: Till) -> None:
    await till.invoice()
    await httpx.AsyncClient(base_url=till.sandbox.url, trust_env=False).post(
        "/v1/payment_intents",
        data={"amount": 500, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
              "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"},
        headers={"Authorization": f"Bearer sk_test_{till.sandbox.account}"},
    )  # fmt: skip
    await till.settle()
    assert await till.rows("select 1 from payment") == []
    assert "payment_intent.succeeded" in [row["kind"] for row in await till.rows("select kind from inbox")]


async def test_with_read_back_a_lying_event_is_not_believed(till: Till) -> None:
    """Even signed: what counts is what the provider says when it is asked."""
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    path, secret = await endpoint(till)
    [attempt] = await till.rows("select id, intent from payment_attempt")
    lie = {"object": "payment_intent", "id": attempt["intent"], "amount": 100_000, "currency": "usd"}
    lie |= {"status": "succeeded", "latest_charge": "ch_lie", "metadata": {"grace_id": attempt["id"]}}
    event = made_up(till, type="payment_intent.succeeded", created=int(time.time()), data={"object": lie})
    assert (await send(till, path, event, secret)).status_code == 200
    await till.workspace.drain()
    assert (await till.status(invoice))["status"] == "pending"
    assert intent["client_secret"]


@pytest.mark.parametrize("read_back", [True, False])
@pytest.mark.parametrize("seed", range(6))
async def test_twice_and_in_any_order(till: Till, seed: int, read_back: bool) -> None:
    """A decline, a success, its fee and two refunds, told twice in disorder: the end is the same."""
    port.bind(StripeCards(till.settings.model_copy(update={"stripe_read_back": read_back})))
    path, secret = await endpoint(till)
    till.sandbox.fault("webhook_lose", count=None)
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    await till.confirm(intent, "pm_card_chargeDeclined")
    await till.confirm(intent)
    charge = till.sandbox.state()["objects"]["payment_intent"][0]["latest_charge"]
    till.sandbox.post("/v1/refunds", f"charge={charge}&amount=20000")
    till.sandbox.post("/v1/refunds", f"charge={charge}&amount=30000")
    events = till.sandbox.state()["objects"]["event"] * 2
    order = random.Random(seed)
    order.shuffle(events)
    for event in events:
        assert (await send(till, path, event, secret)).status_code == 200
        if order.random() < 0.4:
            await till.workspace.drain()
    await till.workspace.drain()
    await till.hurry()
    assert (await till.status(invoice))["status"] == "paid"
    balances = await till.balances()
    refunds = (await till.get("/api/v1/refunds"))["items"]
    assert sorted(refund["amount"] for refund in refunds) == [200, 300]
    assert balances["processor_fees"] == 2930
    assert balances["revenue"] == 50_000
    assert balances["clearing"] == 50_000 - 2930
    assert len(await till.rows("select id from payment")) == 1
    assert await till.rows("select 1 from reaction where state <> 'done'") == []


async def test_the_endpoint_is_registered_once(till: Till) -> None:
    from grace.flows.collect_cash.jobs import connect_webhooks
    from grace.kit.unit import Unit

    for _ in range(2):
        await connect_webhooks(Unit(till.workspace.workspaces, till.workspace.handle))
    assert till.sandbox.count("webhook_endpoint") == 1
    [stored] = await till.rows("select url, secret from webhook_endpoint")
    path, secret = await endpoint(till)
    assert stored["url"].endswith(path)
    assert secret.encode() not in bytes(stored["secret"])


@pytest.mark.parametrize("where", ["own", BARE[1]])
async def test_forgers_are_throttled_and_the_provider_at_their_address_is_not(till: Till, where: str) -> None:
    own, secret = await endpoint(till)
    path = own if where == "own" else where
    limited = create_app(till.workspace.workspaces, till.settings.model_copy(update={"rate_anonymous_per_minute": 3}))
    transport = httpx.ASGITransport(limited)
    async with httpx.AsyncClient(transport=transport, base_url=str(till.payer.base_url)) as sender:

        async def told(event: dict[str, Any], signed_with: str) -> int:
            body = json.dumps(event).encode()
            headers = {"Stripe-Signature": sign(body, signed_with, at=int(time.time()))}
            return (await sender.post(path, content=body, headers=headers)).status_code

        forged = [await told(made_up(till), "whsec_guessed") for _ in range(6)]
        assert forged == [400] * 3 + [429] * 3
        true = await asyncio.gather(*(told(made_up(till, id=f"evt_{n}"), secret) for n in range(20)))
        assert true == [200] * 20
        assert await told(made_up(till), "whsec_guessed") == 429
        unknown = await sender.post("/api/v1/webhooks/stripe/nobody.x", content=b"{}")
        assert unknown.status_code == 429
    assert sorted(await inbox(till)) == sorted(f"evt_{n}" for n in range(20))
    refused = await till.rows("select reason from refused_event")
    assert len(refused) == 3, "what is throttled is not written"


async def test_a_secret_that_is_over_is_refused_and_counted_although_it_was_known(till: Till) -> None:
    own, secret = await endpoint(till)
    limited = create_app(till.workspace.workspaces, till.settings.model_copy(update={"rate_anonymous_per_minute": 2}))
    body = json.dumps(made_up(till)).encode()
    headers = {"Stripe-Signature": sign(body, secret, at=int(time.time()))}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(limited), base_url="http://127.0.0.1") as sender:
        assert (await sender.post(own, content=body, headers=headers)).status_code == 200
        async with till.workspace.tx() as tx:
            await tx.execute("update webhook_endpoint set state = 'off'")
        statuses = [(await sender.post(own, content=body, headers=headers)).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]
