"""Renders documents to PDF (PDF/A-3 where every character has a glyph), deterministic, about 25 ms for an invoice.

Calls are synchronous and made one at a time; from async code use a thread.
"""

import json
import re
import threading
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import typst

from grace.kit.display import format_date, format_money
from grace.kit.markdown import read_markdown
from grace.kit.pdf.documents import (
    AccountsDocument,
    ContractDocument,
    InvoiceDocument,
    PartyBlock,
    ProposalDocument,
    ReceiptDocument,
    Signature,
    StatementDocument,
)

_TEMPLATES = Path(__file__).parent / "templates"
_STANDARDS: Sequence[Any] = ("a-3b",)
_LOCK = threading.Lock()
_LONG = re.compile(r"[^\s\u200b]{28,}")
_SOFT = 20
MAX_ROWS = 2_000


def render_invoice(document: InvoiceDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of an invoice. `fonts` are further folders with fonts, for scripts that the built-in ones lack."""
    money = _Money(document.currency, document.locale)
    data = {
        "title": document.title,
        "number": document.number,
        "facts": _facts(
            ("Date", format_date(document.issued_on)),
            ("Due", format_date(document.due_on) if document.due_on else ""),
            ("Reference", document.reference),
        ),
        "issuer": _party(document.issuer),
        "client": _party(document.client),
        "with_tax": any(line.tax for line in document.lines),
        "lines": [
            {
                "description": line.description,
                "detail": line.detail,
                "quantity": f"{_plain_number(line.quantity)} {line.unit}".strip(),
                "price": money(line.unit_price_minor),
                "tax": line.tax,
                "amount": money(line.amount_minor),
            }
            for line in document.lines
        ],
        "sums": _sums(document, money),
        "due": money(document.due_minor),
        "due_label": f"Due by {format_date(document.due_on)}" if document.due_on else "Amount due",
        "open": document.due_minor > 0,
        "pay_url": document.pay_url,
        "payment_note": document.payment_note,
        "notes": document.notes,
        "stamp": document.stamp,
    }
    return _compile("invoice", data, on=document.issued_on, rows=len(document.lines), fonts=fonts)


def render_receipt(document: ReceiptDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of a receipt for one payment."""
    money = _Money(document.currency, document.locale)
    balance = document.balance_minor
    data = {
        "number": document.number,
        "facts": _facts(
            ("Received", format_date(document.received_on)),
            ("Paid by", document.method),
            ("Reference", document.reference),
        ),
        "issuer": _party(document.issuer),
        "client": _party(document.client),
        "items": [{"description": item.description, "amount": money(item.amount_minor)} for item in document.items],
        "amount": money(document.amount_minor),
        "balance": None if balance is None else money(balance),
    }
    return _compile("receipt", data, on=document.received_on, rows=len(document.items), fonts=fonts)


def render_statement(document: StatementDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of a statement of account."""
    money = _Money(document.currency, document.locale)
    data = {
        "facts": _facts(
            ("First day", format_date(document.from_day)),
            ("Last day", format_date(document.to_day)),
            ("Currency", document.currency),
        ),
        "issuer": _party(document.issuer),
        "client": _party(document.client),
        "opening": money(document.opening_minor),
        "opening_on": format_date(document.from_day),
        "closing": money(abs(document.closing_minor)),
        "closing_label": ("In your favour on " if document.closing_minor < 0 else "Balance on ")
        + format_date(document.to_day),
        "rows": [
            {
                "on": format_date(row.on),
                "description": row.description,
                "charge": money(row.charge_minor) if row.charge_minor else "",
                "payment": money(row.payment_minor) if row.payment_minor else "",
                "balance": money(row.balance_minor),
            }
            for row in document.rows
        ],
    }
    return _compile("statement", data, on=document.to_day, rows=len(document.rows), fonts=fonts)


def render_accounts(document: AccountsDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of a business's accounts, a table a currency."""
    sections = []
    for section in document.sections:
        money = _Money(section.currency, document.locale)
        columns = [(row.opening_minor, row.debit_minor, row.credit_minor, row.closing_minor) for row in section.rows]
        rows = [
            {"label": row.label, "amounts": [money(amount) if amount else "–" for amount in amounts]}
            for row, amounts in zip(section.rows, columns, strict=True)
        ]
        sums = [money(sum(column)) for column in zip(*columns, strict=True)]
        sections.append({"currency": section.currency, "rows": rows, "sums": sums})
    data = {
        "facts": _facts(
            ("First day", format_date(document.from_day) if document.from_day else "the first booking"),
            ("Last day", format_date(document.to_day)),
        ),
        "issuer": _party(document.issuer),
        "sections": sections,
    }
    rows_of_all = sum(len(section.rows) for section in document.sections)
    return _compile("accounts", data, on=document.to_day, rows=rows_of_all, fonts=fonts)


def render_proposal(document: ProposalDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of a proposal."""
    money = _Money(document.currency, document.locale)
    blocks = read_markdown(document.text)
    if blocks and blocks[0]["kind"] == "heading":
        blocks = blocks[1:]
    data = {
        "title": document.title,
        "number": f"{document.number}, version {document.version}",
        "issuer": _party(document.issuer),
        "client": _party(document.client),
        "made_on": format_date(document.made_on),
        "figures": [
            {"label": "Price", "value": money(document.total_minor)},
            {"label": "Duration", "value": "1 week" if document.weeks == 1 else f"{document.weeks} weeks"},
            {"label": "Valid until", "value": format_date(document.valid_until)},
        ],
        "blocks": blocks,
        "accept_url": document.accept_url,
    }
    return _compile("proposal", data, on=document.made_on, rows=len(blocks), fonts=fonts)


def render_contract(document: ContractDocument, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """The PDF of a contract with its signatures and the hash of what was signed."""
    blocks = read_markdown(document.text)
    data = {
        "number": document.number,
        "title": document.title,
        "issuer": _party(document.issuer),
        "client": _party(document.client),
        "blocks": blocks,
        "sha256": document.sha256,
        "signatures": [_signature(one) for one in document.signatures],
    }
    return _compile("contract", data, on=document.made_on, rows=len(blocks), fonts=fonts)


class _Money:
    """Formats amounts of one document."""

    def __init__(self, currency: str, locale: str) -> None:
        self._currency, self._locale = currency, locale

    def __call__(self, amount_minor: int) -> str:
        return format_money(amount_minor, self._currency, locale=self._locale)


def _sums(document: InvoiceDocument, money: _Money) -> list[dict[str, str | bool]]:
    """The rows under the lines: subtotal, each tax, total, what was paid and what is due."""
    rows: list[tuple[str, int, bool]] = []
    if document.taxes or document.subtotal_minor != document.total_minor:
        rows.append(("Subtotal", document.subtotal_minor, False))
    for tax in document.taxes:
        base = "" if tax.base_minor is None else f" on {money(tax.base_minor)}"
        rows.append((f"{tax.label}{base}", tax.amount_minor, False))
    rows.append(("Total", document.total_minor, True))
    if document.paid_minor:
        rows.append(("Paid", -document.paid_minor, False))
    if document.due_minor != document.total_minor:
        rows.append(("Amount due", document.due_minor, True))
    return [{"label": label, "amount": money(amount), "strong": strong} for label, amount, strong in rows]


def _facts(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for label, value in pairs if value]


def _party(party: PartyBlock) -> dict[str, Any]:
    return {
        "name": party.name,
        "lines": [line for line in party.lines if line.strip()],
        "email": party.email,
        "numbers": [number for number in party.numbers if number.strip()],
    }


def _signature(one: Signature) -> dict[str, str]:
    when = ""
    if one.signed_at is not None:
        moment = one.signed_at.astimezone(UTC)
        when = f"{one.manner}, {format_date(moment.date())}, {moment:%H:%M:%S} UTC"
    return {"role": one.role, "party": one.party, "name": one.name if when else "", "when": when}


def _plain_number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _compile(name: str, data: dict[str, Any], *, on: date, rows: int, fonts: tuple[Path, ...]) -> bytes:
    """Set one document. The only moment that enters the file is the document's own date."""
    if rows > MAX_ROWS:
        raise ValueError(f"a document has at most {MAX_ROWS} rows")
    timestamp = datetime.combine(on, time(), UTC)
    with _LOCK:
        compiler, families = _compiler(fonts)
        inputs = {"data": json.dumps(_printable(data) | {"fonts": families}, ensure_ascii=False)}
        template = str(_TEMPLATES / f"{name}.typ")
        try:
            made = compiler.compile(
                template,
                format="pdf",
                sys_inputs=inputs,
                pdf_standards=list(_STANDARDS),
                timestamp=timestamp,
            )
        except typst.TypstError:
            # PDF/A forbids a character without a glyph; a plain PDF shows a box for it.
            made = compiler.compile(template, format="pdf", sys_inputs=inputs, timestamp=timestamp)
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single PDF")
    return made


@cache
def _compiler(fonts: tuple[Path, ...]) -> tuple[typst.Compiler, list[str]]:
    """A compiler with the built-in fonts and those of the folders, and the names of the latter."""
    folders = [str(folder) for folder in fonts]
    own = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    loaded = typst.Fonts(include_system_fonts=False, font_paths=folders)
    compiler = typst.Compiler(root=str(_TEMPLATES), font_paths=loaded, ignore_system_fonts=True)
    return compiler, sorted(own.families())


def _printable(value: Any) -> Any:
    """The data without characters that cannot be printed, and with places where very long words may break."""
    if isinstance(value, str):
        kept = "".join(char for char in value if char in "\n\t" or unicodedata.category(char) not in _UNPRINTABLE)
        return _LONG.sub(_softened, kept)
    if isinstance(value, dict):
        return {key: _printable(inner) if key not in _VERBATIM else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return value


_UNPRINTABLE = frozenset({"Cc", "Cs", "Co", "Cn"})
_VERBATIM = frozenset({"href", "pay_url", "accept_url"})


def _softened(match: re.Match[str]) -> str:
    word = match[0]
    return "\u200b".join(word[at : at + _SOFT] for at in range(0, len(word), _SOFT))
