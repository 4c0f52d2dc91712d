"""Collecting cash over the wire."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from grace.domains.crm.schemas.clients import ClientReference
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.schemas import Currency, DraftIn, InvoiceOut, Text, amounts
from grace.domains.invoicing.schemas import PayPage as PayInvoice
from grace.domains.payments.models import Payment
from grace.domains.payments.schemas import PaymentOut
from grace.kit.money import Amount, to_major
from grace.kit.web import Answer, Body, Held
from grace.trust.ledger.models import Movement, Statement, Turnover
from grace.trust.ledger.rules import Purpose

ProjectReference = (
    Annotated[int, Field(strict=True, ge=0, lt=2**63)] | Annotated[str, StringConstraints(max_length=128)]
)
InvoiceReference = (
    Annotated[str, StringConstraints(min_length=1, max_length=64)] | Annotated[int, Field(strict=True, ge=1)]
)


class NewInvoice(DraftIn):
    """A draft. `currency` is the workspace's if left out; `project_id` is kept as given."""

    client_id: ClientReference
    currency: Currency | None = None
    project_id: ProjectReference | None = None


class CreateInvoice(Body):
    """Document 1's `create_invoice`: an invoice of one line, issued at once."""

    project_id: ProjectReference | None = None
    amount: Amount
    description: Text
    client_id: ClientReference
    currency: Currency = "usd"
    metadata: dict[str, Any] = Field(default_factory=dict)


class CreatedInvoice(Answer):
    """The invoice that was issued, and where the client sees and pays it."""

    success: bool = True
    requires_approval: bool = False
    invoice_id: str
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    project_id: str | int | None
    client_id: str
    invoice_number: str | None
    status: str
    amount: Amount
    currency: str

    @classmethod
    def of(cls, invoice: InvoiceOut) -> "CreatedInvoice":
        """From the invoice's record."""
        same = {name: getattr(invoice, name) for name in cls.model_fields if name in InvoiceOut.model_fields}
        same["project_id"] = invoice.project_id or invoice.project_ref
        return cls(invoice_id=invoice.id, **same)


class InvoiceProject(Body):
    """How much of a project to invoice; all that is not yet invoiced if left out."""

    amount: Amount | None = None
    payment_method: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class InvoicedProject(Answer):
    """The invoice that was issued, and where the client pays it."""

    invoice_id: str
    invoice_number: str | None
    payment_link: str | None
    project_id: str | None
    status: str
    amount: Amount
    currency: str

    @classmethod
    def of(cls, invoice: InvoiceOut) -> "InvoicedProject":
        """From the invoice's record."""
        names = cls.model_fields.keys() - {"invoice_id"}
        return cls(invoice_id=invoice.id, **{name: getattr(invoice, name) for name in names})


class StatementLine(Answer):
    """What moved a client's account: invoices are positive, payments negative. `document` names which."""

    at: datetime
    kind: str
    document: str | None
    amount: Amount
    balance: Amount


class AccountOut(Answer):
    """A client's account in one currency: what is owed, and the credit that came of paying too much."""

    currency: str
    opening_balance: Amount
    lines: list[StatementLine]
    closing_balance: Amount
    credit_opening_balance: Amount
    credit_lines: list[StatementLine]
    credit_closing_balance: Amount


class StatementOut(Answer):
    """A client's statement of account, from the ledger."""

    client_id: str
    start: datetime | None
    end: datetime
    accounts: list[AccountOut]

    @classmethod
    def of(
        cls, client_id: str, *, start: datetime | None, end: datetime, statements: Sequence[Statement]
    ) -> "StatementOut":
        """From the receivables and credits of all ids that stand for the client: one account a currency."""
        by_currency: dict[str, list[Statement]] = defaultdict(list)
        for statement in statements:
            by_currency[statement.account.currency].append(statement)
        accounts = [_account(currency, by_currency[currency]) for currency in sorted(by_currency)]
        return cls(client_id=client_id, start=start, end=end, accounts=accounts)


class TurnoverOut(Answer):
    """The accounts of one purpose in one currency. Balances are debit positive; `debit` and `credit` moved them."""

    purpose: str
    currency: str
    opening_balance: Amount
    debit: Amount
    credit: Amount
    closing_balance: Amount


