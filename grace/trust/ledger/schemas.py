"""The books over the wire."""

from collections.abc import Iterable

from grace.kit.csv import csv_text
from grace.kit.money import Amount, to_major
from grace.kit.web import Answer
from grace.trust.ledger.models import TrialLine


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


def trial_csv(lines: Iterable[TrialLine]) -> str:
    """The trial balance as a table: a row an account, its balance on the side where it stands."""
    rows = (
        (
            line.purpose,
            line.owner,
            line.currency,
            to_major(line.balance_minor, line.currency) if line.balance_minor > 0 else None,
            to_major(-line.balance_minor, line.currency) if line.balance_minor < 0 else None,
        )
        for line in lines
    )
    return csv_text(("purpose", "owner", "currency", "debit", "credit"), rows)
