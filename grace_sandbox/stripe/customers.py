"""Customers: created, updated, searched, deleted. A deleted one stays readable as `deleted: true`."""

import re

from grace_sandbox.stripe import payment_methods
from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.errors import Json, invalid, missing
from grace_sandbox.stripe.lists import page, search
from grace_sandbox.stripe.render import deleted

_PLAIN = (
    "name",
    "email",
    "phone",
    "description",
    "address",
    "shipping",
    "tax_exempt",
    "preferred_locales",
    "business_name",
    "individual_name",
    "balance",
    "invoice_prefix",
    "next_invoice_sequence",
)
_SETTINGS = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


@operation("POST", "/v1/customers")
def create(call: Call) -> Json:
    customer: Json = {
        "id": call.new_id("cus"), "object": "customer", "address": None, "balance": 0, "created": call.now,
        "currency": None, "customer_account": None, "default_source": None, "delinquent": False,
        "description": None, "discount": None, "email": None,
        "invoice_prefix": call.store.new_letters(call.account.name, length=8).upper(),
        "invoice_settings": dict(_SETTINGS), "livemode": False, "metadata": {}, "name": None,
        "next_invoice_sequence": 1, "phone": None, "preferred_locales": [], "shipping": None,
        "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip
    call.save(customer)
    _change(call, customer)
    if call.params.get("payment_method"):
        payment_methods.attach_to(call, call.params["payment_method"], customer["id"], param="payment_method")
    call.save(customer)
    call.emit("customer.created", customer)
    return customer


@operation("GET", "/v1/customers/{customer}")
def retrieve(call: Call, id_: str) -> Json:
    customer = call.get("customer", id_)
    return deleted(customer) if customer.get("_deleted") else customer


@operation("POST", "/v1/customers/{customer}")
def update(call: Call, id_: str) -> Json:
    customer = call.customer(id_, param="id")
    before = dict(customer)
    _change(call, customer)
    call.save(customer)
    changed = {key: before[key] for key in before if before[key] != customer[key]}
    call.emit("customer.updated", customer, previous=changed)
    return customer


@operation("DELETE", "/v1/customers/{customer}")
def delete(call: Call, id_: str) -> Json:
    customer = call.customer(id_, param="id")
    for method in call.find("payment_method", "data ->> 'customer' = ?", id_):
        payment_methods.detach_from(call, method)
    call.emit("customer.deleted", customer)
    customer["_deleted"] = True
    call.save(customer)
    return deleted(customer)


@operation("GET", "/v1/customers")
def list_customers(call: Call) -> Json:
    return page(call, "customer", "/v1/customers", equal=("email",), where="data ->> '_deleted' is null")


@operation("GET", "/v1/customers/search")
def search_customers(call: Call) -> Json:
    found = search(call, "customer", "/v1/customers/search", fields=("created", "email", "name", "phone"))
    found["data"] = [customer for customer in found["data"] if not customer.get("_deleted")]
    return found


@operation("GET", "/v1/customers/{customer}/payment_methods")
def list_methods(call: Call, id_: str) -> Json:
    call.customer(id_, param="id")
    return page(
        call,
        "payment_method",
        f"/v1/customers/{id_}/payment_methods",
        equal=("type",),
        where="data ->> 'customer' = ?",
        args=(id_,),
    )


@operation("GET", "/v1/customers/{customer}/payment_methods/{payment_method}")
def retrieve_method(call: Call, id_: str, method_id: str) -> Json:
    method = call.get("payment_method", method_id)
    if method["customer"] != call.customer(id_, param="id")["id"]:
        raise missing("PaymentMethod", method_id, param="id")
    return method


def _change(call: Call, customer: Json) -> None:
    for key in _PLAIN:
        if key in call.params:
            value = call.params[key]
            empty = "none" if key == "tax_exempt" else None
            customer[key] = empty if value == "" else value
    email = customer["email"]
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid(f"Invalid email address: {email}", param="email", code="email_invalid")
    for key in ("address", "shipping"):
        if customer[key] is not None:
            customer[key] = _filled(customer[key], key)
    customer["metadata"] = call.metadata(customer["metadata"])
    settings = call.params.get("invoice_settings", {})
    chosen = settings.get("default_payment_method")
    if chosen:
        if "payment_method" in call.params and call.params["payment_method"] == chosen:
            payment_methods.attach_to(call, chosen, customer["id"], param="payment_method")
        elif call.get("payment_method", chosen, param="invoice_settings[default_payment_method]")[
            "customer"] != customer["id"]:  # fmt: skip
            raise invalid(
                f"The customer does not have a payment method with the ID {chosen}. The payment method "
                "must be attached to the customer.",
                param="invoice_settings[default_payment_method]",
                code="resource_missing",
            )
    for key, value in settings.items():
        customer["invoice_settings"][key] = None if value == "" else value


def _filled(value: Json, key: str) -> Json:
    if key == "shipping":
        return {"phone": None, **value, "address": _filled(value.get("address", {}), "address")}
    return {**dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")), **value}