class AccountsOut(Answer):
    """The business's accounts over a span of time; in each currency the balances sum to zero."""

    start: datetime | None
    end: datetime
    accounts: list[TurnoverOut]

    @classmethod
    def of(cls, rows: Sequence[Turnover], *, start: datetime | None, end: datetime) -> "AccountsOut":
        """From the turnover of each purpose."""
        accounts = [
            TurnoverOut(
                purpose=row.purpose,
                currency=row.currency,
                opening_balance=to_major(row.opening_minor, row.currency),
                debit=to_major(row.debit_minor, row.currency),
                credit=to_major(row.credit_minor, row.currency),
                closing_balance=to_major(row.closing_minor, row.currency),
            )
            for row in rows
        ]
        return cls(start=start, end=end, accounts=accounts)


def _account(currency: str, statements: Sequence[Statement]) -> AccountOut:
    owed = [statement for statement in statements if statement.account.purpose is Purpose.RECEIVABLE]
    credit = [statement for statement in statements if statement.account.purpose is Purpose.CUSTOMER_CREDIT]
    opening, lines, closing = _moved(currency, owed)
    credit_opening, credit_lines, credit_closing = _moved(currency, credit)
    return AccountOut(
        currency=currency,
        opening_balance=opening,
        lines=lines,
        closing_balance=closing,
        credit_opening_balance=credit_opening,
        credit_lines=credit_lines,
        credit_closing_balance=credit_closing,
    )


def _moved(currency: str, statements: Sequence[Statement]) -> tuple[Decimal, list[StatementLine], Decimal]:
    movements: list[Movement] = [movement for statement in statements for movement in statement.movements]
    balance_minor = opening_minor = sum(statement.opening_minor for statement in statements)
    lines = []
    for movement in sorted(movements, key=lambda m: (m.event_at, m.posting_id)):
        balance_minor += movement.amount_minor
        lines.append(
            StatementLine(
                at=movement.event_at,
                kind=movement.kind,
                document=movement.memo,
                amount=to_major(movement.amount_minor, currency),
                balance=to_major(balance_minor, currency),
            )
        )
    return to_major(opening_minor, currency), lines, to_major(balance_minor, currency)


class ProcessPayment(Body):
    """Document 1's `process_payment`."""

    invoice_id: InvoiceReference


class Processed(Answer):
    """What an invoice stands at after its client's card was asked. `failure` says why the card did not pay."""

    success: bool
    requires_approval: bool = False
    invoice_id: str
    paid: bool
    amount_paid: Amount
    amount_due: Amount
    currency: str
    status: str
    failure: str | None


class Processing(Held):
    """202: the provider has not said yet; so far nothing more is paid than is told here."""

    success: bool = False
    requires_approval: bool = False
    status: str = "processing"
    invoice_id: str
    paid: bool
    amount_paid: Amount
    amount_due: Amount
    currency: str


class ApplyCredit(Body):
    """How much of the client's credit to spend; as much as there is, up to what is due, if left out."""

    amount: Amount | None = None


class AppliedCredit(Answer):
    """What an invoice stands at after credit was spent on it. `payments` are what that became."""

    invoice_id: str
    amount_applied: Amount
    amount_paid: Amount
    amount_due: Amount
    currency: str
    status: str
    payments: list[PaymentOut]

    @classmethod
    def of(cls, invoice: Invoice, payments: Sequence[Payment]) -> "AppliedCredit":
        """From the rows."""
        figures = {name: value for name, value in amounts(invoice).items() if name in cls.model_fields}
        return cls(
            invoice_id=invoice.id,
            amount_applied=to_major(sum(payment.amount_minor for payment in payments), invoice.currency),
            currency=invoice.currency,
            status=invoice.state,
            payments=[PaymentOut.of(payment) for payment in payments],
            **figures,
        )


class IntentOut(Answer):
    """What the payer's browser needs to confirm the payment at the provider."""

    client_secret: str
    publishable_key: str | None
    amount: Amount
    currency: str


CardState = Literal["none", "unconfirmed", "processing", "failed"]


class PayPage(PayInvoice):
    """An invoice and how to pay it. `card` is how the last try by card stands, while something is due."""

    amount_refunded: Amount
    card: CardState
    card_failure: str | None


class RefundPaymentIn(Body):
    """Document 1's `refund_payment`. `amount` null: all that is left, also of what was paid in excess. `approver` is a
    claim of the caller."""

    invoice_id: InvoiceReference
    reason: Text
    amount: Amount | None = None
    approver: Text | None = None


class Refunded(Answer):
    """A refund that is under way. `status`: pending, succeeded."""

    success: bool = True
    requires_approval: bool = False
    refund_id: str
    invoice_id: str
    amount: Amount
    currency: str
    status: str
