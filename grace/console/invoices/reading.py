"""Pages that show invoices."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from grace.console.shell import demand, show
from grace.domains.crm import queries as crm
from grace.domains.crm.queries import ClientFilter
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.records import record
from grace.domains.invoicing.rules.status import PAYABLE, due_minor
from grace.flows.collect_cash import listing
from grace.flows.collect_cash.listing import Happening, Tab
from grace.kit import json
from grace.kit.display import format_amount, format_money
from grace.kit.edge import Doors, InTx, permits
from grace.kit.errors import Malformed
from grace.kit.money import exact, to_major, to_minor
from grace.kit.paging import Cursor, after_id, page
from grace.kit.tx import Tx
from grace.trust.audit import queries as audit
from grace.trust.audit.models import Entry
from grace.trust.identity import queries as identity
from grace.trust.identity.queries import Named

doors = Doors(tags=["Console"])
TABS: tuple[tuple[Tab, str], ...] = (
    ("draft", "Draft"),
    ("sent", "Sent"),
    ("late", "Late"),
    ("paid", "Paid"),
    ("all", "All"),
)
ROWS = 50
TOLD = 60
BLANK_LINES = 4
Search = Annotated[str | None, Query(max_length=100)]
InvoicePath = Annotated[str, Path(max_length=64)]
CURRENCIES = ("USD", "EUR", "GBP", "INR", "AUD", "CAD", "CHF", "JPY", "SGD")
_SAYS = {
    "draft_invoice": "Draft made",
    "revise_draft": "Draft changed",
    "issue_invoice": "Sent: numbered and owed",
    "unsettle_invoice": "A payment was taken back",
    "void_invoice": "Voided",
    "note_excess": "More was paid than was due",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A line of an invoice's timeline."""

    at: datetime
    sign: str
    what: str
    more: str = ""
    amount: str = ""
    path: str = ""
    kind: str = ""
    who: str = ""


@doors.get("/app/invoices", may="invoices:read", hidden=True)
async def list_invoices(
    tx: InTx, request: Request, tab: Tab = "all", q: Search = None, sort: str = "-number", cursor: Cursor = None
) -> Response:
    """Invoices by what has become of them."""
    wanted = (q or "").strip() or None
    found = await listing.invoice_rows(tx, tab=tab, q=wanted, sort=sort, after=after_id(cursor), limit=ROWS + 1)
    shown = page(found, limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "invoices.html",
        here="invoices",
        live="invoice",
        tab=tab,
        states=TABS,
        counts=await listing.tab_counts(tx),
        most_counted=listing.MOST_COUNTED,
        rows=shown.items,
        next_cursor=shown.next_cursor,
        q=wanted or "",
        sort=sort,
    )


@doors.get("/app/invoices/new", may="invoices:read", hidden=True)
async def new_invoice(
    tx: InTx, request: Request, client: Annotated[str | None, Query(max_length=200)] = None, q: Search = None
) -> Response:
    """Choose a client, then write the invoice."""
    demand(tx, "invoices:write")
    if client:
        named = await crm.client(tx, client)
        return await _editor(request, tx, invoice=None, client=named)
    wanted = (q or "").strip() or None
    found = await crm.clients(tx, ClientFilter(q=wanted), sort="-created_at", after=None, limit=20)
    return await show(request, tx, "invoice_client.html", here="invoices", clients=found, q=wanted or "")


