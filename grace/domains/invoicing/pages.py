"""What a client gets of an invoice by its signed link; its page is of collecting cash, which knows how to pay."""

from fastapi import Response

from grace.domains.invoicing import document, queries, service
from grace.domains.invoicing.models import Invoice
from grace.kit import links
from grace.kit.edge import LINK, Doors, InTx
from grace.kit.tx import Tx

doors = Doors(tags=["Client links"])


@doors.get("/pay/{token}/invoice.pdf", may=LINK, gives="application/pdf")
async def pay_pdf(tx: InTx, token: str) -> Response:
    """The invoice as PDF."""
    return await document.answer(tx, await named(tx, token))


async def named(tx: Tx, token: str) -> Invoice:
    """The invoice that a pay link is of."""
    link = await links.find(tx, token, kind=service.PAY_LINK)
    return await queries.invoice(tx, link.subject)
