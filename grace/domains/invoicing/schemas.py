"""Invoices and their settings over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from grace.domains.invoicing.models import Invoice, InvoiceLine, Party, Terms
from grace.domains.invoicing.rules import numbering
from grace.domains.invoicing.rules.status import InvoiceState, due_minor, transaction_status
from grace.domains.invoicing.rules.totals import QUANTITY_DIGITS, RATE_DIGITS, Line
from grace.kit.money import Amount, Number, exact, to_major, to_minor
from grace.kit.settings import settings
from grace.kit.web import Answer, Body, Moment
from grace.kit.workspace_settings import setting

MAX_LINES = 500
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
SeriesName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3)]
Notes = Annotated[str, StringConstraints(max_length=20_000)]


def _exact(value: Any) -> Decimal:
    return exact(value)


Quantity = Annotated[
    Decimal, BeforeValidator(_exact), Field(gt=0, lt=10**12, decimal_places=QUANTITY_DIGITS, max_digits=18)
]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100, decimal_places=RATE_DIGITS)]


class Issuer(Body):
    """Who the business is on its invoices. Without a name, the workspace's stands."""

    name: Annotated[str, StringConstraints(max_length=256)] | None = None
    address: Annotated[str, StringConstraints(max_length=1000)] | None = None
    country: Word | None = None
    email: Annotated[str, StringConstraints(max_length=256)] | None = None
    tax_id: Word | None = None
    payment_instructions: Annotated[str, StringConstraints(max_length=2000)] | None = None


class SeriesSetting(Body):
    """The numbers of one series; see `rules/numbering` for patterns."""

    pattern: Annotated[str, StringConstraints(max_length=100)]
    fiscal_year_starts: Annotated[int, Field(ge=1, le=12, description="The month in which {FY} begins.")] = 1
    max_length: Annotated[int, Field(ge=1, le=numbering.LONGEST)] = numbering.LONGEST

    @model_validator(mode="after")
    def _check(self) -> "SeriesSetting":
        if fault := numbering.fault(self.pattern):
            raise ValueError(fault)
        return self

    def series(self) -> numbering.Series:
        """For the rules."""
        return numbering.Series(self.pattern, self.fiscal_year_starts, self.max_length)


class Invoicing(Body):
    """How invoices are numbered and when they are due."""

    series: dict[SeriesName, SeriesSetting] = Field(
        default_factory=lambda: {
            "standard": SeriesSetting(pattern="INV-{YYYYMMDD}-{n}"),
            "india": SeriesSetting(pattern="{FY}/{n:05}", fiscal_year_starts=4, max_length=16),
        },
        max_length=50,
    )
    default_series: SeriesName = "standard"
    due_days: Annotated[int, Field(ge=0, le=3650)] = 14

    @model_validator(mode="after")
    def _check(self) -> "Invoicing":
        if self.default_series not in self.series:
            raise ValueError("the default series is not one of the series")
        if len({series.pattern for series in self.series.values()}) < len(self.series):
            raise ValueError("two series have the same pattern")
        return self


ISSUER = setting("issuer", Issuer)
INVOICING = setting("invoicing", Invoicing)


class LineIn(Body):
    """What is invoiced: `quantity` times `unit_price`, before tax."""

    description: Text
    quantity: Quantity = Decimal(1)
    unit_price: Amount
    tax_rate: Percent = Decimal(0)

    def line(self, currency: str) -> Line:
        """In minor units; InvalidMoney for an amount that the currency cannot express."""
        return Line(self.description, self.quantity, to_minor(self.unit_price, currency), self.tax_rate)


class DraftIn(Body):
    """What can be said of an invoice until it is issued."""

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MAX_LINES)]
    due_at: Moment | None = None
    series: SeriesName | None = None
    notes: Notes | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    def terms(self, currency: str) -> Terms:
        """In minor units of the invoice's currency; InvalidMoney for an amount that it cannot express."""
        lines = tuple(line.line(currency) for line in self.lines)
        return Terms(lines, self.due_at, self.series, self.notes, self.metadata)


class VoidIn(Body):
    """Why an invoice is void."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class LineOut(Answer):
    """A line; `amount` is without tax."""

    position: int
    description: str
    quantity: Number
    unit_price: Amount
    tax_rate: Number
    amount: Amount

    @classmethod
    def of(cls, line: InvoiceLine, currency: str) -> "LineOut":
        """From the row."""
        return cls(
            position=line.position,
            description=line.description,
            quantity=plain(line.quantity),
            unit_price=to_major(line.unit_price_minor, currency),
            tax_rate=plain(line.tax_rate),
            amount=to_major(line.net_minor, currency),
        )


class TaxOut(Answer):
    """The tax of one rate, in percent, on the net amount under it."""

    rate: Number
    net: Amount
    tax: Amount


class PartyOut(Answer):
    """Who issues or owes, as it was on the day of issue."""

    name: str
    company: str | None
    email: str | None
    address: str | None
    country: str | None
    tax_id: str | None


@dataclass(frozen=True, slots=True)
class PayLinks:
    """Where an issued invoice is seen and paid without a key."""

    page: str
    pdf: str

    @classmethod
    def of(cls, token: str) -> "PayLinks":
        """Of a client link's token."""
        page = f"{settings().url.rstrip('/')}/pay/{token}"
        return cls(page, f"{page}/invoice.pdf")


