"""Stripe's objects read as the port's, old shapes too: an event has the shape of its endpoint's API version."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from grace.kit.money import DIGITS, check_currency, rounded
from grace.providers.payments.port import (
    Charge,
    Failure,
    Intent,
    IntentState,
    Method,
    Moved,
    Movement,
    Refund,
    RefundState,
    Refused,
    Signal,
)

OURS = "grace_id"
"""The metadata key under which Stripe's objects carry the id of ours."""
EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.succeeded",
    "charge.updated",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
"""What an endpoint is registered for."""

Json = Mapping[str, Any]

# Where Stripe counts otherwise than ISO 4217.
_DIGITS = DIGITS | {"MGA": 0, "ISK": 2, "UGX": 2}
_INTENT_STATES: dict[str, IntentState] = {
    "requires_payment_method": "requires_payment_method",
    "requires_confirmation": "requires_payment_method",
    "requires_action": "requires_action",
    "requires_capture": "processing",
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_REFUND_STATES: dict[str, RefundState] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}


def to_stripe(amount_minor: int, currency: str) -> int:
    """Stripe's count of an amount; Refused when Stripe cannot charge so small a part of the currency."""
    shift = _DIGITS[currency] - DIGITS[currency]
    if DIGITS[currency] == 3 and amount_minor % 10:
        raise Refused(f"Stripe charges {currency} in steps of 0.010 only.", code="amount_not_chargeable")
    if shift >= 0:
        amount: int = amount_minor * 10**shift
        return amount
    amount, rest = divmod(amount_minor, 10**-shift)
    if rest:
        raise Refused(f"Stripe charges {currency} in whole units only.", code="amount_not_chargeable")
    return int(amount)


def from_stripe(amount: int, currency: str) -> tuple[int, str]:
    """Minor units of ISO 4217 and the upper-case currency."""
    code = check_currency(currency)
    # Charges are of whole units, a fee of 2.9 % of ISK or UGX is not: that must not keep a payment from being booked.
    return rounded(Decimal(amount).scaleb(DIGITS[code] - _DIGITS[code])), code


def intent(value: Json) -> Intent:
    """A PaymentIntent, with its charge if that is expanded."""
    amount_minor, currency = from_stripe(value["amount"], value["currency"])
    charges = (value.get("charges") or {}).get("data") or []
    latest = charges[0] if charges else value.get("latest_charge")
    error = value.get("last_payment_error")
    return Intent(
        id=value["id"],
        ours=(value.get("metadata") or {}).get(OURS),
        state=_INTENT_STATES[value["status"]],
        amount_minor=amount_minor,
        currency=currency,
        customer=_id(value.get("customer")),
        client_secret=value.get("client_secret"),
        failure=failure(error) if error else None,
        charge=_latest(value, latest, amount_minor, currency) if value["status"] == "succeeded" else None,
    )


def _latest(value: Json, latest: Any, amount_minor: int, currency: str) -> Charge:
    if isinstance(latest, Mapping):
        return charge(latest)
    received = value.get("amount_received")
    taken = from_stripe(received, currency)[0] if received is not None else amount_minor
    return Charge(latest if isinstance(latest, str) else value["id"], value["id"], taken, currency, None)


def failure(error: Json) -> Failure:
    """A decline, or whatever else went wrong with the payer's attempt."""
    code = error.get("decline_code") or error.get("code") or error.get("type") or "unknown"
    return Failure(str(code)[:100], str(error.get("message") or "The payment did not go through.")[:500])


def charge(value: Json) -> Charge:
    """A Charge; what was captured of it counts."""
    taken = value.get("amount_captured")
    amount_minor, currency = from_stripe(value["amount"] if taken is None else taken, value["currency"])
    movement = _movement(value.get("balance_transaction"))
    return Charge(value["id"], _id(value.get("payment_intent")), amount_minor, currency, movement)


def refund(value: Json) -> Refund:
    """A Refund."""
    amount_minor, currency = from_stripe(value["amount"], value["currency"])
    return Refund(
        id=value["id"],
        ours=(value.get("metadata") or {}).get(OURS),
        state=_REFUND_STATES[value.get("status") or "pending"],
        amount_minor=amount_minor,
        currency=currency,
        charge=_id(value.get("charge")),
        intent=_id(value.get("payment_intent")),
        failure=value.get("failure_reason"),
        movement=_movement(value.get("balance_transaction")),
    )


def method(value: Json) -> Method:
    """A PaymentMethod; Refused when it is not a card."""
    card = value.get("card")
    if not card:
        raise Refused("Only cards can be stored.", code="not_a_card")
    return Method(
        value["id"], _id(value["customer"]) or "", card["brand"], card["last4"], card["exp_month"], card["exp_year"]
    )


def signal(event: Json) -> Signal:
    """What an event says; unknown kinds and other businesses' objects say nothing."""
    at = datetime.fromtimestamp(event["created"], UTC)
    kind, thing = str(event["type"]), event["data"]["object"]
    match kind.split("."):
        case ["payment_intent", *_] if thing.get("object") == "payment_intent":
            return Signal(at, intent(thing))
        case ["refund", *_] | ["charge", "refund", "updated"] if thing.get("object") == "refund":
            return Signal(at, refund(thing))
        case ["charge", "succeeded" | "captured" | "updated" | "refunded"] if thing.get("object") == "charge":
            return Signal(at, charge(thing))
    return Signal(at, None)


def moved(value: Json) -> Moved:
    """A balance transaction."""
    amount_minor, currency = from_stripe(value["amount"], value["currency"])
    return Moved(
        id=value["id"],
        kind=str(value["type"]),
        source=_id(value.get("source")),
        amount_minor=amount_minor,
        fee_minor=from_stripe(value["fee"], value["currency"])[0],
        currency=currency,
        at=datetime.fromtimestamp(value["created"], UTC),
    )


def _movement(value: Any) -> Movement | None:
    if not isinstance(value, Mapping):
        return None
    amount_minor, currency = from_stripe(value["amount"], value["currency"])
    return Movement(value["id"], amount_minor, from_stripe(value["fee"], value["currency"])[0], currency)


def _id(value: Any) -> str | None:
    """The id of a reference, expanded or not."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None
