"""Payment methods: cards, made from test numbers or test names, attached to customers and detached.

A detached method, or one that paid without a customer, may not be used again. The behaviour of a card is in
the private fields `_number`, `_set_up` (ready for off-session use) and `_spent`.
"""

import hashlib
from datetime import UTC, datetime

from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.cards import (
    CARDS,
    TestCard,
    check_expiry,
    decline_message,
    incomplete,
    named_card,
    numbered_card,
)
from grace_sandbox.stripe.errors import Json, card_error, invalid
from grace_sandbox.stripe.lists import page

_REUSE = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
    "shared with a connected account without Customer attachment, or was detached from a Customer. It may "
    "not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
)


@operation("POST", "/v1/payment_methods", publishable=True)
def create(call: Call) -> Json:
    method = make(call, call.params)
    call.save(method)
    return method


@operation("GET", "/v1/payment_methods/{payment_method}")
def retrieve(call: Call, id_: str) -> Json:
    return call.get("payment_method", id_, kind="PaymentMethod")


@operation("POST", "/v1/payment_methods/{payment_method}")
def update(call: Call, id_: str) -> Json:
    method = call.get("payment_method", id_, kind="PaymentMethod")
    if method["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.")
    _details(method, call.params)
    card = call.params.get("card", {})
    method["card"].update({key: card[key] for key in ("exp_month", "exp_year") if key in card})
    method["metadata"] = call.metadata(method["metadata"])
    call.save(method)
    call.emit("payment_method.updated", method)
    return method


@operation("GET", "/v1/payment_methods")
def list_methods(call: Call) -> Json:
    return page(
        call,
        "payment_method",
        "/v1/payment_methods",
        equal=("customer", "type"),
        where="data ->> 'customer' is not null",
    )


@operation("POST", "/v1/payment_methods/{payment_method}/attach")
def attach(call: Call, id_: str) -> Json:
    if "customer" not in call.params:
        raise incomplete("customer")
    return attach_to(call, id_, call.params["customer"], param="id")


@operation("POST", "/v1/payment_methods/{payment_method}/detach")
def detach(call: Call, id_: str) -> Json:
    method = call.get("payment_method", id_, kind="PaymentMethod")
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    return detach_from(call, method)


def make(call: Call, given: Json) -> Json:
    """A new card payment method from `type` and `card` {number or token, exp_month, exp_year, cvc}; not
    saved yet.
    """
    if given.get("type", "card") != "card":
        raise invalid(
            f"The payment method type `{given['type']}` is not available in this account.",
            param="type",
            code="payment_method_unsupported_type",
        )
    fields = given.get("card")
    if not fields:
        raise incomplete("card")
    today = datetime.fromtimestamp(call.now, UTC)
    if "token" in fields:
        card = named_card(fields["token"])
        if card is None:
            raise invalid(f"No such token: '{fields['token']}'", param="card[token]", code="resource_missing")
        month, year = 12, today.year + 2
    else:
        for key in ("number", "exp_month", "exp_year"):
            if key not in fields:
                raise incomplete(f"card[{key}]")
        card = numbered_card(fields["number"])
        month, year = fields["exp_month"], fields["exp_year"]
        check_expiry(month, year, now_year=today.year, now_month=today.month)
    return _build(call, card, month, year + 2000 if year < 100 else year, given)


def resolve(call: Call, id_: str, *, param: str = "payment_method") -> Json:
    """The stored method of that id; a test name such as `pm_card_visa` makes a new one, as at Stripe."""
    card = named_card(id_) if id_.startswith("pm_card_") else None
    if card is None:
        return call.get("payment_method", id_, param=param, kind="PaymentMethod")
    method = _build(call, card, 12, datetime.fromtimestamp(call.now, UTC).year + 2, {})
    call.save(method)
    return method


def _build(call: Call, card: TestCard, month: int, year: int, given: Json) -> Json:
    mark = hashlib.sha256(f"{call.store.seed}:{card.number}".encode()).hexdigest()[:16]
    checks: Json = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"}
    details: Json = {
        "brand": card.brand, "checks": checks, "country": _country(card.number), "display_brand": card.brand,
        "exp_month": month, "exp_year": year, "fingerprint": mark,
        "funding": "debit" if card.debit else "credit", "generated_from": None, "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None}, "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True}, "wallet": None,
    }  # fmt: skip
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    method: Json = {
        "id": call.new_id("pm"), "object": "payment_method", "allow_redisplay": "unspecified",
        "billing_details": {**dict.fromkeys(("email", "name", "phone", "tax_id")), "address": address},
        "card": details,
        "created": call.now, "customer": None, "customer_account": None, "livemode": False, "metadata": {},
        "type": "card", "_number": card.number, "_set_up": False, "_spent": False,
    }  # fmt: skip
    _details(method, given)
    method["metadata"] = dict(given.get("metadata") or {})
    return method


def _country(number: str) -> str:
    return {"4000003560000008": "IN", "4000002760000016": "DE", "4000008260000000": "GB"}.get(number, "US")


def _details(method: Json, given: Json) -> None:
    details = given.get("billing_details") or {}
    address = details.get("address") or {}
    method["billing_details"]["address"].update({key: value or None for key, value in address.items()})
    method["billing_details"].update({key: value or None for key, value in details.items() if key != "address"})
    if given.get("allow_redisplay"):
        method["allow_redisplay"] = given["allow_redisplay"]


def card_of(method: Json) -> TestCard:
    return CARDS[method["_number"]]


def check_usable(method: Json, customer: str | None) -> None:
    """Refuses a method that is spent, or that belongs to another customer than the payment's."""
    if method["_spent"]:
        raise invalid(_REUSE, param="payment_method")
    if method["customer"] is not None and method["customer"] != customer:
        if customer is None:
            raise invalid(
                f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. Please "
                "include the Customer in the `customer` parameter on the PaymentIntent.",
                param="payment_method",
            )
        raise invalid(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {customer}. "
            "Please use this PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )


def attach_to(call: Call, id_: str, customer: str, *, param: str) -> Json:
    """Saves the method to the customer; a card that is declined when saved is refused."""
    call.customer(customer)
    method = resolve(call, id_, param=param)
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )
    if method["_spent"]:
        raise invalid(_REUSE, param="payment_method")
    card = card_of(method)
    if card.decline is not None and not card.attaches:
        raise card_error(
            decline_message(card.decline),
            code=card.decline.code,
            decline_code=card.decline.decline_code,
            keep=False,
        )
    method["customer"] = customer
    method["card"]["checks"]["cvc_check"] = "pass"
    call.save(method)
    call.emit("payment_method.attached", method)
    return method


def detach_from(call: Call, method: Json) -> Json:
    """Takes the method from its customer for good; a customer's default that named it is emptied."""
    owner = call.get("customer", method["customer"])
    method["customer"], method["_spent"] = None, True
    call.save(method)
    if owner["invoice_settings"]["default_payment_method"] == method["id"]:
        owner["invoice_settings"]["default_payment_method"] = None
        call.save(owner)
    call.emit("payment_method.detached", method, previous={"customer": owner["id"]})
    return method
