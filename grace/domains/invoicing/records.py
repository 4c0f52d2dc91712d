"""Invoices as answers: rows with their lines and the links at which a client sees them."""

from collections.abc import Sequence

from grace.domains.invoicing import queries
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.schemas import InvoiceOut, PayLinks
from grace.domains.invoicing.service import PAY_LINK
from grace.kit import links
from grace.kit.tx import Tx


async def records(tx: Tx, invoices: Sequence[Invoice]) -> list[InvoiceOut]:
    """The API records of some invoices, with two questions for all of them."""
    ids = [invoice.id for invoice in invoices]
    lines = await queries.lines(tx, ids)
    tokens = await links.tokens(tx, kind=PAY_LINK, subjects=ids)
    return [
        InvoiceOut.of(invoice, lines[invoice.id], PayLinks.of(tokens[invoice.id]) if invoice.id in tokens else None)
        for invoice in invoices
    ]


async def record(tx: Tx, invoice: Invoice) -> InvoiceOut:
    """The API record of one invoice."""
    return (await records(tx, [invoice]))[0]
