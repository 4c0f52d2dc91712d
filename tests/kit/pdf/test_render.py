import io
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grace.kit.pdf.documents import (
    AccountRow,
    AccountsDocument,
    AccountsSection,
    ContractDocument,
    InvoiceDocument,
    InvoiceLine,
    PartyBlock,
    ProposalDocument,
    ReceiptDocument,
    ReceiptItem,
    Signature,
    StatementDocument,
    StatementRow,
    TaxLine,
)
from grace.kit.pdf.render import (
    MAX_ROWS,
    render_accounts,
    render_contract,
    render_invoice,
    render_proposal,
    render_receipt,
    render_statement,
)

ISSUER = PartyBlock("Nordlicht Studio GmbH", ("Hafenstr. 12", "20457 Hamburg"), "jo@nordlicht.eu", ("VAT DE123",))
CLIENT = PartyBlock("Weber Bäckereien & Söhne GmbH & Co. KG", ("Torstr. 1", "10119 Berlin"))
DAY = date(2026, 11, 20)

INVOICE = InvoiceDocument(
    number="INV-20261120-42",
    issued_on=DAY,
    due_on=date(2026, 12, 4),
    currency="EUR",
    issuer=ISSUER,
    client=CLIENT,
    lines=(
        InvoiceLine("Customer portal", Decimal("84.50"), 9500, 802750, "h", "19 %", "Login and orders"),
        InvoiceLine("Training", Decimal(1), 76000, 76000, tax="19 %"),
    ),
    subtotal_minor=878750,
    taxes=(TaxLine("VAT 19 %", 166963, 878750),),
    total_minor=1045713,
    due_minor=1045713,
    reference="Project 12",
    pay_url="https://pay.nordlicht.eu/pay/main.abcdefghijklmnopqrstuvwxyz0123456789",
    payment_note="IBAN DE89 3704 0044 0532 0130 00\nPlease quote the number.",
    notes="Thank you.",
)
PROPOSAL = ProposalDocument(
    number="P-12",
    version=2,
    title="Customer portal",
    issuer=ISSUER,
    client=CLIENT,
    made_on=DAY,
    valid_until=date(2026, 12, 20),
    currency="USD",
    total_minor=1700000,
    weeks=7,
    text=(
        "# Customer portal\n\nDear **Anna**,\n\n- one\n- two\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n\nKind regards"
    ),
    accept_url="https://app.nordlicht.eu/proposal/x",
)
CONTRACT = ContractDocument(
    number="C-7",
    title="Portal",
    made_on=DAY,
    issuer=ISSUER,
    client=CLIENT,
    text="# Contract C-7\n\n## § 1 Subject\n\nThe portal.",
    sha256="ab" * 32,
    signatures=(
        Signature("Client", "Weber", "Anna Weber", datetime(2026, 11, 22, 9, 30, 12, tzinfo=UTC)),
        Signature("Provider", "Nordlicht", "must not show unsigned"),
    ),
)


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


def links_of(pdf: bytes) -> list[str]:
    found = []
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for annotation in page.get("/Annots", []):
            action = annotation.get_object().get("/A")
            if action is not None and "/URI" in action:
                found.append(str(action["/URI"]))
    return found


def test_an_invoice_shows_every_figure():
    pdf = render_invoice(INVOICE)
    text = text_of(pdf)
    for part in (
        "INV-20261120-42",
        "20 November 2026",
        "4 December 2026",
        "Weber Bäckereien & Söhne GmbH & Co. KG",
        "84.5 h",
        "€8,027.50",
        "VAT 19 % on €8,787.50",
        "€1,669.63",
        "€10,457.13",
        "IBAN DE89 3704 0044 0532 0130 00",
        "Thank you.",
        "1 / 1",
    ):
        assert part in text
    assert links_of(pdf)[0] == INVOICE.pay_url


def test_a_paid_invoice_asks_for_nothing():
    text = text_of(render_invoice(replace(INVOICE, paid_minor=1045713, due_minor=0, stamp="PAID")))
    assert "PAID" in text
    assert "−€10,457.13" in text
    assert "How to pay" not in text


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("INR", "₹1,41,600.00"), ("JPY", "¥14,160,000"), ("KWD", "KWD 14,160.000"), ("USD", "$141,600.00")],
)
def test_currencies(currency, shown):
    assert shown in text_of(render_invoice(replace(INVOICE, currency=currency, total_minor=14160000)))


def test_other_locales():
    assert "10.457,13 €" in text_of(render_invoice(replace(INVOICE, locale="de")))


def test_many_lines_run_over_pages_with_the_head_repeated():
    pdf = render_invoice(replace(INVOICE, lines=INVOICE.lines * 60))
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) >= 3
    assert all("Description" in page.extract_text() for page in pages[:-1])
    assert f"{len(pages)} / {len(pages)}" in text_of(pdf)


def test_more_rows_than_a_document_may_have_are_refused():
    with pytest.raises(ValueError, match="rows"):
        render_invoice(replace(INVOICE, lines=INVOICE.lines * MAX_ROWS))


def test_the_same_document_gives_the_same_bytes_in_pdf_a():
    assert render_invoice(INVOICE) == render_invoice(INVOICE)
    assert render_proposal(PROPOSAL) == render_proposal(PROPOSAL)
    pdf = render_invoice(INVOICE)
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert pypdf.PdfReader(io.BytesIO(pdf)).metadata.title == "Invoice INV-20261120-42"


