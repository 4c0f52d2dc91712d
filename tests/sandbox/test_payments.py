"""PaymentIntents: the states, the moves, the moves that are refused."""

from typing import Any

import pytest
import stripe

from tests.sandbox.harness import Sandbox, until

CARD: dict[str, Any] = {"allowed_payment_method_types": ["card"]}
PAID: dict[str, Any] = {**CARD, "confirm": True, "payment_method": "pm_card_visa"}


def pay(client: stripe.StripeClient, *, amount: int = 5000, **more: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({"amount": amount, "currency": "usd", **PAID, **more})


def test_step_by_step_to_paid(client: stripe.StripeClient) -> None:
    intents = client.v1.payment_intents
    intent = intents.create({"amount": 5000, "currency": "USD", **CARD, "metadata": {"invoice": "in_1"}})
    assert (intent.status, intent.currency, intent.capture_method) == (
        "requires_payment_method",
        "usd",
        "automatic_async",
    )
    method = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 8, "exp_year": 2044, "cvc": "314"},
        }
    )
    intent = intents.update(intent.id, {"payment_method": method.id, "amount": 6000})
    assert intent.status == "requires_confirmation"
    intent = intents.confirm(intent.id)
    assert (intent.status, intent.amount_received, intent.payment_method) == ("succeeded", 6000, method.id)
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, True, 6000)
    assert charge.metadata.to_dict() == {"invoice": "in_1"}
    types = [event.type for event in client.v1.events.list().data]
    assert set(types) >= {"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}


def test_default_capture_settles_a_moment_later(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = pay(client, expand=["latest_charge"])
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.balance_transaction is None
    charge_id = intent.latest_charge.id
    charge = until(lambda: next((c for c in client.v1.charges.list().data if c.balance_transaction), None))
    assert charge.id == charge_id
    assert "charge.updated" in [event.type for event in client.v1.events.list().data]


def test_automatic_capture_settles_at_once(client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="automatic", expand=["latest_charge.balance_transaction"])
    assert isinstance(intent.latest_charge, stripe.Charge)
    transaction = intent.latest_charge.balance_transaction
    assert isinstance(transaction, stripe.BalanceTransaction)
    assert (transaction.amount, transaction.fee, transaction.net) == (5000, 175, 4825)


def test_manual_capture_in_full(client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.captured, charge.paid, charge.balance_transaction) == (False, True, None)
    held_until = charge.payment_method_details["card"]["capture_before"]
    assert held_until == charge.created + 7 * 86_400
    intent = client.v1.payment_intents.capture(intent.id)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("succeeded", 0, 5000)
    types = [event.type for event in client.v1.events.list().data]
    assert set(types) >= {"payment_intent.amount_capturable_updated", "charge.captured"}


def test_partial_capture_releases_the_rest(client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="manual")
    intent = client.v1.payment_intents.capture(
        intent.id, {"amount_to_capture": 3000, "expand": ["latest_charge.balance_transaction"]}
    )
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (intent.amount_received, charge.amount_captured, charge.amount_refunded) == (3000, 3000, 2000)
    assert not charge.refunded
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.amount == 3000
    assert client.v1.refunds.create({"charge": charge.id}).amount == 3000


def test_cancel_releases_the_hold(client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="manual")
    intent = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (intent.status, intent.amount_capturable) == ("canceled", 0)
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.refunded, charge.captured) == (True, False)
    assert client.v1.balance.retrieve().pending[0].amount == 0


MOVES = ["confirm", "capture", "cancel", "update"]
REFUSED = {
    "requires_payment_method": ["capture"],
    "requires_confirmation": ["capture"],
    "requires_action": ["capture"],
    "requires_capture": ["confirm", "update"],
    "succeeded": ["confirm", "capture", "cancel", "update"],
    "canceled": ["confirm", "capture", "cancel", "update"],
}


def _in_state(client: stripe.StripeClient, status: str) -> stripe.PaymentIntent:
    base: dict[str, Any] = {"amount": 5000, "currency": "usd", **CARD}
    extra: dict[str, dict[str, Any]] = {
        "requires_payment_method": {},
        "requires_confirmation": {"payment_method": "pm_card_visa"},
        "requires_action": {"payment_method": "pm_card_authenticationRequired", "confirm": True},
        "requires_capture": {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"},
        "succeeded": {"payment_method": "pm_card_visa", "confirm": True},
        "canceled": {},
    }
    intent = client.v1.payment_intents.create({**base, **extra[status]})
    if status == "canceled":
        intent = client.v1.payment_intents.cancel(intent.id)
    assert intent.status == status
    return intent


def _move(client: stripe.StripeClient, verb: str, id_: str) -> None:
    params: dict[str, Any] = {"confirm": {"payment_method": "pm_card_visa"}, "update": {"amount": 6000}}
    getattr(client.v1.payment_intents, verb)(id_, params.get(verb, {}))


@pytest.mark.parametrize("status", REFUSED)
def test_every_move_from_every_state(client: stripe.StripeClient, status: str) -> None:
    """Allowed moves go, the others are refused with Stripe's code, and change nothing."""
    for verb in MOVES:
        intent = _in_state(client, status)
        if verb not in REFUSED[status]:
            _move(client, verb, intent.id)
            continue
        with pytest.raises(stripe.InvalidRequestError) as refused:
            _move(client, verb, intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"
        assert refused.value.error is not None
        assert client.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()


def test_capture_of_more_than_is_held(client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount_to_capture")


def test_confirm_without_a_method(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": 5000, "currency": "usd", "confirm": True, **CARD})
    assert refused.value.code == "payment_intent_unexpected_state"


def test_automatic_methods_want_a_return_url(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    params: dict[str, Any] = {
        "amount": 5000,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
    }
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(params)
    assert sandbox.count("payment_intent") == 0
    for more in ({"return_url": "https://x.test/"},
                 {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}):  # fmt: skip
        assert client.v1.payment_intents.create({**params, **more}).status == "succeeded"


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        (100_000_000, "usd", "amount_too_large"),
        (49, "jpy", "amount_too_small"),
        (12_345, "kwd", "parameter_invalid_integer"),
        (12_350, "isk", "parameter_invalid_integer"),
        (5000, "xyz", None),
    ],
)
def test_amounts_that_are_refused(client: stripe.StripeClient, amount: int, currency: str, code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert refused.value.code == code


def test_what_is_not_simulated_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not simulate"):
        client.v1.payment_intents.create({"amount": 5000, "currency": "usd", "application_fee_amount": 5})


def test_browser_confirms_with_the_client_secret(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    browser = {"Authorization": f"Bearer pk_test_{sandbox.account}"}
    path = f"/v1/payment_intents/{intent.id}/confirm"
    assert sandbox.post(path, "payment_method=pm_card_visa", **browser).status_code == 400
    wrong = sandbox.post(path, f"payment_method=pm_card_visa&client_secret={intent.client_secret}x", **browser)
    assert wrong.status_code == 404
    card = "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=44&card[cvc]=123"
    method = sandbox.post("/v1/payment_methods", card, **browser).json()["id"]
    right = sandbox.post(path, f"payment_method={method}&client_secret={intent.client_secret}", **browser)
    assert (right.status_code, right.json()["status"]) == (200, "succeeded")
    for path in ("/v1/customers", f"/v1/payment_intents/{intent.id}/capture"):
        assert sandbox.post(path, **browser).json()["error"]["code"] == "secret_key_required"
