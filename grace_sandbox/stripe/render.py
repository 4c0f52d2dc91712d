"""From stored object to answer: private fields dropped, time-dependent fields set, `expand` followed."""

from copy import deepcopy
from typing import Any

from grace_sandbox.stripe.call import Call, public
from grace_sandbox.stripe.errors import Json, invalid

# Fields of each object that hold an id and may be expanded into the object.
EXPANDABLE: dict[str, tuple[str, ...]] = {
    "payment_intent": ("customer", "latest_charge", "payment_method"),
    "charge": ("balance_transaction", "customer", "failure_balance_transaction", "payment_intent"),
    "refund": ("balance_transaction", "charge", "customer", "failure_balance_transaction", "payment_intent",
               "payment_method"),
    "balance_transaction": ("source",),
    "payment_method": ("customer",),
    "setup_intent": ("customer", "latest_attempt", "payment_method"),
    "setup_attempt": ("customer", "payment_method", "setup_intent"),
}  # fmt: skip
MAX_EXPAND_DEPTH = 4


def render(call: Call, value: Json) -> Json:
    """The answer for `value`, with the call's `expand` applied. Lists expand under `data.`."""
    shown = _present(call, deepcopy(value))
    for path in call.params.get("expand", []):
        parts = path.split(".")
        if len(parts) > MAX_EXPAND_DEPTH + (parts[0] == "data"):
            raise invalid(
                f"You cannot expand more than {MAX_EXPAND_DEPTH} levels of a property. Property: {path}",
                param="expand",
            )
        _expand(call, shown, parts, path)
    made: Json = public(shown)
    return made


def _expand(call: Call, value: Json, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if value.get("object") in ("list", "search_result") and name == "data":
        for item in value["data"]:
            if rest:
                _expand(call, item, rest, path)
        return
    nested = value.get("object") == "charge" and name == "refunds"
    if nested and name not in value:
        value[name] = refunds_of(call, value["id"])
    elif name in EXPANDABLE.get(value.get("object", ""), ()):
        if isinstance(value.get(name), str):
            found = call.store.get(call.account.name, value[name])
            value[name] = value[name] if found is None else _present(call, found)
    elif not nested and not isinstance(value.get(name), dict):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    if rest and isinstance(value.get(name), dict):
        _expand(call, value[name], rest, path)


def refunds_of(call: Call, charge: str) -> Json:
    refunds = call.find("refund", "data ->> 'charge' = ?", charge)
    return {"object": "list", "data": refunds[:10], "has_more": len(refunds) > 10,
            "url": f"/v1/charges/{charge}/refunds"}  # fmt: skip


def _present(call: Call, value: Json) -> Json:
    if value.get("object") in ("list", "search_result"):
        value["data"] = [_present(call, item) for item in value["data"]]
    if value.get("object") == "balance_transaction":
        value["status"] = "available" if value["available_on"] <= call.now else "pending"
    return value


def deleted(value: Json) -> dict[str, Any]:
    return {"id": value["id"], "object": value["object"], "deleted": True}
