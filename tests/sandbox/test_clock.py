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


def test_time_never_goes_back(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Ann"})
    for body in ({"to": 1}, {"to": "yesterday"}, {"to": "2040-01-01T00:00:00"}, {}):
        answer = HTTP.post(f"{sandbox.url}/_clock", json={"account": sandbox.account, **body})
        assert answer.status_code == 400
    assert HTTP.post(f"{sandbox.url}/_clock", json={"to": 2**33}).status_code == 400


def test_an_account_in_which_nothing_happened_begins_in_the_past(sandbox: Sandbox) -> None:
    client = sandbox.client(key="sk_test_historic")
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    past = datetime(2025, 3, 1, tzinfo=UTC)
    sandbox.control("POST", "/_clock", account="historic", to=past.isoformat())
    assert 0 <= client.v1.customers.create({"name": "Ann"}).created - int(past.timestamp()) < 60
    earlier = {"account": "historic", "to": (past - timedelta(days=1)).isoformat()}
    assert HTTP.post(f"{sandbox.url}/_clock", json=earlier).status_code == 400


def test_a_forgotten_account_is_empty_and_repeats_no_id(sandbox: Sandbox) -> None:
    client, other = sandbox.client(key="sk_test_gone"), sandbox.client(key="sk_test_kept")
    kept = other.v1.customers.create({"name": "Bea"})
    first = client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "one"})
    sandbox.control("POST", "/_clock", account="gone", to=first.created + 86_400)
    sandbox.control("POST", "/_forget", account="gone")
    assert client.v1.customers.list().data == [] and client.v1.events.list().data == []
    again = client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "one"})
    assert again.id != first.id and abs(again.created - first.created) < 60
    assert [one.id for one in other.v1.customers.list().data] == [kept.id]
    assert HTTP.post(f"{sandbox.url}/_forget", json={}).status_code == 400


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
