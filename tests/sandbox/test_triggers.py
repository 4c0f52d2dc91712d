"""The request sequences of Stripe's own `stripe trigger`, replayed: each must provoke the event it is named
after.

The files speak an older version: its `payment_method_types` is today's `allowed_payment_method_types`.
"""

import json
import re
from typing import Any

import pytest
import stripe

from tests.sandbox.harness import STRIPE_CONTRACTS, Sandbox, complaints, needs, until
from tests.sandbox.test_contract import brackets

TRIGGERS = STRIPE_CONTRACTS / "cli-triggers"
IN_SCOPE = [
    "charge.captured",
    "charge.failed",
    "charge.refunded",
    "customer.created",
    "customer.updated",
    "payment_intent.canceled",
    "payment_intent.succeeded",
    "payment_method.detached",
    "setup_intent.canceled",
    "setup_intent.requires_action",
    "setup_intent.succeeded",
]


@needs(TRIGGERS)
@pytest.mark.parametrize("event_type", IN_SCOPE)
def test_sequence(sandbox: Sandbox, client: stripe.StripeClient, event_type: str) -> None:
    answers: dict[str, dict[str, Any]] = {}

    def fill(text: str) -> str:
        return re.sub(r"\$\{(\w+):(\w+)\}", lambda m: str(answers[m[1]][m[2]]), text)

    for step in json.loads((TRIGGERS / f"{event_type}.json").read_text())["fixtures"]:
        params = step.get("params", {})
        if "payment_method_types" in params:
            params["allowed_payment_method_types"] = params.pop("payment_method_types")
        body = "&".join(f"{key}={fill(value)}" for key, value in brackets(params))
        path = fill(step["path"])
        response = sandbox.post(path, body)
        answers[step["name"]] = response.json()
        assert complaints("POST", path, response.status_code, response.json()) == []
        error = answers[step["name"]].get("error", {}).get("type")
        assert error == step.get("expected_error_type")
    until(lambda: event_type in [event.type for event in client.v1.events.list({"limit": 50}).data])
