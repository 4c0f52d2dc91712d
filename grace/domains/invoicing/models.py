"""Rows of invoicing, and the parties that an issued invoice remembers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NewType

from grace.domains.invoicing.rules.status import InvoiceState
from grace.domains.invoicing.rules.totals import Line

InvoiceId = NewType("InvoiceId", str)
INVOICE_PREFIX = "in"


@dataclass(frozen=True, slots=True)
class Party:
    """Who issues or owes, as it was on the day of issue."""

    name: str
    company: str | None = None
    email: str | None = None
    address: str | None = None
    country: str | None = None
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice without its lines. `taxes` holds each rate with its net and tax, in minor units.

    `project_ref` is what a caller said of a project that Grace does not know; `earned_minor` is
    what of `paid_minor` counts as revenue, `excess_minor` was paid beyond what was due; `payment_method` and
    `transaction_id` are of the last payment; `issuer` and `client` are `Party` fields, null on a draft.
    """

    id: InvoiceId
    number: int
    client_id: str
    project_id: str | None
    project_ref: str | int | None
    state: InvoiceState
    series: str
    series_period: str | None
    series_number: int | None
    invoice_number: str | None
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    earned_minor: int
    excess_minor: int
    taxes: list[dict[str, Any]]
    notes: str | None
    metadata: dict[str, Any]
    issuer: dict[str, Any] | None
    client: dict[str, Any] | None
    issued_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    payment_method: str | None
    transaction_id: str | None
    stripe_payment_intent: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A stored line."""

    invoice_id: InvoiceId
    position: int
    description: str
    quantity: Decimal
    unit_price_minor: int
    tax_rate: Decimal
    net_minor: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a payment did to an invoice; `net_minor` is its part that is revenue, the rest is tax."""

    invoice: Invoice
    net_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be said of an invoice until it is issued. `series` and `due_at` None: as the setting says."""

    lines: Sequence[Line]
    due_at: datetime | None = None
    series: str | None = None
    notes: str | None = None
    metadata: Mapping[str, Any] | None = None
