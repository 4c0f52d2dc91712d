"""Why payments are refused.

Problem
└── Conflict ── DuplicatePayment
"""

from grace.kit.errors import Conflict


class DuplicatePayment(Conflict):
    """The reference is recorded for this invoice and method already."""

    slug, title = "duplicate-payment", "This payment is recorded already"
