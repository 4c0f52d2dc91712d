"""Refunds of captured charges, full and partial, never more than is left. Fees are not returned, as at
Stripe.
"""

from typing import Any

from grace_sandbox.stripe.balance import book
from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.cards import TestCard
from grace_sandbox.stripe.currencies import check_granularity, show
from grace_sandbox.stripe.errors import Json, invalid
from grace_sandbox.stripe.lists import page
from grace_sandbox.stripe.payment_methods import card_of
from grace_sandbox.stripe.work import later

# How long the two test cards with slow refunds take, in seconds of the account's clock.
SLOW_REFUND_S = 60


@operation("POST", "/v1/refunds")
def create(call: Call) -> Json:
    charge = _charge_of(call)
    left = charge["amount_captured"] + _released(call, charge) - charge["amount_refunded"]
    if charge["refunded"] or left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = call.params.get("amount", left)
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise invalid(
            f"Refund amount ({show(amount, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({show(left, charge['currency'])})",
            param="amount",
        )
    check_granularity(amount, charge["currency"])
    card = card_of(call.get("payment_method", charge["payment_method"]))
    refund = record(
        call,
        charge,
        amount=amount,
        metadata=call.metadata(),
        reason=call.params.get("reason"),
        pending=card.refund == "pends",
    )
    transaction = book(call, type_="refund", source=refund, amount=-amount)
    refund["balance_transaction"] = transaction["id"]
    call.save(refund)
    _slow_end(call, refund, card)
    call.emit("refund.created", refund)
    call.emit("charge.refunded", charge, previous={"amount_refunded": charge["amount_refunded"] - amount})
    return refund


@operation("GET", "/v1/refunds/{refund}")
def retrieve(call: Call, id_: str) -> Json:
    return call.get("refund", id_)


@operation("GET", "/v1/refunds")
def list_refunds(call: Call) -> Json:
    return page(call, "refund", "/v1/refunds", equal=("charge", "payment_intent"))


@operation("POST", "/v1/refunds/{refund}")
def update(call: Call, id_: str) -> Json:
    refund = call.get("refund", id_)
    refund["metadata"] = call.metadata(refund["metadata"])
    _changed(call, refund)
    return refund


@operation("POST", "/v1/refunds/{refund}/cancel")
def cancel(call: Call, id_: str) -> Json:
    refund = call.get("refund", id_)
    raise invalid(
        f"This refund cannot be canceled because it has a status of {refund['status']}. Only refunds with "
        "a status of requires_action may be canceled.",
        code="resource_invalid_state",
    )


def record(
    call: Call, charge: Json, *, amount: int, metadata: Json, reason: str | None = None, pending: bool = False
) -> Json:
    """Writes a refund of `amount` and raises the charge's refunded sum; books nothing."""
    details: Json = {"card": {"reference": call.store.new_letters(call.account.name, length=16),
                              "reference_status": "available", "reference_type": "acquirer_reference_number",
                              "type": "refund"}, "type": "card"}  # fmt: skip
    refund: Json = {
        "id": call.new_id("re"), "object": "refund", "amount": amount, "balance_transaction": None,
        "charge": charge["id"], "created": call.now, "currency": charge["currency"],
        "customer": charge["customer"], "customer_account": None, "destination_details": details,
        "metadata": metadata, "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"], "reason": reason, "receipt_number": None,
        "source_transfer_reversal": None, "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip
    if pending:
        refund["pending_reason"] = "processing"
    call.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.save(charge)
    return refund


def release(call: Call, charge: Json, *, amount: int) -> None:
    """Gives back what was authorised and never captured: a refund without a balance transaction, as Stripe
    does.
    """
    refund = record(call, charge, amount=amount, metadata={})
    refund["_released"] = True
    call.save(refund)


def _released(call: Call, charge: Json) -> int:
    row: Any = call.store.db.execute(
        "select coalesce(sum(data ->> 'amount'), 0) as amount from object where account = ? and type = "
        "'refund' and data ->> 'charge' = ? and data ->> '_released'",
        (call.account.name, charge["id"]),
    ).fetchone()
    return int(row["amount"])


def _charge_of(call: Call) -> Json:
    named = [key for key in ("charge", "payment_intent") if call.params.get(key)]
    if not named:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    if "payment_intent" in named:
        intent = call.get("payment_intent", call.params["payment_intent"], param="payment_intent")
        if intent["latest_charge"] is None or intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
                code="payment_intent_unexpected_state",
            )
        if call.params.get("charge", intent["latest_charge"]) != intent["latest_charge"]:
            raise invalid("The charge does not belong to the payment_intent.", param="charge")
        return call.get("charge", intent["latest_charge"])
    charge = call.get("charge", call.params["charge"], param="charge")
    if not charge["captured"] or charge["status"] != "succeeded":
        raise invalid(
            f"Charge {charge['id']} has no captured payment to refund.",
            param="charge",
            code="charge_not_refundable",
        )
    return charge


def _slow_end(call: Call, refund: Json, card: TestCard) -> None:
    if card.refund != "succeeds":
        call.later(f"refund_{card.refund}", refund, at=call.now + SLOW_REFUND_S)


def _changed(call: Call, refund: Json) -> None:
    call.save(refund)
    call.emit("refund.updated", refund)
    call.emit("charge.refund.updated", refund)


@later("refund_pends")
def complete(call: Call, id_: str) -> None:
    refund = call.get("refund", id_)
    refund["status"] = "succeeded"
    del refund["pending_reason"]
    _changed(call, refund)


@later("refund_fails")
def fail(call: Call, id_: str) -> None:
    """The bank sent the money back: the refund fails after the fact and its amount returns to the balance."""
    refund = call.get("refund", id_)
    returned = book(call, type_="refund_failure", source=refund, amount=refund["amount"])
    refund.update(
        status="failed", failure_reason="expired_or_canceled_card", failure_balance_transaction=returned["id"]
    )
    charge = call.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    call.save(charge)
    _changed(call, refund)
    call.emit("refund.failed", refund)
