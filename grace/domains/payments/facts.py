"""What happened to payments. Amounts are minor units."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class PaymentReceived(Fact):
    """A client's money arrived."""

    topic: ClassVar[str] = "payment"
    payment_id: str
    invoice_id: str
    client_id: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentReversed(Fact):
    """A payment that was recorded by hand did not happen."""

    topic: ClassVar[str] = "payment"
    payment_id: str
    invoice_id: str
    client_id: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AttemptChanged(Fact):
    """The provider said something new about an attempt to collect an invoice."""

    topic: ClassVar[str] = "payment_attempt"
    attempt_id: str
    invoice_id: str
    state: str
    failure_code: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Overpaid(Fact):
    """A client's card was charged more than was due by then; the excess is customer credit."""

    topic: ClassVar[str] = "payment_attempt"
    attempt_id: str
    invoice_id: str
    client_id: str
    currency: str
    excess_minor: int


@dataclass(frozen=True, slots=True)
class RefundOrdered(Fact):
    """Money goes back to a client."""

    topic: ClassVar[str] = "refund"
    refund_id: str
    invoice_id: str
    client_id: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundSucceeded(Fact):
    """All of a refund has gone back."""

    topic: ClassVar[str] = "refund"
    refund_id: str
    invoice_id: str
    client_id: str
    version: int


@dataclass(frozen=True, slots=True)
class RefundFailed(Fact):
    """A refund, or a part of it, did not go back; what did not is the business's again."""

    topic: ClassVar[str] = "refund"
    refund_id: str
    invoice_id: str
    client_id: str
    version: int
