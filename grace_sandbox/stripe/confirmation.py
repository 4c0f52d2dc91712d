"""One attempt to pay an intent: the challenge if the card asks for one, then the charge, which goes or is
declined.
"""

from grace_sandbox.faults import take_fault
from grace_sandbox.stripe import charges, payment_methods
from grace_sandbox.stripe.call import Call, public
from grace_sandbox.stripe.cards import Decline, TestCard, decline_message
from grace_sandbox.stripe.errors import Json, StripeError, card_error, invalid
from grace_sandbox.stripe.payment_methods import card_of, check_usable

_NEEDS_AUTHENTICATION = Decline("authentication_required", "authentication_required")


def adopt_method(call: Call, intent: Json) -> None:
    """Takes the method that the parameters name, if any, into an intent or a setup intent."""
    if call.params.get("payment_method_data"):
        method = payment_methods.make(call, call.params["payment_method_data"])
        call.save(method)
    elif call.params.get("payment_method"):
        method = payment_methods.resolve(call, call.params["payment_method"])
    else:
        return
    check_usable(method, intent["customer"])
    intent["payment_method"] = method["id"]
    intent["status"], intent["next_action"] = "requires_confirmation", None
    call.save(intent)


def confirm_intent(call: Call, intent: Json) -> Json:
    """Pays the intent with its method. A decline raises the 402 that Stripe answers, and is kept."""
    if intent["payment_method"] is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it "
            "again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    for key in ("setup_future_usage", "capture_method"):
        if call.params.get(key):
            intent[key] = call.params[key]
    automatic = intent["automatic_payment_methods"] or {}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects") != "never"
    if redirects and not call.publishable and not call.params.get("return_url"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, you "
            "must provide a `return_url`. If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )
    method = call.get("payment_method", intent["payment_method"])
    off_session = bool(call.params.get("off_session"))
    if off_session and intent["customer"] is not None and method["customer"] is None:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment method "
            "must be attached to the customer.",
            param="payment_method",
            code="resource_missing",
        )
    intent.update(last_payment_error=None, next_action=None, _authenticated=None)
    if needs_challenge(card_of(method), method, intent, off_session=off_session):
        if off_session or call.params.get("error_on_requires_action"):
            raise fail(call, intent, method, _NEEDS_AUTHENTICATION)
        return challenge(call, intent)
    error = pay(call, intent, method)
    if error is not None:
        raise error
    return intent


def needs_challenge(card: TestCard, method: Json, intent: Json, *, off_session: bool) -> bool:
    """Whether the bank wants to see the payer before this attempt."""
    options = (intent["payment_method_options"] or {}).get("card") or {}
    match card.challenge:
        case "optional":
            return options.get("request_three_d_secure") in ("any", "challenge")
        case "unless_set_up":
            return not method["_set_up"]
        case "on_session":
            return not off_session
        case challenge:
            return challenge == "always"


def challenge(call: Call, intent: Json) -> Json:
    """The payer must prove who they are at the address in `next_action`; see `challenges`."""
    kind = intent["object"]
    url = f"{call.base_url}/_3ds/{call.account.name}/{intent['id']}?client_secret={intent['client_secret']}"
    return_url = call.params.get("return_url")
    if return_url:
        action: Json = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    intent.update(status="requires_action", next_action=action)
    call.save(intent)
    call.emit(f"{kind}.requires_action", intent)
    return intent


def pay(call: Call, intent: Json, method: Json) -> StripeError | None:
    """Charges the method; on a decline the error that a confirming caller gets."""
    decline = card_of(method).decline
    fault = take_fault(call.store, ("decline",), account=call.account.name)
    if fault is not None:
        decline = Decline(fault.options["code"], fault.options["decline_code"] or None)
    if decline is not None:
        return fail(call, intent, method, decline)
    manual = intent["capture_method"] == "manual"
    remember_method(call, method, customer=intent["customer"], usage=intent["setup_future_usage"])
    charge = charges.make(call, intent, method, captured=not manual)
    intent["latest_charge"] = charge["id"]
    if manual:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        due = charge["payment_method_details"]["card"]["capture_before"]
        call.later("expire_authorisation", intent, at=due)
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
        if intent["capture_method"] == "automatic":
            charges.settle(call, charge)
        else:
            call.later("settle_charge", charge, at=call.now)
    call.save(intent)
    call.emit("charge.succeeded", charge)
    call.emit("payment_intent.amount_capturable_updated" if manual else "payment_intent.succeeded", intent)
    return None


def remember_method(call: Call, method: Json, *, customer: str | None, usage: str | None) -> None:
    """Saves the method to the customer when it shall be used again; else it is spent, unless it was saved
    before.
    """
    if usage is not None and customer is not None and method["customer"] is None:
        method["customer"] = customer
        call.emit("payment_method.attached", method)
    if usage == "off_session":
        method["_set_up"] = True
    method["_spent"] = method["customer"] is None
    method["card"]["checks"]["cvc_check"] = "pass"
    call.save(method)


def fail(call: Call, intent: Json, method: Json, decline: Decline) -> StripeError:
    """Writes down a failed attempt and returns the error for it."""
    charge = charges.make(call, intent, method, captured=False, decline=decline)
    intent["latest_charge"] = charge["id"]
    call.emit("charge.failed", charge)
    error = card_error(
        decline_message(decline),
        code=decline.code,
        decline_code=decline.decline_code,
        charge=charge["id"],
        payment_method=public(method),
        advice_code="try_again_later" if decline.code == "card_declined" else None,
    )
    refuse(call, intent, error)
    return error


def refuse(call: Call, intent: Json, error: StripeError) -> None:
    """Back to requires_payment_method, with what went wrong."""
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error=dict(error.error),
    )
    call.save(intent)
    call.emit("payment_intent.payment_failed", intent)
    error.error["payment_intent"] = public(intent)
