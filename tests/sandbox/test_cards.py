"""Test cards by name and by number, and what each does when it is charged, saved, or used off-session."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.harness import HTTP, Sandbox

CHARGED: dict[str, Any] = {
    "amount": 5000, "currency": "usd", "allowed_payment_method_types": ["card"], "confirm": True,
}  # fmt: skip
DECLINES = [
    ("pm_card_chargeDeclined", "4000000000000002", "card_declined", "generic_decline"),
    (
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "card_declined",
        "insufficient_funds",
    ),
    ("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "4000000000009979", "card_declined", "stolen_card"),
    ("pm_card_radarBlock", "4100000000000019", "card_declined", "fraudulent"),
    ("pm_card_chargeDeclinedExpiredCard", "4000000000000069", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "4000000000000119", "processing_error", None),
    ("pm_card_chargeCustomerFail", "4000000000000341", "card_declined", "generic_decline"),
]


def save(client: stripe.StripeClient, number: str, **more: Any) -> stripe.PaymentMethod:
    card = {"number": number, "exp_month": 12, "exp_year": 2044, "cvc": "123"} | more
    return client.v1.payment_methods.create({"type": "card", "card": card})


@pytest.mark.parametrize(("token", "number", "code", "decline_code"), DECLINES)
def test_declines(
    sandbox: Sandbox,
    client: stripe.StripeClient,
    token: str,
    number: str,
    code: str,
    decline_code: str | None,
) -> None:
    for method in (token, save(client, number).id):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.create({**CHARGED, "payment_method": method})
        error = declined.value.error
        assert (declined.value.http_status, declined.value.code) == (402, code)
        assert error is not None
        assert error.payment_intent is not None
        assert (error.decline_code or None) == decline_code
        intent = client.v1.payment_intents.retrieve(error.payment_intent.id)
        assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
        assert intent.last_payment_error is not None
        assert intent.last_payment_error.code == code
        charge = client.v1.charges.retrieve(str(intent.latest_charge))
        assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
        paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert paid.status == "succeeded"
    types = [event.type for event in client.v1.events.list({"limit": 50}).data]
    assert types.count("payment_intent.payment_failed") == types.count("charge.failed") == 2
    assert [p["succeeded_charges"] for p in sandbox.state()["payments"]] == [1, 1]


@pytest.mark.parametrize(("token", "number", "code", "decline_code"), DECLINES)
def test_saving_a_card_that_declines(
    client: stripe.StripeClient, token: str, number: str, code: str, decline_code: str | None
) -> None:
    """All but one are refused when attached; that one can be saved and fails when charged."""
    customer = client.v1.customers.create({"email": "ann@example.com"})
    if number == "4000000000000341":
        assert client.v1.payment_methods.attach(token, {"customer": customer.id}).customer == customer.id
        return
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_methods.attach(token, {"customer": customer.id})
    assert declined.value.code == code
    assert client.v1.payment_methods.list({"customer": customer.id}).data == []


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3056930009020004", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
    ],
)
def test_brands(client: stripe.StripeClient, number: str, brand: str) -> None:
    method = save(client, number)
    assert method.card is not None
    assert (method.card.brand, method.card.last4) == (brand, number[-4:])
    intent = client.v1.payment_intents.create({**CHARGED, "payment_method": method.id})
    assert intent.status == "succeeded"


@pytest.mark.parametrize(
    ("number", "more", "code"),
    [
        ("4242424242424241", {}, "incorrect_number"),
        ("4532015112830366", {}, "card_declined"),
        ("4242424242424242", {"exp_month": 13}, "invalid_expiry_month"),
        ("4242424242424242", {"exp_year": 2020}, "invalid_expiry_year"),
    ],
)
def test_wrong_numbers_and_dates(client: stripe.StripeClient, number: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(stripe.CardError) as declined:
        save(client, number, **more)
    assert declined.value.code == code


def test_a_method_without_customer_pays_once(client: stripe.StripeClient) -> None:
    method = save(client, "4242424242424242")
    client.v1.payment_intents.create({**CHARGED, "payment_method": method.id})
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_intents.create({**CHARGED, "payment_method": method.id})


def test_a_saved_method_pays_only_for_its_customer(client: stripe.StripeClient) -> None:
    ann, bob = (client.v1.customers.create({"name": name}).id for name in ("Ann", "Bob"))
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": ann})
    for customer in (ann, ann):
        params: Any = {**CHARGED, "payment_method": method.id, "customer": customer, "off_session": True}
        assert client.v1.payment_intents.create(params).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        client.v1.payment_intents.create({**params, "customer": bob})
    del params["customer"]
    with pytest.raises(stripe.InvalidRequestError, match="belongs to the Customer"):
        client.v1.payment_intents.create(params)
    client.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_intents.create({**params, "customer": ann})


def _challenge(sandbox: Sandbox, intent: Any, outcome: str) -> httpx.Response:
    url = intent.next_action.use_stripe_sdk["stripe_js"]
    body = {"client_secret": intent.client_secret, "outcome": outcome}
    return HTTP.post(url.partition("?")[0], json=body)


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184", "4000000000003220"])
@pytest.mark.parametrize("capture_method", ["automatic", "manual"])
def test_challenge_passed(sandbox: Sandbox, client: stripe.StripeClient, number: str, capture_method: str) -> None:
    params: Any = {**CHARGED, "payment_method": save(client, number).id, "capture_method": capture_method}
    intent = client.v1.payment_intents.create(params)
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert _challenge(sandbox, intent, "complete").status_code == 200
    intent = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert intent.status == ("succeeded" if capture_method == "automatic" else "requires_capture")
    assert isinstance(intent.latest_charge, stripe.Charge)
    details: Any = intent.latest_charge.payment_method_details
    assert details.card.three_d_secure.result == "authenticated"
    assert _challenge(sandbox, client.v1.payment_intents.create(params | {
        "payment_method": save(client, number).id}), "fail").status_code == 200  # fmt: skip


def test_challenge_failed_can_be_tried_again(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    params: Any = {**CHARGED, "payment_method": "pm_card_threeDSecure2Required"}
    intent = client.v1.payment_intents.create(params)
    first = intent
    assert _challenge(sandbox, first, "fail").status_code == 200
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.next_action) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert _challenge(sandbox, first, "complete").status_code == 400
    intent = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_threeDSecure2Required"})
    _challenge(sandbox, intent, "complete")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_challenge_then_declined(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({**CHARGED, "payment_method": save(client, "4000008260003178").id})
    _challenge(sandbox, intent, "complete")
    intent = client.v1.payment_intents.retrieve(intent.id)
    assert intent.last_payment_error is not None
    assert (intent.status, intent.last_payment_error.decline_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )


def test_challenge_page_sends_the_payer_back(client: stripe.StripeClient) -> None:
    back = "https://shop.test/done?x=1"
    intent = client.v1.payment_intents.create(
        {**CHARGED, "payment_method": "pm_card_authenticationRequired", "return_url": back}
    )
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    url = str(intent.next_action.redirect_to_url.url)
    page = HTTP.get(url)
    assert (page.status_code, str(intent.client_secret) in page.text) == (200, True)
    form = {"client_secret": str(intent.client_secret), "outcome": "complete"}
    answer = HTTP.post(url.partition("?")[0], data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"{back}&payment_intent={intent.id}&payment_intent_client_secret={intent.client_secret}"
        "&redirect_status=succeeded"
    )


def test_wrong_secret_ends_no_challenge(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent: Any = client.v1.payment_intents.create({**CHARGED, "payment_method": "pm_card_authenticationRequired"})
    intent.client_secret += "x"
    assert _challenge(sandbox, intent, "complete").status_code == 400
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_action"


def test_off_session(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    """A card that asks for its owner is declined off-session, unless it was set up before."""
    customer = client.v1.customers.create({"name": "Ann"}).id
    method = client.v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer})
    params: Any = {**CHARGED, "payment_method": method.id, "customer": customer, "off_session": True}
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(params)
    assert declined.value.code == "authentication_required"
    setup = client.v1.setup_intents.create({"customer": customer, "payment_method": method.id, "confirm": True})
    assert setup.status == "requires_action"
    _challenge(sandbox, setup, "complete")
    assert client.v1.setup_intents.retrieve(setup.id).status == "succeeded"
    assert client.v1.payment_intents.create(params).status == "succeeded"


def test_set_up_with_a_payment(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Ann"}).id
    params: Any = {**CHARGED, "payment_method": "pm_card_visa", "customer": customer}
    client.v1.payment_intents.create({**params, "setup_future_usage": "off_session"})
    saved = client.v1.payment_methods.list({"customer": customer, "type": "card"}).data
    assert len(saved) == 1
    params = {**CHARGED, "payment_method": saved[0].id, "customer": customer, "off_session": True}
    assert client.v1.payment_intents.create(params).status == "succeeded"


def test_setup_intents_move_by_their_states(client: stripe.StripeClient) -> None:
    setups = client.v1.setup_intents
    setup = setups.create({})
    assert setup.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        setups.confirm(setup.id)
    assert refused.value.code == "setup_intent_unexpected_state"
    with pytest.raises(stripe.CardError):
        setups.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    assert setups.confirm(setup.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        setups.cancel(setup.id)
    assert refused.value.code == "setup_intent_unexpected_state"
    assert setups.cancel(setups.create({}).id).status == "canceled"
