"""What a client sees of an invoice by its signed link: as JSON, as a plain page, as PDF."""

from datetime import datetime
from decimal import Decimal

from fastapi import Request, Response

from grace.domains.invoicing import document, queries, service
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.rules.status import PAYABLE
from grace.domains.invoicing.schemas import ISSUER, PayLinks, PayPage
from grace.kit import links
from grace.kit.display import format_date, format_money
from grace.kit.edge import LINK, Doors, InTx
from grace.kit.money import to_minor
from grace.kit.pages import Pages, wants_page
from grace.kit.tx import Tx

doors = Doors(tags=["Client links"])
_pages = Pages("grace.domains.invoicing")


async def pay_page(tx: Tx, invoice: Invoice, token: str, request: Request) -> PayPage | Response:
    """What the door of the pay page answers: the invoice and how to pay it."""
    lines = await queries.lines(tx, [invoice.id])
    found = PayPage.of(
        invoice,
        lines[invoice.id],
        PayLinks.of(token),
        payable=invoice.state in PAYABLE,
        payment_instructions=(await ISSUER.read(tx)).payment_instructions,
    )
    if not wants_page(request):
        return found

    def money(amount: Decimal) -> str:
        return format_money(to_minor(amount, invoice.currency), invoice.currency)

    def day(at: datetime) -> str:
        return format_date(at.date())

    return _pages.render(
        "pay.html",
        invoice=found,
        money=money,
        day=day,
        late=found.payable and found.due_at < tx.now,
        test=tx.workspace.kind == "test",
    )


@doors.get("/pay/{token}/invoice.pdf", may=LINK, gives="application/pdf")
async def pay_pdf(tx: InTx, token: str) -> Response:
    """The invoice as PDF."""
    return await document.answer(tx, await named(tx, token))


async def named(tx: Tx, token: str) -> Invoice:
    """The invoice that a pay link is of."""
    link = await links.find(tx, token, kind=service.PAY_LINK)
    return await queries.invoice(tx, link.subject)