@doors.get("/app/invoices/{id}/edit", may="invoices:read", hidden=True)
async def edit_invoice(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """Change a draft."""
    demand(tx, "invoices:write")
    invoice = await invoices.invoice(tx, id)
    return await _editor(request, tx, invoice=await record(tx, invoice), client=await crm.client(tx, invoice.client_id))


@doors.get("/app/invoices/{id}", may="invoices:read", hidden=True)
async def show_invoice(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """One invoice: what it is of, what was paid, what happened, what can be done."""
    return await _invoice(request, tx, id)


@doors.get("/app/invoices/{id}/void", may="invoices:read", hidden=True)
async def ask_void(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """The same, asking why it is taken back."""
    demand(tx, "invoices:write")
    return await _invoice(request, tx, id, doing="void")


@doors.get("/app/invoices/{id}/pay", may="payments:read", hidden=True)
async def ask_payment(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """The same, asking what was paid."""
    demand(tx, "payments:write")
    return await _invoice(request, tx, id, doing="pay")


@doors.get("/app/invoices/{id}/credit", may="payments:read", hidden=True)
async def ask_credit(tx: InTx, request: Request, id: InvoicePath) -> Response:
    """The same, asking how much credit to spend."""
    demand(tx, "payments:write")
    return await _invoice(request, tx, id, doing="credit")


@doors.get("/app/invoices/{id}/refund", may="payments:read", hidden=True)
async def ask_refund(
    tx: InTx,
    request: Request,
    id: InvoicePath,
    amount: Annotated[str, Query(max_length=40)] = "",
    reason: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """How much to give back; then, with the amount to be typed once more, the button."""
    demand(tx, "payments:write")
    asked = exact(typed(amount)) if amount.strip() and reason.strip() else None
    return await _invoice(request, tx, id, doing="refund", asked=asked, reason=reason.strip())


def typed(amount: str) -> str:
    """An amount as people type it (`$1,500.00`, `1500`), as the API takes it."""
    return "".join(letter for letter in amount if letter.isdigit() or letter in ".-")


async def _invoice(
    request: Request, tx: Tx, id: str, *, doing: str = "", asked: Decimal | None = None, reason: str = ""
) -> Response:
    me = tx.principal
    invoice = await invoices.invoice(tx, id)
    sees_money = permits(me, "payments:read")
    money = await listing.happenings(tx, invoice.id, limit=TOLD) if sees_money else []
    log = await audit.history(tx, subject=("invoice", invoice.id), limit=TOLD) if permits(me, "audit:read") else []
    names = await identity.names(tx, {entry.principal_id for entry in log}) if log else {}
    purse = await listing.purse(tx, invoice_id=invoice.id, client_id=invoice.client_id, currency=invoice.currency)
    return await show(
        request,
        tx,
        "invoice.html",
        here="invoices",
        live=f"invoice:{invoice.id} payment payment_attempt refund",
        invoice=invoice,
        out=await record(tx, invoice),
        purse=purse,
        late=invoice.state in PAYABLE and invoice.due_at is not None and invoice.due_at < tx.now,
        due_minor=due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor),
        left_minor=purse.left_minor if sees_money else 0,
        told=_timeline(invoice, money, log, names),
        doing=doing,
        major=to_major,
        exactly=format_amount,
        asked=None if asked is None else to_minor(asked, invoice.currency),
        reason=reason,
    )


async def _editor(request: Request, tx: Tx, *, invoice: Any, client: Any) -> Response:
    lines = list(invoice.lines) if invoice is not None else []
    own = tx.workspace.currency
    return await show(
        request,
        tx,
        "invoice_edit.html",
        here="invoices",
        invoice=invoice,
        client=client,
        lines=lines + [None] * (BLANK_LINES if lines else BLANK_LINES + 1),
        currencies=[(code, code) for code in dict.fromkeys((own, *CURRENCIES))],
    )


def _timeline(invoice: Invoice, money: list[Happening], log: list[Entry], names: dict[str, Named]) -> list[Told]:
    """What happened, the newest first. Payments tell of themselves; the log tells of the rest."""
    told = [_of_money(one, invoice.currency) for one in money]
    told += [_of_log(entry, names) for entry in log if entry.action in _SAYS]
    if not log:
        marks = (("Draft made", invoice.created_at), ("Sent", invoice.issued_at), ("Voided", invoice.voided_at))
        told += [Told(at, "file-text", what) for what, at in marks if at is not None]
    return sorted(told, key=lambda one: one.at, reverse=True)


def _of_money(one: Happening, currency: str) -> Told:
    amount = format_money(one.amount_minor, currency)
    if one.kind == "payment":
        reversed_ = one.state == "failed"
        what = "Payment taken back" if reversed_ else "Payment received"
        method = (one.what or "").replace("_", " ")
        return Told(one.at, "undo-2" if reversed_ else "check", what, method, amount, f"/app/payments/{one.id}")
    if one.kind == "refund":
        words = {"pending": "Refund under way", "succeeded": "Refunded", "failed": "Refund failed"}
        return Told(one.at, "undo-2", words[one.state], one.what or "", f"−{amount}")
    if one.what:
        return Told(one.at, "x", "Card declined", one.what, amount)
    return Told(one.at, "credit-card", "Card payment begun", one.state.replace("_", " "), amount)


def _of_log(entry: Entry, names: dict[str, Named]) -> Told:
    try:
        said = json.loads(entry.payload) if entry.payload else {}
    except Malformed:
        said = {}
    reason = said.get("reason") if isinstance(said, dict) else None
    return Told(
        entry.at,
        "",
        _SAYS[entry.action],
        str(reason or ""),
        path=f"/app/audit/{entry.id}",
        kind=entry.principal_kind,
        who=named.name if (named := names.get(entry.principal_id)) is not None else "Grace",
    )
