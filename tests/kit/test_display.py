from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit import zones
from grace.kit.display import format_date, format_day, format_last_day, format_moment, format_money
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


@pytest.mark.parametrize(
    ("zone", "shown", "exact"),
    [
        ("UTC", "20 Nov 2026", "20 Nov 2026, 20:04 UTC"),
        ("Asia/Kolkata", "21 Nov 2026", "21 Nov 2026, 01:34:05.678 IST"),
        ("America/New_York", "20 Nov 2026", "20 Nov 2026, 15:04:05.678 EST"),
        ("Pacific/Kiritimati", "21 Nov 2026", "21 Nov 2026, 10:04:05.678 UTC+14"),
    ],
)
def test_a_time_is_shown_where_its_reader_is(zone: str, shown: str, exact: str) -> None:
    at = datetime(2026, 11, 20, 20, 4, 5, 678901, tzinfo=UTC)
    assert format_day(at, zones.zone(zone)) == shown
    assert format_day(at.date(), zones.zone(zone)) == "20 Nov 2026"
    assert format_moment(at, zones.zone(zone), to_the_millisecond="." in exact) == exact


def test_the_last_day_of_what_holds_until_midnight_is_the_day_before():
    assert format_last_day(datetime(2026, 11, 21, tzinfo=UTC)) == "20 Nov 2026"
    assert format_last_day(datetime(2026, 11, 21, 0, 1, tzinfo=UTC)) == "21 Nov 2026"


def test_dates():
    assert format_date(date(2026, 11, 2)) == "2 November 2026"
