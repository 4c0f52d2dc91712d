"""The chart of accounts, and what a set of lines must be before it is posted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal, NamedTuple

from grace.trust.ledger.errors import Unbalanced, UnknownAccount

MAX_AMOUNT_MINOR = 2**63 - 1
POSTED = "post_to_ledger"
"""The action under which the audit log tells of a posting."""


class Purpose(StrEnum):
    """What an account is for: the chart of accounts. `CHART` says how each behaves."""

    RECEIVABLE = "receivable"
    CUSTOMER_CREDIT = "customer_credit"
    HELD_FUNDS = "held_funds"
    SELLER_PAYABLE = "seller_payable"
    SELLER_DEBT = "seller_debt"
    BANK = "bank"
    CLEARING = "clearing"
    PROCESSOR_FEES = "processor_fees"
    REFUNDS_IN_FLIGHT = "refunds_in_flight"
    DISPUTES_IN_FLIGHT = "disputes_in_flight"
    SUSPENSE = "suspense"
    REVENUE = "revenue"
    COMMISSION_REVENUE = "commission_revenue"
    UNPAID_REVENUE = "unpaid_revenue"
    DEFERRED_REVENUE = "deferred_revenue"
    TAX_PAYABLE = "tax_payable"
    BAD_DEBT = "bad_debt"
    FX_LIQUIDITY = "fx_liquidity"
    FX_RESULT = "fx_result"
    ROUNDING = "rounding"


class Traits(NamedTuple):
    """How the accounts of a purpose behave; the same as the table `ledger_purpose`.

    `normal` is the side on which the balance grows: 1 debit, -1 credit. `tail`: hot and without a floor,
    never locked. `allow_negative` False: a floor at zero, less what is held. `owned`: must, must not, or
    (None) may have an owner.
    """

    normal: Literal[1, -1]
    tail: bool
    allow_negative: bool
    owned: bool | None


# Floors stand where Grace decides to pay out. What the outside has done already must always be bookable,
# so a client who paid too much has a receivable below zero until the excess is moved to customer credit.
CHART: dict[Purpose, Traits] = {
    Purpose.RECEIVABLE: Traits(1, False, True, True),  # what a client owes
    Purpose.CUSTOMER_CREDIT: Traits(-1, False, False, True),  # what a client may still spend or get back
    Purpose.HELD_FUNDS: Traits(-1, False, False, True),  # protected payment of one job
    Purpose.SELLER_PAYABLE: Traits(-1, False, False, True),  # what an expert is to be paid
    Purpose.SELLER_DEBT: Traits(1, False, False, True),  # what an expert must give back
    Purpose.BANK: Traits(1, True, True, None),  # own bank and cash
    Purpose.CLEARING: Traits(1, True, True, True),  # money at a payment provider
    Purpose.PROCESSOR_FEES: Traits(1, True, True, True),  # cost, by provider
    Purpose.REFUNDS_IN_FLIGHT: Traits(-1, True, True, True),  # ordered from a provider, not yet done
    Purpose.DISPUTES_IN_FLIGHT: Traits(1, True, True, True),  # withdrawn by a provider, not yet decided
    Purpose.SUSPENSE: Traits(-1, True, True, None),  # money that nobody has claimed yet
    Purpose.REVENUE: Traits(-1, True, True, None),
    Purpose.COMMISSION_REVENUE: Traits(-1, True, True, False),
    Purpose.UNPAID_REVENUE: Traits(-1, True, True, True),  # invoiced, not yet paid: revenue counts when paid
    Purpose.DEFERRED_REVENUE: Traits(-1, True, True, None),  # paid, not yet earned
    Purpose.TAX_PAYABLE: Traits(-1, True, True, None),  # by jurisdiction
    Purpose.BAD_DEBT: Traits(1, True, True, False),
    Purpose.FX_LIQUIDITY: Traits(1, True, True, False),  # position in a currency, see rules.exchange
    Purpose.FX_RESULT: Traits(1, True, True, False),  # loss by exchange; a gain is negative
    Purpose.ROUNDING: Traits(1, True, True, False),
}


@dataclass(frozen=True, slots=True)
class AccountRef:
    """Names an account; it opens on its first posting. `owner` is a public id: client, provider, job, expert."""

    purpose: Purpose
    currency: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a posting: `amount_minor` is positive for a debit, negative for a credit."""

    account: AccountRef
    amount_minor: int


def debit(account: AccountRef, amount_minor: int) -> Line:
    """A debit line; a negative amount makes it a credit."""
    return Line(account, amount_minor)


def credit(account: AccountRef, amount_minor: int) -> Line:
    """A credit line; a negative amount makes it a debit."""
    return Line(account, -amount_minor)


def balanced(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line per account, in the order given, without those that come to nothing.

    Unbalanced when nothing is left, a currency does not sum to zero or an amount exceeds 64 bits;
    UnknownAccount when a purpose lacks its owner or has one too many.
    """
    amounts: dict[AccountRef, int] = {}
    totals: dict[str, int] = {}
    for line in lines:
        account, amount = line.account, line.amount_minor
        if account not in amounts:
            _check_account(account)
        amounts[account] = amounts.get(account, 0) + amount
        totals[account.currency] = totals.get(account.currency, 0) + amount
    if any(totals.values()):
        wrong = {currency: total for currency, total in totals.items() if total}
        raise Unbalanced(f"the lines do not sum to zero: {wrong}")
    merged = tuple([Line(account, amount) for account, amount in amounts.items() if amount])
    if not merged:
        raise Unbalanced("there are no lines")
    if max(map(abs, amounts.values())) > MAX_AMOUNT_MINOR:
        raise Unbalanced("an amount exceeds 64 bits")
    return merged


def digest(reference: str, kind: str, event_at: datetime, memo: str | None, lines: Iterable[Line]) -> str:
    """SHA-256 in hex over all that a posting says, one thing a line; `check` computes the same from the tables.

    A line is `purpose owner currency amount`, in the order of the first three; the time is UTC with microseconds.
    """
    ordered = sorted(
        [
            (line.account.purpose.value, line.account.owner or "", line.account.currency, line.amount_minor)
            for line in lines
        ]
    )
    said = [
        reference,
        kind,
        event_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
        *[f"{purpose} {owner} {currency} {amount}" for purpose, owner, currency, amount in ordered],
        memo or "",
    ]
    return sha256("\n".join(said).encode()).hexdigest()


def exchange(given: Line, received: Line) -> tuple[Line, ...]:
    """Lines that join two currencies by the liquidity account of each, so that each currency sums to zero.

    `given` and `received` are the two outer lines of opposite sign, as when 100 EUR arrive for a debt of 108 USD:
    `exchange(debit(clearing_eur, 10000), credit(receivable_usd, 10800))`.
    """
    if given.account.currency == received.account.currency or given.amount_minor * received.amount_minor >= 0:
        raise Unbalanced("an exchange is between two currencies, one line a debit and one a credit")
    return (
        given,
        Line(AccountRef(Purpose.FX_LIQUIDITY, given.account.currency), -given.amount_minor),
        Line(AccountRef(Purpose.FX_LIQUIDITY, received.account.currency), -received.amount_minor),
        received,
    )


def _check_account(account: AccountRef) -> None:
    owned = CHART[account.purpose].owned
    if owned is not None and owned != bool(account.owner):
        raise UnknownAccount(f"{account.purpose} {'needs' if owned else 'has no'} owner")
    if len(account.currency) != 3 or not account.currency.isascii() or not account.currency.isupper():
        raise UnknownAccount(f"{account.currency!r} is not a currency")
