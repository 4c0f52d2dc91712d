"""Rows of payments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

PaymentId = NewType("PaymentId", str)
PAYMENT_PREFIX = "pay"
MANUAL = "manual"
"""The provider of payments that a person records."""

PaymentStatus = Literal["pending", "paid", "failed", "refunded"]
Method = Literal["bank_transfer", "cash", "cheque", "upi", "card", "other"]


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received towards an invoice; `net_minor` is the part that is revenue, the rest is tax.

    `received_at` is when the money came (business time), `created_at` when that was recorded.
    """

    id: PaymentId
    number: int
    invoice_id: str
    client_id: str
    project_id: str | None
    provider: str
    method: str
    reference: str | None
    currency: str
    amount_minor: int
    net_minor: int
    status: PaymentStatus
    received_at: datetime
    recorded_by: str
    verification_signature: str
    created_at: datetime
