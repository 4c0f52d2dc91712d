"""PaymentIntents: created, updated, confirmed, captured, cancelled; their states and the moves between
them.

requires_payment_method → requires_confirmation → requires_action ↔ … → requires_capture → succeeded;
cancelled from any but succeeded. A declined attempt goes back to requires_payment_method. Every other move
is refused with payment_intent_unexpected_state.
"""

from grace_sandbox.contract.source import Field, Scalar
from grace_sandbox.stripe import charges, refunds
from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.confirmation import adopt_method, confirm_intent
from grace_sandbox.stripe.currencies import check_amount, check_currency, show
from grace_sandbox.stripe.errors import Json, StripeError, invalid, missing
from grace_sandbox.stripe.lists import page, search
from grace_sandbox.stripe.work import later

# What Stripe.js sends beside the documented parameters.
BROWSER = {"client_secret": Field(Scalar("str"), False), "key": Field(Scalar("str"), False)}
DEFAULT_OPTIONS: Json = {"card": {"request_three_d_secure": "automatic"}}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_ONLY_WITH_CONFIRM = ("error_on_requires_action", "mandate", "mandate_data", "off_session", "return_url")
_FREE_FIELDS = (
    "description",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_OPEN_FIELDS = (
    "amount",
    "currency",
    "customer",
    "payment_method",
    "setup_future_usage",
    "capture_method",
    "payment_method_options",
    "allowed_payment_method_types",
    "payment_method_data",
)
_NOT_SIMULATED = (
    "on_behalf_of",
    "transfer_data",
    "application_fee_amount",
    "confirmation_token",
    "hooks",
    "payment_method_configuration",
    "customer_account",
)


@operation("POST", "/v1/payment_intents")
def create(call: Call) -> Json:
    params = call.params
    refuse_unsimulated(call, _NOT_SIMULATED)
    if not params.get("confirm"):
        for key in _ONLY_WITH_CONFIRM:
            if key in params:
                raise invalid(f"`{key}` can only be used with `confirm=true`.", param=key)
    currency = check_currency(params["currency"])
    check_amount(params["amount"], currency)
    if params.get("customer"):
        call.customer(params["customer"])
    id_ = call.new_id("pi")
    intent: Json = {
        "id": id_, "object": "payment_intent", **_accepted_types(call), "amount": params["amount"],
        "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{call.store.new_letters(call.account.name, length=25)}",
        "confirmation_method": params.get("confirmation_method", "automatic"), "created": call.now,
        "currency": currency, "customer": params.get("customer"), "customer_account": None,
        "description": None, "excluded_payment_method_types": None, "last_payment_error": None,
        "latest_charge": None, "livemode": False, "metadata": call.metadata(), "next_action": None,
        "on_behalf_of": None, "payment_method": None, "payment_method_configuration_details": None,
        "payment_method_options": params.get("payment_method_options", DEFAULT_OPTIONS),
        "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
        "setup_future_usage": params.get("setup_future_usage"), "shipping": None, "source": None,
        "statement_descriptor": None, "statement_descriptor_suffix": None,
        "status": "requires_payment_method", "transfer_data": None, "transfer_group": None,
    }  # fmt: skip
    _change_free_fields(call, intent)
    call.save(intent)
    adopt_method(call, intent)
    call.emit("payment_intent.created", intent)
    return confirm_intent(call, intent) if params.get("confirm") else intent


@operation("GET", "/v1/payment_intents/{intent}", publishable=True, extra=BROWSER)
def retrieve(call: Call, id_: str) -> Json:
    return readable(call, "payment_intent", id_)


@operation("GET", "/v1/payment_intents")
def list_intents(call: Call) -> Json:
    return page(call, "payment_intent", "/v1/payment_intents", equal=("customer",))


@operation("GET", "/v1/payment_intents/search")
def search_intents(call: Call) -> Json:
    return search(
        call,
        "payment_intent",
        "/v1/payment_intents/search",
        fields=("amount", "created", "currency", "customer", "status"),
    )


@operation("POST", "/v1/payment_intents/{intent}")
def update(call: Call, id_: str) -> Json:
    intent = call.get("payment_intent", id_, param="intent")
    params = call.params
    refuse_unsimulated(call, _NOT_SIMULATED)
    changes = [key for key in _OPEN_FIELDS if key in params]
    if changes and intent["status"] not in OPEN:
        raise unexpected_state(
            intent,
            f"This PaymentIntent's {changes[0]} could not be updated because it has a "
            f"status of {intent['status']}. You may only update the {changes[0]} of a PaymentIntent "
            f"with one of the following statuses: {', '.join(OPEN)}.",
        )
    if intent["status"] == "canceled":
        raise unexpected_state(intent, "This PaymentIntent could not be updated because it is canceled.")
    if "currency" in params:
        intent["currency"] = check_currency(params["currency"])
    if "amount" in params or "currency" in params:
        amount = params["amount"] if "amount" in params else intent["amount"]
        intent["amount"] = check_amount(amount, intent["currency"])
    if params.get("customer"):
        intent["customer"] = call.customer(params["customer"])["id"]
    for key in (
        "setup_future_usage",
        "capture_method",
        "payment_method_options",
        "allowed_payment_method_types",
    ):
        if key in params:
            intent[key] = params[key] or None
    _change_free_fields(call, intent)
    intent["metadata"] = call.metadata(intent["metadata"])
    adopt_method(call, intent)
    call.save(intent)
    return intent


@operation("POST", "/v1/payment_intents/{intent}/confirm", publishable=True, extra=BROWSER)
def confirm(call: Call, id_: str) -> Json:
    intent = readable(call, "payment_intent", id_)
    refuse_unsimulated(call, _NOT_SIMULATED)
    if intent["status"] not in OPEN:
        done = {
            "succeeded": "it has already succeeded after being previously confirmed",
            "requires_capture": "it has already succeeded after being previously confirmed",
        }
        why = done.get(intent["status"], f"it has a status of {intent['status']}")
        raise unexpected_state(intent, f"You cannot confirm this PaymentIntent because {why}.")
    if call.publishable and intent["confirmation_method"] == "manual":
        raise invalid("This PaymentIntent's confirmation_method is manual: confirm it with your secret key.")
    _change_free_fields(call, intent)
    adopt_method(call, intent)
    return confirm_intent(call, intent)


@operation("POST", "/v1/payment_intents/{intent}/capture")
def capture(call: Call, id_: str) -> Json:
    intent = call.get("payment_intent", id_, param="intent")
    refuse_unsimulated(call, _NOT_SIMULATED)
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            intent,
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture.",
        )
    amount = call.params["amount_to_capture"] if "amount_to_capture" in call.params else intent["amount_capturable"]
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount_to_capture", code="parameter_invalid_integer")
    if amount > intent["amount_capturable"]:
        raise invalid(
            "The remaining capturable amount for this PaymentIntent is "
            f"{show(intent['amount_capturable'], intent['currency'])}.",
            param="amount_to_capture",
            code="amount_too_large",
        )
    check_amount(amount, intent["currency"], param="amount_to_capture")
    if call.params.get("final_capture") is False:
        raise invalid("Multicapture is not available for this PaymentIntent.", param="final_capture")
    charge = call.get("charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    charge["payment_method_details"]["card"].pop("capture_before", None)
    if amount < charge["amount"]:
        refunds.release(call, charge, amount=charge["amount"] - amount)
    charges.settle(call, charge)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    intent["metadata"] = call.metadata(intent["metadata"])
    _change_free_fields(call, intent)
    call.save(intent)
    call.emit("charge.captured", charge, previous={"captured": False, "amount_captured": 0})
    call.emit("payment_intent.succeeded", intent)
    return intent


@operation("POST", "/v1/payment_intents/{intent}/cancel")
def cancel(call: Call, id_: str) -> Json:
    intent = call.get("payment_intent", id_, param="intent")
    allowed = (*OPEN, "requires_capture")
    if intent["status"] not in allowed:
        raise unexpected_state(
            intent,
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            f"canceled: {', '.join(allowed)}.",
        )
    return _end(call, intent, reason=call.params.get("cancellation_reason"))


@later("expire_authorisation")
def expire(call: Call, id_: str) -> None:
    """An authorisation that nobody captured in time is cancelled by Stripe."""
    intent = call.get("payment_intent", id_)
    if intent["status"] == "requires_capture":
        _end(call, intent, reason="automatic")


def _end(call: Call, intent: Json, *, reason: str | None) -> Json:
    held = intent["status"] == "requires_capture"
    intent.update(
        status="canceled",
        canceled_at=call.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    call.save(intent)
    if held:
        charge = call.get("charge", intent["latest_charge"])
        refunds.release(call, charge, amount=charge["amount"])
        call.emit("charge.expired" if reason == "automatic" else "charge.refunded", charge)
    call.emit("payment_intent.canceled", intent)
    return intent


def unexpected_state(intent: Json, message: str) -> StripeError:
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)


def refuse_unsimulated(call: Call, names: tuple[str, ...]) -> None:
    """What the sandbox does not play it refuses, rather than taking it and doing nothing."""
    for name in names:
        if call.params.get(name):
            raise invalid(f"The sandbox does not simulate `{name}`.", param=name)


def readable(call: Call, type_: str, id_: str) -> Json:
    """The intent; with a publishable key only for the one who holds its client secret."""
    found = call.get(type_, id_, param="intent")
    given = call.params.get("client_secret")
    if (call.publishable and given is None) or (given is not None and given != found["client_secret"]):
        if given is None:
            raise invalid("Missing required param: client_secret.", param="client_secret", code="parameter_missing")
        raise missing(type_, id_, param="intent")
    return found


def _accepted_types(call: Call) -> Json:
    """Card only. Without a list of types Stripe chooses the methods by itself, as the dashboard says."""
    types = call.params.get("allowed_payment_method_types")
    automatic = call.params.get("automatic_payment_methods")
    if types is not None and automatic is not None and automatic["enabled"]:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types."
        )
    if types is not None and "card" not in types:
        raise invalid(
            f"The payment method type provided: {', '.join(types)} is invalid. This account accepts: card.",
            param="allowed_payment_method_types",
        )
    if types is None and automatic is None:
        automatic = {"enabled": True}
    if automatic is not None and automatic["enabled"]:
        automatic = {"allow_redirects": "always", **automatic}
    return {"allowed_payment_method_types": types, "automatic_payment_methods": automatic}


def _change_free_fields(call: Call, intent: Json) -> None:
    if call.params.get("statement_descriptor"):
        raise invalid(
            "The `statement_descriptor` parameter is not supported for card payments: use "
            "`statement_descriptor_suffix`.",
            param="statement_descriptor",
        )
    for key in _FREE_FIELDS:
        if key in call.params:
            intent[key] = call.params[key] or None
    if len(intent["statement_descriptor_suffix"] or "") > 22:
        raise invalid(
            "The statement descriptor suffix must be at most 22 characters.",
            param="statement_descriptor_suffix",
        )
