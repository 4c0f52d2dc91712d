"""Each fault does what it says, as often as it says, to whom it says."""

import time
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.harness import HTTP, Receiver, Sandbox, until
from tests.sandbox.test_payments import PAID, pay
from tests.sandbox.test_webhooks import listen

KEY: Any = {"idempotency_key": "once"}
PARAMS: Any = {"amount": 5000, "currency": "usd", **PAID, "metadata": {"intent": "ours"}}


def test_decline(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.fault("decline", decline_code="do_not_honor", count=2)
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            pay(client)
        assert declined.value.error is not None
        assert declined.value.error.decline_code == "do_not_honor"
    assert pay(client).status == "succeeded"


def test_time_out_before_the_effect(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.fault("timeout_before", path="/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PARAMS, KEY)
    assert sandbox.count("payment_intent") == 0
    assert client.v1.payment_intents.create(PARAMS, KEY).status == "succeeded"
    assert sandbox.count("charge") == 1


def test_time_out_after_the_effect(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    """The money moved, the answer is lost: the same key finds it, another key would take it twice."""
    sandbox.fault("timeout_after", path="/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PARAMS, KEY)
    assert sandbox.count("charge") == 1
    found = client.v1.payment_intents.search({"query": "metadata['intent']:'ours'"}).data
    assert client.v1.payment_intents.create(PARAMS, KEY).id == found[0].id
    assert sandbox.count("charge") == 1
    client.v1.payment_intents.create(PARAMS, {"idempotency_key": "another"})
    assert sandbox.count("charge") == 2


def test_the_connection_is_held_as_long_as_told(sandbox: Sandbox) -> None:
    sandbox.fault("timeout_before", hold_ms=300)
    begun = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.post("/v1/customers")
    assert time.monotonic() - begun >= 0.3
    sandbox.fault("timeout_before", hold_ms=60_000)
    with pytest.raises(httpx.ReadTimeout):
        HTTP.get(
            f"{sandbox.url}/v1/customers",
            headers={"Authorization": f"Bearer sk_test_{sandbox.account}"},
            timeout=0.2,
        )


def test_error_before_the_effect(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.fault("error_before", status=503, method="POST")
    assert client.v1.payment_intents.list().data == []
    with pytest.raises(stripe.APIError) as failed:
        client.v1.payment_intents.create(PARAMS, KEY)
    assert failed.value.http_status == 503
    assert sandbox.count("payment_intent") == 0
    assert client.v1.payment_intents.create(PARAMS, KEY).status == "succeeded"


@pytest.mark.parametrize("stored", [True, False])
def test_error_after_the_effect(sandbox: Sandbox, client: stripe.StripeClient, stored: bool) -> None:
    """The charge stands. By Stripe's rule the key replays the 500, so only a look-up by metadata tells the
    truth.
    """
    sandbox.fault("error_after", status=500, stored=stored)
    with pytest.raises(stripe.APIError):
        client.v1.payment_intents.create(PARAMS, KEY)
    assert sandbox.count("charge") == 1
    if stored:
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.create(PARAMS, KEY)
    else:
        assert client.v1.payment_intents.create(PARAMS, KEY).status == "succeeded"
    found = client.v1.payment_intents.search({"query": "metadata['intent']:'ours'"}).data
    assert [intent.status for intent in found] == ["succeeded"]
    assert sandbox.count("charge") == 1


def test_duplicated_webhooks(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    sandbox.fault("webhook_duplicate", event_type="customer.created", times=3)
    listen(client, receiver)
    client.v1.customers.create({"name": "Ann"})
    client.v1.customers.create({"name": "Bob"})
    sandbox.deliver()
    assert receiver.types() == ["customer.created"] * 4
    assert len({delivery.event["id"] for delivery in receiver.deliveries}) == 2


def test_delayed_webhooks(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    sandbox.fault("webhook_delay", event_type="customer.created", delay_ms=3000)
    listen(client, receiver)
    begun = time.monotonic()
    customer = client.v1.customers.create({"name": "Ann"})
    client.v1.customers.update(customer.id, {"name": "Bob"})
    until(lambda: len(receiver.deliveries) == 2)
    assert receiver.types() == ["customer.updated", "customer.created"]
    assert time.monotonic() - begun >= 3


def test_reordered_webhooks(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    sandbox.fault("webhook_reorder", event_type="payment_intent.*", count=2)
    listen(client, receiver, "payment_intent.created", "payment_intent.succeeded", "customer.created")
    client.v1.payment_intents.create(PARAMS)
    until(lambda: len(receiver.deliveries) == 2)
    assert receiver.types() == ["payment_intent.succeeded", "payment_intent.created"]


def test_held_webhooks_go_when_drained(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    sandbox.fault("webhook_reorder", count=3)
    listen(client, receiver, "customer.created")
    names = ["Ann", "Bob"]
    for name in names:
        client.v1.customers.create({"name": name})
    assert [d["state"] for d in sandbox.state()["undelivered"]] == ["held", "held"]
    assert sandbox.deliver()["delivered"] == 2
    assert [d.event["data"]["object"]["name"] for d in receiver.deliveries] == names[::-1]


def test_lost_webhooks(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    """The event exists, and is found by asking; it never arrives."""
    sandbox.fault("webhook_lose", event_type="customer.created")
    listen(client, receiver, "customer.created")
    client.v1.customers.create({"name": "Ann"})
    client.v1.customers.create({"name": "Bob"})
    sandbox.deliver()
    assert [d.event["data"]["object"]["name"] for d in receiver.deliveries] == ["Bob"]
    assert len(client.v1.events.list({"type": "customer.created"}).data) == 2
    assert [d["state"] for d in sandbox.state()["undelivered"]] == ["lost"]


def test_whom_and_when_a_fault_hits(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.fault("error_before", path="/v1/payment_intents/*/capture", skip=1, status=500)
    other = sandbox.client(key="sk_test_untouched")
    held = [pay(each, capture_method="manual") for each in (other, client, client)]
    assert other.v1.payment_intents.capture(held[0].id).status == "succeeded"
    assert client.v1.payment_intents.capture(held[1].id).status == "succeeded"
    with pytest.raises(stripe.APIError):
        client.v1.payment_intents.capture(held[2].id)
    assert client.v1.payment_intents.capture(held[2].id).status == "succeeded"


def test_a_fault_without_end_lasts_until_cleared(tmp_path_factory: Any, sandbox: Sandbox) -> None:
    sandbox.fault("error_before", count=None, status=429)
    assert [sandbox.post("/v1/customers").status_code for _ in range(5)] == [429] * 5
    sandbox.control("DELETE", "/_faults")
    assert sandbox.post("/v1/customers").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "meteor"},
        {"kind": "decline", "status": 500},
        {"kind": "slow", "count": 0},
        {"kind": "slow", "skip": -1},
        {"kind": "error_before", "status": "500"},
        {"kind": "webhook_reorder", "count": None},
        {},
    ],
)
def test_unreadable_faults_are_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    response = HTTP.post(f"{sandbox.url}/_faults", json=body)
    assert (response.status_code, "error" in response.json()) == (400, True)
