"""Money: exact in, exact out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit import json
from grace.kit.money import DIGITS, MAX_MINOR, InvalidMoney, Money, rounded, split, to_major, to_minor


@given(st.integers(0, MAX_MINOR), st.sampled_from(sorted(DIGITS)))
def test_an_amount_comes_back_as_it_went_in(amount_minor: int, currency: str) -> None:
    shown = json.dumps(to_major(amount_minor, currency))
    assert to_minor(json.loads(shown), currency) == amount_minor
    digits = len(shown.partition(".")[2])
    assert digits == DIGITS[currency]


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("-1", "USD"), ("1.001", "USD"), ("1.5", "JPY"), ("NaN", "USD"), ("Infinity", "USD"), ("1e400", "USD"),
     ("1" * 31, "USD"), ("9" * 20, "USD"), ("1", "XXX"), ("1", ""), ("abc", "EUR"), ("0.0001", "KWD"),
     ("1_000", "USD"), ("\u0663", "USD"), ("\uff15", "USD"), ("5\u00a0", "USD")],
)  # fmt: skip
def test_what_is_not_money_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidMoney):
        Money.parse(amount, currency)


def test_binary_floats_are_not_amounts() -> None:
    with pytest.raises(InvalidMoney):
        to_minor(1.5, "USD")  # type: ignore[arg-type]


def test_trailing_zeros_are_no_extra_decimals() -> None:
    assert to_minor(Decimal("1500.0000"), "usd") == 150_000


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_shares_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    if not sum(weights):
        weights[0] = 1
    parts = split(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    assert all(abs(part - amount * weight / total) < 1.001 for part, weight in zip(parts, weights, strict=True))


def test_halves_round_away_from_zero() -> None:
    assert [rounded(Decimal(text)) for text in ("0.5", "1.5", "-0.5", "2.4")] == [1, 2, -1, 2]
