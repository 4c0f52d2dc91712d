"""Each account's own clock."""

from datetime import UTC, datetime, timedelta

import stripe

from tests.sandbox.harness import HTTP, Sandbox
from tests.sandbox.test_payments import pay


def test_time_moves_for_one_account(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    before = client.v1.customers.create({"name": "Ann"}).created
    later = datetime.fromtimestamp(before, UTC) + timedelta(days=40)
    sandbox.control("POST", "/_clock", to=later.isoformat())
    assert 0 <= client.v1.customers.create({"name": "Bob"}).created - int(later.timestamp()) < 60
    other = sandbox.client(key="sk_test_unmoved").v1.customers.create({"name": "Cleo"})
    assert other.created - before < 60


def test_time_never_goes_back(sandbox: Sandbox) -> None:
    for body in ({"to": 1}, {"to": "yesterday"}, {"to": "2040-01-01T00:00:00"}, {}):
        answer = HTTP.post(f"{sandbox.url}/_clock", json={"account": sandbox.account, **body})
        assert answer.status_code == 400
    assert HTTP.post(f"{sandbox.url}/_clock", json={"to": 2**33}).status_code == 400


def test_an_authorisation_expires(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="manual")
    captured = pay(client, capture_method="manual")
    client.v1.payment_intents.capture(captured.id)
    sandbox.move_clock(intent.created + 7 * 86_400 - 60)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    sandbox.move_clock(intent.created + 7 * 86_400)
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")
    assert client.v1.payment_intents.retrieve(captured.id).status == "succeeded"
    types = [event.type for event in client.v1.events.list().data]
    assert {"charge.expired", "payment_intent.canceled"} <= set(types)
    assert client.v1.charges.retrieve(str(intent.latest_charge)).refunded


def test_health(sandbox: Sandbox) -> None:
    assert HTTP.get(f"{sandbox.url}/health").json() == {"status": "ok"}
