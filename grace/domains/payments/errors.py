"""Why payments are refused.

Problem
├── Malformed ── NotVerified
└── Conflict
    ├── DuplicatePayment    the reference is recorded already
    ├── NoCardProvider      no account is configured
    ├── NothingDue          nothing to collect
    ├── PaymentRefused, MethodRefused, RefundRefused    the provider says no
    ├── OverRefund          more than was paid
    ├── NotReversible       not by hand, reversed already, or some of it went back
    ├── NoCredit            less credit than is to be spent, or none
    └── CallNotWaiting      not a case for a person
"""

from decimal import Decimal

from grace.kit.errors import Conflict, Malformed


class DuplicatePayment(Conflict):
    """The reference is recorded for this invoice and method already."""

    slug, title = "duplicate-payment", "This payment is recorded already"


class NoCardProvider(Conflict):
    """No account at a card provider is configured for this workspace."""

    slug, title = "no-card-provider", "Card payments are not set up"


class NothingDue(Conflict):
    """There is nothing to collect on the invoice."""

    slug, title = "nothing-due", "Nothing is due"


class PaymentRefused(Conflict):
    """The provider refuses to collect this at all."""

    slug, title = "payment-refused", "The payment was refused"


class MethodRefused(Conflict):
    """The provider or the card's bank does not accept the method."""

    slug, title = "payment-method-refused", "The payment method was refused"


class OverRefund(Conflict):
    """More would go back than was paid and has not gone back yet."""

    slug, title = "over-refund", "More than was paid"

    def __init__(self, left: Decimal, currency: str) -> None:
        super().__init__(f"{left} {currency} can still be refunded.", refundable=left, currency=currency)


class NotReversible(Conflict):
    """Only a payment that was recorded by hand is taken back, once, and only while nothing of it was refunded."""

    slug, title = "not-reversible", "This payment is not taken back"


class NoCredit(Conflict):
    """The client has less credit in the currency, or none."""

    slug, title = "no-credit", "Not so much credit"

    def __init__(self, left: Decimal, currency: str) -> None:
        super().__init__(f"The client has {left} {currency} of credit.", credit=left, currency=currency)


class RefundRefused(Conflict):
    """The provider refuses to give the money back."""

    slug, title = "refund-refused", "The refund was refused"


class CallNotWaiting(Conflict):
    """The call to the provider is not a case for a person."""

    slug, title = "call-not-waiting", "The call has ended or is under way"


class NotVerified(Malformed):
    """No secret of ours has signed this event, or its time is out of tolerance."""

    slug, title = "bad-signature", "The event is not verified"
