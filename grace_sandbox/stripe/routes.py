"""All operations that the sandbox plays, gathered by importing the modules that register them."""

from grace_sandbox.stripe import (
    account,
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
    account, balance, charges, customers, events, payment_intents, payment_methods, refunds, setup_intents,
    webhook_endpoints,
)  # fmt: skip
__all__ = ["RESOURCES", "ROUTES"]
