"""Totals against exact fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.invoicing.rules.totals import Line, divided, earned, totals
from grace.kit.money import MAX_MINOR, InvalidMoney

quantities = st.decimals(min_value="0.000001", max_value="99999", places=6)
prices = st.integers(min_value=0, max_value=10**9)
rates = st.decimals(min_value=0, max_value=100, places=3)
some_lines = st.lists(st.builds(Line, st.just("Work"), quantities, prices, rates), min_size=1, max_size=30)


def half_away(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def line(quantity: str, price: int, rate: str = "0") -> Line:
    return Line("Work", Decimal(quantity), price, Decimal(rate))


@pytest.mark.parametrize(
    ("quantity", "price", "net"),
    [("0.5", 1, 1), ("0.499999", 1, 0), ("1.5", 3, 5), ("2.5", 1001, 2503), ("0.333333", 100, 33), ("3", 0, 0)],
)
def test_a_line_is_rounded_once_half_away_from_zero(quantity: str, price: int, net: int) -> None:
    assert line(quantity, price).net_minor == net


def test_tax_is_rounded_once_for_all_lines_of_a_rate() -> None:
    lines = [line("1", 3, "10")] * 10
    assert totals(lines).tax_minor == 3  # each alone would be 0.3, rounded to nothing


def test_one_rate_spelled_twice_is_one() -> None:
    found = totals([line("1", 100, "20"), line("1", 100, "20.000"), line("1", 50, "5.5"), line("1", 7)])
    assert [(tax.rate, tax.net_minor, tax.tax_minor) for tax in found.taxes] == [(20, 200, 40), (Decimal("5.5"), 50, 3)]
    assert (found.net_minor, found.tax_minor, found.total_minor) == (257, 43, 300)


def test_absurd_sums_are_refused() -> None:
    with pytest.raises(InvalidMoney):
        totals([line("999999999999", MAX_MINOR)])
    with pytest.raises(InvalidMoney):
        totals([line("1", MAX_MINOR, "1")])


@given(some_lines)
def test_totals_are_those_of_exact_fractions(lines: list[Line]) -> None:
    found = totals(lines)
    nets = [half_away(Fraction(one.quantity) * one.unit_price_minor) for one in lines]
    assert [one.net_minor for one in lines] == nets
    by_rate: dict[Decimal, int] = {}
    for one, net in zip(lines, nets, strict=True):
        by_rate[one.tax_rate] = by_rate.get(one.tax_rate, 0) + net
    assert found.net_minor == sum(nets)
    assert found.tax_minor == sum(half_away(Fraction(rate) * net / 100) for rate, net in by_rate.items())
    assert found.total_minor == found.net_minor + found.tax_minor


@given(some_lines, st.randoms())
def test_the_order_of_lines_does_not_matter(lines: list[Line], random: object) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert totals(shuffled) == totals(lines)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.lists(st.integers(1, 10**9), max_size=6))
def test_what_is_earned_by_parts_is_the_net_in_the_end(net: int, tax: int, parts: list[int]) -> None:
    total = net + tax
    paid = before = 0
    for part in [*parts, total]:
        paid = min(total, paid + part)
        now = earned(net_minor=net, total_minor=total, paid_minor=paid)
        assert now - before >= 0
        assert now <= paid
        before = now
    assert before == net


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_division_is_exact(numerator: int, denominator: int) -> None:
    assert divided(numerator, denominator) == half_away(Fraction(numerator, denominator))
