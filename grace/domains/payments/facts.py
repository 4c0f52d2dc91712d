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
