"""What goes into a document. Amounts are in minor units of the document's currency; text may be any Unicode.

Figures are printed as given: whoever issues the document has computed them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PartyBlock:
    """Who issues or receives: a name, further lines (address, contact), and tax or company numbers."""

    name: str
    lines: tuple[str, ...] = ()
    email: str = ""
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line; `tax` is a label such as `19 %`, `detail` a second line in smaller print."""

    description: str
    quantity: Decimal
    unit_price_minor: int
    amount_minor: int
    unit: str = ""
    tax: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of the whole document: `CGST 9 %` on a base."""

    label: str
    amount_minor: int
    base_minor: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice, or with another `title` a credit note or pro-forma. `stamp` such as PAID or VOID is set across."""

    number: str
    issued_on: date
    currency: str
    issuer: PartyBlock
    client: PartyBlock
    lines: tuple[InvoiceLine, ...]
    subtotal_minor: int
    total_minor: int
    due_minor: int
    taxes: tuple[TaxLine, ...] = ()
    paid_minor: int = 0
    due_on: date | None = None
    title: str = "Invoice"
    reference: str = ""
    pay_url: str = ""
    payment_note: str = ""
    notes: str = ""
    stamp: str = ""
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """What a payment was for: an invoice and the part of it that was paid."""

    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """A receipt for one payment."""

    number: str
    received_on: date
    currency: str
    issuer: PartyBlock
    client: PartyBlock
    method: str
    items: tuple[ReceiptItem, ...]
    amount_minor: int
    balance_minor: int | None = None
    reference: str = ""
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement: a charge raises the balance, a payment lowers it; `balance_minor` is the balance after it."""

    on: date
    description: str
    balance_minor: int
    charge_minor: int = 0
    payment_minor: int = 0


@dataclass(frozen=True, slots=True)
class StatementDocument:
    """A client's account over a span of time, in one currency."""

    from_day: date
    to_day: date
    currency: str
    issuer: PartyBlock
    client: PartyBlock
    opening_minor: int
    closing_minor: int
    rows: tuple[StatementRow, ...]
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Accounts of one kind over a span of time; balances are debit positive."""

    label: str
    opening_minor: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class AccountsSection:
    """All accounts in one currency: each column of balances sums to zero."""

    currency: str
    rows: tuple[AccountRow, ...]


@dataclass(frozen=True, slots=True)
class AccountsDocument:
    """The accounts of a business over a span of time; from the beginning without `from_day`."""

    from_day: date | None
    to_day: date
    issuer: PartyBlock
    sections: tuple[AccountsSection, ...]
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class ProposalDocument:
    """A proposal: `text` is its Markdown, whose first heading is the title; facts stand above it."""

    number: str
    version: int
    title: str
    issuer: PartyBlock
    client: PartyBlock
    made_on: date
    valid_until: date
    currency: str
    total_minor: int
    weeks: int
    text: str
    accept_url: str = ""
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Signature:
    """One side's signature: a name, when and how it was given. Without `signed_at`, a line to sign on."""

    role: str
    party: str
    name: str = ""
    signed_at: datetime | None = None
    manner: str = "Signed by typing the name"


@dataclass(frozen=True, slots=True)
class ContractDocument:
    """A contract: `text` is the Markdown that is signed, `sha256` its hexadecimal digest."""

    number: str
    title: str
    made_on: date
    issuer: PartyBlock
    client: PartyBlock
    text: str
    sha256: str
    signatures: tuple[Signature, ...]
    locale: str = "en"
