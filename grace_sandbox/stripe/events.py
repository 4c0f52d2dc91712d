"""Events: what happened, kept with the object as it was then."""

from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.errors import Json
from grace_sandbox.stripe.lists import page


@operation("GET", "/v1/events/{id}")
def retrieve(call: Call, id_: str) -> Json:
    return call.get("event", id_)


@operation("GET", "/v1/events")
def list_events(call: Call) -> Json:
    """Newest first; `type` takes a trailing `*`."""
    where: list[str] = ["true"]
    args: list[object] = []
    kinds = [call.params["type"]] if "type" in call.params else call.params.get("types", [])
    if kinds:
        where.append("(" + " or ".join("data ->> 'type' glob ?" for _ in kinds) + ")")
        args += kinds
    if "delivery_success" in call.params:
        where.append("data ->> 'pending_webhooks' " + ("= 0" if call.params["delivery_success"] else "> 0"))
    return page(call, "event", "/v1/events", where=" and ".join(where), args=tuple(args))
