"""Why invoicing refuses.

Problem
├── NotFound ── InvoiceNotFound
├── Invalid ─── UnknownSeries
└── Conflict
    ├── WrongState         the invoice's state does not allow it
    ├── OverPayment        more than is due
    ├── NothingLeft        less of the project is left to invoice, or nothing
    └── NumberUnavailable  the series cannot give this number
"""

from decimal import Decimal

from grace.kit.errors import Conflict, Invalid, NotFound


class InvoiceNotFound(NotFound):
    """No invoice has this id or number."""

    slug, title = "invoice-not-found", "No such invoice"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No invoice is called {str(reference)[:128]!r} here.")


class UnknownSeries(Invalid):
    """The setting `invoicing` has no such series."""

    slug, title = "unknown-series", "No such series of numbers"


class WrongState(Conflict):
    """The invoice's state does not allow it."""

    slug, title = "wrong-invoice-state", "Not possible in the invoice's state"


class OverPayment(Conflict):
    """The payment is larger than what is due."""

    slug, title = "over-payment", "More than is due"

    def __init__(self, due: Decimal, currency: str) -> None:
        super().__init__(f"{due} {currency} is due.", amount_due=due, currency=currency)


class NumberUnavailable(Conflict):
    """The series gives a number that is too long, or that another series gave before."""

    slug, title = "number-unavailable", "The series cannot give this number"


class NothingLeft(Conflict):
    """All of the project is invoiced, or less than what is asked for is left; `left` says how much."""

    slug, title = "nothing-left", "Not so much is left to invoice"

    def __init__(self, left: Decimal, currency: str) -> None:
        super().__init__(f"{left} {currency} of the project is not yet invoiced.", left=left, currency=currency)
