"""The client's pages about an invoice: to pay it, its receipt, and what is left of a link that is over."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.rules.status import PAYABLE
from grace.domains.invoicing.schemas import ISSUER, PayLinks
from grace.domains.invoicing.schemas import PayPage as PayInvoice
from grace.domains.payments import queries
from grace.domains.payments.models import Attempt, Payment
from grace.flows.collect_cash.schemas import CardState, PayPage
from grace.kit.credentials import WrongCredential
from grace.kit.display import format_amount, format_date, format_money
from grace.kit.money import to_major
from grace.kit.pages import Pages, policy
from grace.kit.tx import Tx
from grace.providers.payments import port
from grace.providers.payments.port import Browser

DECLINED = "The card was declined. No money has left your account."
ANOTHER = "Try again, or use another card."
NOT_BY_CARD = "It cannot be paid by card."
OTHERWISE = "Please pay in another way."
UNCONFIRMED = "Your bank has not confirmed the payment yet, and no money has left your account. Start it again here."
_METHODS = {"bank_transfer": "Bank transfer", "upi": "UPI", "credit": "Credit from an earlier payment"}
_PAYMENTS = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """An invoice as its client sees it, and the payments that count."""

    page: PayPage
    payments: list[Payment]


async def seen(tx: Tx, invoice: Invoice, token: str) -> Seen:
    """What the link of an invoice shows."""
    lines = await invoices.lines(tx, [invoice.id])
    shown = PayInvoice.of(
        invoice,
        lines[invoice.id],
        PayLinks.of(token),
        payable=invoice.state in PAYABLE,
        payment_instructions=(await ISSUER.read(tx)).payment_instructions,
    )
    where = queries.PaymentFilter(invoice_id=invoice.id)
    paid = await queries.payments(tx, where, sort="-received_at", after=None, limit=_PAYMENTS)
    card, failure = _card(await queries.last_attempt(tx, invoice.id) if shown.payable else None)
    page = PayPage(
        **{name: getattr(shown, name) for name in PayInvoice.model_fields},
        amount_refunded=to_major(await queries.refunded_minor(tx, invoice.id), invoice.currency),
        card=card,
        card_failure=failure,
    )
    return Seen(page, [payment for payment in paid if payment.status in ("paid", "refunded")])


def pay(tx: Tx, found: Seen, token: str, request: Request) -> Response:
    """The page on which a client pays, with what the card processor's script needs allowed."""
    page = found.page
    view = page.status if page.status in ("paid", "void") else "waiting" if page.card == "processing" else "pay"
    browser = _browser(tx) if page.payable else None
    failure = page.card_failure or (UNCONFIRMED if page.card == "unconfirmed" else None)
    late = page.payable and page.due_at < tx.now
    answer = _render("pay.html", tx, found, token, request, view=view, browser=browser, failure=failure, late=late)
    if browser is not None:
        answer.headers["Content-Security-Policy"] = policy(
            script_src=browser.scripts,
            frame_src=browser.frames,
            connect_src=browser.connections,
            form_action=browser.frames,
        )
    return answer


def receipt(tx: Tx, found: Seen, token: str, request: Request) -> Response:
    """What was paid, to print or keep."""
    return _render("pay_receipt.html", tx, found, token, request)


def gone(request: Request, *, test: bool) -> HTMLResponse:
    """The page of a link that is over."""
    return _pages.render("pay_gone.html", status=410, test=test, secure=request.url.scheme == "https")


def _render(template: str, tx: Tx, found: Seen, token: str, request: Request, **values: Any) -> HTMLResponse:
    return _pages.render(
        template,
        zone=tx.workspace.zone,
        invoice=found.page,
        payments=found.payments,
        here=f"/pay/{token}",
        money=partial(format_amount, currency=found.page.currency),
        test=tx.workspace.kind == "test",
        secure=request.url.scheme == "https",
        **values,
    )


def _browser(tx: Tx) -> Browser | None:
    try:
        return port.cards().browser(tx.workspace)
    except WrongCredential:
        return None  # the owner is told by `grace doctor`; the client can still pay otherwise


def _card(last: Attempt | None) -> tuple[CardState, str | None]:
    """How the last try by card stands, and what is said of one that failed."""
    if last is None or last.state == "succeeded":
        return "none", None
    if last.state in ("processing", "requires_action"):
        return ("processing" if last.state == "processing" else "unconfirmed"), None
    if last.failure_code is None:
        return "none", None
    more = last.failure_message or ""
    if last.state == "refused":  # before any card was tried: the amount is too small, say
        said = (NOT_BY_CARD, more, OTHERWISE)
    else:
        said = (DECLINED, "" if more.rstrip(".").endswith("declined") else more, ANOTHER)
    return "failed", " ".join(part for part in said if part)


def _date(at: datetime) -> str:
    return format_date(at.date())


def _method(payment: Payment) -> str:
    return _METHODS.get(payment.method, payment.method.capitalize())


def _paid(payment: Payment) -> str:
    return format_money(payment.amount_minor, payment.currency)


_pages = Pages("grace.flows.collect_cash", date=_date, method=_method, paid=_paid)
