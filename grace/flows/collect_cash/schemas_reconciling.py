"""Reconciliation over the wire, and as lines for a person."""

from datetime import datetime
from typing import Literal

from grace.domains.payments.rules import Difference
from grace.flows.collect_cash.reconciling import Reconciled
from grace.kit.display import format_money
from grace.kit.money import Amount, to_major
from grace.kit.web import Answer


class DifferenceOut(Answer):
    """One difference. `movement` and `source` are the provider's ids, `document` is ours; `there` is what the provider
    says, `here` what is booked, null where it is missing."""

    kind: Literal["missing_here", "missing_there", "amount", "fee", "currency"]
    what: str
    movement: str | None
    source: str | None
    document: str | None
    currency: str
    there: Amount | None
    here: Amount | None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceOut":
        """From what was found."""
        same = {name: getattr(difference, name) for name in cls.model_fields if hasattr(difference, name)}
        return cls(
            there=_major(difference.there_minor, difference.currency),
            here=_major(difference.here_minor, difference.currency),
            **same,
        )


class Reconciliation(Answer):
    """The ledger against the provider's balance. `movements` were compared; `count` differences were found, of which
    the first 1,000 are told."""

    provider: str
    start: datetime | None
    end: datetime | None
    agrees: bool
    movements: int
    count: int
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, done: Reconciled) -> "Reconciliation":
        """From what was found."""
        same = {name: getattr(done, name) for name in cls.model_fields if name != "differences"}
        return cls(differences=[DifferenceOut.of(each) for each in done.differences], **same)


def sentence(difference: Difference) -> str:
    """A difference as a line."""
    there, here = (
        "nothing" if amount is None else format_money(amount, difference.currency)
        for amount in (difference.there_minor, difference.here_minor)
    )
    ids = " ".join(each for each in (difference.movement, difference.source, difference.document) if each is not None)
    return f"{difference.kind}: {difference.what} {ids}: {there} there, {here} here"


def _major(amount_minor: int | None, currency: str) -> Amount | None:
    return None if amount_minor is None else to_major(amount_minor, currency)
