"""Webhooks: endpoints, signatures, retries, the drain."""

import hashlib
import hmac
import time
from typing import Any

import pytest
import stripe

from grace_sandbox.stripe.webhooks import sign
from tests.sandbox.harness import Receiver, Sandbox, complaints, until
from tests.sandbox.test_payments import pay


def listen(client: stripe.StripeClient, receiver: Receiver, *types: str) -> stripe.WebhookEndpoint:
    params: Any = {"url": receiver.url, "enabled_events": list(types) or ["*"]}
    return client.v1.webhook_endpoints.create(params)


def test_signed_events_arrive(client: stripe.StripeClient, receiver: Receiver) -> None:
    endpoint = listen(client, receiver)
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    intent = pay(client)
    until(lambda: {"payment_intent.succeeded", "charge.updated"} <= set(receiver.types()))
    for delivery in receiver.deliveries:
        event = stripe.Webhook.construct_event(delivery.body, delivery.signature, endpoint.secret)
        assert complaints("GET", f"/v1/events/{event.id}", 200, delivery.event) == []
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(delivery.body + b" ", delivery.signature, endpoint.secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(delivery.body, delivery.signature, "whsec_other")
    succeeded = next(d.event for d in receiver.deliveries if d.event["type"] == "payment_intent.succeeded")
    assert succeeded["data"]["object"]["id"] == intent.id
    assert succeeded["api_version"] == "2026-10-28.endive"
    assert until(lambda: client.v1.events.retrieve(succeeded["id"]).pending_webhooks == 0)


def test_signature_vector() -> None:
    """The scheme that Stripe documents, computed here by hand; and a replay that is too old."""
    payload, now = b'{"id": "evt_1", "object": "event"}', int(time.time())
    mac = hmac.new(b"whsec_test", str(now).encode() + b"." + payload, hashlib.sha256).hexdigest()
    assert sign(payload, "whsec_test", at=now) == f"t={now},v1={mac}"
    assert stripe.Webhook.construct_event(payload, sign(payload, "whsec_test", at=now), "whsec_test").id == "evt_1"
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(payload, sign(payload, "whsec_test", at=now - 600), "whsec_test")


def test_only_the_types_asked_for(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    listen(client, receiver, "payment_intent.succeeded")
    pay(client)
    sandbox.deliver()
    assert receiver.types() == ["payment_intent.succeeded"]


def test_refused_events_are_sent_again_until_accepted(client: stripe.StripeClient, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    listen(client, receiver, "customer.created")
    client.v1.customers.create({"name": "Ann"})
    until(lambda: len(receiver.deliveries) == 3)
    assert len({delivery.event["id"] for delivery in receiver.deliveries}) == 1
    event_id = receiver.deliveries[0].event["id"]
    assert until(lambda: client.v1.events.retrieve(event_id).pending_webhooks == 0)


def test_drain_reports(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    sandbox.fault("webhook_delay", delay_ms=3_600_000, count=2)
    listen(client, receiver, "customer.created")
    for name in ("Ann", "Bob"):
        client.v1.customers.create({"name": name})
    assert len(sandbox.state()["undelivered"]) == 2
    receiver.answers = [500]
    assert sandbox.deliver() == {"delivered": 1, "failed": 1, "pending": 1}
    sandbox.deliver()
    assert sandbox.state()["undelivered"] == []
    assert sandbox.state()["delivered"] == 2


def test_endpoints_are_managed(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    endpoints = client.v1.webhook_endpoints
    made = listen(client, receiver, "customer.created")
    assert "secret" not in endpoints.retrieve(made.id).to_dict()
    changed = endpoints.update(made.id, {"disabled": True, "enabled_events": ["*"]})
    assert (changed.status, changed.enabled_events) == ("disabled", ["*"])
    client.v1.customers.create({"name": "Ann"})
    assert sandbox.deliver()["delivered"] == 0
    assert endpoints.update(made.id, {"disabled": False}).status == "enabled"
    assert [endpoint.id for endpoint in endpoints.list().data] == [made.id]
    assert endpoints.delete(made.id).deleted
    assert endpoints.list().data == []
    client.v1.customers.create({"name": "Bob"})
    assert sandbox.deliver()["delivered"] == 0


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook", "http://10.0.0.1/", "ftp://127.0.0.1/", "nonsense", "http://localhost:x/"],
)
def test_nothing_leaves_this_machine(client: stripe.StripeClient, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    assert refused.value.code == "url_invalid"


def test_a_dead_endpoint_holds_up_nobody(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    dead: Any = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
    client.v1.webhook_endpoints.create(dead)
    listen(client, receiver, "customer.created")
    client.v1.customers.create({"name": "Ann"})
    until(lambda: receiver.types() == ["customer.created"])
    waiting = until(lambda: [d for d in sandbox.state()["undelivered"] if d["attempts"]])
    assert waiting[0]["result"].startswith("ConnectError")
