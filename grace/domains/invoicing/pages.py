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


@doors.get("/pay/{token}", may=LINK, returns=PayPage)
async def pay_page(tx: InTx, token: str, request: Request) -> PayPage | Response:
    """An invoice and how to pay it; a page for `Accept: text/html`."""
    invoice = await _named(tx, token)
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


@doors.get("/pay/{token}/invoice.pdf", may=LINK)
async def pay_pdf(tx: InTx, token: str) -> Response:
    """The invoice as PDF."""
    return await document.answer(tx, await _named(tx, token))


async def _named(tx: Tx, token: str) -> Invoice:
    link = await links.find(tx, token, kind=service.PAY_LINK)
    return await queries.invoice(tx, link.subject)
