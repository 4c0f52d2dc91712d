"""What happened to invoices. Amounts are minor units."""

from dataclasses import dataclass
from typing import ClassVar

from grace.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class InvoiceDrafted(Fact):
    """A draft was made or revised."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    version: int


@dataclass(frozen=True, slots=True)
class InvoiceIssued(Fact):
    """An invoice got its number and is owed."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    project_id: str | None
    currency: str
    total_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class InvoicePartPaid(Fact):
    """Some of an invoice was paid, and some is due."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    due_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class InvoicePaid(Fact):
    """Nothing is due any more."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    project_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class InvoiceOverpaid(Fact):
    """More was paid than was due."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    version: int


@dataclass(frozen=True, slots=True)
class InvoiceReopened(Fact):
    """A payment was taken back: so much is due again."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    due_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class InvoiceVoided(Fact):
    """An invoice, or a draft, counts no more."""

    topic: ClassVar[str] = "invoice"
    invoice_id: str
    client_id: str
    version: int
