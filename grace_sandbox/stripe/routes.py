"""All operations that the sandbox plays, gathered by importing the modules that register them."""

from grace_sandbox.stripe import (
    balance,
    charges,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    webhook_endpoints,
)
from grace_sandbox.stripe.call import ROUTES

RESOURCES = (
    balance,
    charges,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    webhook_endpoints,
)
__all__ = ["RESOURCES", "ROUTES"]
