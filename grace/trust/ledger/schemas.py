"""The books over the wire."""

from grace.kit.money import Amount
from grace.kit.web import Answer


class AccountBalance(Answer):
    """One account; debit is positive, so that each currency sums to zero."""

    purpose: str
    owner: str | None
    currency: str
    balance: Amount


class TrialBalance(Answer):
    """Every account with a balance. `balanced`: debits equal credits in each currency."""

    items: list[AccountBalance]
    next_cursor: None = None
    balanced: bool
