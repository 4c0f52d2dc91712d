"""Columns are recognised by their headers, stages by their words, amounts by their text."""

import pytest

from grace.domains.crm.rules.exports import is_nothing, match_headers, plain_amount, stage_of
from grace.domains.crm.rules.stages import Stage


def test_headers_of_known_crms_are_recognised() -> None:
    columns = ["First Name", "Last Name", "E-Mail Address", "Account Name", "LEAD_SOURCE", "Deal-Stage", "Owner", "Id"]
    assert match_headers(columns, given={}) == {
        "external_id": "Id", "first_name": "First Name", "last_name": "Last Name", "email": "E-Mail Address",
        "company": "Account Name", "source": "LEAD_SOURCE", "stage": "Deal-Stage",
    }  # fmt: skip


def test_the_surest_header_wins_and_a_column_serves_one_field() -> None:
    assert match_headers(["Source", "Lead Source"], given={}) == {"source": "Lead Source"}
    assert match_headers(["Name", "Company"], given={"company": "Name"}) == {"company": "Name"}


def test_what_is_given_wins_and_an_empty_column_leaves_the_field_out() -> None:
    assert match_headers(["Name", "Client", "Stage"], given={"name": "Client", "stage": ""}) == {"name": "Client"}


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("lead", Stage.LEAD), ("Prospecting", Stage.LEAD), ("Engaging", Stage.QUALIFIED), ("PROPOSAL", Stage.PROPOSAL),
        ("Negotiation/Review", Stage.NEGOTIATION), ("Closed Won", Stage.ACTIVE), ("closed-lost", Stage.LOST),
        ("Paid", Stage.PAID), ("somewhere", None), ("", None),
    ],
)  # fmt: skip
def test_stages_by_the_words_of_others(text: str, stage: Stage | None) -> None:
    assert stage_of(text) is stage


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1054.0", "1054.0"), ("$12,000.50", "12000.50"), ("12.000,50 EUR", "12000.50"), ("1'200", "1200"),
        ("1,234", "1234"), ("1234,56", "1234.56"), ("1.234", "1.234"), ("USD 7", "7"), ("1,234,567", "1234567"),
        ("₹1,41,600", "141600"),
    ],
)  # fmt: skip
def test_amounts_as_exports_write_them(text: str, plain: str) -> None:
    assert plain_amount(text) == plain


@pytest.mark.parametrize("text", ["", "ten", "1-2", "-5", "5k to 10k", "1e9", "NaN"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        plain_amount(text)


def test_texts_that_mean_nothing() -> None:
    assert all(map(is_nothing, ("", "  ", "-", "NULL", "n/a")))
    assert not is_nothing("NA")  # Namibia
