"""The 3-D Secure challenge: the payer passes it or fails it at `/_3ds/<account>/<intent>`."""

from typing import Literal

from grace_sandbox.stripe.call import Call
from grace_sandbox.stripe.cards import Decline
from grace_sandbox.stripe.confirmation import pay, refuse
from grace_sandbox.stripe.errors import Json, card_error, invalid
from grace_sandbox.stripe.setup_intents import finish_setup, refuse_setup

Outcome = Literal["complete", "fail"]
_FAILED = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
_PASSED: Json = {
    "authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": None,
    "result": "authenticated", "result_reason": None, "transaction_id": None, "version": "2.2.0",
}  # fmt: skip


def resolve_challenge(call: Call, id_: str, *, client_secret: str, outcome: Outcome) -> Json:
    """Ends the challenge of a payment or setup intent and carries the intent on; returns the intent.

    A second answer to the same challenge is refused. A decline after a passed challenge is a state, not an
    error.
    """
    intent = call.store.get(call.account.name, id_)
    if intent is None or intent.get("client_secret") != client_secret:
        raise invalid(f"No such challenge: '{id_}'", code="resource_missing")
    if intent["status"] != "requires_action":
        raise invalid(f"This challenge is over: the intent has a status of {intent['status']}.")
    method = call.get("payment_method", intent["payment_method"])
    setup = intent["object"] == "setup_intent"
    if outcome == "fail":
        if setup:
            refuse_setup(call, intent, method, Decline("setup_intent_authentication_failure"), _FAILED)
        else:
            refuse(
                call,
                intent,
                card_error(_FAILED, code="payment_intent_authentication_failure", payment_method=method),
            )
        return intent
    intent["next_action"] = None
    intent["_authenticated"] = _PASSED
    if setup:
        return finish_setup(call, intent, method)
    if intent["confirmation_method"] == "manual":
        intent["status"] = "requires_confirmation"
        call.save(intent)
        return intent
    pay(call, intent, method)
    return intent