class InvoiceOut(Answer):
    """An invoice. `amount` is the total with tax; `amount_overpaid` came beyond what was due and became the client's
    credit; `payment_method` and `transaction_id` are of the last payment."""

    id: str
    number: int
    invoice_number: str | None
    client_id: str
    project_id: str | None
    project_ref: str | int | None
    status: InvoiceState
    currency: str
    amount: Amount
    net: Amount
    tax: Amount
    amount_paid: Amount
    amount_due: Amount
    amount_overpaid: Amount
    lines: list[LineOut]
    taxes: list[TaxOut]
    series: str
    issuer: PartyOut | None
    client: PartyOut | None
    notes: str | None
    metadata: dict[str, Any]
    issued_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    payment_method: str | None
    transaction_id: str | None
    stripe_invoice_id: None = None
    stripe_payment_intent: str | None
    hosted_invoice_url: str | None
    payment_link: str | None
    invoice_pdf: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None

    @classmethod
    def of(cls, invoice: Invoice, lines: Sequence[InvoiceLine], links: PayLinks | None) -> "InvoiceOut":
        """From the rows."""
        same = {name: getattr(invoice, name) for name in cls.model_fields if hasattr(invoice, name)}
        for stored in ("taxes", "issuer", "client"):
            del same[stored]
        return cls(
            **same,
            **amounts(invoice),
            status=invoice.state,
            lines=[LineOut.of(line, invoice.currency) for line in lines],
            taxes=taxes(invoice),
            issuer=_party(invoice.issuer),
            client=_party(invoice.client),
            hosted_invoice_url=links.page if links else None,
            payment_link=links.page if links else None,
            invoice_pdf=links.pdf if links else None,
        )


class InvoiceList(Answer):
    """A page of invoices."""

    items: list[InvoiceOut]
    next_cursor: str | None


class PaymentStatus(Answer):
    """Document 1's `track_payment_status`. `status`: pending, paid, failed, refunded."""

    success: bool = True
    requires_approval: bool = False
    invoice_id: str
    status: str
    paid: bool
    amount: Amount
    amount_paid: Amount
    amount_due: Amount
    amount_overpaid: Amount
    currency: str
    invoice_status: InvoiceState

    @classmethod
    def of(cls, invoice: Invoice, *, refunded_minor: int = 0, last_attempt_failed: bool = False) -> "PaymentStatus":
        """From the row, and what is known of its refunds and card attempts."""
        status = transaction_status(
            invoice.state,
            paid_minor=invoice.paid_minor,
            refunded_minor=refunded_minor,
            last_attempt_failed=last_attempt_failed,
        )
        figures = {name: value for name, value in amounts(invoice).items() if name in cls.model_fields}
        return cls(
            invoice_id=invoice.id,
            status=status,
            paid=status == "paid",
            currency=invoice.currency,
            invoice_status=invoice.state,
            **figures,
        )


class PayPage(Answer):
    """What a client sees of an invoice by its link. `payable` says that something is due."""

    invoice_number: str
    status: InvoiceState
    payable: bool
    issuer: PartyOut
    client: PartyOut
    lines: list[LineOut]
    taxes: list[TaxOut]
    net: Amount
    tax: Amount
    amount: Amount
    amount_paid: Amount
    amount_due: Amount
    currency: str
    issued_at: datetime
    due_at: datetime
    paid_at: datetime | None
    notes: str | None
    payment_instructions: str | None
    invoice_pdf: str

    @classmethod
    def of(
        cls,
        invoice: Invoice,
        lines: Sequence[InvoiceLine],
        links: PayLinks,
        *,
        payable: bool,
        payment_instructions: str | None,
    ) -> "PayPage":
        """From the rows of an issued invoice."""
        whole = InvoiceOut.of(invoice, lines, links)
        shown = {name: getattr(whole, name) for name in cls.model_fields if name in InvoiceOut.model_fields}
        return cls(payable=payable, payment_instructions=payment_instructions, **shown)


def amounts(invoice: Invoice) -> dict[str, Any]:
    """The figures of an invoice in major units, by the names of the answers."""
    due = due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor)
    return {
        "amount": to_major(invoice.total_minor, invoice.currency),
        "net": to_major(invoice.net_minor, invoice.currency),
        "tax": to_major(invoice.tax_minor, invoice.currency),
        "amount_paid": to_major(invoice.paid_minor, invoice.currency),
        "amount_due": to_major(due, invoice.currency),
        "amount_overpaid": to_major(invoice.excess_minor, invoice.currency),
    }


def taxes(invoice: Invoice) -> list[TaxOut]:
    """The stored taxes of an invoice."""
    return [
        TaxOut(
            rate=plain(Decimal(str(tax["rate"]))),
            net=to_major(tax["net_minor"], invoice.currency),
            tax=to_major(tax["tax_minor"], invoice.currency),
        )
        for tax in invoice.taxes
    ]


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros, and without an exponent (`2.500000` → `2.5`, `20.000` → `20`)."""
    return Decimal(f"{value:f}".rstrip("0").rstrip(".")) if value % 1 else Decimal(int(value))


def party(stored: Mapping[str, Any]) -> Party:
    """A stored party."""
    return Party(**stored)


def _party(stored: Mapping[str, Any] | None) -> PartyOut | None:
    return None if stored is None else PartyOut(**asdict(party(stored)))
