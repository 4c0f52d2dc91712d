"""SetupIntents: a card made ready for later payments without taking money."""

from grace_sandbox.stripe.call import Call, operation, public
from grace_sandbox.stripe.cards import Decline, decline_message
from grace_sandbox.stripe.confirmation import adopt_method, challenge, remember_method
from grace_sandbox.stripe.errors import Json, StripeError, card_error, invalid
from grace_sandbox.stripe.lists import page
from grace_sandbox.stripe.payment_intents import BROWSER, DEFAULT_OPTIONS, OPEN, readable, refuse_unsimulated
from grace_sandbox.stripe.payment_methods import card_of

_NOT_SIMULATED = (
    "on_behalf_of",
    "attach_to_self",
    "single_use",
    "confirmation_token",
    "flow_directions",
    "payment_method_configuration",
    "customer_account",
)


@operation("POST", "/v1/setup_intents")
def create(call: Call) -> Json:
    params = call.params
    refuse_unsimulated(call, _NOT_SIMULATED)
    if params.get("customer"):
        call.customer(params["customer"])
    types = params.get("allowed_payment_method_types")
    automatic = params.get("automatic_payment_methods", None if types else {"enabled": True})
    id_ = call.new_id("seti")
    intent: Json = {
        "id": id_, "object": "setup_intent", "allowed_payment_method_types": types, "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic else None,
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{call.store.new_letters(call.account.name, length=25)}",
        "created": call.now, "customer": params.get("customer"), "customer_account": None,
        "description": params.get("description"), "excluded_payment_method_types": None,
        "flow_directions": None, "last_setup_error": None, "latest_attempt": None, "livemode": False,
        "mandate": None, "metadata": call.metadata(), "next_action": None, "on_behalf_of": None,
        "payment_method": None, "payment_method_configuration_details": None,
        "payment_method_options": params.get("payment_method_options", DEFAULT_OPTIONS),
        "payment_method_types": ["card"], "single_use_mandate": None, "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }  # fmt: skip
    call.save(intent)
    adopt_method(call, intent)
    call.emit("setup_intent.created", intent)
    return _confirm(call, intent) if params.get("confirm") else intent


@operation("GET", "/v1/setup_intents/{intent}", publishable=True, extra=BROWSER)
def retrieve(call: Call, id_: str) -> Json:
    return readable(call, "setup_intent", id_)


@operation("GET", "/v1/setup_intents")
def list_intents(call: Call) -> Json:
    return page(call, "setup_intent", "/v1/setup_intents", equal=("customer", "payment_method"))


@operation("POST", "/v1/setup_intents/{intent}")
def update(call: Call, id_: str) -> Json:
    intent = call.get("setup_intent", id_, param="intent")
    refuse_unsimulated(call, _NOT_SIMULATED)
    _must_be_open(intent, "update")
    if call.params.get("customer"):
        intent["customer"] = call.customer(call.params["customer"])["id"]
    if "description" in call.params:
        intent["description"] = call.params["description"] or None
    intent["metadata"] = call.metadata(intent["metadata"])
    adopt_method(call, intent)
    call.save(intent)
    return intent


@operation("POST", "/v1/setup_intents/{intent}/confirm", publishable=True, extra=BROWSER)
def confirm(call: Call, id_: str) -> Json:
    intent = readable(call, "setup_intent", id_)
    refuse_unsimulated(call, _NOT_SIMULATED)
    _must_be_open(intent, "confirm")
    adopt_method(call, intent)
    return _confirm(call, intent)


@operation("POST", "/v1/setup_intents/{intent}/cancel")
def cancel(call: Call, id_: str) -> Json:
    intent = call.get("setup_intent", id_, param="intent")
    _must_be_open(intent, "cancel")
    intent.update(status="canceled", cancellation_reason=call.params.get("cancellation_reason"), next_action=None)
    call.save(intent)
    call.emit("setup_intent.canceled", intent)
    return intent


def _must_be_open(intent: Json, verb: str) -> None:
    if intent["status"] not in OPEN:
        raise invalid(
            f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
            setup_intent=public(intent),
        )


def _confirm(call: Call, intent: Json) -> Json:
    if intent["payment_method"] is None:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=public(intent),
        )
    method = call.get("payment_method", intent["payment_method"])
    card = card_of(method)
    if card.decline is not None and not card.attaches:
        raise refuse_setup(call, intent, method, card.decline)
    if card.challenge in ("unless_set_up", "on_session", "always"):
        return challenge(call, intent)
    return finish_setup(call, intent, method)


def finish_setup(call: Call, intent: Json, method: Json) -> Json:
    """The card is ready: attached to the customer, if there is one."""
    remember_method(call, method, customer=intent["customer"], usage=intent["usage"])
    intent.update(status="succeeded", next_action=None, last_setup_error=None)
    call.save(intent)
    call.emit("setup_intent.succeeded", intent)
    return intent


def refuse_setup(call: Call, intent: Json, method: Json, decline: Decline, message: str | None = None) -> StripeError:
    """Writes down a failed set-up and returns the error for it."""
    error = card_error(
        message or decline_message(decline),
        code=decline.code,
        decline_code=decline.decline_code,
        payment_method=public(method),
    )
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=dict(error.error),
    )
    call.save(intent)
    call.emit("setup_intent.setup_failed", intent)
    error.error["setup_intent"] = public(intent)
    return error
