"""Patterns of invoice numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.invoicing.rules.numbering import Series, fault, formatted, period

DAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("series", "n", "number"),
    [
        (Series("INV-{YYYYMMDD}-{n}"), 7, "INV-20261121-7"),
        (Series("{FY}/{n:05}", 4, 16), 42, "2026-27/00042"),
        (Series("R{YY}{MM}{DD}/{n:03}"), 1234, "R261121/1234"),
        (Series("{FY}-{n}"), 1, "2026-1"),
        (Series("{YYYY}-{n:09}"), 1, "2026-000000001"),
    ],
)
def test_numbers(series: Series, n: int, number: str) -> None:
    assert formatted(series, DAY, n) == number


def test_a_number_that_is_too_long_is_none() -> None:
    assert formatted(Series("{FY}/{n:05}", 4, 16), DAY, 10**9) is None


@pytest.mark.parametrize(
    ("day", "starts", "label"),
    [
        (date(2026, 3, 31), 4, "2025-26"),
        (date(2026, 4, 1), 4, "2026-27"),
        (date(1999, 12, 1), 4, "1999-00"),
        (date(2026, 1, 1), 1, "2026"),
    ],
)
def test_fiscal_years(day: date, starts: int, label: str) -> None:
    assert period(Series("{FY}/{n}", starts), day) == label
    assert period(Series("{YYYY}/{n}", starts), day) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "INV",
        "{n}{n}",
        "{n:05}-{n}",
        "INV_{n}",
        "INV {n}",
        "{N}",
        "{n:5}",
        "{n:00}",
        "{YYYY:02}-{n}",
        "{x}{n}",
        "é{n}",
    ],
)
def test_patterns_that_are_refused(pattern: str) -> None:
    assert fault(pattern) is not None


@given(st.text(alphabet="AZ09-/{}n:YMDF5", max_size=30), st.integers(1, 10**9))
def test_accepted_patterns_give_different_numbers_for_different_counts(pattern: str, n: int) -> None:
    if fault(pattern) is None:
        one, two = formatted(Series(pattern), DAY, n), formatted(Series(pattern), DAY, n + 1)
        assert one is not None
        assert one != two
        assert set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/")