def test_devanagari_is_set_and_a_script_without_font_still_gives_a_document():
    hindi = render_invoice(replace(INVOICE, client=PartyBlock("राम एंड संस, नई दिल्ली")))
    assert b"pdfaid" in hindi
    chinese = render_invoice(replace(INVOICE, client=PartyBlock("北京公司 👩‍💻")))
    assert chinese.startswith(b"%PDF-")
    assert "INV-20261120-42" in text_of(chinese)


HOSTILE = [
    '#include "/etc/passwd"',
    "#panic()",
    "$x^2$",
    "\\ \\u{41} \\#",
    "*bold* _italic_ `raw` <label> @ref",
    "= Heading",
    "// comment /* more */",
    '"quoted" #"x"',
    "#sys.inputs",
    "[content] {code}",
    '#import "base.typ": *',
    "---  ...  ~",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_write_is_never_code(text):
    line = InvoiceLine(text, Decimal(1), 1, 1, unit=text, tax=text, detail=text)
    document = replace(
        INVOICE, number=text, title=text, client=PartyBlock(text, (text,), text, (text,)), lines=(line,), notes=text
    )
    shown = text_of(render_invoice(document)).replace(" ", "")
    assert shown.count(text.replace(" ", "")) >= 9
    proposal = render_proposal(replace(PROPOSAL, title=text, text=f"```\n{text}\n```"))
    assert text.replace(" ", "") in text_of(proposal).replace(" ", "")


@settings(max_examples=40)
@given(st.text(max_size=120), st.text(max_size=400))
def test_any_text_can_be_set(name, text):
    party = PartyBlock(name, (text,), name, (name,))
    document = replace(INVOICE, issuer=party, client=party, notes=text, stamp=name[:20])
    assert render_invoice(document).startswith(b"%PDF-")
    assert render_proposal(replace(PROPOSAL, title=name, text=text)).startswith(b"%PDF-")


def test_very_long_words_break():
    pdf = render_invoice(replace(INVOICE, client=PartyBlock("x" * 400), notes="y" * 3000))
    assert text_of(pdf).replace(" ", "").count("y") >= 3000


def test_a_proposal():
    pdf = render_proposal(PROPOSAL)
    text = text_of(pdf)
    for part in ("Customer portal", "P-12, version 2", "$17,000.00", "7 weeks", "20 December 2026", "Kind regards"):
        assert part in text
    assert text.count("Customer portal") == 1
    assert links_of(pdf)[-1] == PROPOSAL.accept_url


def test_a_short_and_an_empty_proposal_still_print():
    assert "One line" in text_of(render_proposal(replace(PROPOSAL, text="One line")))
    assert render_proposal(replace(PROPOSAL, text="")).startswith(b"%PDF-")


def test_a_contract_with_one_signature_of_two():
    text = text_of(render_contract(CONTRACT))
    for part in ("§ 1 Subject", "Anna Weber", "22 November 2026, 09:30:12 UTC", "ab" * 32, "Name, date"):
        assert part in text
    assert "must not show unsigned" not in text


def test_a_receipt():
    receipt = ReceiptDocument(
        number="R-42",
        received_on=DAY,
        currency="JPY",
        issuer=ISSUER,
        client=CLIENT,
        method="Visa 4242",
        items=(ReceiptItem("Invoice INV-1", 150000),),
        amount_minor=150000,
        balance_minor=0,
    )
    text = text_of(render_receipt(receipt))
    for part in ("R-42", "Visa 4242", "Invoice INV-1", "¥150,000", "Received with thanks", "Still open ¥0"):
        assert part in text


def test_a_statement():
    statement = StatementDocument(
        from_day=date(2026, 10, 1),
        to_day=date(2026, 11, 30),
        currency="KWD",
        issuer=ISSUER,
        client=CLIENT,
        opening_minor=0,
        closing_minor=250500,
        rows=(
            StatementRow(date(2026, 10, 3), "Invoice INV-1", 500500, charge_minor=500500),
            StatementRow(DAY, "Card payment", 250500, payment_minor=250000),
        ),
    )
    text = text_of(render_statement(statement))
    for part in ("Opening balance", "KWD 0.000", "KWD 500.500", "KWD 250.000", "Balance on 30 November 2026"):
        assert part in text


def test_a_balance_in_the_client_s_favour_says_so():
    statement = StatementDocument(DAY, DAY, "USD", ISSUER, CLIENT, opening_minor=0, closing_minor=-4000, rows=())
    text = text_of(render_statement(statement))
    assert "In your favour on" in text
    assert "$40.00" in text


def test_the_accounts_of_a_business():
    yen = AccountsSection(
        "JPY", (AccountRow("Owed by clients", 0, 5000, 0, 5000), AccountRow("Revenue", 0, 0, 5000, -5000))
    )
    text = text_of(render_accounts(AccountsDocument(None, DAY, ISSUER, (yen,))))
    for part in ("the first booking", "JPY", "Owed by clients", "¥5,000", "\u2212¥5,000", "¥0"):
        assert part in text
    assert "Nothing was booked" in text_of(render_accounts(AccountsDocument(DAY, DAY, ISSUER, ())))


def test_an_invoice_takes_milliseconds():
    long = replace(INVOICE, lines=INVOICE.lines * 20)
    render_invoice(long)
    started = time.process_time()
    for number in range(10):
        render_invoice(replace(long, number=f"INV-{number}"))
    assert (time.process_time() - started) / 10 < 0.25
