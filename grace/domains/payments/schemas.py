"""Payments over the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from grace.domains.payments.models import Method, Payment
from grace.kit.money import Amount, to_major
from grace.kit.web import Answer, Body, Moment


class ManualPaymentIn(Body):
    """Money that came outside of Grace. `reference` is the bank's or the client's; `received_at` is now if left out."""

    invoice_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=64)] | Annotated[int, Field(strict=True, ge=1)]
    )
    amount: Amount
    method: Method
    reference: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    received_at: Moment | None = None


class PaymentOut(Answer):
    """A payment. `stripe_invoice_id` is always null: no invoice object exists at Stripe."""

    id: str
    number: int
    invoice_id: str
    client_id: str
    project_id: str | None
    provider: str
    method: str
    reference: str | None
    amount: Amount
    currency: str
    status: str
    refunded: bool
    received_at: datetime
    verification_signature: str
    stripe_invoice_id: None = None
    stripe_payment_intent_id: str | None = None
    created_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        """From the row."""
        return cls(
            amount=to_major(payment.amount_minor, payment.currency),
            refunded=payment.status == "refunded",
            **{name: getattr(payment, name) for name in cls.model_fields if hasattr(payment, name)},
        )


class PaymentList(Answer):
    """A page of payments."""

    items: list[PaymentOut]
    next_cursor: str | None
