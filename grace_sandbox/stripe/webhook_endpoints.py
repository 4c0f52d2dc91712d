"""Webhook endpoints: where events are sent, signed with the endpoint's own secret, which is shown only
once.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from grace_sandbox.stripe.call import API_VERSION, Call, operation
from grace_sandbox.stripe.errors import Json, invalid
from grace_sandbox.stripe.lists import page
from grace_sandbox.stripe.payment_intents import refuse_unsimulated
from grace_sandbox.stripe.render import deleted

MAX_ENDPOINTS = 16


@operation("POST", "/v1/webhook_endpoints")
def create(call: Call) -> Json:
    refuse_unsimulated(call, ("connect",))
    if len(call.find("webhook_endpoint")) >= MAX_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    if call.params.get("api_version", API_VERSION) != API_VERSION:
        raise invalid(f"The sandbox speaks only {API_VERSION}.", param="api_version")
    endpoint: Json = {
        "id": call.new_id("we"), "object": "webhook_endpoint", "api_version": call.params.get("api_version"),
        "application": None, "created": call.now, "description": call.params.get("description") or None,
        "enabled_events": call.params["enabled_events"], "livemode": False, "metadata": call.metadata(),
        "status": "enabled", "url": _checked(call.params["url"]),
        "_secret": "whsec_" + call.store.new_letters(call.account.name, length=32),
    }  # fmt: skip
    call.save(endpoint)
    return {**endpoint, "secret": endpoint["_secret"]}


@operation("GET", "/v1/webhook_endpoints/{webhook_endpoint}")
def retrieve(call: Call, id_: str) -> Json:
    return call.get("webhook_endpoint", id_, kind="webhook endpoint")


@operation("GET", "/v1/webhook_endpoints")
def list_endpoints(call: Call) -> Json:
    return page(call, "webhook_endpoint", "/v1/webhook_endpoints")


@operation("POST", "/v1/webhook_endpoints/{webhook_endpoint}")
def update(call: Call, id_: str) -> Json:
    endpoint = call.get("webhook_endpoint", id_, kind="webhook endpoint")
    params = call.params
    if "url" in params:
        endpoint["url"] = _checked(params["url"])
    if "enabled_events" in params:
        endpoint["enabled_events"] = params["enabled_events"]
    if "description" in params:
        endpoint["description"] = params["description"] or None
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint["metadata"] = call.metadata(endpoint["metadata"])
    call.save(endpoint)
    return endpoint


@operation("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}")
def delete(call: Call, id_: str) -> Json:
    endpoint = call.get("webhook_endpoint", id_, kind="webhook endpoint")
    call.store.db.execute("delete from object where account = ? and id = ?", (call.account.name, id_))
    call.store.db.execute(
        "update delivery set state = 'gone' where account = ? and endpoint = ? and state in ('pending', 'held')",
        (call.account.name, id_),
    )
    return deleted(endpoint)


def _checked(url: str) -> str:
    """Only this machine: the sandbox sends nothing out of it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        local = host == "localhost" or ip_address(host).is_loopback
        allowed = local and parts.scheme in ("http", "https")
    except ValueError:
        allowed = False
    if not allowed:
        raise invalid("Invalid URL: the sandbox delivers to the loopback only.", param="url", code="url_invalid")
    return url
