"""Charges: one attempt to take money, made by a PaymentIntent. Captured, it gets a balance transaction with
the fee.

With `automatic_async`, Stripe's default, the balance transaction comes a moment later with
`charge.updated`.
"""

from grace_sandbox.stripe.balance import book, settles_on
from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.cards import Decline, decline_message
from grace_sandbox.stripe.currencies import charge_fee
from grace_sandbox.stripe.errors import Json
from grace_sandbox.stripe.lists import page, search
from grace_sandbox.stripe.payment_methods import card_of
from grace_sandbox.stripe.work import later

AUTHORISATION_DAYS = 7


@operation("GET", "/v1/charges/{charge}")
def retrieve(call: Call, id_: str) -> Json:
    return call.get("charge", id_)


@operation("GET", "/v1/charges")
def list_charges(call: Call) -> Json:
    return page(call, "charge", "/v1/charges", equal=("customer", "payment_intent", "transfer_group"))


@operation("GET", "/v1/charges/search")
def search_charges(call: Call) -> Json:
    return search(
        call,
        "charge",
        "/v1/charges/search",
        fields=("amount", "created", "currency", "customer", "disputed", "refunded", "status"),
    )


@operation("POST", "/v1/charges/{charge}")
def update(call: Call, id_: str) -> Json:
    charge = call.get("charge", id_)
    for key in ("description", "receipt_email", "shipping", "transfer_group", "customer", "fraud_details"):
        if key in call.params:
            charge[key] = call.params[key] or None
    charge["metadata"] = call.metadata(charge["metadata"])
    call.save(charge)
    call.emit("charge.updated", charge)
    return charge


def make(call: Call, intent: Json, method: Json, *, captured: bool, decline: Decline | None = None) -> Json:
    """The charge of one attempt, saved; not captured, or failed when `decline` is given."""
    amount = intent["amount"]
    charge: Json = {
        "id": call.new_id("ch"), "object": "charge", "amount": amount,
        "amount_captured": amount if captured and not decline else 0, "amount_refunded": 0,
        "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": None, "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "GRACE SANDBOX", "captured": captured and not decline,
        "created": call.now, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline_message(decline) if decline else None, "fraud_details": {},
        "livemode": False, "metadata": dict(intent["metadata"]), "on_behalf_of": None,
        "outcome": _outcome(decline), "paid": decline is None, "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(call, intent, method, captured=captured, decline=decline),
        "receipt_email": intent["receipt_email"], "receipt_number": None, "receipt_url": None,
        "refunded": False, "review": None, "shipping": intent["shipping"], "source": None,
        "source_transfer": None, "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded", "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }  # fmt: skip
    call.save(charge)
    return charge


def _outcome(decline: Decline | None) -> Json:
    common: Json = {"network_advice_code": None, "network_decline_code": None}
    if decline is None:
        return common | {
            "advice_code": None, "network_status": "approved_by_network", "reason": None,
            "risk_level": "normal", "risk_score": 20, "seller_message": "Payment complete.",
            "type": "authorized",
        }  # fmt: skip
    if decline.reason == "highest_risk_level":
        return common | {
            "advice_code": None, "network_status": "not_sent_to_network", "reason": decline.reason,
            "risk_level": "highest", "risk_score": 90, "type": "blocked",
            "seller_message": "Stripe blocked this payment as too risky.",
        }  # fmt: skip
    reason = decline.decline_code or decline.code
    return common | {
        "advice_code": "try_again_later", "network_status": "declined_by_network", "reason": reason,
        "risk_level": "normal", "risk_score": 20, "type": "issuer_declined",
        "seller_message": f"The bank returned the decline code `{reason}`.",
    }  # fmt: skip


def _details(call: Call, intent: Json, method: Json, *, captured: bool, decline: Decline | None) -> Json:
    amount = intent["amount"]
    card = method["card"]
    checks = dict(card["checks"])
    if decline is not None and decline.code == "incorrect_cvc":
        checks["cvc_check"] = "fail"
    details: Json = {
        "amount_authorized": None if decline else amount, "authorization_code": None,
        "brand": card["brand"], "checks": checks, "country": card["country"],
        "exp_month": card["exp_month"], "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"}, "fingerprint": card["fingerprint"],
        "funding": card["funding"], "incremental_authorization": {"status": "unavailable"},
        "installments": None, "last4": card["last4"], "mandate": None,
        "multicapture": {"status": "unavailable"}, "network": card["brand"],
        "network_token": {"used": False}, "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": card["regulated_status"], "three_d_secure": intent.get("_authenticated"),
        "transaction_link_id": None, "wallet": None,
    }  # fmt: skip
    if not captured and decline is None:
        details["capture_before"] = call.now + AUTHORISATION_DAYS * 86_400
    return {"card": details, "type": "card"}


def settle(call: Call, charge: Json) -> None:
    """Books the captured amount and its fee."""
    card = card_of(call.get("payment_method", charge["payment_method"]))
    amount = charge["amount_captured"]
    available_on = call.now if card.settles_at_once else settles_on(call.now)
    transaction = book(
        call,
        type_="charge",
        source=charge,
        amount=amount,
        fee=charge_fee(amount, charge["currency"]),
        available_on=available_on,
    )
    charge["balance_transaction"] = transaction["id"]
    call.save(charge)


@later("settle_charge")
def settle_later(call: Call, id_: str) -> None:
    charge = call.get("charge", id_)
    settle(call, charge)
    call.emit("charge.updated", charge, previous={"balance_transaction": None})
