"""Payments over the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from grace.domains.payments.models import Method, Payment, ProviderCall, Refund, StoredMethod
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
    """A payment. `stripe_invoice_id` is always null: no invoice object exists at Stripe. `status` is failed for one
    that was recorded by mistake and reversed."""

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
    stripe_payment_intent_id: str | None
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        """From the row."""
        return cls(
            amount=to_major(payment.amount_minor, payment.currency),
            refunded=payment.status == "refunded",
            stripe_payment_intent_id=payment.intent,
            **{name: getattr(payment, name) for name in cls.model_fields if hasattr(payment, name)},
        )


class ReversePayment(Body):
    """Why a payment that somebody recorded did not happen."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class PaymentList(Answer):
    """A page of payments."""

    items: list[PaymentOut]
    next_cursor: str | None


class StoreMethod(Body):
    """A method that the client entered at the provider (`pm_…`); the first one of a client is the default anyway."""

    payment_method: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_]+$")]
    default: bool = True


class MethodOut(Answer):
    """A stored card. `payment_method` is the provider's id."""

    id: str
    number: int
    client_id: str
    payment_method: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    default: bool
    status: str
    created_at: datetime

    @classmethod
    def of(cls, method: StoredMethod) -> "MethodOut":
        """From the row."""
        return cls(
            payment_method=method.provider_method,
            default=method.is_default,
            status=method.state,
            **{name: getattr(method, name) for name in cls.model_fields if hasattr(method, name)},
        )


class MethodList(Answer):
    """A client's stored cards."""

    items: list[MethodOut]
    next_cursor: str | None = None


class RefundOut(Answer):
    """A refund. `status`: pending, succeeded, failed."""

    id: str
    number: int
    invoice_id: str
    client_id: str
    amount: Amount
    currency: str
    reason: str
    ordered_by: str | None
    status: str
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, refund: Refund) -> "RefundOut":
        """From the row."""
        return cls(
            amount=to_major(refund.amount_minor, refund.currency),
            status=refund.state,
            **{name: getattr(refund, name) for name in cls.model_fields if hasattr(refund, name)},
        )


class RefundList(Answer):
    """A page of refunds."""

    items: list[RefundOut]
    next_cursor: str | None


class CallOut(Answer):
    """A call to a provider whose outcome is not known. `status` `case`: a person has to look."""

    id: str
    number: int
    kind: str
    subject: str
    status: str
    tries: int
    error: str | None
    retry_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, call: ProviderCall) -> "CallOut":
        """From the row."""
        return cls(
            subject=call.noun,
            status=call.state,
            **{name: getattr(call, name) for name in cls.model_fields if hasattr(call, name)},
        )


class CallList(Answer):
    """A page of calls."""

    items: list[CallOut]
    next_cursor: str | None


class DropCall(Body):
    """Why a call had no effect and is not to be made."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Received(Answer):
    """The event is kept; what follows from it comes later."""

    received: bool = True
