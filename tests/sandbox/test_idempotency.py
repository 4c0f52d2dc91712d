"""Idempotency keys and API keys."""

import threading
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.harness import HTTP, Sandbox, until

PAY: dict[str, Any] = {
    "amount": 5000,
    "currency": "usd",
    "allowed_payment_method_types": ["card"],
    "confirm": True,
}


def test_same_key_same_body_replays(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "job-1"}
    first, second = (
        client.v1.payment_intents.create({**PAY, "payment_method": "pm_card_visa"}, options) for _ in range(2)
    )
    assert first.to_dict() == second.to_dict()
    assert sandbox.count("charge") == 1
    raw = sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "a"})
    again = sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "a"})
    assert (raw.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    assert "idempotent-replayed" not in raw.headers


def test_a_declined_card_is_replayed_too(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    charges = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.create(
                {**PAY, "payment_method": "pm_card_chargeDeclined"}, {"idempotency_key": "job-1"}
            )
        assert declined.value.error is not None
        charges.append(declined.value.error.charge)
    assert charges[0] == charges[1]
    assert sandbox.count("charge") == 1


def test_other_body_or_endpoint_is_refused(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "a"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refused:
        client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "a"})
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.create({"amount": 500, "currency": "usd"}, {"idempotency_key": "a"})
    assert sandbox.count("customer") == 1
    other = sandbox.client(key="sk_test_otherone")
    assert other.v1.customers.create({"name": "Bob"}, {"idempotency_key": "a"}).name == "Bob"


def test_what_never_began_is_not_stored(sandbox: Sandbox) -> None:
    key = {"Idempotency-Key": "a"}
    assert sandbox.post("/v1/customers", "name=Ann&colour=red", **key).status_code == 400
    assert sandbox.post("/v1/customers", "name=Ann", **key).status_code == 200
    assert sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "x" * 256}).status_code == 400


def test_what_the_operation_refused_is_stored(sandbox: Sandbox) -> None:
    key = {"Idempotency-Key": "a"}
    first = sandbox.post("/v1/refunds", "payment_intent=pi_none", **key)
    again = sandbox.post("/v1/refunds", "payment_intent=pi_none", **key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_twin_under_way_gets_409(sandbox: Sandbox) -> None:
    sandbox.fault("slow", delay_ms=1500)
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "a"}))

    slow = threading.Thread(target=send)
    slow.start()
    until(lambda: _slow_has_begun(sandbox))
    twin = sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "a"})
    assert (twin.status_code, twin.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    slow.join()
    assert answers[0].status_code == 200
    assert sandbox.post("/v1/customers", "name=Ann", **{"Idempotency-Key": "a"}).content == answers[0].content
    assert sandbox.count("customer") == 1


def _slow_has_begun(sandbox: Sandbox) -> bool:
    faults = HTTP.get(f"{sandbox.url}/_faults").json()["faults"]
    return any(fault["account"] == sandbox.account and fault["hits"] for fault in faults)


def test_keys_are_forgotten_after_a_day(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    first = client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "a"})
    sandbox.move_clock(first.created + 86_000)
    assert client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "a"}).id == first.id
    sandbox.move_clock(first.created + 86_500)
    assert client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "a"}).id != first.id


@pytest.mark.parametrize(
    "key",
    [
        "sk_live_abc",
        "pk_live_abc",
        "rk_test_abc",
        "sk_test_",
        "sk_test_a-b",
        "sk_test_a b",
        "hello",
        "sk_prod_x",
    ],
)
def test_keys_that_are_refused(sandbox: Sandbox, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        sandbox.client(key=key).v1.customers.list()


def test_ways_to_send_a_key(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/v1/customers"
    assert HTTP.get(url, auth=(f"sk_test_{sandbox.account}", "")).status_code == 200
    assert HTTP.get(url).status_code == 401
    assert HTTP.get(url, headers={"Authorization": "Basic !"}).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/unknown", "", {}, 404),
        ("/v1/customers", "name=%ff", {}, 400),
        ("/v1/customers", "a[=1", {}, 400),
        ("/v1/customers", "name=" + "x" * 1_000_001, {}, 400),
        ("/v1/customers", "&".join(f"metadata[k{n}]=v" for n in range(3000)), {}, 400),
        ("/v1/customers", "", {"Stripe-Version": "2023-08-16"}, 400),
        ("/v1/customers", "", {"Stripe-Account": "acct_1"}, 400),
        ("/v1/customers/cus_1/../../x", "", {}, 404),
        ("/v1/customers", "name[first]=Ann", {}, 400),
    ],
)
def test_bad_requests_are_clear_errors(
    sandbox: Sandbox, path: str, body: str, headers: dict[str, str], status: int
) -> None:
    response = sandbox.post(path, body, **headers)
    assert (response.status_code, response.json()["error"]["type"]) == (status, "invalid_request_error")
    assert sandbox.count("customer") == 0
