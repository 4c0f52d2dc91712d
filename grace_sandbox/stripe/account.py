"""The account that the key belongs to: always ready to charge, in US dollars."""

from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.errors import Json


@operation("GET", "/v1/account")
def retrieve(call: Call) -> Json:
    return {
        "id": call.account.id, "object": "account", "business_type": "company", "charges_enabled": True,
        "capabilities": {"card_payments": "active", "transfers": "active"}, "country": "US",
        "default_currency": "usd", "details_submitted": True, "email": None, "metadata": {},
        "payouts_enabled": True, "type": "standard",
    }  # fmt: skip
