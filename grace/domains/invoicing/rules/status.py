"""What an invoice's state means to those who ask about its payment."""

from typing import Literal

InvoiceState = Literal["draft", "issued", "part_paid", "paid", "void"]
TransactionStatus = Literal["pending", "paid", "failed", "refunded"]
PAYABLE: tuple[InvoiceState, ...] = ("issued", "part_paid")


def due_minor(state: InvoiceState, *, total_minor: int, paid_minor: int) -> int:
    """What the client still owes: nothing on a draft, nothing on a void invoice."""
    return total_minor - paid_minor if state in PAYABLE else 0


def transaction_status(
    state: InvoiceState, *, paid_minor: int, refunded_minor: int = 0, last_attempt_failed: bool = False
) -> TransactionStatus:
    """In document 1's vocabulary: refunded when all is, paid when nothing is due, failed when void or the last
    attempt failed, else pending."""
    if paid_minor and refunded_minor == paid_minor:
        return "refunded"
    if state == "paid":
        return "paid"
    return "failed" if state == "void" or last_attempt_failed else "pending"


def state_when_paid(*, total_minor: int, paid_minor: int) -> InvoiceState:
    """The state of an issued invoice of which so much is paid."""
    if paid_minor == total_minor:
        return "paid"
    return "part_paid" if paid_minor else "issued"
