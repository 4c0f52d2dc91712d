"""Collecting cash over the wire."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from grace.domains.crm.schemas.clients import ClientReference
from grace.domains.invoicing.schemas import Currency, DraftIn, InvoiceOut, Text
from grace.kit.money import Amount, to_major
from grace.kit.web import Answer, Body
from grace.trust.ledger.models import Movement, Statement

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
    """A client's account in one currency: what is owed."""

    currency: str
    opening_balance: Amount
    lines: list[StatementLine]
    closing_balance: Amount


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
        """From the receivables of all ids that stand for the client: one account a currency."""
        by_currency: dict[str, list[Statement]] = defaultdict(list)
        for statement in statements:
            by_currency[statement.account.currency].append(statement)
        accounts = [_account(currency, by_currency[currency]) for currency in sorted(by_currency)]
        return cls(client_id=client_id, start=start, end=end, accounts=accounts)


def _account(currency: str, statements: Sequence[Statement]) -> AccountOut:
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
    return AccountOut(
        currency=currency,
        opening_balance=to_major(opening_minor, currency),
        lines=lines,
        closing_balance=to_major(balance_minor, currency),
    )


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


class IntentOut(Answer):
    """What the payer's browser needs to confirm the payment at the provider."""

    client_secret: str
    publishable_key: str | None
    amount: Amount
    currency: str


class RefundPaymentIn(Body):
    """Document 1's `refund_payment`. `amount` null: all that is left. `approver` is a claim of the caller."""

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
