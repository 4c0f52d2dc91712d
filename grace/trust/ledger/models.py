"""What verbs take besides lines, and the rows that questions answer with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from grace.trust.ledger.rules import AccountRef, Line, Purpose

PostingId = NewType("PostingId", int)
HoldId = NewType("HoldId", int)

HoldState = Literal["pending", "settled", "released", "expired"]


@dataclass(frozen=True, slots=True)
class NewPosting:
    """One posting of a batch; `event_at` is business time (default: the transaction's)."""

    reference: str
    kind: str
    lines: tuple[Line, ...]
    memo: str | None = None
    event_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """An account as it stands. Amounts on its normal side; `available_minor` is the balance less what is held."""

    purpose: Purpose
    owner: str | None
    currency: str
    balance_minor: int
    held_minor: int
    available_minor: int


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One account in the trial balance; `balance_minor` is debit positive, so that a currency sums to zero."""

    purpose: Purpose
    owner: str | None
    currency: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Turnover:
    """What moved an account between two business times. Balances are debit positive; both sides are positive."""

    purpose: Purpose
    owner: str | None
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line of a posting; `amount_minor` is debit positive."""

    reference: str
    purpose: str
    owner: str | None
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry as a statement shows it; amounts on the account's normal side."""

    posting_id: PostingId
    reference: str
    kind: str
    event_at: datetime
    memo: str | None
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The movements of one account between two business times, from opening to closing balance."""

    account: AccountRef
    opening_minor: int
    movements: tuple[Movement, ...]
    closing_minor: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Reserved money: `expires_at` is business time; `posting_id` is what it was settled by."""

    id: HoldId
    reference: str
    kind: str
    event_at: datetime
    expires_at: datetime | None
    state: HoldState
    posting_id: PostingId | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the books: which rule, of what, and how."""

    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Together:
    """The accounts of a purpose in a currency: how many, and what they hold together, debit positive."""

    purpose: Purpose
    currency: str
    accounts: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class AccountLines:
    """A page of what moved one account, the newest first. Amounts on its normal side; `balance_minor` of the account as
    it stands, `movements` with the balance after each."""

    id: int
    balance_minor: int
    movements: tuple[Movement, ...]
