from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.display import format_date, format_money
from grace.kit.money import DIGITS


@pytest.mark.parametrize(
    ("amount_minor", "currency", "locale", "shown"),
    [
        (150000, "USD", "en", "$1,500.00"),
        (14160000, "INR", "en", "₹1,41,600.00"),
        (12345678901, "INR", "en-IN", "₹12,34,56,789.01"),
        (99, "INR", "en", "₹0.99"),
        (1500, "JPY", "en", "¥1,500"),
        (1234567, "KWD", "en", "KWD\u00a01,234.567"),
        (-5, "EUR", "en", "−€0.05"),
        (123456, "EUR", "de", "1.234,56\u00a0€"),
        (123456, "EUR", "fr-FR", "1\u202f234,56\u00a0€"),
        (123456, "CHF", "de_CH", "1.234,56\u00a0CHF"),
        (0, "USD", "xx", "$0.00"),
        (100000, "USD", "en", "$1,000.00"),
        (99999, "USD", "en", "$999.99"),
    ],
)
def test_money(amount_minor, currency, locale, shown):
    assert format_money(amount_minor, currency, locale=locale) == shown


@given(st.integers(-(10**17), 10**17), st.sampled_from(sorted(DIGITS)), st.sampled_from(["en", "de", "fr", "pl"]))
def test_no_digit_is_lost(amount_minor, currency, locale):
    shown = format_money(amount_minor, currency, locale=locale)
    assert int("".join(char for char in shown if char.isdigit())) == abs(amount_minor)
    assert shown.startswith("−") == (amount_minor < 0)


def test_dates():
    assert format_date(date(2026, 11, 2)) == "2 November 2026"
